package keras

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// reader lowers one model.
type reader struct {
	ctx    context.Context
	source *source
	b      *graph.Builder
	table  map[string]layerSpec
	// count is how many layers there are, calls how often they were called.
	count, calls int
	layers       []Layer
	// dependencies says that an archive has Keras 2.12's folders.
	dependencies bool
}

// unit is a layer with its weights, which can be called.
type unit func(e *emitter, c *call) ([]value, error)

// call is what a layer is called with.
type call struct {
	// in are all values of args, in order.
	in    []value
	args  []arg
	named map[string]arg
	// prefix is the path of a model that was called more than once, for the names of nodes; index is which call it is.
	prefix string
	index  int
}

// layerSpec is how a class of layers is read.
type layerSpec struct {
	// weights are the layer's weights, in the order in which Keras makes them; nil where it has none.
	weights func(l *layer) []weight
	// build makes the layer of its configuration and weights.
	build func(r *reader, l *layer) (unit, error)
	// masks says whether the layer hands on what its first input's mask is: the number of the first Keras that does, or 0.
	masks int
	// operator says that it is a function, whose first argument may be a constant.
	operator bool
}

// model lowers the model of an open file.
func (s *source) model(ctx context.Context) (*Model, error) {
	config, err := scrub(s.config)
	if err != nil {
		return nil, err
	}
	s.config = nil
	r := &reader{ctx: ctx, source: s, b: graph.NewBuilder(), table: layerTable()}
	root, err := r.parse(json.RawMessage(config), "", 0)
	if err != nil {
		return nil, err
	}
	if root.network == nil {
		return nil, fault(Malformed, "the model is a layer, of the class %s, and not a model", quoted(root.class))
	}
	if err := r.attach(root); err != nil {
		return nil, err
	}
	if err := r.lower(root); err != nil {
		return nil, err
	}
	g, err := r.b.Build()
	if err != nil {
		return nil, fault(TooLarge, "%w", err)
	}
	return &Model{Graph: g, Archive: s.archive, Version: s.version, Layers: r.layers}, nil
}

// lower makes the graph's inputs, calls the model with them, and names what it computes.
func (r *reader) lower(root *layer) error {
	in, err := r.inputs(root)
	if err != nil {
		return err
	}
	out, err := r.call(root, &call{in: in})
	if err != nil {
		return err
	}
	used := map[string]bool{}
	for i, v := range out {
		role := graph.Unknown
		if v.chance {
			role = graph.Probability
		}
		r.b.Output(graph.Output{Name: outputName(root.network, i, used), Value: v.v, Role: role})
	}
	return nil
}

func outputName(n *network, i int, used map[string]bool) string {
	switch {
	case n.premade != nil:
		return "output"
	case n.sequential && len(n.layers) > 0:
		return n.layers[len(n.layers)-1].name
	case n.sequential:
		return "output"
	}
	return n.outputName(i, used)
}

// inputs adds the graph's inputs.
func (r *reader) inputs(root *layer) ([]value, error) {
	n := root.network
	switch {
	case n.premade != nil:
		return n.premade.inputs(r, root)
	case n.sequential:
		v, err := r.sequentialInput(root)
		return []value{v}, err
	}
	in := make([]value, 0, len(n.inputs))
	seen := map[string]bool{}
	for i := range n.inputs {
		l, name := n.input(i)
		if seen[name] {
			return nil, fault(Malformed, "two inputs are called %s", quoted(name))
		}
		seen[name] = true
		v, err := r.inputLayer(l, name)
		if err != nil {
			return nil, at(l.path, l.class, err)
		}
		in = append(in, v)
	}
	return in, nil
}

// sequentialInput is the InputLayer that a sequential model begins with, or else what its first layer, or it itself, was
// built for.
func (r *reader) sequentialInput(root *layer) (value, error) {
	l := root
	for l.network != nil && l.network.sequential && len(l.network.layers) > 0 {
		l = l.network.layers[0]
	}
	if l.class == "InputLayer" {
		v, err := r.inputLayer(l, l.name)
		return v, at(l.path, l.class, err)
	}
	dtype := l.config.raw["dtype"]
	if shape := l.config.raw["batch_input_shape"]; !isNull(shape) {
		return r.addInput(l, l.name+"_input", shape, dtype)
	}
	if shape := root.config.raw["build_input_shape"]; !isNull(shape) {
		return r.addInput(root, root.name+"_input", shape, dtype)
	}
	return value{}, fault(Unsupported, "the model does not know the shape of its input; "+
		"call it once, or give it an Input layer, and save it again")
}

