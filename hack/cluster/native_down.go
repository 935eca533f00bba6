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
		stops.Go(func() { failed[i] = processes.stop(ctx, name, stopGrace) })
	}
	stops.Wait()
	return errors.Join(failed...)
}

// endContainers lets containerd end its containers, by which their shims, mounts and sockets go in an orderly way.
func (n native) endContainers(ctx context.Context) error {
	if _, alive := n.supervisor().find("containerd"); !alive {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, containerPatience)
	defer cancel()
	output, err := n.ctr(ctx, "tasks", "list", "--quiet").Output()
	if err != nil {
		return fmt.Errorf("list containers: %w", err)
	}
	ids := lines(string(output))
	if len(ids) == 0 {
		return nil
	}
	if output, err := n.ctr(ctx, append([]string{"tasks", "delete", "--force"}, ids...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("end %d containers: %w: %s", len(ids), err, bytes.TrimSpace(output))
	}
	return nil
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
	links, _ := filepath.Glob("/var/log/containers/*.log") //nolint:errcheck // fails for a malformed pattern only
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, n.layout.state()+"/") {
			_ = os.Remove(link)
		}
	}
	notes, _ := filepath.Glob("/var/lib/cni/results/" + n.layout.id() + "-*") //nolint:errcheck // see above
	for _, note := range notes {
		_ = os.Remove(note)
	}
}
