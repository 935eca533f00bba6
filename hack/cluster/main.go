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
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

func main() {
	completePath()
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

// completePath adds the folders of ip and nft, which a plain user's or a scheduler's PATH does not have.
func completePath() {
	folders := filepath.SplitList(os.Getenv("PATH"))
	for _, folder := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	_ = os.Setenv("PATH", strings.Join(folders, string(os.PathListSeparator)))
}
