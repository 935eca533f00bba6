package op

import (
	"fmt"
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Scaler is ai.onnx.ml's: (x - offset) * scale for each column, as Float32. Offset and Scale have an element for each
// column, or one.
type Scaler struct{ Offset, Scale []float32 }

// Name implements graph.Op.
func (Scaler) Name() string { return "Scaler" }

// Weights implements graph.Weighted.
func (o Scaler) Weights() (count, bytes int64) {
	count = int64(len(o.Offset) + len(o.Scale))
	return count, 4 * count
}

// Run implements graph.Op.
func (o Scaler) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	x, y, columns, err := mlRows(f, in, out)
	if err != nil {
		return err
	}
	if (len(o.Offset) != 1 && len(o.Offset) != columns) || (len(o.Scale) != 1 && len(o.Scale) != columns) {
		return fmt.Errorf("%d offsets and %d scales for %d columns", len(o.Offset), len(o.Scale), columns)
	}
	if in[0].DType() == tensor.Float64 {
		mlScale(y, tensor.Data[float64](in[0]), o.Offset, o.Scale, columns)
	} else {
		mlScale(y, x, o.Offset, o.Scale, columns)
	}
	return nil
}

func mlScale[T float](y []float32, x []T, offset, scale []float32, columns int) {
	k := 0
	for i, v := range x {
		y[i] = float32((v - T(offset[min(k, len(offset)-1)])) * T(scale[min(k, len(scale)-1)]))
		if k++; k == columns {
			k = 0
		}
	}
}

// mlRows is what the operators of ai.onnx.ml have in common that take rows of numbers, and compute as many Float32s: the
// elements as Float32, those of the result, and how many columns a row has.
func mlRows(f *graph.Frame, in, out []*tensor.Tensor) (x, y []float32, columns int, err error) {
	if err := check(in, out, 1, 1); err != nil {
		return nil, nil, 0, err
	}
	if x, err = mlFloats(f, 0, in[0]); err != nil {
		return nil, nil, 0, err
	}
	shape := in[0].Shape()
	if len(shape) == 0 {
		return nil, nil, 0, shapeError("a row", shape)
	}
	if err := f.Resize(out[0], tensor.Float32, shape...); err != nil {
		return nil, nil, 0, err
	}
	return x, tensor.Data[float32](out[0]), shape[len(shape)-1], nil
}

// mlFloats are a tensor's elements as Float32, in the scratch tensor of that number where they are of another type.
func mlFloats(f *graph.Frame, scratch int, t *tensor.Tensor) ([]float32, error) {
	if t.DType() == tensor.Float32 {
		return tensor.Data[float32](t), nil
	}
	if t.DType() == tensor.String {
		return nil, typeError("numbers", t)
	}
	s := f.Scratch(scratch)
	if err := castTo(f, s, t, tensor.Float32); err != nil {
		return nil, err
	}
	return tensor.Data[float32](s), nil
}

// Norm is by what Normalizer divides.
type Norm uint8

// The norms: the largest element, the sum of the absolute ones, and the root of the sum of their squares.
const (
	NormMax Norm = iota
	NormL1
	NormL2
)

// Normalizer is ai.onnx.ml's: each row, divided by its norm, as Float32. A row of norm zero stays as it is.
type Normalizer struct{ Norm Norm }

// Name implements graph.Op.
func (Normalizer) Name() string { return "Normalizer" }

// Run implements graph.Op.
func (o Normalizer) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	x, y, columns, err := mlRows(f, in, out)
	if err != nil {
		return err
	}
	for i := 0; i+columns <= len(x) && columns > 0; i += columns {
		o.row(y[i:i+columns], x[i:i+columns])
	}
	return nil
}

