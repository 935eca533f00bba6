package text

import (
	"slices"
	"unicode/utf8"
)

// asciiTable has for each byte what becomes of it in a word: 0 where it is no part of one, notASCII where it is none.
type asciiTable [256]byte

const notASCII = utf8.RuneSelf

func newASCIITable(lower bool) *asciiTable {
	var table asciiTable
	for c := range table {
		switch {
		case c >= utf8.RuneSelf:
			table[c] = notASCII
		case classOf(rune(c))&classWord != 0:
			table[c] = byte(c)
			if lower && 'A' <= c && c <= 'Z' {
				table[c] += 'a' - 'A'
			}
		}
	}
	return &table
}

// asciiWords does at once what prepare and words do, where the text is ASCII and the tokens are runs of \w. It returns
// false, and has done nothing, where the text is not ASCII.
func (a *Analyzer) asciiWords(terms *Terms, text string) bool {
	// Between two tokens there is a character that is in neither, in place of which comes the space.
	made := slices.Grow(terms.text, len(text)+1)[:len(text)+1]
	end := 0
	for at := 0; at < len(text); at++ {
		begin := end
		if end > 0 {
			made[end] = ' '
			begin++
		}
		next := begin
		for ; at < len(text); at++ {
			c := a.ascii[text[at]]
			if c == notASCII {
				terms.from, terms.to = terms.from[:0], terms.to[:0]
				return false
			}
			if c == 0 {
				break
			}
			made[next] = c
			next++
		}
		if next == begin || next-begin < a.tokens.run.least || a.isStop(made[begin:next]) {
			continue
		}
		end = next
		terms.from = append(terms.from, int32(begin))
		terms.to = append(terms.to, int32(end))
	}
	terms.text = made[:end]
	terms.close()
	return true
}

func (a *Analyzer) isStop(token []byte) bool {
	if a.stop == nil {
		return false
	}
	_, stop := a.stop[string(token)]
	return stop
}
