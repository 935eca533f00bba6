package savedmodel

import (
	"math"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/format/tftype"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
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

// concatOld has its axis first.
func concatOld(l *lowering, n *node, in []value) (result, error) {
	if len(in) < 2 {
		return result{}, fault(Malformed, "takes 2 inputs at least, not %d", len(in))
	}
	return concat(l, n, append(slices.Clone(in[1:]), in[0]))
}

// bandPart keeps what is near the diagonal of matrices: so many below it, and above; all where that is negative.
func bandPart(l *lowering, n *node, in []value) (result, error) {
	if len(in) != 3 {
		return result{}, fault(Malformed, "takes 3 inputs, not %d", len(in))
	}
	below, err := l.constantInt("what is kept below", in[1])
	if err != nil {
		return result{}, err
	}
	above, err := l.constantInt("what is kept above", in[2])
	if err != nil {
		return result{}, err
	}
	x, err := l.tensor(in[0])
	if err != nil {
		return result{}, err
	}
	if below >= 0 {
		x = l.add1(n, op.Trilu{}, x, l.ints(-below))
	}
	if above >= 0 {
		x = l.add1(n, op.Trilu{Lower: true}, x, l.ints(above))
	}
	return one(tensorValue(x)), nil
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
	if len(sizes) == 0 || len(sizes) > maxParts {
		return result{}, fault(Malformed, "has %d outputs", len(sizes))
	}
	x, err := l.tensor(in[0])
	if err != nil {
		return result{}, err
	}
	if rest := slices.Index(sizes, -1); rest >= 0 {
		return l.splitAround(n, x, axis, sizes, rest)
	}
	return result{values: tensorValues(l.addN(n, op.Split{Axis: axis}, len(sizes), x, l.ints(sizes...)))}, nil
}

// splitAround splits into parts of which one is what the others leave over: those before are counted from the start, and
// those after from the end.
func (l *lowering) splitAround(n *node, x graph.Value, axis int, sizes []int, rest int) (result, error) {
	after := 0
	for _, size := range sizes[rest+1:] {
		after += size
	}
	var all result
	start, axes := 0, l.ints(axis)
	for i, size := range sizes {
		if size < 0 && i != rest || size > math.MaxInt32 {
			return result{}, fault(Malformed, "splits into parts of the sizes %v", sizes)
		}
		end := start + size
		if i == rest {
			end = -after
		}
		next := end
		if i >= rest && end == 0 {
			end = math.MaxInt
		}
		all.values = append(all.values, l.add(n, op.Slice{}, x, l.ints(start), l.ints(end), axes).values...)
		start = next
	}
	return all, nil
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

// pad has its sizes as pairs; the engine takes all that is before, and then all that is after.
func pad(l *lowering, n *node, in []value) (result, error) {
	vs, err := l.args(in, len(in))
	if err != nil || len(vs) < 2 || len(vs) > 3 {
		return result{}, fault(Malformed, "takes 2 or 3 inputs, not %d: %v", len(in), err)
	}
	vs[1] = l.add1(n, op.Reshape{}, l.add1(n, op.Transpose{Perm: []int{1, 0}}, vs[1]), l.ints(-1))
	return l.add(n, op.Pad{}, vs...), nil
}

func reverse(l *lowering, n *node, in []value) (result, error) {
	if len(in) != 2 {
		return result{}, fault(Malformed, "takes 2 inputs, not %d", len(in))
	}
	axes, err := l.constantInts("the axes", in[1])
	if err != nil {
		return result{}, err
	}
	x, err := l.tensor(in[0])
	if err != nil {
		return result{}, err
	}
	starts, ends, steps := make([]int, len(axes)), make([]int, len(axes)), make([]int, len(axes))
	for i := range axes {
		starts[i], ends[i], steps[i] = -1, math.MinInt, -1
	}
	return l.add(n, op.Slice{}, x, l.ints(starts...), l.ints(ends...), l.ints(axes...), l.ints(steps...)), nil
}

func scatterND(l *lowering, n *node, in []value) (result, error) {
	vs, err := l.args(in, 3)
	if err != nil {
		return result{}, err
	}
	zero, err := l.zero(n)
	if err != nil {
		return result{}, err
	}
	zeros := l.add1(n, op.Expand{}, zero, vs[2])
	return l.add(n, op.ScatterND{Reduction: op.CombineAdd}, zeros, vs[0], vs[1]), nil
}
