package features

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ctr-operator/ctr-operator/runtime/features/hash"
)

func preset12(tb testing.TB) *Set {
	tb.Helper()
	return read(tb, "preset: ctr-12")
}

// fields12 are a row of the preset's.
type fields12 struct {
	query, summary  string
	position, score float64
}

func (in fields12) set(f *Frame) {
	f.SetString(0, in.query)
	f.SetDefault(1)
	f.SetNumber(2, in.position)
	f.SetNumber(3, in.score)
	f.SetString(4, in.summary)
}

// reference12 is what the preset stands for, in Go.
func reference12(t *Tokenizer, in fields12) []float64 {
	length := func(s string) float64 { return float64(utf8.RuneCountInString(s)) }
	return []float64{
		in.position, length(in.summary), length(in.query), length(in.summary), overlapByMaps(t, in.query, in.summary), .1, .1,
		1 / (in.position + 1), float64(len(t.Lcut(in.query))), float64(len(t.Lcut(in.summary))), 0, in.score,
	}
}

func overlapByMaps(t *Tokenizer, first, second string) float64 {
	mine, other := map[string]bool{}, map[string]bool{}
	for _, token := range t.Lcut(first) {
		mine[token] = true
	}
	for _, token := range t.Lcut(second) {
		other[token] = true
	}
	if len(mine) == 0 {
		return 0
	}
	both := 0
	for token := range mine {
		if other[token] {
			both++
		}
	}
	return float64(both) / float64(len(mine))
}

func TestPreset12(t *testing.T) {
	f := preset12(t).Acquire()
	for _, c := range []struct {
		name string
		in   fields12
		want []float64
	}{
		{
			"Chinese", fields12{"人工智能", "人工智能技术介绍", 1, 0.8},
			[]float64{1, 8, 4, 8, 1, .1, .1, .5, 1, 3, 0, .8},
		},
		{
			"English", fields12{"artificial intelligence", "AI technology introduction", 1, 0.8},
			[]float64{1, 26, 23, 26, 1. / 3, .1, .1, .5, 3, 5, 0, .8},
		},
		{
			"another position", fields12{"deep learning", "DL introduction", 2, 0.7},
			[]float64{2, 15, 13, 15, 1. / 3, .1, .1, 1. / 3, 3, 3, 0, .7},
		},
		{"empty", fields12{position: 1}, []float64{1, 0, 0, 0, 0, .1, .1, .5, 0, 0, 0, 0}},
		{
			"empty query", fields12{summary: "介绍", score: -1},
			[]float64{0, 2, 0, 2, 0, .1, .1, 1, 0, 1, 0, -1},
		},
		{
			"code points, not bytes", fields12{query: "😀e\u0301", summary: "𠀀"},
			[]float64{0, 1, 3, 1, 0, .1, .1, 1, 3, 1, 0, 0},
		},
		{
			"sets, not lists", fields12{query: "a b a b", summary: "b b b"},
			[]float64{0, 5, 7, 5, 2. / 3, .1, .1, 1, 7, 5, 0, 0},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.set(f)
			got := make([]float64, 12)
			if err := errors.Join(f.Run(), Numbers(f, 0, got)); err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %v, %v; want %v", got, err, c.want)
			}
		})
	}
}

// randomText is made of words of all kinds, many of them equal.
func randomText(rng *rand.Rand) string {
	words := strings.Fields("人工智能 技术 介绍 的 deep learning , 😀 乒乓球 3.5% 鿖")
	var b strings.Builder
	for range rng.IntN(40) {
		b.WriteString(words[rng.IntN(len(words))])
		b.WriteString([]string{"", " "}[rng.IntN(2)])
	}
	return b.String()
}

// The preset's features are, to the last bit, those of the plain program.
func TestPreset12AgainstReference(t *testing.T) {
	f := preset12(t).Acquire()
	rng := rand.New(rand.NewPCG(1, 2))
	got := make([]float64, 12)
	for range 2000 {
		in := fields12{randomText(rng), randomText(rng), rng.NormFloat64() * 10, rng.Float64()}
		in.set(f)
		if err := errors.Join(f.Run(), Numbers(f, 0, got)); err != nil {
			t.Fatal(err)
		}
		if want := reference12(f.set.tokenizer, in); !slices.Equal(got, want) {
			t.Fatalf("%+v: got %v, want %v", in, got, want)
		}
	}
}