func (o Normalizer) row(y, x []float32) {
	norm := float32(0)
	switch o.Norm {
	case NormMax:
		norm = float32(-math.MaxFloat32)
		for _, v := range x {
			if v > norm { // what is no number never is
				norm = v
			}
		}
	case NormL1:
		for _, v := range x {
			norm += float32(math.Abs(float64(v)))
		}
	case NormL2:
		for _, v := range x {
			norm += v * v
		}
	}
	for i, v := range x {
		switch {
		case norm == 0:
			y[i] = v
		case o.Norm == NormL2:
			y[i] = float32(math.Copysign(math.Sqrt(float64(v*v/norm)), float64(v)))
		default:
			y[i] = v / norm
		}
	}
}

// Binarizer is ai.onnx.ml's: 1 for what is greater than the threshold, 0 for what is not. NaN is an error, as it is to ONNX
// Runtime.
type Binarizer struct{ Threshold float32 }

// Name implements graph.Op.
func (Binarizer) Name() string { return "Binarizer" }

// Run implements graph.Op.
func (o Binarizer) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	x, err := mlFloats(f, 0, in[0])
	if err != nil {
		return err
	}
	if err := f.Resize(out[0], tensor.Float32, in[0].Shape()...); err != nil {
		return err
	}
	y := tensor.Data[float32](out[0])
	for i, v := range x {
		if y[i] = 0; v > o.Threshold {
			y[i] = 1
		} else if v != v {
			return fmt.Errorf("the element %d is not a number", i)
		}
	}
	return nil
}

// Imputer is ai.onnx.ml's: it puts a column's value, or one for all, in the place of one that stands for what is missing. It
// has either floats, and takes Float32 or Float64; or integers, and takes Int64 or Int32.
type Imputer struct {
	Floats []float32
	// Replaced is what is missing, NaN for what is no number.
	Replaced float32
	Ints     []int64
	// ReplacedInt is what is missing among integers.
	ReplacedInt int64
}

// Name implements graph.Op.
func (Imputer) Name() string { return "Imputer" }

// Run implements graph.Op.
func (o Imputer) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	x, y := in[0], out[0]
	shape := x.Shape()
	if len(shape) == 0 {
		return shapeError("a row", shape)
	}
	if err := like(f, y, x); err != nil {
		return err
	}
	columns := shape[len(shape)-1]
	switch x.DType() {
	case tensor.Float32:
		missing := func(v float32) bool { return v == o.Replaced || (v != v && o.Replaced != o.Replaced) }
		return impute(tensor.Data[float32](y), tensor.Data[float32](x), o.Floats, columns, missing)
	case tensor.Float64:
		missing := func(v float64) bool { return v == float64(o.Replaced) || (v != v && o.Replaced != o.Replaced) }
		return impute(tensor.Data[float64](y), tensor.Data[float64](x), o.Floats, columns, missing)
	case tensor.Int32:
		missing := func(v int32) bool { return int64(v) == o.ReplacedInt }
		return impute(tensor.Data[int32](y), tensor.Data[int32](x), o.Ints, columns, missing)
	case tensor.Int64:
		missing := func(v int64) bool { return v == o.ReplacedInt }
		return impute(tensor.Data[int64](y), tensor.Data[int64](x), o.Ints, columns, missing)
	default:
		return typeError("numbers", x)
	}
}

func impute[T, V number](y, x []T, values []V, columns int, missing func(T) bool) error {
	if len(values) != 1 && len(values) != columns {
		return fmt.Errorf("%d imputed values for %d columns", len(values), columns)
	}
	for i, v := range x {
		y[i] = v
		if missing(v) {
			y[i] = T(values[i%columns%len(values)])
		}
	}
	return nil
}

// FeatureVectorizer is ai.onnx.ml's: its inputs' columns side by side, as Float32. Dimensions says how many columns each
// has; where it has fewer, zeros follow, where it has more, they are left out.
type FeatureVectorizer struct{ Dimensions []int }

// Name implements graph.Op.
func (FeatureVectorizer) Name() string { return "FeatureVectorizer" }

