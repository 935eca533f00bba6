// Testkit is what tests and the demo run inside the cluster: a load generator, a small S3 client, a single raw request,
// and the runtime with a fault switch in front. It is one static binary in an image of its own, and no part of the
// product.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	_ "golang.org/x/crypto/x509roots/fallback" // the image has no CA files
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := root().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "testkit:", err)
		os.Exit(1)
	}
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "testkit",
		Short:         "What tests and the demo run inside the cluster",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.AddCommand(loadCommand(), httpCommand(), s3Command(), serveCommand(), faultCommand(), idleCommand())
	return cmd
}

// idleCommand keeps a pod alive, so that the other commands can be run in it.
func idleCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "idle",
		Short: "Do nothing until SIGTERM",
		Args:  cobra.NoArgs,
		Run:   func(cmd *cobra.Command, _ []string) { <-cmd.Context().Done() },
	}
}
