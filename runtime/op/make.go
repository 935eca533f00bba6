package op

import (
	"fmt"
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// ConstantOfShape makes a tensor of the shape that is its input, whose elements all are the one of Value, or float32 zeros
// where that is nil.
type ConstantOfShape struct{ Value *tensor.Tensor }

// Name implements graph.Op.
func (ConstantOfShape) Name() string { return "ConstantOfShape" }

// Run implements graph.Op.
func (o ConstantOfShape) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	var buf dims
	shape, err := list("the shape", in[0], &buf)
	if err != nil {
		return err
	}
	if o.Value == nil {
		if err := f.Resize(out[0], tensor.Float32, shape...); err != nil {
			return err
		}
		out[0].Clear()
		return nil
	}
	if o.Value.Len() != 1 || o.Value.Rank() > 1 {
		return fmt.Errorf("the value must be one, not %v", o.Value)
	}
	if err := f.Resize(out[0], o.Value.DType(), shape...); err != nil {
		return err
	}
	var l layout
	l.loop(out[0].Len(), 1, 0)
	l.copy(out[0], o.Value)
	return nil
}

// Range counts from the first input to before the second in steps of the third. All are one number of one type.
type Range struct{}

// Name implements graph.Op.
func (Range) Name() string { return "Range" }

// Run implements graph.Op.
func (Range) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 3, 3); err != nil {
		return err
	}
	for _, t := range in {
		if err := sameType(in[0], t); err != nil {
			return err
		}
		if t.Len() != 1 {
			return fmt.Errorf("counts from one number to another, not to %v", t)
		}
	}
	switch in[0].DType() {
	case tensor.Float32:
		return count[float32](f, in, out[0])
	case tensor.Float64:
		return count[float64](f, in, out[0])
	case tensor.Int32:
		return count[int32](f, in, out[0])
	case tensor.Int64:
		return count[int64](f, in, out[0])
	default:
		return typeError("numbers", in[0])
	}
}

func count[T number](f *graph.Frame, in []*tensor.Tensor, out *tensor.Tensor) error {
	start, limit, step := tensor.Data[T](in[0])[0], tensor.Data[T](in[1])[0], tensor.Data[T](in[2])[0]
	if step == 0 {
		return fmt.Errorf("a step of 0")
	}
	n := math.Ceil((float64(limit) - float64(start)) / float64(step))
	if math.IsNaN(n) || n >= 1<<40 {
		return fmt.Errorf("counts from %v to %v in steps of %v", start, limit, step)
	}
	if err := f.Resize(out, tensor.TypeOf[T](), int(max(0, n))); err != nil {
		return err
	}
	y := tensor.Data[T](out)
	for i := range y {
		y[i] = start + T(i)*step
	}
	return nil
}

// OneHot makes a vector of each index, as long as the second input says, along Axis of the result. The third input has two
// values of any type: that of all places but one, and that of the place which the index says. Negative indices are counted
// from the end, unless FromStart is set. Those that are beyond it get no place. Indices may be floats, of which those with a
// fraction get no place.
type OneHot struct {
	Axis      int
	FromStart bool
}

// Name implements graph.Op.
func (OneHot) Name() string { return "OneHot" }

