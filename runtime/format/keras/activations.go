package keras

import (
	"encoding/json"
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// activation is a function of each element, or along the last dimension.
type activation func(e *emitter, x value) (value, error)

// simple is an activation that one operator computes.
func simple(o graph.Op) activation {
	return func(e *emitter, x value) (value, error) { return e.unary(o, x), nil }
}

// chance is one whose result is a probability.
func chance(o graph.Op) activation {
	return func(e *emitter, x value) (value, error) {
		y := e.unary(o, x)
		y.chance = true
		return y, nil
	}
}

// The constants of selu, of the paper that named it.
const (
	seluAlpha = 1.6732632423543772
	seluScale = 1.0507009873554805
)

// activations is the closed list of activation functions. Adding one takes a line here.
func activations(keras3 bool) map[string]activation {
	table := map[string]activation{
		"linear":       func(_ *emitter, x value) (value, error) { return x, nil },
		"relu":         simple(op.Relu{}),
		"relu6":        func(e *emitter, x value) (value, error) { return e.clip(x, 0, 6), nil },
		"sigmoid":      chance(op.Sigmoid{}),
		"tanh":         simple(op.Tanh{}),
		"softmax":      chance(op.Softmax{Axis: -1}),
		"log_softmax":  simple(op.LogSoftmax{Axis: -1}),
		"elu":          simple(op.Elu{Alpha: 1}),
		"selu":         simple(op.Selu{Alpha: seluAlpha, Gamma: seluScale}),
		"softplus":     simple(op.Softplus{}),
		"softsign":     simple(op.Softsign{}),
		"swish":        simple(op.Swish{Alpha: 1}),
		"silu":         simple(op.Swish{Alpha: 1}),
		"gelu":         simple(op.Gelu{}),
		"exponential":  simple(op.Exp{}),
		"mish":         simple(op.Mish{}),
		"leaky_relu":   simple(op.LeakyRelu{Alpha: 0.2}),
		"hard_sigmoid": hardSigmoid2,
	}
	if !keras3 {
		return table
	}
	table["hard_sigmoid"] = hardSigmoid3
	table["hard_silu"] = hardSilu
	table["hard_swish"] = hardSilu
	table["celu"] = simple(op.Celu{Alpha: 1})
	table["glu"] = glu
	table["log_sigmoid"] = logSigmoid
	table["hard_tanh"] = func(e *emitter, x value) (value, error) { return e.clip(x, -1, 1), nil }
	table["tanh_shrink"] = func(e *emitter, x value) (value, error) { return e.math(op.Sub{}, x, e.unary(op.Tanh{}, x)) }
	table["soft_shrink"] = softShrink
	table["hard_shrink"] = hardShrink
	table["squareplus"] = squareplus
	table["sparse_plus"] = sparsePlus
	table["sparse_sigmoid"] = sparseSigmoid
	return table
}

// activation is the one that a configuration names: a string, or an object of a function or a layer; none is linear.
func (r *reader) activation(raw json.RawMessage) (activation, error) {
	if isNull(raw) {
		return activations(false)["linear"], nil
	}
	var name string
	if first(raw) != '{' {
		if err := json.Unmarshal(raw, &name); err != nil {
			return nil, fault(Malformed, "the activation is %.60s: %w", raw, err)
		}
		return r.activationNamed(name)
	}
	var o object
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, fault(Malformed, "the activation is %.60s: %w", raw, err)
	}
	if err := known(&o); err != nil {
		return nil, err
	}
	if first(o.Config) == '"' {
		if err := json.Unmarshal(o.Config, &name); err != nil {
			return nil, fault(Malformed, "the activation is %.60s: %w", raw, err)
		}
		return r.activationNamed(name)
	}
	return r.activationLayer(&o)
}

func (r *reader) activationNamed(name string) (activation, error) {
	table := activations(r.keras3())
	if f, ok := table[name]; ok {
		return f, nil
	}
	return nil, fault(Unsupported, "the activation %s is not supported; supported are %s", quoted(name), names(table))
}

// activationLayer is a layer without weights as another's activation.
func (r *reader) activationLayer(o *object) (activation, error) {
	spec, ok := r.table[o.Class]
	if !ok || spec.weights != nil {
		return nil, fault(Unsupported, "the activation %s is not supported; supported are functions, and layers without weights",
			quoted(o.Class))
	}
	config, err := fieldsOf(o.Config)
	if err != nil {
		return nil, err
	}
	u, err := spec.build(r, &layer{class: o.Class, config: config, spec: &spec})
	if err != nil {
		return nil, err
	}
	if config.err != nil {
		return nil, config.err
	}
	return func(e *emitter, x value) (value, error) {
		out, err := u(e, &call{in: []value{x}})
		if err != nil {
			return value{}, err
		}
		return out[0], nil
	}, nil
}

// math is a binary operator on values of one type, or of a weak one.
func (e *emitter) math(o graph.Op, a, b value) (value, error) { return e.binary(o, a, b, 0) }

// with is a binary operator on a value and a number.
func (e *emitter) with(o graph.Op, x value, number float64) value {
	return e.add(o, x.dtype, x.shape, x, e.scalar(x.dtype, number))
}

// by is with, the other way round.
func (e *emitter) by(o graph.Op, number float64, x value) value {
	return e.add(o, x.dtype, x.shape, e.scalar(x.dtype, number), x)
}

// compare is an operator that compares a value with a number.
func (e *emitter) compare(o graph.Op, x value, number float64) value {
	return e.add(o, tensor.Bool, x.shape, x, e.scalar(x.dtype, number))
}

