package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/ctr-operator/ctr-operator/runtime/kernel"
)

// print prints the table, and how far from the core's limits the rows are.
func (b *bench) print(ctx context.Context, out io.Writer, rows []row) error {
	l, err := b.limits(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s, %s/%s, %s, %d cores, of which one, unless said otherwise; kernels %s; load average at the end %s\n",
		processor(), runtime.GOOS, runtime.GOARCH, runtime.Version(), runtime.NumCPU(), kernel.Best().Name, loadAverage())
	fmt.Fprintf(out, "median of %d rounds of %s in turns; a core does %.0f GFLOPS, reads %.0f GB/s from its cache and "+
		"%.0f GB/s from memory\n\n", b.options.rounds, b.options.round, l.flops/1e9, l.cache/1e9, l.memory/1e9)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "what\tours\tCPU\tallocations\tframework\t× faster\tby CPU time\taim\tlimit\tof limit")
	for _, r := range rows {
		least := r.least(l)
		limit, part, cpu := "", "", ""
		if r.took > 0 {
			cpu = duration(r.took)
		}
		if least > 0 {
			limit, part = duration(least), fmt.Sprintf("%.0f %%", 100*least/r.took)
		}
		fmt.Fprintln(t, strings.Join([]string{r.what, r.ours, cpu, r.allocs, r.peer, r.ratio, r.cpuRatio, r.aim, limit, part}, "\t"))
	}
	return t.Flush()
}

// least is how many nanoseconds the row's work takes at best; 0 where that is not known.
func (r *row) least(l limits) float64 {
	if l.flops == 0 || r.took == 0 {
		return 0
	}
	return 1e9 * max(r.work.flops/l.flops, r.work.cached/l.cache)
}

// limits are measured by a worker, on the core that all were measured on.
func (b *bench) limits(ctx context.Context) (l limits, err error) {
	self, err := os.Executable()
	if err != nil {
		return l, err
	}
	out, err := run(ctx, nil, "taskset", "-c", b.options.one(), self, "worker", "limits")
	if err != nil {
		return l, err
	}
	_, err = fmt.Sscan(out, &l.flops, &l.cache, &l.memory)
	return l, err
}

// duration is nanoseconds as people read them.
func duration(ns float64) string {
	switch {
	case ns < 1e3:
		return fmt.Sprintf("%.0f ns", ns)
	case ns < 1e6:
		return fmt.Sprintf("%.2f µs", ns/1e3)
	case ns < 1e9:
		return fmt.Sprintf("%.2f ms", ns/1e6)
	default:
		return fmt.Sprintf("%.2f s", ns/1e9)
	}
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	if len(s) > 3 {
		s = s[:len(s)-3] + "," + s[len(s)-3:]
	}
	return s
}

// processor is what the system calls it.
func processor() string {
	content, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "a processor"
	}
	for line := range strings.Lines(string(content)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "a processor"
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
