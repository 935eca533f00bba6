package keras

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// operation is a call of an operator that a functional model recorded between layers.
type operation struct {
	*emitter
	*call
	// config is a Keras 3 operator's configuration, in which arguments may be, too.
	config *fields
	keras3 bool
}

// argument is the i-th one, or that of one of the names.
func (o *operation) argument(i int, names ...string) arg {
	for _, name := range names {
		if a, ok := o.named[name]; ok {
			return a
		}
	}
	if i >= 0 && i < len(o.args) {
		return o.args[i]
	}
	if o.config != nil {
		for _, name := range names {
			if o.config.has(name) {
				return arg{kind: argLiteral, raw: o.config.raw[name]}
			}
		}
	}
	return arg{}
}

// value is an argument as a value: one that was computed, or a constant.
func (o *operation) value(i int, names ...string) (value, error) {
	a := o.argument(i, names...)
	switch a.kind {
	case argTensor:
		v := a.value
		v.mask, v.chance = nil, false
		return v, nil
	case argLiteral, argList:
		return o.literal(a.raw)
	case argConstant:
		return o.array(a)
	}
	return value{}, fault(Malformed, "its argument %d is missing", i)
}

// literal is a number, or a list of them, which takes the type of what it meets.
func (o *operation) literal(raw json.RawMessage) (value, error) {
	var v value
	switch {
	case len(raw) == 0:
		return v, fault(Unsupported, "a list of computed values as an argument is not supported")
	case raw[0] == '"' && !bytes.Contains(raw, []byte("NaN")) && !bytes.Contains(raw, []byte("Infinity")):
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return v, fault(Malformed, "an argument is %.60s: %w", raw, err)
		}
		return o.constant(tensor.Of([]string{text})), nil
	case string(raw) == "true", string(raw) == "false":
		return o.constant(tensor.Of([]bool{raw[0] == 't'})), nil
	}
	values, shape, err := array(raw)
	if err != nil {
		return v, err
	}
	if bytes.ContainsAny(raw, ".eNI") {
		t := tensor.New(tensor.Float32, shape...)
		store(t, values)
		v = o.constant(t)
	} else {
		t := tensor.New(tensor.Int64, shape...)
		for i, x := range values {
			tensor.Data[int64](t)[i] = int64(x)
		}
		v = o.constant(t)
	}
	v.weak = true
	return v, nil
}

// array is a constant of a type that the file names.
func (o *operation) array(a arg) (value, error) {
	dtype, err := typed(a.dtype)
	if err != nil {
		return value{}, err
	}
	v, err := o.literal(a.raw)
	if err != nil {
		return value{}, err
	}
	v = o.cast(v, dtype)
	v.weak = false
	return v, nil
}

// values are an argument that is a list of values.
func (o *operation) values(i int, names ...string) ([]value, error) {
	a := o.argument(i, names...)
	if a.kind != argList {
		v, err := o.value(i, names...)
		return []value{v}, err
	}
	out := make([]value, 0, len(a.list))
	for _, item := range a.list {
		inner := operation{emitter: o.emitter, call: &call{args: []arg{item}}}
		v, err := inner.value(0)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// has says whether an argument is given, and not None.
func (o *operation) has(i int, names ...string) bool { return o.argument(i, names...).kind != argNone }

func (o *operation) decode(v any, i int, names ...string) error {
	a := o.argument(i, names...)
	if a.kind == argNone {
		return nil
	}
	if len(a.raw) == 0 {
		return fault(Unsupported, "its argument %s is computed, which is not supported", quoted(names[0]))
	}
	if err := json.Unmarshal(a.raw, v); err != nil {
		return fault(Malformed, "its argument %s is %.60s: %w", quoted(names[0]), a.raw, err)
	}
	return nil
}

func (o *operation) int(absent, i int, names ...string) (int, error) {
	w := whole(absent)
	err := o.decode(&w, i, names...)
	return int(w), err
}

func (o *operation) float(absent float64, i int, names ...string) (float64, error) {
	n := number(absent)
	err := o.decode(&n, i, names...)
	return float64(n), err
}

func (o *operation) bool(absent bool, i int, names ...string) (bool, error) {
	err := o.decode(&absent, i, names...)
	return absent, err
}

func (o *operation) text(absent string, i int, names ...string) (string, error) {
	err := o.decode(&absent, i, names...)
	return absent, err
}

// ints are a list, or a single one.
func (o *operation) ints(i int, names ...string) ([]int, error) {
	a := o.argument(i, names...)
	if a.kind == argNone {
		return nil, nil
	}
	if first(a.raw) != '[' {
		n, err := o.int(0, i, names...)
		return []int{n}, err
	}
	var list []whole
	if err := o.decode(&list, i, names...); err != nil {
		return nil, err
	}
	out := make([]int, len(list))
	for k, w := range list {
		out[k] = int(w)
	}
	return out, nil
}

// axes are those that an operator goes over: all, where it says none.
func (o *operation) axes(x value, i int, names ...string) ([]int, error) {
	given, err := o.ints(i, names...)
	if err != nil {
		return nil, err
	}
	if !o.has(i, names...) {
		for d := range x.rank() {
			given = append(given, d)
		}
	}
	return axesOf(given, x.rank())
}

// meet casts values to the type that they meet in.
func (o *operation) meet(in []value) {
	if len(in) == 0 {
		return
	}
	common := in[0]
	for _, x := range in[1:] {
		common.dtype = promoted(common, x)
		common.weak = common.weak && x.weak
	}
	for i := range in {
		in[i] = o.cast(in[i], common.dtype)
	}
}

// shaped is a shape that reshape and its like are given; the first size may be -1, the batch's.
func shaped(x value, sizes []int) ([]int, error) {
	shape, unknown, rest := slices.Clone(sizes), -1, 1
	for i, size := range sizes {
		switch {
		case size < -1 || size == 0 || size > maxSize:
			return nil, fault(Malformed, "the shape %v", sizes)
		case size == -1 && unknown >= 0:
			return nil, fault(Malformed, "the shape %v", sizes)
		case size == -1:
			unknown, shape[i] = i, graph.Any
		default:
			rest = sizeOf([]int{rest, size})
		}
		if rest == graph.Any {
			return nil, fault(Malformed, "the shape %v has too many elements", sizes)
		}
	}
	if n := sizeOf(x.shape); n != graph.Any && unknown >= 0 {
		shape[unknown] = n / rest
	}
	return shape, nil
}
