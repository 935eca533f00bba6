package request

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/model"
)

// fields makes a complete example from JSON values, "" leaving a field out.
func fields(query, docID, position, score, summary string) string {
	var parts []string
	for i, v := range []string{query, docID, position, score, summary} {
		if v != "" {
			parts = append(parts, fmt.Sprintf("%q:%s", ctr.Fields[i].Name, v))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func one(example string) string { return `{"inputs":` + example + `}` }

func text(s string) model.Value         { return model.Value{Set: true, Str: s} }
func num(f float64) model.Value         { return model.Value{Set: true, Num: f} }
func values(v ...model.Value) model.Row { return model.Row{Values: v} }

// A model that fills in missing values is told of them by null; what is no number otherwise stays an error.
func TestDecodeMissing(t *testing.T) {
	d := NewDecoder(model.Signature{Features: 3, Missing: true}, 10)
	var r Request
	if err := d.Decode(`{"inputs":[{"features":[null,2, null]},{"features":[1,2,3]}]}`, Batch, "", &r); err != nil {
		t.Fatal(err)
	}
	first, second := r.Rows[0].Features, r.Rows[1].Features
	if !math.IsNaN(first[0]) || first[1] != 2 || !math.IsNaN(first[2]) || !slices.Equal(second, []float64{1, 2, 3}) {
		t.Errorf("got %v, %v", first, second)
	}
	for _, feature := range []string{"NaN", "nul", "nullx", `"null"`, "[null]", ""} {
		if err := d.Decode(one(`{"features":[1,`+feature+`,3]}`), Single, "", &r); err == nil {
			t.Errorf("%s is taken for a number", feature)
		}
	}
}

func TestDecodeAccepts(t *testing.T) {
	vector := []float64{1, 8, 4, 8, 1, .1, .1, .5, 1, 3, 0, .8}
	const vectorJSON = `[1,8,4,8,1,0.1,0.1,0.5,1,3,0,0.8]`
	full := fields(`"q"`, `"d"`, `1`, `0.8`, `"s"`)
	fullRow := values(text("q"), text("d"), num(1), num(.8), text("s"))
	tests := map[string]struct {
		body  string
		shape Shape
		rows  []model.Row
	}{
		"all fields":         {one(full), Single, []model.Row{fullRow}},
		"no optional field":  {one(fields(`"q"`, ``, `1`, `0.8`, `"s"`)), Single, []model.Row{values(text("q"), model.Value{}, num(1), num(.8), text("s"))}},
		"null optional":      {one(fields(`"q"`, `null`, `1`, `0.8`, `"s"`)), Single, []model.Row{values(text("q"), model.Value{}, num(1), num(.8), text("s"))}},
		"empty strings":      {one(fields(`""`, `""`, `0`, `0`, `""`)), Single, []model.Row{values(text(""), text(""), num(0), num(0), text(""))}},
		"white space":        {" \t\r\n{ \"inputs\" : " + strings.NewReplacer(":", " :\n", ",", "\t, ").Replace(full) + " } \n", Single, []model.Row{fullRow}},
		"other inputs":       {one(strings.Replace(full, "{", `{"user_id":"u","x":[1,{"a":null,"a":[true,false]}],"y":{},"z":[],`, 1)), Single, []model.Row{fullRow}},
		"other names at top": {`{"signature_name":"serving_default","inputs":` + full + `,"n":-1.5e+3}`, Single, []model.Row{fullRow}},
		"escapes": {one(fields(`"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00 人工"`, ``, `1`, `1`, `"\u0000"`)), Single,
			[]model.Row{values(text("\"\\/\b\f\n\r\té😀 人工"), model.Value{}, num(1), num(1), text("\x00"))}},
		"escaped name": {one(strings.Replace(full, "query", `qu\u0065ry`, 1)), Single, []model.Row{fullRow}},
		"numbers": {one(fields(`""`, ``, `-12.5e-1`, `9007199254740993`, `""`)), Single,
			[]model.Row{values(text(""), model.Value{}, num(-1.25), num(9007199254740992), text(""))}},
		"integers beyond 64 bits": {one(fields(`""`, ``, `9999999999999999999`, `123456789012345678901234567890`, `""`)), Single,
			[]model.Row{values(text(""), model.Value{}, num(1e19), num(123456789012345678901234567890), text(""))}},
		"negative zero": {one(fields(`""`, ``, `-0`, `0e5`, `""`)), Single,
			[]model.Row{values(text(""), model.Value{}, num(math.Copysign(0, -1)), num(0), text(""))}},
		"too small is zero": {one(fields(`""`, ``, `1e-400`, `5e-324`, `""`)), Single,
			[]model.Row{values(text(""), model.Value{}, num(0), num(math.SmallestNonzeroFloat64), text(""))}},
		"largest": {one(fields(`""`, ``, `1.7976931348623157e308`, `-1e308`, `""`)), Single,
			[]model.Row{values(text(""), model.Value{}, num(math.MaxFloat64), num(-1e308), text(""))}},
		"vector":          {one(`{"features":` + vectorJSON + `}`), Single, []model.Row{{Features: vector}}},
		"vector and user": {one(`{"user_id":7,"features":` + vectorJSON + `}`), Single, []model.Row{{Features: vector}}},
		"batch":           {`{"inputs":[` + full + `,{"features":` + vectorJSON + `} , ` + full + `]}`, Batch, []model.Row{fullRow, {Features: vector}, fullRow}},
		"batch of one":    {`{"inputs":[` + full + `]}`, Batch, []model.Row{fullRow}},
	}
	d := NewDecoder(ctr, 10)
	var r Request // one for all, as servers do it
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := d.Decode(tt.body, tt.shape, "", &r); err != nil {
				t.Fatal(err)
			}
			if got, want := normal(r.Rows), normal(tt.rows); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

// normal makes rows comparable: a row with a vector has no values that count, and zeros have their signs.
func normal(rows []model.Row) []string {
	out := make([]string, len(rows))
	for i, row := range rows {
		if row.Features != nil {
			out[i] = fmt.Sprint(row.Features)
			continue
		}
		for _, v := range row.Values {
			out[i] += fmt.Sprintf("%t %q %x|", v.Set, v.Str, math.Float64bits(v.Num))
		}
	}
	return out
}

func TestDecodeRefuses(t *testing.T) {
	full := fields(`"q"`, `"d"`, `1`, `0.8`, `"s"`)
	with := func(name, value string) string {
		v := map[string]string{"query": `"q"`, "doc_id": `"d"`, "position": `1`, "score": `0.8`, "summary": `"s"`}
		v[name] = value
		return one(fields(v["query"], v["doc_id"], v["position"], v["score"], v["summary"]))
	}
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	tests := []struct {
		name, body string
		shape      Shape
		want       string // the beginning of the error
	}{
		{"empty", "", Single, "the body is empty"},
		{"blank", " \n", Single, "the body is empty"},
		{"not JSON", "query=q", Single, "the body must be a JSON object"},
		{"array", "[]", Single, "the body must be a JSON object"},
		{"byte order mark", "\ufeff" + one(full), Single, "the body begins with a byte order mark"},
		{"no inputs", `{}`, Single, "inputs: is required"},
		{"instances", `{"instances":[1]}`, Single, "inputs: is required"},
		{"inputs null", `{"inputs":null}`, Single, "inputs: must be an object"},
		{"inputs a string", `{"inputs":"x"}`, Single, "inputs: must be an object"},
		{"inputs an array", `{"inputs":[` + full + `]}`, Single, "inputs: must be an object"},
		{"inputs not an array", one(full), Batch, "inputs: must be an array of objects"},
		{"empty batch", `{"inputs":[]}`, Batch, "inputs: must not be empty"},
		{"batch of numbers", `{"inputs":[1]}`, Batch, "inputs[0]: must be an object"},
		{"batch with null", `{"inputs":[` + full + `,null]}`, Batch, "inputs[1]: must be an object"},
		{"inputs twice", `{"inputs":` + full + `,"inputs":` + full + `}`, Single, "has the name inputs more than once"},
		{"field twice", one(strings.Replace(full, "{", `{"score":1,`, 1)), Single, "inputs: has the name score more than once"},
		{"field twice by escape", one(strings.Replace(full, "{", `{"\u0073core":1,`, 1)), Single, "inputs: has the name score more than once"},
		{"other input twice", one(strings.Replace(full, "{", `{"user":1,"user":2,`, 1)), Single, "inputs: has the name user more than once"},
		{"many names, one twice", one(strings.Replace(full, "{", manyNames(40)+`"n39":0,`, 1)), Single, "inputs: has the name n39 more than once"},
		{"string for number", with("position", `"1"`), Single, "inputs.position: must be a number"},
		{"null for number", with("position", `null`), Single, "inputs.position: must be a number"},
		{"bool for number", with("position", `true`), Single, "inputs.position: must be a number"},
		{"number for string", with("query", `1`), Single, "inputs.query: must be a string"},
		{"null for string", with("summary", `null`), Single, "inputs.summary: must be a string"},
		{"array for string", with("summary", `["s"]`), Single, "inputs.summary: must be a string"},
		{"number for optional", with("doc_id", `5`), Single, "inputs.doc_id: must be a string"},
		{"missing", with("score", ``), Single, "inputs.score: is required, and must be a number"},
		{"empty object", one(`{}`), Single, "inputs.query: is required, and must be a string"},
		{"missing in a batch", `{"inputs":[` + full + `,{"query":"q"}]}`, Batch, "inputs[1].position: is required"},
		{"wrong in a batch", `{"inputs":[` + full + `,` + full + `,{"score":[]}]}`, Batch, "inputs[2].score: must be a number"},
		{"NaN", with("score", `NaN`), Single, "inputs.score: must be a finite number"},
		{"Infinity", with("score", `Infinity`), Single, "inputs.score: must be a finite number"},
		{"minus Infinity", with("score", `-Infinity`), Single, "inputs.score: must be a finite number"},
		{"NaN nobody reads", one(strings.Replace(full, "{", `{"user":NaN,`, 1)), Single, "inputs.user: must be a finite number"},
		{"overflow", with("score", `1e309`), Single, "inputs.score: is out of the range"},
		{"overflow of digits", with("score", strings.Repeat("9", 400)), Single, "inputs.score: is out of the range"},
		{"leading zero", with("score", `01`), Single, "inputs.score: is a number that begins with a zero"},
		{"plus", with("score", `+1`), Single, "inputs.score: must be a number"},
		{"no integer part", with("score", `.5`), Single, "inputs.score: must be a number"},
		{"no fraction", with("score", `1.`), Single, "inputs.score: is a number with no digit after its point"},
		{"no exponent", with("score", `1e+`), Single, "inputs.score: is a number with no digit in its exponent"},
		{"only a minus", with("score", `-`), Single, "inputs.score: must be a number"},
		{"hexadecimal", with("score", `0x10`), Single, "inputs: a ',' or '}' is missing"},
		{"invalid UTF-8", with("query", "\"\xff\""), Single, "inputs.query: is not valid UTF-8"},
		{"invalid UTF-8 and an escape", with("query", "\"\\n\xc3\""), Single, "inputs.query: is not valid UTF-8"},
		{"invalid UTF-8 nobody reads", one(strings.Replace(full, "{", "{\"u\":\"\xff\",", 1)), Single, "inputs.u: is not valid UTF-8"},
		{"half a surrogate pair", with("query", `"\ud83d"`), Single, "inputs.query: has half of a surrogate pair"},
		{"wrong surrogate pair", with("query", `"\ud83d\u0041"`), Single, "inputs.query: has half of a surrogate pair"},
		{"second half alone", with("query", `"\udc00\ud800"`), Single, "inputs.query: has half of a surrogate pair"},
		{"unknown escape", with("query", `"\x41"`), Single, "inputs.query: has an invalid escape"},
		{"short escape", with("query", `"\u00`), Single, "inputs.query: has an invalid escape"},
		{"control character", with("query", "\"a\nb\""), Single, "inputs.query: has a control character"},
		{"control character after an escape", with("query", "\"\\n\x00\""), Single, "inputs.query: has a control character"},
		{"open string", `{"inputs":{"query":"abc`, Single, "inputs.query: is a string that does not end"},
		{"cut off", one(full)[:len(full)], Single, "inputs: an object's name is a string that does not end"},
		{"cut off before a value", `{"inputs":{"position":`, Single, "inputs.position: a value is missing"},
		{"garbage after", one(full) + "x", Single, "the body goes on"},
		{"second value", one(full) + "{}", Single, "the body goes on"},
		{"NUL after", one(full) + "\x00", Single, "the body goes on"},
		{"comma at the end", `{"inputs":` + full + `,}`, Single, "an object's name must be a string"},
		{"comma at the end of inputs", one(full[:len(full)-1] + `,}`), Single, "inputs: an object's name must be a string"},
		{"no colon", `{"inputs" {}}`, Single, "a ':' is missing"},
		{"no comma", one(`{"query":"q" "score":1}`), Single, "inputs: a ',' or '}' is missing"},
		{"no comma in a batch", `{"inputs":[` + full + full + `]}`, Batch, "inputs: a ',' or ']' is missing"},
		{"comment", one(`{/**/"query":"q"}`), Single, "inputs: an object's name must be a string"},
		{"single quotes", one(`{'query':'q'}`), Single, "inputs: an object's name must be a string"},
		{"deep", one(strings.Replace(full, "{", `{"u":`+deep+`,`, 1)), Single, "inputs.u: is nested too deeply"},
		{"deep at the top", `{"u":` + deep + `}`, Single, "is nested too deeply"},
		{"vector too short", one(`{"features":[1,2]}`), Single, "inputs.features: must have 12 numbers, but has 2"},
		{"vector empty", one(`{"features":[]}`), Single, "inputs.features: must have 12 numbers, but has 0"},
		{"vector too long", one(`{"features":[1,2,3,4,5,6,7,8,9,10,11,12,13]}`), Single, "inputs.features: must have 12 numbers, but has more"},
		{"vector of strings", one(`{"features":[1,"2"]}`), Single, "inputs.features[1]: must be a number"},
		{"vector of vectors", one(`{"features":[[1]]}`), Single, "inputs.features[0]: must be a number"},
		{"vector with null", one(`{"features":[null]}`), Single, "inputs.features[0]: must be a number"},
		{"vector with NaN", `{"inputs":[{"features":[1,2,NaN]}]}`, Batch, "inputs[0].features[2]: must be a finite number"},
		{"vector not an array", one(`{"features":1}`), Single, "inputs.features: must be an array of 12 numbers"},
		{"vector and fields", one(`{"features":[1,2,3,4,5,6,7,8,9,10,11,12],"query":"q"}`), Single, `inputs.features: cannot stand beside "query"`},
		{"a name with a line break", one(`{"a\nb":tru}`), Single, `inputs."a\nb": is not a JSON value`},
		{"a very long name", one(`{"` + strings.Repeat("n", 1000) + `":tru}`), Single, `inputs."` + strings.Repeat("n", 64) + `…": is not`},
	}
	d := NewDecoder(ctr, 10)
	var r Request
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := d.Decode(tt.body, tt.shape, "user", &r)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if e.Problem != Invalid || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got  %s\nwant %s", err, tt.want)
			}
			if len(r.Rows) != 0 {
				t.Errorf("rows are left: %v", r.Rows)
			}
		})
	}
}

