package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// side is one of those that are compared: a program that runs a model as often as it is told, and says how long that took.
type side struct {
	name    string
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	version string
	// runs is how many make a round, times the nanoseconds of one in each round.
	runs  int
	times []float64
	// cpu are the nanoseconds of processor time of all rounds, times the runs.
	cpu float64
	// first is the last run's first result, allocs how many allocations each of the last runs made.
	first, allocs float64
}

// start starts a side on some cores.
func (b *bench) start(ctx context.Context, name, cores, program string, args ...string) (*side, error) {
	args = append([]string{"-c", cores, program}, args...)
	s := &side{name: name, cmd: exec.CommandContext(ctx, "taskset", args...)}
	s.cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", 1+strings.Count(cores, ",")))
	var err error
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	said := &strings.Builder{}
	s.cmd.Stderr = said
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(out)
	if s.version, err = s.out.ReadString('\n'); err != nil {
		_ = s.cmd.Wait()
		return nil, fmt.Errorf("%s: %s", name, lastLine(said.String()))
	}
	s.version = strings.TrimSpace(s.version)
	return s, nil
}

// lastLine is the end of what a program said, where the reason mostly is.
func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}

// stop ends a side. It is one that waits for its input.
func (s *side) stop() {
	_ = s.in.Close()
	_, _ = io.Copy(io.Discard, s.out)
	_ = s.cmd.Wait()
}

// run lets it run so many times, and returns the nanoseconds of each.
func (s *side) run(runs int) (each float64, err error) {
	if _, err := fmt.Fprintln(s.in, runs); err != nil {
		return 0, err
	}
	line, err := s.out.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("%s: %w", s.name, err)
	}
	total := 0.0
	if n, err := fmt.Sscan(line, &total, &s.first, &s.allocs); n < 2 {
		return 0, fmt.Errorf("%s: %w", s.name, err)
	}
	return total / float64(runs), nil
}

// calibrate finds how many runs make a round.
func (s *side) calibrate(round time.Duration) error {
	for s.runs = 1; ; s.runs *= 2 {
		each, err := s.run(s.runs)
		if err != nil {
			return err
		}
		if took := each * float64(s.runs); took > float64(round)/4 {
			s.runs = max(1, int(float64(round)/each))
			return nil
		}
	}
}

// errDiffer says that two sides do not compute the same.
var errDiffer = errors.New("the answers differ")

// compare measures all sides in turns. All must have answered the first input alike.
func (b *bench) compare(sides ...*side) error {
	for _, s := range sides {
		if _, err := s.run(1); err != nil {
			return err
		}
	}
	for _, s := range sides[1:] {
		if diff := math.Abs(s.first - sides[0].first); !(diff <= 2e-6) {
			return fmt.Errorf("%w: %s says %g, %s %g", errDiffer, sides[0].name, sides[0].first, s.name, s.first)
		}
	}
	for _, s := range sides {
		if err := s.calibrate(b.options.round); err != nil {
			return err
		}
	}
	for range b.options.rounds {
		for _, s := range sides {
			before := s.processorTime()
			each, err := s.run(s.runs)
			if err != nil {
				return err
			}
			s.times = append(s.times, each)
			s.cpu += s.processorTime() - before
		}
	}
	return nil
}

// processorTime is how many nanoseconds of the processor it has used.
func (s *side) processorTime() float64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	// After the name, which is in parentheses and may contain anything, come the state and ten numbers.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	const tick = 1e7 // what Linux counts in
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) * tick
}

// eachCPU is the processor time of one run.
func (s *side) eachCPU() float64 { return s.cpu / float64(s.runs*len(s.times)) }

// median is that of all rounds.
func (s *side) median() float64 { return median(s.times) }

// faster is how many times faster a is than b: the median of the rounds' ratios, in which both had the same machine.
func faster(a, b *side) float64 {
	ratios := make([]float64, len(a.times))
	for i := range ratios {
		ratios[i] = b.times[i] / a.times[i]
	}
	return median(ratios)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[len(sorted)/2]
}
