package op

import (
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// PadMode says what padding has.
type PadMode uint8

// The modes of padding.
const (
	// PadConstant is one value.
	PadConstant PadMode = iota
	// PadReflect mirrors at the outermost elements, which are not repeated.
	PadReflect
	// PadEdge repeats the outermost elements.
	PadEdge
	// PadWrap begins again at the other end.
	PadWrap
	// PadSymmetric mirrors after the outermost elements, which are repeated.
	PadSymmetric
)

// Pad makes a tensor smaller where a size is negative, and then larger where one is not. The second input has by how much
// before each dimension, and then by how much after each; the third, if there is one, the value of PadConstant, which is
// otherwise zero; the fourth, if there is one, which dimensions they are.
type Pad struct{ Mode PadMode }

// Name implements graph.Op.
func (Pad) Name() string { return "Pad" }

// Run implements graph.Op.
func (o Pad) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 2, 4); err != nil {
		return err
	}
	x, y := in[0], out[0]
	before, after, err := readPads(in)
	if err != nil {
		return err
	}
	var shape dims
	for d, size := range x.Shape() {
		shape[d] = size + before[d] + after[d]
	}
	if err := f.Resize(y, x.DType(), shape[:x.Rank()]...); err != nil {
		return err
	}
	if o.Mode == PadConstant {
		return padConstant(y, x, given(in, 2), &before)
	}
	return o.reflect(f, y, x, &before, &after)
}

// padLimit bounds how much is added, so that sums of sizes do not overflow.
const padLimit = 1 << 40

func readPads(in []*tensor.Tensor) (before, after dims, err error) {
	pads, rank := in[1], in[0].Rank()
	axes := before
	for d := range rank {
		axes[d] = d
	}
	n := rank
	if t := given(in, 3); t != nil {
		var buf dims
		named, err := list("axes", t, &buf)
		if err != nil {
			return before, after, err
		}
		n = len(named)
		for i, a := range named {
			if axes[i], err = axisOf(a, rank); err != nil {
				return before, after, err
			}
		}
	}
	if !isInt(pads) || pads.Rank() != 1 || pads.Len() != 2*n {
		return before, after, fmt.Errorf("the sizes of the padding of %d dimensions are not %v", n, pads)
	}
	for i := range n {
		first, last := intAt(pads, i), intAt(pads, n+i)
		if min(first, last) < -padLimit || max(first, last) > padLimit {
			return before, after, fmt.Errorf("a padding of %d and %d", first, last)
		}
		before[axes[i]], after[axes[i]] = first, last
	}
	return before, after, nil
}

// padConstant fills y, and copies what of x is in it.
func padConstant(y, x, value *tensor.Tensor, before *dims) error {
	if value == nil {
		y.Clear()
	} else {
		if value.DType() != x.DType() || value.Len() != 1 {
			return fmt.Errorf("pads %v with one value of its type, not %v", x, value)
		}
		var all layout
		all.loop(y.Len(), 1, 0)
		all.copy(y, value)
	}
	to, from := strides(y.Shape()), strides(x.Shape())
	var l layout
	for d := x.Rank() - 1; d >= 0; d-- {
		start := max(0, -before[d])
		size := min(x.Shape()[d], y.Shape()[d]-before[d]) - start
		l.loop(max(0, size), to[d], from[d])
		l.fromAt += start * from[d]
		l.toAt += max(0, before[d]) * to[d]
	}
	l.copy(y, x)
	return nil
}

// reflect takes each element of y from somewhere in x.
func (o Pad) reflect(f *graph.Frame, y, x *tensor.Tensor, before, after *dims) error {
	if y.Len() == 0 {
		return nil
	}
	places := f.Scratch(0)
	if err := f.Resize(places, tensor.Int64, y.Len()); err != nil {
		return err
	}
	from := strides(x.Shape())
	var count, step dims
	for i := range tensor.Data[int64](places) {
		at := 0
		for d := range y.Rank() {
			first := max(0, -before[d])
			place, ok := o.place(count[d]-max(0, before[d]), x.Shape()[d]-first-max(0, -after[d]))
			if !ok {
				return fmt.Errorf("the dimension %d of %v is too small to be padded so", d, x)
			}
			at += (first + place) * from[d]
		}
		tensor.Data[int64](places)[i] = int64(at)
		next(&count, y.Shape(), &step)
	}
	return pick(y, x, tensor.Data[int64](places), 1)
}

// place is where in n elements a place before or after them is taken from.
func (o Pad) place(at, n int) (int, bool) {
	if n <= 0 {
		return 0, false
	}
	switch o.Mode {
	case PadEdge:
		return min(max(at, 0), n-1), true
	case PadWrap:
		return ((at % n) + n) % n, true
	case PadSymmetric:
		at = ((at % (2 * n)) + 2*n) % (2 * n)
		return min(at, 2*n-1-at), true
	case PadReflect:
		period := max(1, 2*(n-1))
		at = ((at % period) + period) % period
		return min(at, period-at), n > 1 || at == 0
	}
	return 0, false
}
