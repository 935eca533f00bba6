package op

import (
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Where is, for elements of any type, the second input where the first, of bools, is true, and the third elsewhere. All
// three are broadcast together.
type Where struct{}

// Name implements graph.Op.
func (Where) Name() string { return "Where" }

// Run implements graph.Op.
func (Where) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 3, 3); err != nil {
		return err
	}
	if in[0].DType() != tensor.Bool {
		return typeError("bools as its condition", in[0])
	}
	if err := sameType(in[1], in[2]); err != nil {
		return err
	}
	switch in[1].DType() {
	case tensor.Float32:
		return where[float32](f, in, out[0])
	case tensor.Float64:
		return where[float64](f, in, out[0])
	case tensor.Int32:
		return where[int32](f, in, out[0])
	case tensor.Int64:
		return where[int64](f, in, out[0])
	case tensor.Bool:
		return where[bool](f, in, out[0])
	default:
		return where[string](f, in, out[0])
	}
}

func where[T tensor.Element](f *graph.Frame, in []*tensor.Tensor, out *tensor.Tensor) error {
	br, err := newBroadcast(in[0].Shape(), in[1].Shape(), in[2].Shape())
	if err != nil {
		return err
	}
	if err := f.Resize(out, in[1].DType(), br.shape[:br.rank]...); err != nil {
		return err
	}
	condition, yes, no, y := tensor.Data[bool](in[0]), tensor.Data[T](in[1]), tensor.Data[T](in[2]), tensor.Data[T](out)
	c, i, j := br.step[0][0], br.step[1][0], br.step[2][0]
	br.walk(len(y), func(result, p, q, r int) {
		for k := range br.size[0] {
			if condition[p+k*c] {
				y[result+k] = yes[q+k*i]
			} else {
				y[result+k] = no[r+k*j]
			}
		}
	})
	return nil
}

// Clip is x, and at least the second input and at most the third, each of which is one number of the type of x, or
// absent. NaN stays. Where the least is above the most, all become the most.
type Clip struct{}

// Name implements graph.Op.
func (Clip) Name() string { return "Clip" }

// Run implements graph.Op.
func (Clip) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 3); err != nil {
		return err
	}
	for _, limit := range []*tensor.Tensor{given(in, 1), given(in, 2)} {
		if limit != nil && (limit.DType() != in[0].DType() || limit.Len() != 1) {
			return typeError("one number of the type of "+in[0].String()+" as its limit", limit)
		}
	}
	switch in[0].DType() {
	case tensor.Float32:
		return clip[float32](f, in, out[0])
	case tensor.Float64:
		return clip[float64](f, in, out[0])
	case tensor.Int32:
		return clip[int32](f, in, out[0])
	case tensor.Int64:
		return clip[int64](f, in, out[0])
	default:
		return typeError("numbers", in[0])
	}
}

func clip[T number](f *graph.Frame, in []*tensor.Tensor, out *tensor.Tensor) error {
	if err := like(f, out, in[0]); err != nil {
		return err
	}
	y, x := tensor.Data[T](out), tensor.Data[T](in[0])
	copy(y, x)
	if least := given(in, 1); least != nil {
		from := tensor.Data[T](least)[0]
		for i, v := range y {
			if v < from {
				y[i] = from
			}
		}
	}
	if most := given(in, 2); most != nil {
		to := tensor.Data[T](most)[0]
		for i, v := range y {
			if v > to {
				y[i] = to
			}
		}
	}
	return nil
}
