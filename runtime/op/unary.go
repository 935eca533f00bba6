package op

import (
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// floats computes a function of each element of a tensor of floats. Float32s are computed as float64s and rounded once, so
// that they differ from what a framework has by what that one rounds.
func floats(f *graph.Frame, in, out []*tensor.Tensor, fn func(x float64) float64) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	x, y := in[0], out[0]
	if x.DType() != tensor.Float32 && x.DType() != tensor.Float64 {
		return typeError("floats", x)
	}
	if err := like(f, y, x); err != nil {
		return err
	}
	if x.DType() == tensor.Float32 {
		apply(tensor.Data[float32](y), tensor.Data[float32](x), fn)
	} else {
		apply(tensor.Data[float64](y), tensor.Data[float64](x), fn)
	}
	return nil
}

// vectorized is floats, but leaves float32s to a kernel.
func vectorized(f *graph.Frame, in, out []*tensor.Tensor, kernel func(y, x []float32), fn func(x float64) float64) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	if in[0].DType() != tensor.Float32 {
		return floats(f, in, out, fn)
	}
	if err := like(f, out[0], in[0]); err != nil {
		return err
	}
	kernel(tensor.Data[float32](out[0]), tensor.Data[float32](in[0]))
	return nil
}

func apply[T float](y, x []T, fn func(x float64) float64) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = T(fn(float64(v)))
	}
}

// numbers computes a function of each element of a tensor of numbers.
func numbers(f *graph.Frame, in, out []*tensor.Tensor, f32 func(y, x []float32), f64 func(y, x []float64),
	i32 func(y, x []int32), i64 func(y, x []int64),
) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	x, y := in[0], out[0]
	if x.DType() > tensor.Int64 {
		return typeError("numbers", x)
	}
	if err := like(f, y, x); err != nil {
		return err
	}
	switch x.DType() {
	case tensor.Float32:
		f32(tensor.Data[float32](y), tensor.Data[float32](x))
	case tensor.Float64:
		f64(tensor.Data[float64](y), tensor.Data[float64](x))
	case tensor.Int32:
		i32(tensor.Data[int32](y), tensor.Data[int32](x))
	default:
		i64(tensor.Data[int64](y), tensor.Data[int64](x))
	}
	return nil
}

// Exp is e to the power of x.
type Exp struct{}

// Name implements graph.Op.
func (Exp) Name() string { return "Exp" }

// Run implements graph.Op.
func (Exp) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return vectorized(f, in, out, f.Kernels().Exp, math.Exp)
}

// Expm1 is e to the power of x, less 1.
type Expm1 struct{}

// Name implements graph.Op.
func (Expm1) Name() string { return "Expm1" }

// Run implements graph.Op.
func (Expm1) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, math.Expm1)
}

// Log is the natural logarithm of x: NaN below 0, and -∞ for 0.
type Log struct{}

// Name implements graph.Op.
func (Log) Name() string { return "Log" }

// Run implements graph.Op.
func (Log) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, math.Log)
}

// Log1p is the natural logarithm of 1 + x.
type Log1p struct{}

// Name implements graph.Op.
func (Log1p) Name() string { return "Log1p" }

// Run implements graph.Op.
func (Log1p) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, math.Log1p)
}

// Sqrt is the square root of x, NaN below 0.
type Sqrt struct{}

// Name implements graph.Op.
func (Sqrt) Name() string { return "Sqrt" }

// Run implements graph.Op.
func (Sqrt) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, math.Sqrt)
}

// Rsqrt is 1 / √x.
type Rsqrt struct{}

// Name implements graph.Op.
func (Rsqrt) Name() string { return "Rsqrt" }

// Run implements graph.Op.
func (Rsqrt) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, func(x float64) float64 { return 1 / math.Sqrt(x) })
}

// Reciprocal is 1 / x.
type Reciprocal struct{}

