package op

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// errDivision is what dividing integers by zero ends in. Floats divide to infinity or NaN.
var errDivision = errors.New("divides an integer by zero")

// arithmetic runs one of four loops, by the type of the inputs.
func arithmetic(f *graph.Frame, in, out []*tensor.Tensor, f32 loop2[float32, float32], f64 loop2[float64, float64],
	i32 loop2[int32, int32], i64 loop2[int64, int64],
) error {
	if err := pair(in, out); err != nil {
		return err
	}
	switch in[0].DType() {
	case tensor.Float32:
		return zip(f, out[0], in[0], in[1], f32)
	case tensor.Float64:
		return zip(f, out[0], in[0], in[1], f64)
	case tensor.Int32:
		return zip(f, out[0], in[0], in[1], i32)
	case tensor.Int64:
		return zip(f, out[0], in[0], in[1], i64)
	default:
		return typeError("numbers", in[0])
	}
}

// fast is a loop that leaves what is not broadcast to a kernel.
func fast(kernel, loop loop2[float32, float32]) loop2[float32, float32] {
	return func(y, a, b []float32) {
		if len(a) == len(y) && len(b) == len(y) {
			kernel(y, a, b)
		} else {
			loop(y, a, b)
		}
	}
}

// divisors checks that an integer is not divided by zero.
func divisors(in, out []*tensor.Tensor) error {
	if err := pair(in, out); err != nil {
		return err
	}
	switch in[1].DType() {
	case tensor.Int32:
		return nonZero(tensor.Data[int32](in[1]))
	case tensor.Int64:
		return nonZero(tensor.Data[int64](in[1]))
	}
	return nil
}

func nonZero[T int32 | int64](values []T) error {
	if slices.Contains(values, 0) {
		return errDivision
	}
	return nil
}

// Add is a + b. Integers wrap around, here as in all arithmetic.
type Add struct{}

// Name implements graph.Op.
func (Add) Name() string { return "Add" }

// Run implements graph.Op.
func (Add) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return arithmetic(f, in, out, fast(f.Kernels().Add, add[float32]), add[float64], add[int32], add[int64])
}

func add[T number](y, a, b []T) {
	switch {
	case len(a) == len(y) && len(b) == len(y):
		for i := range y {
			y[i] = a[i] + b[i]
		}
	case len(b) == 1:
		addOne(y, a, b[0])
	default:
		addOne(y, b, a[0])
	}
}

func addOne[T number](y, a []T, b T) {
	a = a[:len(y)]
	for i, v := range a {
		y[i] = v + b
	}
}

// Sub is a - b.
type Sub struct{}

// Name implements graph.Op.
func (Sub) Name() string { return "Sub" }

// Run implements graph.Op.
func (Sub) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return arithmetic(f, in, out, fast(f.Kernels().Sub, sub[float32]), sub[float64], sub[int32], sub[int64])
}

func sub[T number](y, a, b []T) {
	switch {
	case len(a) == len(y) && len(b) == len(y):
		for i := range y {
			y[i] = a[i] - b[i]
		}
	case len(b) == 1:
		addOne(y, a, -b[0])
	default:
		first := a[0]
		for i := range y {
			y[i] = first - b[i]
		}
	}
}

// Mul is a · b.
type Mul struct{}

// Name implements graph.Op.
func (Mul) Name() string { return "Mul" }

// Run implements graph.Op.
func (Mul) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return arithmetic(f, in, out, fast(f.Kernels().Mul, mul[float32]), mul[float64], mul[int32], mul[int64])
}

func mul[T number](y, a, b []T) {
	switch {
	case len(a) == len(y) && len(b) == len(y):
		for i := range y {
			y[i] = a[i] * b[i]
		}
	case len(b) == 1:
		mulOne(y, a, b[0])
	default:
		mulOne(y, b, a[0])
	}
}

func mulOne[T number](y, a []T, b T) {
	a = a[:len(y)]
	for i, v := range a {
		y[i] = v * b
	}
}

// Div is a / b. Integers are rounded towards zero.
type Div struct{}

// Name implements graph.Op.
func (Div) Name() string { return "Div" }

// Run implements graph.Op.
func (Div) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := divisors(in, out); err != nil {
		return err
	}
	return arithmetic(f, in, out, fast(f.Kernels().Div, div[float32]), div[float64], div[int32], div[int64])
}

func div[T number](y, a, b []T) {
	switch {
	case len(a) == len(y) && len(b) == len(y):
		for i := range y {
			y[i] = a[i] / b[i]
		}
	case len(b) == 1:
		by := b[0]
		for i := range y {
			y[i] = a[i] / by
		}
	default:
		first := a[0]
		for i := range y {
			y[i] = first / b[i]
		}
	}
}

// FloorDiv is a / b rounded down, as in Python.
type FloorDiv struct{}

// Name implements graph.Op.
func (FloorDiv) Name() string { return "FloorDiv" }

// Run implements graph.Op.
func (FloorDiv) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := divisors(in, out); err != nil {
		return err
	}
	return arithmetic(f, in, out, floorDiv[float32], floorDiv[float64], floorDivInt[int32], floorDivInt[int64])
}

func floorDiv[T float](y, a, b []T) {
	each(y, a, b, func(a, b T) T { return T(math.Floor(float64(a / b))) })
}

func floorDivInt[T int32 | int64](y, a, b []T) {
	each(y, a, b, func(a, b T) T {
		q := a / b
		if a%b != 0 && (a < 0) != (b < 0) {
			q--
		}
		return q
	})
}

// FloorMod is the remainder of a / b with the sign of b, as in Python.
type FloorMod struct{}

