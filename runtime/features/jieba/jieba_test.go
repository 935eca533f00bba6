package jieba

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// shared is loaded once for all tests of the package: they only read it.
var shared = sync.OnceValues(Load)

func load(tb testing.TB) *Tokenizer {
	tb.Helper()
	t, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// TestAgreesWithPython compares with what jieba itself said, see gen/corpus.py. CTR_JIEBA_CORPUS names a further, larger
// file of that kind.
func TestAgreesWithPython(t *testing.T) {
	files := []string{"testdata/lcut.jsonl.gz"}
	if extra := os.Getenv("CTR_JIEBA_CORPUS"); extra != "" {
		files = append(files, extra)
	}
	tok := load(t)
	for _, file := range files {
		texts, wrong := 0, 0
		for want := range corpus(t, file) {
			texts++
			if got := tok.Lcut(strings.Join(want, "")); !slices.Equal(got, want) {
				if wrong++; wrong <= 10 {
					t.Errorf("%s: %q:\n got %q\nwant %q", file, strings.Join(want, ""), got, want)
				}
			}
		}
		t.Logf("%s: %d texts, %d differ", file, texts, wrong)
		if texts < 2000 {
			t.Errorf("%s: only %d texts", file, texts)
		}
	}
}

// corpus iterates over the token lists in a file.
func corpus(tb testing.TB, file string) func(yield func([]string) bool) {
	tb.Helper()
	return func(yield func([]string) bool) {
		f, err := os.Open(file)
		if err != nil {
			tb.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			tb.Fatal(err)
		}
		lines := bufio.NewScanner(z)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var tokens []string
			if err := json.Unmarshal(lines.Bytes(), &tokens); err != nil {
				tb.Fatal(err)
			}
			if !yield(tokens) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			tb.Fatal(err)
		}
	}
}

func TestTokens(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"人工智能技术介绍":                  "人工智能 技术 介绍",
		"他来到了网易杭研大厦":                "他 来到 了 网易 杭研 大厦",
		"deep learning":             "deep ␠ learning",
		"a\r\n\r b":                 "a ␍␊ ␍ ␠ b",
		"涨3.5%，AT&T":                "涨 3.5% ， AT&T",
		"\xff\xe4\xbd人\xed\xa0\x80": "\xff \xe4 \xbd 人 \xed \xa0 \x80",
	} {
		visible := strings.NewReplacer(" ", "␠", "\r", "␍", "\n", "␊")
		got := load(t).Lcut(text)
		for i := range got {
			got[i] = visible.Replace(got[i])
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q: got %q, want %q", text, s, want)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	tok := load(t)
	text := "小明硕士毕业于中国科学院计算所，后在日本京都大学深造"
	want := tok.Lcut(text)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if got := tok.Lcut(text); !slices.Equal(got, want) {
					t.Errorf("got %q, want %q", got, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestDamagedData flips, cuts and inflates: an error always, never a panic.
func TestDamagedData(t *testing.T) {
	for name, data := range map[string]string{
		"empty":     "",
		"no gzip":   "hello",
		"truncated": embedded[:len(embedded)/2],
		"flipped":   embedded[:1000] + string(embedded[1000]^1) + embedded[1001:],
		"no sum":    embedded[:len(embedded)-8],
	} {
		if err := new(Tokenizer).load(data); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
}

func FuzzAppendSpans(f *testing.F) {
	for _, s := range []string{"", "人工智能", "a\r\n1.5%\xff", "𠀀\u0301é龥鿖", "乒乓球拍卖完了 deep learning"} {
		f.Add(s)
	}
	tok := load(f)
	f.Fuzz(func(t *testing.T, text string) {
		at := 0
		for _, s := range tok.AppendSpans(nil, text) {
			if s.Start != at || s.End <= at {
				t.Fatalf("%q: span %v after %d", text, s, at)
			}
			if utf8.ValidString(text) && !utf8.ValidString(text[s.Start:s.End]) {
				t.Fatalf("%q: span %v is not on characters", text, s)
			}
			at = s.End
		}
		if at != len(text) {
			t.Fatalf("%q: tokens end at %d", text, at)
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendSpans(b *testing.B) {
	tok := load(b)
	for name, text := range map[string]string{
		"short":   "人工智能",
		"summary": "人工智能技术介绍：机器学习、深度学习与自然语言处理的应用",
		"latin":   "artificial intelligence is an introduction to technology 2.0",
		"unknown": strings.Repeat("龘靐齉爩鱻麤", 10),
		"megabyte": strings.Repeat("小明硕士毕业于中国科学院计算所，后在日本京都大学深造。",
			1<<20/len("小明硕士毕业于中国科学院计算所，后在日本京都大学深造。")),
		"megabyte, one block": strings.Repeat("小明硕士毕业于中国科学院计算所", 1<<20/45),
	} {
		b.Run(name, func(b *testing.B) {
			var spans []Span
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				spans = tok.AppendSpans(spans[:0], text)
			}
		})
	}
}
