//go:build !race

package features

import "testing"

// Under the race detector a sync.Pool loses things on purpose, and counting allocations says nothing.

func TestFillAllocatesNothing(t *testing.T) {
	f := newSet(t)
	dst := make([]float64, CTR12Len)
	in := CTR12Input{Query: "人工智能", Summary: "人工智能技术介绍", Position: 1, Score: 0.8}
	if n := testing.AllocsPerRun(100, func() { f.Fill(dst, in) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
