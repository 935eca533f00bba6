package op

import (
	"errors"
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

var errPower = errors.New("raises the integer zero to a negative power")

// Pow is a to the power of b. The exponents may be of another type of number; the result is of the base's. An integer to
// a negative power is rounded towards zero; with exponents of floats, integers are powers of floats, rounded so.
type Pow struct{}

// Name implements graph.Op.
func (Pow) Name() string { return "Pow" }

// Run implements graph.Op.
func (Pow) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 2, 2); err != nil {
		return err
	}
	base, exponent := in[0], in[1]
	if isInt(base) && isInt(exponent) {
		return powInts(f, out[0], base, exponent)
	}
	if base.DType() == tensor.Float32 && exponent.DType() == tensor.Float32 {
		return zip(f, out[0], base, exponent, pow[float32])
	}
	if base.DType() == tensor.Float64 && exponent.DType() == tensor.Float64 {
		return zip(f, out[0], base, exponent, pow[float64])
	}
	// Types that differ meet as float64.
	x, p, y := f.Scratch(0), f.Scratch(1), f.Scratch(2)
	if err := castTo(f, x, base, tensor.Float64); err != nil {
		return err
	}
	if err := castTo(f, p, exponent, tensor.Float64); err != nil {
		return err
	}
	if err := zip(f, y, x, p, pow[float64]); err != nil {
		return err
	}
	return castTo(f, out[0], y, base.DType())
}

func pow[T float](y, a, b []T) {
	each(y, a, b, func(a, b T) T {
		if b == 2 {
			return a * a
		}
		return T(math.Pow(float64(a), float64(b)))
	})
}

func powInts(f *graph.Frame, out, base, exponent *tensor.Tensor) error {
	x, p, y := f.Scratch(0), f.Scratch(1), f.Scratch(2)
	if err := castTo(f, x, base, tensor.Int64); err != nil {
		return err
	}
	if err := castTo(f, p, exponent, tensor.Int64); err != nil {
		return err
	}
	failed := false
	if err := zip(f, y, x, p, func(y, a, b []int64) {
		each(y, a, b, func(a, b int64) int64 {
			failed = failed || a == 0 && b < 0
			return powInt(a, b)
		})
	}); err != nil {
		return err
	}
	if failed {
		return errPower
	}
	return castTo(f, out, y, base.DType())
}

// powInt squares its way up, wrapping around.
func powInt(a, b int64) int64 {
	if b < 0 {
		switch {
		case a == 1, a == -1 && b%2 == 0:
			return 1
		case a == -1:
			return -1
		default:
			return 0
		}
	}
	result := int64(1)
	for ; b > 0; b >>= 1 {
		if b&1 == 1 {
			result *= a
		}
		a *= a
	}
	return result
}
