package op

import (
	"fmt"
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Segment is how the rows of one segment become one.
type Segment uint8

// The ways.
const (
	SegmentSum Segment = iota
	SegmentMean
	// SegmentSqrtN is the sum by the root of the number of rows.
	SegmentSqrtN
	SegmentMax
	SegmentMin
	SegmentProd
)

// Segments makes one row of all rows of the first input that are of one segment. Segments without rows are zeros, and for
// SegmentProd ones.
//
// If Sparse is set, the second input has indices of rows of the first, and the third the segment of each; else the second has
// the segments of the first input's rows. They are in order. There are as many segments as the last one says, or, if
// Counted is set, as the last input says.
//
// If Unsorted is set, segments may be in any order, the last input says how many there are, and rows of negative segments are
// left out; and of segments without rows, SegmentMax is the smallest number that there is, and SegmentMin the largest.
type Segments struct {
	Kind                      Segment
	Sparse, Counted, Unsorted bool
}

// Name implements graph.Op.
func (o Segments) Name() string {
	switch {
	case o.Sparse:
		return "SparseSegments"
	case o.Unsorted:
		return "UnsortedSegments"
	default:
		return "Segments"
	}
}

// Run implements graph.Op.
func (o Segments) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	want := 2
	if o.Sparse {
		want++
	}
	if o.Counted || o.Unsorted {
		want++
	}
	if err := check(in, out, want, want); err != nil {
		return err
	}
	x := in[0]
	rows, width, err := rowsOf("the data", x)
	if err != nil {
		return err
	}
	indices, ids := (*tensor.Tensor)(nil), in[1]
	if o.Sparse {
		indices, ids = in[1], in[2]
		if !isInt(indices) || indices.Rank() != 1 || indices.Len() != ids.Len() {
			return fmt.Errorf("takes rows %v of segments %v", indices, ids)
		}
		rows = indices.Len()
	}
	if !isInt(ids) || ids.Rank() != 1 || ids.Len() != rows {
		return fmt.Errorf("takes a segment for each of %d rows, not %v", rows, ids)
	}
	count, err := o.count(ids, in[want-1])
	if err != nil {
		return err
	}
	if err := resizeRows(f, out[0], x, count); err != nil {
		return err
	}
	if err := f.Resize(f.Scratch(0), tensor.Int64, count); err != nil {
		return err
	}
	members := tensor.Data[int64](f.Scratch(0))
	clear(members)
	switch x.DType() {
	case tensor.Float32:
		return segments(o, tensor.Data[float32](out[0]), tensor.Data[float32](x), indices, ids, members, width)
	case tensor.Float64:
		return segments(o, tensor.Data[float64](out[0]), tensor.Data[float64](x), indices, ids, members, width)
	case tensor.Int32:
		return segments(o, tensor.Data[int32](out[0]), tensor.Data[int32](x), indices, ids, members, width)
	case tensor.Int64:
		return segments(o, tensor.Data[int64](out[0]), tensor.Data[int64](x), indices, ids, members, width)
	default:
		return typeError("numbers", x)
	}
}

// count is how many segments there are.
func (o Segments) count(ids, given *tensor.Tensor) (int, error) {
	last := -1
	for i := range ids.Len() {
		id := intAt(ids, i)
		if !o.Unsorted && (id < last || id < 0) {
			return 0, fmt.Errorf("the segments are not in order: %d after %d", id, last)
		}
		last = max(last, id)
	}
	if !o.Counted && !o.Unsorted {
		if last == math.MaxInt {
			return 0, fmt.Errorf("a segment %d", last)
		}
		return last + 1, nil
	}
	count, err := singleInt("the number of segments", given)
	if err != nil {
		return 0, err
	}
	if last >= count {
		return 0, fmt.Errorf("a segment %d of %d", last, count)
	}
	return count, nil
}

func segments[T number](o Segments, y, x []T, indices, ids *tensor.Tensor, members []int64, width int) error {
	for i := range ids.Len() {
		id, from := intAt(ids, i), i
		if id < 0 {
			continue
		}
		if indices != nil {
			if from = intAt(indices, i); from < 0 || from > len(x)/max(width, 1)-1 {
				return fmt.Errorf("a row %d, which there is not", from)
			}
		}
		dst, src := y[id*width:(id+1)*width], x[from*width:(from+1)*width]
		if members[id]++; members[id] == 1 {
			copy(dst, src)
			continue
		}
		join(o.Kind, dst, src)
	}
	for id, n := range members {
		finish(o, y[id*width:(id+1)*width], n)
	}
	return nil
}

func join[T number](kind Segment, dst, src []T) {
	switch kind {
	case SegmentMax:
		for k, v := range src {
			dst[k] = max(dst[k], v)
		}
	case SegmentMin:
		for k, v := range src {
			dst[k] = min(dst[k], v)
		}
	case SegmentProd:
		for k, v := range src {
			dst[k] *= v
		}
	default:
		for k, v := range src {
			dst[k] += v
		}
	}
}

// finish divides what is a mean, and fills segments without rows.
func finish[T number](o Segments, dst []T, members int64) {
	switch {
	case members == 0:
		fill(dst, nothing[T](o))
	case o.Kind == SegmentMean:
		for k := range dst {
			dst[k] /= T(members)
		}
	case o.Kind == SegmentSqrtN:
		root := T(math.Sqrt(float64(members)))
		for k := range dst {
			dst[k] /= root
		}
	}
}

func nothing[T number](o Segments) T {
	switch {
	case o.Kind == SegmentProd:
		return 1
	case o.Unsorted && o.Kind == SegmentMax:
		return lowest[T]()
	case o.Unsorted && o.Kind == SegmentMin:
		return highest[T]()
	default:
		return 0
	}
}

// lowest and highest are the finite numbers furthest from zero.
func lowest[T number]() T {
	switch v := any(new(T)).(type) {
	case *float32:
		*v = -math.MaxFloat32
		return T(*v)
	case *float64:
		*v = -math.MaxFloat64
		return T(*v)
	case *int32:
		*v = math.MinInt32
		return T(*v)
	case *int64:
		*v = math.MinInt64
		return T(*v)
	}
	return 0
}

func highest[T number]() T {
	switch v := any(new(T)).(type) {
	case *int32:
		*v = math.MaxInt32
		return T(*v)
	case *int64:
		*v = math.MaxInt64
		return T(*v)
	}
	return -lowest[T]()
}
