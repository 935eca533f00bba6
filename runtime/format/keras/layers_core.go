package keras

import (
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// one is what a layer with one output returns.
func one(v value, err error) ([]value, error) {
	if err != nil {
		return nil, err
	}
	return []value{v}, nil
}

// noOp hands its input on. Keras casts it to the layer's floats.
func noOp(_ *reader, l *layer) (unit, error) {
	dtype, err := l.computeType()
	if err != nil {
		return nil, err
	}
	return func(e *emitter, c *call) ([]value, error) { return []value{e.autocast(c.in[0], dtype)}, nil }, nil
}

func denseWeights(l *layer) []weight {
	weights := []weight{{name: "kernel", trainable: true}}
	if l.config.bool("use_bias", true) {
		weights = append(weights, weight{name: "bias", trainable: true})
	}
	return weights
}

// dense is activation(x·kernel + bias), over the last dimension.
func dense(r *reader, l *layer) (unit, error) {
	dtype, err := l.computeType()
	if err != nil {
		return nil, err
	}
	units := l.config.int("units", 0)
	act, err := r.activation(l.config.raw["activation"])
	if err != nil {
		return nil, err
	}
	kernel, err := r.read(l, 0, dtype, graph.Any, units)
	if err != nil {
		return nil, err
	}
	e := &emitter{r: r, name: l.path}
	k := e.constant(kernel)
	var bias *value
	if len(l.weights) > 1 {
		b, err := r.read(l, 1, dtype, units)
		if err != nil {
			return nil, err
		}
		v := e.constant(b)
		bias = &v
	}
	return func(e *emitter, c *call) ([]value, error) { return one(applyDense(e, c.in[0], k, bias, act)) }, nil
}

func applyDense(e *emitter, x, kernel value, bias *value, act activation) (value, error) {
	x, in := e.cast(x, kernel.dtype), kernel.shape[0]
	if x.rank() < 2 || x.last() != graph.Any && x.last() != in {
		return value{}, fault(Malformed, "it has weights for %d inputs, and is called with the shape %v", in, x.shape)
	}
	shape := slices.Clone(x.shape)
	shape[len(shape)-1] = kernel.shape[1]
	y := e.add(op.MatMul{}, x.dtype, shape, x, kernel)
	if bias != nil {
		y = e.add(op.Add{}, y.dtype, shape, y, *bias)
	}
	return act(e, y)
}

func embeddingWeights(*layer) []weight { return []weight{{name: "embeddings", trainable: true}} }

// embedding takes rows of a table. With mask_zero, row 0 is what is not there. Keras 3 counts negative rows from the end.
func embedding(r *reader, l *layer) (unit, error) {
	dtype, err := l.computeType()
	if err != nil {
		return nil, err
	}
	table, err := r.read(l, 0, dtype, l.config.int("input_dim", 0), l.config.int("output_dim", 0))
	if err != nil {
		return nil, err
	}
	rows := (&emitter{r: r, name: l.path}).constant(table)
	masked := l.config.bool("mask_zero", false)
	return func(e *emitter, c *call) ([]value, error) {
		x := c.in[0]
		if x.dtype == tensor.String {
			return nil, fault(Malformed, "it takes numbers of rows, and is called with text")
		}
		at := x
		if !x.ints() {
			at = e.cast(x, tensor.Int32)
		}
		y := e.add(op.Gather{FromStart: !r.keras3()}, dtype, append(slices.Clone(x.shape), rows.shape[1]), rows, at)
		if masked {
			mask := e.compare(op.NotEqual{}, x, 0)
			y.mask = &mask
		}
		return []value{y}, nil
	}, nil
}

func activationLayer(r *reader, l *layer) (unit, error) {
	dtype, err := l.computeType()
	if err != nil {
		return nil, err
	}
	act, err := r.activation(l.config.raw["activation"])
	if err != nil {
		return nil, err
	}
	return func(e *emitter, c *call) ([]value, error) { return one(act(e, e.autocast(c.in[0], dtype))) }, nil
}

// elementwise is a layer of one function of its input, in the layer's floats.
func elementwise(l *layer, f activation) (unit, error) {
	dtype, err := l.computeType()
	if err != nil {
		return nil, err
	}
	return func(e *emitter, c *call) ([]value, error) { return one(f(e, e.autocast(c.in[0], dtype))) }, nil
}

func reluLayer(_ *reader, l *layer) (unit, error) {
	slope, threshold := l.config.float("negative_slope", 0), l.config.float("threshold", 0)
	var most *float64
	if l.config.has("max_value") {
		limit := l.config.float("max_value", 0)
		most = &limit
	}
	return elementwise(l, func(e *emitter, x value) (value, error) { return e.relu(x, slope, threshold, most) })
}

// leakyReLU calls its slope alpha in Keras 2, and negative_slope in Keras 3.
func leakyReLU(_ *reader, l *layer) (unit, error) {
	slope := l.config.float("alpha", l.config.float("negative_slope", 0.3))
	return elementwise(l, simple(op.LeakyRelu{Alpha: float32(slope)}))
}

func preluWeights(*layer) []weight { return []weight{{name: "alpha", trainable: true}} }

// prelu has a slope for each place of an example, or for some dimensions one for all places.
func prelu(r *reader, l *layer) (unit, error) {
	dtype, err := l.computeType()
	if err != nil {
		return nil, err
	}
	if l.weights[0].data == nil {
		return nil, fault(Malformed, "the weight alpha is not in the file")
	}
	shape := l.weights[0].data.Shape()
	alpha, err := r.readAll(l.weights[0], dtype, shape)
	if err != nil {
		return nil, err
	}
	slopes := (&emitter{r: r, name: l.path}).constant(alpha)
	return func(e *emitter, c *call) ([]value, error) {
		x := e.autocast(c.in[0], dtype)
		if _, err := broadcastShapes(x.shape, slopes.shape); err != nil || slopes.rank() >= x.rank() {
			return nil, fault(Malformed, "it has slopes for the shape %v, and is called with %v", slopes.shape, x.shape)
		}
		return []value{e.add(op.PRelu{}, x.dtype, x.shape, x, slopes)}, nil
	}, nil
}

func elu(_ *reader, l *layer) (unit, error) {
	alpha := l.config.float("alpha", 1)
	return elementwise(l, simple(op.Elu{Alpha: float32(alpha)}))
}

func thresholdedReLU(_ *reader, l *layer) (unit, error) {
	theta := l.config.float("theta", 1)
	return elementwise(l, func(e *emitter, x value) (value, error) {
		return e.math(op.Mul{}, x, e.cast(e.compare(op.Greater{}, x, theta), x.dtype))
	})
}

// softmax leaves out what its mask does.
func softmax(r *reader, l *layer) (unit, error) {
	dtype, err := l.computeType()
	if err != nil {
		return nil, err
	}
	axes := l.config.ints("axis")
	if len(axes) == 0 {
		axes = []int{-1}
	}
	if len(axes) > 1 {
		return nil, fault(Unsupported, "a softmax over several axes is not supported")
	}
	return func(e *emitter, c *call) ([]value, error) {
		x := e.autocast(c.in[0], dtype)
		if _, err := axisOf(axes[0], x.rank()); err != nil {
			return nil, err
		}
		mask := c.mask()
		if mask == nil {
			y := e.unary(op.Softmax{Axis: axes[0]}, x)
			y.chance = true
			return []value{y}, nil
		}
		return one(r.maskedSoftmax(e, x, *mask, axes[0]))
	}, nil
}

// maskedSoftmax is a softmax that a mask leaves some places out of. If it leaves out all, newer versions of Keras say 0.
func (r *reader) maskedSoftmax(e *emitter, x, mask value, axis int) (value, error) {
	const masked = -1e9
	var kept value
	if r.since3(13) {
		kept = e.choose(mask, x, e.scalar(x.dtype, masked))
	} else {
		away := e.with(op.Mul{}, e.by(op.Sub{}, 1, e.cast(mask, x.dtype)), masked)
		var err error
		if kept, err = e.math(op.Add{}, x, away); err != nil {
			return value{}, err
		}
	}
	y := e.unary(op.Softmax{Axis: axis}, kept)
	if r.since3(10) {
		y = e.choose(mask, y, e.scalar(x.dtype, 0))
	}
	return y, nil
}

// mask is the one that a call is given, or that of its input.
func (c *call) mask() *value {
	if given, ok := c.named["mask"]; ok && given.kind == argTensor {
		return &given.value
	}
	return c.in[0].mask
}
