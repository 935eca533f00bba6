package tabular

import (
	"bytes"
	"hash/maphash"
	"math/bits"
)

// Vocabulary finds the columns of words. It is a hash table that has the bytes of all words in one piece: of the many words
// that are not in it, it looks at a single slot. Add all, and then only look up.
type Vocabulary struct {
	seed  maphash.Seed
	slots []slot
	bytes []byte
	words int
}

// slot is a word's, or free, where tag is 0. The tag is the upper half of the word's hash, and not 0.
type slot struct {
	tag, from, to uint32
	column        int32
}

// NewVocabulary makes a vocabulary for so many words.
func NewVocabulary(words int) *Vocabulary {
	return &Vocabulary{seed: maphash.MakeSeed(), slots: make([]slot, 1<<bits.Len(uint(2*words)))}
}

// Len is how many words are in it.
func (v *Vocabulary) Len() int { return v.words }

// Add adds a word. There may be as many as NewVocabulary was told of. It returns false for one that is there already.
func (v *Vocabulary) Add(word string, column int32) bool {
	place, tag := v.find([]byte(word))
	if v.slots[place].tag != 0 {
		return false
	}
	from := len(v.bytes)
	v.bytes = append(v.bytes, word...)
	v.slots[place] = slot{tag: tag, from: uint32(from), to: uint32(len(v.bytes)), column: column}
	v.words++
	return true
}

// Column is a word's.
func (v *Vocabulary) Column(word []byte) (int32, bool) {
	place, _ := v.find(word)
	found := &v.slots[place]
	return found.column, found.tag != 0
}

// find returns the place of a word's slot, or of the free one that would be its; and its tag.
func (v *Vocabulary) find(word []byte) (place int, tag uint32) {
	sum := maphash.Bytes(v.seed, word)
	tag = uint32(sum>>32) | 1
	last := len(v.slots) - 1
	for place = int(sum) & last; ; place = (place + 1) & last {
		s := &v.slots[place]
		if s.tag == 0 || (s.tag == tag && bytes.Equal(v.bytes[s.from:s.to], word)) {
			return place, tag
		}
	}
}
