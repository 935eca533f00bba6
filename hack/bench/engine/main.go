// Command engine measures the model engine beside the frameworks whose artifacts it serves: on the same core, in one run, in
// turns. It prints one table and asserts nothing; numbers of different runs, and of a machine that does something else
// meanwhile, do not compare, but the ratios of one run do.
//
// It needs Python 3.11, from which it makes a virtual environment with the frameworks in the cache directory, and a C compiler
// for ONNX Runtime's C API. What cannot be measured is said in the table.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// options are what can be chosen.
type options struct {
	round  time.Duration // about how long each side is measured in a round
	rounds int
	core   int
	cache  string
	only   string
	big    bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-engine:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "worker" {
		return worker(ctx, args[1:], os.Stdin, os.Stdout)
	}
	o := options{}
	flags := flag.NewFlagSet("bench-engine", flag.ExitOnError)
	flags.DurationVar(&o.round, "round", 60*time.Millisecond, "about how long each side is measured in a round")
	flags.IntVar(&o.rounds, "rounds", 21, "rounds, of which the median is shown")
	flags.IntVar(&o.core, "core", runtime.NumCPU()-1, "the core for everything that runs on one")
	flags.StringVar(&o.cache, "cache", filepath.Join(cacheDir(), "bench"), "where environments and models are kept")
	flags.StringVar(&o.only, "only", "", "measure the rows that this regular expression matches")
	flags.BoolVar(&o.big, "big", true, "measure loading, too, which needs 5 GiB of disk")
	_ = flags.Parse(args)
	only, err := regexp.Compile(o.only)
	if err != nil {
		return err
	}
	b, err := prepare(ctx, o)
	if err != nil {
		return err
	}
	var rows []row
	for _, m := range b.measurements() {
		if !only.MatchString(m.what) {
			continue
		}
		b.say("%s", m.what)
		rows = append(rows, m.measure(ctx)...)
	}
	return b.print(ctx, os.Stdout, rows)
}

// cacheDir is the project's, outside of the tree.
func cacheDir() string {
	if dir := os.Getenv("CTR_OPERATOR_CACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "ctr-operator")
}

// one is the list of cores that is the one.
func (o *options) one() string { return strconv.Itoa(o.core) }

// two is a list of two cores, empty where there are no two.
func (o *options) two() string {
	if runtime.NumCPU() < 2 {
		return ""
	}
	other := o.core - 1
	if o.core == 0 {
		other = 1
	}
	return fmt.Sprintf("%d,%d", other, o.core)
}
