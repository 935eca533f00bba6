package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ctr-operator/ctr-operator/test/harness"
	"github.com/ctr-operator/ctr-operator/test/harness/story"
)

// silence is how long nothing may be heard before the terminal says that work goes on.
const silence = 10 * time.Second

// terminal writes for a person. Several goroutines may write at once: the story, the programs it runs, the heartbeat.
type terminal struct {
	color bool

	mu   sync.Mutex
	out  io.Writer
	last time.Time
}

func newTerminal(out io.Writer, color bool) *terminal {
	return &terminal{out: out, color: color, last: time.Now()}
}

func (t *terminal) line(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = time.Now()
	fmt.Fprintf(t.out, format+"\n", args...)
}

func (t *terminal) paint(code, text string) string {
	if !t.color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (t *terminal) bold(text string) string  { return t.paint("1", text) }
func (t *terminal) dim(text string) string   { return t.paint("2", text) }
func (t *terminal) green(text string) string { return t.paint("32", text) }
func (t *terminal) red(text string) string   { return t.paint("31;1", text) }
func (t *terminal) blue(text string) string  { return t.paint("36", text) }

func (t *terminal) title(text string) { t.line("%s\n", t.bold(text)) }

func (t *terminal) part(number, of int, title string) {
	t.line("%s %s", t.dim(fmt.Sprintf("[%d/%d]", number, of)), t.bold(title))
}

// programs takes what the programs say that set the stage.
func (t *terminal) programs() io.Writer { return &indented{t: t} }

// indented passes on whole lines.
type indented struct {
	t    *terminal
	rest string
}

func (w *indented) Write(p []byte) (int, error) {
	lines := strings.Split(w.rest+string(p), "\n")
	w.rest = lines[len(lines)-1]
	for _, line := range lines[:len(lines)-1] {
		if strings.TrimSpace(line) != "" {
			w.t.line("      %s", w.t.dim(strings.TrimRight(line, "\r")))
		}
	}
	return len(p), nil
}

// patiently runs something that may take long, and says so as long as nothing else is heard.
func (t *terminal) patiently(ctx context.Context, run func(context.Context) error) error {
	begin := time.Now()
	done := make(chan struct{})
	var heartbeat sync.WaitGroup
	heartbeat.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case now := <-tick.C:
				if t.quietFor(now) >= silence {
					t.line("      %s", t.dim(fmt.Sprintf("… still at it, %.0f s so far", now.Sub(begin).Seconds())))
				}
			}
		}
	})
	err := run(ctx)
	close(done)
	heartbeat.Wait()
	if err == nil {
		t.line("      %s", t.green(fmt.Sprintf("✓ %.1f s", time.Since(begin).Seconds())))
	}
	return err
}

func (t *terminal) quietFor(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return now.Sub(t.last)
}

// Step, Note, Show and Claim tell the story.
func (t *terminal) Step(number int, title string) {
	t.line("\n%s\n", t.bold(t.blue(fmt.Sprintf("%d. %s", number, title))))
}

// Note is a sentence.
func (t *terminal) Note(format string, args ...any) { t.line("   %s", fmt.Sprintf(format, args...)) }

// Show is a block of text.
func (t *terminal) Show(title, text string) {
	t.line("   %s", t.bold(title))
	for line := range strings.Lines(text) {
		t.line("   %s %s", t.dim("│"), strings.TrimRight(line, "\n"))
	}
}

// Claim says whether something held.
func (t *terminal) Claim(c story.Claim) {
	switch {
	case !c.Held:
		t.line("   %s %s", t.red("✗ "+c.Text), c.Detail)
	case c.Detail == "" || strings.Contains(c.Detail, "\n"):
		t.line("   %s", t.green("✓ "+c.Text))
	default:
		t.line("   %s %s", t.green("✓ "+c.Text), t.dim("("+c.Detail+")"))
	}
}

// table is what happened, on one screen.
func (t *terminal) table(r story.Result) {
	t.line("\n%s\n", t.bold("What happened"))
	line := func(cells ...any) string {
		return strings.TrimRight(fmt.Sprintf("%-4v  %-28v %8v %9v %9v %9v  %-15v %6v %8v", cells...), " ")
	}
	t.line("   %s", t.dim(line("step", "", "requests", "version 1", "version 2", "version 3",
		"canary expected", "failed", "seconds")))
	for _, row := range r.Rows {
		step := "all"
		if row.Step > 0 {
			step = fmt.Sprint(row.Step)
		}
		t.line("   %s", line(step, row.What, row.Requests, row.Revisions[1], row.Revisions[2], row.Revisions[3], row.Expected,
			row.Failed, fmt.Sprintf("%.1f", row.Took.Seconds())))
	}
	total := fmt.Sprintf("%d requests, %d failed.", r.TotalRequests(), r.TotalFailed())
	if r.TotalFailed() == 0 {
		t.line("\n   %s", t.green(total))
	} else {
		t.line("\n   %s", t.red(total))
	}
}

// showModels is what kubectl says about the model when all is over.
func (t *terminal) showModels(ctx context.Context, h *harness.Harness, model client.ObjectKey) error {
	models, err := h.Kubectl(ctx, "-n", model.Namespace, "get", "ctrmodels", "-o", "wide")
	if err == nil {
		t.line("")
		t.Show("kubectl -n "+model.Namespace+" get ctrmodels -o wide", models)
	}
	return err
}

// lookAround says how to go on.
func (t *terminal) lookAround(h *harness.Harness, model client.ObjectKey) {
	t.line("\n%s\n", t.bold("Look around"))
	for _, command := range []string{
		`eval "$(go run ./hack/cluster env)"   # KUBECONFIG=` + h.Kubeconfig,
		fmt.Sprintf("kubectl -n %s get ctrmodels -o wide", model.Namespace),
		fmt.Sprintf("kubectl -n %s describe ctrmodel %s", model.Namespace, model.Name),
		fmt.Sprintf("kubectl -n %s get all,controllerrevisions,configmaps -l serving.ctr-operator.dev/model=%s",
			model.Namespace, model.Name),
		fmt.Sprintf("kubectl -n %s port-forward svc/%s 8501 &", model.Namespace, model.Name),
		fmt.Sprintf(`curl -i localhost:8501/v1/models/%s:predict -d '{"inputs": {"query": "deep learning", "position": 2, `+
			`"score": 0.7, "summary": "DL introduction"}}'`, model.Name),
		"make demo-down",
	} {
		t.line("   %s", command)
	}
	t.line("")
}
