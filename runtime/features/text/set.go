package text

import (
	"slices"
	"unicode/utf8"
)

// set is a set of characters: of some classes, or outside of others, or in a range.
type set struct {
	// classes are those whose characters are in it; without are those of which a character needs to lack one.
	classes, without uint8
	ranges           []characterRange
	negated          bool
}

type characterRange struct{ first, last rune }

// has says whether the character at an offset, of that size and class, is in the set.
func (s *set) has(text []byte, at, size int, class uint8) bool {
	if class&s.classes != 0 || ^class&s.without != 0 {
		return !s.negated
	}
	if len(s.ranges) == 0 {
		return s.negated
	}
	r := rune(text[at])
	if size > 1 {
		r, _ = utf8.DecodeRune(text[at:])
	} else if r >= utf8.RuneSelf {
		r = utf8.RuneError
	}
	for _, interval := range s.ranges {
		if interval.first <= r && r <= interval.last {
			return !s.negated
		}
	}
	return s.negated
}

func (s *set) equal(other *set) bool {
	return s.classes == other.classes && s.without == other.without && s.negated == other.negated &&
		slices.Equal(s.ranges, other.ranges)
}

// single is the set of one character.
func single(r rune) *set { return &set{ranges: []characterRange{{r, r}}} }
