package op

import (
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// SelectRows is Where, but that a condition which is a list goes by the rows of the others.
type SelectRows struct{}

// Name implements graph.Op.
func (SelectRows) Name() string { return "SelectRows" }

// Run implements graph.Op.
func (SelectRows) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 3, 3); err != nil {
		return err
	}
	condition, rank := in[0], in[1].Rank()
	if condition.Rank() == 1 && rank > 1 {
		shape := dims{condition.Len()}
		for d := 1; d < rank; d++ {
			shape[d] = 1
		}
		condition = f.Scratch(0)
		condition.View(in[0], shape[:rank]...)
	}
	args := [3]*tensor.Tensor{condition, in[1], in[2]}
	return Where{}.Run(f, args[:], out)
}

// TrueIndices is where its input is not zero, false or empty: a row of indices for each such element.
type TrueIndices struct{}

// Name implements graph.Op.
func (TrueIndices) Name() string { return "TrueIndices" }

// Run implements graph.Op.
func (TrueIndices) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	x := in[0]
	rank, n := x.Rank(), 0
	for i := range x.Len() {
		if isTrue(x, i) {
			n++
		}
	}
	if err := f.Resize(out[0], tensor.Int64, n, rank); err != nil {
		return err
	}
	y, at := tensor.Data[int64](out[0]), 0
	for i := range x.Len() {
		if !isTrue(x, i) {
			continue
		}
		place := i
		for d := rank - 1; d >= 0; d-- {
			y[at+d] = int64(place % x.Shape()[d])
			place /= x.Shape()[d]
		}
		at += rank
	}
	return nil
}

func isTrue(t *tensor.Tensor, i int) bool {
	switch t.DType() {
	case tensor.Float32:
		return tensor.Data[float32](t)[i] != 0
	case tensor.Float64:
		return tensor.Data[float64](t)[i] != 0
	case tensor.Int32, tensor.Int64:
		return intAt(t, i) != 0
	case tensor.Bool:
		return tensor.Data[bool](t)[i]
	default:
		return tensor.Data[string](t)[i] != ""
	}
}

// SliceSize takes of each dimension of the first input so many places, the third input, from one on, the second; -1 places
// are all that are left.
type SliceSize struct{}

// Name implements graph.Op.
func (SliceSize) Name() string { return "SliceSize" }

// Run implements graph.Op.
func (SliceSize) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 3, 3); err != nil {
		return err
	}
	x := in[0]
	var beginBuf, sizeBuf dims
	begins, err := list("the begin", in[1], &beginBuf)
	if err != nil {
		return err
	}
	sizes, err := list("the size", in[2], &sizeBuf)
	if err != nil {
		return err
	}
	if len(begins) != x.Rank() || len(sizes) != x.Rank() {
		return fmt.Errorf("%d begins and %d sizes for %v", len(begins), len(sizes), x)
	}
	var cuts [tensor.MaxRank]section
	for d, n := range x.Shape() {
		size := sizes[d]
		if size == -1 {
			size = n - begins[d]
		}
		if begins[d] < 0 || size < 0 || begins[d] > n || size > n-begins[d] {
			return fmt.Errorf("%d places from %d on, of %d", size, begins[d], n)
		}
		cuts[d] = section{begins[d], size, 1}
	}
	return slice(f, out[0], x, &cuts)
}

// StridedSlice is Python's x[begin:end:stride, …]; inputs are x, and lists of begins, ends and strides. The fields are bits, one
// for each place in those lists: begin or end are left out, an ellipsis, a new dimension of size 1, or a single place whose
// dimension is left out.
type StridedSlice struct{ Begin, End, Ellipsis, NewAxis, Shrink int }

// Name implements graph.Op.
func (StridedSlice) Name() string { return "StridedSlice" }

