package op

import (
	"fmt"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// TensorFlow's sparse tensors are three: the indices of the elements, int64s with a row for each; the elements; and the
// shape, a list of int64s.

// SparseReshape gives a sparse tensor another shape. Inputs are indices, shape and new shape, of which one size may be -1 for
// what is left over. Outputs are the new indices and shape.
type SparseReshape struct{}

// Name implements graph.Op.
func (SparseReshape) Name() string { return "SparseReshape" }

// Run implements graph.Op.
func (SparseReshape) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := sparseArgs(in, out, 3, 3, 2); err != nil {
		return err
	}
	indices, err := int64s("the indices", in[0], 2)
	if err != nil {
		return err
	}
	var oldBuf, newBuf dims
	from, err := list("the shape", in[1], &oldBuf)
	if err != nil {
		return err
	}
	to, err := list("the new shape", in[2], &newBuf)
	if err != nil {
		return err
	}
	if len(from) != in[0].Shape()[1] {
		return fmt.Errorf("indices %v for the shape %v", in[0], slices.Clone(from))
	}
	if err := leftOver(from, to); err != nil {
		return err
	}
	if err := f.Resize(out[1], tensor.Int64, len(to)); err != nil {
		return err
	}
	for i, size := range to {
		tensor.Data[int64](out[1])[i] = int64(size)
	}
	n := in[0].Shape()[0]
	if err := f.Resize(out[0], tensor.Int64, n, len(to)); err != nil {
		return err
	}
	y := tensor.Data[int64](out[0])
	for i := range n {
		place := 0
		for d, size := range from {
			at := indices[i*len(from)+d]
			if at < 0 || at >= int64(size) {
				return fmt.Errorf("an index %d of %d", at, size)
			}
			place = place*size + int(at)
		}
		for d, size := range slices.Backward(to) {
			y[i*len(to)+d] = int64(place % size)
			place /= size
		}
	}
	return nil
}

// leftOver finds what -1 is in a new shape, and sees that it has as many elements as the old one.
func leftOver(from, to []int) error {
	total, err := productOf(from)
	if err != nil {
		return err
	}
	unknown, known := -1, 1
	for d, size := range to {
		if size == -1 && unknown < 0 {
			unknown = d
			continue
		}
		if size < 0 {
			return fmt.Errorf("a new shape %v", slices.Clone(to))
		}
		if known, err = product(known, size); err != nil {
			return err
		}
	}
	if unknown >= 0 && known > 0 {
		to[unknown] = total / known
		known *= to[unknown]
	} else if unknown >= 0 {
		to[unknown] = 0
	}
	if known != total {
		return fmt.Errorf("cannot give the shape %v the shape %v", slices.Clone(from), slices.Clone(to))
	}
	return nil
}

