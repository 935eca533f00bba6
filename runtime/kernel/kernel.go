// Package kernel has the numeric inner loops of the engine: each a function on slices that knows nothing of tensors.
//
// A Set is one implementation of all of them. Plain's is Go, and its loops are what each kernel means; the others use the
// vector instructions of the processor, and are chosen at run time by what it has. The same conformance suite runs against
// every set: a kernel gives the same bits in all sets that have vector instructions, and what Plain gives up to rounding,
// as its comment says.
//
// Slices that a kernel reads or writes must be as long as its comment says, else it panics, whichever the set. Nothing is
// ever read or written outside of them. An output may be the same slice as an input, unless said otherwise, but must not
// overlap one otherwise.
package kernel

import "fmt"

// Set is one implementation of the kernels. It is immutable, and safe for concurrent use.
type Set struct {
	// Name is what Choose calls it.
	Name string

	// dense is Dense for matrices that are not narrow, narrow for those that are; both leave out the activations that are
	// not max(x, 0), and x, out and rows have been checked.
	dense, narrow func(out []float32, outStride int, x []float32, xStride, rows int, w *Weights, floor float32)

	// Add is out[i] = a[i] + b[i], for all of out; likewise Sub, Mul and Div.
	Add, Sub, Mul, Div func(out, a, b []float32)
	// Affine is out[i] = a[i]·scale[i] + offset[i], for all of out, rounded once or twice.
	Affine func(out, a, scale, offset []float32)
	// Relu is out[i] = a[i], or 0 where that is negative, for all of out. NaN stays NaN, and −0 stays −0.
	Relu func(out, a []float32)
	// Exp is e to the power of a[i], for all of out: off by at most 1.5 units in the last place where the result is normal,
	// and 2⁻¹⁴⁹ where it is not. It is 0 or +Inf where the result is too small or large, and NaN for NaN.
	Exp func(out, a []float32)
	// Sigmoid is 1 / (1 + e^−a[i]), for all of out: off by at most 3 units in the last place where the result is normal,
	// however small it is, and by 2⁻¹⁴⁹ where it is not. NaN stays NaN.
	Sigmoid func(out, a []float32)
	// Tanh is the hyperbolic tangent of a[i], for all of out: off by at most 3 units in the last place. NaN stays NaN, and −0
	// stays −0.
	Tanh func(out, a []float32)
	// Dot is the sum of a[i]·b[i] over all of a, in any order.
	Dot func(a, b []float32) float32
	// Prefetch asks the processor for rows of a table, of so many elements each, that will be read soon. Those that the table
	// does not have are passed over.
	Prefetch func(table []float32, width int, rows []int32)
}

// Activation is what follows a dense layer.
type Activation uint8

// The activations.
const (
	Identity Activation = iota
	Relu
	Sigmoid
	Tanh
)

// String names the activation.
func (a Activation) String() string {
	switch a {
	case Identity:
		return "Identity"
	case Relu:
		return "Relu"
	case Sigmoid:
		return "Sigmoid"
	case Tanh:
		return "Tanh"
	default:
		return fmt.Sprintf("Activation(%d)", uint8(a))
	}
}

// Dense is a layer: out[r, j] = act(bias[j] + Σ x[r, i]·w[i, j]), for so many rows, of w.In and w.Out elements, that begin
// every xStride and outStride elements. The sum's terms are added one after another from i = 0, or for narrow matrices in
// another order that is the same for all rows; a row's result does not depend on the others. out must not overlap x.
func (s *Set) Dense(out []float32, outStride int, x []float32, xStride, rows int, w *Weights, act Activation) {
	if rows <= 0 || w.Out == 0 {
		return
	}
	checkRows("out", out, outStride, rows, w.Out)
	checkRows("x", x, xStride, rows, w.In)
	floor := minusInf
	if act == Relu {
		floor = 0
	}
	if w.narrow() {
		s.narrow(out, outStride, x, xStride, rows, w, floor)
	} else {
		s.dense(out, outStride, x, xStride, rows, w, floor)
	}
	var activate func(out, a []float32)
	switch act {
	case Sigmoid:
		activate = s.Sigmoid
	case Tanh:
		activate = s.Tanh
	default:
		return
	}
	if outStride == w.Out {
		activate(out[:rows*w.Out], out[:rows*w.Out])
		return
	}
	for r := range rows {
		row := out[r*outStride:][:w.Out]
		activate(row, row)
	}
}

// checkRows panics where a slice does not hold so many rows of width elements.
func checkRows(name string, s []float32, stride, rows, width int) {
	if stride < 0 || (rows > 1 && stride > 0 && rows-1 > (len(s)-width)/stride) || len(s) < width {
		panic(fmt.Sprintf("kernel: %s has %d elements, not %d rows of %d that begin every %d", name, len(s), rows, width, stride))
	}
}
