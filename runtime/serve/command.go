package serve

import (
	"context"
	"net/http"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Option changes what Command starts from.
type Option func(*Config)

// Command is `serve`: flags to a Config, then Run until SIGTERM or SIGINT.
func Command(options ...Option) *cobra.Command {
	cfg := Defaults()
	for _, option := range options {
		option(&cfg)
	}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve a click-through-rate model",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// From here on Run logs what goes wrong; only errors in flags are cobra's to print.
			cmd.SilenceUsage, cmd.SilenceErrors = true, true
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			// A second signal ends the process at once, for people who do not want to wait for the drain.
			defer context.AfterFunc(ctx, stop)()
			return Run(ctx, cfg)
		},
	}
	cfg.AddFlags(cmd.Flags())
	return cmd
}

// WithVersion sets the program's version.
func WithVersion(version string) Option { return func(c *Config) { c.Version = version } }

// WithWrap puts something around the REST port's handler.
func WithWrap(wrap func(http.Handler) http.Handler) Option { return func(c *Config) { c.Wrap = wrap } }
