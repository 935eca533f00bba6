// Package jieba splits text into the same tokens as lcut of Python's jieba 0.42.1 does in its default mode (no
// paddle, HMM on). Models were trained on counts and overlaps of those tokens, so "nearly the same" is a wrong answer.
//
// In the room: the dictionary and the HMM tables (data of jieba, MIT, see LICENSE.jieba; made by gen/dictionary.py),
// the code that unpacks them, and the algorithm. No I/O, no globals but the embedded data, no goroutines. A Tokenizer
// is read-only once loaded and may be used by any number of goroutines.
//
// The algorithm, as jieba has it:
//
//  1. the text falls into blocks of "word characters" (Han, Latin letters, digits and + # & . _ % -) and the rest; of
//     the rest every character is a token, "\r\n" being one;
//  2. within a block, the sequence of dictionary words with the highest product of frequencies is taken; an unknown
//     character counts as a word of frequency 1;
//  3. runs of single characters in that sequence are looked at again: Han ones by a hidden Markov model with the
//     states begin, middle, end, single; Latin ones fall into numbers, words and what stands between them.
package jieba

import (
	"sync"
	"unicode/utf8"
)

// Span is a token: text[Start:End].
type Span struct {
	Start, End int
}

// Tokenizer holds the dictionary. Make it with Load.
type Tokenizer struct {
	words   trie
	hmm     hmm
	scratch sync.Pool // of *scratch
}

// scratch is what one call needs beside its result. It is reused, unless a very long block has blown it up.
type scratch struct {
	runes  []uint16
	scores []float64
	widths []uint8
	back   []uint8
}

// maxKept bounds the block length for which a scratch goes back to the pool.
const maxKept = 1 << 14

// Load unpacks the embedded dictionary. It takes some tens of milliseconds and about 5 MB: do it once, beside something
// else that takes time, and pass the result on.
func Load() (*Tokenizer, error) {
	t := &Tokenizer{}
	t.scratch.New = func() any { return &scratch{} }
	if err := t.load(embedded); err != nil {
		return nil, err
	}
	return t, nil
}

// Lcut returns the tokens of text. They share its memory.
func (t *Tokenizer) Lcut(text string) []string {
	spans := t.AppendSpans(nil, text)
	tokens := make([]string, len(spans))
	for i, s := range spans {
		tokens[i] = text[s.Start:s.End]
	}
	return tokens
}

// AppendSpans appends the tokens of text to dst and returns it. Together they cover the text without gaps. Where dst
// has the capacity, nothing is allocated. Bytes that are not UTF-8 are tokens of their own.
func (t *Tokenizer) AppendSpans(dst []Span, text string) []Span {
	s := t.scratch.Get().(*scratch)
	for i := 0; i < len(text); {
		if end := s.readBlock(text, i); end > i {
			c := cutter{Tokenizer: t, scratch: s, text: text, out: dst}
			c.block(i)
			dst, i = c.out, end
			continue
		}
		end := i + otherWidth(text[i:])
		dst = append(dst, Span{i, end})
		i = end
	}
	if cap(s.runes) <= maxKept {
		t.scratch.Put(s)
	}
	return dst
}

// readBlock fills s.runes with the word characters from text[start:] up to the first other character, and returns the
// place of that.
func (s *scratch) readBlock(text string, start int) int {
	s.runes = s.runes[:0]
	i := start
	for i < len(text) {
		if c := text[i]; c < utf8.RuneSelf {
			if !isWordByte(c) {
				return i
			}
			s.runes = append(s.runes, uint16(c))
			i++
			continue
		}
		r, _ := utf8.DecodeRuneInString(text[i:])
		if !isHan(r) {
			return i
		}
		s.runes = append(s.runes, uint16(r))
		i += hanWidth
	}
	return i
}

// otherWidth is the length of the token at the start of text, which is no word character.
func otherWidth(text string) int {
	if len(text) > 1 && text[0] == '\r' && text[1] == '\n' {
		return 2
	}
	_, width := utf8.DecodeRuneInString(text)
	return width
}

