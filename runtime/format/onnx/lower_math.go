package onnx

import (
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

func argMax(c *call) error {
	return c.plain(op.ArgMax{
		Axis: c.int("axis", 0), KeepDims: c.bool("keepdims", true), SelectLastIndex: c.bool("select_last_index", false),
	}, 1, 1)
}

func argMin(c *call) error {
	return c.plain(op.ArgMin{
		Axis: c.int("axis", 0), KeepDims: c.bool("keepdims", true), SelectLastIndex: c.bool("select_last_index", false),
	}, 1, 1)
}

func batchNormalization(c *call) error {
	c.ignore("momentum")
	if c.bool("training_mode", false) || !c.bool("spatial", true) {
		return fault(Unsupported, "it is for training; export the model for inference")
	}
	if c.outputs() > 1 {
		return fault(Unsupported, "it updates its statistics; export the model for inference")
	}
	return c.plain(op.BatchNormalization{Epsilon: c.float("epsilon", 1e-5)}, 5, 5)
}

func layerNormalization(c *call) error {
	c.ignore("stash_type")
	if err := c.arity(2, 3); err != nil {
		return err
	}
	return c.emit(op.LayerNormalization{Axis: c.int("axis", -1), Epsilon: c.float("epsilon", 1e-5)}, c.in...)
}

func cast(c *call) error {
	c.ignore("saturate", "round_mode")
	to, err := castType(c.int("to", 0))
	if err != nil {
		return err
	}
	return c.plain(op.Cast{To: to}, 1, 1)
}

// castType is what elements are converted to while the graph runs: only to what the engine has, as half floats would be
// rounded, and narrow integers would wrap around.
func castType(elem int) (tensor.DType, error) {
	switch elem {
	case elemFloat, elemDouble, elemInt32, elemInt64, elemBool, elemString:
		return dtypeOf(elem)
	default:
		return 0, fault(Unsupported, "it converts to %s; export the model in float", elemName(elem))
	}
}

func castLike(c *call) error {
	c.ignore("saturate", "round_mode")
	return c.plain(op.CastLike{}, 2, 2)
}

// clip had its limits as attributes before version 11, of any type of floats.
func clip(c *call) error {
	if err := c.arity(1, 3); err != nil {
		return err
	}
	least, most := c.input(1), c.input(2)
	if c.has("min") {
		least = c.add(op.CastLike{}, c.constant(tensor.Of([]float32{c.float("min", 0)})), c.input(0))
	}
	if c.has("max") {
		most = c.add(op.CastLike{}, c.constant(tensor.Of([]float32{c.float("max", 0)})), c.input(0))
	}
	return c.bind(c.add(op.Clip{}, c.input(0), least, most))
}

func cumSum(c *call) error {
	return c.plain(op.CumSum{Exclusive: c.bool("exclusive", false), Reverse: c.bool("reverse", false)}, 2, 2)
}

func dropout(c *call) error {
	c.ignore("ratio", "seed")
	if err := c.arity(1, 3); err != nil {
		return err
	}
	if training := c.input(2); training != graph.None {
		t, err := c.l.constant(training)
		if err != nil {
			return err
		}
		if t == nil || t.DType() != tensor.Bool || t.Len() != 1 || tensor.Data[bool](t)[0] {
			return fault(Unsupported, "it is for training; export the model for inference")
		}
	}
	x := c.input(0)
	out := []graph.Value{c.add(op.Identity{}, x)}
	if c.wants(1) {
		all := op.ConstantOfShape{Value: tensor.Of([]bool{true}, 1)}
		out = append(out, c.add(all, c.add(op.Shape{}, x)))
	}
	return c.bind(out...)
}

func gelu(c *call) error {
	approximate := c.string("approximate", "none")
	if approximate != "none" && approximate != "tanh" {
		return fault(Malformed, "it is approximated by %s", quoted(approximate))
	}
	return c.plain(op.Gelu{Tanh: approximate == "tanh"}, 1, 1)
}

func gemm(c *call) error {
	return c.plain(op.Gemm{
		Alpha: c.float("alpha", 1), Beta: c.float("beta", 1), TransA: c.bool("transA", false), TransB: c.bool("transB", false),
	}, 2, 3)
}

func isInf(c *call) error {
	return c.plain(op.IsInf{
		DetectNegative: c.bool("detect_negative", true), DetectPositive: c.bool("detect_positive", true),
	}, 1, 1)
}

// softmaxAlong is the version from which on Softmax and its like are along one axis. Before, they were of matrices, which the
// axis cuts the dimensions into.
const softmaxAlong = 13

func (c *call) softmaxAxis() int {
	if c.version < softmaxAlong {
		return -1
	}
	return c.int("axis", -1)
}

func softmax(c *call, o graph.Op) error {
	if err := c.arity(1, 1); err != nil {
		return err
	}
	if c.version >= softmaxAlong {
		return c.bind(c.add(o, c.in...))
	}
	x := c.input(0)
	y := c.add(o, c.add(op.Flatten{Axis: c.int("axis", 1)}, x))
	return c.bind(c.add(op.Reshape{AllowZero: true}, y, c.add(op.Shape{}, x)))
}

// reduction has what all reductions do.
func (c *call) reduction() op.Reduction {
	return op.Reduction{KeepDims: c.bool("keepdims", true), NoopWithEmptyAxes: c.bool("noop_with_empty_axes", false)}
}

func reduce(c *call, o graph.Op) error {
	if err := c.arity(1, 2); err != nil {
		return err
	}
	return c.bind(c.add(o, c.input(0), c.axes("axes")))
}