// Run implements graph.Op.
func (o StridedSlice) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 4, 4); err != nil {
		return err
	}
	x := in[0]
	var buf [3]dims
	var lists [3][]int
	for i := range lists {
		var err error
		if lists[i], err = list("begin, end and strides", in[i+1], &buf[i]); err != nil {
			return err
		}
		if len(lists[i]) != len(lists[0]) {
			return fmt.Errorf("begin, end and strides are of different lengths")
		}
	}
	var s sliced
	for d, n := range x.Shape() {
		s.cuts[d] = section{0, n, 1}
	}
	if err := s.plan(o, x, lists[0], lists[1], lists[2]); err != nil {
		return err
	}
	if s.rank > tensor.MaxRank {
		return fmt.Errorf("%d dimensions, of which %d are possible", s.rank, tensor.MaxRank)
	}
	part := f.Scratch(0)
	if err := slice(f, part, x, &s.cuts); err != nil {
		return err
	}
	out[0].View(part, s.shape[:s.rank]...)
	return nil
}

// sliced is what is taken of each dimension, and the shape of the result.
type sliced struct {
	cuts [tensor.MaxRank]section
	// shape has room for the new dimensions that there may be beside x's.
	shape [2 * tensor.MaxRank]int
	rank  int
	// axis is the next of x's dimensions.
	axis int
}

func (s *sliced) keep(size int) {
	s.shape[s.rank] = size
	s.rank++
}

func (s *sliced) plan(o StridedSlice, x *tensor.Tensor, begins, ends, strides []int) error {
	shape := x.Shape()
	for i := range begins {
		bit := 1 << i
		switch {
		case o.Ellipsis&bit != 0:
			named := 0 // by what follows
			for k := i + 1; k < len(begins); k++ {
				if o.NewAxis>>k&1 == 0 {
					named++
				}
			}
			for ; s.axis < len(shape)-named; s.axis++ {
				s.keep(shape[s.axis])
			}
		case o.NewAxis&bit != 0:
			s.keep(1)
		case s.axis >= len(shape):
			return fmt.Errorf("slices more dimensions than %v has", x)
		default:
			if err := s.cut(o, bit, shape[s.axis], begins[i], ends[i], strides[i]); err != nil {
				return err
			}
			s.axis++
		}
	}
	for ; s.axis < len(shape); s.axis++ {
		s.keep(shape[s.axis])
	}
	return nil
}

// cut is what is taken of the dimension s.axis, of size n.
func (s *sliced) cut(o StridedSlice, bit, n, begin, end, stride int) error {
	if o.Shrink&bit != 0 {
		at := begin
		if at < 0 {
			at += n
		}
		if at < 0 || at >= n || stride <= 0 {
			return fmt.Errorf("the place %d of %d", begin, n)
		}
		s.cuts[s.axis] = section{at, 1, 1}
		return nil
	}
	const furthest = int(^uint(0) >> 1)
	if o.Begin&bit != 0 {
		begin = 0
		if stride < 0 {
			begin = furthest
		}
	}
	if o.End&bit != 0 {
		end = furthest
		if stride < 0 {
			end = -furthest
		}
	}
	c, err := newSection(begin, end, stride, n)
	if err != nil {
		return err
	}
	s.cuts[s.axis] = c
	s.keep(c.size)
	return nil
}

// TransposeLast swaps the last two dimensions.
type TransposeLast struct{}

// Name implements graph.Op.
func (TransposeLast) Name() string { return "TransposeLast" }

// Run implements graph.Op.
func (TransposeLast) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	x := in[0]
	rank := x.Rank()
	if rank < 2 {
		return typeError("two dimensions or more", x)
	}
	var shape dims
	copy(shape[:], x.Shape())
	rows, columns := shape[rank-2], shape[rank-1]
	shape[rank-2], shape[rank-1] = columns, rows
	if err := f.Resize(out[0], x.DType(), shape[:rank]...); err != nil {
		return err
	}
	var l layout
	l.loop(rows, 1, columns)
	l.loop(columns, rows, 1)
	l.loop(tensor.Count(shape[:rank-2]), rows*columns, rows*columns)
	l.copy(out[0], x)
	return nil
}
