//go:build !race

package engine_test

import (
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/engine"
)

// The race detector makes pools forget what they hold. There is one thread, as another makes a run of its own whenever it first
// gets to work.
func TestFusedNoAllocations(t *testing.T) {
	p := compile(t, wideAndDeep(t), engine.Options{Threads: 1})
	run := p.Acquire()
	defer run.Release()
	for _, rows := range []int{1, 100, 1024} {
		fill(run, p, rows, 1)
		do := func() {
			if err := run.Do(); err != nil {
				t.Fatal(err)
			}
		}
		do()
		if allocs := testing.AllocsPerRun(20, do); allocs >= 1 {
			t.Errorf("%v allocations for %d rows", allocs, rows)
		}
	}
}
