package keras

import (
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// merge is a layer that makes one value of several of the same shape, but for sizes of 1 and dimensions that are missing,
// which are added behind the batch's.
func merge(f func(e *emitter, in []value) (value, error)) func(*reader, *layer) (unit, error) {
	return func(r *reader, l *layer) (unit, error) {
		dtype, err := l.computeType()
		if err != nil {
			return nil, err
		}
		return func(e *emitter, c *call) ([]value, error) {
			in, rank := make([]value, len(c.in)), 0
			for i, x := range c.in {
				in[i] = e.autocast(x, dtype)
				rank = max(rank, x.rank())
			}
			for i := range in {
				for in[i].rank() < rank {
					in[i] = e.expand(in[i], 1)
				}
			}
			y, err := f(e, in)
			if err != nil {
				return nil, err
			}
			y.mask = r.mergeMasks(e, c.in)
			return []value{y}, nil
		}, nil
	}
}

// mergeMasks is what is masked of merged values: in Keras 2, what is masked in any of them; since Keras 3.4, what is masked
// in all; and nothing in between.
func (r *reader) mergeMasks(e *emitter, in []value) *value {
	inAll := r.keras3()
	if inAll && !r.since3(4) {
		return nil
	}
	var mask *value
	for i := range in {
		switch next := in[i].mask; {
		case next == nil && inAll:
			return nil
		case next == nil:
		case mask == nil:
			mask = next
		case mask.v == next.v:
		case mask.rank() == next.rank() && inAll:
			joined := e.add(op.Or{}, tensor.Bool, mask.shape, *mask, *next)
			mask = &joined
		case mask.rank() == next.rank():
			joined := e.add(op.And{}, tensor.Bool, mask.shape, *mask, *next)
			mask = &joined
		}
	}
	return mask
}

// fold applies an operator to the first two values, then to the result and the third, and so on.
func fold(o graph.Op) func(e *emitter, in []value) (value, error) {
	return func(e *emitter, in []value) (value, error) {
		y := in[0]
		for _, x := range in[1:] {
			var err error
			if y, err = e.math(o, y, x); err != nil {
				return value{}, err
			}
		}
		y.mask = nil
		return y, nil
	}
}

func sumOf(e *emitter, in []value) (value, error)      { return fold(op.Add{})(e, in) }
func productOf(e *emitter, in []value) (value, error)  { return fold(op.Mul{})(e, in) }
func largestOf(e *emitter, in []value) (value, error)  { return fold(op.Max{})(e, in) }
func smallestOf(e *emitter, in []value) (value, error) { return fold(op.Min{})(e, in) }

func differenceOf(e *emitter, in []value) (value, error) {
	if len(in) != 2 {
		return value{}, fault(Malformed, "it is called with %d values, and not 2", len(in))
	}
	return e.math(op.Sub{}, in[0], in[1])
}

func averageOf(e *emitter, in []value) (value, error) {
	sum, err := sumOf(e, in)
	if err != nil {
		return value{}, err
	}
	if !sum.floats() {
		sum = e.cast(sum, tensor.Float32)
	}
	return e.with(op.Div{}, sum, float64(len(in))), nil
}

func concatenate(r *reader, l *layer) (unit, error) {
	dtype, err := l.computeType()
	if err != nil {
		return nil, err
	}
	axis := l.config.int("axis", -1)
	return func(e *emitter, c *call) ([]value, error) {
		in := make([]value, len(c.in))
		for i, x := range c.in {
			in[i] = e.autocast(x, dtype)
		}
		y, err := e.concat(in, axis)
		if err != nil {
			return nil, err
		}
		at, _ := axisOf(axis, y.rank())
		y.mask, err = r.concatMasks(e, c.in, at)
		return []value{y}, err
	}, nil
}

// concat joins values along an axis, in the type that they meet in.
func (e *emitter) concat(in []value, axis int) (value, error) {
	if len(in) == 0 {
		return value{}, fault(Malformed, "it is called without a value")
	}
	at, err := axisOf(axis, in[0].rank())
	if err != nil {
		return value{}, err
	}
	common := in[0]
	for _, x := range in[1:] {
		if (x.dtype == tensor.String) != (common.dtype == tensor.String) || x.rank() != common.rank() {
			return value{}, fault(Malformed, "it joins %v and %v, of the types %v and %v", common.shape, x.shape, common.dtype, x.dtype)
		}
		common.dtype = promoted(common, x)
	}
	shape := slices.Clone(in[0].shape)
	for i := range in {
		in[i] = e.cast(in[i], common.dtype)
		for d, size := range in[i].shape {
			switch {
			case i == 0:
			case d == at && (size == graph.Any || shape[d] == graph.Any):
				shape[d] = graph.Any
			case d == at:
				shape[d] += size
			case shape[d] == graph.Any:
				shape[d] = size
			case size != graph.Any && size != shape[d]:
				return value{}, fault(Malformed, "it joins %v and %v along the axis %d", in[0].shape, in[i].shape, axis)
			}
		}
	}
	return e.add(op.Concat{Axis: at}, common.dtype, shape, in...), nil
}

// concatMasks is what is masked of joined values: along the last dimension, what mergeMasks says; along the steps, each keeps
// its own.
func (r *reader) concatMasks(e *emitter, in []value, axis int) (*value, error) {
	if !slices.ContainsFunc(in, func(x value) bool { return x.mask != nil }) {
		return nil, nil
	}
	if axis == in[0].rank()-1 {
		return r.mergeMasks(e, in), nil
	}
	masks := make([]value, len(in))
	for i, x := range in {
		if x.mask == nil || x.mask.rank() <= axis {
			return nil, fault(Unsupported, "joining values along the axis %d, of which some have a mask, is not supported", axis)
		}
		masks[i] = *x.mask
	}
	mask, err := e.concat(masks, axis)
	return &mask, err
}

// dot is the product of two values along an axis of each, for each example.
func dot(r *reader, l *layer) (unit, error) {
	dtype, err := l.computeType()
	if err != nil {
		return nil, err
	}
	axes, normalize := l.config.ints("axes"), l.config.bool("normalize", false)
	if len(axes) == 1 {
		axes = []int{axes[0], axes[0]}
	}
	if len(axes) != 2 {
		return nil, fault(Malformed, "it has %d axes, and not 2", len(axes))
	}
	return func(e *emitter, c *call) ([]value, error) {
		if len(c.in) != 2 {
			return nil, fault(Malformed, "it is called with %d values, and not 2", len(c.in))
		}
		var in [2]value
		for i := range in {
			x := e.autocast(c.in[i], dtype)
			axis, err := axisOf(axes[i], x.rank())
			if err != nil {
				return nil, err
			}
			if axis == 0 || x.rank() > 3 {
				return nil, fault(Unsupported, "a product along the axis %d of %d dimensions is not supported", axis, x.rank())
			}
			if normalize {
				x = r.unitNorm(e, x, []int{axis})
			}
			in[i] = lay(e, x, axis, i == 1)
		}
		return one(multiply(e, in[0], in[1], c.in[0].rank(), c.in[1].rank()))
	}, nil
}

// lay makes matrices of a value, whose axis becomes the columns' on the left, and the rows' on the right. A vector is one
// row, or column.
func lay(e *emitter, x value, axis int, right bool) value {
	wanted := 2
	if right {
		wanted = 1
	}
	if x.rank() == 2 {
		return e.expand(x, 3-wanted)
	}
	if axis != wanted {
		return e.transpose(x, []int{0, 2, 1})
	}
	return x
}

func multiply(e *emitter, a, b value, rankA, rankB int) (value, error) {
	if k, m := a.shape[2], b.shape[1]; k != graph.Any && m != graph.Any && k != m {
		return value{}, fault(Malformed, "it multiplies vectors of %d and %d numbers", k, m)
	}
	if a.dtype != b.dtype {
		dtype := promoted(a, b)
		a, b = e.cast(a, dtype), e.cast(b, dtype)
	}
	y := e.add(op.MatMul{}, a.dtype, []int{graph.Any, a.shape[1], b.shape[2]}, a, b)
	if rankB == 2 {
		y = e.squeeze(y, 2)
	}
	if rankA == 2 && rankB == 3 {
		y = e.squeeze(y, 1)
	}
	return y, nil
}
