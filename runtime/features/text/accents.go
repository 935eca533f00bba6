package text

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// appendStripped appends the text's compatibility decomposition (NFKD) without combining characters, and in ASCII without
// all that is not. Since the order of combining characters is all that the normal form has beyond the decomposition of
// each character, and they are dropped, the characters can be taken one by one.
func appendStripped(dst, text []byte, ascii bool) []byte {
	for at := 0; at < len(text); {
		if text[at] < utf8.RuneSelf {
			dst = append(dst, text[at])
			at++
			continue
		}
		properties := norm.NFKD.Properties(text[at:])
		size := properties.Size()
		if size == 0 { // not UTF-8
			_, size = utf8.DecodeRune(text[at:])
		}
		character := text[at : at+size]
		at += size
		if decomposed := properties.Decomposition(); decomposed != nil {
			dst = appendStarters(dst, decomposed, ascii)
			continue
		}
		if r, _ := utf8.DecodeRune(character); isSyllable(r) {
			if !ascii {
				dst = appendJamo(dst, r)
			}
			continue
		}
		if !ascii && properties.CCC() == 0 {
			dst = append(dst, character...)
		}
	}
	return dst
}

// appendStarters appends the characters of a decomposition that do not combine.
func appendStarters(dst, decomposed []byte, ascii bool) []byte {
	for len(decomposed) > 0 {
		if decomposed[0] < utf8.RuneSelf {
			dst = append(dst, decomposed[0])
			decomposed = decomposed[1:]
			continue
		}
		properties := norm.NFKD.Properties(decomposed)
		size := properties.Size()
		if !ascii && properties.CCC() == 0 {
			dst = append(dst, decomposed[:size]...)
		}
		decomposed = decomposed[size:]
	}
	return dst
}

// Hangul syllables decompose by arithmetic.
const (
	firstSyllable, lastSyllable       = 0xAC00, 0xD7A3
	firstLead, firstVowel, beforeTail = 0x1100, 0x1161, 0x11A7
	vowels, tails                     = 21, 28
)

func isSyllable(r rune) bool { return firstSyllable <= r && r <= lastSyllable }

func appendJamo(dst []byte, syllable rune) []byte {
	index := syllable - firstSyllable
	dst = utf8.AppendRune(dst, firstLead+index/(vowels*tails))
	dst = utf8.AppendRune(dst, firstVowel+index/tails%vowels)
	if tail := index % tails; tail > 0 {
		dst = utf8.AppendRune(dst, beforeTail+tail)
	}
	return dst
}
