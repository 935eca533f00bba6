package features

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

var shared = sync.OnceValues(LoadTokenizer)

// read reads a feature file that must be good.
func read(tb testing.TB, text string) *Set {
	tb.Helper()
	set, err := Read("features.yaml", []byte(text), Options{Tokenizer: shared})
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

// given sets a frame's fields by name; those that are absent get their defaults.
func given(tb testing.TB, f *Frame, values map[string]any) {
	tb.Helper()
	for i, field := range f.set.fields {
		value, ok := values[field.Name]
		if !ok {
			f.SetDefault(i)
			continue
		}
		switch field.Kind {
		case String:
			f.SetString(i, value.(string))
		case Number:
			f.SetNumber(i, value.(float64))
		default:
			f.SetInteger(i, int64(value.(int)))
		}
	}
}

func TestOperators(t *testing.T) {
	nan := math.NaN()
	values := map[string]any{"s": "é 人工智能😀", "empty": "", "x": 2.5, "n": 7, "big": -1003}
	const fields = "fields:\n  s: string\n  empty: string\n  x: number\n  n: integer\n  big: integer\n" +
		"  no: {type: number, default: .nan}\n  z: {type: integer, default: 3}\n  w: {type: string, default: d}\n"
	for text, want := range map[string][]float64{
		`[x, n]`:                              {2.5, 7},
		`[no]`:                                {nan},
		`[z, {length: w}]`:                    {3, 1},
		`[{identity: x}, 0.1, 3, 0x10, -1e3]`: {2.5, .1, 3, 16, -1000},
		`[{length: s}, {length: empty}]`:      {7, 0},
		`[{token_count: s}, {token_count: empty}]`:                          {4, 0},
		`[{overlap: [s, s]}, {overlap: [empty, s]}, {overlap: [s, empty]}]`: {1, 0, 0},
		`[{overlap: [s, {constant: "人工智能"}]}]`:                              {.25},
		`[{code_point_sum: s}]`:                                             {0xe9 + ' ' + '人' + '工' + '智' + '能' + '😀'},
		`[{reciprocal: n}, {reciprocal: x, offset: 0}]`:                     {1. / 8, .4},
		`[{log1p: n}]`: {math.Log1p(7)},
		`[{standardise: x, mean: 0.5, scale: 4}]`:                            {.5},
		`[{clip: x, max: 2}, {clip: n, min: 8, max: 9}, {clip: no, max: 1}]`: {2, 8, nan},
		`[{bucket: x, boundaries: [1, 2.5, 3]}, {bucket: x, boundaries: [1, 2.5, 3], right: true}, {bucket: no, boundaries: [1]}]`: {
			2, 1, 1},
		`[{modulo: big, by: 1000}, {modulo: n, by: 4}]`:                                                      {997, 3},
		`[{sum: [x, n, 1]}, {sum: [n, big]}, {sum: [x, n], weights: [2, -1]}]`:                               {10.5, -996, -2},
		`[{product: [x, n]}, {product: [n, big, 0]}]`:                                                        {17.5, 0},
		`[{one_hot: {bucket: n, boundaries: [5, 10]}, size: 3}, {one_hot: big, size: 2}, x]`:                 {0, 1, 0, 0, 0, 2.5},
		`[{vocabulary: w, values: [a, d], default: -1}, {vocabulary: w, values: [a], default: 9, start: 2}]`: {1, 9},
		`[{vocabulary: n, values: [7, 8], start: 1, default: 0}, {vocabulary: n, values: [1], default: 5}]`:  {1, 5},
		// The hashes' own tests hold them to the frameworks; these are values known from elsewhere.
		`[{hash: {constant: 人工智能}, function: siphash-python, modulus: 1000}]`:                       {646},
		`[{hash: {constant: é}, function: siphash-python, modulus: 1000}]`:                          {195},
		`[{hash: {constant: a😀}, function: siphash-python, modulus: 1000}]`:                         {343},
		`[{hash: {constant: foo}, function: murmur3, modulus: 1000}]`:                               {512},
		`[{hash: {constant: foo}, function: murmur3, modulus: 1000, negative: floor}]`:              {488},
		`[{hash: {constant: o}, salt: fo, function: murmur3, modulus: 1000}]`:                       {512},
		`[{hash: {constant: foo}, seed: 42, function: murmur3, modulus: 1000}]`:                     {282},
		`[{cross: [{constant: f}, {constant: o}], separator: o, function: murmur3, modulus: 1000}]`: {512},
		`[{cross: [{constant: "1"}, n], modulus: 1000}, {hash: {constant: "1_X_7"}, modulus: 1000}]`: {
			float64(func() int64 { h := hasher{function: fingerprint64, modulus: 1000}; return h.of("1_X_7") }()),
			float64(func() int64 { h := hasher{function: fingerprint64, modulus: 1000}; return h.of("1_X_7") }())},
		`{features: [x, n], mean: [0.5, 6], scale: [4, 2]}`: {.5, .5},
		`{features: [x, n], scale: [5, 7]}`:                 {.5, 1},
	} {
		t.Run(text, func(t *testing.T) {
			set := read(t, fields+"features: "+text)
			f := set.Acquire()
			defer f.Release()
			given(t, f, values)
			if err := f.Run(); err != nil {
				t.Fatal(err)
			}
			got := make([]float64, set.Outputs()[0].Width)
			if err := Numbers(f, 0, got); err != nil {
				t.Fatal(err)
			}
			same := func(a, b float64) bool { return a == b || a != a && b != b }
			if !slices.EqualFunc(got, want, same) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestInputs(t *testing.T) {
	set := read(t, `
fields: {q: string, n: integer, x: number}
define:
  twice: {product: [n, 2]}
  d: {length: q}
inputs:
  text: q
  texts: [q, {constant: b}]
  id: twice
  ids: [n, d]
  wide: [x, n]
output: {name: p, index: 1}
`)
	f := set.Acquire()
	given(t, f, map[string]any{"q": "ab", "n": 21, "x": .5})
	if err := f.Run(); err != nil {
		t.Fatal(err)
	}
	type shape struct {
		name   string
		kind   Kind
		width  int
		scalar bool
	}
	var got []shape
	for _, o := range set.Outputs() {
		got = append(got, shape{o.Name, o.Kind, o.Width, o.Scalar})
	}
	want := []shape{{"text", String, 1, true}, {"texts", String, 2, false}, {"id", Integer, 1, true},
		{"ids", Integer, 2, false}, {"wide", Number, 2, false}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	texts, id, ids, wide := make([]string, 2), make([]int64, 1), make([]int32, 2), make([]float32, 2)
	Strings(f, 1, texts)
	for _, err := range []error{Integers(f, 2, id), Integers(f, 3, ids), Numbers(f, 4, wide)} {
		if err != nil {
			t.Error(err)
		}
	}
	if texts[0] != "ab" || texts[1] != "b" || id[0] != 42 || ids[0] != 21 || ids[1] != 2 || wide[0] != .5 || wide[1] != 21 {
		t.Error(texts, id, ids, wide)
	}
	if set.Score() != (Score{Output: "p", Index: 1}) {
		t.Errorf("%+v", set.Score())
	}
	// What is there twice is computed once.
	if n := len(set.instructions); n != 2 {
		t.Errorf("%d instructions", n)
	}
	given(t, f, map[string]any{"q": "ab", "n": 1 << 40, "x": .5})
	var input *InputError
	if err := Integers(f, 3, ids); f.Run() != nil || !errors.As(err, &input) || input.Field != "n" {
		t.Errorf("2^40 fits into 32 bits: %v, %v", ids, err)
	}
	given(t, f, map[string]any{"q": "ab", "n": 1 << 62, "x": .5})
	if err := f.Run(); !errors.As(err, &input) || input.Field != "n" {
		t.Errorf("2^63 fits into 64 bits: %v", err)
	}
}

// What has no number is said of the field that it is made of.
func TestInputErrors(t *testing.T) {
	const fields = "fields: {s: string, x: number, n: integer, m: {type: number, default: .nan}}\nfeatures: "
	for _, c := range []struct {
		features, field, message string
		x                        float64
	}{
		{"[n, {reciprocal: x}]", "x", "must not be -1: 1/(x+1) is one of the model's features", -1},
		{"[{reciprocal: {sum: [x, n]}, offset: 2.5}]", "x", "makes 1/(it+2.5) infinite", -3.5},
		{"[{product: [2, {reciprocal: x}]}]", "x", "must not be -1", -1},
		{"[{log1p: x}]", "x", "must be greater than -1", -2},
		{"[x]", "x", "range", math.Inf(1)},
		{"[{product: [x, x]}]", "x", "range", 1e200},
		{"[{sum: [{length: s}, x]}]", "x", "range", math.NaN()},
		{"[{sum: [{product: [x, x]}, m]}]", "x", "range", 1e200},
	} {
		t.Run(c.features, func(t *testing.T) {
			f := read(t, fields+c.features).Acquire()
			given(t, f, map[string]any{"s": "text", "x": c.x, "n": 1})
			dst := make([]float64, 2)
			err := f.Run()
			if err == nil {
				err = Numbers(f, 0, dst)
			}
			var input *InputError
			if !errors.As(err, &input) || input.Field != c.field || !strings.Contains(input.Message, c.message) {
				t.Errorf("got %v, want %s: …%s…", err, c.field, c.message)
			}
		})
	}
	// A long chain of sums is explained in linear time.
	text := "fields: {x: number}\ndefine:\n  d0: {sum: [x, x]}\n"
	for i := 1; i < 200; i++ {
		text += strings.NewReplacer("I", format(float64(i)), "J", format(float64(i-1))).Replace("  dI: {sum: [dJ, dJ]}\n")
	}
	f := read(t, text+"features: [d199]").Acquire()
	f.SetNumber(0, 1e300)
	if err := Numbers(f, 0, make([]float64, 1)); f.Run() != nil || err == nil && Numbers(f, 0, make([]float64, 1)) == nil {
		t.Error("2^200 · 1e300 is a number")
	}
}

// Every error names the file and the line, and says what to do.
func TestReadRefuses(t *testing.T) {
	const good = "fields: {q: string, x: number, n: integer, o: {type: number, required: false}}\n"
	for text, words := range map[string]string{
		"":                                         "is empty",
		"# nothing":                                "is empty",
		"[a]":                                      "line 1: must be a mapping",
		"a: [":                                     "line 1: is not YAML",
		"fields: {}\nfields: {}":                   `"fields" twice`,
		"preset: x\n---\npreset: y":                "more than one YAML document",
		"preset: ctr-13":                           "there are: ctr-12, ctr-wide-deep",
		"preset: ctr-12\nfeatures: [x]":            `line 2: "features" cannot stand beside 'preset'`,
		"feilds: {q: string}":                      `"feilds" is not known here`,
		"features: [x]":                            "has no 'fields'",
		good:                                       "neither 'features' nor 'inputs'",
		good + "features: [x]\ninputs: {}":         "'features' and 'inputs'",
		good + "inputs: {}":                        "must be a mapping of the network's input names",
		good + "features: []":                      "must be a list of features",
		good + "features: x":                       "must be a list of features",
		good + "features: [y]":                     `line 2: "y" is neither a field nor defined above; there are: n, o, q, x`,
		good + "features: [o]":                     `"o" may be missing, and has no default`,
		good + "features: [q]":                     "must be numbers; make them of strings with hash",
		good + "features: [true]":                  `not "true"`,
		good + "features: [[x]]":                   "not a list",
		good + "features: [null]":                  "not nothing",
		good + "features: [{longness: q}]":         "has no operator; there are: bucket",
		good + "features: [{length: x}]":           "length takes a string, and x is a number",
		good + "features: [{length: 0.5}]":         "and 0.5 is a number",
		good + "features: [{log1p: q}]":            "takes a number or an integer, and q is a string",
		good + "features: [{length: q, log1p: x}]": "two operators, length and log1p",
		good + "features: [{length: q, of: x}]":    `length has no "of"; it has: name, length`,
		good + "features: [{overlap: [q]}]":        "a list of at least 2",
		good + "features: [{overlap: [q, q, q]}]":  "takes two texts, not 3",
		good + "features: [{overlap: q}]":          "a list of at least 2",
		good + "features: [{hash: q}]":             "hash needs modulus",
		good + "features: [{hash: q, modulus: 0}]": "from 1 to",
		good + "features: [{hash: q, modulus: 10, function: md5}]":                                                "one of fingerprint64, siphash",
		good + "features: [{hash: q, modulus: 10, function: siphash}]":                                            "a key of two whole numbers",
		good + "features: [{hash: x, modulus: 10}]":                                                               "takes a string or an integer, and x is a number",
		good + "features: [{bucket: x}]":                                                                          "needs boundaries",
		good + "features: [{bucket: x, boundaries: [2, 1]}]":                                                      "rise, and 1 follows 2",
		good + "features: [{bucket: x, boundaries: [a]}]":                                                         `must be a number, not "a"`,
		good + "features: [{vocabulary: q, values: [a]}]":                                                         "needs default",
		good + "features: [{vocabulary: q, default: 0}]":                                                          "needs values",
		good + "features: [{vocabulary: q, values: [a, a], default: 0}]":                                          `"a" twice`,
		good + "features: [{vocabulary: q, values: [a, no, 1], default: 0}]":                                      `has "1" in its values`,
		good + "features: [{vocabulary: n, values: [1, a], default: 0}]":                                          `has "a" in its values, and they must be integers`,
		good + "features: [{vocabulary: q, file: v.txt, default: 0}]":                                             "there is no file beside",
		good + "features: [{one_hot: x, size: 3}]":                                                                "takes an integer, and x is a number",
		good + "features: [{one_hot: n, size: 300000}]":                                                           "from 1 to 262144",
		good + "features: [{log1p: {one_hot: n, size: 2}}]":                                                       "makes 2 values, and one is needed",
		good + "features: [{standardise: x, scale: 0}]":                                                           "a scale of 0",
		good + "features: [{clip: x, min: 2, max: 1}]":                                                            "min of 2 above its max of 1",
		good + "features: [{sum: [x, n], weights: [1]}]":                                                          "a weight for each of its 2 terms, not 1",
		good + "features: [{modulo: x, by: 2}]":                                                                   "takes an integer",
		good + "features: {features: [x], mean: [1, 2]}":                                                          "1 features, and its scaler was fitted on 2",
		good + "features: {features: [x], mean: [1], scaler: s}":                                                  "cannot stand beside",
		good + "features: {features: [x], scaler: s}":                                                             "publish the pickle that has it",
		good + "features: {features: [x], scale: [.inf]}":                                                         "must be a number",
		good + "inputs: {a: [q, x]}":                                                                              "mixes strings and numbers",
		good + "define: {x: q}\nfeatures: [x]":                                                                    "is the name of a field already",
		good + "define: [x]\nfeatures: [x]":                                                                       "define must be a mapping",
		good + "features: [x]\noutput: {index: 1}":                                                                "output needs a name",
		good + "features: [x]\noutput: {name: a, index: -1}":                                                      "from 0 on",
		good + "features: [x]\noutput: {name: a, place: 1}":                                                       `output has no "place"`,
		good + "features: [x]\noutput: ''":                                                                        "must not be empty",
		"fields: [q]\nfeatures: [q]":                                                                              "fields must be a mapping",
		"fields: {q: text}\nfeatures: [q]":                                                                        `must be string, number or integer, not "text"`,
		"fields: {q: {default: 1}}\nfeatures: [q]":                                                                "has no type",
		"fields: {q: {type: number, default: a}}\nfeatures: [q]":                                                  "the default must be a number",
		"fields: {q: {type: number, default: 1, required: true}}\nfeatures: [q]":                                  "not true beside a default",
		"fields: {q: {type: number, nullable: true}}\nfeatures: [q]":                                              `has no "nullable"`,
		"fields: {features: number}\nfeatures: [features]":                                                        "cannot be named",
		"fields: &a {q: number}\nfeatures: [q]":                                                                   "anchor or alias",
		"fields: {<<: {q: number}}\nfeatures: [q]":                                                                "not plain text",
		"fields: {q: !!binary aGk=}\nfeatures: [q]":                                                               "has the tag !!binary",
		"fields: {x: number}\nfeatures: [" + strings.Repeat("{log1p: ", 50) + "x" + strings.Repeat("}", 50) + "]": "nested too deeply",
		good + "features: [{cross: [" + strings.Repeat("q, ", 64) + "q], modulus: 9}]":                            "crosses 65 values",
		good + "features: [{hash: q, modulus: 9, salt: " + strings.Repeat("x", 1001) + "}]":                       "a salt of 1001 bytes",
		"preset: ctr-wide-deep":                                                                                   "presets/ctr-wide-deep.yaml, line",
	} {
		_, err := Read("features.yaml", []byte(text), Options{Tokenizer: shared})
		var bad *Error
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s\ngot  %v\nwant …%s…", text, err, words)
		}
	}
	if _, err := Read("features.yaml", make([]byte, MaxBytes+1), Options{}); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("got %v", err)
	}
	broken := func() (*Tokenizer, error) { return nil, fs.ErrNotExist }
	if _, err := Read("f", Preset(PresetCTR12), Options{Tokenizer: broken}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestVocabularyFile(t *testing.T) {
	files := map[string]string{"v.txt": "a\nb b\r\n\nc\n", "twice": "a\na", "bad": "\xff"}
	options := Options{File: func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}}
	const text = "fields: {q: string}\nfeatures: [{vocabulary: q, default: -1, file: "
	set, err := Read("features.yaml", []byte(text+"v.txt}]"), options)
	if err != nil {
		t.Fatal(err)
	}
	f := set.Acquire()
	for value, want := range map[string]float64{"a": 0, "b b": 1, "": 2, "c": 3, "d": -1} {
		f.SetString(0, value)
		got := make([]float64, 1)
		if err := errors.Join(f.Run(), Numbers(f, 0, got)); err != nil || got[0] != want {
			t.Errorf("%q is at %v (%v), want %v", value, got, err, want)
		}
	}
	for _, name := range []string{"absent", "twice", "bad"} {
		if _, err := Read("features.yaml", []byte(text+name+"}]"), options); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestFramesDoNotKeepText(t *testing.T) {
	f := preset12(t).Acquire()
	given(t, f, map[string]any{"query": "secret", "position": 1., "score": 1., "summary": "secret"})
	if err := f.Run(); err != nil {
		t.Fatal(err)
	}
	f.Release()
	for _, text := range append(f.texts, f.common.text) {
		if text != "" {
			t.Errorf("keeps %q", text)
		}
	}
}

func TestConcurrently(t *testing.T) {
	set := preset12(t)
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for range 200 {
				f := set.Acquire()
				given(t, f, map[string]any{"query": "人工智能", "position": float64(worker), "score": .8, "summary": "人工智能技术介绍"})
				got := make([]float64, 12)
				if err := errors.Join(f.Run(), Numbers(f, 0, got)); err != nil || got[0] != float64(worker) || got[9] != 3 {
					t.Errorf("got %v, %v", got, err)
				}
				f.Release()
			}
		})
	}
	group.Wait()
}

// FuzzRead reads any text as a feature file, and runs what comes out.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("presets/*.yaml")
	if err != nil || len(files) != len(presets) {
		f.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("preset: ctr-12\noutput: {name: a, label: b}")
	f.Add("fields: {s: string, n: integer, x: {type: number, default: .nan}}\ndefine: {a: {sum: [x, 1]}}\ninputs: {i: " +
		"{cross: [s, n], modulus: 9, function: fingerprint-cat}, w: {features: [a, {one_hot: n, size: 3}], mean: [1, 2, 3, 4]}}")
	f.Fuzz(func(t *testing.T, text string) {
		set, err := Read("features.yaml", []byte(text), Options{Tokenizer: shared, Scalers: map[string]Scaler{
			"wide_scaler": &standardScaler{mean: make([]float64, 6)}, "deep_scaler": &standardScaler{scale: make([]float64, 8)},
		}})
		if err != nil {
			if bad := (*Error)(nil); !errors.As(err, &bad) || len(err.Error()) > 5000 {
				t.Fatalf("%T: %.100s", err, err)
			}
			return
		}
		frame := set.Acquire()
		defer frame.Release()
		for i, field := range set.Fields() {
			switch field.Kind {
			case String:
				frame.SetString(i, text)
			case Number:
				frame.SetNumber(i, float64(len(text))-40)
			default:
				frame.SetInteger(i, int64(len(text))<<(len(text)&63))
			}
		}
		if frame.Run() != nil {
			return
		}
		for i, o := range set.Outputs() {
			switch o.Kind {
			case String:
				Strings(frame, i, make([]string, o.Width))
			case Integer:
				_ = Integers(frame, i, make([]int32, o.Width)) // may be out of range
			default:
				_ = Numbers(frame, i, make([]float32, o.Width)) // may be out of range
			}
		}
	})
}

// The examples in the documentation are feature files.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/features.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```")
	found := 0
	for _, block := range blocks {
		example, ok := strings.CutPrefix(block, "yaml\n")
		if !ok {
			continue
		}
		found++
		if _, err := Read("features.yaml", []byte(example), Options{Tokenizer: shared}); err != nil {
			t.Errorf("%v\n%s", err, example)
		}
	}
	if found < 5 {
		t.Errorf("%d examples", found)
	}
	// Every operator is there.
	for name := range operators {
		if !strings.Contains(string(text), "`"+name+":") {
			t.Errorf("%s is not documented", name)
		}
	}
}
