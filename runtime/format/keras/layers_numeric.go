package keras

import (
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// normalizationWeights are those of a layer that was adapted: what it was made with is in its configuration.
func normalizationWeights(l *layer) []weight {
	if l.config.has("mean") {
		return nil
	}
	return []weight{{name: "mean"}, {name: "variance"}, {name: "count"}}
}

// leastDeviation is Keras's epsilon, which a standard deviation is at least.
const leastDeviation = 1e-7

// normalization is (x - mean)/deviation for each place of some axes, or, inverted, mean + x·deviation.
func normalization(r *reader, l *layer) (unit, error) {
	dtype, err := l.computeType()
	if err != nil {
		return nil, err
	}
	axes := l.config.ints("axis")
	if _, given := l.config.raw["axis"]; !given {
		axes = []int{-1}
	}
	var learned [2]*tensor.Tensor
	if len(l.weights) > 0 {
		sizes := slices.Repeat([]int{graph.Any}, len(axes))
		for i := range learned {
			if learned[i], err = r.read(l, i, dtype, sizes...); err != nil {
				return nil, err
			}
		}
	}
	invert := l.config.bool("invert", false)
	return func(e *emitter, c *call) ([]value, error) {
		if c.in[0].dtype == tensor.String {
			return nil, fault(Malformed, "it takes numbers, and is called with text")
		}
		x := e.cast(c.in[0], dtype)
		over, err := axesOf(axes, x.rank())
		if err != nil {
			return nil, err
		}
		var parts [2]value
		for i, name := range []string{"mean", "variance"} {
			t := learned[i]
			if t == nil {
				t, err = l.given(name, dtype, x.shape, over)
			} else {
				err = fits(t, x.shape, over)
			}
			if err != nil {
				return nil, err
			}
			parts[i] = along(e, t, x.rank(), over)
		}
		deviation := e.with(op.Max{}, e.unary(op.Sqrt{}, parts[1]), leastDeviation)
		if invert {
			y := e.add(op.Mul{}, dtype, x.shape, x, deviation)
			return []value{e.add(op.Add{}, dtype, x.shape, parts[0], y)}, nil
		}
		y := e.add(op.Sub{}, dtype, x.shape, x, parts[0])
		return []value{e.add(op.Div{}, dtype, x.shape, y, deviation)}, nil
	}, nil
}

// fits says whether there is a number for each place of the axes.
func fits(t *tensor.Tensor, shape, axes []int) error {
	for i, axis := range axes {
		if size := shape[axis]; size != graph.Any && size != t.Shape()[i] {
			return fault(Malformed, "it was adapted to the shape %v, and is called with %v", t.Shape(), shape)
		}
	}
	return nil
}

// given are numbers of the configuration, broadcast to the sizes of some axes.
func (l *layer) given(name string, dtype tensor.DType, shape, axes []int) (*tensor.Tensor, error) {
	values, from := l.config.floats(name)
	if l.config.err != nil {
		return nil, l.config.err
	}
	if len(values) == 0 {
		return nil, fault(Malformed, "it has no %s; adapt it before the model is saved", name)
	}
	if len(values) == 1 {
		t := tensor.New(dtype)
		store(t, values)
		return t, nil
	}
	if len(from) > len(axes) {
		return nil, fault(Malformed, "%s has the shape %v, for %d axes", name, from, len(axes))
	}
	to := slices.Repeat([]int{1}, len(axes))
	copy(to[len(axes)-len(from):], from)
	for i, axis := range axes {
		if size := shape[axis]; to[i] != 1 && size != graph.Any && size != to[i] {
			return nil, fault(Malformed, "%s has the shape %v, and the layer is called with %v", name, from, shape)
		}
	}
	t := tensor.New(dtype, to...)
	store(t, values)
	return t, nil
}

// store fills a tensor of floats.
func store(t *tensor.Tensor, values []float64) {
	for i, v := range values {
		if t.DType() == tensor.Float64 {
			tensor.Data[float64](t)[i] = v
		} else {
			tensor.Data[float32](t)[i] = float32(v)
		}
	}
}

// rescaling is x·scale + offset.
func rescaling(_ *reader, l *layer) (unit, error) {
	dtype, err := l.computeType()
	if err != nil {
		return nil, err
	}
	var parts [2]*tensor.Tensor
	for i, name := range []string{"scale", "offset"} {
		values, shape := []float64{float64(1 - i)}, []int(nil)
		if l.config.has(name) {
			if values, shape = l.config.floats(name); l.config.err != nil {
				return nil, l.config.err
			}
		}
		parts[i] = tensor.New(dtype, shape...)
		store(parts[i], values)
	}
	return func(e *emitter, c *call) ([]value, error) {
		if c.in[0].dtype == tensor.String {
			return nil, fault(Malformed, "it takes numbers, and is called with text")
		}
		y, err := e.math(op.Mul{}, e.cast(c.in[0], dtype), e.constant(parts[0]))
		if err != nil {
			return nil, err
		}
		return one(e.math(op.Add{}, y, e.constant(parts[1])))
	}, nil
}
