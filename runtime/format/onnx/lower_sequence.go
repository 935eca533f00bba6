package onnx

import (
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Sequences are lists of values while the model is read: what is put into them, and taken out of them, must be known then. The
// engine has none.

// mostItems bounds a sequence.
const mostItems = 1 << 12

// takesSequences says which operators have inputs that are no tensors.
func takesSequences(name string) bool {
	switch name {
	case "SequenceAt", "SequenceInsert", "SequenceLength", "ConcatFromSequence", "ai.onnx.ml.DictVectorizer":
		return true
	default:
		return false
	}
}

// items are those of the first input, which must be a sequence.
func (c *call) items() ([]graph.Value, error) {
	if len(c.values) == 0 || c.values[0].class != classSequence {
		return nil, fault(Malformed, "its first input is no sequence")
	}
	return c.values[0].items, nil
}

// tensorInput is an input that must be a tensor.
func (c *call) tensorInput(i int) (graph.Value, error) {
	if i >= len(c.values) || c.values[i].class != classTensor || c.values[i].v == graph.None {
		return 0, fault(Malformed, "input %d is no tensor", i)
	}
	return c.values[i].v, nil
}

// bindSequence makes the node's only output a sequence. Long ones cost as several nodes.
func (c *call) bindSequence(items []graph.Value) error {
	const perNode = 32
	if len(items) > mostItems {
		return fault(TooLarge, "a sequence of %d tensors, of which %d are possible", len(items), mostItems)
	}
	if c.l.nodes -= len(items) / perNode; c.l.nodes < 0 {
		return fault(TooLarge, "the model's sequences are too long")
	}
	if len(c.node.outputs) != 1 {
		return fault(Malformed, "%d outputs, expected one", len(c.node.outputs))
	}
	return c.l.define(c.s, c.node.outputs[0], value{v: graph.None, class: classSequence, items: items})
}

// known are the integers that an input is known to be; nil where it is left out.
func (c *call) known(i int) ([]int64, error) {
	if c.input(i) == graph.None {
		return nil, nil
	}
	v, err := c.tensorInput(i)
	if err != nil {
		return nil, err
	}
	t, err := c.l.constant(v)
	if err != nil {
		return nil, err
	}
	switch {
	case t != nil && t.DType() == tensor.Int64:
		return tensor.Data[int64](t), nil
	case t != nil && t.DType() == tensor.Int32:
		return mapped(tensor.Data[int32](t), func(v int32) int64 { return int64(v) }), nil
	default:
		return nil, fault(Unsupported, "its input %d depends on the inputs of the model, or is no integer", i)
	}
}

// place is the position that an input names among so many, which may be counted from the end; otherwise where it is left out.
func (c *call) place(i, count, otherwise int) (int, error) {
	at, err := c.known(i)
	if err != nil {
		return 0, err
	}
	if at == nil {
		return otherwise, nil
	}
	if len(at) != 1 {
		return 0, fault(Malformed, "its position is of %d numbers", len(at))
	}
	n := at[0]
	if n < 0 {
		n += int64(count)
	}
	if n < 0 || n > int64(count) {
		return 0, fault(Malformed, "there is no position %d among %d", at[0], count)
	}
	return int(n), nil
}

func sequenceConstruct(c *call) error {
	if err := c.arity(len(c.in), len(c.in)); err != nil {
		return err
	}
	return c.bindSequence(c.in)
}

func sequenceEmpty(c *call) error {
	c.ignore("dtype")
	return c.bindSequence(nil)
}

func sequenceInsert(c *call) error {
	items, err := c.items()
	if err != nil {
		return err
	}
	v, err := c.tensorInput(1)
	if err != nil {
		return err
	}
	at, err := c.place(2, len(items), len(items))
	if err != nil {
		return err
	}
	longer := append(make([]graph.Value, 0, len(items)+1), items[:at]...)
	return c.bindSequence(append(append(longer, v), items[at:]...))
}

func sequenceAt(c *call) error {
	items, err := c.items()
	if err != nil {
		return err
	}
	at, err := c.place(1, len(items), len(items))
	if err != nil {
		return err
	}
	if at == len(items) {
		return fault(Malformed, "there is no position %d among %d", at, len(items))
	}
	return c.bind(items[at])
}

func sequenceLength(c *call) error {
	items, err := c.items()
	if err != nil {
		return err
	}
	return c.bind(c.constant(tensor.Of([]int64{int64(len(items))})))
}

func concatFromSequence(c *call) error {
	items, err := c.items()
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return fault(Malformed, "it joins no tensors")
	}
	axis := c.int("axis", 0)
	if c.bool("new_axis", false) {
		axes := c.int64s(int64(axis))
		wider := make([]graph.Value, len(items))
		for i, item := range items {
			wider[i] = c.add(op.Unsqueeze{}, item, axes)
		}
		items = wider
	}
	return c.bind(c.add(op.Concat{Axis: axis}, items...))
}

// splitToSequence needs to know how many parts there are.
func splitToSequence(c *call) error {
	if err := c.arity(1, 2); err != nil {
		return err
	}
	sizes, err := c.known(1)
	if err != nil {
		return err
	}
	axis := c.int("axis", 0)
	c.ignore("keepdims") // which is for parts of size 1 where no sizes are given
	if t, err := c.l.constant(c.input(1)); sizes == nil || err != nil || t.Rank() != 1 {
		return fault(Unsupported, "it does not say the size of each part, so that their number is known; use Split")
	}
	if len(sizes) == 0 || len(sizes) > mostItems {
		return fault(TooLarge, "%d parts, of which %d are possible", len(sizes), mostItems)
	}
	return c.bindSequence(c.addN(op.Split{Axis: axis}, len(sizes), c.input(0), c.int64s(sizes...)))
}
