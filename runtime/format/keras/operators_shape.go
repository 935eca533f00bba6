package keras

import (
	"math"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

func reshapeOf(o *operation) ([]value, error) {
	x, err := o.x()
	if err != nil {
		return nil, err
	}
	sizes, err := o.ints(1, "newshape", "shape")
	if err != nil {
		return nil, err
	}
	shape, err := shaped(x, sizes)
	if err != nil {
		return nil, err
	}
	return []value{o.reshape(x, sizes, shape)}, nil
}

func expandOf(o *operation) ([]value, error) {
	x, err := o.x()
	if err != nil {
		return nil, err
	}
	axis, err := o.int(0, 1, "axis")
	if err != nil {
		return nil, err
	}
	if axis, err = axisOf(axis, x.rank()+1); err != nil {
		return nil, err
	}
	return []value{o.expand(x, axis)}, nil
}

func squeezeOf(o *operation) ([]value, error) {
	x, err := o.x()
	if err != nil {
		return nil, err
	}
	axes, err := o.ints(1, "axis")
	if err != nil {
		return nil, err
	}
	if len(axes) == 0 {
		for d, size := range x.shape {
			if size == 1 {
				axes = append(axes, d)
			}
		}
	}
	if axes, err = axesOf(axes, x.rank()); err != nil {
		return nil, err
	}
	return []value{o.add(op.Squeeze{}, x.dtype, reduced(x.shape, axes, false), x, o.list(axes...))}, nil
}

func transposeOf(o *operation) ([]value, error) {
	x, err := o.x()
	if err != nil {
		return nil, err
	}
	perm, err := o.ints(1, "axes", "perm")
	if err != nil {
		return nil, err
	}
	if perm == nil {
		for d := range x.rank() {
			perm = append(perm, x.rank()-1-d)
		}
	}
	for i, axis := range perm {
		if perm[i], err = axisOf(axis, x.rank()); err != nil {
			return nil, err
		}
	}
	order := slices.Clone(perm)
	slices.Sort(order)
	if len(perm) != x.rank() || len(slices.Compact(order)) != x.rank() {
		return nil, fault(Malformed, "%v is no order of %d dimensions", perm, x.rank())
	}
	return []value{o.transpose(x, perm)}, nil
}

func concatOf(o *operation) ([]value, error) {
	in, err := o.values(0, "xs", "values")
	if err != nil {
		return nil, err
	}
	absent := 0
	if o.keras3 {
		absent = -1
	}
	axis, err := o.int(absent, 1, "axis")
	if err != nil {
		return nil, err
	}
	return one(o.concat(in, axis))
}

func stackOf(o *operation) ([]value, error) {
	in, err := o.values(0, "x", "values")
	if err != nil || len(in) == 0 {
		return nil, err
	}
	axis, err := o.int(0, 1, "axis")
	if err != nil {
		return nil, err
	}
	if axis, err = axisOf(axis, in[0].rank()+1); err != nil {
		return nil, err
	}
	for i := range in {
		if in[i].rank() < axis {
			return nil, fault(Malformed, "it stacks values of %d and of %d dimensions", in[0].rank(), in[i].rank())
		}
		in[i] = o.expand(in[i], axis)
	}
	return one(o.concat(in, axis))
}

// splitOf cuts an axis into equal parts, or at places (Keras 3), or into sizes (TensorFlow).
func splitOf(o *operation) ([]value, error) {
	x, err := o.x()
	if err != nil {
		return nil, err
	}
	sizes, err := o.ints(1, "indices_or_sections", "num_or_size_splits")
	if err != nil {
		return nil, err
	}
	axis, err := o.int(0, 2, "axis")
	if err != nil {
		return nil, err
	}
	if axis, err = axisOf(axis, x.rank()); err != nil {
		return nil, err
	}
	whole := x.shape[axis]
	if whole == graph.Any {
		return nil, fault(Unsupported, "splitting a dimension whose size is not known is not supported")
	}
	sizes, err = parts(sizes, whole, o.keras3, first(o.argument(1, "indices_or_sections", "num_or_size_splits").raw) == '[')
	if err != nil {
		return nil, err
	}
	values := o.r.b.AddN(o.name, op.Split{Axis: axis}, len(sizes), x.v, o.list(sizes...).v)
	out := make([]value, len(sizes))
	for i, size := range sizes {
		shape := slices.Clone(x.shape)
		shape[axis] = size
		out[i] = value{v: values[i], dtype: x.dtype, shape: shape}
	}
	return out, nil
}

// maxParts is how many values one split makes at most.
const maxParts = 4096

// parts are the sizes of a split.
func parts(given []int, whole int, places, list bool) ([]int, error) {
	var sizes []int
	switch {
	case len(given) == 0 || len(given) > maxParts:
		return nil, fault(Malformed, "it splits into %d parts", len(given))
	case !list:
		n := given[0]
		if n < 1 || n > maxParts || whole%n != 0 {
			return nil, fault(Malformed, "it splits %d into %d parts", whole, n)
		}
		return slices.Repeat([]int{whole / n}, n), nil
	case places:
		from := 0
		for _, place := range given {
			sizes = append(sizes, place-from)
			from = place
		}
		sizes = append(sizes, whole-from)
	default:
		sizes = slices.Clone(given)
	}
	sum := 0
	for _, size := range sizes {
		if size < 0 || size > whole {
			return nil, fault(Malformed, "it splits %d into %v", whole, sizes)
		}
		sum += size
	}
	if sum != whole {
		return nil, fault(Malformed, "it splits %d into %v", whole, sizes)
	}
	return sizes, nil
}

func unstackOf(o *operation) ([]value, error) {
	x, err := o.x()
	if err != nil {
		return nil, err
	}
	axis, err := o.int(0, 2, "axis")
	if err != nil {
		return nil, err
	}
	if axis, err = axisOf(axis, x.rank()); err != nil {
		return nil, err
	}
	n := x.shape[axis]
	if n < 1 || n > maxParts {
		return nil, fault(Unsupported, "unstacking %d parts is not supported", n)
	}
	out := make([]value, n)
	for i := range out {
		at := o.constant(tensor.Of([]int64{int64(i)}))
		out[i] = o.add(op.Gather{Axis: axis}, x.dtype, reduced(x.shape, []int{axis}, false), x, at)
	}
	return out, nil
}

func tileOf(o *operation) ([]value, error) {
	x, err := o.x()
	if err != nil {
		return nil, err
	}
	times, err := o.ints(1, "repeats", "multiples")
	if err != nil {
		return nil, err
	}
	if len(times) != x.rank() {
		return nil, fault(Unsupported, "it repeats %d dimensions of %d", len(times), x.rank())
	}
	shape := slices.Clone(x.shape)
	for i, n := range times {
		if n < 0 || n > 1<<20 {
			return nil, fault(Malformed, "it repeats a dimension %d times", n)
		}
		if shape[i] != graph.Any {
			shape[i] *= n
		}
	}
	return []value{o.add(op.Tile{}, x.dtype, shape, x, o.list(times...))}, nil
}

// indexing is a Python index, taken apart: one slice along several axes, then the axes to remove, then those to add.
type indexing struct {
	axes, starts, ends, steps []int
	remove, insert            []int
	shape                     []int
}

// itemOf is x[…]: slices, whole numbers, the ellipsis, and None.
func itemOf(o *operation) ([]value, error) {
	x, err := o.x()
	if err != nil {
		return nil, err
	}
	key := o.argument(1, "key", "slice_spec")
	items := key.list
	if key.kind != argList {
		items = []arg{key}
	}
	ix := indexing{shape: slices.Clone(x.shape)}
	if err := ix.read(items); err != nil {
		return nil, err
	}
	y := x
	if len(ix.axes) > 0 {
		y = o.add(op.Slice{}, x.dtype, ix.shape, y, o.list(ix.starts...), o.list(ix.ends...), o.list(ix.axes...), o.list(ix.steps...))
	}
	if len(ix.remove) > 0 {
		y = o.add(op.Squeeze{}, y.dtype, reduced(y.shape, ix.remove, false), y, o.list(ix.remove...))
	}
	for _, axis := range ix.insert {
		y = o.expand(y, axis)
	}
	return []value{y}, nil
}

func (ix *indexing) read(items []arg) error {
	taken := 0
	for _, item := range items {
		if item.kind != argEllipsis && item.kind != argNone {
			taken++
		}
	}
	if taken > len(ix.shape) {
		return fault(Malformed, "an index of %d places into %d dimensions", taken, len(ix.shape))
	}
	axis, result := 0, 0
	for i := range items {
		var err error
		switch item := &items[i]; item.kind {
		case argEllipsis:
			result += len(ix.shape) - taken
			axis += len(ix.shape) - taken
			taken = len(ix.shape)
		case argNone:
			ix.insert = append(ix.insert, result)
			result++
		case argSlice:
			err = ix.slice(axis, item)
			axis++
			result++
		default:
			err = ix.place(axis, item)
			axis++
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// slice takes a Python slice of an axis.
func (ix *indexing) slice(axis int, item *arg) error {
	numbers := [3]int{0, math.MaxInt32, 1}
	given := [3]bool{}
	for i := range item.list {
		if item.list[i].kind == argNone {
			continue
		}
		n, err := item.list[i].int()
		if err != nil {
			return err
		}
		numbers[i], given[i] = n, true
	}
	start, end, step := numbers[0], numbers[1], numbers[2]
	if step == 0 {
		return fault(Malformed, "a slice with a step of 0")
	}
	if step < 0 {
		return fault(Unsupported, "a slice with a step of %d is not supported", step)
	}
	if !given[0] && !given[1] && step == 1 {
		return nil
	}
	ix.axes, ix.starts = append(ix.axes, axis), append(ix.starts, start)
	ix.ends, ix.steps = append(ix.ends, end), append(ix.steps, step)
	if size := ix.shape[axis]; size != graph.Any {
		from, to := within(start, size), within(end, size)
		ix.shape[axis] = max(0, (to-from+step-1)/step)
	}
	return nil
}

// within is a place of a slice, in a dimension.
func within(place, size int) int {
	if place < 0 {
		place += size
	}
	return min(max(place, 0), size)
}

// place takes one place of an axis.
func (ix *indexing) place(axis int, item *arg) error {
	at, err := item.int()
	if err != nil {
		return err
	}
	if size := ix.shape[axis]; size != graph.Any && (at < -size || at >= size) {
		return fault(Malformed, "the place %d of %d", at, size)
	}
	end := at + 1
	if at == -1 {
		end = math.MaxInt32
	}
	ix.axes, ix.starts = append(ix.axes, axis), append(ix.starts, at)
	ix.ends, ix.steps = append(ix.ends, end), append(ix.steps, 1)
	ix.shape[axis] = 1
	ix.remove = append(ix.remove, axis)
	return nil
}

func takeOf(o *operation) ([]value, error) {
	x, err := o.value(0, "x", "params")
	if err != nil {
		return nil, err
	}
	at, err := o.value(1, "indices")
	if err != nil {
		return nil, err
	}
	place := 2
	if !o.keras3 {
		place = 3
	}
	axis, err := o.int(0, place, "axis")
	if err != nil {
		return nil, err
	}
	if axis, err = axisOf(axis, x.rank()); err != nil {
		return nil, err
	}
	if !at.ints() {
		return nil, fault(Malformed, "it takes places that are of %v", at.dtype)
	}
	if batch, err := o.int(0, -1, "batch_dims"); err != nil || batch != 0 {
		return nil, fault(Unsupported, "batch_dims are not supported")
	}
	shape := slices.Concat(x.shape[:axis], at.shape, x.shape[axis+1:])
	return []value{o.add(op.Gather{Axis: axis}, x.dtype, shape, x, at)}, nil
}

func whereOf(o *operation) ([]value, error) {
	condition, err := o.value(0, "condition")
	if err != nil {
		return nil, err
	}
	a, err := o.value(1, "x1", "x")
	if err != nil {
		return nil, err
	}
	b, err := o.value(2, "x2", "y")
	if err != nil {
		return nil, err
	}
	in := []value{a, b}
	o.meet(in)
	shape, err := broadcastShapes(in[0].shape, in[1].shape)
	if err != nil {
		return nil, err
	}
	if shape, err = broadcastShapes(shape, condition.shape); err != nil {
		return nil, err
	}
	return []value{o.add(op.Where{}, in[0].dtype, shape, o.cast(condition, tensor.Bool), in[0], in[1])}, nil
}

func clipOf(o *operation) ([]value, error) {
	x, err := o.value(0, "x", "t")
	if err != nil {
		return nil, err
	}
	least, err := o.float(math.Inf(-1), 1, "x_min", "clip_value_min")
	if err != nil {
		return nil, err
	}
	most, err := o.float(math.Inf(1), 2, "x_max", "clip_value_max")
	if err != nil {
		return nil, err
	}
	return []value{o.clip(x, least, most)}, nil
}

func matmulOf(o *operation) ([]value, error) {
	a, err := o.value(0, "x1", "a")
	if err != nil {
		return nil, err
	}
	b, err := o.value(1, "x2", "b")
	if err != nil {
		return nil, err
	}
	for i, name := range []string{"transpose_a", "transpose_b"} {
		turn, err := o.bool(false, i+2, name)
		if err != nil {
			return nil, err
		}
		if x := []*value{&a, &b}[i]; turn && x.rank() > 1 {
			perm := make([]int, x.rank())
			for d := range perm {
				perm[d] = d
			}
			perm[x.rank()-1], perm[x.rank()-2] = x.rank()-2, x.rank()-1
			*x = o.transpose(*x, perm)
		}
	}
	return one(o.product(a, b))
}

// product is numpy's matmul.
func (o *operation) product(a, b value) (value, error) {
	in := []value{a, b}
	o.meet(in)
	a, b = in[0], in[1]
	if a.rank() < 1 || b.rank() < 1 {
		return value{}, fault(Malformed, "it multiplies %v and %v as matrices", a.shape, b.shape)
	}
	inner := b.shape[0]
	if b.rank() > 1 {
		inner = b.shape[b.rank()-2]
	}
	if a.last() != graph.Any && inner != graph.Any && a.last() != inner {
		return value{}, fault(Malformed, "it multiplies %v and %v as matrices", a.shape, b.shape)
	}
	shape, err := broadcastShapes(a.shape[:max(0, a.rank()-2)], b.shape[:max(0, b.rank()-2)])
	if err != nil {
		return value{}, err
	}
	shape = slices.Clone(shape)
	if a.rank() > 1 {
		shape = append(shape, a.shape[a.rank()-2])
	}
	if b.rank() > 1 {
		shape = append(shape, b.last())
	}
	return o.add(op.MatMul{}, a.dtype, shape, a, b), nil
}

// dotOf is numpy's dot, where it is a matmul.
func dotOf(o *operation) ([]value, error) {
	a, b, err := o.two()
	if err != nil {
		return nil, err
	}
	if a.rank() == 0 || b.rank() == 0 {
		return one(o.math(op.Mul{}, a, b))
	}
	if b.rank() > 2 {
		return nil, fault(Unsupported, "a dot with %d dimensions is not supported; use matmul or einsum", b.rank())
	}
	return one(o.product(a, b))
}

func einsumOf(o *operation) ([]value, error) {
	equation, err := o.text("", -1, "subscripts", "equation")
	if err != nil {
		return nil, err
	}
	var in []value
	for i := range o.args {
		if o.args[i].kind == argTensor {
			in = append(in, o.args[i].value)
		}
		for _, item := range o.args[i].list {
			if item.kind == argTensor {
				in = append(in, item.value)
			}
		}
	}
	if equation == "" || len(in) == 0 || len(in) > 2 {
		return nil, fault(Unsupported, "an einsum %s of %d values is not supported", quoted(equation), len(in))
	}
	o.meet(in)
	shape, err := einsumShape(equation, in)
	if err != nil {
		return nil, err
	}
	return []value{o.add(op.Einsum{Equation: equation}, in[0].dtype, shape, in...)}, nil
}

func normalizeOf(o *operation) ([]value, error) {
	x, err := o.x()
	if err != nil {
		return nil, err
	}
	if order, err := o.int(2, -1, "order"); err != nil || order != 2 {
		return nil, fault(Unsupported, "a norm of the order %d is not supported; supported is 2", order)
	}
	axes, err := o.ints(1, "axis")
	if err != nil {
		return nil, err
	}
	if len(axes) == 0 {
		axes = []int{-1}
	}
	if axes, err = axesOf(axes, x.rank()); err != nil {
		return nil, err
	}
	absent := 1e-12
	if o.keras3 {
		absent = 1e-7
	}
	epsilon, err := o.float(absent, -1, "epsilon")
	if err != nil {
		return nil, err
	}
	return []value{unitNorm(o.emitter, x, axes, epsilon, o.keras3)}, nil
}

func oneHotOf(o *operation) ([]value, error) {
	x, err := o.value(0, "x", "indices")
	if err != nil {
		return nil, err
	}
	depth, err := o.int(0, 1, "num_classes", "depth")
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"on_value", "off_value"} {
		if o.has(-1, name) {
			return nil, fault(Unsupported, "%s is not supported", name)
		}
	}
	if axis, err := o.int(-1, -1, "axis"); err != nil || axis != -1 || !x.ints() || depth < 1 || depth > maxEncoding {
		return nil, fault(Unsupported, "one_hot of %v, of the depth %d, along the axis %d is not supported", x.dtype, depth, axis)
	}
	return []value{encoding{mode: "one_hot", depth: depth, dtype: tensor.Float32}.places(o.emitter, x)}, nil
}

// filled is a value of the shape of another, of zeros or ones.
func filled(with float64) operator {
	return func(o *operation) ([]value, error) {
		x, err := o.x()
		if err != nil {
			return nil, err
		}
		dtype := x.dtype
		if name, err := o.text("", 1, "dtype"); err != nil {
			return nil, err
		} else if name != "" {
			if dtype, err = typed(name); err != nil {
				return nil, err
			}
		}
		if dtype == tensor.String {
			return nil, fault(Malformed, "it makes numbers, and is called for text")
		}
		shape := o.add(op.Shape{}, tensor.Int64, []int{x.rank()}, x)
		return []value{o.add(op.Expand{}, dtype, x.shape, o.scalar(dtype, with), shape)}, nil
	}
}

// overBools is a reduction of bools.
func overBools(plain, keeping graph.Op) operator {
	return func(o *operation) ([]value, error) {
		x, err := o.x()
		if err != nil {
			return nil, err
		}
		inner := *o
		x = o.cast(o.cast(x, tensor.Bool), tensor.Int32)
		inner.call = &call{args: append([]arg{{kind: argTensor, value: x}}, o.args[min(1, len(o.args)):]...), named: o.named}
		out, err := reduction(plain, keeping)(&inner)
		if err != nil {
			return nil, err
		}
		return []value{o.cast(out[0], tensor.Bool)}, nil
	}
}
