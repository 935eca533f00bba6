package op

import (
	"fmt"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// DynamicPartition deals out parts of the first input to its outputs: the second input, int32s, says to which. It has the first
// dimensions of the first input.
type DynamicPartition struct{}

// Name implements graph.Op.
func (DynamicPartition) Name() string { return "DynamicPartition" }

// Run implements graph.Op.
func (DynamicPartition) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 2, 2); err != nil {
		return err
	}
	x, to := in[0], in[1]
	if to.DType() != tensor.Int32 || to.Rank() > x.Rank() || !slices.Equal(to.Shape(), x.Shape()[:to.Rank()]) {
		return fmt.Errorf("deals out %v by %v", x, to)
	}
	if err := f.Resize(f.Scratch(0), tensor.Int64, len(out)); err != nil {
		return err
	}
	counts := tensor.Data[int64](f.Scratch(0))
	clear(counts)
	for _, k := range tensor.Data[int32](to) {
		if k < 0 || int(k) >= len(out) {
			return fmt.Errorf("deals out to %d of %d", k, len(out))
		}
		counts[k]++
	}
	part := x.Shape()[to.Rank():]
	if 1+len(part) > tensor.MaxRank {
		return fmt.Errorf("%d dimensions, of which %d are possible", 1+len(part), tensor.MaxRank)
	}
	for k, t := range out {
		var shape dims
		shape[0] = int(counts[k])
		copy(shape[1:], part)
		if err := f.Resize(t, x.DType(), shape[:1+len(part)]...); err != nil {
			return err
		}
	}
	clear(counts)
	width := tensor.Count(part)
	for i, k := range tensor.Data[int32](to) {
		copyRow(out[k], int(counts[k]), x, i, width)
		counts[k]++
	}
	return nil
}

// DynamicStitch puts parts together: the first half of its inputs, int32s, says which row of the result each part of the
// other half becomes. Later ones win. Rows that nothing becomes are zeros.
type DynamicStitch struct{}

// Name implements graph.Op.
func (DynamicStitch) Name() string { return "DynamicStitch" }

// Run implements graph.Op.
func (DynamicStitch) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, max(2, len(in)), len(in)); err != nil {
		return err
	}
	if len(in)%2 != 0 {
		return fmt.Errorf("takes as many indices as parts, not %d inputs", len(in))
	}
	indices, parts := in[:len(in)/2], in[len(in)/2:]
	rows := 0
	part := parts[0].Shape()[min(indices[0].Rank(), parts[0].Rank()):]
	for i, t := range indices {
		x := parts[i]
		if t.DType() != tensor.Int32 || t.Rank() > x.Rank() || !slices.Equal(t.Shape(), x.Shape()[:t.Rank()]) ||
			!slices.Equal(x.Shape()[t.Rank():], part) || x.DType() != parts[0].DType() {
			return fmt.Errorf("stitches %v of %v to %v", x, t, parts[0])
		}
		for _, at := range tensor.Data[int32](t) {
			if at < 0 {
				return fmt.Errorf("a row %d", at)
			}
			rows = max(rows, int(at)+1)
		}
	}
	if 1+len(part) > tensor.MaxRank {
		return fmt.Errorf("%d dimensions, of which %d are possible", 1+len(part), tensor.MaxRank)
	}
	shape := dims{rows}
	copy(shape[1:], part)
	if err := f.Resize(out[0], parts[0].DType(), shape[:1+len(part)]...); err != nil {
		return err
	}
	out[0].Clear()
	width := tensor.Count(part)
	for i, t := range indices {
		for k, at := range tensor.Data[int32](t) {
			copyRow(out[0], int(at), parts[i], k, width)
		}
	}
	return nil
}
