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
	makesStrings := []string{"Cast", "AsString", "StringJoin", "StringConcat", "SparseCross", "StringNormalizer"}
	for i, s := range samples() {
		t.Run(fmt.Sprintf("%d %s", i, s.op.Name()), func(t *testing.T) {
			if slices.Contains(makesStrings, s.op.Name()) && (hasStrings(s.want) || hasStrings(s.in)) {
				t.Skip("makes strings, or errors of numbers that are too large")
			}
			out := make(tensors, len(s.want))
			for k := range out {
				out[k] = &tensor.Tensor{}
			}
			if preparer, ok := s.op.(graph.Preparer); ok {
				constants := slices.Clone(s.in)
				constants[0] = nil
				prepared, err := preparer.Prepare(constants)
				if err != nil {
					t.Fatal(err)
				}
				s.op = prepared
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

func hasStrings(ts tensors) bool {
	return slices.ContainsFunc(ts, func(t *tensor.Tensor) bool { return t != nil && t.DType() == tensor.String })
}
