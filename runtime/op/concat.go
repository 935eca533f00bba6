package op

import (
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Concat joins tensors of any one type along Axis. Their other dimensions are the same.
type Concat struct{ Axis int }

// Name implements graph.Op.
func (Concat) Name() string { return "Concat" }

// Run implements graph.Op.
func (o Concat) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, len(in), max(1, len(in))); err != nil {
		return err
	}
	if len(in) == 0 {
		return fmt.Errorf("joins one tensor at least, not none")
	}
	shape, axis, err := o.shape(in)
	if err != nil {
		return err
	}
	rank := in[0].Rank()
	if err := f.Resize(out[0], in[0].DType(), shape[:rank]...); err != nil {
		return err
	}
	outer, width, inner := around(shape[:rank], axis)
	at := 0
	for _, x := range in {
		n := x.Shape()[axis] * inner
		l := layout{toAt: at}
		l.loop(n, 1, 1)
		l.loop(outer, width*inner, n)
		l.copy(out[0], x)
		at += n
	}
	return nil
}

// shape is the result's.
func (o Concat) shape(in []*tensor.Tensor) (shape dims, axis int, err error) {
	first := in[0]
	if axis, err = axisOf(o.Axis, first.Rank()); err != nil {
		return shape, 0, err
	}
	for _, x := range in {
		if err := sameType(first, x); err != nil {
			return shape, 0, err
		}
		if x.Rank() != first.Rank() {
			return shape, 0, fmt.Errorf("cannot join %v and %v", first, x)
		}
		for d, size := range x.Shape() {
			if d != axis && size != first.Shape()[d] {
				return shape, 0, fmt.Errorf("cannot join %v and %v along the axis %d", first, x, axis)
			}
		}
		shape[axis] += x.Shape()[axis]
	}
	size := shape[axis]
	copy(shape[:], first.Shape())
	shape[axis] = size
	return shape, axis, nil
}

// Split takes a tensor apart along Axis: in parts of the sizes that the second input has, or else one for each output, all
// as large, but the last, which may be smaller.
type Split struct{ Axis int }

// Name implements graph.Op.
func (Split) Name() string { return "Split" }

// Run implements graph.Op.
func (o Split) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 2); err != nil {
		return err
	}
	x, sizes := in[0], given(in, 1)
	axis, err := axisOf(o.Axis, x.Rank())
	if err != nil {
		return err
	}
	outer, width, inner := around(x.Shape(), axis)
	if sizes != nil && (!isInt(sizes) || sizes.Rank() != 1 || sizes.Len() != len(out)) {
		return fmt.Errorf("the sizes of %d parts must be as many integers, not %v", len(out), sizes)
	}
	var shape dims
	copy(shape[:], x.Shape())
	at := 0
	for i, y := range out {
		size := partSize(sizes, i, width, len(out))
		if size < 0 || size > width-at {
			return fmt.Errorf("cannot take %d more of the %d places of the axis %d of %v", size, width-at, axis, x)
		}
		shape[axis] = size
		if err := f.Resize(y, x.DType(), shape[:x.Rank()]...); err != nil {
			return err
		}
		l := layout{fromAt: at * inner}
		l.loop(size*inner, 1, 1)
		l.loop(outer, size*inner, width*inner)
		l.copy(y, x)
		at += size
	}
	if at != width {
		return fmt.Errorf("the parts have %d of the %d places of the axis %d of %v", at, width, axis, x)
	}
	return nil
}

// partSize is the size of the i-th part of so many.
func partSize(sizes *tensor.Tensor, i, width, parts int) int {
	if sizes != nil {
		return intAt(sizes, i)
	}
	each := (width + parts - 1) / parts
	return max(0, min(each, width-i*each))
}

// Expand broadcasts the first input and the shape that is the second with each other.
type Expand struct{}

// Name implements graph.Op.
func (Expand) Name() string { return "Expand" }

// Run implements graph.Op.
func (Expand) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 2, 2); err != nil {
		return err
	}
	var buf dims
	shape, err := list("the new shape", in[1], &buf)
	if err != nil {
		return err
	}
	for _, size := range shape {
		if size < 0 {
			return shapeError(fmt.Sprintf("the size %d", size), shape)
		}
	}
	return expand(f, out[0], in[0], shape)
}

func expand(f *graph.Frame, y, x *tensor.Tensor, shape []int) error {
	br, err := newBroadcast(x.Shape(), shape)
	if err != nil {
		return err
	}
	if err := f.Resize(y, x.DType(), br.shape[:br.rank]...); err != nil {
		return err
	}
	var l layout
	to := 1
	for i := range br.loops {
		l.loop(br.size[i], to, br.step[0][i])
		to *= br.size[i]
	}
	l.copy(y, x)
	return nil
}

// Tile repeats the first input along each dimension as often as the second input says.
type Tile struct{}

// Name implements graph.Op.
func (Tile) Name() string { return "Tile" }

// Run implements graph.Op.
func (Tile) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 2, 2); err != nil {
		return err
	}
	x := in[0]
	var buf, shape dims
	repeats, err := list("repeats", in[1], &buf)
	if err != nil {
		return err
	}
	if len(repeats) != x.Rank() {
		return fmt.Errorf("%d repeats do not fit %v", len(repeats), x)
	}
	for d, n := range repeats {
		if n < 0 {
			return fmt.Errorf("repeats %d times", n)
		}
		if shape[d], err = product(x.Shape()[d], n); err != nil {
			return err
		}
	}
	if err := f.Resize(out[0], x.DType(), shape[:x.Rank()]...); err != nil {
		return err
	}
	to, from := strides(shape[:x.Rank()]), strides(x.Shape())
	var l layout
	for d := x.Rank() - 1; d >= 0; d-- {
		size := x.Shape()[d]
		l.loop(size, to[d], from[d])
		l.loop(repeats[d], to[d]*size, 0)
	}
	l.copy(out[0], x)
	return nil
}
