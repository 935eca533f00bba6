package op

import (
	"fmt"
	"math"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Erfc is 1 less the error function.
type Erfc struct{}

// Name implements graph.Op.
func (Erfc) Name() string { return "Erfc" }

// Run implements graph.Op.
func (Erfc) Run(f *graph.Frame, in, out []*tensor.Tensor) error { return floats(f, in, out, math.Erfc) }

// Bucketize is, for each number, how many of the boundaries, which are in order, are not above it: an int32. NaN is above all.
// Numbers that are no float64s are compared as float32s, and subnormal ones as zero.
type Bucketize struct{ Boundaries []float32 }

// Name implements graph.Op.
func (Bucketize) Name() string { return "Bucketize" }

// Run implements graph.Op.
func (o Bucketize) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	if !slices.IsSorted(o.Boundaries) {
		return fmt.Errorf("the boundaries are not in order")
	}
	x := in[0]
	if err := f.Resize(out[0], tensor.Int32, x.Shape()...); err != nil {
		return err
	}
	y := tensor.Data[int32](out[0])
	switch x.DType() {
	case tensor.Float32:
		for i, v := range tensor.Data[float32](x) {
			v = flushed(v)
			y[i] = above(len(o.Boundaries), func(k int) bool { return v < o.Boundaries[k] })
		}
	case tensor.Float64:
		for i, v := range tensor.Data[float64](x) {
			y[i] = above(len(o.Boundaries), func(k int) bool { return v < float64(o.Boundaries[k]) })
		}
	case tensor.Int32:
		bucketize(y, tensor.Data[int32](x), o.Boundaries)
	case tensor.Int64:
		bucketize(y, tensor.Data[int64](x), o.Boundaries)
	default:
		return typeError("numbers", x)
	}
	return nil
}

// flushed is v, or zero where it is so small that it has fewer digits: TensorFlow computes with the processor set to that.
func flushed(v float32) float32 {
	const smallest = 0x1p-126
	if v > -smallest && v < smallest {
		return v * 0 // with its sign
	}
	return v
}

func bucketize[T int32 | int64](y []int32, x []T, boundaries []float32) {
	for i, v := range x {
		v := float32(v)
		y[i] = above(len(boundaries), func(k int) bool { return v < boundaries[k] })
	}
}

// above is the first of n places that is so, as all after it are; n where none is.
func above(n int, is func(i int) bool) int32 {
	from, to := 0, n
	for from < to {
		if middle := (from + to) / 2; is(middle) {
			to = middle
		} else {
			from = middle + 1
		}
	}
	return int32(from)
}

// DenseBincount counts how often each number below the second input, Size, comes up in the first: in all of it, or, where
// that is a matrix, in each row. Where the third input has elements, one for each of the first's, it adds those up
// instead. With Binary, it is 1 for each number that comes up. Numbers from Size on are passed over; negative ones are an error.
// The result is of the third input's type.
type DenseBincount struct{ Binary bool }

// Name implements graph.Op.
func (DenseBincount) Name() string { return "DenseBincount" }

// Run implements graph.Op.
func (o DenseBincount) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 3, 3); err != nil {
		return err
	}
	x, weights := in[0], in[2]
	size, err := singleInt("the size", in[1])
	if err != nil {
		return err
	}
	if !isInt(x) || x.Rank() > 2 {
		return typeError("a list or a matrix of integers", x)
	}
	if weights.Len() != 0 && weights.Len() != x.Len() {
		return fmt.Errorf("%d weights for %d numbers", weights.Len(), x.Len())
	}
	shape := [2]int{1, size}
	if x.Rank() == 2 {
		shape[0] = x.Shape()[0]
	}
	if err := f.Resize(out[0], weights.DType(), shape[2-max(1, x.Rank()):]...); err != nil {
		return err
	}
	out[0].Clear()
	switch weights.DType() {
	case tensor.Float32:
		return bincount[float32](out[0], x, weights, shape, o.Binary)
	case tensor.Float64:
		return bincount[float64](out[0], x, weights, shape, o.Binary)
	case tensor.Int32:
		return bincount[int32](out[0], x, weights, shape, o.Binary)
	case tensor.Int64:
		return bincount[int64](out[0], x, weights, shape, o.Binary)
	default:
		return typeError("numbers as weights", weights)
	}
}

func bincount[T number](y, x, weights *tensor.Tensor, shape [2]int, binary bool) error {
	counts, w := tensor.Data[T](y), tensor.Data[T](weights)
	n := x.Len()
	for i := range n {
		v := intAt(x, i)
		if v < 0 {
			return fmt.Errorf("counts the number %d, which is negative", v)
		}
		if v >= shape[1] {
			continue
		}
		at := i/(n/shape[0])*shape[1] + v
		switch {
		case binary:
			counts[at] = 1
		case len(w) > 0:
			counts[at] += w[i]
		default:
			counts[at]++
		}
	}
	return nil
}

// FusedBatchNorm is scale·(x - mean)/√(variance + Epsilon) + offset, for each channel: the last dimension of x, or, with
// ChannelFirst, the second. Inputs are x, of 2 dimensions at least, and scale, offset, mean and variance, one for each
// channel. With Training, mean and variance are computed of x. All are float32.
type FusedBatchNorm struct {
	Epsilon                float32
	ChannelFirst, Training bool
}

// Name implements graph.Op.
func (FusedBatchNorm) Name() string { return "FusedBatchNorm" }

// Run implements graph.Op.
func (o FusedBatchNorm) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 5, 5); err != nil {
		return err
	}
	x := in[0]
	if x.Rank() < 2 || x.DType() != tensor.Float32 {
		return typeError("float32 of two dimensions or more", x)
	}
	axis := x.Rank() - 1
	if o.ChannelFirst {
		axis = 1
	}
	outer, channels, inner := around(x.Shape(), axis)
	for i, t := range in[1:] {
		if t.DType() != tensor.Float32 || t.Len() != channels && (i < 2 || !o.Training) {
			return fmt.Errorf("takes a float32 for each of %d channels, not %v", channels, t)
		}
	}
	if err := like(f, out[0], x); err != nil {
		return err
	}
	scale, offset := tensor.Data[float32](in[1]), tensor.Data[float32](in[2])
	data, y := tensor.Data[float32](x), tensor.Data[float32](out[0])
	for c := range channels {
		var mean, variance float64
		if o.Training {
			mean, variance = moments(data, outer, channels, inner, c)
		} else {
			mean, variance = float64(tensor.Data[float32](in[3])[c]), float64(tensor.Data[float32](in[4])[c])
		}
		factor := float64(scale[c]) / math.Sqrt(variance+float64(o.Epsilon))
		for b := range outer {
			start := (b*channels + c) * inner
			for i := start; i < start+inner; i++ {
				y[i] = float32((float64(data[i])-mean)*factor + float64(offset[c]))
			}
		}
	}
	return nil
}

// moments are the mean and the variance of one channel.
func moments(data []float32, outer, channels, inner, c int) (mean, variance float64) {
	n := float64(outer * inner)
	for b := range outer {
		for _, v := range data[(b*channels+c)*inner:][:inner] {
			mean += float64(v)
		}
	}
	mean /= n
	for b := range outer {
		for _, v := range data[(b*channels+c)*inner:][:inner] {
			variance += (float64(v) - mean) * (float64(v) - mean)
		}
	}
	return mean, variance / n
}
