package harness

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// run runs a program in the repository's root, with the cluster's environment, and lets it be heard on out: its error
// need not repeat what was said there.
func (h *Harness) run(ctx context.Context, out io.Writer, name string, args ...string) error {
	cmd := h.command(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}

// capture is run with the standard output returned; what the program says on standard error is heard.
func (h *Harness) capture(ctx context.Context, name string, args ...string) (string, error) {
	var stdout bytes.Buffer
	cmd := h.command(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, h.out
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return stdout.String(), nil
}

func (h *Harness) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, h.program(name), args...)
	cmd.Dir = h.Root
	cmd.Env = append(os.Environ(), h.Environment...)
	return cmd
}

// program prefers what the cluster tool has built to what the machine happens to have.
func (h *Harness) program(name string) string {
	if name == "go" {
		return name
	}
	built := filepath.Join(CacheDir(), "bin", name)
	if _, err := os.Stat(built); err == nil {
		return built
	}
	return name
}

// Kubectl runs kubectl and returns what it printed.
func (h *Harness) Kubectl(ctx context.Context, args ...string) (string, error) {
	return h.capture(ctx, "kubectl", args...)
}

// Cached says whether an earlier run has filled the cache.
func Cached() bool {
	_, err := os.Stat(filepath.Join(CacheDir(), "bin", "helm"))
	return err == nil
}

// CacheDir is where the cluster tool keeps what it builds.
func CacheDir() string {
	if dir := os.Getenv("CTR_OPERATOR_CACHE"); dir != "" {
		return dir
	}
	base, err := os.UserCacheDir() // $XDG_CACHE_HOME, or ~/.cache
	if err != nil {
		base = os.TempDir()
	}
	return filepath.Join(base, "ctr-operator")
}
