package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// kubeVersion is what templates see; a helm that was built plainly knows no better than 1.20.
const kubeVersion = "v1.36.0"

// helm runs the helm program on the chart.
type helm struct{ program string }

func (h helm) lint(ctx context.Context, values string) error {
	_, err := h.run(ctx, "lint", "--strict", "--quiet", "--kube-version", kubeVersion, "--values", values, chartFolder)
	return err
}

func (h helm) template(ctx context.Context, values string) (io.Reader, error) {
	return h.run(ctx, "template", "release", chartFolder, "--namespace", "operator-system",
		"--kube-version", kubeVersion, "--values", values)
}

// run returns what helm printed. Its error holds what helm said.
func (h helm) run(ctx context.Context, args ...string) (io.Reader, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, h.program, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("helm %s: %w\n%s%s", strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return &stdout, nil
}

// checkRefused renders with values that the schema or a template must refuse, for the reason in the file's first line.
func checkRefused(ctx context.Context, h helm, values string) error {
	text, err := os.ReadFile(values)
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	want, found := strings.CutPrefix(first, "# want: ")
	if !found {
		return fmt.Errorf("%s: its first line must be '# want: ' and a part of helm's message", values)
	}
	_, err = h.template(ctx, values)
	if err == nil {
		return fmt.Errorf("%s: helm accepts it", values)
	}
	if _, message, _ := strings.Cut(err.Error(), "\n"); !strings.Contains(message, want) {
		return fmt.Errorf("%s: helm does not say %q: %w", values, want, err)
	}
	return nil
}
