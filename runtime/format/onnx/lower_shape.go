package onnx

import (
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

func concat(c *call) error {
	if !c.has("axis") {
		return fault(Malformed, "it has no axis")
	}
	if err := c.arity(len(c.in), len(c.in)); err != nil {
		return err
	}
	return c.bind(c.add(op.Concat{Axis: c.int("axis", 0)}, c.in...))
}

// constant has its value in one of several attributes.
func constant(c *call) error {
	if err := c.arity(0, 0); err != nil {
		return err
	}
	made, err := c.tensor("value")
	if err != nil {
		return err
	}
	for name := range c.attributes {
		switch name {
		case "value_float":
			made = tensor.Of([]float32{c.float(name, 0)})
		case "value_floats":
			made = tensor.Of(c.floats(name), len(c.floats(name)))
		case "value_int":
			a := c.attribute(name, attributeInt)
			if a != nil {
				made = tensor.Of([]int64{a.i})
			}
		case "value_ints":
			made = tensor.Of(c.ints(name), len(c.ints(name)))
		case "value_string":
			made = tensor.Of([]string{c.string(name, "")})
		case "value_strings":
			made = tensor.Of(c.strings(name), len(c.strings(name)))
		}
	}
	if c.err != nil {
		return c.err
	}
	if made == nil {
		return fault(Unsupported, "it has no value of a kind that is supported")
	}
	return c.bind(c.constant(made))
}

func constantOfShape(c *call) error {
	v, err := c.tensor("value")
	if err != nil {
		return err
	}
	return c.plain(op.ConstantOfShape{Value: v}, 1, 1)
}

func eyeLike(c *call) error {
	o := op.EyeLike{K: c.int("k", 0)}
	if c.has("dtype") {
		dtype, err := castType(c.int("dtype", 0))
		if err != nil {
			return err
		}
		o.DType = dtype
	}
	return c.plain(o, 1, 1)
}

func shape(c *call) error {
	o := op.Shape{Start: c.int("start", 0)}
	if c.has("end") {
		end := c.int("end", 0)
		o.End = &end
	}
	return c.plain(o, 1, 1)
}

// slice had its places as attributes before version 10.
func slice(c *call) error {
	if c.version >= 10 {
		return c.plain(op.Slice{}, 3, 5)
	}
	if err := c.arity(1, 1); err != nil {
		return err
	}
	starts, ends, axes := c.ints("starts"), c.ints("ends"), graph.None
	if c.has("axes") {
		axes = c.int64s(c.ints("axes")...)
	}
	return c.bind(c.add(op.Slice{}, c.input(0), c.int64s(starts...), c.int64s(ends...), axes))
}

// split may say how many parts it has, which is how many outputs there are.
func split(c *call) error {
	if err := c.arity(1, 2); err != nil {
		return err
	}
	if n := c.int("num_outputs", c.outputs()); n != c.outputs() {
		return fault(Malformed, "%d outputs, and num_outputs is %d", c.outputs(), n)
	}
	return c.emit(op.Split{Axis: c.int("axis", 0)}, c.input(0), c.axes("split"))
}

func squeeze(c *call) error {
	if err := c.arity(1, 2); err != nil {
		return err
	}
	return c.bind(c.add(op.Squeeze{}, c.input(0), c.axes("axes")))
}

func unsqueeze(c *call) error {
	if err := c.arity(1, 2); err != nil {
		return err
	}
	axes := c.axes("axes")
	if axes == graph.None {
		return fault(Malformed, "it has no axes")
	}
	return c.bind(c.add(op.Unsqueeze{}, c.input(0), axes))
}

func transpose(c *call) error {
	var perm []int
	for _, axis := range c.ints("perm") {
		perm = append(perm, int(axis))
	}
	return c.plain(op.Transpose{Perm: perm}, 1, 1)
}

// branch takes the branch that its condition chooses, where that is known before the model is run.
func branch(c *call) error {
	if err := c.arity(1, 1); err != nil {
		return err
	}
	condition, err := c.l.constant(c.input(0))
	if err != nil {
		return err
	}
	if condition == nil || condition.DType() != tensor.Bool || condition.Len() != 1 {
		return fault(Unsupported, "its condition depends on the inputs; export the model for one case, or choose by Where")
	}
	name := "else_branch"
	if tensor.Data[bool](condition)[0] {
		name = "then_branch"
	}
	c.ignore("then_branch", "else_branch")
	a := c.attribute(name, attributeGraph)
	if a == nil || a.g == nil {
		return fault(Malformed, "it has no %s", name)
	}
	if c.l.depth++; c.l.depth > mostDepth {
		return fault(TooLarge, "branches within branches, more than %d deep", mostDepth)
	}
	defer func() { c.l.depth-- }()
	inner := &scope{
		parent: c.s, names: map[string]value{}, opsets: c.s.opsets, attributes: c.s.attributes, prefix: shortened(c.name),
	}
	if err := c.l.initializers(inner, a.g); err != nil {
		return err
	}
	if err := c.l.body(inner, a.g.nodes); err != nil {
		return err
	}
	names := make([]string, len(a.g.outputs))
	for i, output := range a.g.outputs {
		names[i] = output.name
	}
	if len(c.node.outputs) > len(names) {
		return fault(Malformed, "%d outputs, and its branch has %d", len(c.node.outputs), len(names))
	}
	return c.bindNames(inner, names)
}

// pad had its sizes and its value as attributes before version 11.
func pad(c *call) error {
	modes := map[string]op.PadMode{
		"constant": op.PadConstant, "reflect": op.PadReflect, "edge": op.PadEdge, "wrap": op.PadWrap,
	}
	mode, known := modes[c.string("mode", "constant")]
	if !known {
		return fault(Malformed, "there is no mode %s", quoted(c.string("mode", "")))
	}
	if c.version >= 11 {
		return c.plain(op.Pad{Mode: mode}, 2, 4)
	}
	if err := c.arity(1, 1); err != nil {
		return err
	}
	x := c.input(0)
	filler := c.add(op.CastLike{}, c.constant(tensor.Of([]float32{c.float("value", 0)})), x)
	return c.bind(c.add(op.Pad{Mode: mode}, x, c.int64s(c.ints("pads")...), filler))
}

// combination is how scattered elements are combined with those that are there.
func (c *call) combination() (op.Combine, error) {
	ways := map[string]op.Combine{
		"none": op.CombineNone, "add": op.CombineAdd, "mul": op.CombineMul, "max": op.CombineMax, "min": op.CombineMin,
	}
	way, known := ways[c.string("reduction", "none")]
	if !known {
		return 0, fault(Malformed, "there is no reduction %s", quoted(c.string("reduction", "")))
	}
	return way, nil
}

func scatterElements(c *call) error {
	way, err := c.combination()
	if err != nil {
		return err
	}
	return c.plain(op.ScatterElements{Axis: c.int("axis", 0), Reduction: way}, 3, 3)
}

func scatterND(c *call) error {
	way, err := c.combination()
	if err != nil {
		return err
	}
	return c.plain(op.ScatterND{Reduction: way}, 3, 3)
}

// topK had the number of elements as an attribute before version 10.
func topK(c *call) error {
	if err := c.arity(1, 2); err != nil {
		return err
	}
	k := c.input(1)
	if c.has("k") {
		k = c.int64s(int64(c.int("k", 0)))
	}
	o := op.TopK{Axis: c.int("axis", -1), Largest: c.bool("largest", true), Sorted: c.bool("sorted", true)}
	return c.bind(c.addN(o, 2, c.input(0), k)...)
}

func unique(c *call) error {
	if err := c.arity(1, 1); err != nil {
		return err
	}
	o := op.Unique{Sorted: c.bool("sorted", true)}
	if c.has("axis") {
		axis := c.int("axis", 0)
		o.Axis = &axis
	}
	return c.bind(c.addN(o, 4, c.in...)...)
}
