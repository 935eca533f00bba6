package op

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// stringsOf are the elements of a tensor of strings.
func stringsOf(t *tensor.Tensor) ([]string, error) {
	if t.DType() != tensor.String {
		return nil, typeError("strings", t)
	}
	return tensor.Data[string](t), nil
}

// RegexFullMatch says of each string whether the whole of it matches a pattern, in the syntax of RE2.
type RegexFullMatch struct{ Pattern *regexp.Regexp }

// NewRegexFullMatch compiles the pattern.
func NewRegexFullMatch(pattern string) (*RegexFullMatch, error) {
	compiled, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	if err != nil {
		return nil, fmt.Errorf("the pattern: %w", err)
	}
	return &RegexFullMatch{compiled}, nil
}

// Name implements graph.Op.
func (*RegexFullMatch) Name() string { return "RegexFullMatch" }

// Run implements graph.Op.
func (o *RegexFullMatch) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	x, err := stringsOf(in[0])
	if err != nil {
		return err
	}
	if err := f.Resize(out[0], tensor.Bool, in[0].Shape()...); err != nil {
		return err
	}
	y := tensor.Data[bool](out[0])
	for i, s := range x {
		y[i] = o.Pattern.MatchString(s)
	}
	return nil
}

// StringCase is what StringNormalizer does to letters.
type StringCase uint8

// The cases.
const (
	CaseKeep StringCase = iota
	CaseLower
	CaseUpper
)

func (c StringCase) change(s string) string {
	switch c {
	case CaseLower:
		return strings.Map(unicode.ToLower, s)
	case CaseUpper:
		return strings.Map(unicode.ToUpper, s)
	default:
		return s
	}
}

// StringNormalizer leaves stop words out of a list of strings, and changes the case of the others. Where nothing is left, an
// empty string is. It takes the shapes [C] and [1 C].
type StringNormalizer struct {
	Case StringCase
	stop map[string]bool
	// folded says that stop words are compared in one case.
	folded StringCase
}

// NewStringNormalizer returns one with stop words, which are compared as they are if sensitive.
func NewStringNormalizer(change StringCase, stopWords []string, sensitive bool) *StringNormalizer {
	o := &StringNormalizer{Case: change, stop: map[string]bool{}}
	if !sensitive {
		if o.folded = CaseLower; change == CaseUpper {
			o.folded = CaseUpper
		}
	}
	for _, word := range stopWords {
		o.stop[o.folded.change(word)] = true
	}
	return o
}

// Name implements graph.Op.
func (*StringNormalizer) Name() string { return "StringNormalizer" }

// Run implements graph.Op.
func (o *StringNormalizer) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	x, err := stringsOf(in[0])
	if err != nil {
		return err
	}
	shape := in[0].Shape()
	if len(shape) != 1 && (len(shape) != 2 || (shape[0] != 1 && len(o.stop) > 0)) {
		return shapeError("a list of strings", shape)
	}
	kept := 0
	for _, s := range x {
		if !o.stops(s) {
			kept++
		}
	}
	var buf dims
	rank := copy(buf[:], shape)
	if len(o.stop) > 0 {
		buf[rank-1] = max(kept, 1)
	}
	if err := f.Resize(out[0], tensor.String, buf[:rank]...); err != nil {
		return err
	}
	y := tensor.Data[string](out[0])
	if kept == 0 {
		clear(y)
	}
	k := 0
	for _, s := range x {
		if o.stops(s) {
			continue
		}
		if err := f.Charge(int64(len(s))); err != nil {
			return err
		}
		y[k] = o.Case.change(s)
		k++
	}
	return nil
}

func (o *StringNormalizer) stops(s string) bool {
	return len(o.stop) > 0 && o.stop[o.folded.change(s)]
}

// StringSplit cuts strings at a delimiter, or at runs of spaces where it is empty, as ONNX Runtime does, Max times at most, or
// as often as there is one where it is negative. The parts are a last dimension, filled up with empty strings; the second
// output is how many there are.
type StringSplit struct {
	Delimiter string
	Max       int
}

// Name implements graph.Op.
func (StringSplit) Name() string { return "StringSplit" }