// cutter walks over one block. Positions with the suffix "at" are bytes of text, others count runes of the block.
type cutter struct {
	*Tokenizer
	*scratch
	text string
	out  []Span
}

func (c *cutter) emit(start, end int) { c.out = append(c.out, Span{start, end}) }

// block appends the tokens of the block in c.runes, which starts at text[at:].
func (c *cutter) block(at int) {
	c.route()
	n := len(c.runes)
	run, runAt := 0, at // the start of the single characters that are waiting
	for x := 0; x < n; {
		width := int(c.widths[x])
		if width == 1 {
			at += runeWidth(c.runes[x])
			x++
			continue
		}
		c.singles(run, x, runAt)
		end := at + byteWidth(c.runes[x:x+width])
		c.emit(at, end)
		x, at = x+width, end
		run, runAt = x, at
	}
	c.singles(run, n, runAt)
}

// route finds the most probable sequence of words: widths[i] is the length of the word that starts at i, should the
// sequence come by there. From the end to the start, so that each step needs only what is known. No word is longer
// than the tree is deep, so this is linear.
func (c *cutter) route() {
	n := len(c.runes)
	c.scores = grow(c.scores, n+1)
	c.widths = grow(c.widths, n)
	c.scores[n] = 0
	for i := n - 1; i >= 0; i-- {
		c.widths[i], c.scores[i] = c.words.best(c.runes[i:], c.scores[i+1:])
	}
}

// singles appends the tokens of a run of single characters, runes[from:to], which starts at text[at:].
func (c *cutter) singles(from, to, at int) {
	run := c.runes[from:to]
	switch {
	case len(run) == 0:
	case len(run) > 1 && !c.words.contains(run):
		c.unknown(run, at)
	default:
		for _, r := range run {
			c.emit(at, at+runeWidth(r))
			at += runeWidth(r)
		}
	}
}

// unknown appends the tokens of a run that the dictionary has no words for.
func (c *cutter) unknown(run []uint16, at int) {
	for len(run) > 0 {
		n := 1
		han := run[0] >= utf8.RuneSelf
		for n < len(run) && (run[n] >= utf8.RuneSelf) == han {
			n++
		}
		end := at + byteWidth(run[:n])
		if han {
			c.han(run[:n], at)
		} else {
			c.latin(at, end)
		}
		run, at = run[n:], end
	}
}

// han appends the words that the hidden Markov model sees in a run of Han characters.
func (c *cutter) han(run []uint16, at int) {
	c.back = grow(c.back, len(run))
	c.hmm.tag(run, c.back)
	start := at
	for _, state := range c.back {
		at += hanWidth
		if state == end || state == single {
			c.emit(start, at)
			start = at
		}
	}
}

// latin appends the parts of text[at:end], all ASCII: what matches [a-zA-Z0-9]+(\.[0-9]+)?%? and what is between.
func (c *cutter) latin(at, end int) {
	between := at
	for at < end {
		if !isAlnum(c.text[at]) {
			at++
			continue
		}
		if between < at {
			c.emit(between, at)
		}
		n := numberWidth(c.text[at:end])
		c.emit(at, at+n)
		at += n
		between = at
	}
	if between < end {
		c.emit(between, end)
	}
}

// numberWidth is the length of the longest [a-zA-Z0-9]+(\.[0-9]+)?%? at the start of s.
func numberWidth(s string) int {
	n := span(s, 0, isAlnum)
	if n < len(s) && s[n] == '.' {
		if fraction := span(s, n+1, isDigit); fraction > n+1 {
			n = fraction
		}
	}
	if n < len(s) && s[n] == '%' {
		n++
	}
	return n
}

// span returns the first place from i on where the byte is not of the class.
func span(s string, i int, class func(byte) bool) int {
	for i < len(s) && class(s[i]) {
		i++
	}
	return i
}

// grow returns a slice of length n, in s's memory where that suffices. Its content is not defined.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	return s[:n]
}
