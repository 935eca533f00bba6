package op

import (
	"fmt"
	"strconv"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// DecimalHash is StringHash of the decimal text of each integer, which it needs no memory for.
type DecimalHash struct{ StringHash }

// Name implements graph.Op.
func (DecimalHash) Name() string { return "DecimalHash" }

// Run implements graph.Op.
func (o DecimalHash) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	if !isInt(in[0]) {
		return typeError("integers", in[0])
	}
	if o.Buckets < 1 {
		return fmt.Errorf("hashes to %d buckets", o.Buckets)
	}
	if err := f.Resize(out[0], tensor.Int64, in[0].Shape()...); err != nil {
		return err
	}
	var digits [20]byte
	y, buckets := tensor.Data[int64](out[0]), uint64(o.Buckets)
	for i := range y {
		text := strconv.AppendInt(digits[:0], int64(intAt(in[0], i)), 10)
		y[i] = int64(o.hash(string(text)) % buckets)
	}
	return nil
}
