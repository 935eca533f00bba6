package op

import (
	"fmt"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// GatherElements takes an element of the first input for each index, of the second, from the same place but for Axis, where
// it is the index that counts. Negative indices are counted from the end.
type GatherElements struct{ Axis int }

// Name implements graph.Op.
func (GatherElements) Name() string { return "GatherElements" }

// Run implements graph.Op.
func (o GatherElements) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 2, 2); err != nil {
		return err
	}
	x := in[0]
	places := f.Scratch(0)
	if err := elementPlaces(f, places, x, in[1], o.Axis); err != nil {
		return err
	}
	if err := f.Resize(out[0], x.DType(), in[1].Shape()...); err != nil {
		return err
	}
	return pick(out[0], x, tensor.Data[int64](places), 1)
}

// elementPlaces finds where in x, by number, each of the indices points to along an axis.
func elementPlaces(f *graph.Frame, places, x, indices *tensor.Tensor, axis int) error {
	if !isInt(indices) || indices.Rank() != x.Rank() {
		return fmt.Errorf("takes integers with as many dimensions as %v, not %v", x, indices)
	}
	axis, err := axisOf(axis, x.Rank())
	if err != nil {
		return err
	}
	for d, size := range indices.Shape() {
		if d != axis && size > x.Shape()[d] {
			return fmt.Errorf("the indices %v reach beyond %v", indices, x)
		}
	}
	if err := f.Resize(places, tensor.Int64, indices.Shape()...); err != nil {
		return err
	}
	step := strides(x.Shape())
	step[axis] = 0
	rows, wide := x.Shape()[axis], strides(x.Shape())[axis]
	at, count := 0, dims{}
	for i := range tensor.Data[int64](places) {
		row, err := rowOf(intAt(indices, i), rows)
		if err != nil {
			return err
		}
		tensor.Data[int64](places)[i] = int64(at + row*wide)
		at += next(&count, indices.Shape(), &step)
	}
	return nil
}

// next counts on in a shape, the last dimension first, and returns how far that is where the dimensions have those strides.
func next(count *dims, shape []int, step *dims) (move int) {
	for d := len(shape) - 1; d >= 0; d-- {
		move += step[d]
		if count[d]++; count[d] < shape[d] {
			return move
		}
		move -= step[d] * shape[d]
		count[d] = 0
	}
	return move
}

// rowOf is an index that may be counted from the end.
func rowOf(index, rows int) (int, error) {
	row := index
	if row < 0 {
		row += rows
	}
	if row < 0 || row >= rows {
		return 0, indexError(index, rows)
	}
	return row, nil
}

// pick copies so many elements from each of the places in x, one after the other, to y.
func pick(y, x *tensor.Tensor, places []int64, n int) error {
	switch x.DType() {
	case tensor.Float32:
		pickTyped(tensor.Data[float32](y), tensor.Data[float32](x), places, n)
	case tensor.Float64:
		pickTyped(tensor.Data[float64](y), tensor.Data[float64](x), places, n)
	case tensor.Int32:
		pickTyped(tensor.Data[int32](y), tensor.Data[int32](x), places, n)
	case tensor.Int64:
		pickTyped(tensor.Data[int64](y), tensor.Data[int64](x), places, n)
	case tensor.Bool:
		pickTyped(tensor.Data[bool](y), tensor.Data[bool](x), places, n)
	default:
		pickTyped(tensor.Data[string](y), tensor.Data[string](x), places, n)
	}
	return nil
}

func pickTyped[T any](y, x []T, places []int64, n int) {
	for i, from := range places {
		copy(y[i*n:(i+1)*n], x[from:])
	}
}

// GatherND takes parts of the first input: the last dimension of the second has their places, in the first dimensions after
// BatchDims, which are the same in both. Negative indices are counted from the end, unless FromStart is set.
type GatherND struct {
	BatchDims int
	FromStart bool
}

// Name implements graph.Op.
func (GatherND) Name() string { return "GatherND" }

// Run implements graph.Op.
func (o GatherND) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 2, 2); err != nil {
		return err
	}
	x, indices := in[0], in[1]
	places := f.Scratch(0)
	inner, err := partPlaces(f, places, x, indices, o.BatchDims, o.FromStart)
	if err != nil {
		return err
	}
	depth := o.BatchDims + indices.Shape()[indices.Rank()-1]
	if indices.Rank()-1+x.Rank()-depth > tensor.MaxRank {
		return fmt.Errorf("makes more than %d dimensions", tensor.MaxRank)
	}
	var buf dims
	shape := buf[:0]
	shape = append(shape, indices.Shape()[:indices.Rank()-1]...)
	shape = append(shape, x.Shape()[depth:]...)
	if err := f.Resize(out[0], x.DType(), shape...); err != nil {
		return err
	}
	if out[0].Len() == 0 {
		return nil
	}
	return pick(out[0], x, tensor.Data[int64](places), inner)
}

