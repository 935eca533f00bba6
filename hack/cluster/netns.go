package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// The node's own addresses. They are in a network namespace that nothing leads out of, so they can clash with nothing.
const (
	nodeName       = "ctr-node"
	nodeAddress    = "10.97.0.2"
	nodePrefix     = "/24"
	podRange       = "10.244.0.0/16"
	nodePodRange   = "10.244.0.0/24"
	serviceRange   = "10.96.0.0/16"
	serviceAddress = "10.96.0.1"
	dnsAddress     = "10.96.0.10"
	clusterDomain  = "cluster.local"
	apiPort        = "6443"
)

// network is the node's network namespace.
type network struct{ name string }

func (n network) path() string { return filepath.Join("/run/netns", n.name) }

// exists says whether the namespace is there: a file without a namespace mounted on it is what a reboot leaves.
func (n network) exists() bool {
	var info syscall.Statfs_t
	const nsfsMagic = 0x6e736673
	return syscall.Statfs(n.path(), &info) == nil && info.Type == nsfsMagic
}

// create makes the namespace with a loopback and one interface, which everything binds to. The interface is a bridge because
// not every kernel has dummy devices; the default route makes the kernel choose its address and leads nowhere.
func (n network) create(ctx context.Context) error {
	if err := run(ctx, "ip", "netns", "add", n.name); err != nil {
		return err
	}
	inside := [][]string{
		{"ip", "link", "set", "lo", "up"},
		{"ip", "link", "add", "eth0", "type", "bridge"},
		{"ip", "address", "add", nodeAddress + nodePrefix, "dev", "eth0"},
		{"ip", "link", "set", "eth0", "up"},
		{"ip", "route", "add", "default", "dev", "eth0"},
		{"sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"},
	}
	for _, argv := range inside {
		if err := run(ctx, n.enter(argv)...); err != nil {
			return err
		}
	}
	return nil
}

func (n network) remove(ctx context.Context) error {
	if _, err := os.Stat(n.path()); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return run(ctx, "ip", "netns", "delete", n.name)
}

// enter makes a command run in the namespace. It is nsenter and not `ip netns exec`, for that mounts a new /sys, without the
// control groups. nsenter replaces itself with the command, so the pid stays the same.
func (n network) enter(argv []string) []string {
	return append([]string{"nsenter", "--net=" + n.path(), "--"}, argv...)
}

// run runs a command to its end; its output is in the error.
func run(ctx context.Context, argv ...string) error {
	output, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(string(output)))
	}
	return nil
}