func FuzzPreset12(f *testing.F) {
	f.Add("人工智能", "人工智能技术介绍")
	f.Add("a\xff", "\u0301😀")
	frame := preset12(f).Acquire()
	f.Fuzz(func(t *testing.T, query, summary string) {
		in := fields12{query: query, summary: summary}
		in.set(frame)
		got := make([]float64, 12)
		if err := errors.Join(frame.Run(), Numbers(frame, 0, got)); err != nil {
			t.Fatal(err)
		}
		if want := reference12(frame.set.tokenizer, in); !slices.Equal(got, want) {
			t.Fatalf("%q, %q: got %v, want %v", query, summary, got, want)
		}
	})
}

// The inputs of the Wide & Deep preset are those of the plain program.
func TestPresetWideDeep(t *testing.T) {
	scaler := func(n int) *standardScaler {
		s := &standardScaler{}
		for i := range n {
			s.mean, s.scale = append(s.mean, float64(i)/3), append(s.scale, float64(i+1)/7)
		}
		return s
	}
	scalers := map[string]Scaler{"wide_scaler": scaler(6), "deep_scaler": scaler(8)}
	set, err := Read("features.yaml", Preset(PresetWideDeep), Options{Tokenizer: shared, Scalers: scalers})
	if err != nil {
		t.Fatal(err)
	}
	f := set.Acquire()
	rng := rand.New(rand.NewPCG(3, 4))
	abs1000 := func(s string) int32 { return int32(math.Abs(float64(hash.Python(s) % 1000))) }
	for i := range 500 {
		query, doc, summary, stamp := randomText(rng), randomText(rng), randomText(rng), "2026-11-20T08:00:00"
		position, score := float64(i%15), rng.Float64()
		values := map[string]any{"query": query, "doc_id": doc, "position": position, "score": score, "summary": summary}
		sum := 0
		if i%2 == 0 {
			values["timestamp"] = stamp
			for _, r := range stamp {
				sum += int(r)
			}
		}
		match := overlapByMaps(f.set.tokenizer, query, summary)
		q, s := float64(utf8.RuneCountInString(query)), float64(utf8.RuneCountInString(summary))
		wide := []float64{position, 1 / (position + 1), score, match, .1, .1}
		deep := []float64{s, q, s, float64(len(f.set.tokenizer.Lcut(query))), float64(len(f.set.tokenizer.Lcut(summary))),
			float64(sum % 1000), position * score, q * match}
		group := int32(2)
		if position <= 3 {
			group = 0
		} else if position <= 10 {
			group = 1
		}
		given(t, f, values)
		gotWide, gotDeep, ids := make([]float32, 6), make([]float32, 8), make([]int32, 3)
		err := errors.Join(f.Run(), Numbers(f, 0, gotWide), Numbers(f, 1, gotDeep),
			Integers(f, 2, ids[:1]), Integers(f, 3, ids[1:2]), Integers(f, 4, ids[2:]))
		if err != nil {
			t.Fatal(err)
		}
		for k, x := range wide {
			if want := float32((x - float64(k)/3) / (float64(k+1) / 7)); gotWide[k] != want {
				t.Fatalf("row %d: wide %v at %d, want %v", i, gotWide, k, want)
			}
		}
		for k, x := range deep {
			if want := float32((x - float64(k)/3) / (float64(k+1) / 7)); gotDeep[k] != want {
				t.Fatalf("row %d: deep %v at %d, want %v", i, gotDeep, k, want)
			}
		}
		if want := []int32{abs1000(query), abs1000(doc), group}; !slices.Equal(ids, want) {
			t.Fatalf("row %d: got %v, want %v", i, ids, want)
		}
	}
}

func BenchmarkPreset12(b *testing.B) {
	set := preset12(b)
	dst := make([]float64, 12)
	for name, in := range map[string]fields12{
		"short": {"人工智能", "人工智能技术介绍", 1, 0.8},
		"usual": {
			"深度学习 入门",
			"本文介绍人工智能、机器学习与深度学习的基本概念，以及自然语言处理（NLP）中的应用，准确率提高了3.5%。", 3, 0.8,
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f := set.Acquire()
				in.set(f)
				if err := f.Run(); err != nil {
					b.Fatal(err)
				}
				if err := Numbers(f, 0, dst); err != nil {
					b.Fatal(err)
				}
				f.Release()
			}
		})
	}
}