// partPlaces finds where in x those parts begin that the last dimension of indices names, and of how many elements they are.
func partPlaces(f *graph.Frame, places, x, indices *tensor.Tensor, batch int, fromStart bool) (
	inner int, err error,
) {
	if !isInt(indices) || indices.Rank() == 0 {
		return 0, typeError("lists of integers as indices", indices)
	}
	last := indices.Rank() - 1
	depth := indices.Shape()[last]
	if batch < 0 || batch > last || batch > x.Rank() || depth > x.Rank()-batch {
		return 0, fmt.Errorf("the indices %v do not fit %v with a batch of %d dimensions", indices, x, batch)
	}
	if !slices.Equal(x.Shape()[:batch], indices.Shape()[:batch]) {
		return 0, fmt.Errorf("%v and the indices %v are not of one batch", x, indices)
	}
	if err := f.Resize(places, tensor.Int64, indices.Shape()[:last]...); err != nil {
		return 0, err
	}
	found := tensor.Data[int64](places)
	if len(found) == 0 {
		return 0, nil
	}
	step := strides(x.Shape())
	size := tensor.Count(x.Shape()[batch:])
	each := len(found) / max(1, tensor.Count(x.Shape()[:batch]))
	for i := range found {
		at := i / each * size
		for k := range depth {
			row, err := rowOf(intAt(indices, i*depth+k), x.Shape()[batch+k])
			if err != nil {
				return 0, err
			}
			if fromStart && intAt(indices, i*depth+k) < 0 {
				return 0, indexError(intAt(indices, i*depth+k), x.Shape()[batch+k])
			}
			at += row * step[batch+k]
		}
		found[i] = int64(at)
	}
	return tensor.Count(x.Shape()[batch+depth:]), nil
}

// Combine says what scattering does with an element and what is to come to its place.
type Combine uint8

// The ways to combine.
const (
	CombineNone Combine = iota
	CombineAdd
	CombineMul
	CombineMax
	CombineMin
)

// ScatterElements is the first input, but that where the indices, the second, point to along Axis, as in GatherElements, it
// has, or is combined with, the updates, the third.
type ScatterElements struct {
	Axis      int
	Reduction Combine
}

// Name implements graph.Op.
func (ScatterElements) Name() string { return "ScatterElements" }

// Run implements graph.Op.
func (o ScatterElements) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 3, 3); err != nil {
		return err
	}
	if !slices.Equal(in[1].Shape(), in[2].Shape()) {
		return fmt.Errorf("the updates %v are not as many as the indices %v", in[2], in[1])
	}
	places := f.Scratch(0)
	if err := elementPlaces(f, places, in[0], in[1], o.Axis); err != nil {
		return err
	}
	return scatter(f, o.Reduction, out[0], in[0], in[2], tensor.Data[int64](places), 1)
}

// ScatterND is the first input, but that those parts which the indices, the second, point to, as in GatherND, are, or are
// combined with, those of the updates, the third.
type ScatterND struct{ Reduction Combine }

// Name implements graph.Op.
func (ScatterND) Name() string { return "ScatterND" }

// Run implements graph.Op.
func (o ScatterND) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 3, 3); err != nil {
		return err
	}
	x, indices, updates := in[0], in[1], in[2]
	places := f.Scratch(0)
	inner, err := partPlaces(f, places, x, indices, 0, false)
	if err != nil {
		return err
	}
	last := indices.Rank() - 1
	rest := x.Shape()[indices.Shape()[last]:]
	if updates.Rank() != last+len(rest) || !slices.Equal(updates.Shape()[:last], indices.Shape()[:last]) ||
		!slices.Equal(updates.Shape()[last:], rest) {
		return fmt.Errorf("the updates %v do not fit %v and the indices %v", updates, x, indices)
	}
	return scatter(f, o.Reduction, out[0], x, updates, tensor.Data[int64](places), inner)
}

// scatter copies x to y, and combines so many elements of the updates at a time into each place.
func scatter(f *graph.Frame, how Combine, y, x, updates *tensor.Tensor, places []int64, n int) error {
	if err := sameType(x, updates); err != nil {
		return err
	}
	if err := like(f, y, x); err != nil {
		return err
	}
	y.Copy(x)
	switch x.DType() {
	case tensor.Float32:
		return scatterNumbers(how, tensor.Data[float32](y), tensor.Data[float32](updates), places, n)
	case tensor.Float64:
		return scatterNumbers(how, tensor.Data[float64](y), tensor.Data[float64](updates), places, n)
	case tensor.Int32:
		return scatterNumbers(how, tensor.Data[int32](y), tensor.Data[int32](updates), places, n)
	case tensor.Int64:
		return scatterNumbers(how, tensor.Data[int64](y), tensor.Data[int64](updates), places, n)
	}
	if how != CombineNone {
		return typeError("numbers to combine", x)
	}
	if x.DType() == tensor.Bool {
		put(tensor.Data[bool](y), tensor.Data[bool](updates), places, n)
	} else {
		put(tensor.Data[string](y), tensor.Data[string](updates), places, n)
	}
	return nil
}

func put[T any](y, updates []T, places []int64, n int) {
	for i, to := range places {
		copy(y[to:], updates[i*n:(i+1)*n])
	}
}

// atLeast and atMost are the larger and the smaller of two numbers. NaN does not stay, as it does not in ONNX Runtime.
func atLeast[T number](a, b T) T {
	if a > b {
		return a
	}
	return b
}

func atMost[T number](a, b T) T {
	if a < b {
		return a
	}
	return b
}

func scatterNumbers[T number](how Combine, y, updates []T, places []int64, n int) error {
	var loop loop2[T, T]
	switch how {
	case CombineNone:
		put(y, updates, places, n)
		return nil
	case CombineAdd:
		loop = add[T]
	case CombineMul:
		loop = mul[T]
	case CombineMax:
		loop = func(y, a, b []T) { each(y, a, b, atLeast[T]) }
	case CombineMin:
		loop = func(y, a, b []T) { each(y, a, b, atMost[T]) }
	default:
		return fmt.Errorf("there is no combination %d", how)
	}
	if n == 0 {
		return nil
	}
	for i, to := range places {
		part := y[to : int(to)+n]
		loop(part, part, updates[i*n:(i+1)*n])
	}
	return nil
}
