package op

import (
	"fmt"
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Reshape gives the first input the shape that is the second. A size of -1 is what is left over; 0 is that of the input's
// dimension in the same place, unless AllowZero is set.
type Reshape struct{ AllowZero bool }

// Name implements graph.Op.
func (Reshape) Name() string { return "Reshape" }

// Run implements graph.Op.
func (o Reshape) Run(_ *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 2, 2); err != nil {
		return err
	}
	x := in[0]
	var buf dims
	shape, err := list("the new shape", in[1], &buf)
	if err != nil {
		return err
	}
	free, known := -1, 1
	for d, size := range shape {
		if size == 0 && !o.AllowZero {
			if d >= x.Rank() {
				return shapeError("the new shape keeps a dimension that there is not, and", x.Shape())
			}
			shape[d] = x.Shape()[d]
		}
		switch {
		case size == -1 && free < 0:
			free = d
			continue
		case size < 0:
			return shapeError(fmt.Sprintf("the new size %d", size), x.Shape())
		}
		if known, err = product(known, shape[d]); err != nil {
			return err
		}
	}
	if free >= 0 {
		shape[free] = 0
		if known > 0 {
			shape[free] = x.Len() / known
		}
		known *= shape[free]
	}
	return viewAs(out[0], x, known, shape)
}

// viewAs makes y a view of x, whose shape has so many elements, if that is how many there are.
func viewAs(y, x *tensor.Tensor, count int, shape []int) error {
	if count != x.Len() {
		return fmt.Errorf("%v does not have the %d elements of the new shape", x, count)
	}
	y.View(x, shape...)
	return nil
}

// Flatten makes a matrix: of the dimensions before Axis the rows, and of the others the columns.
type Flatten struct{ Axis int }

// Name implements graph.Op.
func (Flatten) Name() string { return "Flatten" }

// Run implements graph.Op.
func (o Flatten) Run(_ *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	shape, axis := in[0].Shape(), o.Axis
	if axis < 0 {
		axis += len(shape)
	}
	if axis < 0 || axis > len(shape) {
		return fmt.Errorf("there is no axis %d among %d", o.Axis, len(shape))
	}
	out[0].View(in[0], tensor.Count(shape[:axis]), tensor.Count(shape[axis:]))
	return nil
}

// Squeeze leaves out the dimensions that the second input names, or else all that are of size 1.
type Squeeze struct{}

// Name implements graph.Op.
func (Squeeze) Name() string { return "Squeeze" }

// Run implements graph.Op.
func (Squeeze) Run(_ *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 2); err != nil {
		return err
	}
	var drop [tensor.MaxRank]bool
	var err error
	named := given(in, 1) != nil
	if named {
		if drop, err = axesOf(in[1], in[0].Rank()); err != nil {
			return err
		}
	}
	var buf dims
	shape := buf[:0]
	for d, size := range in[0].Shape() {
		if drop[d] && size != 1 {
			return fmt.Errorf("the dimension %d of %v is not 1", d, in[0])
		}
		if !drop[d] && (named || size != 1) {
			shape = append(shape, size)
		}
	}
	out[0].View(in[0], shape...)
	return nil
}

// Unsqueeze adds dimensions of size 1 where the second input says that the result is to have them.
type Unsqueeze struct{}

// Name implements graph.Op.
func (Unsqueeze) Name() string { return "Unsqueeze" }

// Run implements graph.Op.
func (Unsqueeze) Run(_ *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 2, 2); err != nil {
		return err
	}
	rank := in[0].Rank() + in[1].Len()
	if rank > tensor.MaxRank {
		return fmt.Errorf("%d dimensions, of which %d are possible", rank, tensor.MaxRank)
	}
	added, err := axesOf(in[1], rank)
	if err != nil {
		return err
	}
	var buf dims
	rest := in[0].Shape()
	for d := range rank {
		buf[d] = 1
		if !added[d] {
			buf[d], rest = rest[0], rest[1:]
		}
	}
	out[0].View(in[0], buf[:rank]...)
	return nil
}

// Shape is the shape of its input, from the dimension Start to the one before End, or the last where End is nil; both may
// be counted from the end.
type Shape struct {
	Start int
	End   *int
}

// Name implements graph.Op.
func (Shape) Name() string { return "Shape" }

// Run implements graph.Op.
func (o Shape) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	shape := in[0].Shape()
	rank := len(shape)
	end := rank
	if o.End != nil {
		end = within(*o.End, rank)
	}
	start := min(within(o.Start, rank), end)
	shape = shape[start:end]
	if err := f.Resize(out[0], tensor.Int64, len(shape)); err != nil {
		return err
	}
	y := tensor.Data[int64](out[0])
	for d, size := range shape {
		y[d] = int64(size)
	}
	return nil
}

// within is a place that may be counted from the end, moved to the nearest of 0 to n.
func within(at, n int) int {
	if at < 0 {
		at += n
	}
	return min(max(at, 0), n)
}

// Size is how many elements its input has.
type Size struct{}

// Name implements graph.Op.
func (Size) Name() string { return "Size" }

// Run implements graph.Op.
func (Size) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	if err := f.Resize(out[0], tensor.Int64); err != nil {
		return err
	}
	tensor.Data[int64](out[0])[0] = int64(in[0].Len())
	return nil
}

// Transpose puts the dimensions in the order of Perm, or the reverse of theirs where that is nil.
type Transpose struct{ Perm []int }

