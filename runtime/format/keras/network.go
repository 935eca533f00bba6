package keras

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// network is a model's layers, and how they are called.
type network struct {
	layers []*layer
	// inputs and outputs are of a functional model; keys are their names where they are in a dict.
	inputs, outputs       []ref
	inputKeys, outputKeys []string
	calls                 []networkCall
	sequential            bool
	byName                map[string]int
	dictNodes             bool
	premade               *premade
}

// ref is one of the values that a layer's call computes.
type ref struct{ layer, call, output int }

// networkCall is a layer's call in a functional model.
type networkCall struct {
	layer, index int
	args         []arg
	named        map[string]arg
}

func (r *reader) parseNetwork(l *layer, above string, depth int) (*network, error) {
	n := &network{sequential: l.class == "Sequential", byName: map[string]int{}}
	var layers []json.RawMessage
	l.config.decode("layers", &layers)
	if l.config.err != nil {
		return nil, l.config.err
	}
	delete(l.config.raw, "layers")
	for _, data := range layers {
		child, err := r.parse(data, above, depth+1)
		if err != nil {
			return nil, err
		}
		if _, twice := n.byName[child.name]; twice {
			return nil, fault(Malformed, "two layers are called %s", quoted(child.name))
		}
		n.byName[child.name] = len(n.layers)
		n.layers = append(n.layers, child)
	}
	if n.sequential {
		return n, nil
	}
	if len(layers) == 0 {
		return nil, fault(Unsupported, "a subclassed model has no layers in the file, only Python has them; "+
			"make it with the functional API, or export it as a SavedModel")
	}
	err := n.connect(l)
	return n, err
}

// connect reads the calls, and puts them in an order in which each comes after those whose values it takes.
func (n *network) connect(l *layer) error {
	for i, child := range n.layers {
		for k, data := range child.nodes {
			c := networkCall{layer: i, index: k}
			var err error
			if isNode3(data) {
				n.dictNodes = true
				c.args, c.named, err = n.node3(data)
			} else {
				c.args, c.named, err = n.node2(data)
			}
			if err != nil {
				return at(child.path, child.class, err)
			}
			n.calls = append(n.calls, c)
		}
	}
	for i := range n.calls {
		if err := n.rebase(&n.calls[i]); err != nil {
			return at(n.layers[n.calls[i].layer].path, n.layers[n.calls[i].layer].class, err)
		}
	}
	var err error
	if n.inputs, n.inputKeys, err = n.ends(l, "input_layers"); err != nil {
		return err
	}
	if n.outputs, n.outputKeys, err = n.ends(l, "output_layers"); err != nil {
		return err
	}
	return n.sort()
}

// base is what the numbers of a layer's calls begin with. A model within a model has a call of its own, from when it was
// made, which Keras 2 counts, and Keras 3 only among a model's outputs.
func (n *network) base(l *layer, output bool) int {
	switch {
	case l.network == nil || l.network.premade != nil:
		return 0
	case n.dictNodes:
		if output && !l.network.sequential {
			return 1
		}
		return 0
	case l.network.sequential && (len(l.network.layers) == 0 || l.network.layers[0].class != "InputLayer"):
		return 0
	}
	return 1
}

// resolve makes a ref of a layer's name and the numbers of a call and its output.
func (n *network) resolve(name string, call, output int, end bool) (ref, error) {
	i, ok := n.byName[name]
	if !ok {
		return ref{}, fault(Malformed, "there is no layer %s", quoted(name))
	}
	l := n.layers[i]
	count := max(len(l.nodes), 1)
	at := call - n.base(l, end)
	if at < 0 || at >= count {
		at = call
	}
	if at < 0 || at >= count || output < 0 {
		return ref{}, fault(Malformed, "layer %s has no call %d", quoted(name), call)
	}
	return ref{i, at, output}, nil
}

// rebase resolves the references of a call, when all nodes' forms are known.
func (n *network) rebase(c *networkCall) error {
	var walk func(a *arg) error
	walk = func(a *arg) error {
		if a.kind == argTensor {
			var err error
			a.ref, err = n.resolve(a.layer, a.ref.call, a.ref.output, false)
			return err
		}
		for i := range a.list {
			if err := walk(&a.list[i]); err != nil {
				return err
			}
		}
		return nil
	}
	for i := range c.args {
		if err := walk(&c.args[i]); err != nil {
			return err
		}
	}
	for name, a := range c.named {
		if err := walk(&a); err != nil {
			return err
		}
		c.named[name] = a
	}
	return nil
}

// ends reads input_layers or output_layers: lists of references, one of them alone, or a dict of them, in lists and dicts.
func (n *network) ends(l *layer, name string) (refs []ref, keys []string, err error) {
	if !l.config.has(name) {
		return nil, nil, fault(Malformed, "the model has no %s", name)
	}
	var walk func(key string, data json.RawMessage) error
	walk = func(key string, data json.RawMessage) error {
		if layerName, call, output, ok := leaf(data); ok {
			found, err := n.resolve(layerName, call, output, name == "output_layers")
			if err != nil {
				return err
			}
			refs, keys = append(refs, found), append(keys, key)
			return nil
		}
		if first(data) == '{' {
			var dict map[string]json.RawMessage
			if err := json.Unmarshal(data, &dict); err != nil {
				return fault(Malformed, "%s: %w", name, err)
			}
			for _, key := range sorted(dict) {
				if err := walk(key, dict[key]); err != nil {
					return err
				}
			}
			return nil
		}
		var list []json.RawMessage
		if err := json.Unmarshal(data, &list); err != nil {
			return fault(Malformed, "%s: %w", name, err)
		}
		for _, item := range list {
			if err := walk("", item); err != nil {
				return err
			}
		}
		return nil
	}
	err = walk("", l.config.raw[name])
	if err == nil && len(refs) == 0 {
		err = fault(Malformed, "%s is empty", name)
	}
	return refs, keys, err
}

