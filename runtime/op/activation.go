package op

import (
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Activations take floats of either type. NaN gives NaN, unless it is said otherwise.

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// softplus does not overflow.
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// Sigmoid is 1 / (1 + e^-x).
type Sigmoid struct{}

// Name implements graph.Op.
func (Sigmoid) Name() string { return "Sigmoid" }

// Run implements graph.Op.
func (Sigmoid) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return vectorized(f, in, out, f.Kernels().Sigmoid, sigmoid)
}

// Tanh is the hyperbolic tangent of x.
type Tanh struct{}

// Name implements graph.Op.
func (Tanh) Name() string { return "Tanh" }

// Run implements graph.Op.
func (Tanh) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return vectorized(f, in, out, f.Kernels().Tanh, math.Tanh)
}

// Softplus is ln(1 + e^x).
type Softplus struct{}

// Name implements graph.Op.
func (Softplus) Name() string { return "Softplus" }

// Run implements graph.Op.
func (Softplus) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, softplus)
}

// Softsign is x / (1 + |x|).
type Softsign struct{}

// Name implements graph.Op.
func (Softsign) Name() string { return "Softsign" }

// Run implements graph.Op.
func (Softsign) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, func(x float64) float64 { return x / (1 + math.Abs(x)) })
}

// HardSigmoid is Alpha·x + Beta, within 0 and 1.
type HardSigmoid struct{ Alpha, Beta float32 }

// Name implements graph.Op.
func (HardSigmoid) Name() string { return "HardSigmoid" }

// Run implements graph.Op.
func (o HardSigmoid) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, func(x float64) float64 {
		return min(1, max(0, float64(o.Alpha)*x+float64(o.Beta)))
	})
}

// HardSwish is x · max(0, min(1, x/6 + 1/2)).
type HardSwish struct{}

// Name implements graph.Op.
func (HardSwish) Name() string { return "HardSwish" }

// Run implements graph.Op.
func (HardSwish) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, func(x float64) float64 { return x * min(1, max(0, x/6+0.5)) })
}

// LeakyRelu is x, and Alpha·x below 0.
type LeakyRelu struct{ Alpha float32 }

// Name implements graph.Op.
func (LeakyRelu) Name() string { return "LeakyRelu" }

// Run implements graph.Op.
func (o LeakyRelu) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, func(x float64) float64 {
		if x < 0 {
			return float64(o.Alpha) * x
		}
		return x
	})
}

// Elu is x, and Alpha·(e^x - 1) below 0.
type Elu struct{ Alpha float32 }

// Name implements graph.Op.
func (Elu) Name() string { return "Elu" }

// Run implements graph.Op.
func (o Elu) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, func(x float64) float64 {
		if x < 0 {
			return float64(o.Alpha) * math.Expm1(x)
		}
		return x
	})
}

// Selu is Gamma·x, and Gamma·Alpha·(e^x - 1) up to 0.
type Selu struct{ Alpha, Gamma float32 }

// Name implements graph.Op.
func (Selu) Name() string { return "Selu" }

// Run implements graph.Op.
func (o Selu) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, func(x float64) float64 {
		if x <= 0 {
			return float64(o.Gamma) * float64(o.Alpha) * math.Expm1(x)
		}
		return float64(o.Gamma) * x
	})
}

// Celu is x, and Alpha·(e^(x/Alpha) - 1) below 0.
type Celu struct{ Alpha float32 }

// Name implements graph.Op.
func (Celu) Name() string { return "Celu" }

// Run implements graph.Op.
func (o Celu) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, func(x float64) float64 {
		alpha := float64(o.Alpha)
		return max(0, x) + min(0, alpha*math.Expm1(x/alpha))
	})
}

// ThresholdedRelu is x above Alpha, and 0 elsewhere.
type ThresholdedRelu struct{ Alpha float32 }

// Name implements graph.Op.
func (ThresholdedRelu) Name() string { return "ThresholdedRelu" }

// Run implements graph.Op.
func (o ThresholdedRelu) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, func(x float64) float64 {
		if x > float64(o.Alpha) {
			return x
		}
		return 0
	})
}

// Mish is x · tanh(ln(1 + e^x)).
type Mish struct{}

// Name implements graph.Op.
func (Mish) Name() string { return "Mish" }

// Run implements graph.Op.
func (Mish) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, func(x float64) float64 { return x * math.Tanh(softplus(x)) })
}

// Swish is x · sigmoid(Alpha·x); SiLU where Alpha is 1.
type Swish struct{ Alpha float32 }

// Name implements graph.Op.
func (Swish) Name() string { return "Swish" }

// Run implements graph.Op.
func (o Swish) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return floats(f, in, out, func(x float64) float64 { return x * sigmoid(float64(o.Alpha)*x) })
}

// Gelu is x times the probability that a normal variable is below x, or, if Tanh is set, the approximation of that by a
// hyperbolic tangent.
type Gelu struct{ Tanh bool }

// Name implements graph.Op.
func (Gelu) Name() string { return "Gelu" }

// Run implements graph.Op.
func (o Gelu) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if o.Tanh {
		return floats(f, in, out, func(x float64) float64 {
			return 0.5 * x * (1 + math.Tanh(math.Sqrt2/math.SqrtPi*(x+0.044715*x*x*x)))
		})
	}
	return floats(f, in, out, func(x float64) float64 { return 0.5 * x * (1 + math.Erf(x/math.Sqrt2)) })
}

// PRelu is x, and slope·x below 0. The slope, the second input, is broadcast to the shape of x.
type PRelu struct{}

// Name implements graph.Op.
func (PRelu) Name() string { return "PRelu" }

// Run implements graph.Op.
func (PRelu) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return arithmetic(f, in, out, prelu[float32], prelu[float64], prelu[int32], prelu[int64])
}

func prelu[T number](y, x, slope []T) {
	each(y, x, slope, func(x, slope T) T {
		if x < 0 {
			return slope * x
		}
		return x
	})
}
