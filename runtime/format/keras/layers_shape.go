package keras

import (
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// known is the product of sizes, or graph.Any if one is not known.
func sizeOf(shape []int) int {
	n := 1
	for _, size := range shape {
		if size == graph.Any || n > 1<<40 {
			return graph.Any
		}
		n *= size
	}
	return n
}

// maxSize is that of a dimension that a configuration names.
const maxSize = 1 << 31

// channelsFirst says whether a layer has the channels before the steps.
func (l *layer) channelsFirst() bool {
	return l.config.text("data_format", "channels_last") == "channels_first"
}

func flatten(_ *reader, l *layer) (unit, error) {
	first := l.channelsFirst()
	return func(e *emitter, c *call) ([]value, error) {
		x := c.in[0]
		if first && x.rank() > 2 {
			perm := []int{0}
			for d := 2; d < x.rank(); d++ {
				perm = append(perm, d)
			}
			x = e.transpose(x, append(perm, 1))
		}
		return []value{e.add(op.Flatten{Axis: 1}, x.dtype, []int{graph.Any, sizeOf(x.shape[1:])}, x)}, nil
	}, nil
}

func reshape(_ *reader, l *layer) (unit, error) {
	target := l.config.ints("target_shape")
	if len(target) >= tensor.MaxRank {
		return nil, fault(Unsupported, "%d dimensions, of which %d are possible", len(target)+1, tensor.MaxRank)
	}
	for _, size := range target {
		if size == 0 || size < -1 || size > maxSize {
			return nil, fault(Malformed, "a dimension of the size %d", size)
		}
	}
	return func(e *emitter, c *call) ([]value, error) {
		shape := slices.Concat([]int{graph.Any}, target)
		at := slices.Index(target, -1)
		whole, rest := sizeOf(c.in[0].shape[1:]), 1
		for _, size := range target {
			if size > 0 && rest != graph.Any {
				rest = sizeOf([]int{rest, size})
			}
		}
		if rest == graph.Any {
			return nil, fault(Malformed, "the shape %v has too many elements", target)
		}
		if whole != graph.Any {
			if at < 0 && whole != rest || at >= 0 && (rest == 0 || whole%rest != 0) {
				return nil, fault(Malformed, "%v does not fit the shape %v", c.in[0].shape, shape)
			}
			if at >= 0 {
				shape[at+1] = whole / rest
			}
		}
		// 0 is the batch's own size.
		return []value{e.reshape(c.in[0], slices.Concat([]int{0}, shape[1:]), shape)}, nil
	}, nil
}

func permute(_ *reader, l *layer) (unit, error) {
	dims := l.config.ints("dims")
	return func(e *emitter, c *call) ([]value, error) {
		if err := isOrder(dims, c.in[0].rank()); err != nil {
			return nil, err
		}
		return []value{e.transpose(c.in[0], slices.Concat([]int{0}, dims))}, nil
	}, nil
}

// isOrder says whether dims are the numbers from 1 on, each once, of a value of so many dimensions.
func isOrder(dims []int, rank int) error {
	order := slices.Clone(dims)
	slices.Sort(order)
	for i, d := range order {
		if d != i+1 {
			return fault(Malformed, "%v is no order of dimensions", dims)
		}
	}
	if len(dims) != rank-1 {
		return fault(Malformed, "it orders %d dimensions, and is called with %d", len(dims), rank-1)
	}
	return nil
}

func repeatVector(_ *reader, l *layer) (unit, error) {
	n := l.config.int("n", 0)
	return func(e *emitter, c *call) ([]value, error) {
		if c.in[0].rank() != 2 || n < 1 {
			return nil, fault(Malformed, "it repeats one vector for each example, and is called with the shape %v", c.in[0].shape)
		}
		x := e.expand(c.in[0], 1)
		return []value{e.add(op.Tile{}, x.dtype, []int{graph.Any, n, x.last()}, x, e.list(1, n, 1))}, nil
	}, nil
}

// masking masks the steps of which all numbers are the mask's, and makes them 0.
func masking(_ *reader, l *layer) (unit, error) {
	dtype, err := l.computeType()
	if err != nil {
		return nil, err
	}
	missing := l.config.float("mask_value", 0)
	return func(e *emitter, c *call) ([]value, error) {
		x := e.autocast(c.in[0], dtype)
		if x.rank() < 2 || !x.floats() && !x.ints() {
			return nil, fault(Malformed, "it is called with the shape %v", x.shape)
		}
		axis := x.rank() - 1
		there := e.cast(e.compare(op.NotEqual{}, x, missing), x.dtype)
		some := e.reduce(op.ReduceMax{KeepDims: true}, there, []int{axis}, true)
		y, err := e.math(op.Mul{}, x, some)
		if err != nil {
			return nil, err
		}
		mask := e.cast(e.squeeze(some, axis), tensor.Bool)
		y.mask = &mask
		return []value{y}, nil
	}, nil
}

// averagePooling is the mean over the steps, of those that the mask leaves.
func averagePooling(r *reader, l *layer) (unit, error) {
	dtype, err := l.computeType()
	if err != nil {
		return nil, err
	}
	axis, keep := 1, l.config.bool("keepdims", false)
	if l.channelsFirst() {
		axis = 2
	}
	return func(e *emitter, c *call) ([]value, error) {
		x := e.autocast(c.in[0], dtype)
		if x.rank() != 3 {
			return nil, fault(Malformed, "it takes steps of vectors, and is called with the shape %v", x.shape)
		}
		mask := c.mask()
		if mask == nil {
			return []value{e.reduce(op.ReduceMean{KeepDims: keep}, x, []int{axis}, keep)}, nil
		}
		if mask.rank() != 2 {
			return nil, fault(Unsupported, "a mask of the shape %v is not supported", mask.shape)
		}
		weights := e.expand(e.cast(*mask, x.dtype), 3-axis)
		kept, err := e.math(op.Mul{}, x, weights)
		if r.keras3() {
			kept = e.choose(e.expand(*mask, 3-axis), x, e.scalar(x.dtype, 0))
		}
		if err != nil {
			return nil, err
		}
		sum := e.reduce(op.ReduceSum{KeepDims: keep}, kept, []int{axis}, keep)
		return one(e.math(op.Div{}, sum, e.reduce(op.ReduceSum{KeepDims: keep}, weights, []int{axis}, keep)))
	}, nil
}

func maxPooling(_ *reader, l *layer) (unit, error) {
	axis, keep := 1, l.config.bool("keepdims", false)
	if l.channelsFirst() {
		axis = 2
	}
	return func(e *emitter, c *call) ([]value, error) {
		if c.in[0].rank() != 3 {
			return nil, fault(Malformed, "it takes steps of vectors, and is called with the shape %v", c.in[0].shape)
		}
		return []value{e.reduce(op.ReduceMax{KeepDims: keep}, c.in[0], []int{axis}, keep)}, nil
	}, nil
}
