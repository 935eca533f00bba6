package jieba

import "unicode/utf8"

// The Han characters that jieba knows as such; later additions to Unicode, and other planes, are "other" to it.
const (
	firstHan = 0x4E00
	lastHan  = 0x9FD5
	hanWidth = 3 // bytes in UTF-8
)

func isHan(r rune) bool { return firstHan <= r && r <= lastHan }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isAlnum(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' }

// isWordByte says whether an ASCII character belongs into a block, together with the Han characters.
func isWordByte(c byte) bool {
	switch c {
	case '+', '#', '&', '.', '_', '%', '-':
		return true
	}
	return isAlnum(c)
}

// runeWidth is the length in UTF-8 of a character of a block, which is ASCII or Han.
func runeWidth(r uint16) int {
	if r < utf8.RuneSelf {
		return 1
	}
	return hanWidth
}

func byteWidth(runes []uint16) int {
	n := 0
	for _, r := range runes {
		n += runeWidth(r)
	}
	return n
}