// Run implements graph.Op.
func (o OneHot) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 3, 3); err != nil {
		return err
	}
	indices, values := in[0], in[2]
	length, err := single("the depth", in[1])
	if err != nil {
		return err
	}
	if !(length >= 0 && length < 1<<40) {
		return fmt.Errorf("the depth %v", length)
	}
	depth := int(length)
	if values.Len() != 2 || values.Rank() != 1 {
		return fmt.Errorf("the values must be two, not %v", values)
	}
	axis, err := axisOf(o.Axis, indices.Rank()+1)
	if err != nil {
		return err
	}
	if indices.Rank() == tensor.MaxRank {
		return shapeError("one dimension more", indices.Shape())
	}
	var buf dims
	shape := buf[:0]
	shape = append(shape, indices.Shape()[:axis]...)
	shape = append(shape, depth)
	shape = append(shape, indices.Shape()[axis:]...)
	if err := f.Resize(out[0], values.DType(), shape...); err != nil {
		return err
	}
	at := f.Scratch(0)
	if err := wholeIndices(f, at, indices); err != nil {
		return err
	}
	inner := tensor.Count(indices.Shape()[axis:])
	switch values.DType() {
	case tensor.Float32:
		oneHot[float32](o, out[0], at, values, depth, inner)
	case tensor.Float64:
		oneHot[float64](o, out[0], at, values, depth, inner)
	case tensor.Int32:
		oneHot[int32](o, out[0], at, values, depth, inner)
	case tensor.Int64:
		oneHot[int64](o, out[0], at, values, depth, inner)
	case tensor.Bool:
		oneHot[bool](o, out[0], at, values, depth, inner)
	default:
		oneHot[string](o, out[0], at, values, depth, inner)
	}
	return nil
}

// wholeIndices makes int64s of numbers.
func wholeIndices(f *graph.Frame, to, from *tensor.Tensor) error {
	if err := castTo(f, to, from, tensor.Int64); err != nil {
		return err
	}
	switch from.DType() {
	case tensor.Float32:
		withoutFractions(tensor.Data[int64](to), tensor.Data[float32](from))
	case tensor.Float64:
		withoutFractions(tensor.Data[int64](to), tensor.Data[float64](from))
	}
	return nil
}

// withoutFractions moves indices to where there is no place if they were not whole.
func withoutFractions[T float](indices []int64, from []T) {
	for i, v := range from {
		if float64(indices[i]) != float64(v) {
			indices[i] = math.MinInt64
		}
	}
}

func oneHot[T tensor.Element](o OneHot, out, indices, values *tensor.Tensor, depth, inner int) {
	y, pick := tensor.Data[T](out), tensor.Data[T](values)
	fill(y, pick[0])
	for i, index := range tensor.Data[int64](indices) {
		if index < 0 && !o.FromStart {
			index += int64(depth)
		}
		if index < 0 || index >= int64(depth) {
			continue
		}
		y[(i/inner*depth+int(index))*inner+i%inner] = pick[1]
	}
}

// EyeLike is a matrix of its input's shape, with ones on the K-th diagonal above the main one, and zeros elsewhere. It is
// of the type DType, or its input's where that is 0.
type EyeLike struct {
	K     int
	DType tensor.DType
}

// Name implements graph.Op.
func (EyeLike) Name() string { return "EyeLike" }

// Run implements graph.Op.
func (o EyeLike) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	if in[0].Rank() != 2 {
		return fmt.Errorf("takes a matrix, not %v", in[0])
	}
	dtype := o.DType
	if dtype == 0 {
		dtype = in[0].DType()
	}
	y, rows, columns := out[0], in[0].Shape()[0], in[0].Shape()[1]
	if err := f.Resize(y, dtype, rows, columns); err != nil {
		return err
	}
	y.Clear()
	switch dtype {
	case tensor.Float32:
		eye(tensor.Data[float32](y), 1, rows, columns, o.K)
	case tensor.Float64:
		eye(tensor.Data[float64](y), 1, rows, columns, o.K)
	case tensor.Int32:
		eye(tensor.Data[int32](y), 1, rows, columns, o.K)
	case tensor.Int64:
		eye(tensor.Data[int64](y), 1, rows, columns, o.K)
	case tensor.Bool:
		eye(tensor.Data[bool](y), true, rows, columns, o.K)
	default:
		return typeError("numbers or bools", y)
	}
	return nil
}

func eye[T any](y []T, one T, rows, columns, k int) {
	for row := range rows {
		if column := row + k; column >= 0 && column < columns {
			y[row*columns+column] = one
		}
	}
}