func (r *reader) inputLayer(l *layer, name string) (value, error) {
	if l.class != "InputLayer" {
		return value{}, fault(Malformed, "an input is of the class %s", quoted(l.class))
	}
	if l.config.bool("sparse", false) || l.config.bool("ragged", false) {
		return value{}, fault(Unsupported, "sparse and ragged inputs are not supported; make the model with dense ones")
	}
	for _, key := range []string{"batch_shape", "batch_input_shape"} {
		if l.config.has(key) {
			return r.addInput(l, name, l.config.raw[key], l.config.raw["dtype"])
		}
	}
	return value{}, fault(Malformed, "the input has no shape")
}

func (r *reader) addInput(l *layer, name string, rawShape, rawType json.RawMessage) (value, error) {
	if l.config.err != nil {
		return value{}, l.config.err
	}
	shape, err := inputShape(rawShape)
	if err != nil {
		return value{}, err
	}
	dtype, err := inputType(rawType)
	if err != nil {
		return value{}, err
	}
	v := r.b.Input(graph.Input{Name: name, DType: dtype, Shape: slices.Clone(shape)})
	return value{v: v, dtype: dtype, shape: shape}, nil
}

// inputShape reads the sizes of a batch; those that are null are not known, and the first never is.
func inputShape(raw json.RawMessage) ([]int, error) {
	var sizes []*whole
	if err := json.Unmarshal(raw, &sizes); err != nil {
		return nil, fault(Unsupported, "the input's shape is %.100s; supported is one list of sizes: %w", raw, err)
	}
	if len(sizes) == 0 || len(sizes) > tensor.MaxRank {
		return nil, fault(Unsupported, "an input has %d dimensions, the batch's included; supported are 1 to %d",
			len(sizes), tensor.MaxRank)
	}
	shape := make([]int, len(sizes))
	for i, size := range sizes {
		switch {
		case size == nil || i == 0:
			shape[i] = graph.Any
		case *size < 0 || *size > 1<<31:
			return nil, fault(Malformed, "an input's dimension has the size %d", *size)
		default:
			shape[i] = int(*size)
		}
	}
	return shape, nil
}

// inputType is an input's type, a name or a policy; without one it is float32.
func inputType(raw json.RawMessage) (tensor.DType, error) {
	name, err := policy(raw, "float32")
	if err != nil {
		return 0, err
	}
	return typed(name)
}

// policy is the name of a dtype policy, which is a string or an object.
func policy(raw json.RawMessage, absent string) (string, error) {
	if isNull(raw) {
		return absent, nil
	}
	if first(raw) == '"' {
		var name string
		err := json.Unmarshal(raw, &name)
		return name, err
	}
	var o struct {
		Config struct {
			Name string `json:"name"`
		} `json:"config"`
		Class string `json:"class_name"`
	}
	if err := json.Unmarshal(raw, &o); err != nil || o.Config.Name == "" {
		return "", fault(Unsupported, "the dtype policy %.80s is not supported", raw)
	}
	return o.Config.Name, nil
}

// computeType is the type in which a layer computes.
func (l *layer) computeType() (tensor.DType, error) {
	name, err := policy(l.config.raw["dtype"], "float32")
	if err != nil {
		return 0, err
	}
	switch name {
	case "float32", "float64", "int32", "int64":
		return typed(name)
	case "string", "bool", "int8", "uint8":
		return tensor.Float32, nil
	}
	return 0, fault(Unsupported, "the dtype policy %s computes in other floats than the engine; "+
		"set the layer's to float32, and save again", quoted(name))
}

// call calls a layer, which is built at its first call.
func (r *reader) call(l *layer, c *call) ([]value, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	if r.calls++; r.calls > MaxCalls {
		return nil, fault(TooLarge, "layers are called more than %d times", MaxCalls)
	}
	out, err := r.apply(l, c)
	return out, at(l.path, l.class, err)
}

func (r *reader) apply(l *layer, c *call) ([]value, error) {
	if l.network != nil {
		return l.network.apply(r, l, c)
	}
	e := &emitter{r: r, name: l.path}
	if l.operator != nil {
		return l.operator(&operation{emitter: e, call: c, config: l.config, keras3: true})
	}
	if l.unit == nil {
		var err error
		if l.unit, err = l.spec.build(r, l); err != nil {
			return nil, err
		}
		if l.config.err != nil {
			return nil, l.config.err
		}
	}
	var mask *value
	if len(c.in) > 0 {
		mask = c.in[0].mask
	} else if !l.spec.operator {
		return nil, fault(Malformed, "it is called without an input")
	}
	out, err := l.unit(e, c)
	if err != nil || len(out) == 0 {
		return nil, err
	}
	if l.spec.masks > 0 && (l.spec.masks == 2 || r.keras3()) && out[0].mask == nil {
		out[0].mask = mask
	}
	return out, nil
}
