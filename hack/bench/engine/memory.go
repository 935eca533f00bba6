package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// growth runs a network and a Pipeline very often, and compares the memory after the first tenth with that at the end.
func (b *bench) growth(ctx context.Context) []row {
	var rows []row
	for _, c := range []struct {
		what string
		args []string
	}{
		{"Wide & Deep", []string{"fields", b.model("small.onnx"), b.model("small.inputs"), examples, "1"}},
		{"scikit-learn Pipeline", []string{"rows", b.model("pipeline"), b.model("pipeline.json"), "1"}},
	} {
		what := "memory over 10,000,000 predictions: " + c.what
		before, after, err := b.grown(ctx, c.args)
		if err != nil {
			rows = append(rows, unmeasured(what, "flat", err))
			continue
		}
		rows = append(rows, row{what: what, ours: fmt.Sprintf("%.1f MB, then %.1f MB", before, after), aim: "flat"})
	}
	return rows
}

// model is the path of a file that the scripts write.
func (b *bench) model(name string) string { return filepath.Join(b.models, name) }

func (b *bench) grown(ctx context.Context, args []string) (before, after float64, err error) {
	const tenth = 1_000_000
	s, err := b.ourSide(ctx, b.options.one(), args...)
	if err != nil {
		return 0, 0, err
	}
	defer s.stop()
	if _, err := s.run(tenth); err != nil {
		return 0, 0, err
	}
	before = resident(s.cmd.Process.Pid)
	if _, err := s.run(9 * tenth); err != nil {
		return 0, 0, err
	}
	return before, resident(s.cmd.Process.Pid), nil
}

// resident is a process's memory in MB.
func resident(pid int) float64 {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	var size, pages float64
	_, _ = fmt.Sscan(string(content), &size, &pages)
	return pages * float64(os.Getpagesize()) / 1e6
}

// loading opens networks of 1 GiB, and compares that with reading their files into memory.
func (b *bench) loading(ctx context.Context) []row {
	const what, aim = "loading 1 GiB of embeddings", "≤ 1.3 × reading; peak ≤ 1.15 × the weights"
	if err := b.missing["python"]; err != nil {
		return []row{unmeasured(what, aim, err)}
	}
	dir := filepath.Join(b.options.cache, "big")
	defer func() { _ = os.RemoveAll(dir) }()
	var rows []row
	for _, format := range []string{"SavedModel", "h5"} {
		what := what + ", " + format
		b.say("writing %s", format)
		if _, err := run(ctx, nil, b.python, filepath.Join(sources, "big.py"), format, dir); err != nil {
			return append(rows, unmeasured(what, aim, err))
		}
		r, err := b.load(ctx, what, aim, dir)
		if err != nil {
			r = unmeasured(what, aim, err)
		}
		rows = append(rows, r)
		if err := os.RemoveAll(dir); err != nil {
			return append(rows, unmeasured(what, aim, err))
		}
	}
	return rows
}

// load reads and opens a model in turns. Each is a process of its own, so that its peak of memory is its own.
func (b *bench) load(ctx context.Context, what, aim, dir string) (row, error) {
	var reads, opens, ratios, cpuRatios, peaks []float64
	weights := 0.0
	for range 5 {
		read, err := b.once(ctx, "read", dir)
		if err != nil {
			return row{}, err
		}
		open, err := b.once(ctx, "open", dir)
		if err != nil {
			return row{}, err
		}
		weights = open.weights
		reads, opens = append(reads, read.took), append(opens, open.took)
		ratios, peaks = append(ratios, open.took/read.took), append(peaks, open.peak)
		cpuRatios = append(cpuRatios, open.cpu/read.cpu)
	}
	return row{
		what: what, aim: aim, ours: fmt.Sprintf("%s, peak %.2f × the weights", duration(median(opens)), median(peaks)/weights),
		peer:  "reading the file " + duration(median(reads)),
		ratio: fmt.Sprintf("%.2f × as long", median(ratios)), cpuRatio: fmt.Sprintf("%.2f × as long", median(cpuRatios)),
	}, nil
}

// opened is what opening or reading a model took, in nanoseconds of the clock and of the processor; and the bytes of its
// weights, and of the process's memory at its peak.
type opened struct{ took, cpu, weights, peak float64 }

// once runs a worker that opens or reads a model.
func (b *bench) once(ctx context.Context, how, dir string) (o opened, err error) {
	self, err := os.Executable()
	if err != nil {
		return o, err
	}
	cmd := exec.CommandContext(ctx, "taskset", "-c", b.options.one(), self, "worker", how, dir)
	said := &strings.Builder{}
	cmd.Stderr = said
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	out, err := cmd.Output()
	if err != nil {
		return o, errors.New(lastLine(said.String()))
	}
	if _, err := fmt.Sscan(string(out), &o.took, &o.weights); err != nil {
		return o, err
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return o, errors.New("no resource usage on this system")
	}
	o.peak = float64(usage.Maxrss) * 1024
	o.cpu = float64(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime())
	return o, nil
}

// readFiles reads all files of a directory into new memory, one after another, and returns how long that took.
func readFiles(dir string) (took time.Duration, size int, err error) {
	begin := time.Now()
	err = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		n, err := readFile(path)
		size += n
		return err
	})
	return time.Since(begin), size, err
}

func readFile(path string) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return io.ReadFull(f, make([]byte, info.Size()))
}