func productOf(sizes []int) (int, error) {
	total := 1
	for _, size := range sizes {
		if size < 0 {
			return 0, fmt.Errorf("a dimension of size %d", size)
		}
		var err error
		if total, err = product(total, size); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// sparseArgs checks the arguments of an operator with several outputs.
func sparseArgs(in, out []*tensor.Tensor, least, most, outputs int) error {
	if err := check(in, out, least, most); err != nil {
		return err
	}
	if len(out) != outputs {
		return fmt.Errorf("computes %d outputs, not %d", outputs, len(out))
	}
	return nil
}

// SparseFillEmptyRows gives rows without elements one: inputs are indices, elements, shape, and the element. Outputs are
// indices and elements, row by row; for each row whether it was empty; and where each of the input's elements came to.
type SparseFillEmptyRows struct{}

// Name implements graph.Op.
func (SparseFillEmptyRows) Name() string { return "SparseFillEmptyRows" }

// Run implements graph.Op.
func (SparseFillEmptyRows) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := sparseArgs(in, out, 4, 4, 4); err != nil {
		return err
	}
	indices, err := int64s("the indices", in[0], 2)
	if err != nil {
		return err
	}
	values, filler := in[1], in[3]
	n, rank := in[0].Shape()[0], in[0].Shape()[1]
	var buf dims
	shape, err := list("the shape", in[2], &buf)
	if err != nil {
		return err
	}
	if values.Rank() != 1 || values.Len() != n || len(shape) != rank || rank == 0 || shape[0] < 0 {
		return fmt.Errorf("indices %v, elements %v, shape %v", in[0], values, slices.Clone(shape))
	}
	if filler.Len() != 1 || filler.DType() != values.DType() {
		return fmt.Errorf("fills rows of %v with %v", values, filler)
	}
	starts, filled, err := fillPlan(f, indices, n, rank, shape[0])
	if err != nil {
		return err
	}
	if err := f.Resize(out[0], tensor.Int64, filled, rank); err != nil {
		return err
	}
	if err := f.Resize(out[1], values.DType(), filled); err != nil {
		return err
	}
	if err := f.Resize(out[2], tensor.Bool, shape[0]); err != nil {
		return err
	}
	if err := f.Resize(out[3], tensor.Int64, n); err != nil {
		return err
	}
	fillRows(in, out, starts, rank)
	return nil
}

// fillPlan finds where each row begins once empty ones have an element, and how many elements there are then. A row is
// marked as empty by a negative number.
func fillPlan(f *graph.Frame, indices []int64, n, rank, rows int) (starts []int64, filled int, err error) {
	if err := f.Resize(f.Scratch(0), tensor.Int64, rows); err != nil {
		return nil, 0, err
	}
	starts = tensor.Data[int64](f.Scratch(0))
	clear(starts)
	for i := range n {
		at := indices[i*rank]
		if at < 0 || at >= int64(rows) {
			return nil, 0, fmt.Errorf("a row %d of %d", at, rows)
		}
		starts[at]++
	}
	for r, count := range starts {
		starts[r] = int64(filled)
		if count == 0 {
			starts[r], count = -1-starts[r], 1
		}
		filled += int(count)
	}
	return starts, filled, nil
}

func fillRows(in, out []*tensor.Tensor, starts []int64, rank int) {
	indices, places := tensor.Data[int64](in[0]), tensor.Data[int64](out[0])
	empty, moved := tensor.Data[bool](out[2]), tensor.Data[int64](out[3])
	for r, start := range starts {
		empty[r] = start < 0
		if start < 0 {
			at := int(-1 - start)
			place := places[at*rank : (at+1)*rank]
			clear(place)
			place[0] = int64(r)
			copyRow(out[1], at, in[3], 0, 1)
		}
	}
	for i := range moved {
		r := indices[i*rank]
		at := int(starts[r])
		starts[r]++
		moved[i] = int64(at)
		copy(places[at*rank:(at+1)*rank], indices[i*rank:(i+1)*rank])
		copyRow(out[1], at, in[1], i, 1)
	}
}

// SparseToDense makes a tensor of the shape that is the second input, whose elements are the fourth, one, but at the indices, the
// first, those of the third: one for each, or the same for all.
type SparseToDense struct{}

// Name implements graph.Op.
func (SparseToDense) Name() string { return "SparseToDense" }

// Run implements graph.Op.
func (SparseToDense) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 4, 4); err != nil {
		return err
	}
	indices, values, otherwise := in[0], in[2], in[3]
	var buf dims
	shape, err := list("the shape", in[1], &buf)
	if err != nil {
		return err
	}
	if !isInt(indices) || indices.Rank() > 2 || values.Rank() > 1 || otherwise.Len() != 1 {
		return fmt.Errorf("indices %v, elements %v, default %v", indices, values, otherwise)
	}
	if err := sameType(values, otherwise); err != nil {
		return err
	}
	n, width := 1, 1
	switch indices.Rank() {
	case 1:
		n = indices.Len()
	case 2:
		n, width = indices.Shape()[0], indices.Shape()[1]
	}
	if width != len(shape) || values.Rank() == 1 && values.Len() != n {
		return fmt.Errorf("indices %v, elements %v, for the shape %v", indices, values, slices.Clone(shape))
	}
	if err := f.Resize(out[0], values.DType(), shape...); err != nil {
		return err
	}
	var all layout
	all.loop(out[0].Len(), 1, 0)
	all.copy(out[0], otherwise)
	for i := range n {
		place := 0
		for d, size := range shape {
			at := intAt(indices, i*width+d)
			if at < 0 || at >= size {
				return fmt.Errorf("an index %d of %d", at, size)
			}
			place = place*size + at
		}
		from := i
		if values.Rank() == 0 {
			from = 0
		}
		copyRow(out[0], place, values, from, 1)
	}
	return nil
}

// SparseMatMul multiplies a sparse matrix (indices, elements, shape) with a dense one. Each is transposed before if its
// field is set.
type SparseMatMul struct{ TransA, TransB bool }

// Name implements graph.Op.
func (SparseMatMul) Name() string { return "SparseMatMul" }

// Run implements graph.Op.
func (o SparseMatMul) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 4, 4); err != nil {
		return err
	}
	values, b := in[1], in[3]
	if err := sameType(values, b); err != nil {
		return err
	}
	var buf dims
	shape, err := list("the shape", in[2], &buf)
	if err != nil {
		return err
	}
	if !isInt(in[0]) || in[0].Rank() != 2 || len(shape) != 2 || in[0].Shape()[1] != 2 || b.Rank() != 2 ||
		values.Len() != in[0].Shape()[0] {
		return fmt.Errorf("indices %v, elements %v, shape %v, matrix %v", in[0], values, slices.Clone(shape), b)
	}
	inner, columns := b.Shape()[0], b.Shape()[1]
	if o.TransB {
		inner, columns = columns, inner
	}
	rows, depth := shape[0], shape[1]
	if o.TransA {
		rows, depth = depth, rows
	}
	if depth != inner {
		return fmt.Errorf("cannot multiply matrices of the shapes %v and %v", slices.Clone(shape), b.Shape())
	}
	if err := f.Resize(out[0], b.DType(), rows, columns); err != nil {
		return err
	}
	out[0].Clear()
	switch b.DType() {
	case tensor.Float32:
		return sparseMatMul[float32](o, out[0], in[0], values, b, rows, inner)
	case tensor.Float64:
		return sparseMatMul[float64](o, out[0], in[0], values, b, rows, inner)
	default:
		return typeError("floats", b)
	}
}

func sparseMatMul[T float](o SparseMatMul, out, indices, values, matrix *tensor.Tensor, rows, inner int) error {
	y, v, b := tensor.Data[T](out), tensor.Data[T](values), tensor.Data[T](matrix)
	columns := out.Shape()[1]
	for i := range v {
		r, k := intAt(indices, 2*i), intAt(indices, 2*i+1)
		if o.TransA {
			r, k = k, r
		}
		if r < 0 || r >= rows || k < 0 || k >= inner {
			return fmt.Errorf("an element at %d, %d of a matrix of %d by %d", r, k, rows, inner)
		}
		for c := range columns {
			if o.TransB {
				y[r*columns+c] += v[i] * b[c*inner+k]
			} else {
				y[r*columns+c] += v[i] * b[k*columns+c]
			}
		}
	}
	return nil
}
