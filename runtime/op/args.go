package op

import (
	"fmt"
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// check holds the arguments of an operator against how many inputs it takes, of which the first must be present. Every
// operator calls it first, so that the rest can rely on the tensors being there, of a type, and of few dimensions.
func check(in, out []*tensor.Tensor, required, most int) error {
	if len(in) < required || len(in) > most {
		return fmt.Errorf("takes %d to %d inputs, not %d", required, most, len(in))
	}
	if len(out) == 0 {
		return fmt.Errorf("computes one output at least, not none")
	}
	for i, t := range in {
		switch {
		case t == nil && i < required:
			return fmt.Errorf("the input %d is absent", i)
		case t == nil:
		case t.DType() < tensor.Float32 || t.DType() > tensor.String:
			return fmt.Errorf("the input %d is of no type", i)
		case t.Rank() > tensor.MaxRank:
			return fmt.Errorf("the input %d has %d dimensions, of which %d are possible", i, t.Rank(), tensor.MaxRank)
		}
	}
	return nil
}

// given is an optional input, or nil.
func given(in []*tensor.Tensor, i int) *tensor.Tensor {
	if i < len(in) {
		return in[i]
	}
	return nil
}

// typeError says which types an operator takes.
func typeError(takes string, t *tensor.Tensor) error { return fmt.Errorf("takes %s, not %v", takes, t) }

// shapeError says which shape does not fit. It copies the shape, so that callers' need not be on the heap.
func shapeError(what string, shape []int) error {
	return fmt.Errorf("%s does not fit the shape %v", what, append([]int(nil), shape...))
}

// number is what can be computed with.
type number interface {
	float32 | float64 | int32 | int64
}

// float is a number with a fraction.
type float interface {
	float32 | float64
}

// dims is a shape, or a number for each dimension, that needs no memory of its own.
type dims [tensor.MaxRank]int

// axisOf is the place of an axis, which may be counted from the end.
func axisOf(axis, rank int) (int, error) {
	if axis < -rank || axis >= rank {
		return 0, fmt.Errorf("there is no axis %d among %d", axis, rank)
	}
	if axis < 0 {
		axis += rank
	}
	return axis, nil
}

// intAt is an element of a tensor of integers, which the caller has checked to be one.
func intAt(t *tensor.Tensor, i int) int {
	if t.DType() == tensor.Int32 {
		return int(tensor.Data[int32](t)[i])
	}
	return int(tensor.Data[int64](t)[i])
}

func isInt(t *tensor.Tensor) bool { return t.DType() == tensor.Int32 || t.DType() == tensor.Int64 }

// list reads a list of integers, or a single one, of at most as many as there may be dimensions.
func list(what string, t *tensor.Tensor, buf *dims) ([]int, error) {
	if !isInt(t) || t.Rank() > 1 || t.Len() > len(buf) {
		return nil, fmt.Errorf("%s must be a list of at most %d integers, not %v", what, len(buf), t)
	}
	values := buf[:t.Len()]
	for i := range values {
		values[i] = intAt(t, i)
	}
	return values, nil
}

// axesOf reads a list of axes, and marks them. Naming one twice is an error.
func axesOf(t *tensor.Tensor, rank int) (marked [tensor.MaxRank]bool, err error) {
	var buf dims
	axes, err := list("axes", t, &buf)
	if err != nil {
		return marked, err
	}
	for _, a := range axes {
		axis, err := axisOf(a, rank)
		if err != nil {
			return marked, err
		}
		if marked[axis] {
			return marked, fmt.Errorf("the axis %d is named twice", axis)
		}
		marked[axis] = true
	}
	return marked, nil
}

// single is the only element of a tensor, as a float64.
func single(what string, t *tensor.Tensor) (float64, error) {
	if t.Len() == 1 {
		switch t.DType() {
		case tensor.Float32:
			return float64(tensor.Data[float32](t)[0]), nil
		case tensor.Float64:
			return tensor.Data[float64](t)[0], nil
		case tensor.Int32:
			return float64(tensor.Data[int32](t)[0]), nil
		case tensor.Int64:
			return float64(tensor.Data[int64](t)[0]), nil
		}
	}
	return 0, fmt.Errorf("%s must be one number, not %v", what, t)
}

// singleInt is the only element of a tensor of integers.
func singleInt(what string, t *tensor.Tensor) (int, error) {
	if !isInt(t) || t.Len() != 1 {
		return 0, fmt.Errorf("%s must be one integer, not %v", what, t)
	}
	return intAt(t, 0), nil
}

// around is a shape seen from one axis: so many blocks, of so many rows along the axis, of so many elements.
func around(shape []int, axis int) (outer, size, inner int) {
	return tensor.Count(shape[:axis]), shape[axis], tensor.Count(shape[axis+1:])
}

// product is that of two sizes which are not negative, or an error where it is more than an int holds.
func product(a, b int) (int, error) {
	if b != 0 && a > math.MaxInt/b {
		return 0, fmt.Errorf("%d times %d elements are too many", a, b)
	}
	return a * b, nil
}

// like resizes an output to the type and shape of an input.
func like(f *graph.Frame, y, x *tensor.Tensor) error { return f.Resize(y, x.DType(), x.Shape()...) }
