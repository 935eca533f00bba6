package savedmodel

import (
	"github.com/ctr-operator/ctr-operator/runtime/format/tftype"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// The constants of Selu, as TensorFlow has them.
const (
	seluAlpha = 1.6732632423543772848170429916717
	seluScale = 1.0507009873554804934193349852946
)

// args are a node's inputs as tensors, of which it must have so many; -1 is any number.
func (l *lowering) args(in []value, want int) ([]graph.Value, error) {
	if want >= 0 && len(in) != want {
		return nil, fault(Malformed, "takes %d inputs, not %d", want, len(in))
	}
	return l.tensors(in)
}

// plain is for operators that the engine has as they are.
func plain(o graph.Op, inputs int) operator {
	return func(l *lowering, n *node, in []value) (result, error) {
		vs, err := l.args(in, inputs)
		if err != nil {
			return result{}, err
		}
		return l.add(n, o, vs...), nil
	}
}

// variadic is plain for operators of any number of inputs.
func variadic(o graph.Op) operator { return plain(o, -1) }

// several is plain for operators with several outputs, which functions refer to by name.
func several(o graph.Op, inputs int, outputs ...string) operator {
	return func(l *lowering, n *node, in []value) (result, error) {
		vs, err := l.args(in, inputs)
		if err != nil {
			return result{}, err
		}
		return named(tensorValues(l.addN(n, o, len(outputs), vs...)), outputs...), nil
	}
}

// named are values that functions refer to by names, one each.
func named(values []value, names ...string) result {
	starts := map[string]int{}
	for i, name := range names {
		starts[name] = i
	}
	return result{values: values, starts: starts}
}

func mulNoNan(l *lowering, n *node, in []value) (result, error) {
	vs, err := l.args(in, 2)
	if err != nil {
		return result{}, err
	}
	zero, err := l.zero(n)
	if err != nil {
		return result{}, err
	}
	product := l.add1(n, op.Mul{}, vs...)
	return l.add(n, op.Where{}, l.add1(n, op.Equal{}, vs[1], zero), zero, product), nil
}

// zero is a constant of the type that a node computes with.
func (l *lowering) zero(n *node) (graph.Value, error) {
	return l.number(n.typeAttr("T", tftype.Float), 0)
}

// number is a constant number of a type.
func (l *lowering) number(dtype int, v float64) (graph.Value, error) {
	t, err := scalar(dtype, v)
	if err != nil {
		return 0, err
	}
	return l.b.Constant(t), nil
}

func scalar(dtype int, v float64) (*tensor.Tensor, error) {
	switch of, _ := tftype.Of(dtype); of {
	case tensor.Float32:
		return tensor.Of([]float32{float32(v)}), nil
	case tensor.Float64:
		return tensor.Of([]float64{v}), nil
	case tensor.Int32:
		return tensor.Of([]int32{int32(v)}), nil
	case tensor.Int64:
		return tensor.Of([]int64{int64(v)}), nil
	case tensor.Bool:
		return tensor.Of([]bool{v != 0}), nil
	case tensor.String:
		return tensor.Of([]string{""}), nil
	default:
		return nil, fault(Unsupported, "a number of the type %s", tftype.Name(dtype))
	}
}

func isFinite(l *lowering, n *node, in []value) (result, error) {
	vs, err := l.args(in, 1)
	if err != nil {
		return result{}, err
	}
	endless := l.add1(n, op.IsInf{DetectNegative: true, DetectPositive: true}, vs[0])
	return l.add(n, op.Not{}, l.add1(n, op.Or{}, endless, l.add1(n, op.IsNaN{}, vs[0]))), nil
}

func relu6(l *lowering, n *node, in []value) (result, error) {
	vs, err := l.args(in, 1)
	if err != nil {
		return result{}, err
	}
	const most = 6
	six, err := l.number(n.typeAttr("T", tftype.Float), most)
	if err != nil {
		return result{}, err
	}
	zero, err := l.zero(n)
	return l.add(n, op.Clip{}, vs[0], zero, six), err
}

func leakyRelu(l *lowering, n *node, in []value) (result, error) {
	const usual = 0.2
	return plain(op.LeakyRelu{Alpha: n.floatAttr("alpha", usual)}, 1)(l, n, in)
}

func cast(l *lowering, n *node, in []value) (result, error) {
	to, ok := tftype.Of(n.typeAttr("DstT", 0))
	if !ok {
		return result{}, fault(Unsupported, "converts to %s", tftype.Name(n.typeAttr("DstT", 0)))
	}
	return plain(op.Cast{To: to}, 1)(l, n, in)
}

// matMul multiplies matrices; the attributes say whether each is transposed before.
func matMul(left, right string) operator {
	return func(l *lowering, n *node, in []value) (result, error) {
		vs, err := l.args(in, 2)
		if err != nil {
			return result{}, err
		}
		for i, name := range []string{left, right} {
			if n.boolAttr(name, false) {
				vs[i] = l.add1(n, op.TransposeLast{}, vs[i])
			}
		}
		return l.add(n, op.MatMul{}, vs...), nil
	}
}

func biasAdd(l *lowering, n *node, in []value) (result, error) {
	if n.stringAttr("data_format", "NHWC") != "NHWC" {
		return result{}, fault(Unsupported, "adds a bias to images whose channels come first")
	}
	return plain(op.Add{}, 2)(l, n, in)
}

func einsum(l *lowering, n *node, in []value) (result, error) {
	return plain(op.Einsum{Equation: n.stringAttr("equation", "")}, len(in))(l, n, in)
}

func batchNorm(l *lowering, n *node, in []value) (result, error) {
	o := op.FusedBatchNorm{
		Epsilon:      n.floatAttr("epsilon", 1e-4),
		ChannelFirst: n.stringAttr("data_format", "NHWC") == "NCHW",
		Training:     n.boolAttr("is_training", true),
	}
	vs, err := l.args(in, 5)
	if err != nil {
		return result{}, err
	}
	// The other outputs are for training.
	return named(l.add(n, o, vs...).values, "y"), nil
}

// reduction is for operators that make one number of many along axes, the second input. No axes are no reduction.
func reduction(of func(op.Reduction) graph.Op) operator {
	return func(l *lowering, n *node, in []value) (result, error) {
		o := of(op.Reduction{KeepDims: n.boolAttr("keep_dims", false), NoopWithEmptyAxes: true})
		return plain(o, 2)(l, n, in)
	}
}

func argMax(l *lowering, n *node, in []value) (result, error) {
	return indexOf(l, n, in, func(axis int) graph.Op { return op.ArgMax{Axis: axis} })
}

func argMin(l *lowering, n *node, in []value) (result, error) {
	return indexOf(l, n, in, func(axis int) graph.Op { return op.ArgMin{Axis: axis} })
}

func indexOf(l *lowering, n *node, in []value, of func(axis int) graph.Op) (result, error) {
	if len(in) != 2 {
		return result{}, fault(Malformed, "takes 2 inputs, not %d", len(in))
	}
	axis, err := l.constantInt("the axis", in[1])
	if err != nil {
		return result{}, err
	}
	x, err := l.tensor(in[0])
	if err != nil {
		return result{}, err
	}
	return l.asInt(n, "output_type", tftype.Int64, l.add1(n, of(axis), x)), nil
}

// asInt makes int32s of int64s where the attribute wants them.
func (l *lowering) asInt(n *node, attr string, otherwise int, v graph.Value) result {
	if n.typeAttr(attr, otherwise) == tftype.Int32 {
		return l.add(n, op.Cast{To: tensor.Int32}, v)
	}
	return result{values: []value{tensorValue(v)}}
}

func cumsum(l *lowering, n *node, in []value) (result, error) {
	return plain(op.CumSum{Exclusive: n.boolAttr("exclusive", false), Reverse: n.boolAttr("reverse", false)}, 2)(l, n, in)
}

func topK(l *lowering, n *node, in []value) (result, error) {
	vs, err := l.args(in, 2)
	if err != nil {
		return result{}, err
	}
	out := l.addN(n, op.TopK{Axis: -1, Largest: true, Sorted: true}, 2, vs...)
	indices := l.asInt(n, "index_type", tftype.Int32, out[1])
	return named([]value{tensorValue(out[0]), indices.values[0]}, "values", "indices"), nil
}

func stringHash(kind op.HashKind) operator {
	return func(l *lowering, n *node, in []value) (result, error) {
		o := op.StringHash{Kind: kind, Buckets: int64(n.intAttr("num_buckets", 0))}
		if kind == op.HashStrong {
			key := n.intsAttr("key")
			if len(key) != 2 {
				return result{}, fault(Malformed, "a key of %d numbers, not 2", len(key))
			}
			o.Key0, o.Key1 = uint64(key[0]), uint64(key[1])
		}
		return plain(o, 1)(l, n, in)
	}
}

func asString(l *lowering, n *node, in []value) (result, error) {
	o := op.AsString{Format: 'f', Precision: n.intAttr("precision", -1), Width: n.intAttr("width", -1)}
	switch {
	case n.boolAttr("scientific", false):
		o.Format = 'e'
	case n.boolAttr("shortest", false):
		o.Format = 'g'
	}
	switch fill := n.stringAttr("fill", ""); fill {
	case "", " ":
	case "0":
		o.Zeros = true
	default:
		return result{}, fault(Unsupported, "fills numbers up with %.10q", fill)
	}
	return plain(o, 1)(l, n, in)
}

func stringJoin(l *lowering, n *node, in []value) (result, error) {
	return plain(op.StringJoin{Separator: n.stringAttr("separator", "")}, len(in))(l, n, in)
}

func bucketize(l *lowering, n *node, in []value) (result, error) {
	return plain(op.Bucketize{Boundaries: n.floatsAttr("boundaries")}, 1)(l, n, in)
}

func denseBincount(l *lowering, n *node, in []value) (result, error) {
	return plain(op.DenseBincount{Binary: n.boolAttr("binary_output", false)}, 3)(l, n, in)
}

func sparseMatMul(l *lowering, n *node, in []value) (result, error) {
	return plain(op.SparseMatMul{TransA: n.boolAttr("adjoint_a", false), TransB: n.boolAttr("adjoint_b", false)}, 4)(l, n, in)
}
