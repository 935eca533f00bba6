package model

import (
	"fmt"
	"math"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// exampleInput is a program's input of serialized tf.Example messages, whose features are the request's fields.
type exampleInput struct{ tensor int }

// bindExample makes each feature of the messages a field.
func (n *network) bindExample(example *graph.Example, file string) error {
	place := -1
	for i, in := range n.program.Inputs() {
		if in.Name == example.Input {
			place = i
		} else if in.Default == nil {
			return loadError(contract.ReasonUnsupportedModel, file, fmt.Sprintf(
				"takes tf.Example messages and the input %q; supported is one of the two", in.Name))
		}
	}
	if place < 0 {
		return loadError(contract.ReasonArtifactMalformed, file, fmt.Sprintf(
			"has no input %q for its tf.Example messages", example.Input))
	}
	n.example = &exampleInput{place}
	for _, feature := range example.Features {
		n.fields = append(n.fields, Field{
			Name: feature.Name, Kind: kindOf(feature.DType), Required: feature.Required, Shape: feature.Shape,
		})
	}
	return nil
}

// zeros are rows of zeros, one for each value, and of what is not required nothing.
func (e *exampleInput) zeros(rows int, fields []Field) []Row {
	row := Row{Values: make([]Value, len(fields))}
	for i, field := range fields {
		if !field.Required {
			continue
		}
		n := field.Count()
		if n < 0 {
			n = 1
		}
		row.Values[i] = Value{Set: true, Strs: make([]string, n), Nums: make([]float64, n), Ints: make([]int64, n)}
	}
	out := make([]Row, rows)
	for i := range out {
		out[i] = row
	}
	return out
}

// fill serializes rows into the input.
func (e *exampleInput) fill(scratch *networkScratch, rows []Row, fields []Field) error {
	scratch.message, scratch.ends = scratch.message[:0], scratch.ends[:0]
	for i := range rows {
		var err error
		if scratch.message, err = appendExample(scratch.message, &rows[i], fields); err != nil {
			return atRow(err, i)
		}
		scratch.ends = append(scratch.ends, len(scratch.message))
	}
	t := scratch.run.Input(e.tensor)
	scratch.shape = append(scratch.shape[:0], len(rows))
	t.Resize(tensor.String, scratch.shape...)
	texts, begin := tensor.Data[string](t), 0
	all := unsafe.String(unsafe.SliceData(scratch.message), len(scratch.message)) //nolint:gosec // not written to until the next run
	for i, end := range scratch.ends {
		texts[i] = all[begin:end]
		begin = end
	}
	return nil
}

// appendExample appends a tf.Example: Example{features: 1 {feature: 1 map<string, Feature>}}, where a Feature has a list of
// bytes (1), of floats (2) or of integers (3).
func appendExample(b []byte, row *Row, fields []Field) ([]byte, error) {
	size := 0
	for i := range fields {
		entry, err := sizeOfEntry(row, fields, i)
		if err != nil {
			return b, err
		}
		if entry >= 0 {
			size += 1 + protowire.SizeBytes(entry)
		}
	}
	b = appendHeader(b, 1, size)
	for i := range fields {
		if entry, _ := sizeOfEntry(row, fields, i); entry >= 0 {
			b = appendHeader(b, 1, entry)
			b = protowire.AppendTag(b, 1, protowire.BytesType)
			b = protowire.AppendString(b, fields[i].Name)
			list := sizeOfList(&row.Values[i], fields[i].Kind)
			b = appendHeader(b, 2, 1+protowire.SizeBytes(list))
			b = appendList(b, &row.Values[i], fields[i].Kind, list)
		}
	}
	return b, nil
}

func appendHeader(b []byte, field protowire.Number, size int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.BytesType), uint64(size))
}

// sizeOfEntry is that of a field in the map; -1 where the row leaves it out.
func sizeOfEntry(row *Row, fields []Field, i int) (int, error) {
	field := &fields[i]
	if i >= len(row.Values) || !row.Values[i].Set {
		if field.Required {
			return 0, missing(field)
		}
		return -1, nil
	}
	v := &row.Values[i]
	n := valuesOf(v, field.Kind)
	if count := field.Count(); count >= 0 && n != count {
		return 0, &InputError{Field: field.Name, Message: fmt.Sprintf("must have %d values, not %d", count, n)}
	}
	if field.Kind == Number {
		for k := range n {
			if x := number(v, k); math.IsInf(float64(float32(x)), 0) && !math.IsInf(x, 0) {
				return 0, &InputError{Field: field.Name, Message: fmt.Sprintf("has %v, which the model's float32 cannot hold", x)}
			}
		}
	}
	list := sizeOfList(v, field.Kind)
	return 1 + protowire.SizeBytes(len(field.Name)) + 1 + protowire.SizeBytes(1+protowire.SizeBytes(list)), nil
}

// valuesOf is how many values of its kind there are.
func valuesOf(v *Value, kind Kind) int {
	switch {
	case kind == String && v.Strs != nil:
		return len(v.Strs)
	case kind == Number && v.Nums != nil:
		return len(v.Nums)
	case kind == Integer && v.Ints != nil:
		return len(v.Ints)
	default:
		return 1
	}
}

// number is the k-th of a value's.
func number(v *Value, k int) float64 {
	if v.Nums == nil {
		return v.Num
	}
	return v.Nums[k]
}

// sizeOfList is that of the list's message.
func sizeOfList(v *Value, kind Kind) int {
	switch {
	case kind == String && v.Strs == nil:
		return 1 + protowire.SizeBytes(len(v.Str))
	case kind == String:
		size := 0
		for _, s := range v.Strs {
			size += 1 + protowire.SizeBytes(len(s))
		}
		return size
	case kind == Number && v.Nums == nil:
		return 1 + protowire.SizeBytes(4)
	case kind == Number:
		return 1 + protowire.SizeBytes(4*len(v.Nums))
	default:
		return 1 + protowire.SizeBytes(sizeOfIntegers(v))
	}
}

func sizeOfIntegers(v *Value) int {
	if v.Ints == nil {
		return protowire.SizeVarint(uint64(v.Int))
	}
	size := 0
	for _, n := range v.Ints {
		size += protowire.SizeVarint(uint64(n))
	}
	return size
}

// appendList appends a Feature's list, whose message has the given size.
func appendList(b []byte, v *Value, kind Kind, size int) []byte {
	switch {
	case kind == String && v.Strs == nil:
		b = appendHeader(b, 1, size)
		return protowire.AppendString(protowire.AppendTag(b, 1, protowire.BytesType), v.Str)
	case kind == String:
		b = appendHeader(b, 1, size)
		for _, s := range v.Strs {
			b = protowire.AppendString(protowire.AppendTag(b, 1, protowire.BytesType), s)
		}
		return b
	case kind == Number && v.Nums == nil:
		b = appendHeader(appendHeader(b, 2, size), 1, 4)
		return protowire.AppendFixed32(b, math.Float32bits(float32(v.Num)))
	case kind == Number:
		b = appendHeader(appendHeader(b, 2, size), 1, 4*len(v.Nums))
		for _, x := range v.Nums {
			b = protowire.AppendFixed32(b, math.Float32bits(float32(x)))
		}
		return b
	}
	b = appendHeader(appendHeader(b, 3, size), 1, sizeOfIntegers(v))
	if v.Ints == nil {
		return protowire.AppendVarint(b, uint64(v.Int))
	}
	for _, n := range v.Ints {
		b = protowire.AppendVarint(b, uint64(n))
	}
	return b
}
