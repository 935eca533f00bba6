package model

import (
	"fmt"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/features"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// fill makes the inputs' tensors of rows.
func (n *network) fill(scratch *networkScratch, rows []Row) error {
	switch {
	case n.examples != nil:
		return n.examples.fill(scratch, rows, n.fields)
	case n.shaped != nil && rows[0].Features == nil:
		return n.fillShaped(scratch, rows)
	}
	for i := range n.inputs {
		in := &n.inputs[i]
		t, each, err := n.resize(scratch, in, rows)
		if err != nil {
			return err
		}
		if err := in.fill(t, each, rows); err != nil {
			return err
		}
	}
	return nil
}

// resize gives an input's tensor its shape, the first row's where it is not known, and says how many values each row has.
func (n *network) resize(scratch *networkScratch, in *input, rows []Row) (t *tensor.Tensor, each int, err error) {
	each = in.count
	if each < 0 {
		if each = length(&rows[0], in.field); each < 0 && in.standIn != nil {
			each = in.standIn.Len()
		} else if each < 0 {
			return nil, 0, missing(&n.fields[in.field])
		}
	}
	scratch.shape = append(scratch.shape[:0], len(rows))
	known := 1
	for _, size := range in.shape {
		if size != graph.Any {
			known *= size
		}
	}
	for _, size := range in.shape {
		if size == graph.Any {
			if known == 0 || each%known != 0 {
				return nil, 0, in.wrongCount(each)
			}
			size = each / known
		}
		scratch.shape = append(scratch.shape, size)
	}
	t = scratch.run.Input(in.tensor)
	t.Resize(in.dtype, scratch.shape...)
	return t, each, nil
}

func (in *input) wrongCount(got int) error {
	if in.count < 0 {
		return &InputError{Field: in.name, Message: fmt.Sprintf("has %d values, which the shape %v has no place for", got, in.shape)}
	}
	return &InputError{Field: in.name, Message: fmt.Sprintf("must have %d values, not %d", in.count, got)}
}

// fill sets a tensor's values to those of the rows.
func (in *input) fill(t *tensor.Tensor, each int, rows []Row) error {
	switch in.dtype {
	case tensor.Float32:
		return fillNumbers(in, tensor.Data[float32](t), each, rows)
	case tensor.Float64:
		return fillNumbers(in, tensor.Data[float64](t), each, rows)
	case tensor.Int32:
		return fillIntegers(in, tensor.Data[int32](t), each, rows)
	case tensor.Int64:
		return fillIntegers(in, tensor.Data[int64](t), each, rows)
	case tensor.Bool:
		return fillBools(in, tensor.Data[bool](t), each, rows)
	default:
		return fillStrings(in, tensor.Data[string](t), each, rows)
	}
}

// value is a row's for the input; nil where it has none.
func (in *input) value(row *Row) *Value {
	if in.field >= len(row.Values) || !row.Values[in.field].Set {
		return nil
	}
	return &row.Values[in.field]
}

// leftOut is for rows without a value: the input's default, or an error.
func leftOut[T tensor.Element](in *input, dst []T, row int) error {
	if in.standIn == nil {
		return atRow(&InputError{Field: in.name, Message: "is missing"}, row)
	}
	if in.standIn.Len() != len(dst) {
		return atRow(in.wrongCount(in.standIn.Len()), row)
	}
	copy(dst, tensor.Data[T](in.standIn))
	return nil
}

func fillNumbers[T float32 | float64](in *input, dst []T, each int, rows []Row) error {
	for i := range rows {
		part := dst[i*each : (i+1)*each]
		from := rows[i].Features
		if from == nil {
			v := in.value(&rows[i])
			switch {
			case v == nil:
				if err := leftOut(in, part, i); err != nil {
					return err
				}
				continue
			case v.Nums == nil && each == 1:
				part[0] = T(v.Num)
				if tooLarge(part[0], v.Num) {
					return atRow(in.outOfRange(v.Num), i)
				}
				continue
			}
			from = v.Nums
		}
		if len(from) != each {
			return atRow(in.wrongLength(&rows[i], len(from)), i)
		}
		for k, x := range from {
			part[k] = T(x)
			if tooLarge(part[k], x) {
				return atRow(in.outOfRange(x), i)
			}
		}
	}
	return nil
}

// wrongLength is wrongCount in the terms of a bare vector.
func (in *input) wrongLength(row *Row, got int) error {
	if row.Features != nil {
		return &InputError{Field: FieldFeatures, Message: fmt.Sprintf("must have %d numbers, not %d", in.count, got)}
	}
	return in.wrongCount(got)
}

// tooLarge says that a finite number has become an infinite one.
func tooLarge[T float32 | float64](made T, x float64) bool {
	return made*0 != 0 && x*0 == 0
}

func (in *input) outOfRange(x any) error {
	return &InputError{Field: in.name, Message: fmt.Sprintf("has %v, which the model's %v cannot hold", x, in.dtype)}
}

func fillIntegers[T int32 | int64](in *input, dst []T, each int, rows []Row) error {
	for i := range rows {
		part := dst[i*each : (i+1)*each]
		v := in.value(&rows[i])
		switch {
		case v == nil:
			if err := leftOut(in, part, i); err != nil {
				return err
			}
		case v.Ints == nil && each == 1:
			part[0] = T(v.Int)
			if int64(part[0]) != v.Int {
				return atRow(in.outOfRange(v.Int), i)
			}
		case len(v.Ints) != each:
			return atRow(in.wrongCount(len(v.Ints)), i)
		default:
			for k, x := range v.Ints {
				part[k] = T(x)
				if int64(part[k]) != x {
					return atRow(in.outOfRange(x), i)
				}
			}
		}
	}
	return nil
}

func fillBools(in *input, dst []bool, each int, rows []Row) error {
	for i := range rows {
		part := dst[i*each : (i+1)*each]
		v := in.value(&rows[i])
		switch {
		case v == nil:
			if err := leftOut(in, part, i); err != nil {
				return err
			}
			continue
		case v.Ints == nil && each == 1:
			part[0] = v.Int != 0
			if v.Int>>1 != 0 {
				return atRow(in.outOfRange(v.Int), i)
			}
			continue
		case len(v.Ints) != each:
			return atRow(in.wrongCount(len(v.Ints)), i)
		}
		for k, x := range v.Ints {
			if x>>1 != 0 {
				return atRow(in.outOfRange(x), i)
			}
			part[k] = x != 0
		}
	}
	return nil
}

func fillStrings(in *input, dst []string, each int, rows []Row) error {
	for i := range rows {
		part := dst[i*each : (i+1)*each]
		v := in.value(&rows[i])
		switch {
		case v == nil:
			if err := leftOut(in, part, i); err != nil {
				return err
			}
		case v.Strs == nil && each == 1:
			part[0] = v.Str
		case len(v.Strs) != each:
			return atRow(in.wrongCount(len(v.Strs)), i)
		default:
			copy(part, v.Strs)
		}
	}
	return nil
}

// fillShaped makes the inputs with the feature set, row by row.
func (n *network) fillShaped(scratch *networkScratch, rows []Row) error {
	outputs := n.shaped.set.Outputs()
	for i := range n.inputs {
		in := &n.inputs[i]
		scratch.shape = append(scratch.shape[:0], len(rows))
		if in.count >= 0 {
			scratch.shape = append(scratch.shape, in.shape...)
		} else {
			scratch.shape = appendKnown(scratch.shape, in, in.width(outputs))
		}
		scratch.run.Input(in.tensor).Resize(in.dtype, scratch.shape...)
	}
	f := n.shaped.set.Acquire()
	defer f.Release()
	for i := range rows {
		if rows[i].Features != nil {
			return atRow(&InputError{Field: FieldFeatures, Message: "cannot stand in a batch with fields"}, i)
		}
		if err := n.shaped.run(f, rows[i].Values); err != nil {
			return atRow(err, i)
		}
		for k := range n.inputs {
			in := &n.inputs[k]
			if err := in.take(f, scratch.run.Input(in.tensor), i, len(rows)); err != nil {
				return atRow(fromFeatures(err), i)
			}
		}
	}
	return nil
}

// width is how many values a feature set makes for the input, or its default has.
func (in *input) width(outputs []features.Output) int {
	if in.field < 0 {
		return in.standIn.Len()
	}
	return outputs[in.field].Width
}

// appendKnown appends the shape of an input of unknown size that is to have so many values.
func appendKnown(shape []int, in *input, width int) []int {
	at := len(shape)
	shape = append(shape, in.shape...)
	known := 1
	for _, size := range in.shape {
		if size != graph.Any {
			known *= size
		}
	}
	unknown := slices.Index(shape[at:], graph.Any)
	shape[at+unknown] = width / max(known, 1)
	return shape
}

// take sets the i-th row of a tensor to what a feature set has made.
func (in *input) take(f *features.Frame, t *tensor.Tensor, i, rows int) error {
	each := t.Len() / rows
	begin, end := i*each, (i+1)*each
	switch in.dtype {
	case tensor.Float32:
		return takeNumbers(in, f, tensor.Data[float32](t)[begin:end])
	case tensor.Float64:
		return takeNumbers(in, f, tensor.Data[float64](t)[begin:end])
	case tensor.Int32:
		return takeIntegers(in, f, tensor.Data[int32](t)[begin:end])
	case tensor.Int64:
		return takeIntegers(in, f, tensor.Data[int64](t)[begin:end])
	case tensor.String:
		if part := tensor.Data[string](t)[begin:end]; in.field >= 0 {
			features.Strings(f, in.field, part)
		} else {
			copy(part, tensor.Data[string](in.standIn))
		}
	default: // of bools there are only defaults
		copy(tensor.Data[bool](t)[begin:end], tensor.Data[bool](in.standIn))
	}
	return nil
}

func takeNumbers[T float32 | float64](in *input, f *features.Frame, part []T) error {
	if in.field < 0 {
		copy(part, tensor.Data[T](in.standIn))
		return nil
	}
	return features.Numbers(f, in.field, part)
}

func takeIntegers[T int32 | int64](in *input, f *features.Frame, part []T) error {
	if in.field < 0 {
		copy(part, tensor.Data[T](in.standIn))
		return nil
	}
	return features.Integers(f, in.field, part)
}
