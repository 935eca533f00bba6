// Package text makes terms of text as scikit-learn's text vectorizers do: lower case, accents stripped, words by a
// regular expression or characters, n-grams of them, stop words left out. scikit-learn leaves all of that to Python's str
// and re, whose answers differ from Go's in many small ways: final sigma, dotted capital I, what a letter is to \w and
// space to \s. A term that is cut another way is another term, and nothing would say so; so this package follows Python
// (3.11, Unicode 14) to the letter, and is held to what the vectorizers' own analyzers answer.
//
//	analyzer, err := text.New(text.Options{Lowercase: true, Kind: text.Words, Pattern: text.DefaultPattern, Min: 1, Max: 2})
//	var terms text.Terms
//	err = analyzer.Analyze(&terms, "the quick fox")
//	for term, ok := terms.Next(); ok; term, ok = terms.Next() { … }
//
// An Analyzer is immutable, and safe for concurrent use. Terms are the scratch of one text after the other; once they have
// grown to what the texts need, nothing is allocated.
//
// Text that is not UTF-8 counts as U+FFFD for each byte that is wrong; Python could not have been given it.
package text

import (
	"errors"
	"fmt"
)

// DefaultPattern is the token_pattern of a vectorizer that was not told another.
const DefaultPattern = `(?u)\b\w\w+\b`

// Kind is what terms are made of.
type Kind uint8

// The kinds are scikit-learn's analyzers 'word', 'char' and 'char_wb'.
const (
	Words Kind = iota + 1
	Chars
	CharsInWords
)

// Accents is what becomes of accents.
type Accents uint8

// Accents are kept; or dropped with everything else that does not decompose to ASCII; or dropped after decomposition.
const (
	KeepAccents Accents = iota
	ASCIIAccents
	UnicodeAccents
)

// Options are a vectorizer's parameters.
type Options struct {
	Lowercase bool
	Accents   Accents
	Kind      Kind
	// Pattern is Python's regular expression for a token of kind Words.
	Pattern string
	// Min and Max are how many words or characters a term has.
	Min, Max int
	// StopWords are left out, where the kind is Words.
	StopWords []string
}

// Analyzer makes terms of texts.
type Analyzer struct {
	lower    bool
	accents  Accents
	kind     Kind
	tokens   *Pattern
	min, max int
	stop     map[string]struct{}
	// ascii is set where asciiWords can do it.
	ascii *asciiTable
}

// MaxGram is the longest n-gram, in words or characters. A text makes as many terms of each length as it has of these.
const MaxGram = 1 << 5

// New makes an analyzer. It fails for a pattern that is not supported, in a *PatternError, and for n-grams that are none.
func New(options Options) (*Analyzer, error) {
	if options.Min < 1 || options.Max < options.Min || options.Max > MaxGram {
		return nil, fmt.Errorf("n-grams of %d to %d; supported are 1 to %d", options.Min, options.Max, MaxGram)
	}
	a := &Analyzer{
		lower: options.Lowercase, accents: options.Accents, kind: options.Kind, min: options.Min, max: options.Max,
	}
	if a.kind != Words {
		return a, nil
	}
	pattern, err := Compile(options.Pattern)
	if err != nil {
		return nil, err
	}
	a.tokens = pattern
	if pattern.run != nil && pattern.run.set.equal(&set{classes: classWord}) {
		a.ascii = newASCIITable(a.lower)
	}
	if len(options.StopWords) > 0 {
		a.stop = make(map[string]struct{}, len(options.StopWords))
		for _, word := range options.StopWords {
			a.stop[word] = struct{}{}
		}
	}
	return a, nil
}

// ErrTooLong says that a text is too long for the pattern, which goes through the rest of it for each token.
var ErrTooLong = errors.New("the text is too long for the pattern of its tokens")

// Analyze makes the terms of a text, of which Next then gives one after the other. The error is ErrTooLong.
func (a *Analyzer) Analyze(terms *Terms, text string) error {
	terms.reset()
	if a.ascii != nil && a.asciiWords(terms, text) {
		terms.begin(a.min, a.max, false)
		return nil
	}
	prepared := a.prepare(terms, text)
	switch a.kind {
	case Words:
		if !a.words(terms, prepared) {
			return ErrTooLong
		}
	case Chars:
		terms.text = appendSingleSpaces(terms.text, prepared)
		terms.characters(0)
		terms.close()
	default:
		terms.padded(prepared)
	}
	terms.begin(a.min, a.max, a.kind == CharsInWords)
	return nil
}

// prepare is what scikit-learn calls the preprocessor: lower case first, accents second.
func (a *Analyzer) prepare(terms *Terms, text string) []byte {
	if a.lower {
		terms.prepared = appendLower(terms.prepared, text)
	} else {
		terms.prepared = append(terms.prepared, text...)
	}
	if a.accents == KeepAccents || isASCII(terms.prepared) {
		return terms.prepared
	}
	terms.stripped = appendStripped(terms.stripped, terms.prepared, a.accents == ASCIIAccents)
	return terms.stripped
}

// words makes a unit of each token that is no stop word. Units are joined by a space, as n-grams are. It returns false where
// that takes too long.
func (a *Analyzer) words(terms *Terms, text []byte) bool {
	terms.match.start(a.tokens, text)
	for token, next := a.tokens.next(&terms.match, text, 0); next >= 0; token, next = a.tokens.next(&terms.match, text, next) {
		if a.isStop(token) {
			continue
		}
		if len(terms.from) > 0 {
			terms.text = append(terms.text, ' ')
		}
		terms.from = append(terms.from, int32(len(terms.text)))
		terms.text = append(terms.text, token...)
		terms.to = append(terms.to, int32(len(terms.text)))
	}
	terms.close()
	return terms.match.steps >= 0
}
