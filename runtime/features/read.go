package features

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of a feature file.
const (
	// MaxBytes is the largest one that is read.
	MaxBytes = 4 << 20
	// maxPlaces bounds what a frame has to hold of each kind.
	maxPlaces = 1 << 18
)

// Options are what a feature file may refer to.
type Options struct {
	// Tokenizer is asked for when, and only when, a feature needs tokens; nil is LoadTokenizer.
	Tokenizer func() (*Tokenizer, error)
	// Scalers are the fitted ones that the artifact brings, by name.
	Scalers map[string]Scaler
	// File reads a file that stands beside the feature file; nil where there are none.
	File func(name string) ([]byte, error)
}

// Read reads a feature file. file is its name, for errors, which are *Error, or the tokenizer's.
func Read(file string, data []byte, options Options) (*Set, error) {
	if len(data) > MaxBytes {
		return nil, &Error{File: file, Message: fmt.Sprintf("has %d bytes, and at most %d are read", len(data), MaxBytes)}
	}
	root, err := parse(file, data)
	if err != nil {
		return nil, err
	}
	b := newBuilder(file, options)
	b.file(root, presets)
	return b.finish()
}

// builder makes a Set. The first thing that is wrong stays its error, and all that is made afterwards is thrown away.
type builder struct {
	name    string
	options Options
	set     Set
	err     error
	// operators is the table; a functions in it cannot name it themselves.
	operators map[string]operator
	// names are what expressions can refer to: fields, and what is defined.
	names map[string]value
	// made are the values of operations that are there already.
	made map[operation]value
	// described are the values as a person would write them.
	described map[value]string
	strings   map[string]value
	floats    map[uint64]value
	whole     map[int64]value
}

func newBuilder(file string, options Options) *builder {
	return &builder{
		name: file, options: options, operators: operators, set: Set{score: Score{Index: -1}},
		names: map[string]value{}, made: map[operation]value{}, described: map[value]string{},
		strings: map[string]value{}, floats: map[uint64]value{}, whole: map[int64]value{},
	}
}

func (b *builder) fail(node *yaml.Node, format string, args ...any) {
	if b.err == nil {
		b.err = &Error{b.name, node.Line, fmt.Sprintf(format, args...)}
	}
}

func (b *builder) finish() (*Set, error) {
	if b.err != nil {
		return nil, b.err
	}
	s := &b.set
	for i := range s.outputs {
		if scaler := s.outputs[i].scaler; scaler != nil {
			s.scratch = max(s.scratch, 2*len(s.outputs[i].columns)+scaler.Scratch())
		}
	}
	if s.tokenLists > 0 {
		load := b.options.Tokenizer
		if load == nil {
			load = LoadTokenizer
		}
		var err error
		if s.tokenizer, err = load(); err != nil {
			return nil, fmt.Errorf("the tokenizer cannot be loaded: %w", err)
		}
	}
	// The pool's function keeps the set, and nothing else of the builder.
	done := &Set{
		fields: s.fields, outputs: s.outputs, score: s.score, places: s.places, instructions: s.instructions,
		texts: s.texts, numbers: s.numbers, integers: s.integers, tokenLists: s.tokenLists, scratch: s.scratch,
		tokenizer: s.tokenizer,
	}
	done.frames.New = func() any { return done.newFrame() }
	return done, nil
}

// file reads the whole. presets is nil inside of one.
func (b *builder) file(root *yaml.Node, presets []string) {
	m := &mapping{node: root}
	preset := m.get("preset")
	b.output(m.get("output"))
	if preset != nil && presets != nil {
		if key := m.rest(); key != nil {
			b.fail(key, "%.64q cannot stand beside 'preset', which has it all; take the preset's text and change that", key.Value)
		}
		b.preset(preset, presets)
		return
	}
	fields, define, vector, inputs := m.get("fields"), m.get("define"), m.get("features"), m.get("inputs")
	if key := m.rest(); key != nil {
		b.fail(key, "%.64q is not known here; a feature file has: preset, fields, define, features, inputs, output", key.Value)
		return
	}
	switch {
	case vector == nil && inputs == nil && b.set.score.Output == "":
		b.fail(root, "has neither 'features' nor 'inputs': the first lists a model's one vector, the second a network's inputs by name")
	case vector != nil && inputs != nil:
		b.fail(root, "has 'features' and 'inputs'; a model takes either one vector, or inputs by name")
	case vector == nil && inputs == nil && fields == nil && define == nil:
		return // only the output is chosen
	case vector == nil && inputs == nil:
		b.fail(root, "has fields, but no features that are made of them")
	case fields == nil:
		b.fail(root, "has no 'fields': the names and types of what a request has, such as {query: string, position: number}")
	}
	if b.err != nil {
		return
	}
	b.fields(fields)
	b.define(define)
	if vector != nil {
		b.vector("", vector)
	} else {
		b.inputs(inputs)
	}
}