// Run implements graph.Op.
func (o StringSplit) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	x, err := stringsOf(in[0])
	if err != nil {
		return err
	}
	shape := in[0].Shape()
	if len(shape) >= tensor.MaxRank || len(out) < 2 {
		return shapeError("one dimension more", shape)
	}
	if err := f.Resize(out[1], tensor.Int64, shape...); err != nil {
		return err
	}
	counts, most := tensor.Data[int64](out[1]), 0
	for i, s := range x {
		n := 0
		o.split(s, func(string) { n++ })
		counts[i], most = int64(n), max(most, n)
	}
	var buf dims
	rank := copy(buf[:], shape)
	buf[rank] = most
	if err := f.Resize(out[0], tensor.String, buf[:rank+1]...); err != nil {
		return err
	}
	y := tensor.Data[string](out[0])
	clear(y)
	for i, s := range x {
		k := i * most
		o.split(s, func(part string) {
			y[k] = part
			k++
		})
	}
	return nil
}

// split calls visit with each part.
func (o StringSplit) split(s string, visit func(part string)) {
	left := o.Max
	if o.Delimiter == "" {
		s = strings.Trim(s, " ")
	}
	for s != "" && left != 0 {
		at, width := o.find(s)
		if at < 0 {
			break
		}
		visit(s[:at])
		if s = s[at+width:]; s == "" {
			visit("")
		}
		left--
	}
	if s != "" {
		visit(s)
	}
}

// find is where the next delimiter begins, and how long it is.
func (o StringSplit) find(s string) (at, width int) {
	if o.Delimiter != "" {
		return strings.Index(s, o.Delimiter), len(o.Delimiter)
	}
	if at = strings.IndexByte(s, ' '); at < 0 {
		return -1, 0
	}
	return at, len(s[at:]) - len(strings.TrimLeft(s[at:], " "))
}

// Tokenizer cuts strings into tokens as ONNX Runtime's operator of that name does, which converters of scikit-learn's
// vectorizers emit. The tokens are a last dimension, filled up with a pad.
type Tokenizer struct {
	// Pattern matches tokens; where it is nil, Separators are cut at, in turn; where there are none, each character is one.
	Pattern    *regexp.Regexp
	Separators []*regexp.Regexp
	Pad        string
	// MinChars is the length of the shortest token that is kept, in characters.
	MinChars int
	// Mark puts a character of its own before the first token and after the last.
	Mark bool
}

// The characters that mark begin and end.
const (
	tokensBegin = "\x02"
	tokensEnd   = "\x03"
)

// Name implements graph.Op.
func (*Tokenizer) Name() string { return "Tokenizer" }

// Run implements graph.Op.
func (o *Tokenizer) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	x, err := stringsOf(in[0])
	if err != nil {
		return err
	}
	shape := in[0].Shape()
	if len(shape) == 0 || len(shape) > 2 {
		return shapeError("a list or a matrix of strings", shape)
	}
	most := 0
	for _, s := range x {
		n := 0
		o.tokens(s, func(string) { n++ })
		most = max(most, n)
	}
	if o.Mark && most > 0 {
		most += 2
	}
	var buf dims
	rank := copy(buf[:], shape)
	buf[rank] = most
	if err := f.Resize(out[0], tensor.String, buf[:rank+1]...); err != nil {
		return err
	}
	y := tensor.Data[string](out[0])
	for i, s := range x {
		if err := f.Charge(int64(len(s))); err != nil {
			return err
		}
		o.fill(y[i*most:(i+1)*most], s)
	}
	return nil
}

// fill puts one string's tokens into a row.
func (o *Tokenizer) fill(row []string, s string) {
	k := 0
	put := func(token string) {
		if k < len(row) {
			row[k] = token
			k++
		}
	}
	if o.Mark {
		put(tokensBegin)
	}
	o.tokens(s, put)
	if o.Mark {
		put(tokensEnd)
	}
	for ; k < len(row); k++ {
		row[k] = o.Pad
	}
}

func (o *Tokenizer) tokens(s string, visit func(token string)) {
	keep := func(token string) {
		if token != "" && utf8.RuneCountInString(token) >= o.MinChars {
			visit(token)
		}
	}
	switch {
	case o.Pattern != nil:
		for _, at := range o.Pattern.FindAllStringIndex(s, -1) {
			keep(s[at[0]:at[1]])
		}
	case len(o.Separators) > 0:
		cut(s, o.Separators, keep)
	default:
		for s != "" {
			_, n := utf8.DecodeRuneInString(s)
			keep(s[:n])
			s = s[n:]
		}
	}
}

// cut splits at the first separator, and each part at those that follow.
func cut(s string, separators []*regexp.Regexp, visit func(part string)) {
	if len(separators) == 0 {
		visit(s)
		return
	}
	begin := 0
	for _, at := range separators[0].FindAllStringIndex(s, -1) {
		if at[1] == at[0] {
			continue
		}
		cut(s[begin:at[0]], separators[1:], visit)
		begin = at[1]
	}
	cut(s[begin:], separators[1:], visit)
}
