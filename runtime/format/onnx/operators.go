package onnx

import (
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
)

// operators has all that are supported, by their domain and name.
//
//nolint:funlen // a table is long because there is much of it
func operators() map[string]lowerer {
	return map[string]lowerer{
		"Abs":                inputs(op.Abs{}, 1, 1),
		"Acos":               inputs(op.Acos{}, 1, 1),
		"Acosh":              inputs(op.Acosh{}, 1, 1),
		"Add":                inputs(op.Add{}, 2, 2),
		"And":                inputs(op.And{}, 2, 2),
		"ArgMax":             argMax,
		"ArgMin":             argMin,
		"Asin":               inputs(op.Asin{}, 1, 1),
		"Asinh":              inputs(op.Asinh{}, 1, 1),
		"Atan":               inputs(op.Atan{}, 1, 1),
		"Atanh":              inputs(op.Atanh{}, 1, 1),
		"BatchNormalization": batchNormalization,
		"Cast":               cast,
		"CastLike":           castLike,
		"Ceil":               inputs(op.Ceil{}, 1, 1),
		"Celu":               func(c *call) error { return c.plain(op.Celu{Alpha: c.float("alpha", 1)}, 1, 1) },
		"Clip":               clip,
		"Concat":             concat,
		"ConcatFromSequence": concatFromSequence,
		"Constant":           constant,
		"ConstantOfShape":    constantOfShape,
		"Cos":                inputs(op.Cos{}, 1, 1),
		"Cosh":               inputs(op.Cosh{}, 1, 1),
		"CumSum":             cumSum,
		"Div":                inputs(op.Div{}, 2, 2),
		"Dropout":            dropout,
		"Einsum":             func(c *call) error { return c.plain(op.Einsum{Equation: c.string("equation", "")}, 1, math.MaxInt) },
		"Elu":                func(c *call) error { return c.plain(op.Elu{Alpha: c.float("alpha", 1)}, 1, 1) },
		"Equal":              inputs(op.Equal{}, 2, 2),
		"Erf":                inputs(op.Erf{}, 1, 1),
		"Exp":                inputs(op.Exp{}, 1, 1),
		"Expand":             inputs(op.Expand{}, 2, 2),
		"EyeLike":            eyeLike,
		"Flatten":            func(c *call) error { return c.plain(op.Flatten{Axis: c.int("axis", 1)}, 1, 1) },
		"Floor":              inputs(op.Floor{}, 1, 1),
		"Gather":             func(c *call) error { return c.plain(op.Gather{Axis: c.int("axis", 0)}, 2, 2) },
		"GatherElements":     func(c *call) error { return c.plain(op.GatherElements{Axis: c.int("axis", 0)}, 2, 2) },
		"GatherND":           func(c *call) error { return c.plain(op.GatherND{BatchDims: c.int("batch_dims", 0)}, 2, 2) },
		"Gelu":               gelu,
		"Gemm":               gemm,
		"Greater":            inputs(op.Greater{}, 2, 2),
		"GreaterOrEqual":     inputs(op.GreaterOrEqual{}, 2, 2),
		"HardSigmoid": func(c *call) error {
			return c.plain(op.HardSigmoid{Alpha: c.float("alpha", 0.2), Beta: c.float("beta", 0.5)}, 1, 1)
		},
		"HardSwish":          inputs(op.HardSwish{}, 1, 1),
		"Hardmax":            func(c *call) error { return softmax(c, op.Hardmax{Axis: c.softmaxAxis()}) },
		"Identity":           inputs(op.Identity{}, 1, 1),
		"If":                 branch,
		"IsInf":              isInf,
		"IsNaN":              inputs(op.IsNaN{}, 1, 1),
		"LayerNormalization": layerNormalization,
		"LeakyRelu":          func(c *call) error { return c.plain(op.LeakyRelu{Alpha: c.float("alpha", 0.01)}, 1, 1) },
		"Less":               inputs(op.Less{}, 2, 2),
		"LessOrEqual":        inputs(op.LessOrEqual{}, 2, 2),
		"Log":                inputs(op.Log{}, 1, 1),
		"LogSoftmax":         func(c *call) error { return softmax(c, op.LogSoftmax{Axis: c.softmaxAxis()}) },
		"LpNormalization": func(c *call) error {
			return c.plain(op.LpNormalization{Axis: c.int("axis", -1), P: c.int("p", 2)}, 1, 1)
		},
		"MatMul":            inputs(op.MatMul{}, 2, 2),
		"Max":               inputs(op.Max{}, 1, math.MaxInt),
		"Mean":              inputs(op.Mean{}, 1, math.MaxInt),
		"Min":               inputs(op.Min{}, 1, math.MaxInt),
		"Mish":              inputs(op.Mish{}, 1, 1),
		"Mod":               func(c *call) error { return c.plain(op.Mod{Fmod: c.bool("fmod", false)}, 2, 2) },
		"Mul":               inputs(op.Mul{}, 2, 2),
		"Neg":               inputs(op.Neg{}, 1, 1),
		"NonZero":           inputs(op.NonZero{}, 1, 1),
		"Not":               inputs(op.Not{}, 1, 1),
		"OneHot":            func(c *call) error { return c.plain(op.OneHot{Axis: c.int("axis", -1)}, 3, 3) },
		"Or":                inputs(op.Or{}, 2, 2),
		"PRelu":             inputs(op.PRelu{}, 2, 2),
		"Pad":               pad,
		"Pow":               inputs(op.Pow{}, 2, 2),
		"Range":             inputs(op.Range{}, 3, 3),
		"Reciprocal":        inputs(op.Reciprocal{}, 1, 1),
		"ReduceL1":          func(c *call) error { return reduce(c, op.ReduceL1(c.reduction())) },
		"ReduceL2":          func(c *call) error { return reduce(c, op.ReduceL2(c.reduction())) },
		"ReduceLogSum":      func(c *call) error { return reduce(c, op.ReduceLogSum(c.reduction())) },
		"ReduceLogSumExp":   func(c *call) error { return reduce(c, op.ReduceLogSumExp(c.reduction())) },
		"ReduceMax":         func(c *call) error { return reduce(c, op.ReduceMax(c.reduction())) },
		"ReduceMean":        func(c *call) error { return reduce(c, op.ReduceMean(c.reduction())) },
		"ReduceMin":         func(c *call) error { return reduce(c, op.ReduceMin(c.reduction())) },
		"ReduceProd":        func(c *call) error { return reduce(c, op.ReduceProd(c.reduction())) },
		"ReduceSum":         func(c *call) error { return reduce(c, op.ReduceSum(c.reduction())) },
		"ReduceSumSquare":   func(c *call) error { return reduce(c, op.ReduceSumSquare(c.reduction())) },
		"RegexFullMatch":    regexFullMatch,
		"Relu":              inputs(op.Relu{}, 1, 1),
		"Reshape":           func(c *call) error { return c.plain(op.Reshape{AllowZero: c.bool("allowzero", false)}, 2, 2) },
		"Round":             inputs(op.Round{}, 1, 1),
		"ScatterElements":   scatterElements,
		"ScatterND":         scatterND,
		"SequenceAt":        sequenceAt,
		"SequenceConstruct": sequenceConstruct,
		"SequenceEmpty":     sequenceEmpty,
		"SequenceInsert":    sequenceInsert,
		"SequenceLength":    sequenceLength,
		"Selu": func(c *call) error {
			return c.plain(op.Selu{Alpha: c.float("alpha", 1.6732632), Gamma: c.float("gamma", 1.0507010)}, 1, 1)
		},
		"Shape":            shape,
		"Sigmoid":          inputs(op.Sigmoid{}, 1, 1),
		"Sign":             inputs(op.Sign{}, 1, 1),
		"Sin":              inputs(op.Sin{}, 1, 1),
		"Sinh":             inputs(op.Sinh{}, 1, 1),
		"Size":             inputs(op.Size{}, 1, 1),
		"Slice":            slice,
		"Softmax":          func(c *call) error { return softmax(c, op.Softmax{Axis: c.softmaxAxis()}) },
		"Softplus":         inputs(op.Softplus{}, 1, 1),
		"Softsign":         inputs(op.Softsign{}, 1, 1),
		"Split":            split,
		"SplitToSequence":  splitToSequence,
		"Sqrt":             inputs(op.Sqrt{}, 1, 1),
		"Squeeze":          squeeze,
		"StringConcat":     inputs(op.StringConcat{}, 2, 2),
		"StringNormalizer": stringNormalizer,
		"StringSplit":      stringSplit,
		"Sub":              inputs(op.Sub{}, 2, 2),
		"Sum":              inputs(op.Sum{}, 1, math.MaxInt),
		"Swish":            func(c *call) error { return c.plain(op.Swish{Alpha: c.float("alpha", 1)}, 1, 1) },
		"Tan":              inputs(op.Tan{}, 1, 1),
		"Tanh":             inputs(op.Tanh{}, 1, 1),
		"TfIdfVectorizer":  tfIdfVectorizer,
		"ThresholdedRelu":  func(c *call) error { return c.plain(op.ThresholdedRelu{Alpha: c.float("alpha", 1)}, 1, 1) },
		"Tile":             inputs(op.Tile{}, 2, 2),
		"TopK":             topK,
		"Transpose":        transpose,
		"Trilu":            func(c *call) error { return c.plain(op.Trilu{Lower: !c.bool("upper", true)}, 1, 2) },
		"Unique":           unique,
		"Unsqueeze":        unsqueeze,
		"Where":            inputs(op.Where{}, 3, 3),
		"Xor":              inputs(op.Xor{}, 2, 2),

		"ai.onnx.ml.ArrayFeatureExtractor":  inputs(op.ArrayFeatureExtractor{}, 2, 2),
		"ai.onnx.ml.Binarizer":              binarizer,
		"ai.onnx.ml.CategoryMapper":         categoryMapper,
		"ai.onnx.ml.DictVectorizer":         dictVectorizer,
		"ai.onnx.ml.FeatureVectorizer":      featureVectorizer,
		"ai.onnx.ml.Imputer":                imputer,
		"ai.onnx.ml.LabelEncoder":           labelEncoder,
		"ai.onnx.ml.LinearClassifier":       linearClassifier,
		"ai.onnx.ml.LinearRegressor":        linearRegressor,
		"ai.onnx.ml.Normalizer":             normalizer,
		"ai.onnx.ml.OneHotEncoder":          oneHotEncoder,
		"ai.onnx.ml.Scaler":                 scaler,
		"ai.onnx.ml.TreeEnsemble":           treeEnsemble,
		"ai.onnx.ml.TreeEnsembleClassifier": treeEnsembleClassifier,
		"ai.onnx.ml.TreeEnsembleRegressor":  treeEnsembleRegressor,
		"ai.onnx.ml.ZipMap":                 zipMap,

		"com.microsoft.Tokenizer": tokenizer,
	}
}

// inputs lowers to an operator without attributes, which takes so many inputs, of which the first must be there.
func inputs(o graph.Op, least, most int) lowerer {
	return func(c *call) error { return c.plain(o, least, most) }
}

// plain makes the node one of the operator, which has one output.
func (c *call) plain(o graph.Op, least, most int) error {
	if err := c.arity(least, most); err != nil {
		return err
	}
	return c.bind(c.add(o, c.in...))
}
