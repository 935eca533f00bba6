package op

import (
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Trilu keeps the upper triangle of the matrices that are the last two dimensions of its first input, or, if Lower is set, the
// lower one, and puts zeros elsewhere. The second input, if there is one, says how far above the main diagonal the
// triangle ends.
type Trilu struct{ Lower bool }

// Name implements graph.Op.
func (Trilu) Name() string { return "Trilu" }

// Run implements graph.Op.
func (o Trilu) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 2); err != nil {
		return err
	}
	x, y := in[0], out[0]
	if x.Rank() < 2 || x.DType() == tensor.String {
		return typeError("matrices of numbers", x)
	}
	k := 0
	if t := given(in, 1); t != nil {
		if !isInt(t) || t.Len() != 1 {
			return typeError("one integer as its diagonal", t)
		}
		k = intAt(t, 0)
	}
	if err := like(f, y, x); err != nil {
		return err
	}
	switch x.DType() {
	case tensor.Float32:
		triangle(o, tensor.Data[float32](y), tensor.Data[float32](x), x.Shape(), k)
	case tensor.Float64:
		triangle(o, tensor.Data[float64](y), tensor.Data[float64](x), x.Shape(), k)
	case tensor.Int32:
		triangle(o, tensor.Data[int32](y), tensor.Data[int32](x), x.Shape(), k)
	case tensor.Int64:
		triangle(o, tensor.Data[int64](y), tensor.Data[int64](x), x.Shape(), k)
	default:
		triangle(o, tensor.Data[bool](y), tensor.Data[bool](x), x.Shape(), k)
	}
	return nil
}

func triangle[T any](o Trilu, y, x []T, shape []int, k int) {
	var zero T
	rows, columns := shape[len(shape)-2], shape[len(shape)-1]
	for i := range y {
		row, column := i/columns%rows, i%columns
		y[i] = zero
		if (o.Lower && column-row <= k) || (!o.Lower && column-row >= k) {
			y[i] = x[i]
		}
	}
}
