package features

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// nowhere is what stands for the value of an expression that is wrong; it is never run.
var nowhere = value{Number, 0}

// place makes room for n values of a kind, one after the other, and returns the first.
func (b *builder) place(kind Kind, n int) value {
	s := &b.set
	var slot int
	switch kind {
	case String:
		slot = len(s.texts)
		s.texts = append(s.texts, make([]string, n)...)
	case Number:
		slot = len(s.numbers)
		s.numbers = append(s.numbers, make([]float64, n)...)
	case Integer:
		slot = len(s.integers)
		s.integers = append(s.integers, make([]int64, n)...)
	default:
		slot = s.tokenLists
		s.tokenLists += n
	}
	return value{kind, slot}
}

// full says that a frame would have to hold too much, and fails.
func (b *builder) full(node *yaml.Node, more int64) bool {
	s := &b.set
	if held := len(s.texts) + len(s.numbers) + len(s.integers) + len(s.instructions); more > maxPlaces-int64(held) {
		b.fail(node, "makes more than %d values", maxPlaces)
		return true
	}
	return false
}

// emit adds an instruction, unless it is there already, and returns its value.
func (b *builder) emit(node *yaml.Node, o operation, kind Kind) value {
	// Operations that hold lists are pointers, and equal only to themselves.
	known := reflect.TypeOf(o).Comparable()
	if v, ok := b.made[o]; known && ok {
		return v
	}
	if b.err != nil || b.full(node, int64(width(o))) {
		return nowhere
	}
	v := b.place(kind, width(o))
	b.set.instructions = append(b.set.instructions, instruction{o, v})
	b.made[o] = v
	return v
}

// text, number and integer are constants.
func (b *builder) text(s string) value {
	v, ok := b.strings[s]
	if !ok {
		v = b.place(String, 1)
		b.set.texts[v.slot] = s
		b.strings[s] = v
	}
	return v
}

func (b *builder) number(x float64) value {
	v, ok := b.floats[math.Float64bits(x)]
	if !ok {
		v = b.place(Number, 1)
		b.set.numbers[v.slot] = x
		b.floats[math.Float64bits(x)] = v
	}
	return v
}

func (b *builder) integer(n int64) value {
	v, ok := b.whole[n]
	if !ok {
		v = b.place(Integer, 1)
		b.set.integers[v.slot] = n
		b.whole[n] = v
	}
	return v
}

// one reads an expression of one value.
func (b *builder) one(node *yaml.Node) value {
	values := b.many(node)
	if len(values) != 1 {
		b.fail(node, "makes %d values, and one is needed here", len(values))
		return nowhere
	}
	return values[0]
}

// many reads an expression: a field's or defined name, a number, or a mapping with an operator.
func (b *builder) many(node *yaml.Node) []value {
	if b.err != nil || b.full(node, 1) {
		return []value{nowhere}
	}
	switch {
	case isText(node):
		return []value{b.named(node)}
	case node.Kind == yaml.MappingNode:
		return b.operation(node)
	}
	return []value{b.constantOf(node)}
}

func (b *builder) constantOf(node *yaml.Node) value {
	if n, ok := toInteger(node); ok {
		return b.integer(n)
	}
	if x, ok := toNumber(node); ok {
		return b.number(x)
	}
	b.fail(node, "must be a field's name, a number, or an operator such as {length: query}, not %s", shown(node))
	return nowhere
}

// named is the value of a field, or of what is defined.
func (b *builder) named(node *yaml.Node) value {
	v, ok := b.names[node.Value]
	if !ok {
		b.fail(node, "%.64q is neither a field nor defined above; there are: %s", node.Value,
			strings.Join(slices.Sorted(maps.Keys(b.names)), ", "))
		return nowhere
	}
	for i, place := range b.set.places {
		if field := b.set.fields[i]; place == v && !field.Required && field.Default == nil {
			b.fail(node, "the field %.64q may be missing, and has no default; give it one, or make it required", field.Name)
		}
	}
	return v
}

// operation reads {operator: arguments, options…, name: …}.
func (b *builder) operation(node *yaml.Node) []value {
	a := &arguments{mapping: mapping{node: node}, b: b}
	a.get("name") // for people
	var found *operator
	for i := 0; i < len(node.Content); i += 2 {
		o, ok := b.operators[node.Content[i].Value]
		if !ok {
			continue
		}
		if found != nil {
			b.fail(node, "has two operators, %s and %s; put one of them inside of the other, or under 'define'",
				a.operator, node.Content[i].Value)
			return []value{nowhere}
		}
		found, a.operator = &o, node.Content[i].Value
	}
	if found == nil {
		b.fail(node, "has no operator; there are: %s", strings.Join(slices.Sorted(maps.Keys(b.operators)), ", "))
		return []value{nowhere}
	}
	a.input = a.get(a.operator)
	first := found.build(a)
	b.leftover(&a.mapping, a.operator)
	if b.err != nil {
		return []value{nowhere}
	}
	values := []value{first}
	if in := b.set.made(first); in != nil && in.to == first {
		for i := 1; i < width(in.operation); i++ {
			values = append(values, value{first.kind, first.slot + i})
		}
	}
	return values
}

