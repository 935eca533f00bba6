package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	readHeaderTimeout = 5 * time.Second
	// starts is how often the start of the runtime is measured.
	starts = 15
)

// process is a child of ours.
type process struct {
	cmd    *exec.Cmd
	stderr *bufio.Reader
	ended  sync.Once

	rest, operations string
	ready            time.Duration
}

func (b *bench) spawn(ctx context.Context, program string, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	// Interrupted, the bench ends its children itself, in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, stderr: bufio.NewReader(stderr)}
	b.started = append(b.started, p)
	return p, nil
}

// stop ends the process by its id, and waits until it is gone.
func (p *process) stop() {
	p.ended.Do(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		_, _ = io.Copy(io.Discard, p.stderr)
		_ = p.cmd.Wait()
	})
}

// waitFor waits until somebody listens on an address.
func (p *process) waitFor(ctx context.Context, address string) error {
	for range 200 {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("nobody listens on %s", address)
}

type runtimeArgs struct {
	revision string
	number   int
	table    string
}

// startRuntime starts the runtime, and measures the time from before the start of its process to its readiness.
func (b *bench) startRuntime(ctx context.Context, a runtimeArgs) (*process, error) {
	args := []string{
		"serve", "--model=bench", "--artifact-url=" + b.artifact, "--rest-address=127.0.0.1:0",
		"--operations-address=127.0.0.1:0", "--drain-timeout=0s", "--revision=" + a.revision,
		fmt.Sprintf("--revision-number=%d", max(a.number, 1)), "--traffic-file=" + a.table,
	}
	begin := time.Now()
	p, err := b.spawn(ctx, b.program, args...)
	if err != nil {
		return nil, err
	}
	for {
		line, err := p.stderr.ReadBytes('\n')
		if err != nil {
			return nil, errors.New("ctr-runtime ended before it was ready")
		}
		var message struct{ Msg, Rest, Operations, Error string }
		if err := json.Unmarshal(line, &message); err != nil {
			return nil, fmt.Errorf("ctr-runtime says %s", line)
		}
		if message.Msg == "cannot serve" {
			return nil, fmt.Errorf("ctr-runtime: %s", message.Error)
		}
		if message.Msg == "ready" {
			p.ready, p.rest, p.operations = time.Since(begin), message.Rest, message.Operations
			return p, nil
		}
	}
}

// startResult are medians.
type startResult struct{ ready, dictionary time.Duration }

// measureStarts starts the runtime again and again. The dictionary is unpacked beside the fetch, on another core where
// there is one, so that its time and the rest's may add up to more than the whole.
func (b *bench) measureStarts(ctx context.Context) (startResult, error) {
	var ready, dictionary []time.Duration
	for range starts {
		p, err := b.startRuntime(ctx, runtimeArgs{})
		if err != nil {
			return startResult{}, err
		}
		seconds, err := p.metric(ctx, `ctr_model_load_seconds{phase="dictionary"}`)
		p.stop()
		if err != nil {
			return startResult{}, err
		}
		ready = append(ready, p.ready)
		dictionary = append(dictionary, time.Duration(seconds*float64(time.Second)))
	}
	slices.Sort(ready)
	slices.Sort(dictionary)
	return startResult{ready[starts/2], dictionary[starts/2]}, nil
}

// metric reads one series of the operations port.
func (p *process) metric(ctx context.Context, series string) (float64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.operations+"/metrics", http.NoBody)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if value, found := strings.CutPrefix(lines.Text(), series+" "); found {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("there is no %s", series)
}

// memoryUse is in MB.
type memoryUse struct{ rss, peak float64 }

func (p *process) memory() memoryUse {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return memoryUse{}
	}
	mb := func(name string) float64 {
		_, rest, _ := bytes.Cut(status, []byte(name+":"))
		if fields := strings.Fields(string(rest)); len(fields) > 0 {
			kb, _ := strconv.ParseFloat(fields[0], 64)
			return kb / 1024
		}
		return 0
	}
	return memoryUse{rss: mb("VmRSS"), peak: mb("VmHWM")}
}

// cpu is the processor time that the process and its children have used.
func (p *process) cpu() time.Duration {
	pids := []string{strconv.Itoa(p.cmd.Process.Pid)}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%[1]s/task/%[1]s/children", pids[0]))
	if err == nil {
		pids = append(pids, strings.Fields(string(children))...)
	}
	const tick = 10 * time.Millisecond // what Linux counts in
	total := time.Duration(0)
	for _, pid := range pids {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil {
			continue
		}
		// After the name, which is in parentheses and may contain anything, come the state and ten numbers.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		for _, field := range fields[11:13] {
			n, _ := strconv.Atoi(field)
			total += time.Duration(n) * tick
		}
	}
	return total
}

// loadAverage is the machine's over the last minute.
func loadAverage() string {
	content, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(content), " ")
	return first
}