// Run implements graph.Op.
func (o FeatureVectorizer) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, len(in), len(in)); err != nil {
		return err
	}
	if len(in) == 0 || len(in) != len(o.Dimensions) {
		return fmt.Errorf("%d inputs for %d inputdimensions", len(in), len(o.Dimensions))
	}
	total := 0
	for _, n := range o.Dimensions {
		if n < 0 || n > math.MaxInt32 {
			return fmt.Errorf("an input dimension of %d", n)
		}
		total += n
	}
	rows, _, err := mlMatrix(in[0])
	if err != nil {
		return err
	}
	if err := f.Resize(out[0], tensor.Float32, rows, total); err != nil {
		return err
	}
	y := tensor.Data[float32](out[0])
	clear(y)
	begin := 0
	for i, t := range in {
		r, columns, err := mlMatrix(t)
		if err != nil {
			return err
		}
		if r != rows {
			return fmt.Errorf("inputs of %d and %d rows", rows, r)
		}
		x, err := mlFloats(f, i, t)
		if err != nil {
			return err
		}
		for row := range rows {
			copy(y[row*total+begin:row*total+begin+o.Dimensions[i]], x[row*columns:(row+1)*columns])
		}
		begin += o.Dimensions[i]
	}
	return nil
}

// mlMatrix is how many rows and columns a tensor has to ai.onnx.ml, for which one dimension is a row.
func mlMatrix(t *tensor.Tensor) (rows, columns int, err error) {
	switch shape := t.Shape(); len(shape) {
	case 0:
		return 0, 0, shapeError("a row", shape)
	case 1:
		return 1, shape[0], nil
	default:
		return shape[0], tensor.Count(shape[1:]), nil
	}
}

// ArrayFeatureExtractor is ai.onnx.ml's: the columns of its first input, along the last dimension, that its second one, of
// Int64, lists. A vector gives a matrix of one row.
type ArrayFeatureExtractor struct{}

// Name implements graph.Op.
func (ArrayFeatureExtractor) Name() string { return "ArrayFeatureExtractor" }

// Run implements graph.Op.
func (ArrayFeatureExtractor) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 2, 2); err != nil {
		return err
	}
	x, indices, y := in[0], in[1], out[0]
	if x.Rank() == 0 || !isInt(indices) || indices.Len() == 0 {
		return fmt.Errorf("takes rows and the columns to extract, not %v and %v", x, indices)
	}
	var buf dims
	rank := copy(buf[:], x.Shape())
	columns := buf[rank-1]
	for i := range indices.Len() {
		if k := intAt(indices, i); k < 0 || k >= columns {
			return fmt.Errorf("there is no column %d among %d", k, columns)
		}
	}
	if buf[rank-1] = indices.Len(); rank == 1 {
		buf[0], buf[1], rank = 1, indices.Len(), 2
	}
	if err := f.Resize(y, x.DType(), buf[:rank]...); err != nil {
		return err
	}
	switch x.DType() {
	case tensor.Float32:
		extract(tensor.Data[float32](y), tensor.Data[float32](x), indices, columns)
	case tensor.Float64:
		extract(tensor.Data[float64](y), tensor.Data[float64](x), indices, columns)
	case tensor.Int32:
		extract(tensor.Data[int32](y), tensor.Data[int32](x), indices, columns)
	case tensor.Int64:
		extract(tensor.Data[int64](y), tensor.Data[int64](x), indices, columns)
	case tensor.Bool:
		extract(tensor.Data[bool](y), tensor.Data[bool](x), indices, columns)
	default:
		extract(tensor.Data[string](y), tensor.Data[string](x), indices, columns)
	}
	return nil
}

func extract[T any](y, x []T, indices *tensor.Tensor, columns int) {
	n := indices.Len()
	for i := range y {
		y[i] = x[i/n*columns+intAt(indices, i%n)]
	}
}