// Name implements graph.Op.
func (Reciprocal) Name() string { return "Reciprocal" }

// Run implements graph.Op.
func (Reciprocal) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, func(x float64) float64 { return 1 / x })
}

// Floor is x rounded down.
type Floor struct{}

// Name implements graph.Op.
func (Floor) Name() string { return "Floor" }

// Run implements graph.Op.
func (Floor) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, math.Floor)
}

// Ceil is x rounded up.
type Ceil struct{}

// Name implements graph.Op.
func (Ceil) Name() string { return "Ceil" }

// Run implements graph.Op.
func (Ceil) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, math.Ceil)
}

// Round is x rounded to the nearest integer, and halves to the even one.
type Round struct{}

// Name implements graph.Op.
func (Round) Name() string { return "Round" }

// Run implements graph.Op.
func (Round) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, math.RoundToEven)
}

// Erf is the error function of x.
type Erf struct{}

// Name implements graph.Op.
func (Erf) Name() string { return "Erf" }

// Run implements graph.Op.
func (Erf) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, math.Erf)
}

// Sin is the sine of x.
type Sin struct{}

// Name implements graph.Op.
func (Sin) Name() string { return "Sin" }

// Run implements graph.Op.
func (Sin) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, math.Sin)
}

// Cos is the cosine of x.
type Cos struct{}

// Name implements graph.Op.
func (Cos) Name() string { return "Cos" }

// Run implements graph.Op.
func (Cos) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, math.Cos)
}

// Tan is the tangent of x.
type Tan struct{}

// Name implements graph.Op.
func (Tan) Name() string { return "Tan" }

// Run implements graph.Op.
func (Tan) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, math.Tan)
}

// Asin is the arc sine of x.
type Asin struct{}

// Name implements graph.Op.
func (Asin) Name() string { return "Asin" }

// Run implements graph.Op.
func (Asin) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, math.Asin)
}

// Acos is the arc cosine of x.
type Acos struct{}

// Name implements graph.Op.
func (Acos) Name() string { return "Acos" }

// Run implements graph.Op.
func (Acos) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, math.Acos)
}

// Atan is the arc tangent of x.
type Atan struct{}

// Name implements graph.Op.
func (Atan) Name() string { return "Atan" }

// Run implements graph.Op.
func (Atan) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, math.Atan)
}

// Sinh is the hyperbolic sine of x.
type Sinh struct{}

// Name implements graph.Op.
func (Sinh) Name() string { return "Sinh" }

// Run implements graph.Op.
func (Sinh) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, math.Sinh)
}

// Cosh is the hyperbolic cosine of x.
type Cosh struct{}

// Name implements graph.Op.
func (Cosh) Name() string { return "Cosh" }

// Run implements graph.Op.
func (Cosh) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, math.Cosh)
}

// Asinh is the inverse hyperbolic sine of x.
type Asinh struct{}

// Name implements graph.Op.
func (Asinh) Name() string { return "Asinh" }

// Run implements graph.Op.
func (Asinh) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, math.Asinh)
}

// Acosh is the inverse hyperbolic cosine of x.
type Acosh struct{}

// Name implements graph.Op.
func (Acosh) Name() string { return "Acosh" }

// Run implements graph.Op.
func (Acosh) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, math.Acosh)
}

// Atanh is the inverse hyperbolic tangent of x.
type Atanh struct{}

// Name implements graph.Op.
func (Atanh) Name() string { return "Atanh" }

// Run implements graph.Op.
func (Atanh) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, math.Atanh)
}

// Relu is max(x, 0), for numbers of any type; NaN stays.
type Relu struct{}

// Name implements graph.Op.
func (Relu) Name() string { return "Relu" }

// Run implements graph.Op.
func (Relu) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return numbers(f, in, out, f.Kernels().Relu, relu[float64], relu[int32], relu[int64])
}

func relu[T number](y, x []T) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = max(v, 0)
	}
}

// Square is x².
type Square struct{}

