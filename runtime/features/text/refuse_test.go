package text

import (
	"errors"
	"strings"
	"testing"
)

func TestPatternsThatAreRefused(t *testing.T) {
	for pattern, words := range map[string]string{
		`(?i)[a-z]+`:                      "flags i",
		`(?a)\w+`:                         "flags a",
		`(?=\w)\w`:                        "not supported",
		`(?<!a)b`:                         "not supported",
		`(?P=name)`:                       "not supported",
		`(?i:a)`:                          "not supported",
		`(\w)\1`:                          "refers to a group",
		`(a)(b)`:                          "more than one group",
		`a++`:                             "possessive",
		`a**`:                             "repeats a repetition",
		`a{2}{3}`:                         "repeats a repetition",
		`*a`:                              "nothing to repeat",
		`a|*`:                             "nothing to repeat",
		`(a*)*`:                           "may be empty",
		`(?:\b|a)+`:                       "may be empty",
		`\b+`:                             "no length",
		`^*`:                              "no length",
		`a{3,2}`:                          "at least 3 and at most 2",
		`a{1001}`:                         "more than 1000",
		`a{99999999999999999999}`:         "more than 1000",
		`(?:(?:(?:a{99}){99}){99}){99}`:   "too large",
		`(?:a?){0,999}`:                   "may be empty",
		`[a`:                              "[ too many",
		`[`:                               "[ too many",
		`[^]`:                             "[ too many",
		`[z-a]`:                           "range",
		`[a-\d]`:                          "range",
		`(a`:                              "( too many",
		`a)`:                              ") too many",
		`(?`:                              "not supported",
		`(?P<1`:                           "name",
		`\`:                               "backslash",
		`[\`:                              "backslash",
		`\q`:                              "escape",
		`\x1`:                             "escape",
		`\xg1`:                            "escape",
		`\U00110000`:                      "escape",
		`\777`:                            "escape",
		`\N{BULLET}`:                      "escape",
		"\xff":                            "UTF-8",
		strings.Repeat("(?:", 100):        "deep",
		strings.Repeat("a", maxPattern+1): "longer",
	} {
		_, err := Compile(pattern)
		var refused *PatternError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), words) {
			t.Errorf("%.40q: %v, expected an error about %q", pattern, err, words)
		}
	}
}

func TestGramsThatAreRefused(t *testing.T) {
	for _, grams := range [][2]int{{0, 1}, {-1, 1}, {2, 1}, {1, MaxGram + 1}} {
		if _, err := New(Options{Kind: Chars, Min: grams[0], Max: grams[1]}); err == nil {
			t.Errorf("%v are accepted", grams)
		}
	}
}

// TestTextThatIsNotUTF8 gives what it gives of U+FFFD, and ends.
func TestTextThatIsNotUTF8(t *testing.T) {
	for _, options := range []Options{
		{Kind: Words, Pattern: DefaultPattern, Min: 1, Max: 2, Lowercase: true, Accents: UnicodeAccents},
		{Kind: Words, Pattern: `\w+?|[^a]`, Min: 1, Max: 2, Accents: ASCIIAccents},
		{Kind: Chars, Min: 1, Max: 2, Lowercase: true},
		{Kind: CharsInWords, Min: 1, Max: 2},
	} {
		analyzer, err := New(options)
		if err != nil {
			t.Fatal(err)
		}
		var terms Terms
		analyze(t, analyzer, &terms, "ab\xff\xfe cd\xe4\xb8 \xed\xa0\x80")
		for _, ok := terms.Next(); ok; _, ok = terms.Next() {
		}
	}
}

func analyze(t *testing.T, analyzer *Analyzer, terms *Terms, text string) {
	t.Helper()
	if err := analyzer.Analyze(terms, text); err != nil {
		t.Fatal(err)
	}
}

// TestLongTexts: a pattern may be such that finding all tokens takes the square of the text.
func TestLongTexts(t *testing.T) {
	long := strings.Repeat("a ", 100_000)
	for pattern, want := range map[string]error{
		`(?s)a.*b|a`: ErrTooLong, `(?s)(?:\w+.)*z|\w`: ErrTooLong, `a|b|c|\w+?\b|(?:a b)+`: nil, `\w+(?:-\w+)*`: nil,
	} {
		analyzer, err := New(Options{Kind: Words, Pattern: pattern, Min: 1, Max: 1})
		if err != nil {
			t.Fatal(err)
		}
		var terms Terms
		if err := analyzer.Analyze(&terms, long); !errors.Is(err, want) {
			t.Errorf("%s: %v, expected %v", pattern, err, want)
		}
		analyze(t, analyzer, &terms, "a b a a")
	}
}

func TestNothingIsAllocated(t *testing.T) {
	text := "The quick brown Straße İstanbul ΣΑΣ 人工智能 naïve한 don't " + strings.Repeat("word ", 50)
	for _, options := range []Options{
		{Kind: Words, Pattern: DefaultPattern, Min: 1, Max: 3, Lowercase: true, Accents: UnicodeAccents, StopWords: []string{"the"}},
		{Kind: Words, Pattern: `\b[a-z]+(?:'t)?`, Min: 1, Max: 1, Lowercase: true},
		{Kind: CharsInWords, Min: 2, Max: 4},
	} {
		analyzer, err := New(options)
		if err != nil {
			t.Fatal(err)
		}
		var terms Terms
		allocations := testing.AllocsPerRun(10, func() {
			analyze(t, analyzer, &terms, text)
			for _, ok := terms.Next(); ok; _, ok = terms.Next() {
			}
		})
		if allocations != 0 {
			t.Errorf("%+v: %v allocations", options, allocations)
		}
	}
}

// FuzzPattern: whatever the regular expression, it is refused or finds tokens that are in the text, in time.
func FuzzPattern(f *testing.F) {
	var fixture fixture
	read(f, "terms.json.gz", &fixture)
	for i, c := range fixture.Patterns {
		f.Add(c.Pattern, fixture.Texts[i])
	}
	f.Fuzz(func(t *testing.T, source, text string) {
		if len(text) > 1000 {
			return
		}
		pattern, err := Compile(source)
		if err != nil {
			if _, refused := errors.AsType[*PatternError](err); !refused {
				t.Fatalf("%v has no type", err)
			}
			return
		}
		for _, token := range tokens(pattern, text) {
			if !strings.Contains(text, string(token)) {
				t.Fatalf("%q finds %q in %q", source, token, text)
			}
		}
	})
}

// FuzzAnalyzer: whatever the text, the terms come to an end, and have as many characters as they should.
func FuzzAnalyzer(f *testing.F) {
	var fixture fixture
	read(f, "terms.json.gz", &fixture)
	for i, text := range fixture.Texts {
		f.Add(text, uint8(i%3), uint8(i/3%3), i%2 == 0, uint8(i%4), uint8(i%5))
	}
	f.Fuzz(func(t *testing.T, text string, kind, accents uint8, lower bool, least, more uint8) {
		options := Options{
			Kind: Kind(kind%3) + Words, Accents: Accents(accents % 3), Lowercase: lower, Pattern: DefaultPattern,
			Min: int(least%8) + 1, Max: int(least%8+more%8) + 1,
		}
		analyzer, err := New(options)
		if err != nil {
			t.Fatal(err)
		}
		var terms Terms
		analyze(t, analyzer, &terms, text)
		for term, ok := terms.Next(); ok; term, ok = terms.Next() {
			if characters := len([]rune(string(term))); options.Kind != Words && characters > options.Max {
				t.Fatalf("%q has %d characters: %+v", term, characters, options)
			}
		}
	})
}
