package keras

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// premade is one of the two models that Keras 2 has ready: a LinearModel over one or several inputs, and a WideDeepModel,
// which adds what a linear and a deep model say.
type premade struct {
	activation activation
	// linear and deep are a WideDeepModel's, and nil for a LinearModel. shared says that both take the same inputs.
	linear, deep *layer
	shared       bool
	// terms are a LinearModel's kernels, one for each input; bias is what is added to them, or nil.
	terms []*layer
	bias  *layer
	// names and shapes are those of a LinearModel's inputs.
	names  []string
	shapes []json.RawMessage
}

// parsePremade reads either of them.
func (r *reader) parsePremade(l *layer, o *object, depth int) (*network, error) {
	p := &premade{}
	var err error
	if p.activation, err = r.activation(l.config.raw["activation"]); err != nil {
		return nil, err
	}
	var built struct {
		Shape json.RawMessage `json:"input_shape"`
	}
	if !isNull(o.BuildConfig) {
		if err := json.Unmarshal(o.BuildConfig, &built); err != nil {
			return nil, fault(Malformed, "its build_config: %w", err)
		}
	}
	if isNull(built.Shape) {
		return nil, fault(Unsupported, "the model does not know the shape of its inputs; call it once, and save it again")
	}
	if l.class == "LinearModel" {
		err = p.readLinear(l, built.Shape)
	} else {
		err = p.readWideDeep(r, l, built.Shape, depth)
	}
	return &network{premade: p, layers: p.children()}, err
}

func (p *premade) readWideDeep(r *reader, l *layer, shape json.RawMessage, depth int) error {
	parts := []*layer{}
	for _, name := range []string{"linear_model", "dnn_model"} {
		part, err := r.parse(l.config.raw[name], l.path, depth+1)
		if err != nil {
			return err
		}
		if part.network == nil {
			return fault(Unsupported, "its %s is of the class %s; supported are models", name, quoted(part.class))
		}
		parts = append(parts, part)
	}
	p.linear, p.deep = parts[0], parts[1]
	var two []json.RawMessage
	if first(shape) == '[' {
		if err := json.Unmarshal(shape, &two); err != nil {
			return fault(Malformed, "its build_config: %w", err)
		}
	}
	p.shared = len(two) != 2 || first(two[0]) != '[' && first(two[0]) != '{'
	return nil
}

// readLinear makes a layer without a bias of each input, as the model itself does.
func (p *premade) readLinear(l *layer, shape json.RawMessage) error {
	var list []json.RawMessage
	switch {
	case first(shape) == '{':
		var dict map[string]json.RawMessage
		if err := json.Unmarshal(shape, &dict); err != nil {
			return fault(Malformed, "its build_config: %w", err)
		}
		p.names = sorted(dict)
		for _, name := range p.names {
			p.shapes = append(p.shapes, dict[name])
		}
	case json.Unmarshal(shape, &list) != nil || len(list) == 0:
		return fault(Malformed, "its inputs' shape is %.60s", shape)
	case first(list[0]) == '[':
		for i := range list {
			p.names = append(p.names, "input_"+strconv.Itoa(i+1))
		}
		p.shapes = list
	default:
		p.names, p.shapes = []string{"input_1"}, []json.RawMessage{shape}
	}
	if len(p.names) > MaxLayers {
		return fault(TooLarge, "it has %d inputs", len(p.names))
	}
	table := layerTable()
	for i, name := range p.names {
		config, err := fieldsOf(linearConfig(l))
		if err != nil {
			return err
		}
		spec := table["Dense"]
		if first(shape) != '{' {
			name = "dense_" + strconv.Itoa(i)
		}
		p.terms = append(p.terms, &layer{
			path: join(l.path, name), name: name, class: "Dense", config: config, spec: &spec, trainable: true,
		})
	}
	if l.config.bool("use_bias", true) {
		spec := layerSpec{weights: func(*layer) []weight { return []weight{{name: "bias"}} }}
		p.bias = &layer{path: join(l.path, "bias"), name: "bias", class: l.class, config: l.config, spec: &spec, trainable: true}
	}
	return nil
}

