package model

import (
	"fmt"
	"math"
	"slices"
	"unsafe"

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
	n.examples = &exampleInput{place}
	for i, feature := range example.Features {
		if feature.Padded {
			n.uneven = append(n.uneven, i)
		}
		n.fields = append(n.fields, Field{
			Name: feature.Name, Kind: kindOf(feature.DType), Required: feature.Required, Shape: feature.Shape,
		})
	}
	return nil
}

// zeros are rows of zeros, or of the text, one for each value, and of what is not required nothing.
func (e *exampleInput) zeros(rows int, fields []Field, text string) []Row {
	row := Row{Values: make([]Value, len(fields))}
	for i, field := range fields {
		if !field.Required {
			continue
		}
		n := field.Count()
		if n < 0 {
			n = 1
		}
		row.Values[i] = Value{
			Set: true, Strs: slices.Repeat([]string{text}, n), Nums: make([]float64, n), Ints: make([]int64, n),
		}
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
		if err := scratch.addExample(&rows[i], fields); err != nil {
			return atRow(err, i)
		}
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

// addExample serializes a row behind the others. What is not set is left out, and the model's default stands for it.
func (s *networkScratch) addExample(row *Row, fields []Field) error {
	s.writer.Reset()
	for i := range fields {
		field := &fields[i]
		if i >= len(row.Values) || !row.Values[i].Set {
			if field.Required {
				return missing(field)
			}
			continue
		}
		v := &row.Values[i]
		n := valuesOf(v, field.Kind)
		if count := field.Count(); count >= 0 && n != count {
			return &InputError{Field: field.Name, Message: fmt.Sprintf("must have %d values, not %d", count, n)}
		}
		if err := s.addFeature(field, v); err != nil {
			return err
		}
	}
	s.message = s.writer.Append(s.message)
	s.ends = append(s.ends, len(s.message))
	return nil
}

func (s *networkScratch) addFeature(field *Field, v *Value) error {
	switch {
	case field.Kind == String && v.Strs == nil:
		s.writer.AddStrings(field.Name, v.Str)
	case field.Kind == String:
		s.writer.AddStrings(field.Name, v.Strs...)
	case field.Kind == Integer && v.Ints == nil:
		s.writer.AddInts(field.Name, v.Int)
	case field.Kind == Integer:
		s.writer.AddInts(field.Name, v.Ints...)
	default:
		s.floats = s.floats[:0]
		if v.Nums == nil {
			s.floats = append(s.floats, float32(v.Num))
		}
		for _, x := range v.Nums {
			s.floats = append(s.floats, float32(x))
		}
		for k, x := range s.floats {
			if math.IsInf(float64(x), 0) && !infinite(v, k) {
				return &InputError{Field: field.Name, Message: "has a number that the model's float32 cannot hold"}
			}
		}
		s.writer.AddFloats(field.Name, s.floats...)
	}
	return nil
}

// infinite says whether the k-th number itself is.
func infinite(v *Value, k int) bool {
	if v.Nums == nil {
		return math.IsInf(v.Num, 0)
	}
	return math.IsInf(v.Nums[k], 0)
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
