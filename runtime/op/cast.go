package op

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Cast converts elements to another type. Floats are rounded towards zero to integers; what does not fit, NaN too, becomes
// the smallest integer, as it does in the frameworks on amd64. What is not zero, NaN too, is true. Numbers are read
// of strings as Go, C and Python all write them ("inf" and "nan" in either case); a string that has none is an error.
// Floats are written to strings with 8 digits, as ONNX Runtime does; bools as 1 and 0. Making strings
// allocates once in a run.
type Cast struct{ To tensor.DType }

// Name implements graph.Op.
func (Cast) Name() string { return "Cast" }

// Run implements graph.Op.
func (o Cast) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	return castTo(f, out[0], in[0], o.To)
}

// CastLike converts its first input to the type of the second, as Cast does.
type CastLike struct{}

// Name implements graph.Op.
func (CastLike) Name() string { return "CastLike" }

// Run implements graph.Op.
func (CastLike) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 2, 2); err != nil {
		return err
	}
	return castTo(f, out[0], in[0], in[1].DType())
}

// castTo makes y a view of x where the types are the same.
func castTo(f *graph.Frame, y, x *tensor.Tensor, to tensor.DType) error {
	if x.DType() == to {
		y.View(x, x.Shape()...)
		return nil
	}
	if to < tensor.Float32 || to > tensor.String {
		return fmt.Errorf("cannot convert to %v", to)
	}
	if err := f.Resize(y, to, x.Shape()...); err != nil {
		return err
	}
	switch x.DType() {
	case tensor.Float32:
		return castFrom(f, y, tensor.Data[float32](x))
	case tensor.Float64:
		return castFrom(f, y, tensor.Data[float64](x))
	case tensor.Int32:
		return castFrom(f, y, tensor.Data[int32](x))
	case tensor.Int64:
		return castFrom(f, y, tensor.Data[int64](x))
	case tensor.Bool:
		return castBools(y, tensor.Data[bool](x))
	default:
		return parse(y, tensor.Data[string](x))
	}
}

// castFrom converts numbers to whatever y has.
func castFrom[T number](f *graph.Frame, y *tensor.Tensor, x []T) error {
	switch y.DType() {
	case tensor.Float32:
		data := tensor.Data[float32](y)
		for i, v := range x {
			data[i] = float32(v)
		}
	case tensor.Float64:
		data := tensor.Data[float64](y)
		for i, v := range x {
			data[i] = float64(v)
		}
	case tensor.Int32:
		toInts(tensor.Data[int32](y), x, math.MinInt32, 1<<31)
	case tensor.Int64:
		toInts(tensor.Data[int64](y), x, math.MinInt64, 1<<63)
	case tensor.Bool:
		data := tensor.Data[bool](y)
		for i, v := range x {
			data[i] = v != 0
		}
	default:
		return write(f, tensor.Data[string](y), x)
	}
	return nil
}

// toInts rounds towards zero. smallest is the smallest of R, and beyond the first number that is too large.
func toInts[R int32 | int64, T number](y []R, x []T, smallest R, beyond float64) {
	if T(1)/2 == 0 { // T is of integers, which wrap around
		for i, v := range x {
			y[i] = R(v)
		}
		return
	}
	for i, v := range x {
		if wide := float64(v); wide > -beyond-1 && wide < beyond {
			y[i] = R(wide)
		} else {
			y[i] = smallest
		}
	}
}

func castBools(y *tensor.Tensor, x []bool) error {
	switch y.DType() {
	case tensor.Float32:
		choose(tensor.Data[float32](y), x, 1)
	case tensor.Float64:
		choose(tensor.Data[float64](y), x, 1)
	case tensor.Int32:
		choose(tensor.Data[int32](y), x, 1)
	case tensor.Int64:
		choose(tensor.Data[int64](y), x, 1)
	default:
		data := tensor.Data[string](y)
		for i, v := range x {
			data[i] = "0"
			if v {
				data[i] = "1"
			}
		}
	}
	return nil
}

// choose sets one where x is true, and zero elsewhere.
func choose[T number](y []T, x []bool, one T) {
	for i, v := range x {
		y[i] = 0
		if v {
			y[i] = one
		}
	}
}

// parse reads numbers of strings.
func parse(y *tensor.Tensor, x []string) error {
	for i, s := range x {
		s = strings.TrimSpace(s)
		var err error
		switch y.DType() {
		case tensor.Float32:
			var v float64
			v, err = parseFloat(s, 32)
			tensor.Data[float32](y)[i] = float32(v)
		case tensor.Float64:
			tensor.Data[float64](y)[i], err = parseFloat(s, 64)
		case tensor.Int32:
			var v int64
			v, err = strconv.ParseInt(s, 10, 32)
			tensor.Data[int32](y)[i] = int32(v)
		case tensor.Int64:
			tensor.Data[int64](y)[i], err = strconv.ParseInt(s, 10, 64)
		default:
			return fmt.Errorf("cannot convert strings to %v", y.DType())
		}
		if err != nil {
			return fmt.Errorf("cannot read a number of the element %d, %.40q", i, s)
		}
	}
	return nil
}

// parseFloat rounds what is too large to infinity, as C does.
func parseFloat(s string, bits int) (float64, error) {
	v, err := strconv.ParseFloat(s, bits)
	if err != nil && math.IsInf(v, 0) {
		return v, nil
	}
	return v, err
}

// write makes strings of numbers, all of them parts of one.
func write[T number](f *graph.Frame, y []string, x []T) error {
	var text []byte
	ends := f.Scratch(castEnds)
	if err := f.Resize(ends, tensor.Int64, len(x)); err != nil {
		return err
	}
	end := tensor.Data[int64](ends)
	for i, v := range x {
		text = appendNumber(text, v)
		end[i] = int64(len(text))
	}
	whole, start := string(text), int64(0)
	for i := range y {
		y[i] = whole[start:end[i]]
		start = end[i]
	}
	return nil
}

// castEnds is the scratch tensor of write, apart from those of its callers.
const castEnds = 7

func appendNumber[T number](text []byte, v T) []byte {
	switch v := any(v).(type) {
	case float32:
		return appendFloat(text, float64(v))
	case float64:
		return appendFloat(text, v)
	case int32:
		return strconv.AppendInt(text, int64(v), 10)
	case int64:
		return strconv.AppendInt(text, v, 10)
	}
	return text
}

// appendFloat writes as C's printf does with %.8g.
func appendFloat(text []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(text, "NaN"...)
	case math.IsInf(v, 1):
		return append(text, "INF"...)
	case math.IsInf(v, -1):
		return append(text, "-INF"...)
	}
	return fmt.Appendf(text, "%.8g", v)
}