// Name implements graph.Op.
func (FloorMod) Name() string { return "FloorMod" }

// Run implements graph.Op.
func (FloorMod) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := divisors(in, out); err != nil {
		return err
	}
	return arithmetic(f, in, out, floorMod[float32], floorMod[float64], floorModInt[int32], floorModInt[int64])
}

func floorMod[T float](y, a, b []T) {
	each(y, a, b, func(a, b T) T {
		r := math.Mod(float64(a), float64(b))
		if r != 0 && (r < 0) != (b < 0) {
			r += float64(b)
		}
		return T(r)
	})
}

func floorModInt[T int32 | int64](y, a, b []T) {
	each(y, a, b, func(a, b T) T {
		r := a % b
		if r != 0 && (r < 0) != (b < 0) {
			r += b
		}
		return r
	})
}

// Mod is the remainder of a / b: with the sign of b, or, if Fmod is set, of a.
type Mod struct{ Fmod bool }

// Name implements graph.Op.
func (Mod) Name() string { return "Mod" }

// Run implements graph.Op.
func (o Mod) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if !o.Fmod {
		return FloorMod{}.Run(f, in, out)
	}
	if err := divisors(in, out); err != nil {
		return err
	}
	return arithmetic(f, in, out, fmod[float32], fmod[float64], rem[int32], rem[int64])
}

func fmod[T float](y, a, b []T) {
	each(y, a, b, func(a, b T) T { return T(math.Mod(float64(a), float64(b))) })
}

func rem[T int32 | int64](y, a, b []T) {
	each(y, a, b, func(a, b T) T { return a % b })
}

// SquaredDifference is (a - b)².
type SquaredDifference struct{}

// Name implements graph.Op.
func (SquaredDifference) Name() string { return "SquaredDifference" }

// Run implements graph.Op.
func (SquaredDifference) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return arithmetic(f, in, out,
		squaredDifference[float32], squaredDifference[float64], squaredDifference[int32], squaredDifference[int64])
}

func squaredDifference[T number](y, a, b []T) {
	each(y, a, b, func(a, b T) T { return (a - b) * (a - b) })
}

// DivNoNan is a / b, and 0 where b is 0, whatever a is.
type DivNoNan struct{}

// Name implements graph.Op.
func (DivNoNan) Name() string { return "DivNoNan" }

// Run implements graph.Op.
func (DivNoNan) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return arithmetic(f, in, out, divNoNan[float32], divNoNan[float64], divNoNan[int32], divNoNan[int64])
}

func divNoNan[T number](y, a, b []T) {
	each(y, a, b, func(a, b T) T {
		if b == 0 {
			return 0
		}
		return a / b
	})
}

// variadic runs a loop over the first input and each other one, broadcast to the shape of all.
func variadic(f *graph.Frame, in, out []*tensor.Tensor, f32 loop2[float32, float32], f64 loop2[float64, float64],
	i32 loop2[int32, int32], i64 loop2[int64, int64],
) error {
	if err := check(in, out, 1, max(1, len(in))); err != nil {
		return err
	}
	left := in[0]
	if len(in) == 1 {
		out[0].View(left, left.Shape()...)
		return nil
	}
	for i, right := range in[1:] {
		if right == nil {
			return fmt.Errorf("the input %d is absent", i+1)
		}
		y := out[0]
		if last := i == len(in)-2; !last {
			y = f.Scratch(i)
		}
		if err := arithmetic(f, []*tensor.Tensor{left, right}, []*tensor.Tensor{y}, f32, f64, i32, i64); err != nil {
			return err
		}
		left = y
	}
	return nil
}

// Sum adds its inputs, from the left to the right.
type Sum struct{}

// Name implements graph.Op.
func (Sum) Name() string { return "Sum" }

// Run implements graph.Op.
func (Sum) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return variadic(f, in, out, add[float32], add[float64], add[int32], add[int64])
}

// Mean is the mean of its inputs, which are floats.
type Mean struct{}

// Name implements graph.Op.
func (Mean) Name() string { return "Mean" }

// Run implements graph.Op.
func (Mean) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, max(1, len(in))); err != nil {
		return err
	}
	sum := f.Scratch(len(in))
	if err := (Sum{}).Run(f, in, []*tensor.Tensor{sum}); err != nil {
		return err
	}
	y := out[0]
	if err := like(f, y, sum); err != nil {
		return err
	}
	switch sum.DType() {
	case tensor.Float32:
		div(tensor.Data[float32](y), tensor.Data[float32](sum), []float32{float32(len(in))})
	case tensor.Float64:
		div(tensor.Data[float64](y), tensor.Data[float64](sum), []float64{float64(len(in))})
	default:
		return typeError("floats", sum)
	}
	return nil
}

// Max is the largest of its inputs, for each element; NaN where one is.
type Max struct{}

// Name implements graph.Op.
func (Max) Name() string { return "Max" }

// Run implements graph.Op.
func (Max) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return variadic(f, in, out, largest[float32], largest[float64], largest[int32], largest[int64])
}

func largest[T number](y, a, b []T) {
	each(y, a, b, func(a, b T) T { return max(a, b) })
}

// Min is the smallest of its inputs, for each element; NaN where one is.
type Min struct{}

// Name implements graph.Op.
func (Min) Name() string { return "Min" }

// Run implements graph.Op.
func (Min) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return variadic(f, in, out, smallest[float32], smallest[float64], smallest[int32], smallest[int64])
}

func smallest[T number](y, a, b []T) {
	each(y, a, b, func(a, b T) T { return min(a, b) })
}
