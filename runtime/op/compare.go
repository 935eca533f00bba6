package op

import (
	"cmp"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Comparisons give bools. NaN is equal to nothing, and neither less nor greater than anything. Strings are compared as bytes.

// Equal is a = b, for elements of any type.
type Equal struct{}

// Name implements graph.Op.
func (Equal) Name() string { return "Equal" }

// Run implements graph.Op.
func (Equal) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := pair(in, out); err != nil {
		return err
	}
	if in[0].DType() == tensor.Bool {
		return zip(f, out[0], in[0], in[1], equal[bool])
	}
	return compare(f, in, out,
		equal[float32], equal[float64], equal[int32], equal[int64], equal[string])
}

// NotEqual is a ≠ b, for elements of any type.
type NotEqual struct{}

// Name implements graph.Op.
func (NotEqual) Name() string { return "NotEqual" }

// Run implements graph.Op.
func (NotEqual) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := pair(in, out); err != nil {
		return err
	}
	if in[0].DType() == tensor.Bool {
		return zip(f, out[0], in[0], in[1], notEqual[bool])
	}
	return compare(f, in, out,
		notEqual[float32], notEqual[float64], notEqual[int32], notEqual[int64], notEqual[string])
}

// Less is a < b.
type Less struct{}

// Name implements graph.Op.
func (Less) Name() string { return "Less" }

// Run implements graph.Op.
func (Less) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return compare(f, in, out, less[float32], less[float64], less[int32], less[int64], less[string])
}

// LessOrEqual is a ≤ b.
type LessOrEqual struct{}

// Name implements graph.Op.
func (LessOrEqual) Name() string { return "LessOrEqual" }

// Run implements graph.Op.
func (LessOrEqual) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return compare(f, in, out,
		lessOrEqual[float32], lessOrEqual[float64], lessOrEqual[int32], lessOrEqual[int64], lessOrEqual[string])
}

// Greater is a > b.
type Greater struct{}

// Name implements graph.Op.
func (Greater) Name() string { return "Greater" }

// Run implements graph.Op.
func (Greater) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return compare(f, in, out, greater[float32], greater[float64], greater[int32], greater[int64], greater[string])
}

// GreaterOrEqual is a ≥ b.
type GreaterOrEqual struct{}

// Name implements graph.Op.
func (GreaterOrEqual) Name() string { return "GreaterOrEqual" }

// Run implements graph.Op.
func (GreaterOrEqual) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return compare(f, in, out, greaterOrEqual[float32], greaterOrEqual[float64],
		greaterOrEqual[int32], greaterOrEqual[int64], greaterOrEqual[string])
}

// compare runs one of the loops, by the type of the inputs.
func compare(f *graph.Frame, in, out []*tensor.Tensor, f32 loop2[float32, bool], f64 loop2[float64, bool],
	i32 loop2[int32, bool], i64 loop2[int64, bool], str loop2[string, bool],
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
	case tensor.String:
		return zip(f, out[0], in[0], in[1], str)
	default:
		return typeError("numbers or strings", in[0])
	}
}

func equal[T comparable](y []bool, a, b []T) {
	each(y, a, b, func(a, b T) bool { return a == b })
}

func notEqual[T comparable](y []bool, a, b []T) {
	each(y, a, b, func(a, b T) bool { return a != b })
}

func less[T cmp.Ordered](y []bool, a, b []T) {
	each(y, a, b, func(a, b T) bool { return a < b })
}

func lessOrEqual[T cmp.Ordered](y []bool, a, b []T) {
	each(y, a, b, func(a, b T) bool { return a <= b })
}

func greater[T cmp.Ordered](y []bool, a, b []T) {
	each(y, a, b, func(a, b T) bool { return a > b })
}

func greaterOrEqual[T cmp.Ordered](y []bool, a, b []T) {
	each(y, a, b, func(a, b T) bool { return a >= b })
}

// logical runs a loop over two tensors of bools.
func logical(f *graph.Frame, in, out []*tensor.Tensor, fn func(a, b bool) bool) error {
	if err := pair(in, out); err != nil {
		return err
	}
	if in[0].DType() != tensor.Bool {
		return typeError("bools", in[0])
	}
	return zip(f, out[0], in[0], in[1], func(y, a, b []bool) { each(y, a, b, fn) })
}

// And is true where a and b are.
type And struct{}

// Name implements graph.Op.
func (And) Name() string { return "And" }

// Run implements graph.Op.
func (And) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return logical(f, in, out, func(a, b bool) bool { return a && b })
}

// Or is true where a or b is.
type Or struct{}

// Name implements graph.Op.
func (Or) Name() string { return "Or" }

// Run implements graph.Op.
func (Or) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return logical(f, in, out, func(a, b bool) bool { return a || b })
}

// Xor is true where one of a and b is.
type Xor struct{}

// Name implements graph.Op.
func (Xor) Name() string { return "Xor" }

// Run implements graph.Op.
func (Xor) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return logical(f, in, out, func(a, b bool) bool { return a != b })
}
