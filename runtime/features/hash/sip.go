package hash

import (
	"math/bits"
	"unicode/utf8"
)

// Strong is SipHash-2-4 of the bytes of s under the key of two words that TensorFlow calls key and Keras salt.
func Strong(key0, key1 uint64, s string) uint64 {
	h := newSIP(key0, key1, 2, 4)
	h.text(s)
	return h.sum()
}

// Python is Python's hash of a str where PYTHONHASHSEED=0: SipHash-1-3 under a key of zeros (Python 3.11 and later; 3.4 to
// 3.10 have SipHash-2-4, for which see Python24) of the text as Python keeps it, with 1, 2 or 4 bytes for each code point,
// as the largest of them needs.
// Bytes that are not UTF-8 count as U+FFFD.
func Python(s string) int64 { return python(newSIP(0, 0, 1, 3), s) }

// Python24 is Python's hash of a str up to Python 3.10, where PYTHONHASHSEED=0.
func Python24(s string) int64 { return python(newSIP(0, 0, 2, 4), s) }

func python(h sip, s string) int64 {
	if s == "" {
		return 0
	}
	switch width := pythonWidth(s); width {
	case 0:
		h.text(s)
	default:
		for _, r := range s {
			h.rune(r, width)
		}
	}
	sum := int64(h.sum())
	if sum == -1 {
		return -2
	}
	return sum
}

// pythonWidth is how many bytes Python keeps for each code point: 1, 2 or 4, and 0 where s is ASCII, and kept as it is.
func pythonWidth(s string) int {
	width := 0
	for _, r := range s {
		switch {
		case r > 0xffff:
			return 4
		case r > 0xff:
			width = 2
		case r >= utf8.RuneSelf:
			width = max(width, 1)
		}
	}
	return width
}

// sip is the state of SipHash; bytes go into tail until there are eight.
type sip struct {
	v0, v1, v2, v3 uint64
	tail           uint64
	length         int
	each, last     int
}

func newSIP(key0, key1 uint64, each, last int) sip {
	return sip{
		v0: key0 ^ 0x736f6d6570736575, v1: key1 ^ 0x646f72616e646f6d,
		v2: key0 ^ 0x6c7967656e657261, v3: key1 ^ 0x7465646279746573,
		each: each, last: last,
	}
}

func (h *sip) rounds(n int) {
	for range n {
		h.v0 += h.v1
		h.v1 = bits.RotateLeft64(h.v1, 13) ^ h.v0
		h.v0 = bits.RotateLeft64(h.v0, 32)
		h.v2 += h.v3
		h.v3 = bits.RotateLeft64(h.v3, 16) ^ h.v2
		h.v0 += h.v3
		h.v3 = bits.RotateLeft64(h.v3, 21) ^ h.v0
		h.v2 += h.v1
		h.v1 = bits.RotateLeft64(h.v1, 17) ^ h.v2
		h.v2 = bits.RotateLeft64(h.v2, 32)
	}
}

func (h *sip) word(m uint64) {
	h.v3 ^= m
	h.rounds(h.each)
	h.v0 ^= m
}

func (h *sip) byte(b byte) {
	at := h.length & 7
	h.tail |= uint64(b) << (8 * at)
	h.length++
	if at == 7 {
		h.word(h.tail)
		h.tail = 0
	}
}

// text takes bytes; it is called once, at the beginning.
func (h *sip) text(s string) {
	for len(s) >= 8 {
		h.word(fetch64(s, 0))
		h.length += 8
		s = s[8:]
	}
	for i := range len(s) {
		h.byte(s[i])
	}
}

// rune takes a code point as so many bytes, the lowest first.
func (h *sip) rune(r rune, width int) {
	for i := range width {
		h.byte(byte(r >> (8 * i)))
	}
}

func (h *sip) sum() uint64 {
	h.word(h.tail | uint64(h.length)<<56)
	h.v2 ^= 0xff
	h.rounds(h.last)
	return h.v0 ^ h.v1 ^ h.v2 ^ h.v3
}
