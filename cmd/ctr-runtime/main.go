// Command ctr-runtime serves click-through-rate models.
package main

import (
	"os"

	"github.com/spf13/cobra"
	// The image has no certificate store.
	_ "golang.org/x/crypto/x509roots/fallback"

	"github.com/ctr-operator/ctr-operator/runtime/serve"
	"github.com/ctr-operator/ctr-operator/runtime/tools"
)

// version is set by the linker.
var version = "dev"

func main() {
	root := &cobra.Command{
		Use:     "ctr-runtime",
		Short:   "Serve click-through-rate models",
		Version: version,
	}
	root.AddCommand(serve.Command(serve.WithVersion(version)), tools.InspectCommand(), tools.PredictCommand(),
		tools.VersionCommand(version))
	if err := root.Execute(); err != nil {
		os.Exit(1)
	}
}
