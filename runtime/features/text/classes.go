package text

import (
	_ "embed" // for the table
	"unicode/utf8"
)

// The classes of a character, as Python's str and re have them.
const (
	classWord    = 1 << iota // \w: what isalnum says, and _
	classSpace               // \s: isspace
	classDigit               // \d: isdecimal
	classCased               // has upper and lower case, and is not ignorable
	classIgnored             // does not count where a final sigma is looked for
)

// classTable is written by hack/fixtures/text_classes.py: for each block of 128 code points its number, and then the
// blocks that differ, a byte of classes for each of their code points.
//
//go:embed classes.bin
var classTable string

const (
	blockShift = 7
	blockSize  = 1 << blockShift
	blockCount = (utf8.MaxRune + 1) >> blockShift
)

// classOf returns the classes of a valid code point.
func classOf(r rune) uint8 {
	block := int(classTable[uint32(r)>>blockShift])
	return classTable[blockCount+block<<blockShift+int(r)&(blockSize-1)]
}

// classAt returns the classes of the character at an offset, and how long it is; after the end, no class and no length.
func classAt(text []byte, at int) (class uint8, size int) {
	if at >= len(text) {
		return 0, 0
	}
	if c := text[at]; c < utf8.RuneSelf {
		return classTable[blockCount+int(c)], 1
	}
	r, size := utf8.DecodeRune(text[at:])
	return classOf(r), size
}

// classBefore returns the classes of the character that ends at an offset.
func classBefore(text []byte, at int) uint8 {
	if at == 0 {
		return 0
	}
	r, _ := utf8.DecodeLastRune(text[:at])
	return classOf(r)
}

func isASCII(text []byte) bool {
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
