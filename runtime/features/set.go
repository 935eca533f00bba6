package features

import (
	"math"
	"sync"

	"github.com/ctr-operator/ctr-operator/runtime/features/jieba"
)

// Kind is what a field, or a feature, is.
type Kind uint8

// The kinds.
const (
	String Kind = iota + 1
	Number
	Integer
	// tokens are a text's; only instructions see them.
	tokens
)

// String names the kind as feature files do.
func (k Kind) String() string {
	return [...]string{"nothing", "string", "number", "integer", "tokens"}[min(k, tokens)]
}

// Field is one field of the request.
type Field struct {
	Name     string
	Kind     Kind
	Required bool
	// Default stands for a field that is left out. It is of the field's kind: string, float64 or int64; nil where there is
	// none.
	Default any
}

// Output is a vector of features, or a single one.
type Output struct {
	// Name is that of the network's input; empty where the features are the model's one vector.
	Name string
	// Kind is what all of its features are.
	Kind  Kind
	Width int
	// Scalar says that it is a single feature, and not a vector of one.
	Scalar bool

	line    int
	columns []value
	scaler  Scaler
}

// Scaler is a transformation of a whole vector, fitted in training.
type Scaler interface {
	// Width is the number of columns that are taken and made.
	Width() (in, out int)
	// Scratch is how many numbers of scratch Apply needs.
	Scratch() int
	// Apply makes dst of src, which do not overlap. It returns false where the row has a value that it is not defined for.
	Apply(dst, src, scratch []float64) bool
}

// value is a place in a frame.
type value struct {
	kind Kind
	slot int
}

// operation computes one value of others.
type operation interface {
	run(f *Frame, to int)
	// from are the values that it takes.
	from() []value
}

// instruction is an operation and where its result goes.
type instruction struct {
	operation
	to value
}

// Set is a compiled feature file. It is immutable, and safe for concurrent use.
type Set struct {
	fields  []Field
	outputs []Output
	score   Score
	// places has a field's value each, in the fields' order.
	places       []value
	instructions []instruction
	// texts, numbers and integers are what a frame begins with: constants, and room for the rest.
	texts      []string
	numbers    []float64
	integers   []int64
	tokenLists int
	// scratch is what the scalers need, beside the vectors themselves.
	scratch   int
	tokenizer *Tokenizer
	frames    sync.Pool // of *Frame
}

// Score says which of a network's outputs is the score, where the feature file does.
type Score struct {
	// Output is its name; empty where the file does not say.
	Output string
	// Index is its place in the output's last dimension, -1 where that is not said; Label the class's name, where it is.
	Index int
	Label string
}

// Fields are the request's, in the order of the file. They must not be changed.
func (s *Set) Fields() []Field { return s.fields }

// Outputs are what is made, in the order of the file. They must not be changed.
func (s *Set) Outputs() []Output { return s.outputs }

// Score is the file's choice of the score.
func (s *Set) Score() Score { return s.score }

// Frame holds the values of one example. It is used by one goroutine at a time.
type Frame struct {
	set      *Set
	texts    []string
	numbers  []float64
	integers []int64
	tokens   [][]jieba.Span
	common   tokenSet
	joined   []byte
	scratch  []float64
	// missing says of each field that its default stands for it.
	missing []bool
	// overflowed is the value that does not fit into 64 bits; its kind is 0 where there is none.
	overflowed value
}

// maxKept bounds the buffers that are kept for the next example.
const maxKept = 1 << 14

func (s *Set) newFrame() *Frame {
	return &Frame{
		set:      s,
		texts:    append([]string(nil), s.texts...),
		numbers:  append([]float64(nil), s.numbers...),
		integers: append([]int64(nil), s.integers...),
		tokens:   make([][]jieba.Span, s.tokenLists),
		common:   newTokenSet(),
		scratch:  make([]float64, s.scratch),
		missing:  make([]bool, len(s.fields)),
	}
}

// Acquire returns a frame, to be released. Every field must be set before Run.
func (s *Set) Acquire() *Frame { return s.frames.Get().(*Frame) }

// Release gives a frame back. What was got from it stays good.
func (f *Frame) Release() {
	for _, list := range f.tokens {
		if cap(list) > maxKept {
			return
		}
	}
	if cap(f.joined) > maxKept {
		return
	}
	for _, place := range f.set.places {
		if place.kind == String {
			f.texts[place.slot] = "" // a piece of somebody's request
		}
	}
	f.common.text = ""
	f.set.frames.Put(f)
}