func (b *builder) preset(node *yaml.Node, known []string) {
	if !slices.Contains(known, node.Value) {
		b.fail(node, "there is no preset %.64q; there are: %s", node.Value, strings.Join(known, ", "))
		return
	}
	name := "presets/" + node.Value + ".yaml"
	data, err := presetFiles.ReadFile(name)
	if err != nil {
		b.fail(node, "the preset cannot be read: %v", err)
		return
	}
	root, err := parse(name, data)
	if err != nil {
		b.err = err
		return
	}
	chosen := b.set.score
	b.name = name
	b.file(root, nil)
	if chosen.Output != "" {
		b.set.score = chosen
	}
}

// output reads which of a network's outputs is the score: its name, or {name, index} or {name, label}.
func (b *builder) output(node *yaml.Node) {
	switch {
	case node == nil:
	case isName(node):
		b.set.score.Output = node.Value
	case node.Kind == yaml.MappingNode:
		m := &mapping{node: node}
		if name := m.get("name"); name != nil && isName(name) {
			b.set.score.Output = name.Value
		} else {
			b.fail(node, "output needs a name: that of the network's output")
		}
		if index := m.get("index"); index != nil {
			n, ok := toInteger(index)
			if !ok || n < 0 || n > math.MaxInt32 {
				b.fail(index, "output's index must be a whole number from 0 on, not %s", shown(index))
			}
			b.set.score.Index = int(n)
		}
		if label := m.get("label"); label != nil {
			b.set.score.Label = label.Value
			if label.Kind != yaml.ScalarNode || b.set.score.Index >= 0 {
				b.fail(label, "output's label must be one class, and not stand beside 'index'")
			}
		}
		b.leftover(m, "output")
	default:
		b.fail(node, "output must be the name of a network's output, or {name: …, index: …}")
	}
	if node != nil && b.err == nil && b.set.score.Output == "" {
		b.fail(node, "output must not be empty")
	}
}

func (b *builder) leftover(m *mapping, what string) {
	if key := m.rest(); key != nil {
		b.fail(key, "%s has no %.64q; it has: %s", what, key.Value, strings.Join(m.known, ", "))
	}
}

// fields reads the request's fields.
func (b *builder) fields(node *yaml.Node) {
	if node.Kind != yaml.MappingNode || len(node.Content) == 0 {
		b.fail(node, "fields must be a mapping of names to types, such as {query: string, position: number}")
		return
	}
	for i := 0; i < len(node.Content) && b.err == nil; i += 2 {
		b.field(node.Content[i], node.Content[i+1])
	}
}

// vectorName is the name under which a model takes its bare vector.
const vectorName = "features"

func (b *builder) field(name, node *yaml.Node) {
	field := Field{Name: name.Value, Required: true}
	if field.Name == "" || field.Name == vectorName {
		b.fail(name, "a field cannot be named %q", field.Name)
	}
	if node.Kind != yaml.MappingNode {
		field.Kind = b.kind(name.Value, node)
		b.addField(field)
		return
	}
	m := &mapping{node: node}
	if of := m.get("type"); of != nil {
		field.Kind = b.kind(name.Value, of)
	} else {
		b.fail(node, "field %.64q has no type: string, number or integer", name.Value)
	}
	standIn := m.get("default")
	if required := m.get("required"); required != nil {
		yes, ok := toBool(required)
		if !ok || yes && standIn != nil {
			b.fail(required, "field %.64q: required must be true or false, and not true beside a default", name.Value)
		}
		field.Required = yes
	}
	if standIn != nil && b.err == nil {
		field.Required = false
		field.Default = b.defaultOf(field, standIn)
	}
	b.leftover(m, fmt.Sprintf("field %.64q", name.Value))
	b.addField(field)
}

func (b *builder) kind(field string, node *yaml.Node) Kind {
	for _, kind := range []Kind{String, Number, Integer} {
		if isText(node) && node.Value == kind.String() {
			return kind
		}
	}
	b.fail(node, "field %.64q: the type must be string, number or integer, not %s", field, shown(node))
	return String
}

// defaultOf reads a default; .nan stands for a missing number, which the model is to fill in.
func (b *builder) defaultOf(field Field, node *yaml.Node) any {
	if field.Kind == String && isText(node) {
		return node.Value
	}
	if n, ok := toInteger(node); ok && field.Kind == Integer {
		return n
	}
	if x, ok := toNumber(node); ok && field.Kind == Number {
		return x
	}
	b.fail(node, "field %.64q: the default must be a %v, not %s", field.Name, field.Kind, shown(node))
	return nil
}

func (b *builder) addField(field Field) {
	if b.err != nil {
		return
	}
	place := b.place(field.Kind, 1)
	b.set.fields = append(b.set.fields, field)
	b.set.places = append(b.set.places, place)
	b.names[field.Name] = place
	b.described[place] = field.Name
}

