// Command cluster runs a real local Kubernetes for the demo and the end-to-end tests: "native" (everything compiled from pinned
// Go modules, the node in a network namespace of its own, no daemon and no download of images), "kind", or whatever cluster
// the current kubeconfig names.
//
// What it makes is below the cache directory, in /run/<node id>, in one network namespace and in one control group; down
// removes all of that again, but for the compiled programs. It signals no process but those it started.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	// ip and nft are in folders that a plain user's or a scheduler's PATH does not have.
	_ = os.Setenv("PATH", os.Getenv("PATH")+":/usr/local/sbin:/usr/sbin:/sbin")
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := rootCommand().ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	// A command run by `exec` has said itself what is wrong.
	if exit := new(exec.ExitError); errors.As(err, &exit) && errors.Is(err, errChild) {
		os.Exit(exit.ExitCode())
	}
	_, _ = fmt.Fprintln(os.Stderr, "error:", err)
	os.Exit(1)
}
