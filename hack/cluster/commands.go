package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/ctr-operator/ctr-operator/hack/internal/cache"
)

// errChild marks the failure of a command that was run for the user.
var errChild = errors.New("the command failed")

// backend is a way to have a cluster.
type backend interface {
	up(ctx context.Context) error
	down(ctx context.Context) error
	status(ctx context.Context, out io.Writer) error
	load(ctx context.Context, tars []string) error
	kill(ctx context.Context, signal, container string) error
	// command prepares a command that reaches the cluster, with KUBECONFIG and PATH set.
	command(ctx context.Context, argv []string) (*exec.Cmd, error)
	// environment is what a shell needs to use the cluster.
	environment() (map[string]string, error)
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use: "cluster", Short: "A real local Kubernetes for the demo and the end-to-end tests",
		Long: "CLUSTER=native|kind|existing chooses how (default: the one that is up, else kind where a Docker daemon answers,\n" +
			"else native). CTR_OPERATOR_CACHE names the cache directory.",
		SilenceUsage: true, SilenceErrors: true,
	}
	root.AddCommand(
		buildCommand(), envtestAssetsCommand(), upCommand(), downCommand(), statusCommand(), envCommand(),
		loadCommand(), killCommand(), execCommand(), forwardCommand(), pinCommand(),
	)
	return root
}

func buildCommand() *cobra.Command {
	var only string
	command := &cobra.Command{
		Use: "build", Short: "Compile what the cluster runs (or only envtest's binaries) into the cache", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return locked(cmd, func(l layout, log io.Writer) error {
				b := builder{layout: l, log: log}
				switch only {
				case "":
					return buildAll(cmd.Context(), b)
				case "envtest":
					dir, err := b.envtest(cmd.Context())
					if err == nil {
						say(log, "envtest's binaries are in %s", dir)
					}
					return err
				}
				return b.programs(cmd.Context(), []string{only})
			})
		},
	}
	command.Flags().StringVar(&only, "only", "", "envtest, or the name of one program")
	return command
}

func buildAll(ctx context.Context, b builder) error {
	mode, err := chooseMode(ctx, b.layout)
	if err != nil {
		return err
	}
	if err := b.programs(ctx, wanted(mode)); err != nil {
		return err
	}
	if err := b.self(); err != nil {
		return err
	}
	_, err = b.systemImages(ctx, mode)
	return err
}

func envtestAssetsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "envtest-assets", Short: "Print the folder for KUBEBUILDER_ASSETS, made first where it is not there", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return locked(cmd, func(l layout, log io.Writer) error {
				dir, err := builder{layout: l, log: log}.envtest(cmd.Context())
				if err == nil {
					_, err = fmt.Fprintln(cmd.OutOrStdout(), dir)
				}
				return err
			})
		},
	}
}

func upCommand() *cobra.Command {
	return &cobra.Command{
		Use: "up", Short: "Build what is missing and bring the cluster up; does nothing where it is up", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withBackend(cmd, true, func(b backend, _ io.Writer) error { return b.up(cmd.Context()) })
		},
	}
}

func downCommand() *cobra.Command {
	return &cobra.Command{
		Use: "down", Short: "Take the cluster down and remove everything but the compiled programs", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withBackend(cmd, true, func(b backend, _ io.Writer) error { return b.down(cmd.Context()) })
		},
	}
}

func statusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Say what runs; fails where the cluster is not up", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withBackend(cmd, false, func(b backend, _ io.Writer) error {
				return b.status(cmd.Context(), cmd.OutOrStdout())
			})
		},
	}
}

func envCommand() *cobra.Command {
	return &cobra.Command{
		Use: "env", Short: `Print the shell's variables for the cluster: eval "$(go run ./hack/cluster env)"`, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withBackend(cmd, false, func(b backend, _ io.Writer) error {
				variables, err := b.environment()
				if err != nil {
					return err
				}
				for _, name := range []string{"CLUSTER", "KUBECONFIG", "PATH"} {
					if value, ok := variables[name]; ok {
						if _, err := fmt.Fprintf(cmd.OutOrStdout(), "export %s=%q\n", name, value); err != nil {
							return err
						}
					}
				}
				return nil
			})
		},
	}
}

func loadCommand() *cobra.Command {
	return &cobra.Command{
		Use: "load TAR...", Short: "Give the node images from archives", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withBackend(cmd, false, func(b backend, _ io.Writer) error { return b.load(cmd.Context(), args) })
		},
	}
}

func killCommand() *cobra.Command {
	var signal string
	command := &cobra.Command{
		Use: "kill CONTAINER_ID", Short: "Send a signal to a container, as status.containerStatuses[].containerID names it",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withBackend(cmd, false, func(b backend, _ io.Writer) error {
				return b.kill(cmd.Context(), signal, trimContainerScheme(args[0]))
			})
		},
	}
	command.Flags().StringVar(&signal, "signal", "SIGKILL", "name of the signal")
	return command
}

func execCommand() *cobra.Command {
	return &cobra.Command{
		Use: "exec -- COMMAND...", Args: cobra.MinimumNArgs(1),
		Short: "Run a command with KUBECONFIG and PATH set; in the node's network, where Services answer, on the native cluster",
		RunE: func(cmd *cobra.Command, args []string) error {
			return withBackend(cmd, false, func(b backend, _ io.Writer) error {
				command, err := b.command(cmd.Context(), args)
				if err != nil {
					return err
				}
				command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
				if err := command.Run(); err != nil {
					return errors.Join(errChild, err)
				}
				return nil
			})
		},
	}
}

// locked runs what changes the cache, one run at a time.
func locked(cmd *cobra.Command, run func(l layout, log io.Writer) error) error {
	l, err := newLayout()
	if err != nil {
		return err
	}
	log := cmd.ErrOrStderr()
	release, err := cache.Lock(cmd.Context(), l.lock(), func() { say(log, "waiting for another run (lock %s)", l.lock()) })
	if err != nil {
		return err
	}
	defer release()
	return run(l, log)
}

func withBackend(cmd *cobra.Command, changes bool, run func(b backend, log io.Writer) error) error {
	body := func(l layout, log io.Writer) error {
		mode, err := chooseMode(cmd.Context(), l)
		if err != nil {
			return err
		}
		return run(newBackend(mode, builder{layout: l, log: log}), log)
	}
	if changes {
		return locked(cmd, body)
	}
	l, err := newLayout()
	if err != nil {
		return err
	}
	return body(l, cmd.ErrOrStderr())
}
