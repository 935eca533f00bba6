package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	stopGrace         = 3 * time.Second
	containerPatience = 20 * time.Second
)

// down ends the node from the top: whatever would start a container again, the containers, the rest; then it removes what they
// used. It can be repeated, and works on half a cluster.
func (n native) down(ctx context.Context) error {
	if err := requireRoot(); err != nil {
		return err
	}
	begun := time.Now()
	processes := n.supervisor()
	if err := processes.stop(ctx, "kubelet", stopGrace); err != nil {
		return err
	}
	if err := n.endContainers(ctx); err != nil {
		say(n.log, "%v; ending their processes", err)
	}
	if err := n.stopAll(ctx, processes); err != nil {
		return err
	}
	n.endShims()
	if err := n.controlGroups().remove(containerPatience); err != nil {
		return err
	}
	if err := n.removeFiles(ctx); err != nil {
		return err
	}
	say(n.log, "the cluster is down (%s)", time.Since(begun).Round(100*time.Millisecond))
	return nil
}

func (n native) stopAll(ctx context.Context, processes supervisor) error {
	names := processes.names()
	failed := make([]error, len(names))
	var stops sync.WaitGroup
	for i, name := range names {
		stops.Go(func() { failed[i] = processes.stop(ctx, name, graceOf(name)) })
	}
	stops.Wait()
	return errors.Join(failed...)
}

// graceOf is how long a process may take to end. The API server would wait for its clients to go, and the store would compact
// what is deleted in a moment.
func graceOf(name string) time.Duration {
	if name == "kube-apiserver" || name == "etcd" {
		return 0
	}
	return stopGrace
}

// endContainers lets containerd end its containers, by which their shims, mounts and sockets go in an orderly way.
func (n native) endContainers(ctx context.Context) error {
	if _, alive := n.supervisor().find("containerd"); !alive {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, containerPatience)
	defer cancel()
	ids, err := n.containers(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}
	// containerd's Kubernetes side also deletes what it sees end, and then one of the two comes too late: what counts is what is
	// left.
	output, err := n.ctr(ctx, append([]string{"tasks", "delete", "--force"}, ids...)...).CombinedOutput()
	if err == nil {
		return nil
	}
	if left, listErr := n.containers(ctx); listErr != nil || len(left) > 0 {
		return fmt.Errorf("end %d containers: %w: %s", len(left), errors.Join(err, listErr), bytes.TrimSpace(output))
	}
	return nil
}

// containers lists the ids of all that run, the pods' sandboxes among them.
func (n native) containers(ctx context.Context) ([]string, error) {
	output, err := n.ctr(ctx, "tasks", "list", "--quiet").Output()
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	return lines(string(output)), nil
}

// endShims ends the shims that containerd left. A shim of ours is known by its program and by the socket that it was given.
func (n native) endShims() {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		arguments, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		if err == nil && n.isShim(arguments) {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
		}
	}
}

func (n native) isShim(cmdline []byte) bool {
	arguments := strings.Split(string(cmdline), "\x00")
	if filepath.Base(arguments[0]) != "containerd-shim-runc-v2" {
		return false
	}
	for _, argument := range arguments[1:] {
		if argument == n.layout.containerdSocket() {
			return true
		}
	}
	return false
}

// removeFiles removes mounts, the network and the folders. Nothing is deleted below a mount that is still there: it could lead
// to files that are not ours.
func (n native) removeFiles(ctx context.Context) error {
	if err := unmountBelow(n.layout.state(), n.layout.runDir()); err != nil {
		return err
	}
	mounts, err := readMounts()
	if err != nil {
		return err
	}
	for _, m := range mounts {
		if strings.HasPrefix(m.point, n.layout.state()+"/") || strings.HasPrefix(m.point, n.layout.runDir()+"/") {
			return fmt.Errorf("%s is still mounted; nothing was deleted", m.point)
		}
	}
	if err := n.network().remove(ctx); err != nil {
		return err
	}
	if err := restoreSysctls(n.layout.state("sysctls.json")); err != nil {
		say(n.log, "the machine's settings could not all be put back: %v", err)
	}
	n.removeLinks()
	return errors.Join(os.RemoveAll(n.layout.runDir()), os.RemoveAll(n.layout.state()))
}

// removeLinks removes the two things that Kubernetes and CNI keep in fixed places: links to our logs, and notes on our network.
func (n native) removeLinks() {
	links, _ := filepath.Glob("/var/log/containers/*.log") // fails for a malformed pattern only
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, n.layout.state()+"/") {
			_ = os.Remove(link)
		}
	}
	notes, _ := filepath.Glob("/var/lib/cni/results/" + n.layout.id() + "-*") // see above
	for _, note := range notes {
		_ = os.Remove(note)
	}
	for _, folder := range []string{"/var/log/containers", "/var/lib/cni/results", "/var/lib/cni"} {
		_ = os.Remove(folder) // fails where there is something in it, which is then somebody else's
	}
}
