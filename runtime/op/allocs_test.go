//go:build !race

package op_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/kernel"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// TestAllocations shows that an operator that has run once on tensors of some size allocates nothing the next time. Operators
// that make strings are the exception: strings are not changed, so new ones have to be made.
func TestAllocations(t *testing.T) {
	makesStrings := []string{"Cast"}
	for i, s := range samples() {
		t.Run(fmt.Sprintf("%d %s", i, s.op.Name()), func(t *testing.T) {
			if (s.want[0].DType() == tensor.String || s.in[0].DType() == tensor.String) && slices.Contains(makesStrings, s.op.Name()) {
				t.Skip("makes strings, or errors of numbers that are too large")
			}
			out := make(tensors, len(s.want))
			for k := range out {
				out[k] = &tensor.Tensor{}
			}
			f := graph.NewFrame(1, 1<<20, kernel.Plain())
			allocs := testing.AllocsPerRun(10, func() {
				f.Begin()
				if err := s.op.Run(f, s.in, out); err != nil {
					t.Fatal(err)
				}
			})
			if allocs != 0 {
				t.Errorf("%v allocations", allocs)
			}
		})
	}
}
