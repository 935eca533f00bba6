package keras

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// maxDepth is how deep a configuration may be nested: that of a model in models takes about six levels for each.
const maxDepth = 256

// scrub makes JSON of what Python's json writes: it puts quotes around NaN, Infinity and -Infinity, which number
// understands. It refuses what is nested too deeply.
func scrub(data []byte) ([]byte, error) {
	depth, inString, escaped := 0, false, false
	var out []byte
	last := 0
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch {
		case escaped:
			escaped = false
		case inString:
			escaped, inString = c == '\\', c != '"'
		case c == '"':
			inString = true
		case c == '[' || c == '{':
			if depth++; depth > maxDepth {
				return nil, fault(TooLarge, "the configuration is nested more than %d deep", maxDepth)
			}
		case c == ']' || c == '}':
			depth--
		case c == 'N' || c == 'I':
			word := wordAt(data[i:])
			if word == "" {
				continue
			}
			from := i
			if i > 0 && data[i-1] == '-' {
				from--
			}
			out = append(out, data[last:from]...)
			out = append(out, '"')
			out = append(out, data[from:i+len(word)]...)
			out = append(out, '"')
			last = i + len(word)
			i = last - 1
		}
	}
	if out == nil {
		return data, nil
	}
	return append(out, data[last:]...), nil
}

func wordAt(data []byte) string {
	for _, word := range []string{"NaN", "Infinity"} {
		if bytes.HasPrefix(data, []byte(word)) {
			return word
		}
	}
	return ""
}

// number is a float as Python's json writes it.
type number float64

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case `"NaN"`:
		*n = number(math.NaN())
	case `"Infinity"`:
		*n = number(math.Inf(1))
	case `"-Infinity"`:
		*n = number(math.Inf(-1))
	case "true":
		*n = 1
	case "false":
		*n = 0
	default:
		f, err := strconv.ParseFloat(string(data), 64)
		if err != nil {
			return fault(Malformed, "%.40q is not a number", data)
		}
		*n = number(f)
	}
	return nil
}

// whole is an integer, which Python may have written as a float.
type whole int64

// UnmarshalJSON implements json.Unmarshaler.
func (w *whole) UnmarshalJSON(data []byte) error {
	if i, err := strconv.ParseInt(string(data), 10, 64); err == nil {
		*w = whole(i)
		return nil
	}
	f, err := strconv.ParseFloat(string(data), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return fault(Malformed, "%.40q is not a whole number", data)
	}
	*w = whole(f)
	return nil
}

func isNull(data []byte) bool { return len(data) == 0 || string(data) == "null" }

// first is the first byte of a value, or 0.
func first(data []byte) byte {
	data = bytes.TrimLeft(data, " \t\r\n")
	if len(data) == 0 {
		return 0
	}
	return data[0]
}

// fields are a configuration's entries, undecoded. The first that is of a wrong type sticks in err.
type fields struct {
	raw map[string]json.RawMessage
	err error
}

func fieldsOf(data []byte) (*fields, error) {
	f := &fields{}
	if isNull(data) {
		return f, nil
	}
	if err := json.Unmarshal(data, &f.raw); err != nil {
		return nil, fault(Malformed, "the configuration is no object of JSON: %w", err)
	}
	for name, raw := range f.raw {
		if first(raw) == '{' {
			f.raw[name] = unboxed(raw)
		}
	}
	return f, nil
}

// unboxed is the value of an array or a number that was not Python's own when the layer was made, or of a tuple; what is none
// stays.
func unboxed(raw json.RawMessage) json.RawMessage {
	var box struct {
		Class  string          `json:"class_name"`
		Items  json.RawMessage `json:"items"`
		Config struct {
			Value json.RawMessage `json:"value"`
		} `json:"config"`
	}
	switch err := json.Unmarshal(raw, &box); {
	case err != nil:
	case (box.Class == "__numpy__" || box.Class == "__tensor__") && len(box.Config.Value) > 0:
		return box.Config.Value
	case (box.Class == "__tuple__" || box.Class == "TensorShape") && len(box.Items) > 0:
		return box.Items
	}
	return raw
}

func (f *fields) has(name string) bool { return !isNull(f.raw[name]) }

// decode reads an entry into v, which keeps its value where there is none.
func (f *fields) decode(name string, v any) {
	if !f.has(name) || f.err != nil {
		return
	}
	if err := json.Unmarshal(f.raw[name], v); err != nil {
		f.err = fault(Malformed, "%s is %.60s: %w", quoted(name), f.raw[name], err)
	}
}

func (f *fields) bool(name string, absent bool) bool {
	f.decode(name, &absent)
	return absent
}

func (f *fields) text(name, absent string) string {
	f.decode(name, &absent)
	return absent
}

func (f *fields) int(name string, absent int) int {
	w := whole(absent)
	f.decode(name, &w)
	return int(w)
}

func (f *fields) float(name string, absent float64) float64 {
	n := number(absent)
	f.decode(name, &n)
	return float64(n)
}

// ints are a list of integers, or a single one.
func (f *fields) ints(name string) []int {
	if !f.has(name) {
		return nil
	}
	if first(f.raw[name]) != '[' {
		return []int{f.int(name, 0)}
	}
	var list []whole
	f.decode(name, &list)
	out := make([]int, len(list))
	for i, w := range list {
		out[i] = int(w)
	}
	return out
}

// floats are a list of numbers of any depth, in one row, or a single one; shape says which.
func (f *fields) floats(name string) (values []float64, shape []int) {
	if !f.has(name) {
		return nil, nil
	}
	values, shape, err := array(f.raw[name])
	if err != nil && f.err == nil {
		f.err = err
	}
	return values, shape
}

// array reads nested lists of numbers, which must be the same length in each dimension.
func array(data []byte) (values []float64, shape []int, err error) {
	if first(data) != '[' {
		var n number
		if err := json.Unmarshal(data, &n); err != nil {
			return nil, nil, fault(Malformed, "%.60s is no number: %w", data, err)
		}
		return []float64{float64(n)}, nil, nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil {
		return nil, nil, fault(Malformed, "%.60s is no list: %w", data, err)
	}
	shape = []int{len(items)}
	for i, item := range items {
		below, inner, err := array(item)
		if err != nil {
			return nil, nil, err
		}
		switch {
		case i == 0:
			shape = append(shape, inner...)
		case !sameShape(shape[1:], inner):
			return nil, nil, fault(Malformed, "%.60s is a list whose parts differ in length", data)
		}
		values = append(values, below...)
	}
	return values, shape, nil
}