// linearConfig is that of a LinearModel's layers.
func linearConfig(l *layer) json.RawMessage {
	out, err := json.Marshal(map[string]any{"units": l.config.int("units", 1), "use_bias": false, "dtype": l.config.raw["dtype"]})
	if err != nil {
		return nil
	}
	return out
}

// children are the layers below, for their weights.
func (p *premade) children() []*layer {
	var all []*layer
	if p.linear != nil {
		all = append(all, p.linear)
	}
	if p.deep != nil {
		all = append(all, p.deep)
	}
	all = append(all, p.terms...)
	if p.bias != nil {
		all = append(all, p.bias)
	}
	return all
}

// place says where the parts are in an archive.
func (p *premade) place(r *reader, where string) {
	if p.linear != nil {
		r.place(p.linear, join(where, "linear_model"))
		r.place(p.deep, join(where, "layers/"+snakeCase(p.deep.class)))
	}
	for i, term := range p.terms {
		name := "layers/dense"
		if i > 0 {
			name += "_" + strconv.Itoa(i)
		}
		r.place(term, join(where, name))
	}
	if p.bias != nil {
		p.bias.where = where
	}
}

// inputs adds the graph's inputs of a model that is the whole.
func (p *premade) inputs(r *reader, l *layer) ([]value, error) {
	if p.linear == nil {
		return p.linearInputs(r, l, "")
	}
	if p.linear.network.premade == nil || p.linear.network.premade.linear != nil {
		return nil, fault(Unsupported, "its linear_model is of the class %s; supported is LinearModel", quoted(p.linear.class))
	}
	prefix := ""
	if !p.shared {
		prefix = "linear_"
	}
	in, err := p.linear.network.premade.linearInputs(r, p.linear, prefix)
	if err != nil || p.shared {
		return in, err
	}
	deep, err := r.inputs(p.deep)
	return slices.Concat(in, deep), err
}

func (p *premade) linearInputs(r *reader, l *layer, prefix string) ([]value, error) {
	in := make([]value, 0, len(p.names))
	for i, name := range p.names {
		v, err := r.addInput(l, prefix+name, p.shapes[i], nil)
		if err != nil {
			return nil, err
		}
		in = append(in, v)
	}
	return in, nil
}

func (p *premade) apply(r *reader, l *layer, c *call) ([]value, error) {
	e := &emitter{r: r, name: l.path}
	if p.linear == nil {
		return p.applyLinear(r, e, c.in)
	}
	linear, deep := c.in, c.in
	if n := len(p.linear.network.premade.termsOrNone()); !p.shared {
		if len(c.in) < n {
			return nil, fault(Malformed, "the model is called with %d inputs", len(c.in))
		}
		linear, deep = c.in[:n], c.in[n:]
	}
	wide, err := r.call(p.linear, &call{in: linear})
	if err != nil {
		return nil, err
	}
	narrow, err := r.call(p.deep, &call{in: deep})
	if err != nil {
		return nil, err
	}
	if len(wide) != 1 || len(narrow) != 1 {
		return nil, fault(Unsupported, "its models have %d and %d outputs; supported is one each", len(wide), len(narrow))
	}
	sum, err := e.math(op.Add{}, wide[0], narrow[0])
	if err != nil {
		return nil, err
	}
	return one(p.activation(e, sum))
}

// termsOrNone are a LinearModel's layers, of a model that is one.
func (p *premade) termsOrNone() []*layer {
	if p == nil {
		return nil
	}
	return p.terms
}

func (p *premade) applyLinear(r *reader, e *emitter, in []value) ([]value, error) {
	if len(in) != len(p.terms) {
		return nil, fault(Malformed, "the model has %d inputs, and is called with %d", len(p.terms), len(in))
	}
	var sum value
	for i, term := range p.terms {
		out, err := r.call(term, &call{in: []value{in[i]}})
		if err != nil {
			return nil, err
		}
		if i == 0 {
			sum = out[0]
			continue
		}
		if sum, err = e.math(op.Add{}, sum, out[0]); err != nil {
			return nil, err
		}
	}
	if p.bias != nil {
		bias, err := r.read(p.bias, 0, tensor.Float32, graph.Any)
		if err != nil {
			return nil, err
		}
		if sum, err = e.math(op.Add{}, sum, e.constant(bias)); err != nil {
			return nil, err
		}
	}
	return one(p.activation(e, sum))
}
