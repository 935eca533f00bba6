package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"text/tabwriter"
)

// native runs Kubernetes' own programs on this machine; the node is a network namespace and a control group.
type native struct{ builder }

func (n native) network() network             { return network{name: n.layout.id()} }
func (n native) controlGroups() controlGroups { return controlGroups{name: n.layout.id()} }

func (n native) supervisor() supervisor {
	return supervisor{
		records: n.layout.state("processes"), logs: n.layout.logs(), net: n.network(),
		env: withEnvironment(map[string]string{"PATH": n.layout.path()}),
	}
}

func (n native) status(ctx context.Context, out io.Writer) error {
	processes := n.supervisor()
	var stopped []string
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "PROCESS\tPID\tSTATE")
	for _, name := range daemonNames() {
		r, alive := processes.find(name)
		state, pid := "running", fmt.Sprint(r.PID)
		if !alive {
			state, pid, stopped = "stopped", "-", append(stopped, name)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", name, pid, state)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(stopped) > 0 {
		return fmt.Errorf("the cluster is not up: %s not running; `up` starts what is missing", strings.Join(stopped, ", "))
	}
	_, _ = fmt.Fprintln(out)
	return showNodes(ctx, n, out)
}

// ctr prepares a call of containerd's client in Kubernetes' namespace.
func (n native) ctr(ctx context.Context, args ...string) *exec.Cmd {
	args = append([]string{"--address", n.layout.containerdSocket(), "--namespace", "k8s.io"}, args...)
	return exec.CommandContext(ctx, n.layout.bin("ctr"), args...)
}

func (n native) load(ctx context.Context, tars []string) error {
	for _, tar := range tars {
		output, err := n.ctr(ctx, "images", "import", tar).CombinedOutput()
		if err != nil {
			return fmt.Errorf("import %s: %w: %s", tar, err, output)
		}
	}
	return nil
}

func (n native) kill(ctx context.Context, signal, container string) error {
	output, err := n.ctr(ctx, "tasks", "kill", "--signal", signal, container).CombinedOutput()
	if err != nil {
		return fmt.Errorf("signal container %s: %w: %s", container, err, strings.TrimSpace(string(output)))
	}
	return nil
}

func (n native) command(ctx context.Context, argv []string) (*exec.Cmd, error) {
	if !n.network().exists() {
		return nil, errors.New("the cluster is not up")
	}
	variables, err := n.environment()
	if err != nil {
		return nil, err
	}
	// The forwarder's address is the machine's; in the node's network the API server is there itself.
	variables["KUBECONFIG"] = n.layout.nodeKubeconfig()
	inside := n.network().enter(append([]string{resolve(argv[0], variables["PATH"])}, argv[1:]...))
	command := exec.CommandContext(ctx, inside[0], inside[1:]...)
	command.Env = withEnvironment(variables)
	return command, nil
}

func (n native) environment() (map[string]string, error) {
	return map[string]string{"CLUSTER": modeNative, "KUBECONFIG": n.layout.kubeconfig(), "PATH": n.layout.path()}, nil
}

func requireRoot() error {
	if os.Geteuid() != 0 {
		return errors.New("the native cluster needs root, for network namespaces, mounts and control groups; " +
			"run this as root, or use CLUSTER=kind or CLUSTER=existing")
	}
	return nil
}
