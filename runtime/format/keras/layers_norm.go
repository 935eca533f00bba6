package keras

import (
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

func batchNormalizationWeights(l *layer) []weight {
	var weights []weight
	for _, part := range [][2]string{{"scale", "gamma"}, {"center", "beta"}} {
		if l.config.bool(part[0], true) {
			weights = append(weights, weight{name: part[1], trainable: true})
		}
	}
	return append(weights, weight{name: "moving_mean"}, weight{name: "moving_variance"})
}

// batchNormalization is x·s + (beta - mean·s), where s is gamma/√(variance + epsilon), for each place of an axis.
func batchNormalization(r *reader, l *layer) (unit, error) {
	dtype, err := l.computeType()
	if err != nil {
		return nil, err
	}
	if l.config.bool("renorm", false) {
		return nil, fault(Unsupported, "renorm is not supported")
	}
	axes := l.config.ints("axis")
	if len(axes) == 0 {
		axes = []int{-1}
	}
	if len(axes) > 1 {
		return nil, fault(Unsupported, "a normalization over several axes is not supported")
	}
	epsilon := l.config.float("epsilon", 1e-3)
	parts := map[string]*tensor.Tensor{}
	for i, w := range l.weights {
		if parts[w.name], err = r.read(l, i, dtype, graph.Any); err != nil {
			return nil, err
		}
		if parts[w.name].Len() != parts[l.weights[0].name].Len() {
			return nil, fault(Malformed, "%s has %d numbers, expected %d", w.name, parts[w.name].Len(), parts[l.weights[0].name].Len())
		}
	}
	return func(e *emitter, c *call) ([]value, error) {
		x := e.cast(c.in[0], dtype)
		axis, err := axisOf(axes[0], x.rank())
		if err != nil {
			return nil, err
		}
		if size := x.shape[axis]; size != graph.Any && size != parts["moving_mean"].Len() {
			return nil, fault(Malformed, "it has weights for %d places, and is called with the shape %v",
				parts["moving_mean"].Len(), x.shape)
		}
		least := epsilon
		if x.rank() == 4 && !r.keras3() {
			// TensorFlow's fused kernel, which Keras 2 calls for pictures, takes no smaller one.
			least = max(epsilon, 1.001e-5)
		}
		return []value{normalized(e, x, axis, least, parts)}, nil
	}, nil
}

func normalized(e *emitter, x value, axis int, epsilon float64, parts map[string]*tensor.Tensor) value {
	sized := func(name string) value { return along(e, parts[name], x.rank(), []int{axis}) }
	scale := e.unary(op.Rsqrt{}, e.with(op.Add{}, sized("moving_variance"), epsilon))
	if parts["gamma"] != nil {
		scale = e.add(op.Mul{}, x.dtype, scale.shape, scale, sized("gamma"))
	}
	shift := e.add(op.Mul{}, x.dtype, scale.shape, sized("moving_mean"), scale)
	if parts["beta"] != nil {
		shift = e.add(op.Sub{}, x.dtype, scale.shape, sized("beta"), shift)
	} else {
		shift = e.unary(op.Neg{}, shift)
	}
	y := e.add(op.Mul{}, x.dtype, x.shape, x, scale)
	return e.add(op.Add{}, x.dtype, x.shape, y, shift)
}

// along gives numbers of some axes the shape in which they broadcast with a value of so many dimensions.
func along(e *emitter, t *tensor.Tensor, rank int, axes []int) value {
	if len(axes) == 1 && axes[0] == rank-1 {
		return e.constant(t)
	}
	shape := make([]int, rank)
	for i := range shape {
		shape[i] = 1
	}
	for i, axis := range axes {
		if i < t.Rank() {
			shape[axis] = t.Shape()[i]
		}
	}
	view := &tensor.Tensor{}
	view.View(t, shape...)
	return e.constant(view)
}

func layerNormalizationWeights(l *layer) []weight {
	var weights []weight
	for _, part := range [][2]string{{"scale", "gamma"}, {"center", "beta"}} {
		if l.config.bool(part[0], true) && !(part[1] == "beta" && l.config.bool("rms_scaling", false)) {
			weights = append(weights, weight{name: part[1], trainable: true})
		}
	}
	return weights
}

// layerNormalization makes the mean of each example's axes 0 and their variance 1, nearly.
func layerNormalization(r *reader, l *layer) (unit, error) {
	dtype, err := l.computeType()
	if err != nil {
		return nil, err
	}
	if l.config.bool("rms_scaling", false) {
		return nil, fault(Unsupported, "rms_scaling is not supported")
	}
	axes := l.config.ints("axis")
	if len(axes) == 0 {
		axes = []int{-1}
	}
	epsilon := l.config.float("epsilon", 1e-3)
	parts := map[string]*tensor.Tensor{}
	for i, w := range l.weights {
		sizes := slices.Repeat([]int{graph.Any}, len(axes))
		if parts[w.name], err = r.read(l, i, dtype, sizes...); err != nil {
			return nil, err
		}
	}
	return func(e *emitter, c *call) ([]value, error) {
		x := e.cast(c.in[0], dtype)
		over, err := axesOf(axes, x.rank())
		if err != nil {
			return nil, err
		}
		for _, part := range parts {
			for i, axis := range over {
				if size := x.shape[axis]; size != graph.Any && size != part.Shape()[i] {
					return nil, fault(Malformed, "it has weights of the shape %v, and is called with %v", part.Shape(), x.shape)
				}
			}
		}
		return []value{layerNormalized(e, x, over, epsilon, parts)}, nil
	}, nil
}

func layerNormalized(e *emitter, x value, axes []int, epsilon float64, parts map[string]*tensor.Tensor) value {
	if from := axes[0]; len(axes) == x.rank()-from && parts["gamma"] != nil {
		in := []value{x, e.constant(parts["gamma"])}
		if parts["beta"] != nil {
			in = append(in, e.constant(parts["beta"]))
		}
		return e.add(op.LayerNormalization{Axis: from, Epsilon: float32(epsilon)}, x.dtype, x.shape, in...)
	}
	mean := e.reduce(op.ReduceMean{KeepDims: true}, x, axes, true)
	centered := e.add(op.Sub{}, x.dtype, x.shape, x, mean)
	variance := e.reduce(op.ReduceMean{KeepDims: true}, e.unary(op.Square{}, centered), axes, true)
	scale := e.unary(op.Rsqrt{}, e.with(op.Add{}, variance, epsilon))
	y := e.add(op.Mul{}, x.dtype, x.shape, centered, scale)
	if gamma := parts["gamma"]; gamma != nil {
		y = e.add(op.Mul{}, x.dtype, x.shape, y, along(e, gamma, x.rank(), axes))
	}
	if beta := parts["beta"]; beta != nil {
		y = e.add(op.Add{}, x.dtype, x.shape, y, along(e, beta, x.rank(), axes))
	}
	return y
}

// unitNormalization makes the length of each example's axes 1.
func unitNormalization(r *reader, l *layer) (unit, error) {
	dtype, err := l.computeType()
	if err != nil {
		return nil, err
	}
	axes := l.config.ints("axis")
	if len(axes) == 0 {
		axes = []int{-1}
	}
	return func(e *emitter, c *call) ([]value, error) {
		x := e.cast(c.in[0], dtype)
		over, err := axesOf(axes, x.rank())
		if err != nil {
			return nil, err
		}
		return []value{unitNorm(e, x, over, 1e-12, r.keras3())}, nil
	}, nil
}

// unitNorm divides by the length along axes, as layers do.
func (r *reader) unitNorm(e *emitter, x value, axes []int) value {
	epsilon := 1e-12
	if r.keras3() {
		epsilon = 1e-7
	}
	return unitNorm(e, x, axes, epsilon, r.keras3())
}

// unitNorm divides by the length along axes: in Keras 2, by √epsilon at least, in Keras 3 by epsilon.
func unitNorm(e *emitter, x value, axes []int, epsilon float64, keras3 bool) value {
	squares := e.reduce(op.ReduceSum{KeepDims: true}, e.unary(op.Square{}, x), axes, true)
	var inverse value
	if keras3 {
		inverse = e.with(op.Min{}, e.unary(op.Rsqrt{}, squares), 1/epsilon)
	} else {
		inverse = e.unary(op.Rsqrt{}, e.with(op.Max{}, squares, epsilon))
	}
	return e.add(op.Mul{}, x.dtype, x.shape, x, inverse)
}
