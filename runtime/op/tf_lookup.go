package op

import (
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// TableLookup looks up the first input's elements among the keys, which are the second, and takes the value in the same place of
// the third, or the fourth, a single value, where there is no such key. Keys are strings or integers; values are of any
// type. A key that comes twice with different values is an error, unless Replace is set: then the last one counts.
type TableLookup struct {
	Replace bool
	index   *tableIndex
}

// tableIndex says where each key is.
type tableIndex struct {
	strings map[string]int
	ints    map[int64]int
}

// Name implements graph.Op.
func (TableLookup) Name() string { return "TableLookup" }

// Prepare implements graph.Preparer: the table is built once where its contents are constant.
func (o TableLookup) Prepare(constants []*tensor.Tensor) (graph.Op, error) {
	if len(constants) != 4 || constants[1] == nil || constants[2] == nil {
		return o, nil
	}
	index, err := o.build(constants[1], constants[2])
	if err != nil {
		return nil, err
	}
	return TableLookup{Replace: o.Replace, index: index}, nil
}

// build makes the index of a table's contents.
func (o TableLookup) build(keys, values *tensor.Tensor) (*tableIndex, error) {
	if keys.Len() != values.Len() {
		return nil, fmt.Errorf("a table of %d keys and %d values", keys.Len(), values.Len())
	}
	index := &tableIndex{}
	switch keys.DType() {
	case tensor.String:
		index.strings = make(map[string]int, keys.Len())
		for i, key := range tensor.Data[string](keys) {
			if was, ok := index.strings[key]; ok && !o.Replace && !sameElement(values, was, i) {
				return nil, fmt.Errorf("a table with two values for the key %.100q", key)
			}
			index.strings[key] = i
		}
		return index, nil
	case tensor.Int32, tensor.Int64:
		index.ints = make(map[int64]int, keys.Len())
		for i := range keys.Len() {
			key := int64(intAt(keys, i))
			if was, ok := index.ints[key]; ok && !o.Replace && !sameElement(values, was, i) {
				return nil, fmt.Errorf("a table with two values for the key %d", key)
			}
			index.ints[key] = i
		}
		return index, nil
	default:
		return nil, typeError("strings or integers as keys of a table", keys)
	}
}

func sameElement(t *tensor.Tensor, i, j int) bool {
	switch t.DType() {
	case tensor.Float32:
		return tensor.Data[float32](t)[i] == tensor.Data[float32](t)[j]
	case tensor.Float64:
		return tensor.Data[float64](t)[i] == tensor.Data[float64](t)[j]
	case tensor.Int32, tensor.Int64:
		return intAt(t, i) == intAt(t, j)
	case tensor.Bool:
		return tensor.Data[bool](t)[i] == tensor.Data[bool](t)[j]
	default:
		return tensor.Data[string](t)[i] == tensor.Data[string](t)[j]
	}
}

// Run implements graph.Op.
func (o TableLookup) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 4, 4); err != nil {
		return err
	}
	x, keys, values, otherwise := in[0], in[1], in[2], in[3]
	if otherwise.Len() != 1 {
		return fmt.Errorf("the value for other keys must be one, not %v", otherwise)
	}
	if err := sameType(values, otherwise); err != nil {
		return err
	}
	index := o.index
	if index == nil {
		var err error
		if index, err = o.build(keys, values); err != nil {
			return err
		}
	}
	if err := f.Resize(out[0], values.DType(), x.Shape()...); err != nil {
		return err
	}
	switch {
	case index.strings != nil && x.DType() == tensor.String:
		find(out[0], values, otherwise, tensor.Data[string](x), index.strings)
	case index.ints != nil && x.DType() == tensor.Int64:
		find(out[0], values, otherwise, tensor.Data[int64](x), index.ints)
	case index.ints != nil && x.DType() == tensor.Int32:
		wide := f.Scratch(0)
		if err := f.Resize(wide, tensor.Int64, x.Len()); err != nil {
			return err
		}
		for i, v := range tensor.Data[int32](x) {
			tensor.Data[int64](wide)[i] = int64(v)
		}
		find(out[0], values, otherwise, tensor.Data[int64](wide), index.ints)
	default:
		return fmt.Errorf("looks up %v in a table whose keys are %v", x, keys)
	}
	return nil
}

// find fills y, by the type of the values.
func find[K comparable](y, values, otherwise *tensor.Tensor, keys []K, index map[K]int) {
	switch values.DType() {
	case tensor.Float32:
		findEach[K, float32](y, values, otherwise, keys, index)
	case tensor.Float64:
		findEach[K, float64](y, values, otherwise, keys, index)
	case tensor.Int32:
		findEach[K, int32](y, values, otherwise, keys, index)
	case tensor.Int64:
		findEach[K, int64](y, values, otherwise, keys, index)
	case tensor.Bool:
		findEach[K, bool](y, values, otherwise, keys, index)
	default:
		findEach[K, string](y, values, otherwise, keys, index)
	}
}

func findEach[K comparable, V tensor.Element](y, values, otherwise *tensor.Tensor, keys []K, index map[K]int) {
	to, from, missing := tensor.Data[V](y), tensor.Data[V](values), tensor.Data[V](otherwise)[0]
	for i, key := range keys {
		to[i] = missing
		if at, ok := index[key]; ok {
			to[i] = from[at]
		}
	}
}
