// Command testsum runs `go test -json` with the arguments it was given and prints what a person wants to see of it: a
// line for each package, the output of what failed, every skipped test with its reason, and the sum of it all. Ginkgo
// suites are counted by their specs. It exits as go test does. With -live as its first argument it also prints what the
// tests say while they run.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		code = 1
	}
	os.Exit(code)
}

// run returns go test's own exit code, or 1 where the summary knows of a failure that the code does not.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	live := len(args) > 0 && args[0] == "-live"
	if live {
		args = args[1:]
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stderr = stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	sum := newSummary(stdout, live)
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			sum.line(line)
		}
		if err != nil {
			break
		}
	}
	waitErr := cmd.Wait()
	sum.finish()
	var exit *exec.ExitError
	switch {
	case errors.As(waitErr, &exit):
		return max(exit.ExitCode(), 1), nil
	case waitErr != nil:
		return 0, waitErr
	case sum.failed > 0:
		return 1, nil
	}
	return 0, nil
}
