// Command bench measures ctr-runtime beside nginx, which returns a constant of the same size: on the same cores, in one
// run, with the same load generator. It prints one table and asserts nothing; numbers of different runs, and of a machine
// that does something else meanwhile, do not compare.
//
// It needs wrk and nginx (Debian: wrk, nginx-light), and installs them where it may. Everything that it starts listens on
// the loopback interface and is ended by it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// options are what can be chosen.
type options struct {
	duration    time.Duration // of one measurement
	rounds      int           // measurements of each kind, of which the median counts
	connections int
	artifact    string
}

func main() {
	o := options{}
	flag.DurationVar(&o.duration, "duration", 2*time.Second, "length of one measurement")
	flag.IntVar(&o.rounds, "rounds", 3, "measurements of each kind; the median is shown")
	flag.IntVar(&o.connections, "connections", 32, "keep-alive connections")
	flag.StringVar(&o.artifact, "artifact", "", "model file (default: the first of "+fmt.Sprint(artifacts)+")")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run brings everything up, measures, and prints.
func run(ctx context.Context, o options, out io.Writer) error {
	b, err := newBench(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()

	b.say("starting the runtime %d times", starts)
	startup, err := b.measureStarts(ctx)
	if err != nil {
		return err
	}
	peers, err := b.startNginx(ctx)
	if err != nil {
		return err
	}
	plain, err := b.startRuntime(ctx, runtimeArgs{})
	if err != nil {
		return err
	}
	idle := plain.memory()
	rows, err := b.throughput(ctx, peers, plain)
	if err != nil {
		return err
	}
	loaded := plain.memory()
	split, err := b.splitCost(ctx, plain)
	if err != nil {
		return err
	}
	printReport(out, report{
		cores: runtime.NumCPU(), load: loadAverage(), options: o, rows: rows, startup: startup,
		idle: idle, loaded: loaded, split: split,
	})
	return nil
}

// row is a line of the table.
type row struct {
	name      string
	result    result
	perAnswer int // predictions in one answer; 0 where there are none
}

// throughput measures the peers and the runtime in turns, so that what disturbs one disturbs all.
func (b *bench) throughput(ctx context.Context, peers []peer, p *process) ([]row, error) {
	predict := "http://" + p.rest + "/v1/models/bench:predict"
	type target struct {
		name      string
		process   *process
		url, body string
		perAnswer int
	}
	var targets []target
	for _, n := range peers {
		targets = append(targets, target{n.name, n.process, "http://" + n.address + "/v1/models/bench:predict", ctrForm, 0})
	}
	targets = append(targets,
		target{"ctr-runtime, one prediction, CTR form", p, predict, ctrForm, 1},
		target{"ctr-runtime, one prediction, 12 features", p, predict, bareForm, 1},
		target{"ctr-runtime, batch of 100, CTR form", p, "http://" + p.rest + "/v1/models/bench:batch_predict", batchOf(100), 100},
	)
	results := make([][]result, len(targets))
	for round := range b.options.rounds {
		b.say("throughput, round %d of %d", round+1, b.options.rounds)
		for i, t := range targets {
			r, err := b.load(ctx, t.process, t.url, t.body, "")
			if err != nil {
				return nil, fmt.Errorf("%s: %w", t.name, err)
			}
			results[i] = append(results[i], r)
		}
	}
	var rows []row
	for i, t := range targets {
		rows = append(rows, row{t.name, median(results[i]), t.perAnswer})
	}
	return rows, nil
}

// median is the result with the median throughput.
func median(results []result) result {
	slices.SortFunc(results, func(a, b result) int { return int(a.rps - b.rps) })
	return results[len(results)/2]
}

// splitResult is what a traffic table costs.
type splitResult struct {
	without, with result // of the stable's share
	mixed         result // all users: one request in ten is forwarded
}

// splitCost compares a server with a table that gives a canary 10 % with one that has none, both asked on behalf of a
// user whom the hash leaves with the stable revision.
func (b *bench) splitCost(ctx context.Context, plain *process) (splitResult, error) {
	canary, err := b.startRuntime(ctx, runtimeArgs{revision: "canary", number: 2})
	if err != nil {
		return splitResult{}, err
	}
	defer canary.stop()
	table, err := b.writeTable(canary.rest)
	if err != nil {
		return splitResult{}, err
	}
	stable, err := b.startRuntime(ctx, runtimeArgs{revision: "stable", number: 1, table: table})
	if err != nil {
		return splitResult{}, err
	}
	defer stable.stop()
	var without, with []result
	for round := range 2 * b.options.rounds {
		if round%2 == 0 {
			b.say("cost of the split, round %d of %d", round/2+1, b.options.rounds)
		}
		for _, side := range []struct {
			p  *process
			to *[]result
		}{{plain, &without}, {stable, &with}} {
			r, err := b.load(ctx, side.p, "http://"+side.p.rest+"/v1/models/bench:predict", ctrForm, stableUser())
			if err != nil {
				return splitResult{}, err
			}
			*side.to = append(*side.to, r)
		}
	}
	mixed, err := b.load(ctx, stable, "http://"+stable.rest+"/v1/models/bench:predict", ctrForm, "")
	if err != nil {
		return splitResult{}, err
	}
	return splitResult{median(without), median(with), mixed}, nil
}