// Name implements graph.Op.
func (Transpose) Name() string { return "Transpose" }

// Run implements graph.Op.
func (o Transpose) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	x := in[0]
	var perm dims
	if o.Perm == nil {
		for d := range x.Rank() {
			perm[d] = x.Rank() - 1 - d
		}
	} else {
		if len(o.Perm) != x.Rank() {
			return fmt.Errorf("a permutation of %d dimensions does not fit %v", len(o.Perm), x)
		}
		var seen [tensor.MaxRank]bool
		for d, p := range o.Perm {
			axis, err := axisOf(p, x.Rank())
			if err != nil {
				return err
			}
			if seen[axis] {
				return fmt.Errorf("the axis %d is named twice", axis)
			}
			seen[axis], perm[d] = true, axis
		}
	}
	return transpose(f, out[0], x, &perm)
}

func transpose(f *graph.Frame, y, x *tensor.Tensor, perm *dims) error {
	var shape dims
	rank := x.Rank()
	for d := range rank {
		shape[d] = x.Shape()[perm[d]]
	}
	if err := f.Resize(y, x.DType(), shape[:rank]...); err != nil {
		return err
	}
	to, from := strides(shape[:rank]), strides(x.Shape())
	var l layout
	for d := rank - 1; d >= 0; d-- {
		l.loop(shape[d], to[d], from[perm[d]])
	}
	l.copy(y, x)
	return nil
}

// Slice takes parts: inputs are the data, where to start, where to end, and, each or none, the axes and the steps.
// Places are counted from the end where they are negative, and moved into the dimension where they are beyond it. A step may
// be negative: unlike in Python, a start before the first place then is the first.
type Slice struct{}

// Name implements graph.Op.
func (Slice) Name() string { return "Slice" }

// Run implements graph.Op.
func (Slice) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 3, 5); err != nil {
		return err
	}
	var cuts [tensor.MaxRank]section
	if err := readCuts(&cuts, in); err != nil {
		return err
	}
	return slice(f, out[0], in[0], &cuts)
}

// section is what is taken of one dimension: so many places, from one on, so far apart.
type section struct{ start, size, step int }

// readCuts fills in what each dimension is cut to.
func readCuts(cuts *[tensor.MaxRank]section, in []*tensor.Tensor) error {
	shape := in[0].Shape()
	for d, size := range shape {
		cuts[d] = section{0, size, 1}
	}
	var startBuf, endBuf, axisBuf, stepBuf dims
	starts, err := list("starts", in[1], &startBuf)
	if err != nil {
		return err
	}
	ends, err := list("ends", in[2], &endBuf)
	if err != nil {
		return err
	}
	axes, steps := axisBuf[:len(starts)], stepBuf[:len(starts)]
	for i := range starts {
		axes[i], steps[i] = i, 1
	}
	if t := given(in, 3); t != nil {
		if axes, err = list("axes", t, &axisBuf); err != nil {
			return err
		}
	}
	if t := given(in, 4); t != nil {
		if steps, err = list("steps", t, &stepBuf); err != nil {
			return err
		}
	}
	if len(ends) != len(starts) || len(axes) != len(starts) || len(steps) != len(starts) {
		return fmt.Errorf("has %d starts, %d ends, %d axes and %d steps", len(starts), len(ends), len(axes), len(steps))
	}
	var seen [tensor.MaxRank]bool
	for i, start := range starts {
		axis, err := axisOf(axes[i], len(shape))
		if err != nil {
			return err
		}
		if seen[axis] {
			return fmt.Errorf("the axis %d is named twice", axis)
		}
		seen[axis] = true
		if steps[i] < 0 {
			start = max(start, -shape[axis])
		}
		if cuts[axis], err = newSection(start, ends[i], steps[i], shape[axis]); err != nil {
			return err
		}
	}
	return nil
}

// newSection is Python's start:end:step of so many places.
func newSection(start, end, step, size int) (section, error) {
	switch {
	case step == 0:
		return section{}, fmt.Errorf("a step of 0")
	case step > 0:
		start, end = within(start, size), within(end, size)
		if start >= end {
			return section{0, 0, 1}, nil
		}
		return section{start, (end-start-1)/step + 1, step}, nil
	}
	step = max(step, -math.MaxInt)
	start, end = withinReversed(start, size), withinReversed(end, size)
	if start <= end {
		return section{0, 0, 1}, nil
	}
	return section{start, (start-end-1)/-step + 1, step}, nil
}

// withinReversed is a place for going backwards: the nearest of -1 to n-1.
func withinReversed(at, n int) int {
	if at < 0 {
		at = max(at, -n-1) + n
	}
	return min(max(at, -1), n-1)
}

func slice(f *graph.Frame, y, x *tensor.Tensor, cuts *[tensor.MaxRank]section) error {
	var shape dims
	rank := x.Rank()
	for d := range rank {
		shape[d] = cuts[d].size
	}
	if err := f.Resize(y, x.DType(), shape[:rank]...); err != nil {
		return err
	}
	to, from := strides(shape[:rank]), strides(x.Shape())
	var l layout
	for d := rank - 1; d >= 0; d-- {
		step := cuts[d].step
		if cuts[d].size <= 1 {
			step = 0 // a step that is never taken may be of any size
		}
		l.loop(cuts[d].size, to[d], from[d]*step)
		l.fromAt += from[d] * cuts[d].start
	}
	l.copy(y, x)
	return nil
}
