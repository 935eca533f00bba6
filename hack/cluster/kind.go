package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

const (
	kindName = "ctr-operator"
	kindNode = kindName + "-control-plane"
)

// kind runs the cluster in a Docker container, by the kind program.
type kind struct{ builder }

func (k kind) up(ctx context.Context) error {
	if err := k.programs(ctx, wanted(modeKind)); err != nil {
		return err
	}
	if err := k.self(); err != nil {
		return err
	}
	images, err := k.systemImages(ctx, modeKind)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(k.layout.state(), 0o755); err != nil {
		return err
	}
	clusters, err := k.run(ctx, "get", "clusters", "-q").Output()
	if err != nil {
		return fmt.Errorf("kind get clusters: %w", err)
	}
	arguments := []string{"create", "cluster", "--name", kindName, "--wait", "180s", "--kubeconfig", k.layout.kubeconfig()}
	if slices.Contains(lines(string(clusters)), kindName) {
		arguments = []string{"export", "kubeconfig", "--name", kindName, "--kubeconfig", k.layout.kubeconfig()}
	}
	if err := k.show(ctx, arguments...); err != nil {
		return fmt.Errorf("%w (CLUSTER=%s needs neither Docker nor a registry)", err, modeNative)
	}
	if err := recordMode(k.layout, modeKind); err != nil {
		return err
	}
	for _, entry := range images {
		if err := k.load(ctx, []string{entry.Tar}); err != nil {
			return err
		}
	}
	return nil
}

func (k kind) down(ctx context.Context) error {
	if _, err := os.Stat(k.layout.bin("kind")); err == nil {
		if err := k.show(ctx, "delete", "cluster", "--name", kindName); err != nil {
			return err
		}
	}
	return os.RemoveAll(k.layout.state())
}

func (k kind) status(ctx context.Context, out io.Writer) error {
	return showNodes(ctx, k, out)
}

func (k kind) load(ctx context.Context, tars []string) error {
	for _, tar := range tars {
		if err := k.show(ctx, "load", "image-archive", tar, "--name", kindName); err != nil {
			return err
		}
	}
	return nil
}

func (k kind) kill(ctx context.Context, signal, container string) error {
	output, err := exec.CommandContext(ctx, "docker", "exec", kindNode,
		"ctr", "-n", "k8s.io", "tasks", "kill", "--signal", signal, container).CombinedOutput()
	if err != nil {
		return fmt.Errorf("signal container %s: %w: %s", container, err, output)
	}
	return nil
}

func (k kind) command(ctx context.Context, argv []string) (*exec.Cmd, error) {
	return plainCommand(ctx, k, argv)
}

func (k kind) environment() (map[string]string, error) {
	return map[string]string{"CLUSTER": modeKind, "KUBECONFIG": k.layout.kubeconfig(), "PATH": k.layout.path()}, nil
}

func (k kind) run(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, k.layout.bin("kind"), args...)
}

// show runs kind and lets the user see what it says.
func (k kind) show(ctx context.Context, args ...string) error {
	command := k.run(ctx, args...)
	command.Stdout, command.Stderr = k.log, k.log
	if err := command.Run(); err != nil {
		return fmt.Errorf("kind %s: %w", args[0], err)
	}
	return nil
}

// plainCommand runs in the machine's own network, with the cluster's environment.
func plainCommand(ctx context.Context, b backend, argv []string) (*exec.Cmd, error) {
	variables, err := b.environment()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, resolve(argv[0], variables["PATH"]), argv[1:]...)
	command.Args[0] = argv[0]
	command.Env = withEnvironment(variables)
	return command, nil
}

// resolve finds a program in a PATH that is not this process's own.
func resolve(name, path string) string {
	if filepath.Base(name) != name {
		return name
	}
	for _, dir := range filepath.SplitList(path) {
		candidate := filepath.Join(dir, name)
		if info, err := os.Stat(candidate); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return candidate
		}
	}
	return name
}

func showNodes(ctx context.Context, b backend, out io.Writer) error {
	command, err := b.command(ctx, []string{"kubectl", "get", "nodes", "-o", "wide"})
	if err != nil {
		return err
	}
	command.Stdout, command.Stderr = out, out
	if err := command.Run(); err != nil {
		return fmt.Errorf("the cluster does not answer: %w", err)
	}
	return nil
}
