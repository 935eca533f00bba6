package keras

import (
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// value is one of the graph's, with what is known of it before it is run.
type value struct {
	v     graph.Value
	dtype tensor.DType
	// shape has graph.Any where a size is not known; the first is the batch's, but for constants.
	shape []int
	// mask says which places count, where a layer before said so; else nil. It has the first dimensions of the value.
	mask *value
	// weak is a number of Python's, which takes the type of what it meets.
	weak bool
	// chance says that it is a sigmoid's or a softmax's: a probability.
	chance bool
}

func (v value) rank() int { return len(v.shape) }

func (v value) floats() bool { return v.dtype == tensor.Float32 || v.dtype == tensor.Float64 }

func (v value) ints() bool { return v.dtype == tensor.Int32 || v.dtype == tensor.Int64 }

// last is the size of the last dimension, or graph.Any.
func (v value) last() int {
	if len(v.shape) == 0 {
		return graph.Any
	}
	return v.shape[len(v.shape)-1]
}

func sameShape(a, b []int) bool { return slices.Equal(a, b) }

// emitter adds nodes for one layer's call.
type emitter struct {
	r    *reader
	name string
}

// add adds a node with one output.
func (e *emitter) add(o graph.Op, dtype tensor.DType, shape []int, in ...value) value {
	values := make([]graph.Value, len(in))
	for i := range in {
		values[i] = in[i].v
	}
	return value{v: e.r.b.Add(e.name, o, values...), dtype: dtype, shape: slices.Clone(shape)}
}

// unary adds a node that keeps type and shape.
func (e *emitter) unary(o graph.Op, x value) value { return e.add(o, x.dtype, x.shape, x) }

// constant adds a constant.
func (e *emitter) constant(t *tensor.Tensor) value {
	return value{v: e.r.b.Constant(t), dtype: t.DType(), shape: slices.Clone(t.Shape())}
}

// scalar is a number of the type.
func (e *emitter) scalar(dtype tensor.DType, x float64) value {
	switch dtype {
	case tensor.Float64:
		return e.constant(tensor.Of([]float64{x}))
	case tensor.Int32:
		return e.constant(tensor.Of([]int32{int32(x)}))
	case tensor.Int64:
		return e.constant(tensor.Of([]int64{int64(x)}))
	case tensor.Bool:
		return e.constant(tensor.Of([]bool{x != 0}))
	default:
		return e.constant(tensor.Of([]float32{float32(x)}))
	}
}

// list is a constant list of integers, as axes and shapes are given.
func (e *emitter) list(values ...int) value {
	data := make([]int64, len(values))
	for i, x := range values {
		data[i] = int64(x)
	}
	return e.constant(tensor.Of(data, len(data)))
}

// cast converts to the type, if it is not of it.
func (e *emitter) cast(x value, to tensor.DType) value {
	if x.dtype == to {
		return x
	}
	out := e.add(op.Cast{To: to}, to, x.shape, x)
	out.mask = x.mask
	return out
}

// autocast is what layers do with their inputs: floats of another type become theirs.
func (e *emitter) autocast(x value, to tensor.DType) value {
	if x.floats() {
		return e.cast(x, to)
	}
	return x
}

// promoted is the type in which values meet.
func promoted(a, b value) tensor.DType {
	switch {
	case a.dtype == b.dtype:
		return a.dtype
	case a.weak && !b.weak && (b.floats() || a.ints()):
		return b.dtype
	case b.weak && !a.weak && (a.floats() || b.ints()):
		return a.dtype
	case a.dtype == tensor.Bool:
		return b.dtype
	case b.dtype == tensor.Bool:
		return a.dtype
	case a.floats() && b.floats():
		return tensor.Float64
	case a.floats():
		return a.dtype
	case b.floats():
		return b.dtype
	}
	return tensor.Int64
}

// binary adds a node that broadcasts two values of one type; a result of another type than theirs is said in to.
func (e *emitter) binary(o graph.Op, a, b value, to tensor.DType) (value, error) {
	if a.dtype == tensor.String != (b.dtype == tensor.String) {
		return value{}, fault(Malformed, "text and numbers do not meet")
	}
	dtype := promoted(a, b)
	a, b = e.cast(a, dtype), e.cast(b, dtype)
	shape, err := broadcastShapes(a.shape, b.shape)
	if err != nil {
		return value{}, err
	}
	if to == 0 {
		to = dtype
	}
	return e.add(o, to, shape, a, b), nil
}

// broadcastShapes is the shape of what two values make of each other.
func broadcastShapes(a, b []int) ([]int, error) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	for i, size := range b {
		at := len(a) - len(b) + i
		switch {
		case out[at] == size || size == 1:
		case out[at] == 1 || out[at] == graph.Any:
			out[at] = size
		case size == graph.Any:
		default:
			return nil, fault(Malformed, "the shapes %v and %v do not fit", a, b)
		}
	}
	return out, nil
}

// reshape gives a value another shape; sizes are those of op.Reshape.
func (e *emitter) reshape(x value, sizes, shape []int) value {
	return e.add(op.Reshape{}, x.dtype, shape, x, e.list(sizes...))
}

// expand adds a dimension of size 1 at a place.
func (e *emitter) expand(x value, axis int) value {
	return e.add(op.Unsqueeze{}, x.dtype, slices.Insert(slices.Clone(x.shape), axis, 1), x, e.list(axis))
}

// squeeze removes a dimension of size 1.
func (e *emitter) squeeze(x value, axis int) value {
	return e.add(op.Squeeze{}, x.dtype, slices.Delete(slices.Clone(x.shape), axis, axis+1), x, e.list(axis))
}

// transpose puts the dimensions in another order.
func (e *emitter) transpose(x value, perm []int) value {
	shape := make([]int, len(perm))
	for i, from := range perm {
		shape[i] = x.shape[from]
	}
	return e.add(op.Transpose{Perm: slices.Clone(perm)}, x.dtype, shape, x)
}

// reduced is a shape without some dimensions, or with them of size 1.
func reduced(shape, axes []int, keep bool) []int {
	out := []int{}
	for i, size := range shape {
		switch {
		case !slices.Contains(axes, i):
			out = append(out, size)
		case keep:
			out = append(out, 1)
		}
	}
	return out
}

// reduce adds a node that takes axes as a list, such as op.ReduceSum.
func (e *emitter) reduce(o graph.Op, x value, axes []int, keep bool) value {
	return e.add(o, x.dtype, reduced(x.shape, axes, keep), x, e.list(axes...))
}

// axis is the place of an axis that may be counted from the end.
func axisOf(axis, rank int) (int, error) {
	if axis < -rank || axis >= rank {
		return 0, fault(Malformed, "there is no axis %d among %d", axis, rank)
	}
	if axis < 0 {
		axis += rank
	}
	return axis, nil
}

// axesOf are places of axes.
func axesOf(axes []int, rank int) ([]int, error) {
	out := make([]int, 0, len(axes))
	for _, a := range axes {
		axis, err := axisOf(a, rank)
		if err != nil {
			return nil, err
		}
		if slices.Contains(out, axis) {
			return nil, fault(Malformed, "the axis %d is named twice", a)
		}
		out = append(out, axis)
	}
	slices.Sort(out)
	return out, nil
}
