package savedmodel

import (
	"context"
	"fmt"
	"io/fs"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/format/tensorbundle"
	"github.com/ctr-operator/ctr-operator/runtime/format/wire"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/kernel"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// lowering makes a graph of one signature of a model.
type lowering struct {
	//nolint:containedctx // it lives as long as one Read
	ctx     context.Context
	files   fs.FS
	message *wire.Message
	meta    *metaGraph
	bundle  *tensorbundle.Bundle
	b       *graph.Builder
	steps   int
	calls   int

	operators  map[string]operator
	resources  map[string]*resource
	loaded     map[string]graph.Value
	made       map[graph.Value]*made
	inputs     []graph.Input
	example    *graph.Example
	structural map[string]structure
	effects    map[string]effect
}

// made is a node of the new graph.
type made struct {
	op      graph.Op
	in, out []graph.Value
}

// add adds an operator with one output for a node.
func (l *lowering) add(n *node, op graph.Op, in ...graph.Value) result {
	return result{values: tensorValues(l.addN(n, op, 1, in...))}
}

// addN adds an operator with several outputs for a node.
func (l *lowering) addN(n *node, op graph.Op, outputs int, in ...graph.Value) []graph.Value {
	m := &made{op: op, in: slices.Clone(in), out: l.b.AddN(n.name, op, outputs, in...)}
	for _, v := range m.out {
		l.made[v] = m
	}
	return m.out
}

// add1 adds an operator as a step of a node that becomes several.
func (l *lowering) add1(n *node, op graph.Op, in ...graph.Value) graph.Value {
	return l.addN(n, op, 1, in...)[0]
}

// ints is a constant list of integers.
func (l *lowering) ints(values ...int) graph.Value {
	wide := make([]int64, len(values))
	for i, v := range values {
		wide[i] = int64(v)
	}
	return l.b.Constant(tensor.Of(wide, len(wide)))
}

// foldLimit is how many bytes of tensors may be made to find out one value that must be known.
const foldLimit = 1 << 20

// constant is the tensor of a value that must be known when the model is read, as axes are.
func (l *lowering) constant(what string, v value) (*tensor.Tensor, error) {
	in, err := l.tensor(v)
	if err != nil {
		return nil, err
	}
	t, err := l.known(in)
	if err != nil {
		return nil, err
	}
	if t == nil {
		return nil, fault(Unsupported, "%s must be constant, and depend on inputs here", what)
	}
	return t, nil
}

// known is the tensor that a value follows to be from constants alone, or nil.
func (l *lowering) known(v graph.Value) (*tensor.Tensor, error) {
	frame := graph.NewFrame(1, foldLimit, kernel.Plain())
	frame.Begin()
	return l.fold(v, frame, 0)
}

// fold computes a value that follows from constants alone; nil where it does not.
func (l *lowering) fold(v graph.Value, frame *graph.Frame, depth int) (*tensor.Tensor, error) {
	const deepest = 100
	if t := l.b.Const(v); t != nil {
		return t, nil
	}
	m := l.made[v]
	if m == nil || depth > deepest {
		return nil, nil //nolint:nilnil // not constant
	}
	in := make([]*tensor.Tensor, len(m.in))
	for i, from := range m.in {
		t, err := l.fold(from, frame, depth+1)
		if t == nil || err != nil {
			return nil, err
		}
		in[i] = t
	}
	out := make([]*tensor.Tensor, len(m.out))
	for i := range out {
		out[i] = &tensor.Tensor{}
	}
	if err := m.op.Run(frame, in, out); err != nil {
		return nil, fault(Malformed, "computing a constant: %v", err)
	}
	return out[slices.Index(m.out, v)], nil
}

// constantInts is a constant list of integers.
func (l *lowering) constantInts(what string, v value) ([]int, error) {
	t, err := l.constant(what, v)
	if err != nil {
		return nil, err
	}
	values := make([]int, t.Len())
	for i := range values {
		switch t.DType() {
		case tensor.Int32:
			values[i] = int(tensor.Data[int32](t)[i])
		case tensor.Int64:
			values[i] = int(tensor.Data[int64](t)[i])
		default:
			return nil, fault(Malformed, "%s is %v, not integers", what, t)
		}
	}
	return values, nil
}

// constantInt is a constant integer.
func (l *lowering) constantInt(what string, v value) (int, error) {
	values, err := l.constantInts(what, v)
	if err == nil && len(values) != 1 {
		err = fault(Malformed, "%s is %d integers, not one", what, len(values))
	}
	if err != nil {
		return 0, err
	}
	return values[0], nil
}

// step counts, and looks now and then whether the caller still waits.
func (l *lowering) step() error {
	if l.steps++; l.steps > graph.MaxValues {
		return fault(TooLarge, "more than %d nodes", graph.MaxValues)
	}
	const often = 64
	if l.steps%often == 0 {
		if err := l.ctx.Err(); err != nil {
			return fmt.Errorf("reading the graph: %w", err)
		}
	}
	return nil
}
