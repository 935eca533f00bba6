package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The kubelet sets the first of these for the whole machine; down puts the earlier values back.
func kubeletSysctls() []string {
	return []string{
		"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
		"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
	}
}

const (
	inotifySysctl = "fs/inotify/max_user_instances"
	// Every container that watches files takes an instance of its user's share; the usual 128 are soon used up.
	inotifyInstances = 1024
)

func sysctlPath(name string) string { return filepath.Join("/proc/sys", name) }

// saveSysctls notes the values that are about to change; a note that is there stays, for it is the older one.
func saveSysctls(file string) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	values := map[string]string{}
	for _, name := range append(kubeletSysctls(), inotifySysctl) {
		if content, err := os.ReadFile(sysctlPath(name)); err == nil {
			values[name] = strings.TrimSpace(string(content))
		}
	}
	content, err := json.Marshal(values)
	if err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o644)
}

// raiseInotify makes room for many containers of one user. Where it may not, there is room for fewer.
func raiseInotify() {
	content, err := os.ReadFile(sysctlPath(inotifySysctl))
	if err != nil {
		return
	}
	if current, err := strconv.Atoi(strings.TrimSpace(string(content))); err == nil && current < inotifyInstances {
		_ = os.WriteFile(sysctlPath(inotifySysctl), []byte(strconv.Itoa(inotifyInstances)), 0o644)
	}
}

// restoreSysctls puts back what differs from the note.
func restoreSysctls(file string) error {
	content, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	values := map[string]string{}
	if err := json.Unmarshal(content, &values); err != nil {
		return err
	}
	var failed []error
	for name, value := range values {
		current, err := os.ReadFile(sysctlPath(name))
		if err != nil || strings.TrimSpace(string(current)) == value {
			continue
		}
		failed = append(failed, os.WriteFile(sysctlPath(name), []byte(value), 0o644))
	}
	return errors.Join(failed...)
}
