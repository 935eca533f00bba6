package op

import (
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// vector is elements of a tensor along an axis: so many of them, so far apart.
type vector[T any] struct {
	data    []T
	n, step int
}

// alongAxis computes a function of each vector of x along an axis, and puts it to the same places of y. Both are of floats.
func alongAxis(f *graph.Frame, in, out []*tensor.Tensor, axis int, f32 func(y, x vector[float32]),
	f64 func(y, x vector[float64]),
) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	x, y := in[0], out[0]
	if x.DType() != tensor.Float32 && x.DType() != tensor.Float64 {
		return typeError("floats", x)
	}
	axis, err := axisOf(axis, x.Rank())
	if err != nil {
		return err
	}
	if err := like(f, y, x); err != nil {
		return err
	}
	if x.DType() == tensor.Float32 {
		vectors(tensor.Data[float32](y), tensor.Data[float32](x), x.Shape(), axis, f32)
	} else {
		vectors(tensor.Data[float64](y), tensor.Data[float64](x), x.Shape(), axis, f64)
	}
	return nil
}

func vectors[T any](y, x []T, shape []int, axis int, fn func(y, x vector[T])) {
	if len(x) == 0 {
		return
	}
	outer, n, inner := around(shape, axis)
	for o := range outer {
		for i := range inner {
			at := o*n*inner + i
			fn(vector[T]{y[at:], n, inner}, vector[T]{x[at:], n, inner})
		}
	}
}

// Softmax is e^x, scaled so that the sum along Axis is 1.
type Softmax struct{ Axis int }

// Name implements graph.Op.
func (Softmax) Name() string { return "Softmax" }

// Run implements graph.Op.
func (o Softmax) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	kernels := f.Kernels()
	return alongAxis(f, in, out, o.Axis, func(y, x vector[float32]) {
		if x.step == 1 {
			kernels.Softmax(y.data[:y.n], x.data[:x.n])
		} else {
			softmax(y, x)
		}
	}, softmax[float64])
}

func softmax[T float](y, x vector[T]) {
	top, sum := float64(peak(x)), 0.0
	for i := range x.n {
		e := math.Exp(float64(x.data[i*x.step]) - top)
		y.data[i*y.step] = T(e)
		sum += e
	}
	for i := range y.n {
		y.data[i*y.step] = T(float64(y.data[i*y.step]) / sum)
	}
}

// peak is the largest element, or NaN where there is one.
func peak[T number](x vector[T]) T {
	top := x.data[0]
	for i := range x.n {
		top = max(top, x.data[i*x.step])
	}
	return top
}

// LogSoftmax is the logarithm of Softmax.
type LogSoftmax struct{ Axis int }

// Name implements graph.Op.
func (LogSoftmax) Name() string { return "LogSoftmax" }

// Run implements graph.Op.
func (o LogSoftmax) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return alongAxis(f, in, out, o.Axis, logSoftmax[float32], logSoftmax[float64])
}

func logSoftmax[T float](y, x vector[T]) {
	top, sum := float64(peak(x)), 0.0
	for i := range x.n {
		sum += math.Exp(float64(x.data[i*x.step]) - top)
	}
	all := math.Log(sum)
	for i := range x.n {
		y.data[i*y.step] = T(float64(x.data[i*x.step]) - top - all)
	}
}

// Hardmax is 1 where the first of the largest along Axis is, and 0 elsewhere.
type Hardmax struct{ Axis int }

// Name implements graph.Op.
func (Hardmax) Name() string { return "Hardmax" }

// Run implements graph.Op.
func (o Hardmax) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return alongAxis(f, in, out, o.Axis, hardmax[float32], hardmax[float64])
}

func hardmax[T float](y, x vector[T]) {
	for i := range y.n {
		y.data[i*y.step] = 0
	}
	y.data[argMax(x, false)*y.step] = 1
}

// LpNormalization divides by the norm along Axis: the sum of absolutes where P is 1, and otherwise the length. Zeros stay.
type LpNormalization struct{ Axis, P int }

// Name implements graph.Op.
func (LpNormalization) Name() string { return "LpNormalization" }

// Run implements graph.Op.
func (o LpNormalization) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if o.P == 1 {
		return alongAxis(f, in, out, o.Axis, divideByL1[float32], divideByL1[float64])
	}
	return alongAxis(f, in, out, o.Axis, divideByL2[float32], divideByL2[float64])
}

func divideByL1[T float](y, x vector[T]) { divide(y, x, sumAbs(x)) }

// divideByL2 has zeros where the sum of the squares is too large for T, as the frameworks do.
func divideByL2[T float](y, x vector[T]) { divide(y, x, math.Sqrt(float64(T(sumSquares(x))))) }

func divide[T float](y, x vector[T], by float64) {
	for i := range x.n {
		v := x.data[i*x.step]
		if by != 0 {
			v = T(float64(v) / by)
		}
		y.data[i*y.step] = v
	}
}
