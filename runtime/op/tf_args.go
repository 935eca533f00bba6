package op

import (
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// int64s are the elements of a tensor of int64s of so many dimensions.
func int64s(what string, t *tensor.Tensor, rank int) ([]int64, error) {
	if t.DType() != tensor.Int64 || t.Rank() != rank {
		return nil, fmt.Errorf("%s must be int64s of %d dimensions, not %v", what, rank, t)
	}
	return tensor.Data[int64](t), nil
}

// rowsOf is how many rows, along its first dimension, a tensor has, and of how many elements each.
func rowsOf(what string, t *tensor.Tensor) (rows, width int, err error) {
	if t.Rank() == 0 {
		return 0, 0, fmt.Errorf("%s must have rows, and is %v", what, t)
	}
	return t.Shape()[0], tensor.Count(t.Shape()[1:]), nil
}

// copyRow copies one row of src to one of dst, of the same type and width.
func copyRow(dst *tensor.Tensor, to int, src *tensor.Tensor, from, width int) {
	switch dst.DType() {
	case tensor.Float32:
		row[float32](dst, to, src, from, width)
	case tensor.Float64:
		row[float64](dst, to, src, from, width)
	case tensor.Int32:
		row[int32](dst, to, src, from, width)
	case tensor.Int64:
		row[int64](dst, to, src, from, width)
	case tensor.Bool:
		row[bool](dst, to, src, from, width)
	default:
		row[string](dst, to, src, from, width)
	}
}

func row[T tensor.Element](dst *tensor.Tensor, to int, src *tensor.Tensor, from, width int) {
	copy(tensor.Data[T](dst)[to*width:(to+1)*width], tensor.Data[T](src)[from*width:(from+1)*width])
}

// resizeRows gives y the type of x and the shape of its rows, so many of them.
func resizeRows(f *graph.Frame, y, x *tensor.Tensor, rows int) error {
	var shape dims
	copy(shape[:], x.Shape())
	shape[0] = rows
	return f.Resize(y, x.DType(), shape[:x.Rank()]...)
}
