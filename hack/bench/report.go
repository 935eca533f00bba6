package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// report is what a run has found.
type report struct {
	cores        int
	load         string
	options      options
	rows         []row
	startup      startResult
	idle, loaded memoryUse
	split        splitResult
}

// printReport prints it all as one table, with what is aimed at beside what was found.
func printReport(out io.Writer, r report) {
	fmt.Fprintf(out, "\n%d cores, shared by server and load; load average at the end %s; %d keep-alive connections; "+
		"median of %d × %s\n\n", r.cores, r.load, r.options.connections, r.options.rounds, r.options.duration)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "throughput\treq/s\tp50 µs\tp99 µs\tCPU µs/req\t× nginx\tpredictions/s")
	base := r.rows[0].result.rps
	for _, line := range r.rows {
		predictions := ""
		if line.perAnswer > 0 {
			predictions = fmt.Sprintf("%.0f", line.result.rps*float64(line.perAnswer))
		}
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.0f\t%.1f\t%.2f\t%s\n", line.name, line.result.rps, line.result.p50, line.result.p99,
			line.result.cpu, line.result.rps/base, predictions)
	}
	m := r.split.mixed
	fmt.Fprintf(t, "ctr-runtime, 10 %% forwarded to a canary\t%.0f\t%.0f\t%.0f\t%.1f\t%.2f\t%.0f\n",
		m.rps, m.p50, m.p99, m.cpu, m.rps/base, m.rps)
	_ = t.Flush()

	fmt.Fprintln(out)
	t = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "also\tmeasured\taim")
	cost := 100 * (1 - r.split.with.rps/r.split.without.rps)
	for _, line := range [][3]string{
		{"one prediction, against nginx with one worker", fmt.Sprintf("%.2f ×", ratio(r.rows, base)), "≥ 0.5 ×"},
		{"process start to ready", ms(r.startup.ready), "≤ 100 ms plus the dictionary"},
		{"the dictionary's part, beside the fetch", ms(r.startup.dictionary), ""},
		{"RSS, ready and idle", fmt.Sprintf("%.0f MB", r.idle.rss), "≤ 60 MB"},
		{"RSS under load (peak)", fmt.Sprintf("%.0f MB", r.loaded.peak), ""},
		{"the split's cost at 10 %, for the stable's share", fmt.Sprintf("%.1f %% (%.0f → %.0f req/s)", cost,
			r.split.without.rps, r.split.with.rps), "≤ 3 %"},
		{"the same in processor time", fmt.Sprintf("%.1f %% (%.2f → %.2f µs/req)", 100*(r.split.with.cpu/r.split.without.cpu-1),
			r.split.without.cpu, r.split.with.cpu), "≤ 3 %"},
	} {
		fmt.Fprintln(t, strings.Join(line[:], "\t"))
	}
	_ = t.Flush()
}

// ratio is that of the first row that predicts.
func ratio(rows []row, base float64) float64 {
	for _, line := range rows {
		if line.perAnswer == 1 {
			return line.result.rps / base
		}
	}
	return 0
}

func ms(d time.Duration) string { return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond)) }
