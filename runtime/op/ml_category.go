package op

import (
	"fmt"
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// mlIndex finds the first place of a key among those of a tensor. Numbers are found as int64 or by their value, and what is no
// number as such.
type mlIndex struct {
	strings map[string]int32
	ints    map[int64]int32
	floats  map[float64]int32
	nan     int32
}

func newMLIndex(keys *tensor.Tensor) (*mlIndex, error) {
	x := &mlIndex{nan: -1}
	switch keys.DType() {
	case tensor.String:
		x.strings = placesOf(tensor.Data[string](keys), func(v string) string { return v })
	case tensor.Int64:
		x.ints = placesOf(tensor.Data[int64](keys), func(v int64) int64 { return v })
	case tensor.Int32:
		x.ints = placesOf(tensor.Data[int32](keys), func(v int32) int64 { return int64(v) })
	case tensor.Float32:
		x.floats = placesOf(tensor.Data[float32](keys), func(v float32) float64 { return float64(v) })
		x.nan = firstNaN(tensor.Data[float32](keys))
	case tensor.Float64:
		x.floats = placesOf(tensor.Data[float64](keys), func(v float64) float64 { return v })
		x.nan = firstNaN(tensor.Data[float64](keys))
	default:
		return nil, typeError("keys of strings or numbers", keys)
	}
	return x, nil
}

func placesOf[T any, K comparable](keys []T, key func(T) K) map[K]int32 {
	places := make(map[K]int32, len(keys))
	for i, v := range keys {
		if _, known := places[key(v)]; !known {
			places[key(v)] = int32(i)
		}
	}
	return places
}

func firstNaN[T float](keys []T) int32 {
	for i, v := range keys {
		if v != v { //nolint:gocritic // NaN is unequal to itself
			return int32(i)
		}
	}
	return -1
}

func (x *mlIndex) float(v float64) int32 {
	if math.IsNaN(v) {
		return x.nan
	}
	return placeOf(x.floats, v)
}

func placeOf[K comparable](places map[K]int32, key K) int32 {
	if i, known := places[key]; known {
		return i
	}
	return -1
}

// find calls visit with the place of each element, -1 for one that is no key.
func (x *mlIndex) find(t *tensor.Tensor, visit func(i int, place int32)) error {
	switch {
	case x.strings != nil && t.DType() == tensor.String:
		for i, v := range tensor.Data[string](t) {
			visit(i, placeOf(x.strings, v))
		}
	case x.ints != nil && t.DType() == tensor.Int64:
		for i, v := range tensor.Data[int64](t) {
			visit(i, placeOf(x.ints, v))
		}
	case x.ints != nil && t.DType() == tensor.Int32:
		for i, v := range tensor.Data[int32](t) {
			visit(i, placeOf(x.ints, int64(v)))
		}
	case x.floats != nil && t.DType() == tensor.Float32:
		for i, v := range tensor.Data[float32](t) {
			visit(i, x.float(float64(v)))
		}
	case x.floats != nil && t.DType() == tensor.Float64:
		for i, v := range tensor.Data[float64](t) {
			visit(i, x.float(v))
		}
	default:
		return fmt.Errorf("takes what its keys are, not %v", t)
	}
	return nil
}

// LabelEncoder is ai.onnx.ml's: each element that is a key becomes the value of the same place, others a default. Where
// keys are equal, the first counts.
type LabelEncoder struct {
	keys            *mlIndex
	values, dropped *tensor.Tensor
}

// NewLabelEncoder returns one of as many keys as values, and a default of one element, of the values' type.
func NewLabelEncoder(keys, values, otherwise *tensor.Tensor) (*LabelEncoder, error) {
	if keys.Len() != values.Len() {
		return nil, fmt.Errorf("%d keys for %d values", keys.Len(), values.Len())
	}
	if otherwise.Len() != 1 || otherwise.DType() != values.DType() {
		return nil, fmt.Errorf("a default of %v for values of %v", otherwise, values)
	}
	x, err := newMLIndex(keys)
	if err != nil {
		return nil, err
	}
	return &LabelEncoder{x, values, otherwise}, nil
}

// Name implements graph.Op.
func (*LabelEncoder) Name() string { return "LabelEncoder" }

// Run implements graph.Op.
func (o *LabelEncoder) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	if err := f.Resize(out[0], o.values.DType(), in[0].Shape()...); err != nil {
		return err
	}
	switch o.values.DType() {
	case tensor.String:
		return encode[string](o, out[0], in[0])
	case tensor.Int64:
		return encode[int64](o, out[0], in[0])
	case tensor.Int32:
		return encode[int32](o, out[0], in[0])
	case tensor.Float32:
		return encode[float32](o, out[0], in[0])
	case tensor.Float64:
		return encode[float64](o, out[0], in[0])
	default:
		return typeError("values of strings or numbers", o.values)
	}
}

