package op

import (
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Relu is max(x, 0), for numbers of any type.
type Relu struct{}

// Name implements graph.Op.
func (Relu) Name() string { return "Relu" }

// Run implements graph.Op.
func (Relu) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	x, y := in[0], out[0]
	if err := f.Resize(y, x.DType(), x.Shape()...); err != nil {
		return err
	}
	switch x.DType() {
	case tensor.Float32:
		relu(tensor.Data[float32](y), tensor.Data[float32](x))
	case tensor.Float64:
		relu(tensor.Data[float64](y), tensor.Data[float64](x))
	default:
		return fmt.Errorf("takes floats, not %v", x)
	}
	return nil
}

func relu[T float32 | float64](dst, src []T) {
	for i, v := range src {
		dst[i] = max(v, 0)
	}
}
