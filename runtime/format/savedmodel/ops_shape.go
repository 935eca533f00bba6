package savedmodel

import (
	"github.com/ctr-operator/ctr-operator/runtime/format/tftype"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

func shape(l *lowering, n *node, in []value) (result, error) {
	vs, err := l.args(in, 1)
	if err != nil {
		return result{}, err
	}
	return l.asInt(n, "out_type", tftype.Int32, l.add1(n, op.Shape{}, vs[0])), nil
}

func shapeN(l *lowering, n *node, in []value) (result, error) {
	var all result
	for i := range in {
		one, err := shape(l, n, in[i:i+1])
		if err != nil {
			return result{}, err
		}
		all.values = append(all.values, one.values...)
	}
	return all, nil
}

func size(l *lowering, n *node, in []value) (result, error) {
	vs, err := l.args(in, 1)
	if err != nil {
		return result{}, err
	}
	return l.asInt(n, "out_type", tftype.Int32, l.add1(n, op.Size{}, vs[0])), nil
}

func rank(l *lowering, n *node, in []value) (result, error) {
	vs, err := l.args(in, 1)
	if err != nil {
		return result{}, err
	}
	return l.add(n, op.Cast{To: tensor.Int32}, l.add1(n, op.Size{}, l.add1(n, op.Shape{}, vs[0]))), nil
}

func squeeze(l *lowering, n *node, in []value) (result, error) {
	vs, err := l.args(in, 1)
	if err != nil {
		return result{}, err
	}
	if axes := n.intsAttr("squeeze_dims"); len(axes) > 0 {
		vs = append(vs, l.ints(axes...))
	}
	return l.add(n, op.Squeeze{}, vs...), nil
}

func transpose(l *lowering, n *node, in []value) (result, error) {
	if len(in) != 2 {
		return result{}, fault(Malformed, "takes 2 inputs, not %d", len(in))
	}
	perm, err := l.constantInts("the order of dimensions", in[1])
	if err != nil {
		return result{}, err
	}
	x, err := l.tensor(in[0])
	return l.add(n, op.Transpose{Perm: perm}, x), err
}

func concat(l *lowering, n *node, in []value) (result, error) {
	if len(in) < 2 {
		return result{}, fault(Malformed, "takes 2 inputs at least, not %d", len(in))
	}
	last := len(in) - 1
	axis, err := l.constantInt("the axis", in[last])
	if err != nil {
		return result{}, err
	}
	vs, err := l.tensors(in[:last])
	return l.add(n, op.Concat{Axis: axis}, vs...), err
}

func pack(l *lowering, n *node, in []value) (result, error) {
	vs, err := l.tensors(in)
	if err != nil {
		return result{}, err
	}
	axis := n.intAttr("axis", 0)
	at := l.ints(axis)
	for i, v := range vs {
		vs[i] = l.add1(n, op.Unsqueeze{}, v, at)
	}
	return l.add(n, op.Concat{Axis: axis}, vs...), nil
}

// maxParts is how many outputs a node may have.
const maxParts = 1 << 16

// parts is how many outputs an attribute says.
func parts(n *node, attr string) (int, error) {
	count := n.intAttr(attr, 0)
	if count < 1 || count > maxParts {
		return 0, fault(Malformed, "has %d outputs", count)
	}
	return count, nil
}

func unpack(l *lowering, n *node, in []value) (result, error) {
	vs, err := l.args(in, 1)
	if err != nil {
		return result{}, err
	}
	count, err := parts(n, "num")
	if err != nil {
		return result{}, err
	}
	axis := n.intAttr("axis", 0)
	sizes := make([]int, count)
	for i := range sizes {
		sizes[i] = 1
	}
	var values []value
	at := l.ints(axis)
	for _, v := range l.addN(n, op.Split{Axis: axis}, count, vs[0], l.ints(sizes...)) {
		values = append(values, l.add(n, op.Squeeze{}, v, at).values...)
	}
	return result{values: values}, nil
}

func split(l *lowering, n *node, in []value) (result, error) {
	if len(in) != 2 {
		return result{}, fault(Malformed, "takes 2 inputs, not %d", len(in))
	}
	count, err := parts(n, "num_split")
	if err != nil {
		return result{}, err
	}
	axis, err := l.constantInt("the axis", in[0])
	if err != nil {
		return result{}, err
	}
	x, err := l.tensor(in[1])
	return result{values: tensorValues(l.addN(n, op.Split{Axis: axis}, count, x))}, err
}

func splitV(l *lowering, n *node, in []value) (result, error) {
	if len(in) != 3 {
		return result{}, fault(Malformed, "takes 3 inputs, not %d", len(in))
	}
	axis, err := l.constantInt("the axis", in[2])
	if err != nil {
		return result{}, err
	}
	sizes, err := l.constantInts("the sizes", in[1])
	if err != nil {
		return result{}, err
	}
	for _, size := range sizes {
		if size < 0 {
			return result{}, fault(Unsupported, "splits into parts of which one is what is left over")
		}
	}
	if len(sizes) == 0 || len(sizes) > maxParts {
		return result{}, fault(Malformed, "has %d outputs", len(sizes))
	}
	x, err := l.tensor(in[0])
	return result{values: tensorValues(l.addN(n, op.Split{Axis: axis}, len(sizes), x, l.ints(sizes...)))}, err
}

func fill(l *lowering, n *node, in []value) (result, error) {
	vs, err := l.args(in, 2)
	if err != nil {
		return result{}, err
	}
	return l.add(n, op.Expand{}, vs[1], vs[0]), nil
}

func filledLike(v float64) operator {
	return func(l *lowering, n *node, in []value) (result, error) {
		vs, err := l.args(in, 1)
		if err != nil {
			return result{}, err
		}
		t, err := scalar(n.typeAttr("T", tftype.Float), v)
		if err != nil {
			return result{}, err
		}
		return l.add(n, op.ConstantOfShape{Value: t}, l.add1(n, op.Shape{}, vs[0])), nil
	}
}

func stridedSlice(l *lowering, n *node, in []value) (result, error) {
	return plain(op.StridedSlice{
		Begin: n.intAttr("begin_mask", 0), End: n.intAttr("end_mask", 0), Ellipsis: n.intAttr("ellipsis_mask", 0),
		NewAxis: n.intAttr("new_axis_mask", 0), Shrink: n.intAttr("shrink_axis_mask", 0),
	}, 4)(l, n, in)
}

func oneHot(l *lowering, n *node, in []value) (result, error) {
	vs, err := l.args(in, 4)
	if err != nil {
		return result{}, err
	}
	first := l.ints(0)
	off, on := l.add1(n, op.Unsqueeze{}, vs[3], first), l.add1(n, op.Unsqueeze{}, vs[2], first)
	both := l.add1(n, op.Concat{}, off, on)
	return l.add(n, op.OneHot{Axis: n.intAttr("axis", -1), FromStart: true}, vs[0], vs[1], both), nil
}

func gather(l *lowering, n *node, in []value) (result, error) {
	if len(in) != 3 {
		return result{}, fault(Malformed, "takes 3 inputs, not %d", len(in))
	}
	axis, err := l.constantInt("the axis", in[2])
	if err != nil {
		return result{}, err
	}
	return gatherAt(l, n, in[:2], axis)
}

func gatherOld(l *lowering, n *node, in []value) (result, error) { return gatherAt(l, n, in, 0) }

func resourceGather(l *lowering, n *node, in []value) (result, error) {
	batch := n.intAttr("batch_dims", 0)
	return gatherAt(l, n, in, batch)
}

func gatherAt(l *lowering, n *node, in []value, axis int) (result, error) {
	vs, err := l.args(in, 2)
	if err != nil {
		return result{}, err
	}
	if batch := n.intAttr("batch_dims", 0); batch != 0 {
		return l.add(n, op.GatherBatch{Axis: axis, BatchDims: batch, FromStart: true}, vs...), nil
	}
	return l.add(n, op.Gather{Axis: axis, FromStart: true}, vs...), nil
}

func unique(l *lowering, n *node, in []value) (result, error) {
	vs, err := l.args(in, 1)
	if err != nil {
		return result{}, err
	}
	out := l.addN(n, op.Unique{}, 3, vs...)
	places := l.asInt(n, "out_idx", tftype.Int32, out[2])
	return named([]value{tensorValue(out[0]), places.values[0]}, "y", "idx"), nil
}

func uniqueAxis(l *lowering, n *node, in []value) (result, error) {
	if len(in) != 2 {
		return result{}, fault(Malformed, "takes 2 inputs, not %d", len(in))
	}
	axis, err := l.constantInts("the axis", in[1])
	if err != nil {
		return result{}, err
	}
	if len(axis) > 1 || len(axis) == 1 && axis[0] != 0 {
		return result{}, fault(Unsupported, "what is unique along the axis %v, and not 0", axis)
	}
	return unique(l, n, in[:1])
}

func dynamicPartition(l *lowering, n *node, in []value) (result, error) {
	vs, err := l.args(in, 2)
	if err != nil {
		return result{}, err
	}
	count, err := parts(n, "num_partitions")
	if err != nil {
		return result{}, err
	}
	return result{values: tensorValues(l.addN(n, op.DynamicPartition{}, count, vs...))}, nil
}