func encode[T tensor.Element](o *LabelEncoder, y, x *tensor.Tensor) error {
	data, values, otherwise := tensor.Data[T](y), tensor.Data[T](o.values), tensor.Data[T](o.dropped)[0]
	return o.keys.find(x, func(i int, place int32) {
		if place < 0 {
			data[i] = otherwise
		} else {
			data[i] = values[place]
		}
	})
}

// CategoryMapper is ai.onnx.ml's, and LabelEncoder's first version: strings become the integers of the same place, integers
// the strings.
type CategoryMapper struct{ toInts, toStrings *LabelEncoder }

// NewCategoryMapper returns one of as many strings as integers, and what others become.
func NewCategoryMapper(strings []string, ints []int64, otherString string, otherInt int64) (*CategoryMapper, error) {
	s, i := tensor.Of(strings, len(strings)), tensor.Of(ints, len(ints))
	toInts, err := NewLabelEncoder(s, i, tensor.Of([]int64{otherInt}, 1))
	if err != nil {
		return nil, err
	}
	toStrings, err := NewLabelEncoder(i, s, tensor.Of([]string{otherString}, 1))
	return &CategoryMapper{toInts, toStrings}, err
}

// Name implements graph.Op.
func (*CategoryMapper) Name() string { return "CategoryMapper" }

// Run implements graph.Op.
func (o *CategoryMapper) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	if in[0].DType() == tensor.String {
		return o.toInts.Run(f, in, out)
	}
	return o.toStrings.Run(f, in, out)
}

// CategoryOneHot is ai.onnx.ml's OneHotEncoder: each element becomes a row of Float32 with a 1 at the place of its category.
// Categories are of String, or of Int64, which numbers of any type are converted to.
type CategoryOneHot struct {
	keys   *mlIndex
	count  int
	strict bool
}

// NewCategoryOneHot returns one for the categories. If it is strict, what is none of them is an error, else a row of zeros.
func NewCategoryOneHot(categories *tensor.Tensor, strict bool) (*CategoryOneHot, error) {
	if categories.Len() == 0 {
		return nil, fmt.Errorf("no categories")
	}
	x, err := newMLIndex(categories)
	return &CategoryOneHot{x, categories.Len(), strict}, err
}

// Name implements graph.Op.
func (*CategoryOneHot) Name() string { return "OneHotEncoder" }

// Run implements graph.Op.
func (o *CategoryOneHot) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	x := in[0]
	if x.DType() != tensor.String && x.DType() != tensor.Int64 {
		x = f.Scratch(0)
		if err := castTo(f, x, in[0], tensor.Int64); err != nil {
			return err
		}
	}
	shape := in[0].Shape()
	if len(shape) >= tensor.MaxRank {
		return shapeError("one dimension more", shape)
	}
	var buf dims
	n := copy(buf[:], shape)
	buf[n] = o.count
	if err := f.Resize(out[0], tensor.Float32, buf[:n+1]...); err != nil {
		return err
	}
	y := tensor.Data[float32](out[0])
	clear(y)
	unknown := -1
	err := o.keys.find(x, func(i int, place int32) {
		if place >= 0 {
			y[i*o.count+int(place)] = 1
		} else {
			unknown = i
		}
	})
	if err == nil && unknown >= 0 && o.strict {
		return fmt.Errorf("the element %d is of no known category", unknown)
	}
	return err
}
