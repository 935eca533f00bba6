package features

import "unicode/utf8"

// lengthOf is the number of a text's code points.
type lengthOf struct{ text value }

func buildLength(a *arguments) value { return a.emit(lengthOf{a.of(String)}, Integer) }

func (o lengthOf) from() []value { return []value{o.text} }

func (o lengthOf) run(f *Frame, to int) {
	f.integers[to] = int64(utf8.RuneCountInString(f.texts[o.text.slot]))
}

// tokensOf are the tokens of a text, as jieba's lcut makes them.
type tokensOf struct{ text value }

func (o tokensOf) from() []value { return []value{o.text} }

func (o tokensOf) run(f *Frame, to int) {
	f.tokens[to] = f.set.tokenizer.AppendSpans(f.tokens[to][:0], f.texts[o.text.slot])
}

// countOf is the number of tokens.
type countOf struct{ tokens value }

func buildTokenCount(a *arguments) value {
	return a.emit(countOf{a.emit(tokensOf{a.of(String)}, tokens)}, Integer)
}

func (o countOf) from() []value { return []value{o.tokens} }

func (o countOf) run(f *Frame, to int) { f.integers[to] = int64(len(f.tokens[o.tokens.slot])) }

// overlapOf is the share of the first text's distinct tokens that the second has, too; 0 where the first has none.
type overlapOf struct{ first, second, firstTokens, secondTokens value }

func buildOverlap(a *arguments) value {
	texts := a.list(2, String)
	if len(texts) > 2 {
		a.fail(a.input, "takes two texts, not %d", len(texts))
	}
	return a.emit(overlapOf{
		texts[0], texts[1], a.emit(tokensOf{texts[0]}, tokens), a.emit(tokensOf{texts[1]}, tokens),
	}, Number)
}

func (o overlapOf) from() []value { return []value{o.firstTokens, o.secondTokens} }

func (o overlapOf) run(f *Frame, to int) {
	f.numbers[to] = 0
	first, second := f.tokens[o.firstTokens.slot], f.tokens[o.secondTokens.slot]
	if len(first) == 0 {
		return
	}
	distinct := f.common.reset(f.texts[o.first.slot], first)
	text, both := f.texts[o.second.slot], 0
	for _, span := range second {
		if f.common.take(text[span.Start:span.End]) {
			both++
		}
	}
	f.numbers[to] = float64(both) / float64(distinct)
}

// codePointSum is the sum of the code points of a text: sum(ord(c) for c in text).
type codePointSum struct{ text value }

func buildCodePointSum(a *arguments) value { return a.emit(codePointSum{a.of(String)}, Integer) }

func (o codePointSum) from() []value { return []value{o.text} }

func (o codePointSum) run(f *Frame, to int) {
	sum := int64(0)
	for _, r := range f.texts[o.text.slot] {
		sum += int64(r)
	}
	f.integers[to] = sum
}
