// Command demo tells the story of test/harness/story on a terminal: it brings up a cluster, installs the operator with
// Helm, and takes a model through a canary, a promotion and a bad version, with users asking all the while. It ends with
// status 1 if anything that it claims did not hold. `demo down` takes away what it made.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ctr-operator/ctr-operator/test/harness"
	"github.com/ctr-operator/ctr-operator/test/harness/story"
)

// model is what the demo is about. It lives beside the S3 server, so that there is one namespace to look at.
var model = client.ObjectKey{Namespace: harness.SharedNamespace, Name: "search-ctr"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	color := term.IsTerminal(int(os.Stdout.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	tell := run
	if len(os.Args) > 1 && os.Args[1] == "down" {
		tell = down
	}
	if err := tell(ctx, os.Stdout, color); err != nil {
		fmt.Fprintln(os.Stderr, "\nThis did not work out:", err)
		os.Exit(1) //nolint:gocritic // stop only restores the signals of a process that ends here
	}
}

func run(ctx context.Context, out io.Writer, color bool) error {
	begin := time.Now()
	t := newTerminal(out, color)
	h, err := harness.New(t.programs())
	if err != nil {
		return err
	}
	t.title("ctr-operator: a click-through-rate model goes to production, the way code does")
	if !harness.Cached() {
		t.line("The first run compiles what it needs, a Kubernetes included, from Go modules into %s.\n"+
			"On two cores that takes ten to twenty minutes; later runs take about one.\n", harness.CacheDir())
	}
	if err := setUp(ctx, h, t); err != nil {
		return err
	}
	ready := time.Now()
	result, err := story.Run(ctx, h, model, t)
	if err != nil {
		return err
	}
	t.table(result)
	if err := t.showModels(ctx, h, model); err != nil {
		return err
	}
	t.lookAround(h, model)
	t.line("%s", t.dim(fmt.Sprintf("Setting up took %.0f s, the story %.0f s.",
		ready.Sub(begin).Seconds(), time.Since(ready).Seconds())))
	if broken := result.Broken(); len(broken) > 0 {
		return fmt.Errorf("%d of %d claims did not hold, the first in step %d: %s (%s)",
			len(broken), len(result.Claims), broken[0].Step, broken[0].Text, broken[0].Detail)
	}
	return nil
}

func down(ctx context.Context, out io.Writer, color bool) error {
	h, err := harness.New(newTerminal(out, color).programs())
	if err != nil {
		return err
	}
	return h.Down(ctx)
}

// setUp is all that comes before the story. Each part finds what an earlier run has left, and is quick then.
func setUp(ctx context.Context, h *harness.Harness, t *terminal) error {
	parts := []struct {
		title string
		run   func(context.Context) error
	}{
		{"A Kubernetes cluster", h.Up},
		{"Container images, built from this tree", h.BuildImages},
		{"The operator, with Helm from charts/ctr-operator", func(ctx context.Context) error {
			return h.InstallOperator(ctx, harness.InstallOptions{})
		}},
		{"An S3 server in the cluster, and a pod that plays the users", h.DeployShared},
		{"A clean start for the model " + model.Name, func(ctx context.Context) error {
			if err := h.DeleteModel(ctx, model); err != nil {
				return err
			}
			return h.EnsureS3Secret(ctx, model.Namespace)
		}},
	}
	for i, part := range parts {
		t.part(i+1, len(parts), part.title)
		if err := t.patiently(ctx, part.run); err != nil {
			return fmt.Errorf("%s: %w", part.title, err)
		}
	}
	return nil
}