// manyNames begins an object with so many inputs.
func manyNames(n int) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		fmt.Fprintf(&b, `"n%d":0,`, i)
	}
	return b.String()
}

func TestDecodeLimitsBatches(t *testing.T) {
	d := NewDecoder(ctr, 3)
	full := fields(`"q"`, ``, `1`, `0.8`, `"s"`)
	var r Request
	for n := 1; n <= 5; n++ {
		body := `{"inputs":[` + strings.Repeat(full+",", n-1) + full + `]}`
		err := d.Decode(body, Batch, "", &r)
		var e *Error
		switch {
		case n <= 3 && (err != nil || len(r.Rows) != n):
			t.Errorf("%d: %v, %d rows", n, err, len(r.Rows))
		case n > 3 && (!errors.As(err, &e) || e.Problem != TooLarge || err.Error() != "inputs: must have at most 3 examples"):
			t.Errorf("%d: %v", n, err)
		}
	}
}

// Rows of a batch must stay what they are while the memory behind them grows.
func TestDecodeLargeBatch(t *testing.T) {
	const n = 1000
	var b strings.Builder
	b.WriteString(`{"inputs":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		if i%3 == 0 {
			fmt.Fprintf(&b, `{"features":[%d,1,2,3,4,5,6,7,8,9,10,11]}`, i)
		} else {
			b.WriteString(fields(fmt.Sprintf(`"q%d"`, i), ``, fmt.Sprint(i), `0`, `""`))
		}
	}
	b.WriteString(`]}`)
	var r Request
	for range 2 {
		if err := NewDecoder(ctr, n).Decode(b.String(), Batch, "", &r); err != nil {
			t.Fatal(err)
		}
		for i, row := range r.Rows {
			if i%3 == 0 && row.Features[0] != float64(i) || i%3 != 0 && row.Values[0].Str != fmt.Sprintf("q%d", i) {
				t.Fatalf("row %d is %v", i, row)
			}
		}
	}
}

func TestBareSignature(t *testing.T) {
	d := NewDecoder(model.Signature{Features: 2}, 10)
	var r Request
	for body, want := range map[string]string{
		one(`{"features":[1,2]}`):   "",
		one(`{"query":"q"}`):        "inputs.features: is required, and must be an array of 2 numbers",
		one(`{}`):                   "inputs.features: is required, and must be an array of 2 numbers",
		one(`{"features":[1,2,3]}`): "inputs.features: must have 2 numbers, but has more",
	} {
		got := ""
		if err := d.Decode(body, Single, "", &r); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}

func TestStickyKey(t *testing.T) {
	tests := map[string]struct {
		example, field, want string
	}{
		"string":                  {`{"user":"u-1",%s}`, "user", "u-1"},
		"string with escapes":     {`{"user":"\u0041\n",%s}`, "user", "A\n"},
		"number":                  {`{"user":42,%s}`, "user", "42"},
		"number as it is written": {`{"user":4.20e1,%s}`, "user", "4.20e1"},
		"negative number":         {`{"user":-7 ,%s}`, "user", "-7"},
		"string of digits":        {`{"user":"42",%s}`, "user", "42"},
		"after the others":        {`{%s,"user":"u"}`, "user", "u"},
		"a field of the model":    {`{%s}`, "query", "q"},
		"a number of the model":   {`{%s}`, "score", "0.80"},
		"empty":                   {`{"user":"",%s}`, "user", ""},
		"null":                    {`{"user":null,%s}`, "user", ""},
		"bool":                    {`{"user":true,%s}`, "user", ""},
		"object":                  {`{"user":{"user":"x"},%s}`, "user", ""},
		"missing":                 {`{%s}`, "user", ""},
		"not asked for":           {`{"user":"u","":"x",%s}`, "", ""},
	}
	full := strings.Trim(fields(`"q"`, ``, `1`, `0.80`, `"s"`), "{}")
	d, keys := NewDecoder(ctr, 10), NewKeyDecoder(10)
	var r Request
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			example := strings.Replace(tt.example, "%s", full, 1)
			for shape, body := range map[Shape]string{
				Single: one(example),
				// Only the first example counts.
				Batch: `{"inputs":[` + example + `,` + strings.Replace(tt.example, "%s", full, 1) + `,{"user":"other",` + full + `}]}`,
			} {
				if err := d.Decode(body, shape, tt.field, &r); err != nil {
					t.Fatal(err)
				}
				if r.Key != tt.want || r.HasKey != (tt.want != "") {
					t.Errorf("shape %d: got %q, %t", shape, r.Key, r.HasKey)
				}
				if err := keys.Decode(body, shape, tt.field, &r); err != nil || r.Key != tt.want {
					t.Errorf("shape %d: the key alone: got %q, %v", shape, r.Key, err)
				}
			}
		})
	}
}

func TestKeyDecoderTakesInputsOfAnotherModel(t *testing.T) {
	var r Request
	body := one(`{"features":["a",{"b":1}],"query":7,"user":"u"}`)
	if err := NewKeyDecoder(10).Decode(body, Single, "user", &r); err != nil || r.Key != "u" || len(r.Rows) != 0 {
		t.Errorf("got %q, %v, %d rows", r.Key, err, len(r.Rows))
	}
}

// A Request that is used again must not show anything of what it was used for before.
func TestReuse(t *testing.T) {
	d := NewDecoder(ctr, 10)
	var r Request
	if err := d.Decode(one(fields(`"q"`, `"secret"`, `1`, `1`, `"s"`)), Single, "doc_id", &r); err != nil {
		t.Fatal(err)
	}
	if err := d.Decode(one(fields(`"q"`, ``, `1`, `1`, `"s"`)), Single, "doc_id", &r); err != nil {
		t.Fatal(err)
	}
	if v := r.Rows[0].Values[1]; v.Set || v.Str != "" || r.HasKey || r.Key != "" {
		t.Errorf("got %v, %q", v, r.Key)
	}
}

func TestDecodeAllocations(t *testing.T) {
	d := NewDecoder(ctr, 1024)
	var r Request
	for name, c := range map[string]struct {
		body  string
		shape Shape
	}{
		"single": {one(oneExample), Single},
		"vector": {one(`{"features":[1,2,3,4,5,6,7,8,9,10,11,12]}`), Single},
		"batch":  {`{"inputs":[` + strings.Repeat(oneExample+",", 99) + oneExample + `]}`, Batch},
	} {
		allocs := testing.AllocsPerRun(100, func() {
			if err := d.Decode(c.body, c.shape, "user_id", &r); err != nil {
				t.Fatal(err)
			}
		})
		if allocs > 1 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}

func TestFromInputError(t *testing.T) {
	err := &model.InputError{Index: 3, Field: "position", Message: "must not be -1"}
	if got := FromInputError(err, Single).Error(); got != "inputs.position: must not be -1" {
		t.Error(got)
	}
	if got := FromInputError(err, Batch).Error(); got != "inputs[3].position: must not be -1" {
		t.Error(got)
	}
}

func TestCheckAnswer(t *testing.T) {
	for body, ok := range map[string]bool{
		`{"outputs":{"ctr_score":0.5}}`:              true,
		`{"outputs":{"ctr_score":1e-7,"more":[1]}} `: true,
		`{"model":"m","outputs":{"ctr_score":0}}`:    true,
		`{"outputs":{"ctr_score":1.5}}`:              false,
		`{"outputs":{"ctr_score":-0.1}}`:             false,
		`{"outputs":{"ctr_score":NaN}}`:              false,
		`{"outputs":{"ctr_score":null}}`:             false,
		`{"outputs":{"ctr_score":"0.5"}}`:            false,
		`{"outputs":{}}`:                             false,
		`{"outputs":[{"ctr_score":0.5}]}`:            false,
		`{"error":"no"}`:                             false,
		`{"outputs":{"ctr_score":0.5}`:               false,
		`{"outputs":{"ctr_score":0.5}}{}`:            false,
		`<html>`:                                     false,
		``:                                           false,
	} {
		if err := CheckAnswer(body, Single, true); (err == nil) != ok {
			t.Errorf("%s: %v", body, err)
		}
	}
	for body, ok := range map[string]bool{
		`{"outputs":[{"ctr_score":0.5}]}`:                   true,
		`{"outputs":[{"ctr_score":0.5} , {"ctr_score":1}]}`: true,
		`{"outputs":[{"ctr_score":0.5},{"ctr_score":2}]}`:   false,
		`{"outputs":[{"ctr_score":0.5},]}`:                  false,
		`{"outputs":[]}`:                                    false,
		`{"outputs":{"ctr_score":0.5}}`:                     false,
	} {
		if err := CheckAnswer(body, Batch, true); (err == nil) != ok {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// A column of a table that a Number came from may be one of bools; any other Number is none.
func TestDecodeBools(t *testing.T) {
	d := NewDecoder(model.Signature{Fields: []model.Field{{Name: "a", Kind: model.Number, Bools: true}, {Name: "b", Kind: model.Number}}}, 1)
	for value, want := range map[string]float64{"true": 1, "false": 0, "0.5": 0.5} {
		var r Request
		if err := d.Decode(one(`{"a":`+value+`}`), Single, "", &r); err != nil || !reflect.DeepEqual(r.Rows[0].Values[0], num(want)) {
			t.Errorf("%s: got %+v, %v", value, r.Rows, err)
		}
		if err := d.Decode(one(`{"b":`+value+`}`), Single, "", &r); (err == nil) != (value == "0.5") {
			t.Errorf("%s: %v", value, err)
		}
	}
}