// SetString sets the i-th field, which must be a string.
func (f *Frame) SetString(i int, s string) {
	f.texts[f.set.places[i].slot], f.missing[i] = s, false
}

// SetNumber sets the i-th field, which must be a number.
func (f *Frame) SetNumber(i int, x float64) {
	f.numbers[f.set.places[i].slot], f.missing[i] = x, false
}

// SetInteger sets the i-th field, which must be an integer.
func (f *Frame) SetInteger(i int, n int64) {
	f.integers[f.set.places[i].slot], f.missing[i] = n, false
}

// SetDefault sets the i-th field to its default; there must be one, or no feature that is made of it.
func (f *Frame) SetDefault(i int) {
	slot := f.set.places[i].slot
	f.missing[i] = true
	switch standIn := f.set.fields[i].Default.(type) {
	case string:
		f.texts[slot] = standIn
	case float64:
		f.numbers[slot] = standIn
	case int64:
		f.integers[slot] = standIn
	}
}

// Run computes the features. Its errors are *InputError.
func (f *Frame) Run() error {
	f.overflowed.kind = 0
	for i := range f.set.instructions {
		in := &f.set.instructions[i]
		in.run(f, in.to.slot)
	}
	if f.overflowed.kind != 0 {
		return &InputError{f.set.fieldOf(f.overflowed), outOfRange}
	}
	return nil
}

// number is a value of either kind of number.
func (f *Frame) number(v value) float64 {
	if v.kind == Integer {
		return float64(f.integers[v.slot])
	}
	return f.numbers[v.slot]
}

// Numbers writes an output of numbers or integers into dst, which must have its width. Its errors are *InputError: every
// number is finite, but for those that stand for what is missing.
func Numbers[T float32 | float64](f *Frame, output int, dst []T) error {
	o := &f.set.outputs[output]
	if o.scaler != nil {
		return scaled(f, output, dst)
	}
	for i, column := range o.columns {
		x := T(f.number(column))
		if x*0 != 0 {
			if err := f.explain(column); err != nil {
				return err
			}
		}
		dst[i] = x
	}
	return nil
}

// scaled is Numbers for an output with a scaler.
func scaled[T float32 | float64](f *Frame, output int, dst []T) error {
	o := &f.set.outputs[output]
	n := len(o.columns)
	src, made, scratch := f.scratch[:n], f.scratch[n:2*n], f.scratch[2*n:]
	for i, column := range o.columns {
		src[i] = f.number(column)
		if src[i]*0 != 0 {
			if err := f.explain(column); err != nil {
				return err
			}
		}
	}
	if !o.scaler.Apply(made, src, scratch) {
		return f.set.Blame(output, largest(src))
	}
	for i, x := range made {
		dst[i] = T(x)
		if dst[i]*0 != 0 && !math.IsNaN(x) {
			return f.set.Blame(output, i)
		}
	}
	return nil
}

// largest is the place of the largest number.
func largest(row []float64) int {
	at := 0
	for i, x := range row {
		if math.Abs(x) > math.Abs(row[at]) {
			at = i
		}
	}
	return at
}

// Integers writes an output of integers into dst, which must have its width. Its errors are *InputError.
func Integers[T int32 | int64](f *Frame, output int, dst []T) error {
	for i, column := range f.set.outputs[output].columns {
		n := f.integers[column.slot]
		dst[i] = T(n)
		if int64(dst[i]) != n {
			return &InputError{f.set.fieldOf(column), outOfRange}
		}
	}
	return nil
}

// Strings writes an output of strings into dst, which must have its width.
func Strings(f *Frame, output int, dst []string) {
	for i, column := range f.set.outputs[output].columns {
		dst[i] = f.texts[column.slot]
	}
}

// String is the only value of an output of strings.
func (f *Frame) String(output int) string { return f.texts[f.set.outputs[output].columns[0].slot] }

// Number is the only value of an output of numbers or integers. Its errors are Numbers'.
func (f *Frame) Number(output int) (float64, error) {
	column := f.set.outputs[output].columns[0]
	x := f.number(column)
	if x*0 != 0 {
		return x, f.explain(column)
	}
	return x, nil
}
