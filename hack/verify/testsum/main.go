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
	"iter"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
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
	for line := range withHeartbeat(lines(events), quiet) {
		sum.line(line)
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

// quiet is how long nothing may be heard, so that nobody thinks that a cold build hangs.
const quiet = 20 * time.Second

// lines reads until the end of the stream.
func lines(from io.Reader) <-chan []byte {
	out := make(chan []byte)
	go func() {
		defer close(out)
		reader := bufio.NewReader(from)
		for {
			line, err := reader.ReadBytes('\n')
			if len(line) > 0 {
				out <- line
			}
			if err != nil {
				return
			}
		}
	}()
	return out
}

// withHeartbeat passes lines on, and an empty one whenever none has come for a while.
func withHeartbeat(in <-chan []byte, quiet time.Duration) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		ticker := time.NewTicker(quiet)
		defer ticker.Stop()
		for {
			select {
			case line, more := <-in:
				if !more || !yield(line) {
					return
				}
			case <-ticker.C:
				if !yield(nil) {
					return
				}
			}
		}
	}
}
