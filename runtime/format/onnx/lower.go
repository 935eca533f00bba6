package onnx

import (
	"context"
	"fmt"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/kernel"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// lowering makes an engine's graph of a model's.
type lowering struct {
	ctx       context.Context //nolint:containedctx // that of one call of Read, for as long as it lasts
	files     *files
	builder   *graph.Builder
	operators map[string]lowerer
	functions map[string]*functionProto
	// depth is how many functions and branches there are around, nodes how many more nodes may be made.
	depth, nodes int
	// made are the nodes that were made, by what they compute.
	made map[graph.Value]*made
	// frame is what nodes run in whose results must be known, nil until there is one.
	frame *graph.Frame
	// taken are the names of inputs.
	taken map[string]bool
}

// made is a node of the new graph.
type made struct {
	node string
	op   graph.Op
	in   []graph.Value
	out  []graph.Value
	// labels are those of a classifier's probabilities.
	labels []string
	// known is what the node computes, where it was found to follow from constants; unknown says that it does not.
	known   []*tensor.Tensor
	unknown bool
}

// lowerer makes the nodes of one of the model's.
type lowerer func(c *call) error

// value is what a name stands for.
type value struct {
	v graph.Value
	// class is classMap for what ZipMap returns; v is then the tensor of which it makes maps. For an input that is a map it
	// is that, too, and v is graph.None.
	class valueClass
	// input is the type of an input that is a map, else nil.
	input *valueInfo
	// items are a sequence's.
	items []graph.Value
	// labels are the keys of the maps.
	labels []string
}

// scope has the names of a graph or function.
type scope struct {
	// parent is that around the branch of an If, else nil.
	parent *scope
	names  map[string]value
	opsets map[string]int64
	// attributes are those of the function's call, nil outside of functions; prefix is the call's name.
	attributes map[string]*attributeProto
	prefix     string
}

func (s *scope) find(name string) (value, bool) {
	for at := s; at != nil; at = at.parent {
		if v, ok := at.names[name]; ok {
			return v, true
		}
	}
	return value{}, false
}

// The bounds of nesting, and of the nodes that functions may grow to: so many for each node in the file, and some.
const (
	mostDepth      = 48
	nodesPerNode   = 4
	leastNodes     = 1 << 14
	mostAttributes = 1 << 10
)

func lower(ctx context.Context, f *files, model *modelProto) (*graph.Graph, error) {
	if model.graph == nil {
		return nil, fault(Malformed, "there is no graph in it; is it an ONNX model?")
	}
	l := &lowering{
		ctx: ctx, files: f, builder: graph.NewBuilder(), operators: operators(),
		functions: map[string]*functionProto{}, made: map[graph.Value]*made{}, taken: map[string]bool{},
		nodes: leastNodes + nodesPerNode*len(model.graph.nodes),
	}
	for _, function := range model.functions {
		l.functions[functionKey(function.domain, function.name, function.overload)] = function
		l.nodes += nodesPerNode * len(function.nodes)
	}
	s := &scope{names: map[string]value{}, opsets: model.opsets}
	if err := l.initializers(s, model.graph); err != nil {
		return nil, err
	}
	if err := l.inputs(s, model.graph); err != nil {
		return nil, err
	}
	if err := l.body(s, model.graph.nodes); err != nil {
		return nil, err
	}
	if err := l.outputs(s, model.graph); err != nil {
		return nil, err
	}
	g, err := l.builder.Build()
	if err != nil {
		return nil, fault(Malformed, "%w", err)
	}
	return g, nil
}

func functionKey(domain, name, overload string) string {
	return domain + "\x00" + name + "\x00" + overload
}

// initializers are the constants of a graph.
func (l *lowering) initializers(s *scope, g *graphProto) error {
	if g.sparse > 0 {
		return fault(Unsupported, "sparse initializers; convert them to dense ones")
	}
	for _, t := range g.initializers {
		if err := l.ctx.Err(); err != nil {
			return err
		}
		made, err := l.files.tensor(l.ctx, t)
		if err != nil {
			return err
		}
		if err := l.define(s, t.name, value{v: l.builder.Constant(made), class: classTensor}); err != nil {
			return err
		}
	}
	return nil
}

// inputs are a graph's, without those that are initializers too: their values are known.
func (l *lowering) inputs(s *scope, g *graphProto) error {
	for _, input := range g.inputs {
		if _, known := s.names[input.name]; known && !l.taken[input.name] {
			continue
		}
		place := "input " + quoted(input.name)
		if input.class == classMap {
			if err := l.define(s, input.name, value{v: graph.None, class: classMap, input: &input}); err != nil {
				return err
			}
			continue
		}
		if input.class != classTensor {
			return at(place, fault(Unsupported, "it is no tensor"))
		}
		if input.elem == elemFloat16 || input.elem == elemBfloat16 {
			return at(place, fault(Unsupported, "it is of %s; export the model in float", elemName(input.elem)))
		}
		dtype, err := dtypeOf(input.elem)
		if err != nil {
			return at(place, err)
		}
		if !input.ranked {
			input.shape = []int{graph.Any}
		}
		v, err := l.input(graph.Input{Name: input.name, DType: dtype, Shape: input.shape})
		if err != nil {
			return err
		}
		if err := l.define(s, input.name, value{v: v, class: classTensor}); err != nil {
			return err
		}
	}
	return nil
}

// input adds an input, whose name no other may have.
func (l *lowering) input(input graph.Input) (graph.Value, error) {
	if l.taken[input.Name] {
		return 0, fault(Malformed, "two inputs are called %s", quoted(input.Name))
	}
	l.taken[input.Name] = true
	return l.builder.Input(input), nil
}

// define gives a name its only meaning.
func (l *lowering) define(s *scope, name string, v value) error {
	if name == "" {
		return nil
	}
	if _, taken := s.names[name]; taken {
		return fault(Malformed, "%s is defined twice", quoted(name))
	}
	s.names[name] = v
	return nil
}

// body lowers nodes in their order, which the format requires to be one in which they can be run.
func (l *lowering) body(s *scope, nodes []*nodeProto) error {
	for i, node := range nodes {
		if err := l.ctx.Err(); err != nil {
			return err
		}
		name := node.name
		if name == "" {
			name = fmt.Sprintf("#%d", i)
		}
		if s.prefix != "" {
			name = s.prefix + "/" + name
		}
		if err := l.node(s, node, name); err != nil {
			return at(fmt.Sprintf("node %s (%s)", quoted(name), operatorName(node)), err)
		}
	}
	return nil
}

func operatorName(node *nodeProto) string {
	if node.domain == "" {
		return node.op
	}
	return node.domain + "." + node.op
}

func (l *lowering) node(s *scope, node *nodeProto, name string) error {
	if l.nodes--; l.nodes < 0 {
		return fault(TooLarge, "the model's functions grow to too many nodes")
	}
	function := l.functions[functionKey(node.domain, node.op, node.overload)]
	lowerer := l.operators[operatorName(node)]
	if function == nil && lowerer == nil {
		return fault(Unsupported, "the operator is not supported")
	}
	c := &call{l: l, s: s, node: node, name: name}
	if err := c.resolve(); err != nil {
		return err
	}
	if function != nil {
		return l.inline(c, function)
	}
	version, ok := s.opsets[node.domain]
	if !ok {
		// Some exporters leave out ai.onnx.ml where they use it; operators of version 1 are then meant.
		version = 1
		if node.domain == "" {
			return fault(Malformed, "the model does not say which version of the operators it uses")
		}
	}
	c.version = int(version)
	if err := lowerer(c); err != nil {
		return err
	}
	return c.finish()
}

// inline lowers the nodes of a function in the place of its call.
func (l *lowering) inline(c *call, f *functionProto) error {
	if l.depth++; l.depth > mostDepth {
		return fault(TooLarge, "functions within functions, more than %d deep; do they call themselves?", mostDepth)
	}
	defer func() { l.depth-- }()
	inner := &scope{names: map[string]value{}, opsets: f.opsets, attributes: map[string]*attributeProto{}, prefix: shortened(c.name)}
	if len(f.opsets) == 0 {
		inner.opsets = c.s.opsets
	}
	for _, a := range f.defaults {
		inner.attributes[a.name] = a
	}
	for _, a := range c.node.attributes {
		if a, err := c.s.dereference(a); err != nil {
			return err
		} else if a != nil {
			inner.attributes[a.name] = a
		}
	}
	if len(c.in) > len(f.inputs) || len(c.node.outputs) > len(f.outputs) {
		return fault(Malformed, "%d inputs and %d outputs for a function of %d and %d",
			len(c.in), len(c.node.outputs), len(f.inputs), len(f.outputs))
	}
	for i, name := range f.inputs {
		v := value{v: graph.None, class: classTensor}
		if i < len(c.in) {
			v = c.values[i]
		}
		if err := l.define(inner, name, v); err != nil {
			return err
		}
	}
	if err := l.body(inner, f.nodes); err != nil {
		return err
	}
	return c.bindNames(inner, f.outputs)
}

// shortened keeps names of nested calls from growing without bound.
func shortened(name string) string {
	const longest = 200
	if len(name) <= longest {
		return name
	}
	return "…" + strings.ToValidUTF8(name[len(name)-longest:], "")
}

// dereference is the attribute itself, or that of the function's call which it stands for: nil where the call has none.
func (s *scope) dereference(a *attributeProto) (*attributeProto, error) {
	if a.ref == "" {
		return a, nil
	}
	if s.attributes == nil {
		return nil, fault(Malformed, "the attribute %s refers to %s outside of a function", quoted(a.name), quoted(a.ref))
	}
	found := s.attributes[a.ref]
	if found == nil {
		return nil, nil //nolint:nilnil // no attribute, and nothing wrong with that
	}
	named := *found
	named.name = a.name
	return &named, nil
}

// foldLimit is how many bytes of tensors may be made to find out which branches are taken.
const foldLimit = 8 << 20

// constant is the tensor that a value is known to be, or nil: it is computed where it follows from constants alone.
func (l *lowering) constant(v graph.Value) (*tensor.Tensor, error) {
	if l.frame == nil {
		l.frame = graph.NewFrame(1, foldLimit, kernel.Plain())
		l.frame.Begin()
		l.frame.Watch(l.ctx)
	}
	return l.fold(v, 0)
}

// fold remembers what it has found, so that no value is looked at twice.
func (l *lowering) fold(v graph.Value, depth int) (*tensor.Tensor, error) {
	const deepest = 1000
	if t := l.builder.Const(v); t != nil {
		return t, nil
	}
	m := l.made[v]
	if m == nil || m.unknown || depth > deepest {
		return nil, nil //nolint:nilnil // not constant
	}
	if m.known == nil {
		if err := l.compute(m, depth); err != nil || m.unknown {
			return nil, err
		}
	}
	for i := range m.out {
		if m.out[i] == v {
			return m.known[i], nil
		}
	}
	return nil, nil //nolint:nilnil // not among the outputs
}

// compute runs a node, if all its inputs are constant.
func (l *lowering) compute(m *made, depth int) error {
	m.unknown = true
	in := make([]*tensor.Tensor, len(m.in))
	for i, from := range m.in {
		if from == graph.None {
			continue
		}
		t, err := l.fold(from, depth+1)
		if t == nil || err != nil {
			return err
		}
		in[i] = t
	}
	out := make([]*tensor.Tensor, len(m.out))
	for i := range out {
		out[i] = &tensor.Tensor{}
	}
	if err := m.op.Run(l.frame, in, out); err != nil {
		return fmt.Errorf("computing %s: %w", m.node, err)
	}
	m.known, m.unknown = out, false
	return nil
}
