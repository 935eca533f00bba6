package features

import (
	"sync"
	"unicode/utf8"

	"github.com/ctr-operator/ctr-operator/runtime/features/jieba"
)

// CTR12Len is the number of features of CTR12.
const CTR12Len = 12

// unknownCTR stands for the historical click-through rates of query and document, which are not known when a request
// is answered.
const unknownCTR = 0.1

// CTR12Input is what CTR12 is computed from.
type CTR12Input struct {
	Query, Summary  string
	Position, Score float64
}

// CTR12 is the set of twelve features of search-result models:
//
//	0     position
//	1, 3  length of the summary (lengths are in Unicode code points)
//	2     length of the query
//	4     share of the query's distinct tokens that are in the summary too; 0 for an empty query
//	5, 6  0.1, 0.1
//	7     1/(position+1)
//	8, 9  number of tokens of the query, of the summary
//	10    0
//	11    score
//
// It may be used by any number of goroutines.
type CTR12 struct {
	tokens  *Tokenizer
	scratch sync.Pool // of *ctr12Scratch
}

type ctr12Scratch struct {
	query, summary []jieba.Span
	set            tokenSet
}

// maxKeptSpans bounds the size of the buffers that are kept for the next call.
const maxKeptSpans = 1 << 14

// NewCTR12 returns the feature set over the given tokenizer.
func NewCTR12(tokens *Tokenizer) *CTR12 {
	f := &CTR12{tokens: tokens}
	f.scratch.New = func() any { return &ctr12Scratch{set: newTokenSet()} }
	return f
}

// Fill sets dst[0:12]; dst must be that long. Feature 7 is infinite at position -1: whoever lets such an input through
// must be ready for it.
func (f *CTR12) Fill(dst []float64, in CTR12Input) {
	s := f.scratch.Get().(*ctr12Scratch)
	s.query = f.tokens.AppendSpans(s.query[:0], in.Query)
	s.summary = f.tokens.AppendSpans(s.summary[:0], in.Summary)
	summaryLen := float64(utf8.RuneCountInString(in.Summary))

	dst = dst[:CTR12Len]
	dst[0] = in.Position
	dst[1] = summaryLen
	dst[2] = float64(utf8.RuneCountInString(in.Query))
	dst[3] = summaryLen
	dst[4] = s.overlap(in.Query, in.Summary)
	dst[5] = unknownCTR
	dst[6] = unknownCTR
	dst[7] = 1 / (in.Position + 1)
	dst[8] = float64(len(s.query))
	dst[9] = float64(len(s.summary))
	dst[10] = 0
	dst[11] = in.Score

	if cap(s.query) <= maxKeptSpans && cap(s.summary) <= maxKeptSpans {
		f.scratch.Put(s)
	}
}

// overlap is |Q∩S|/|Q| over the sets of tokens in s.query and s.summary.
func (s *ctr12Scratch) overlap(query, summary string) float64 {
	if len(s.query) == 0 {
		return 0
	}
	distinct := s.set.reset(query, s.query)
	common := 0
	for _, span := range s.summary {
		if s.set.take(summary[span.Start:span.End]) {
			common++
		}
	}
	return float64(common) / float64(distinct)
}
