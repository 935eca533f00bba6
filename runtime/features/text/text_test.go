package text

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/features/hash"
)

// read decodes gzipped JSON of hack/fixtures.
func read(t testing.TB, name string, into any) {
	t.Helper()
	file, err := os.Open("../../../test/testdata/text/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

// fixture is what text_tokens.py writes.
type fixture struct {
	Texts     []string
	Analyzers []struct {
		Options vectorizer
		Terms   []byte
	}
	Patterns []struct {
		Pattern string
		Terms   []byte
	}
	Hashes []int32
}

// vectorizer has the parameters of scikit-learn's, with their defaults.
type vectorizer struct {
	Lowercase *bool
	Accents   string `json:"strip_accents"`
	Analyzer  string
	Pattern   *string `json:"token_pattern"`
	Grams     []int   `json:"ngram_range"`
	StopWords any     `json:"stop_words"`
}

func (v vectorizer) options() Options {
	options := Options{
		Lowercase: v.Lowercase == nil || *v.Lowercase,
		Accents:   map[string]Accents{"": KeepAccents, "ascii": ASCIIAccents, "unicode": UnicodeAccents}[v.Accents],
		Kind:      map[string]Kind{"": Words, "char": Chars, "char_wb": CharsInWords}[v.Analyzer],
		Pattern:   DefaultPattern,
		Min:       1,
		Max:       1,
	}
	if v.Pattern != nil {
		options.Pattern = *v.Pattern
	}
	if v.Grams != nil {
		options.Min, options.Max = v.Grams[0], v.Grams[1]
	}
	switch words := v.StopWords.(type) {
	case string:
		options.StopWords = EnglishStopWords()
	case []any:
		for _, word := range words {
			options.StopWords = append(options.StopWords, word.(string))
		}
	}
	return options
}

// check compares the terms of the text with that index to their checksum.
func (f *fixture) check(t *testing.T, of string, index int, terms [][]byte, sums []byte) {
	t.Helper()
	sum := crc32.NewIEEE()
	for _, term := range terms {
		sum.Write(append(slices.Clip(term), '\n'))
	}
	if sum.Sum32()&0xffff != uint32(binary.LittleEndian.Uint16(sums[2*index:])) {
		t.Errorf("%s: of %.60q come %.200q, and from scikit-learn others", of, f.Texts[index], terms)
	}
}

func TestTermsAreThoseOfTheVectorizers(t *testing.T) {
	var fixture fixture
	read(t, "terms.json.gz", &fixture)
	var terms Terms // the same for all, as in a pool
	for _, c := range fixture.Analyzers {
		name, _ := json.Marshal(c.Options)
		analyzer, err := New(c.Options.options())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, text := range fixture.Texts {
			if err := analyzer.Analyze(&terms, text); err != nil {
				t.Fatal(err)
			}
			var got [][]byte
			for term, ok := terms.Next(); ok; term, ok = terms.Next() {
				got = append(got, term)
			}
			fixture.check(t, string(name), i, got, c.Terms)
		}
	}
	t.Logf("%d analyzers, %d texts", len(fixture.Analyzers), len(fixture.Texts))
}

func TestPatternsFindWhatPythonFinds(t *testing.T) {
	var fixture fixture
	read(t, "terms.json.gz", &fixture)
	for _, c := range fixture.Patterns {
		pattern, err := Compile(c.Pattern)
		if err != nil {
			t.Error(err)
			continue
		}
		for i, text := range fixture.Texts {
			fixture.check(t, c.Pattern, i, tokens(pattern, text), c.Terms)
		}
	}
	t.Logf("%d patterns, %d texts", len(fixture.Patterns), len(fixture.Texts))
}

func tokens(pattern *Pattern, text string) [][]byte {
	var m matcher
	var found [][]byte
	m.start(pattern, []byte(text))
	for token, next := pattern.next(&m, []byte(text), 0); next >= 0; token, next = pattern.next(&m, []byte(text), next) {
		found = append(found, token)
	}
	return found
}

// TestRunsAreWhatTheMachineFinds: the short cut for common patterns is one.
func TestRunsAreWhatTheMachineFinds(t *testing.T) {
	var fixture fixture
	read(t, "terms.json.gz", &fixture)
	for _, source := range []string{DefaultPattern, `\b\w+`, `\w+`, `\S\S+`, `[^,]{2,}`, `[a-z]+`, `([\W\d]+)`} {
		pattern, err := Compile(source)
		if err != nil || pattern.run == nil {
			t.Fatalf("%s: %v, %v", source, pattern, err)
		}
		machine := &Pattern{program: assemble((&parser{pattern: source}).parse())}
		for _, text := range fixture.Texts {
			if got, want := tokens(pattern, text), tokens(machine, text); !equal(got, want) {
				t.Errorf("%s: of %.60q come %q, the machine finds %q", source, text, got, want)
			}
		}
	}
}

func equal(a, b [][]byte) bool {
	return bytes.Equal(bytes.Join(a, []byte{0}), bytes.Join(b, []byte{0}))
}

func TestHashes(t *testing.T) {
	var fixture fixture
	read(t, "terms.json.gz", &fixture)
	for i, text := range fixture.Texts {
		if got := hash.Murmur3(text, 0); got != fixture.Hashes[i] {
			t.Errorf("%.60q: %d, scikit-learn has %d", text, got, fixture.Hashes[i])
		}
	}
}

// TestEveryCharacter compares what becomes of all characters of Unicode 14 to what Python makes of them.
func TestEveryCharacter(t *testing.T) {
	var answers struct {
		Skipped               [][2]rune
		Lower, Unicode, ASCII []string
	}
	read(t, "characters.json.gz", &answers)
	skipped := make(map[rune]bool)
	for _, interval := range answers.Skipped {
		for r := interval[0]; r <= interval[1]; r++ {
			skipped[r] = true
		}
	}
	for _, c := range []struct {
		name    string
		digests []string
		apply   func(string) []byte
	}{
		{"lower case", answers.Lower, func(s string) []byte { return appendLower(nil, s) }},
		{"without accents", answers.Unicode, func(s string) []byte { return appendStripped(nil, []byte(s), false) }},
		{"in ASCII", answers.ASCII, func(s string) []byte { return appendStripped(nil, []byte(s), true) }},
	} {
		size := rune(0x110000 / len(c.digests))
		for block, want := range c.digests {
			var made [][]byte
			for r := rune(block) * size; r < rune(block+1)*size; r++ {
				if !skipped[r] {
					made = append(made, c.apply(string(r)))
				}
			}
			sum := sha256.Sum256(bytes.Join(made, []byte("\n")))
			if want != "" && hex.EncodeToString(sum[:4]) != want {
				t.Errorf("%s: U+%04X and following are not what Python makes of them", c.name, rune(block)*size)
			}
		}
	}
}
