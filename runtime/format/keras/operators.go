package keras

import (
	"encoding/json"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// operator computes values of an operation's arguments.
type operator = func(o *operation) ([]value, error)

// operators is the closed list of keras.ops that Keras 3 records in functional models, by class. Adding one takes a line
// here.
func operators() map[string]operator {
	return map[string]operator{
		"Add": pairOf(op.Add{}), "Subtract": pairOf(op.Sub{}), "Multiply": pairOf(op.Mul{}), "Divide": quotient,
		"TrueDivide": quotient, "FloorDivide": pairOf(op.FloorDiv{}), "Mod": pairOf(op.FloorMod{}),
		"Power": pairOf(op.Pow{}), "Maximum": pairOf(op.Max{}), "Minimum": pairOf(op.Min{}),
		"DivideNoNan": pairOf(op.DivNoNan{}), "Equal": test(op.Equal{}), "NotEqual": test(op.NotEqual{}),
		"Greater": test(op.Greater{}), "GreaterEqual": test(op.GreaterOrEqual{}), "Less": test(op.Less{}),
		"LessEqual": test(op.LessOrEqual{}), "LogicalAnd": test(op.And{}), "LogicalOr": test(op.Or{}),
		"LogicalXor": test(op.Xor{}), "LogicalNot": same(op.Not{}),

		"Absolute": same(op.Abs{}), "Abs": same(op.Abs{}), "Negative": same(op.Neg{}), "Square": same(op.Square{}),
		"Sign": same(op.Sign{}), "Exp": inFloats(op.Exp{}), "Expm1": inFloats(op.Expm1{}), "Log": inFloats(op.Log{}),
		"Log1p": inFloats(op.Log1p{}), "Sqrt": inFloats(op.Sqrt{}), "Rsqrt": inFloats(op.Rsqrt{}),
		"Sin": inFloats(op.Sin{}), "Cos": inFloats(op.Cos{}), "Tan": inFloats(op.Tan{}), "Erf": inFloats(op.Erf{}),
		"Floor": inFloats(op.Floor{}), "Ceil": inFloats(op.Ceil{}), "Round": inFloats(op.Round{}),
		"Reciprocal": inFloats(op.Reciprocal{}), "Tanh": inFloats(op.Tanh{}), "Identity": identity,

		"Sigmoid": inFloats(op.Sigmoid{}), "Relu": same(op.Relu{}), "Relu6": named("relu6"),
		"Softplus": inFloats(op.Softplus{}), "Softsign": inFloats(op.Softsign{}), "Silu": named("silu"),
		"LogSigmoid": named("log_sigmoid"), "HardSigmoid": named("hard_sigmoid"), "HardSilu": named("hard_silu"),
		"HardTanh": named("hard_tanh"), "Selu": named("selu"), "Squareplus": named("squareplus"), "Glu": named("glu"),
		"LeakyRelu": sloped, "Elu": eluOf, "Celu": celuOf, "Gelu": geluOf, "Softmax": softmaxOf,
		"LogSoftmax": logSoftmaxOf,

		"Sum": reduction(op.ReduceSum{}, op.ReduceSum{KeepDims: true}), "Mean": meanOf,
		"Prod":      reduction(op.ReduceProd{}, op.ReduceProd{KeepDims: true}),
		"Max":       reduction(op.ReduceMax{}, op.ReduceMax{KeepDims: true}),
		"Min":       reduction(op.ReduceMin{}, op.ReduceMin{KeepDims: true}),
		"Logsumexp": reduction(op.ReduceLogSumExp{}, op.ReduceLogSumExp{KeepDims: true}),

		"Reshape": reshapeOf, "ExpandDims": expandOf, "Squeeze": squeezeOf, "Transpose": transposeOf,
		"Concatenate": concatOf, "Stack": stackOf, "Split": splitOf, "Tile": tileOf, "GetItem": itemOf, "Take": takeOf,
		"Cast": castOf, "Where": whereOf, "Clip": clipOf, "Matmul": matmulOf, "Dot": dotOf, "Einsum": einsumOf,
		"Normalize": normalizeOf, "OneHot": oneHotOf, "Unstack": unstackOf, "ZerosLike": filled(0), "OnesLike": filled(1),
		"Any": overBools(op.ReduceMax{}, op.ReduceMax{KeepDims: true}),
		"All": overBools(op.ReduceMin{}, op.ReduceMin{KeepDims: true}),
	}
}

// lambdas is the closed list of TensorFlow's functions that Keras 2 records in functional models, by name.
func lambdas() map[string]operator {
	return map[string]operator{
		"math.add": pairOf(op.Add{}), "__operators__.add": pairOf(op.Add{}), "math.subtract": pairOf(op.Sub{}),
		"math.multiply": pairOf(op.Mul{}), "math.divide": quotient, "math.truediv": quotient,
		"math.floordiv": pairOf(op.FloorDiv{}), "math.floormod": pairOf(op.FloorMod{}), "math.mod": pairOf(op.FloorMod{}),
		"math.pow": pairOf(op.Pow{}), "math.divide_no_nan": pairOf(op.DivNoNan{}),
		"math.squared_difference": pairOf(op.SquaredDifference{}), "math.maximum": pairOf(op.Max{}),
		"math.minimum": pairOf(op.Min{}), "math.equal": test(op.Equal{}), "math.not_equal": test(op.NotEqual{}),
		"__operators__.eq": test(op.Equal{}), "__operators__.ne": test(op.NotEqual{}), "math.greater": test(op.Greater{}),
		"math.greater_equal": test(op.GreaterOrEqual{}), "math.less": test(op.Less{}),
		"math.less_equal": test(op.LessOrEqual{}), "math.logical_and": test(op.And{}), "math.logical_or": test(op.Or{}),
		"math.logical_not": same(op.Not{}),

		"math.abs": same(op.Abs{}), "math.negative": same(op.Neg{}), "math.square": same(op.Square{}),
		"math.sign": same(op.Sign{}), "math.exp": same(op.Exp{}), "math.expm1": same(op.Expm1{}),
		"math.log": same(op.Log{}), "math.log1p": same(op.Log1p{}), "math.sqrt": same(op.Sqrt{}),
		"math.rsqrt": same(op.Rsqrt{}), "math.reciprocal": same(op.Reciprocal{}), "math.erf": same(op.Erf{}),
		"math.sin": same(op.Sin{}), "math.cos": same(op.Cos{}), "math.tan": same(op.Tan{}), "math.floor": same(op.Floor{}),
		"math.ceil": same(op.Ceil{}), "math.round": same(op.Round{}), "math.tanh": same(op.Tanh{}),
		"math.sigmoid": sigmoidOf, "math.softplus": same(op.Softplus{}), "identity": identity, "stop_gradient": identity,
		"nn.relu": same(op.Relu{}), "nn.relu6": named("relu6"), "nn.sigmoid": sigmoidOf, "nn.tanh": same(op.Tanh{}),
		"nn.elu": named("elu"), "nn.selu": named("selu"), "nn.softplus": same(op.Softplus{}),
		"nn.softsign": same(op.Softsign{}), "nn.silu": named("silu"), "nn.swish": named("silu"), "nn.leaky_relu": sloped,
		"nn.gelu": geluOf, "nn.softmax": softmaxOf, "nn.log_softmax": logSoftmaxOf, "nn.bias_add": pairOf(op.Add{}),

		"math.reduce_sum": reduction(op.ReduceSum{}, op.ReduceSum{KeepDims: true}), "math.reduce_mean": meanOf,
		"math.reduce_prod":      reduction(op.ReduceProd{}, op.ReduceProd{KeepDims: true}),
		"math.reduce_max":       reduction(op.ReduceMax{}, op.ReduceMax{KeepDims: true}),
		"math.reduce_min":       reduction(op.ReduceMin{}, op.ReduceMin{KeepDims: true}),
		"math.reduce_logsumexp": reduction(op.ReduceLogSumExp{}, op.ReduceLogSumExp{KeepDims: true}), "math.add_n": addAll,

		"reshape": reshapeOf, "expand_dims": expandOf, "squeeze": squeezeOf, "compat.v1.squeeze": squeezeOf,
		"transpose": transposeOf, "compat.v1.transpose": transposeOf, "concat": concatOf, "stack": stackOf,
		"split": splitOf, "unstack": unstackOf, "tile": tileOf, "__operators__.getitem": itemOf, "gather": takeOf,
		"compat.v1.gather": takeOf, "cast": castOf, "where": whereOf, "clip_by_value": clipOf, "linalg.matmul": matmulOf,
		"einsum": einsumOf, "math.l2_normalize": normalizeOf, "linalg.l2_normalize": normalizeOf,
		"nn.l2_normalize": normalizeOf, "one_hot": oneHotOf, "zeros_like": filled(0), "ones_like": filled(1),
		"math.reduce_any": overBools(op.ReduceMax{}, op.ReduceMax{KeepDims: true}),
		"math.reduce_all": overBools(op.ReduceMin{}, op.ReduceMin{KeepDims: true}), "strings.as_string": asStringOf,
		"strings.to_hash_bucket_fast": bucketOf, "strings.to_hash_bucket_strong": bucketOf,
	}
}

// opLambda is a layer that is a function of TensorFlow's, which is looked up in the list above and nowhere else.
func opLambda(_ *reader, l *layer) (unit, error) {
	name := l.config.text("function", "")
	f := lambdas()[name]
	if f == nil {
		return nil, unsupportedOperator("tf."+name, lambdas())
	}
	return func(e *emitter, c *call) ([]value, error) { return f(&operation{emitter: e, call: c}) }, nil
}

// two are a binary operator's operands.
func (o *operation) two() (a, b value, err error) {
	if a, err = o.value(0, "x1", "x", "a", "value"); err != nil {
		return a, b, err
	}
	b, err = o.value(1, "x2", "y", "b", "bias")
	return a, b, err
}

// pairOf is a binary operator on values that are broadcast together.
func pairOf(kind graph.Op) operator {
	return func(o *operation) ([]value, error) {
		a, b, err := o.two()
		if err != nil {
			return nil, err
		}
		return one(o.math(kind, a, b))
	}
}

// quotient is true division: of whole numbers, in float32 in Keras 3, in float64 in TensorFlow.
func quotient(o *operation) ([]value, error) {
	a, b, err := o.two()
	if err != nil {
		return nil, err
	}
	if dtype := promoted(a, b); dtype != tensor.Float32 && dtype != tensor.Float64 {
		to := tensor.Float64
		if o.keras3 {
			to = tensor.Float32
		}
		a, b = o.cast(a, to), o.cast(b, to)
	}
	return one(o.math(op.Div{}, a, b))
}

// test is a binary operator that gives bools.
func test(kind graph.Op) operator {
	return func(o *operation) ([]value, error) {
		a, b, err := o.two()
		if err != nil {
			return nil, err
		}
		return one(o.binary(kind, a, b, tensor.Bool))
	}
}

// x is the only operand of an operator.
func (o *operation) x() (value, error) {
	return o.value(0, "x", "input_tensor", "tensor", "input", "features", "logits", "value", "values")
}

// same is an operator that keeps type and shape.
func same(kind graph.Op) operator {
	return func(o *operation) ([]value, error) {
		x, err := o.x()
		if err != nil {
			return nil, err
		}
		return []value{o.unary(kind, x)}, nil
	}
}

// inFloats is an operator that keeps the shape, and computes in floats.
func inFloats(kind graph.Op) operator {
	return func(o *operation) ([]value, error) {
		x, err := o.x()
		if err != nil {
			return nil, err
		}
		if !x.floats() {
			x = o.cast(x, tensor.Float32)
		}
		y := o.unary(kind, x)
		_, y.chance = kind.(op.Sigmoid)
		return []value{y}, nil
	}
}

func sigmoidOf(o *operation) ([]value, error) { return inFloats(op.Sigmoid{})(o) }

func identity(o *operation) ([]value, error) {
	x, err := o.x()
	return []value{x}, err
}

// named is an activation function.
func named(name string) operator {
	return func(o *operation) ([]value, error) {
		x, err := o.x()
		if err != nil {
			return nil, err
		}
		return one(activations(o.keras3)[name](o.emitter, x))
	}
}

// shapedBy is an activation with one number.
func shapedBy(o *operation, absent float64, names []string, kind func(float32) graph.Op) ([]value, error) {
	x, err := o.x()
	if err != nil {
		return nil, err
	}
	n, err := o.float(absent, 1, names...)
	if err != nil {
		return nil, err
	}
	return []value{o.unary(kind(float32(n)), x)}, nil
}

func sloped(o *operation) ([]value, error) {
	return shapedBy(o, 0.2, []string{"negative_slope", "alpha"}, func(n float32) graph.Op { return op.LeakyRelu{Alpha: n} })
}

func eluOf(o *operation) ([]value, error) {
	return shapedBy(o, 1, []string{"alpha"}, func(n float32) graph.Op { return op.Elu{Alpha: n} })
}

func celuOf(o *operation) ([]value, error) {
	return shapedBy(o, 1, []string{"alpha"}, func(n float32) graph.Op { return op.Celu{Alpha: n} })
}

// geluOf approximates by default in Keras 3, and in TensorFlow does not.
func geluOf(o *operation) ([]value, error) {
	x, err := o.x()
	if err != nil {
		return nil, err
	}
	approximate, err := o.bool(o.keras3, 1, "approximate")
	if err != nil {
		return nil, err
	}
	return []value{o.unary(op.Gelu{Tanh: approximate}, x)}, nil
}

func softmaxOf(o *operation) ([]value, error) {
	return o.overAxis(func(axis int) graph.Op { return op.Softmax{Axis: axis} }, true)
}

func logSoftmaxOf(o *operation) ([]value, error) {
	return o.overAxis(func(axis int) graph.Op { return op.LogSoftmax{Axis: axis} }, false)
}

func (o *operation) overAxis(kind func(axis int) graph.Op, chance bool) ([]value, error) {
	x, err := o.x()
	if err != nil {
		return nil, err
	}
	axis, err := o.int(-1, 1, "axis")
	if err != nil {
		return nil, err
	}
	if axis, err = axisOf(axis, x.rank()); err != nil {
		return nil, err
	}
	y := o.unary(kind(axis), x)
	y.chance = chance
	return []value{y}, nil
}

// reduction is an operator over axes, with and without keeping them.
func reduction(plain, keeping graph.Op) operator {
	return func(o *operation) ([]value, error) {
		x, err := o.x()
		if err != nil {
			return nil, err
		}
		axes, err := o.axes(x, 1, "axis")
		if err != nil {
			return nil, err
		}
		keep, err := o.bool(false, 2, "keepdims")
		if err != nil {
			return nil, err
		}
		kind := plain
		if keep {
			kind = keeping
		}
		return []value{o.reduce(kind, x, axes, keep)}, nil
	}
}

// meanOf is that of floats; Keras 3 makes floats of other numbers.
func meanOf(o *operation) ([]value, error) {
	x, err := o.x()
	if err != nil {
		return nil, err
	}
	if !x.floats() {
		if !o.keras3 {
			return nil, fault(Unsupported, "a mean of whole numbers is not supported; cast them to floats before")
		}
		x = o.cast(x, tensor.Float32)
	}
	inner := *o
	inner.call = &call{args: append([]arg{{kind: argTensor, value: x}}, o.args[min(1, len(o.args)):]...), named: o.named}
	return reduction(op.ReduceMean{}, op.ReduceMean{KeepDims: true})(&inner)
}

func addAll(o *operation) ([]value, error) {
	in, err := o.values(0, "inputs")
	if err != nil {
		return nil, err
	}
	return one(sumOf(o.emitter, in))
}

func asStringOf(o *operation) ([]value, error) {
	x, err := o.x()
	if err != nil {
		return nil, err
	}
	if !x.ints() {
		return nil, fault(Unsupported, "the text of %v is not supported; supported are whole numbers", x.dtype)
	}
	return []value{o.add(op.AsString{}, tensor.String, x.shape, x)}, nil
}

func bucketOf(o *operation) ([]value, error) {
	x, err := o.x()
	if err != nil {
		return nil, err
	}
	if x.dtype != tensor.String {
		return nil, fault(Malformed, "it hashes text, and is called with %v", x.dtype)
	}
	buckets, err := o.int(0, 1, "num_buckets")
	if err != nil {
		return nil, err
	}
	key, err := o.ints(2, "key")
	if err != nil {
		return nil, err
	}
	if buckets < 1 || len(key) != 0 && len(key) != 2 {
		return nil, fault(Malformed, "it hashes to %d buckets, under a key of %d numbers", buckets, len(key))
	}
	h := op.StringHash{Kind: op.HashFast, Buckets: int64(buckets)}
	if len(key) == 2 {
		h.Kind, h.Key0, h.Key1 = op.HashStrong, uint64(key[0]), uint64(key[1])
	}
	return []value{o.add(h, tensor.Int64, x.shape, x)}, nil
}

// castOf takes a type's name, or what Keras 2 writes for a tf.DType.
func castOf(o *operation) ([]value, error) {
	x, err := o.x()
	if err != nil {
		return nil, err
	}
	a := o.argument(1, "dtype")
	var name string
	if err := json.Unmarshal(a.raw, &name); err != nil {
		var o struct {
			Config string `json:"config"`
		}
		if json.Unmarshal(a.raw, &o) != nil || o.Config == "" {
			return nil, fault(Malformed, "the type is %.60s: %w", a.raw, err)
		}
		name = o.Config
	}
	to, err := typed(name)
	if err != nil {
		return nil, err
	}
	if (x.dtype == tensor.String) != (to == tensor.String) {
		return nil, fault(Unsupported, "a cast between text and numbers is not supported")
	}
	return []value{o.cast(x, to)}, nil
}
