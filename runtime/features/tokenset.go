package features

import (
	"hash/maphash"

	"github.com/ctr-operator/ctr-operator/runtime/features/jieba"
)

// tokenSet is a set of the tokens of one text: open addressing over spans, so that it allocates nothing once it has
// grown. The hash is seeded, so nobody can prepare a text whose tokens all collide.
type tokenSet struct {
	seed  maphash.Seed
	text  string
	spans []jieba.Span
	slots []slot // a power of two of them, at least twice the tokens
}

// slot holds a token as its index in spans plus one; 0 is empty.
type slot struct {
	token int32
	taken bool
}

func newTokenSet() tokenSet {
	return tokenSet{seed: maphash.MakeSeed()}
}

// reset makes the set that of the given tokens of text, none of them taken, and returns its size.
func (s *tokenSet) reset(text string, spans []jieba.Span) int {
	size := 8
	for size < 2*len(spans) {
		size *= 2
	}
	if cap(s.slots) < size {
		s.slots = make([]slot, size)
	}
	s.slots = s.slots[:size]
	clear(s.slots)
	s.text, s.spans = text, spans
	distinct := 0
	for i, span := range spans {
		if found := s.find(text[span.Start:span.End]); found.token == 0 {
			found.token = int32(i + 1)
			distinct++
		}
	}
	return distinct
}

// take says whether token is in the set and has not been taken before, and takes it.
func (s *tokenSet) take(token string) bool {
	found := s.find(token)
	if found.token == 0 || found.taken {
		return false
	}
	found.taken = true
	return true
}

// find returns the token's slot, or the empty one where it belongs.
func (s *tokenSet) find(token string) *slot {
	mask := len(s.slots) - 1
	for i := int(maphash.String(s.seed, token)) & mask; ; i = (i + 1) & mask {
		at := &s.slots[i]
		if at.token == 0 {
			return at
		}
		if span := s.spans[at.token-1]; s.text[span.Start:span.End] == token {
			return at
		}
	}
}