func sorted[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// sort orders the calls. Those that wait for each other in a circle are an error.
func (n *network) sort() error {
	index := map[ref]int{}
	for i, c := range n.calls {
		index[ref{c.layer, c.index, 0}] = i
	}
	waiting := make([]int, len(n.calls))
	takers := map[int][]int{}
	for i := range n.calls {
		for dependency := range n.calls[i].refs() {
			dependency.output = 0
			if k, ok := index[dependency]; ok {
				waiting[i]++
				takers[k] = append(takers[k], i)
			} else if n.layers[dependency.layer].class != "InputLayer" {
				l := n.layers[n.calls[i].layer]
				return at(l.path, l.class, fault(Malformed, "it takes the output of %s, which is never called",
					quoted(n.layers[dependency.layer].name)))
			}
		}
	}
	var ready []int
	for i, count := range waiting {
		if count == 0 {
			ready = append(ready, i)
		}
	}
	order := make([]networkCall, 0, len(n.calls))
	for len(ready) > 0 {
		i := ready[0]
		ready = ready[1:]
		order = append(order, n.calls[i])
		for _, k := range takers[i] {
			if waiting[k]--; waiting[k] == 0 {
				ready = append(ready, k)
			}
		}
	}
	if len(order) < len(n.calls) {
		return fault(Malformed, "%d calls of layers wait for each other in a circle", len(n.calls)-len(order))
	}
	n.calls = order
	return nil
}

// apply computes the network's outputs of its inputs.
func (n *network) apply(r *reader, l *layer, c *call) ([]value, error) {
	if n.premade != nil {
		return n.premade.apply(r, l, c)
	}
	if n.sequential {
		return n.chain(r, c)
	}
	computed := map[ref][]value{}
	in, err := n.bind(c)
	if err != nil {
		return nil, err
	}
	for i, input := range n.inputs {
		computed[ref{input.layer, 0, 0}] = []value{in[i]}
	}
	for i := range n.calls {
		nc := &n.calls[i]
		child := n.layers[nc.layer]
		inner, err := nc.with(computed)
		if err != nil {
			return nil, at(child.path, child.class, err)
		}
		inner.prefix, inner.index = c.prefix, nc.index
		out, err := r.call(child, inner)
		if err != nil {
			return nil, err
		}
		computed[ref{nc.layer, nc.index, 0}] = out
	}
	outputs := make([]value, 0, len(n.outputs))
	for _, o := range n.outputs {
		v, err := find(computed, o)
		if err != nil {
			return nil, err
		}
		outputs = append(outputs, v)
	}
	return outputs, nil
}

func (n *network) chain(r *reader, c *call) ([]value, error) {
	out := c.in
	for _, child := range n.layers {
		if child.class == "InputLayer" {
			continue
		}
		next, err := r.call(child, &call{in: out, prefix: c.prefix, index: c.index})
		if err != nil {
			return nil, err
		}
		out = next
	}
	return out, nil
}

// bind puts a call's values in the order of the network's inputs: by name if both are dicts.
func (n *network) bind(c *call) ([]value, error) {
	in := c.in
	if len(c.args) == 1 && c.args[0].kind == argDict {
		in = nil
		for i, key := range n.inputKeys {
			found := slices.Index(c.args[0].keys, key)
			if found < 0 && n.layers[n.inputs[i].layer].name != "" {
				found = slices.Index(c.args[0].keys, n.layers[n.inputs[i].layer].name)
			}
			if found < 0 || c.args[0].list[found].kind != argTensor {
				return nil, fault(Malformed, "the model's input %s is not given", quoted(key))
			}
			in = append(in, c.args[0].list[found].value)
		}
	}
	if len(in) != len(n.inputs) {
		return nil, fault(Malformed, "the model has %d inputs, and is called with %d", len(n.inputs), len(in))
	}
	return in, nil
}

// find is a value that was computed before.
func find(computed map[ref][]value, o ref) (value, error) {
	out, ok := computed[ref{o.layer, o.call, 0}]
	if !ok || o.output >= len(out) {
		return value{}, fault(Malformed, "the output %d of the call %d of layer %d is never computed", o.output, o.call, o.layer)
	}
	return out[o.output], nil
}

// input is the InputLayer of the i-th input, and the name by which requests give it.
func (n *network) input(i int) (l *layer, name string) {
	l = n.layers[n.inputs[i].layer]
	if n.inputKeys[i] != "" {
		return l, n.inputKeys[i]
	}
	return l, l.name
}

// outputName is the key of an output, or the name of the layer that computes it, with a number if it computes others, too.
func (n *network) outputName(i int, used map[string]bool) string {
	name := n.outputKeys[i]
	if name == "" {
		name = n.layers[n.outputs[i].layer].name
	}
	plain := name
	for k := 1; used[name]; k++ {
		name = fmt.Sprintf("%s_%d", plain, k)
	}
	used[name] = true
	return strings.Clone(name)
}