func (e *emitter) clip(x value, least, most float64) value {
	in := []value{x}
	if !math.IsInf(least, -1) {
		in = append(in, e.scalar(x.dtype, least))
	}
	if math.IsInf(least, -1) {
		return e.with(op.Min{}, x, most)
	}
	return e.add(op.Clip{}, x.dtype, x.shape, append(in, e.scalar(x.dtype, most))...)
}

// choose is where(condition, a, b) for values of one type.
func (e *emitter) choose(condition, a, b value) value {
	shape := a.shape
	if len(b.shape) > len(shape) {
		shape = b.shape
	}
	if len(condition.shape) > len(shape) {
		shape = condition.shape
	}
	return e.add(op.Where{}, a.dtype, shape, condition, a, b)
}

// hardSigmoid2 is Keras 2's: x/5 + 1/2, from 0 to 1.
func hardSigmoid2(e *emitter, x value) (value, error) {
	return e.clip(e.with(op.Add{}, e.with(op.Mul{}, x, 0.2), 0.5), 0, 1), nil
}

// hardSigmoid3 is Keras 3's: relu6(x + 3) / 6.
func hardSigmoid3(e *emitter, x value) (value, error) {
	return e.with(op.Div{}, e.clip(e.with(op.Add{}, x, 3), 0, 6), 6), nil
}

func hardSilu(e *emitter, x value) (value, error) {
	gate, err := hardSigmoid3(e, x)
	if err != nil {
		return value{}, err
	}
	return e.math(op.Mul{}, x, gate)
}

// glu is the first half of the last dimension, times the sigmoid of the second.
func glu(e *emitter, x value) (value, error) {
	if x.last() == graph.Any || x.last()%2 != 0 {
		return value{}, fault(Malformed, "glu halves the last dimension, which is %d", x.last())
	}
	half := append([]int(nil), x.shape...)
	half[len(half)-1] /= 2
	parts := e.r.b.AddN(e.name, op.Split{Axis: -1}, 2, x.v)
	a, b := value{v: parts[0], dtype: x.dtype, shape: half}, value{v: parts[1], dtype: x.dtype, shape: half}
	return e.math(op.Mul{}, a, e.unary(op.Sigmoid{}, b))
}

// logSigmoid is -softplus(-x).
func logSigmoid(e *emitter, x value) (value, error) {
	return e.unary(op.Neg{}, e.unary(op.Softplus{}, e.unary(op.Neg{}, x))), nil
}

func softShrink(e *emitter, x value) (value, error) {
	const threshold = 0.5
	zero := e.scalar(x.dtype, 0)
	below := e.choose(e.compare(op.Less{}, x, -threshold), e.with(op.Add{}, x, threshold), zero)
	return e.choose(e.compare(op.Greater{}, x, threshold), e.with(op.Sub{}, x, threshold), below), nil
}

func hardShrink(e *emitter, x value) (value, error) {
	const threshold = 0.5
	return e.choose(e.compare(op.Greater{}, e.unary(op.Abs{}, x), threshold), x, e.scalar(x.dtype, 0)), nil
}

// squareplus is (x + √(x² + 4)) / 2.
func squareplus(e *emitter, x value) (value, error) {
	root := e.unary(op.Sqrt{}, e.with(op.Add{}, e.unary(op.Square{}, x), 4))
	sum, err := e.math(op.Add{}, x, root)
	if err != nil {
		return value{}, err
	}
	return e.with(op.Div{}, sum, 2), nil
}

// sparsePlus is 0 up to -1, (x + 1)²/4 up to 1, and x from there on.
func sparsePlus(e *emitter, x value) (value, error) {
	middle := e.with(op.Mul{}, e.unary(op.Square{}, e.with(op.Add{}, x, 1)), 0.25)
	above := e.choose(e.compare(op.Less{}, x, 1), middle, x)
	return e.choose(e.compare(op.LessOrEqual{}, x, -1), e.scalar(x.dtype, 0), above), nil
}

// sparseSigmoid is (x + 1)/2, from 0 to 1.
func sparseSigmoid(e *emitter, x value) (value, error) {
	middle := e.with(op.Mul{}, e.with(op.Add{}, x, 1), 0.5)
	above := e.choose(e.compare(op.GreaterOrEqual{}, x, 1), e.scalar(x.dtype, 1), middle)
	return e.choose(e.compare(op.LessOrEqual{}, x, -1), e.scalar(x.dtype, 0), above), nil
}

// relu is Keras's general form: a slope below the threshold, and a largest value.
func (e *emitter) relu(x value, slope, threshold float64, most *float64) (value, error) {
	if slope != 0 && most == nil && threshold == 0 {
		return e.unary(op.LeakyRelu{Alpha: float32(slope)}, x), nil
	}
	y := e.unary(op.Relu{}, x)
	if threshold != 0 {
		above := e.cast(e.compare(op.Greater{}, x, threshold), x.dtype)
		var err error
		if y, err = e.math(op.Mul{}, x, above); err != nil {
			return value{}, err
		}
	}
	if most != nil {
		y = e.clip(y, 0, *most)
	}
	if slope == 0 {
		return y, nil
	}
	below := e.unary(op.Neg{}, x)
	if threshold != 0 {
		below = e.with(op.Add{}, below, threshold)
	}
	return e.math(op.Sub{}, y, e.with(op.Mul{}, e.unary(op.Relu{}, below), slope))
}
