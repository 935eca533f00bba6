package op

import (
	"fmt"
	"math"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// BatchNormalization is Scale·(x - mean)/√(variance + Epsilon) + B, for each channel, which is the second dimension of x.
// Inputs are x, and, with a number for each channel, scale, B, mean and variance. All are of one type of floats.
type BatchNormalization struct{ Epsilon float32 }

// Name implements graph.Op.
func (BatchNormalization) Name() string { return "BatchNormalization" }

// Run implements graph.Op.
func (o BatchNormalization) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 5, 5); err != nil {
		return err
	}
	x := in[0]
	channels := 1
	if x.Rank() > 1 {
		channels = x.Shape()[1]
	}
	for _, t := range in[1:] {
		if t.DType() != x.DType() || t.Rank() != 1 || t.Len() != channels {
			return fmt.Errorf("takes a number for each channel of %v, not %v", x, t)
		}
	}
	if err := like(f, out[0], x); err != nil {
		return err
	}
	switch {
	case x.DType() != tensor.Float32 && x.DType() != tensor.Float64:
		return typeError("floats", x)
	case x.Len() == 0:
		return nil
	case x.DType() == tensor.Float32:
		batchNormalize[float32](out[0], in, channels, o.Epsilon)
	default:
		batchNormalize[float64](out[0], in, channels, o.Epsilon)
	}
	return nil
}

func batchNormalize[T float](out *tensor.Tensor, in []*tensor.Tensor, channels int, epsilon float32) {
	y, x := tensor.Data[T](out), tensor.Data[T](in[0])
	scale, b, mean, variance := tensor.Data[T](in[1]), tensor.Data[T](in[2]), tensor.Data[T](in[3]), tensor.Data[T](in[4])
	inner := 1
	if in[0].Rank() > 2 {
		inner = tensor.Count(in[0].Shape()[2:])
	}
	for c := range channels {
		factor := T(float64(scale[c]) / math.Sqrt(float64(variance[c])+float64(epsilon)))
		offset := b[c] - mean[c]*factor
		for from := c * inner; from < len(x); from += channels * inner {
			for i := from; i < from+inner; i++ {
				y[i] = x[i]*factor + offset
			}
		}
	}
}

// LayerNormalization makes the mean of the dimensions from Axis on 0 and their variance 1, nearly, as Epsilon is added to it;
// then it multiplies by the second input, and adds the third, if there is one. Both are broadcast to x. The second and third
// output, if asked for, are the mean and 1/√(variance + Epsilon).
type LayerNormalization struct {
	Axis    int
	Epsilon float32
}

// Name implements graph.Op.
func (LayerNormalization) Name() string { return "LayerNormalization" }

// Run implements graph.Op.
func (o LayerNormalization) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 2, 3); err != nil {
		return err
	}
	x := in[0]
	axis, err := axisOf(o.Axis, x.Rank())
	if err != nil {
		return err
	}
	for _, t := range in[1:] {
		if t == nil {
			continue
		}
		if err := sameType(x, t); err != nil {
			return err
		}
		if br, err := newBroadcast(x.Shape(), t.Shape()); err != nil || !slices.Equal(br.shape[:br.rank], x.Shape()) {
			return fmt.Errorf("%v cannot be broadcast to %v", t, x)
		}
	}
	if len(out) > 3 {
		return fmt.Errorf("has three outputs, not %d", len(out))
	}
	var shape dims
	copy(shape[:], x.Shape())
	for d := axis; d < x.Rank(); d++ {
		shape[d] = 1
	}
	stats := [2]*tensor.Tensor{f.Scratch(0), f.Scratch(1)}
	for i := range stats {
		if i+1 < len(out) {
			stats[i] = out[i+1]
		}
		if err := f.Resize(stats[i], x.DType(), shape[:x.Rank()]...); err != nil {
			return err
		}
	}
	switch x.DType() {
	case tensor.Float32:
		return layerNormalize[float32](f, o, in, out[0], stats, axis)
	case tensor.Float64:
		return layerNormalize[float64](f, o, in, out[0], stats, axis)
	default:
		return typeError("floats", x)
	}
}

func layerNormalize[T float](f *graph.Frame, o LayerNormalization, in []*tensor.Tensor, out *tensor.Tensor,
	stats [2]*tensor.Tensor, axis int,
) error {
	if err := like(f, out, in[0]); err != nil {
		return err
	}
	n := tensor.Count(in[0].Shape()[axis:])
	y, x := tensor.Data[T](out), tensor.Data[T](in[0])
	if len(x) == 0 {
		return nil
	}
	means, deviations := tensor.Data[T](stats[0]), tensor.Data[T](stats[1])
	for row := range len(x) / n {
		from := x[row*n : (row+1)*n]
		mean := sum(vector[T]{from, n, 1}) / float64(n)
		variance := 0.0
		for _, v := range from {
			variance += (float64(v) - mean) * (float64(v) - mean)
		}
		// Of huge numbers, the variance is infinite in their type, and 0 is left of them, as in the frameworks.
		by := 1 / math.Sqrt(float64(T(variance/float64(n)))+float64(o.Epsilon))
		for i, v := range from {
			y[row*n+i] = T((float64(v) - mean) * by)
		}
		means[row], deviations[row] = T(mean), T(by)
	}
	inPlace(y, in[0].Shape(), in[1], mul[T])
	if b := given(in, 2); b != nil {
		inPlace(y, in[0].Shape(), b, add[T])
	}
	return nil
}

// inPlace runs a loop over y, of that shape, and b, which can be broadcast to it.
func inPlace[T number](y []T, shape []int, b *tensor.Tensor, loop loop2[T, T]) {
	br, err := newBroadcast(shape, b.Shape())
	if err != nil {
		return
	}
	data := tensor.Data[T](b)
	br.walk(len(y), func(result, _, at, _ int) {
		row := y[result : result+br.size[0]]
		loop(row, row, part(&br, 1, data, at))
	})
}