// define reads the values that have names of their own.
func (b *builder) define(node *yaml.Node) {
	if node == nil || b.err != nil {
		return
	}
	if node.Kind != yaml.MappingNode {
		b.fail(node, "define must be a mapping of names to features")
		return
	}
	for i := 0; i < len(node.Content) && b.err == nil; i += 2 {
		name := node.Content[i]
		if _, ok := b.names[name.Value]; ok {
			b.fail(name, "%.64q is the name of a field already; define another", name.Value)
		}
		v := b.one(node.Content[i+1])
		b.names[name.Value] = v
		b.described[v] = name.Value
	}
}

// inputs reads the features of each of a network's inputs.
func (b *builder) inputs(node *yaml.Node) {
	if node.Kind != yaml.MappingNode || len(node.Content) == 0 {
		b.fail(node, "inputs must be a mapping of the network's input names to their features")
		return
	}
	for i := 0; i < len(node.Content) && b.err == nil; i += 2 {
		b.vector(node.Content[i].Value, node.Content[i+1])
	}
}

// vector reads a list of features, or {features, scaler}, or, for an input that has a name, a single one.
func (b *builder) vector(name string, node *yaml.Node) {
	output := Output{Name: name, line: node.Line}
	what := "features"
	if name != "" {
		what = fmt.Sprintf("input %.64q", name)
	}
	list := node
	if node.Kind == yaml.MappingNode {
		m := &mapping{node: node}
		if inner := m.get("features"); inner != nil {
			list = inner
			output.scaler = b.scaler(m)
			b.leftover(m, what)
		}
	}
	switch {
	case list.Kind == yaml.SequenceNode && len(list.Content) > 0:
		for _, item := range list.Content {
			output.columns = append(output.columns, b.many(item)...)
		}
	case name != "" && list == node && list.Kind != yaml.SequenceNode:
		output.columns = []value{b.one(list)}
		output.Scalar = true
	default:
		b.fail(list, "%s must be a list of features", what)
	}
	if b.err != nil {
		return
	}
	output.Width = len(output.columns)
	b.kindOf(&output, list, what)
	if scaler := output.scaler; scaler != nil {
		in, out := scaler.Width()
		if in != output.Width {
			b.fail(node, "%s has %d features, and its scaler was fitted on %d", what, output.Width, in)
		}
		output.Width = out
	}
	b.set.outputs = append(b.set.outputs, output)
}

// kindOf finds what a vector is of: integers only if all of it is.
func (b *builder) kindOf(output *Output, node *yaml.Node, what string) {
	output.Kind = output.columns[0].kind
	for i, column := range output.columns {
		if column.kind == String != (output.Kind == String) {
			b.fail(node, "%s mixes strings and numbers: feature %d is a %v", what, i, column.kind)
			return
		}
		if column.kind == Number {
			output.Kind = Number
		}
	}
	if output.Kind == Integer && (output.Name == "" || output.scaler != nil) {
		output.Kind = Number
	}
	if output.Kind == String && (output.Name == "" || output.scaler != nil) {
		b.fail(node, "%s must be numbers; make them of strings with hash or vocabulary", what)
	}
}

// scaler reads how a whole vector is scaled: by one that the artifact brings, or by numbers given here.
func (b *builder) scaler(m *mapping) Scaler {
	named, mean, scale := m.get("scaler"), m.get("mean"), m.get("scale")
	switch {
	case named != nil && (mean != nil || scale != nil):
		b.fail(named, "scaler cannot stand beside mean and scale")
	case named != nil:
		scaler, ok := b.options.Scalers[named.Value]
		if !ok && len(b.options.Scalers) == 0 {
			b.fail(named, "the scaler %.64q is not there: publish the pickle that has it beside the model, or write mean and scale",
				named.Value)
		} else if !ok {
			b.fail(named, "there is no scaler %.64q; the artifact has: %s", named.Value,
				strings.Join(slices.Sorted(maps.Keys(b.options.Scalers)), ", "))
		}
		return scaler
	case mean != nil || scale != nil:
		s := &standardScaler{mean: b.listOf(mean), scale: b.listOf(scale)}
		if b.err == nil && mean != nil && scale != nil && len(s.mean) != len(s.scale) {
			b.fail(mean, "mean has %d numbers, and scale %d", len(s.mean), len(s.scale))
		}
		return s
	}
	return nil
}

// listOf reads a list of numbers; nil for none.
func (b *builder) listOf(node *yaml.Node) []float64 {
	if node == nil {
		return nil
	}
	numbers := make([]float64, 0, len(node.Content))
	for _, item := range node.Content {
		x, ok := toNumber(item)
		if !ok || math.IsNaN(x) {
			b.fail(item, "must be a number, not %s", shown(item))
		}
		numbers = append(numbers, x)
	}
	if node.Kind != yaml.SequenceNode || len(numbers) == 0 {
		b.fail(node, "must be a list of numbers")
	}
	return numbers
}
