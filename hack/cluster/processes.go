package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// killPatience is for the kernel to take a killed process apart, on a busy machine too.
const killPatience = 10 * time.Second

// supervisor starts the cluster's daemons, and finds them again in a later run by what it recorded about each.
type supervisor struct {
	records string // folder of the records
	logs    string
	net     network
	env     []string
}

// daemon is one long-running process of the node.
type daemon struct {
	name  string
	argv  []string
	files []*os.File // handed over as descriptors 3, 4, …
}

// record identifies a process beyond its pid, which the system gives out again.
type record struct {
	PID     int      `json:"pid"`
	Started uint64   `json:"started"` // clock ticks since boot
	Boot    string   `json:"boot"`
	Command []string `json:"command"`
}

// start runs the daemon in the node's network, in a session of its own, and records it. The channel gets how it ended, as
// long as this program runs.
func (s supervisor) start(d daemon) (<-chan error, error) {
	if err := errors.Join(os.MkdirAll(s.records, 0o755), os.MkdirAll(s.logs, 0o755)); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(s.logFile(d.name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the daemon has its own descriptor
	argv := s.net.enter(d.argv)
	command := exec.Command(argv[0], argv[1:]...) //nolint:noctx // it outlives this run
	command.Dir, command.Env, command.ExtraFiles = "/", s.env, d.files
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", d.name, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	started, err := startTicks(command.Process.Pid)
	if err != nil {
		return nil, fmt.Errorf("%s ended at once: %w\n%s", d.name, err, s.logTail(d.name))
	}
	return ended, s.write(d.name, record{PID: command.Process.Pid, Started: started, Boot: bootID(), Command: d.argv})
}

func (s supervisor) logFile(name string) string    { return filepath.Join(s.logs, name+".log") }
func (s supervisor) recordFile(name string) string { return filepath.Join(s.records, name+".json") }

func (s supervisor) write(name string, r record) error {
	content, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(s.recordFile(name), content, 0o644)
}

// names lists the daemons that have a record.
func (s supervisor) names() []string {
	files, _ := filepath.Glob(s.recordFile("*")) // fails for a malformed pattern only
	names := make([]string, 0, len(files))
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	return names
}

// find returns the recorded process if it is still that process and runs.
func (s supervisor) find(name string) (record, bool) {
	content, err := os.ReadFile(s.recordFile(name))
	if err != nil {
		return record{}, false
	}
	var r record
	if json.Unmarshal(content, &r) != nil || r.Boot != bootID() {
		return r, false
	}
	started, err := startTicks(r.PID)
	return r, err == nil && started == r.Started
}

// stop asks the recorded process to end, and makes it end after the grace period.
func (s supervisor) stop(ctx context.Context, name string, grace time.Duration) error {
	defer func() { _ = os.Remove(s.recordFile(name)) }()
	r, alive := s.find(name)
	if !alive {
		return nil
	}
	// The handle refers to the process and not to its number; checked again, it can only be ours or already gone.
	process, err := os.FindProcess(r.PID)
	if err != nil {
		return err
	}
	defer func() { _ = process.Release() }() // it has ended, or the error says that it has not
	if _, alive = s.find(name); !alive {
		return nil
	}
	if err := process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", name, err)
	}
	if s.gone(ctx, name, grace) {
		return nil
	}
	if err := process.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", name, err)
	}
	if !s.gone(ctx, name, killPatience) {
		return fmt.Errorf("%s (pid %d) does not end", name, r.PID)
	}
	return nil
}

func (s supervisor) gone(ctx context.Context, name string, patience time.Duration) bool {
	return waitFor(ctx, patience, 10*time.Millisecond, func(context.Context) bool {
		_, alive := s.find(name)
		return !alive
	})
}

// logTail is the end of a daemon's log, for an error message.
func (s supervisor) logTail(name string) string {
	content, err := os.ReadFile(s.logFile(name))
	if err != nil {
		return ""
	}
	all := lines(string(content))
	return strings.Join(all[max(0, len(all)-15):], "\n")
}

// startTicks is when a process was started, from /proc. An ended process whose parent has not asked for it yet counts as gone.
func startTicks(pid int) (uint64, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStartTicks(string(content))
}

func parseStartTicks(stat string) (uint64, error) {
	// The name is in parentheses and may hold anything, blanks and parentheses too; fields are counted from its end.
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	const state, startTime = 0, 19
	if len(fields) <= startTime {
		return 0, fmt.Errorf("unexpected stat line %q", stat)
	}
	if fields[state] == "Z" || fields[state] == "X" {
		return 0, os.ErrProcessDone
	}
	return strconv.ParseUint(fields[startTime], 10, 64)
}

func bootID() string {
	content, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(content))
}

// waitFor asks again and again until the answer is yes, or patience or the context ends.
func waitFor(ctx context.Context, patience, every time.Duration, ask func(context.Context) bool) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if ask(ctx) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
		}
	}
}
