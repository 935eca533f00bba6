package features

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

var shared = sync.OnceValues(LoadTokenizer)

func newSet(tb testing.TB) *CTR12 {
	tb.Helper()
	tokens, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	return NewCTR12(tokens)
}

func TestCTR12(t *testing.T) {
	f := newSet(t)
	for _, c := range []struct {
		name string
		in   CTR12Input
		want []float64
	}{
		{
			"Chinese", CTR12Input{Query: "人工智能", Summary: "人工智能技术介绍", Position: 1, Score: 0.8},
			[]float64{1, 8, 4, 8, 1, .1, .1, .5, 1, 3, 0, .8},
		},
		{
			"English", CTR12Input{
				Query: "artificial intelligence", Summary: "AI technology introduction", Position: 1, Score: 0.8,
			},
			[]float64{1, 26, 23, 26, 1. / 3, .1, .1, .5, 3, 5, 0, .8},
		},
		{
			"another position", CTR12Input{Query: "deep learning", Summary: "DL introduction", Position: 2, Score: 0.7},
			[]float64{2, 15, 13, 15, 1. / 3, .1, .1, 1. / 3, 3, 3, 0, .7},
		},
		{"empty", CTR12Input{Position: 1}, []float64{1, 0, 0, 0, 0, .1, .1, .5, 0, 0, 0, 0}},
		{
			"empty query", CTR12Input{Summary: "介绍", Position: 0, Score: -1},
			[]float64{0, 2, 0, 2, 0, .1, .1, 1, 0, 1, 0, -1},
		},
		{
			"code points, not bytes", CTR12Input{Query: "😀e\u0301", Summary: "𠀀"},
			[]float64{0, 1, 3, 1, 0, .1, .1, 1, 3, 1, 0, 0},
		},
		{
			"sets, not lists", CTR12Input{Query: "a b a b", Summary: "b b b"},
			[]float64{0, 5, 7, 5, 2. / 3, .1, .1, 1, 7, 5, 0, 0},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := slices.Repeat([]float64{-7}, CTR12Len+1)
			f.Fill(got, c.in)
			if !slices.Equal(got[:CTR12Len], c.want) {
				t.Errorf("got %v, want %v", got[:CTR12Len], c.want)
			}
			if got[CTR12Len] != -7 {
				t.Error("wrote behind its features")
			}
		})
	}
}

// TestOverlapAgainstMaps compares the set of spans with plain maps, on texts with many equal tokens.
func TestOverlapAgainstMaps(t *testing.T) {
	f := newSet(t)
	rng := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("人工智能 技术 介绍 的 deep learning , 😀 乒乓球 3.5% 鿖")
	text := func() string {
		var b strings.Builder
		for range rng.IntN(40) {
			b.WriteString(words[rng.IntN(len(words))])
			b.WriteString([]string{"", " "}[rng.IntN(2)])
		}
		return b.String()
	}
	var got [CTR12Len]float64
	for range 2000 {
		in := CTR12Input{Query: text(), Summary: text()}
		f.Fill(got[:], in)
		if want := overlapByMaps(f.tokens, in.Query, in.Summary); got[4] != want {
			t.Fatalf("%+v: overlap %v, want %v", in, got[4], want)
		}
	}
}

func FuzzFill(f *testing.F) {
	f.Add("人工智能", "人工智能技术介绍")
	f.Add("a\xff", "\u0301😀")
	set := newSet(f)
	f.Fuzz(func(t *testing.T, query, summary string) {
		var x [CTR12Len]float64
		in := CTR12Input{Query: query, Summary: summary}
		set.Fill(x[:], in)
		if x[4] != overlapByMaps(set.tokens, in.Query, in.Summary) || x[2] != float64(utf8.RuneCountInString(query)) {
			t.Fatalf("%q, %q: %v", query, summary, x)
		}
	})
}

func BenchmarkFill(b *testing.B) {
	f := newSet(b)
	dst := make([]float64, CTR12Len)
	for name, in := range map[string]CTR12Input{
		"short": {Query: "人工智能", Summary: "人工智能技术介绍", Position: 1, Score: 0.8},
		"usual": {
			Query: "深度学习 入门", Position: 3, Score: 0.8,
			Summary: "本文介绍人工智能、机器学习与深度学习的基本概念，以及自然语言处理（NLP）中的应用，准确率提高了3.5%。",
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f.Fill(dst, in)
			}
		})
	}
}
