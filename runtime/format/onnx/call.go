package onnx

import (
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// call is a node that is being lowered. The first attribute of a wrong type sticks, and is returned by finish.
type call struct {
	l       *lowering
	s       *scope
	node    *nodeProto
	name    string
	version int
	// values are the inputs, in their tensors; an optional one that is left out is graph.None.
	values []value
	in     []graph.Value
	// attributes are the node's, of which used are those that were asked for.
	attributes map[string]*attributeProto
	used       map[string]bool
	err        error
	bound      bool
}

// resolve finds the inputs and attributes.
func (c *call) resolve() error {
	if len(c.node.attributes) > mostAttributes {
		return fault(TooLarge, "%d attributes", len(c.node.attributes))
	}
	c.attributes, c.used = map[string]*attributeProto{}, map[string]bool{}
	for _, a := range c.node.attributes {
		a, err := c.s.dereference(a)
		if err != nil {
			return err
		}
		if a == nil {
			continue
		}
		if c.attributes[a.name] != nil {
			return fault(Malformed, "two attributes %s", quoted(a.name))
		}
		c.attributes[a.name] = a
	}
	c.values, c.in = make([]value, 0, len(c.node.inputs)), make([]graph.Value, 0, len(c.node.inputs))
	for _, name := range c.node.inputs {
		v := value{v: graph.None, class: classTensor}
		if name != "" {
			found, ok := c.s.find(name)
			if !ok {
				return fault(Malformed, "its input %s is not computed before it", quoted(name))
			}
			v = found
		}
		if v.class != classTensor && !takesSequences(operatorName(c.node)) {
			return fault(Unsupported, "its input %s is a map, or a sequence", quoted(name))
		}
		c.values, c.in = append(c.values, v), append(c.in, v.v)
	}
	return nil
}

// input is the i-th input, or graph.None.
func (c *call) input(i int) graph.Value {
	if i < len(c.in) {
		return c.in[i]
	}
	return graph.None
}

// arity checks the number of inputs, of which the first ones must not be left out.
func (c *call) arity(least, most int) error {
	if len(c.in) > most {
		return fault(Malformed, "%d inputs, expected %d at most", len(c.in), most)
	}
	for i := range least {
		if c.input(i) == graph.None {
			return fault(Malformed, "input %d is missing", i)
		}
	}
	return nil
}

// outputs is how many outputs the node has, those included that are left out before a later one.
func (c *call) outputs() int { return len(c.node.outputs) }

// wants says whether an output has a name.
func (c *call) wants(i int) bool { return i < len(c.node.outputs) && c.node.outputs[i] != "" }

// add makes a node that takes the values, and returns what it computes.
func (c *call) add(op graph.Op, in ...graph.Value) graph.Value { return c.addN(op, 1, in...)[0] }

func (c *call) addN(op graph.Op, outputs int, in ...graph.Value) []graph.Value {
	if c.l.nodes--; c.l.nodes < 0 && c.err == nil {
		c.err = fault(TooLarge, "the model's functions grow to too many nodes")
	}
	out := c.l.builder.AddN(c.name, op, outputs, in...)
	m := &made{node: c.name, op: op, in: in, out: out}
	for _, v := range out {
		c.l.made[v] = m
	}
	return out
}

// constant makes a constant.
func (c *call) constant(t *tensor.Tensor) graph.Value { return c.l.builder.Constant(t) }

// int64s makes a constant of one dimension.
func (c *call) int64s(values ...int64) graph.Value { return c.constant(tensor.Of(values, len(values))) }

// bind gives the node's outputs their meaning.
func (c *call) bind(values ...graph.Value) error {
	if len(c.node.outputs) > len(values) {
		return fault(Malformed, "%d outputs, expected %d at most", len(c.node.outputs), len(values))
	}
	c.bound = true
	for i, v := range values[:len(c.node.outputs)] {
		if err := c.l.define(c.s, c.node.outputs[i], value{v: v, class: classTensor}); err != nil {
			return err
		}
	}
	return nil
}

// bindNames is bind for what names of another scope mean.
func (c *call) bindNames(inner *scope, names []string) error {
	for i, name := range c.node.outputs {
		v, ok := inner.find(names[i])
		if !ok {
			return fault(Malformed, "no node within computes %s", quoted(names[i]))
		}
		if err := c.l.define(c.s, name, v); err != nil {
			return err
		}
	}
	return nil
}

// emit makes the node's only operator, and binds its outputs.
func (c *call) emit(op graph.Op, in ...graph.Value) error {
	return c.bind(c.addN(op, max(c.outputs(), 1), in...)...)
}

// finish is the error of an attribute that was wrong, or that nobody asked for.
func (c *call) finish() error {
	if c.err != nil {
		return c.err
	}
	for name := range c.attributes {
		if !c.used[name] {
			return fault(Unsupported, "its attribute %s", quoted(name))
		}
	}
	return nil
}

// attribute is the node's attribute of that name, if it has one, of one of the types.
func (c *call) attribute(name string, kinds ...int) *attributeProto {
	c.used[name] = true
	a := c.attributes[name]
	if a == nil {
		return nil
	}
	for _, kind := range kinds {
		if a.kind == kind && a.others == 0 {
			return a
		}
	}
	if c.err == nil {
		c.err = fault(Malformed, "its attribute %s is of type %d", quoted(name), a.kind)
	}
	return nil
}

// ignore is for attributes that do not matter.
func (c *call) ignore(names ...string) {
	for _, name := range names {
		c.used[name] = true
	}
}

func (c *call) has(name string) bool { return c.attributes[name] != nil }

func (c *call) int(name string, otherwise int) int {
	a := c.attribute(name, attributeInt)
	if a == nil {
		return otherwise
	}
	if a.i != int64(int32(a.i)) {
		// As ends of slices and the like may say "everything"; nothing else is that large.
		return int(max(min(a.i, math.MaxInt32), math.MinInt32))
	}
	return int(a.i)
}

func (c *call) bool(name string, otherwise bool) bool {
	a := c.attribute(name, attributeInt)
	if a == nil {
		return otherwise
	}
	return a.i != 0
}

func (c *call) float(name string, otherwise float32) float32 {
	a := c.attribute(name, attributeFloat)
	if a == nil {
		return otherwise
	}
	return a.f
}

func (c *call) string(name, otherwise string) string {
	a := c.attribute(name, attributeString)
	if a == nil {
		return otherwise
	}
	return a.s
}

// ints is nil where there is no such attribute, and not nil where it is empty.
func (c *call) ints(name string) []int64 {
	a := c.attribute(name, attributeInts)
	if a == nil {
		return nil
	}
	return append(make([]int64, 0, len(a.ints)), a.ints...)
}

func (c *call) floats(name string) []float32 {
	a := c.attribute(name, attributeFloats)
	if a == nil {
		return nil
	}
	return a.floats
}

func (c *call) strings(name string) []string {
	a := c.attribute(name, attributeStrings)
	if a == nil {
		return nil
	}
	return a.strings
}

// tensor is nil where there is no such attribute.
func (c *call) tensor(name string) (*tensor.Tensor, error) {
	a := c.attribute(name, attributeTensor)
	if a == nil {
		return nil, nil //nolint:nilnil // absent, and nothing wrong with that
	}
	if a.t == nil {
		return nil, fault(Malformed, "its attribute %s has no tensor", quoted(name))
	}
	return c.l.files.tensor(c.l.ctx, a.t)
}

// axes is the second input, or where an older version has an attribute, that as a constant; graph.None where there is neither.
func (c *call) axes(attribute string) graph.Value {
	if values := c.ints(attribute); values != nil {
		return c.int64s(values...)
	}
	return c.input(1)
}
