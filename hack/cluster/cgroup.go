package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// controlGroups is the node's own root in every hierarchy of control groups. All pods are below it, so that two kubelets on a
// machine do not delete each other's pods, and so that what is left at the end is known to be ours.
type controlGroups struct{ name string }

// folders are where the root is: one folder per v1 hierarchy, or the one of v2.
func (c controlGroups) folders() ([]string, error) {
	mounts, err := readMounts()
	if err != nil {
		return nil, err
	}
	return c.foldersIn(mounts), nil
}

func (c controlGroups) foldersIn(mounts []mount) []string {
	var v1, v2 []string
	for _, m := range mounts {
		if !strings.HasPrefix(m.point, "/sys/fs/cgroup") {
			continue // somebody else's view, of a container for instance
		}
		switch m.kind {
		case "cgroup":
			v1 = append(v1, filepath.Join(m.point, c.name))
		case "cgroup2":
			v2 = append(v2, filepath.Join(m.point, c.name))
		}
	}
	if len(v1) > 0 {
		// Beside v1 hierarchies a v2 one is there for systemd only, but runc files processes in it as well.
		return append(v1, v2...)
	}
	return v2
}

func (c controlGroups) create() error {
	mounts, err := readMounts()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(mounts, func(m mount) bool { return m.kind == "cgroup" }) {
		return c.createV1(mounts)
	}
	return c.createV2(mounts)
}

// createV1 also copies the CPUs and memory nodes: a new cpuset group has none, and no process could enter it.
func (c controlGroups) createV1(mounts []mount) error {
	for _, folder := range c.foldersIn(mounts) {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
			parent, err := os.ReadFile(filepath.Join(filepath.Dir(folder), name))
			if errors.Is(err, os.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(folder, name), parent, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c controlGroups) createV2(mounts []mount) error {
	for _, folder := range c.foldersIn(mounts) {
		if err := delegateControllers(filepath.Dir(folder)); err != nil {
			return err
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		if err := delegateControllers(folder); err != nil {
			return err
		}
	}
	return nil
}

// delegateControllers lets the groups below a v2 group use what the kubelet needs.
func delegateControllers(folder string) error {
	available, err := os.ReadFile(filepath.Join(folder, "cgroup.controllers"))
	if err != nil {
		return err
	}
	for _, controller := range []string{"cpuset", "cpu", "io", "memory", "hugetlb", "pids"} {
		if !slices.Contains(strings.Fields(string(available)), controller) {
			continue
		}
		err := os.WriteFile(filepath.Join(folder, "cgroup.subtree_control"), []byte("+"+controller), 0o644)
		if errors.Is(err, syscall.EBUSY) {
			return fmt.Errorf("%s has processes of its own, as in a container; the native cluster needs a machine's root group "+
				"(or move the processes into a child group): %w", folder, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// remove ends what still runs in the groups and removes them.
func (c controlGroups) remove(patience time.Duration) error {
	folders, err := c.folders()
	if err != nil {
		return err
	}
	deadline := time.Now().Add(patience)
	for {
		left := false
		for _, folder := range folders {
			if !removeGroup(folder) {
				left = true
			}
		}
		if !left {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("control group %s still has processes after %s", c.name, patience)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// removeGroup kills the processes of a group and of those below it, and says whether all of them are gone.
func removeGroup(folder string) bool {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, os.ErrNotExist) {
		return true
	}
	if err != nil {
		return false
	}
	for _, entry := range entries {
		if entry.IsDir() {
			removeGroup(filepath.Join(folder, entry.Name()))
		}
	}
	content, _ := os.ReadFile(filepath.Join(folder, "cgroup.procs")) // gone is as good as empty
	for _, line := range lines(string(content)) {
		if pid, err := strconv.Atoi(line); err == nil && pid > 1 {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
		}
	}
	err = syscall.Rmdir(folder)
	return err == nil || errors.Is(err, syscall.ENOENT)
}
