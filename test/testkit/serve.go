package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ctr-operator/ctr-operator/runtime/serve"
	"github.com/ctr-operator/ctr-operator/test/testkit/fault"
)

// faultAddress is reached by `testkit fault` in the same pod, and by nobody else.
const faultAddress = "127.0.0.1:8599"

// serveCommand is the runtime's own command with the fault switch in front of what users reach.
func serveCommand() *cobra.Command {
	faults := &fault.Switch{Exit: os.Exit}
	cmd := serve.Command(func(c *serve.Config) {
		c.Wrap = faults.Wrap
		c.Version = version
	})
	cmd.Short += ", with faults that can be switched on"
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		stop, err := controlFaults(cmd.Context(), faults)
		if err != nil {
			return err
		}
		defer stop()
		return run(cmd, args)
	}
	return cmd
}

func controlFaults(ctx context.Context, faults *fault.Switch) (stop func(), err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", faultAddress)
	if err != nil {
		return nil, fmt.Errorf("the fault switch: %w", err)
	}
	server := &http.Server{Handler: faults.Control(), ReadHeaderTimeout: 5 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	return func() {
		server.Close() // its one listener is going away with the process
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, "testkit: the fault switch:", err)
		}
	}, nil
}

// faultCommand moves the switch of the `testkit serve` that runs in the same pod.
func faultCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "fault none|500|hang|crash",
		Short: "Make the `testkit serve` of this pod fail, or stop failing",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			mode, err := fault.ParseMode(args[0])
			if err != nil {
				return err
			}
			req, err := http.NewRequestWithContext(cmd.Context(), http.MethodPut, "http://"+faultAddress,
				strings.NewReader(string(mode)))
			if err != nil {
				return err
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			said, err := io.ReadAll(io.LimitReader(resp.Body, 1024))
			if err != nil {
				return err
			}
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("status %d: %s", resp.StatusCode, said)
			}
			_, err = cmd.OutOrStdout().Write(said)
			return err
		},
	}
}
