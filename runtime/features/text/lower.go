package text

import (
	"unicode"
	"unicode/utf8"
)

const (
	capitalSigma   = 'Σ'
	smallSigma     = "σ"
	finalSigma     = "ς"
	dottedCapitalI = 'İ'
)

// appendLower appends Python's text.lower().
func appendLower(dst []byte, text string) []byte {
	for at := 0; at < len(text); {
		c := text[at]
		if c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			at++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[at:])
		switch r {
		case capitalSigma:
			if isFinal(text, at, at+size) {
				dst = append(dst, finalSigma...)
			} else {
				dst = append(dst, smallSigma...)
			}
		case dottedCapitalI:
			dst = append(dst, "i\u0307"...)
		default:
			dst = utf8.AppendRune(dst, unicode.ToLower(r))
		}
		at += size
	}
	return dst
}

// isFinal says that a sigma ends a word: the next character before it that counts is a letter with case, and the next one
// after it is none.
func isFinal(text string, begin, end int) bool {
	before := uint8(0)
	for begin > 0 {
		r, size := utf8.DecodeLastRuneInString(text[:begin])
		begin -= size
		if before = classOf(r); before&classIgnored == 0 {
			break
		}
	}
	if before&classCased == 0 {
		return false
	}
	for end < len(text) {
		r, size := utf8.DecodeRuneInString(text[end:])
		end += size
		if class := classOf(r); class&classIgnored == 0 {
			return class&classCased == 0
		}
	}
	return true
}