// Name implements graph.Op.
func (Square) Name() string { return "Square" }

// Run implements graph.Op.
func (Square) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return numbers(f, in, out, square[float32], square[float64], square[int32], square[int64])
}

func square[T number](y, x []T) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = v * v
	}
}

// Neg is -x.
type Neg struct{}

// Name implements graph.Op.
func (Neg) Name() string { return "Neg" }

// Run implements graph.Op.
func (Neg) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return numbers(f, in, out, negate[float32], negate[float64], negate[int32], negate[int64])
}

func negate[T number](y, x []T) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = -v
	}
}

// Abs is |x|. The smallest integer stays what it is.
type Abs struct{}

// Name implements graph.Op.
func (Abs) Name() string { return "Abs" }

// Run implements graph.Op.
func (Abs) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return numbers(f, in, out, absFloat[float32], absFloat[float64], absInt[int32], absInt[int64])
}

func absFloat[T float](y, x []T) { apply(y, x, math.Abs) }

func absInt[T int32 | int64](y, x []T) {
	for i, v := range x {
		y[i] = max(v, -v)
		if v == -v {
			y[i] = v
		}
	}
}

// Sign is -1, 0 or 1; NaN of NaN.
type Sign struct{}

// Name implements graph.Op.
func (Sign) Name() string { return "Sign" }

// Run implements graph.Op.
func (Sign) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return numbers(f, in, out, sign[float32], sign[float64], sign[int32], sign[int64])
}

func sign[T number](y, x []T) {
	for i, v := range x {
		switch {
		case v > 0:
			y[i] = 1
		case v < 0:
			y[i] = -1
		default:
			y[i] = v // 0 or NaN
		}
	}
}

// Not is true where x is false.
type Not struct{}

// Name implements graph.Op.
func (Not) Name() string { return "Not" }

// Run implements graph.Op.
func (Not) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	if in[0].DType() != tensor.Bool {
		return typeError("bools", in[0])
	}
	if err := like(f, out[0], in[0]); err != nil {
		return err
	}
	y := tensor.Data[bool](out[0])
	for i, v := range tensor.Data[bool](in[0]) {
		y[i] = !v
	}
	return nil
}

// IsNaN is true where x is not a number.
type IsNaN struct{}

// Name implements graph.Op.
func (IsNaN) Name() string { return "IsNaN" }

// Run implements graph.Op.
func (IsNaN) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return test(f, in, out, math.IsNaN)
}

// IsInf is true where x is -∞ and DetectNegative is set, and where it is +∞ and DetectPositive is.
type IsInf struct{ DetectNegative, DetectPositive bool }

// Name implements graph.Op.
func (IsInf) Name() string { return "IsInf" }

// Run implements graph.Op.
func (o IsInf) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return test(f, in, out, func(x float64) bool {
		return o.DetectNegative && math.IsInf(x, -1) || o.DetectPositive && math.IsInf(x, 1)
	})
}

// test makes bools of floats.
func test(f *graph.Frame, in, out []*tensor.Tensor, fn func(x float64) bool) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	x, y := in[0], out[0]
	if x.DType() != tensor.Float32 && x.DType() != tensor.Float64 {
		return typeError("floats", x)
	}
	if err := f.Resize(y, tensor.Bool, x.Shape()...); err != nil {
		return err
	}
	data := tensor.Data[bool](y)
	if x.DType() == tensor.Float32 {
		for i, v := range tensor.Data[float32](x) {
			data[i] = fn(float64(v))
		}
		return nil
	}
	for i, v := range tensor.Data[float64](x) {
		data[i] = fn(v)
	}
	return nil
}

// Identity is x.
type Identity struct{}

// Name implements graph.Op.
func (Identity) Name() string { return "Identity" }

// Run implements graph.Op.
func (Identity) Run(_ *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	out[0].View(in[0], in[0].Shape()...)
	return nil
}