// arguments are an operator's, while it is built.
type arguments struct {
	mapping

	b        *builder
	operator string
	input    *yaml.Node
}

func (a *arguments) fail(node *yaml.Node, format string, args ...any) {
	a.b.fail(node, "%s", a.operator+" "+fmt.Sprintf(format, args...))
}

// emit adds the operation that the arguments are for.
func (a *arguments) emit(o operation, kind Kind) value { return a.b.emit(a.node, o, kind) }

// of is the one value that the operator is applied to, of one of the kinds.
func (a *arguments) of(kinds ...Kind) value { return a.checked(a.input, a.b.one(a.input), kinds) }

func (a *arguments) checked(node *yaml.Node, v value, kinds []Kind) value {
	if a.b.err == nil && !slices.Contains(kinds, v.kind) {
		var words []string
		for _, kind := range kinds {
			words = append(words, "a "+kind.String())
		}
		a.fail(node, "takes %s, and %s is a %v", strings.ReplaceAll(strings.Join(words, " or "), "a integer", "an integer"),
			a.b.describe(v), v.kind)
	}
	return v
}

// list are the values that the operator is applied to, at least so many.
func (a *arguments) list(least int, kinds ...Kind) []value {
	if a.input.Kind != yaml.SequenceNode || len(a.input.Content) < least {
		a.fail(a.input, "takes a list of at least %d", least)
		return []value{nowhere, nowhere}
	}
	values := make([]value, 0, len(a.input.Content))
	for _, item := range a.input.Content {
		values = append(values, a.checked(item, a.b.one(item), kinds))
	}
	return values
}

// whole is an option that is an integer within bounds; required where there is no default.
func (a *arguments) whole(name string, least, most int64, standIn ...int64) int64 {
	node := a.get(name)
	if node == nil && len(standIn) > 0 {
		return standIn[0]
	}
	if node == nil {
		a.fail(a.node, "needs %s", name)
		return least
	}
	n, ok := toInteger(node)
	if !ok || n < least || n > most {
		a.fail(node, "needs a whole number from %d to %d as %s, not %s", least, most, name, shown(node))
		return least
	}
	return n
}

// real is an option that is a number.
func (a *arguments) real(name string, standIn float64) float64 {
	node := a.get(name)
	if node == nil {
		return standIn
	}
	x, ok := toNumber(node)
	if !ok || math.IsNaN(x) {
		a.fail(node, "needs a number as %s, not %s", name, shown(node))
	}
	return x
}

// reals is an option that is a list of numbers; nil where it is not there.
func (a *arguments) reals(name string) []float64 { return a.b.listOf(a.get(name)) }

// word is an option that is one of some words, of which the first is the default.
func (a *arguments) word(name string, words ...string) string {
	node := a.get(name)
	if node == nil {
		return words[0]
	}
	if !isText(node) || !slices.Contains(words, node.Value) {
		a.fail(node, "needs one of %s as %s, not %s", strings.Join(words, ", "), name, shown(node))
		return words[0]
	}
	return node.Value
}

// plain is an option that is a text.
func (a *arguments) plain(name, standIn string) string {
	node := a.get(name)
	if node == nil {
		return standIn
	}
	if !isText(node) {
		a.fail(node, "needs a text as %s, not %s; quote it", name, shown(node))
	}
	return node.Value
}

// short is a plain option that is put between texts, or in front of them, at each prediction.
func (a *arguments) short(name, standIn string) string {
	const most = 1000
	text := a.plain(name, standIn)
	if len(text) > most {
		a.fail(a.get(name), "has a %s of %d bytes, and at most %d are possible", name, len(text), most)
		return standIn
	}
	return text
}

// yes is an option that is true or false; false where it is not there.
func (a *arguments) yes(name string) bool {
	node := a.get(name)
	if node == nil {
		return false
	}
	yes, ok := toBool(node)
	if !ok {
		a.fail(node, "needs true or false as %s, not %s", name, shown(node))
	}
	return yes
}

// describe is a value as messages call it.
func (b *builder) describe(v value) string {
	if text, ok := b.described[v]; ok {
		return text
	}
	for n, whole := range b.whole {
		if whole == v {
			return strconv.FormatInt(n, 10)
		}
	}
	for x, float := range b.floats {
		if float == v {
			return format(math.Float64frombits(x))
		}
	}
	return "it"
}

func format(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
