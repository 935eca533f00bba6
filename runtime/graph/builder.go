package graph

import (
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// MaxValues bounds a graph, whatever it was read from.
const MaxValues = 1 << 20

// Builder makes a graph. Every value is made before it is used, so that a graph cannot have cycles.
type Builder struct {
	graph Graph
	err   error
}

// NewBuilder returns a builder of an empty graph.
func NewBuilder() *Builder {
	return &Builder{graph: Graph{Constants: map[Value]*tensor.Tensor{}}}
}

func (b *Builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf(format, args...)
	}
}

func (b *Builder) value() Value {
	if b.graph.Values >= MaxValues {
		b.fail("the graph has more than %d values", MaxValues)
		return 0
	}
	b.graph.Values++
	return Value(b.graph.Values - 1)
}

// Input adds an input, and returns its value, which it sets.
func (b *Builder) Input(input Input) Value {
	input.Value = b.value()
	b.graph.Inputs = append(b.graph.Inputs, input)
	return input.Value
}

// Sample says that an input with this one element has an answer. Of other values than inputs it says nothing.
func (b *Builder) Sample(v Value, element *tensor.Tensor) {
	for i := range b.graph.Inputs {
		if input := &b.graph.Inputs[i]; input.Value == v && input.DType == element.DType() && element.Len() == 1 {
			input.Sample = element
		}
	}
}

// Constant adds a constant, which it keeps.
func (b *Builder) Constant(t *tensor.Tensor) Value {
	v := b.value()
	b.graph.Constants[v] = t
	return v
}

// Add adds a node with one output, and returns its value.
func (b *Builder) Add(name string, op Op, in ...Value) Value {
	return b.AddN(name, op, 1, in...)[0]
}

// AddN adds a node with so many outputs, and returns their values.
func (b *Builder) AddN(name string, op Op, outputs int, in ...Value) []Value {
	for _, v := range in {
		if v != None && (v < 0 || int(v) >= b.graph.Values) {
			b.fail("%s: takes a value that there is not", name)
		}
	}
	out := make([]Value, outputs)
	for i := range out {
		out[i] = b.value()
	}
	if b.err != nil {
		return out // which is not kept, so that a graph that has gone wrong does not grow
	}
	b.graph.Nodes = append(b.graph.Nodes, Node{Op: op, Name: name, In: append([]Value(nil), in...), Out: out})
	return out
}

// Output adds an output.
func (b *Builder) Output(output Output) {
	if output.Value < 0 || int(output.Value) >= b.graph.Values {
		b.fail("the output %q is a value that there is not", output.Name)
	}
	b.graph.Outputs = append(b.graph.Outputs, output)
}

// Example says that an input takes serialized tf.Example messages.
func (b *Builder) Example(e Example) { b.graph.Example = &e }

// Const returns a value's tensor where it is a constant, else nil.
func (b *Builder) Const(v Value) *tensor.Tensor { return b.graph.Constants[v] }

// Build returns the graph, or the first thing that was wrong with it. The builder must not be used any more.
func (b *Builder) Build() (*Graph, error) {
	if b.err != nil {
		return nil, b.err
	}
	if len(b.graph.Outputs) == 0 {
		return nil, fmt.Errorf("the graph has no output")
	}
	return &b.graph, nil
}
