package keras

import (
	"encoding/json"
	"iter"

	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// argKind is what an argument of a call is.
type argKind uint8

const (
	argNone argKind = iota
	// argTensor is a value of another call.
	argTensor
	// argLiteral is a number, a bool, a string, or a list of them, as JSON.
	argLiteral
	argList
	argDict
	// argSlice is a Python slice, argEllipsis its ellipsis.
	argSlice
	argEllipsis
	// argConstant is an array that the configuration holds.
	argConstant
)

// arg is an argument of a layer's call.
type arg struct {
	kind argKind
	// layer is the name behind ref until it is resolved.
	layer string
	ref   ref
	value value
	raw   json.RawMessage
	// list are a list's items, a dict's, in the order of keys, or a slice's start, stop and step.
	list  []arg
	keys  []string
	dtype string
}

// refs are the calls that a call waits for.
func (c *networkCall) refs() iter.Seq[ref] {
	return func(yield func(ref) bool) {
		var walk func(a *arg) bool
		walk = func(a *arg) bool {
			if a.kind == argTensor && !yield(a.ref) {
				return false
			}
			for i := range a.list {
				if !walk(&a.list[i]) {
					return false
				}
			}
			return true
		}
		for i := range c.args {
			if !walk(&c.args[i]) {
				return
			}
		}
		for _, name := range sorted(c.named) {
			a := c.named[name]
			if !walk(&a) {
				return
			}
		}
	}
}

// with is the call with the values that it takes.
func (c *networkCall) with(computed map[ref][]value) (*call, error) {
	out := &call{named: make(map[string]arg, len(c.named))}
	for i := range c.args {
		a, err := c.args[i].bind(computed)
		if err != nil {
			return nil, err
		}
		out.args = append(out.args, a)
		a.flatten(&out.in)
	}
	for name, a := range c.named {
		bound, err := a.bind(computed)
		if err != nil {
			return nil, err
		}
		out.named[name] = bound
	}
	return out, nil
}

func (a arg) bind(computed map[ref][]value) (arg, error) {
	if a.kind == argTensor {
		var err error
		a.value, err = find(computed, a.ref)
		return a, err
	}
	if len(a.list) == 0 {
		return a, nil
	}
	list := make([]arg, len(a.list))
	for i := range a.list {
		var err error
		if list[i], err = a.list[i].bind(computed); err != nil {
			return a, err
		}
	}
	a.list = list
	return a, nil
}

// flatten appends the argument's values, in order.
func (a *arg) flatten(to *[]value) {
	if a.kind == argTensor {
		*to = append(*to, a.value)
		return
	}
	for i := range a.list {
		a.list[i].flatten(to)
	}
}

// leaf reads a reference: a name, the number of a call, and that of its output.
func leaf(data json.RawMessage) (name string, call, output int, ok bool) {
	if first(data) != '[' {
		return "", 0, 0, false
	}
	var items []json.RawMessage
	if json.Unmarshal(data, &items) != nil || len(items) < 3 || len(items) > 4 || first(items[0]) != '"' {
		return "", 0, 0, false
	}
	var from, to whole
	if json.Unmarshal(items[0], &name) != nil || json.Unmarshal(items[1], &from) != nil || json.Unmarshal(items[2], &to) != nil {
		return "", 0, 0, false
	}
	return name, int(from), int(to), true
}

// node2 reads a call as Keras 2 writes it: references, in lists and dicts, each with the keywords of the call.
func (n *network) node2(data json.RawMessage) (args []arg, named map[string]arg, err error) {
	named = map[string]arg{}
	a, err := n.structure2(data, named)
	if err != nil {
		return nil, nil, err
	}
	// A list of one is how one value alone is written.
	if a.kind == argList && len(a.list) == 1 {
		a = a.list[0]
	}
	return []arg{a}, named, nil
}

// constantLayer is the name that stands for no layer.
const constantLayer = "_CONSTANT_VALUE"

func (n *network) structure2(data json.RawMessage, named map[string]arg) (arg, error) {
	if first(data) == '{' {
		return dict(data, func(item json.RawMessage) (arg, error) { return n.structure2(item, named) })
	}
	var items []json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil {
		return arg{}, fault(Malformed, "a node is %.60s: %w", data, err)
	}
	if len(items) < 3 || first(items[0]) != '"' {
		return list(items, func(item json.RawMessage) (arg, error) { return n.structure2(item, named) })
	}
	if len(items) == 4 {
		if err := n.keywords2(items[3], named); err != nil {
			return arg{}, err
		}
	}
	var name string
	if err := json.Unmarshal(items[0], &name); err != nil {
		return arg{}, fault(Malformed, "a node is %.60s: %w", data, err)
	}
	if name == constantLayer {
		return arg{kind: argLiteral, raw: items[2]}, nil
	}
	name, call, output, ok := leaf(data)
	if !ok {
		return arg{}, fault(Malformed, "a node is %.60s", data)
	}
	return arg{kind: argTensor, layer: name, ref: ref{call: call, output: output}}, nil
}

// keywords2 reads the keywords of a call; lists that are references of layers are those.
func (n *network) keywords2(data json.RawMessage, named map[string]arg) error {
	var keywords map[string]json.RawMessage
	if err := json.Unmarshal(data, &keywords); err != nil {
		return fault(Malformed, "the keywords of a node are %.60s: %w", data, err)
	}
	for name, value := range keywords {
		a, err := n.keyword2(value)
		if err != nil {
			return err
		}
		named[name] = a
	}
	return nil
}

func (n *network) keyword2(data json.RawMessage) (arg, error) {
	if name, call, output, ok := leaf(data); ok {
		if name == constantLayer {
			var items []json.RawMessage
			if err := json.Unmarshal(data, &items); err != nil {
				return arg{}, fault(Malformed, "%.60s: %w", data, err)
			}
			return arg{kind: argLiteral, raw: items[2]}, nil
		}
		if _, known := n.byName[name]; known {
			return arg{kind: argTensor, layer: name, ref: ref{call: call, output: output}}, nil
		}
	}
	switch {
	case isNull(data):
		return arg{}, nil
	case first(data) == '[':
		var items []json.RawMessage
		if err := json.Unmarshal(data, &items); err != nil {
			return arg{}, fault(Malformed, "%.60s: %w", data, err)
		}
		a, err := list(items, n.keyword2)
		a.raw = data
		return a, err
	case first(data) == '{':
		return sliceOrDict2(data, n.keyword2)
	}
	return arg{kind: argLiteral, raw: data}, nil
}

// sliceOrDict2 is a slice if it has the entries of one.
func sliceOrDict2(data json.RawMessage, item func(json.RawMessage) (arg, error)) (arg, error) {
	a, err := dict(data, item)
	if err != nil || len(a.keys) != 3 || a.keys[0] != "start" || a.keys[1] != "step" || a.keys[2] != "stop" {
		return a, err
	}
	return arg{kind: argSlice, list: []arg{a.list[0], a.list[2], a.list[1]}}, nil
}

// list makes an argument of each item.
func list(items []json.RawMessage, item func(json.RawMessage) (arg, error)) (arg, error) {
	out := arg{kind: argList, list: make([]arg, 0, len(items))}
	for _, data := range items {
		a, err := item(data)
		if err != nil {
			return arg{}, err
		}
		out.list = append(out.list, a)
	}
	return out, nil
}

// dict makes an argument of each item, in the order of their keys.
func dict(data json.RawMessage, item func(json.RawMessage) (arg, error)) (arg, error) {
	var items map[string]json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil {
		return arg{}, fault(Malformed, "%.60s: %w", data, err)
	}
	out := arg{kind: argDict, keys: sorted(items)}
	for _, key := range out.keys {
		a, err := item(items[key])
		if err != nil {
			return arg{}, err
		}
		out.list = append(out.list, a)
	}
	return out, nil
}

// isNode3 says whether a call is as Keras 3 writes it. Keras 2 writes an object, too, where the inputs are in a dict.
func isNode3(data json.RawMessage) bool {
	if first(data) != '{' {
		return false
	}
	var node map[string]json.RawMessage
	return json.Unmarshal(data, &node) == nil && first(node["args"]) == '[' && first(node["kwargs"]) == '{'
}

// node3 reads a call as Keras 3 writes it: its arguments and keywords, in which values are objects.
func (n *network) node3(data json.RawMessage) (args []arg, named map[string]arg, err error) {
	var node struct {
		Args   []json.RawMessage          `json:"args"`
		Kwargs map[string]json.RawMessage `json:"kwargs"`
	}
	if err := json.Unmarshal(data, &node); err != nil {
		return nil, nil, fault(Malformed, "a node is %.60s: %w", data, err)
	}
	for _, item := range node.Args {
		a, err := argument3(item)
		if err != nil {
			return nil, nil, err
		}
		args = append(args, a)
	}
	named = map[string]arg{}
	for name, item := range node.Kwargs {
		a, err := argument3(item)
		if err != nil {
			return nil, nil, err
		}
		named[name] = a
	}
	return args, named, nil
}

func argument3(data json.RawMessage) (arg, error) {
	switch {
	case isNull(data):
		return arg{}, nil
	case first(data) == '[':
		var items []json.RawMessage
		if err := json.Unmarshal(data, &items); err != nil {
			return arg{}, fault(Malformed, "%.60s: %w", data, err)
		}
		a, err := list(items, argument3)
		a.raw = data
		return a, err
	case first(data) != '{':
		return arg{kind: argLiteral, raw: data}, nil
	}
	var o object
	if err := json.Unmarshal(data, &o); err != nil || o.Class == "" {
		return dict(data, argument3)
	}
	return object3(&o, data)
}

// object3 is one of the objects that Keras 3 writes into arguments.
func object3(o *object, data json.RawMessage) (arg, error) {
	config, err := fieldsOf(o.Config)
	if err != nil {
		return arg{}, err
	}
	switch o.Class {
	case "__keras_tensor__":
		name, call, output, ok := leaf(config.raw["keras_history"])
		if !ok {
			return arg{}, fault(Malformed, "a value is %.60s", data)
		}
		return arg{kind: argTensor, layer: name, ref: ref{call: call, output: output}}, nil
	case "__tensor__", "__numpy__":
		return arg{kind: argConstant, raw: config.raw["value"], dtype: config.text("dtype", "float32")}, config.err
	case "__slice__":
		out := arg{kind: argSlice}
		for _, part := range []string{"start", "stop", "step"} {
			a, err := argument3(config.raw[part])
			if err != nil {
				return arg{}, err
			}
			out.list = append(out.list, a)
		}
		return out, nil
	case "__ellipsis__":
		return arg{kind: argEllipsis}, nil
	case "__lambda__":
		return arg{}, known(o)
	}
	return arg{kind: argLiteral, raw: data}, nil
}

// int is the argument as an integer.
func (a *arg) int() (int, error) {
	var w whole
	if a.kind != argLiteral {
		return 0, fault(Unsupported, "an argument is computed, and not a number")
	}
	if err := json.Unmarshal(a.raw, &w); err != nil {
		return 0, err
	}
	return int(w), nil
}

// typed is what a DType is called.
func typed(name string) (tensor.DType, error) {
	switch name {
	case "float32", "float":
		return tensor.Float32, nil
	case "float64", "double":
		return tensor.Float64, nil
	case "int32", "int8", "int16", "uint8", "uint16":
		return tensor.Int32, nil
	case "int64", "uint32", "int":
		return tensor.Int64, nil
	case "bool":
		return tensor.Bool, nil
	case "string":
		return tensor.String, nil
	}
	return 0, fault(Unsupported, "the type %s is not supported; "+
		"supported are float32, float64, int32, int64, narrower integers, bool, string", quoted(name))
}
