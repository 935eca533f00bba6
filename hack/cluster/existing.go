package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// loadCommandVariable names a command that brings an image archive to an existing cluster's nodes; the archive's path is
// appended to it (for instance "minikube image load").
const loadCommandVariable = "CLUSTER_LOAD_COMMAND"

// existing uses the cluster of the current kubeconfig, and neither makes nor removes one.
type existing struct{ builder }

func (e existing) up(ctx context.Context) error {
	if err := e.programs(ctx, wanted(modeExisting)); err != nil {
		return err
	}
	if err := e.self(); err != nil {
		return err
	}
	if _, err := e.systemImages(ctx, modeExisting); err != nil {
		return err
	}
	if err := recordMode(e.layout, modeExisting); err != nil {
		return err
	}
	return showNodes(ctx, e, e.log)
}

func (e existing) down(context.Context) error {
	say(e.log, "the cluster was there before; it is left as it is")
	return os.RemoveAll(e.layout.state())
}

func (e existing) status(ctx context.Context, out io.Writer) error {
	return showNodes(ctx, e, out)
}

func (e existing) load(ctx context.Context, tars []string) error {
	load := os.Getenv(loadCommandVariable)
	if load == "" {
		return fmt.Errorf("set %s to a command that brings an image archive to the nodes (it gets the archive's path)",
			loadCommandVariable)
	}
	for _, tar := range tars {
		command := exec.CommandContext(ctx, "sh", "-c", load+` "$1"`, "load", tar)
		command.Stdout, command.Stderr = e.log, e.log
		if err := command.Run(); err != nil {
			return fmt.Errorf("%s %s: %w", load, tar, err)
		}
	}
	return nil
}

func (e existing) kill(context.Context, string, string) error {
	return errors.New("containers of an existing cluster cannot be signalled from here")
}

func (e existing) command(ctx context.Context, argv []string) (*exec.Cmd, error) {
	return plainCommand(ctx, e, argv)
}

func (e existing) environment() (map[string]string, error) {
	variables := map[string]string{"CLUSTER": modeExisting, "PATH": e.layout.path()}
	if file := os.Getenv("KUBECONFIG"); file != "" {
		variables["KUBECONFIG"] = file
	}
	return variables, nil
}
