package request

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ctr-operator/ctr-operator/runtime/model"
)

// FuzzDecode holds the decoder to two others: jsontext says what is JSON, encoding/json what it means.
func FuzzDecode(f *testing.F) {
	full := fields(`"q\u00e9"`, `"d"`, `1`, `0.8e-3`, `"s"`)
	for _, seed := range []string{
		one(full), `{"inputs":[` + full + `,` + full + `]}`, one(`{"features":[1,2,3,4,5,6,7,8,9,10,11,12]}`),
		one(`{"user":"u","query":null}`), `{"a":{"b":[1,true,null,"\ud83d\ude00"]},"inputs":{}}`,
		one(`{"score":1e999}`), one(`{"score":NaN}`), `{"inputs":{"query":"a","query":"b"}}`, "{\"inputs\":{\"q\":\"\xff\"}}",
		`{"inputs":[{"features":[1,2,3,4,5,6,7,8,9,10,11,12],"user":-0.0}]}`, one(full) + " x", `{"inputs":{"\ud800":1}}`,
	} {
		f.Add(seed)
	}
	d := NewDecoder(ctr, 4)
	f.Fuzz(func(t *testing.T, body string) {
		for _, shape := range []Shape{Single, Batch} {
			var r Request
			err := d.Decode(body, shape, "user", &r)
			rows, key, refErr := reference(body, shape, "user")
			if (err == nil) != (refErr == nil) {
				t.Fatalf("shape %d: got %v, the reference %v", shape, err, refErr)
			}
			if err != nil {
				if _, ok := errors.AsType[*Error](err); !ok {
					t.Fatalf("%T is not an *Error", err)
				}
				if !json.Valid(mustMarshal(t, err.Error())) || len(err.Error()) > 1000 {
					t.Fatalf("unfit message: %q", err.Error())
				}
				continue
			}
			if got, want := fmt.Sprint(normal(r.Rows)), fmt.Sprint(normal(rows)); got != want {
				t.Fatalf("shape %d: got  %s\nwant %s", shape, got, want)
			}
			if r.Key != key || r.HasKey != (key != "") {
				t.Fatalf("shape %d: key %q, %t, want %q", shape, r.Key, r.HasKey, key)
			}
		}
	})
}

// FuzzCheckAnswer makes sure that what is relayed is JSON, whatever a broken revision sends.
func FuzzCheckAnswer(f *testing.F) {
	f.Add(`{"outputs":{"ctr_score":0.5}}`)
	f.Add(`{"outputs":[{"ctr_score":0.5},{"ctr_score":1}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		for _, shape := range []Shape{Single, Batch} {
			if CheckAnswer(body, shape, false) == nil && !json.Valid([]byte(body)) {
				t.Fatalf("shape %d: passed", shape)
			}
		}
	})
}

func mustMarshal(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var errReference = errors.New("refused")

// reference decodes slowly, with other people's code.
func reference(body string, shape Shape, sticky string) (rows []model.Row, key string, err error) {
	if depth(body) > maxDepth || !validJSON(body) {
		return nil, "", errReference
	}
	top, ok := object(json.RawMessage(body))
	if !ok {
		return nil, "", errReference
	}
	inputs, ok := top["inputs"]
	if !ok {
		return nil, "", errReference
	}
	examples := []json.RawMessage{inputs}
	if shape == Batch {
		if json.Unmarshal(inputs, &examples) != nil || len(examples) == 0 || len(examples) > 4 {
			return nil, "", errReference
		}
	}
	for i, example := range examples {
		row, k, err := referenceRow(example, sticky)
		if err != nil {
			return nil, "", err
		}
		if i == 0 {
			key = k
		}
		rows = append(rows, row)
	}
	return rows, key, nil
}

func referenceRow(example json.RawMessage, sticky string) (row model.Row, key string, err error) {
	fields, ok := object(example)
	if !ok {
		return row, "", errReference
	}
	if raw := fields[sticky]; len(raw) > 0 && raw[0] == '"' {
		_ = json.Unmarshal(raw, &key)
	} else if len(raw) > 0 && strings.ContainsRune("-0123456789", rune(raw[0])) {
		key = string(raw)
	}
	if raw, ok := fields[model.FieldFeatures]; ok {
		var features []*float64
		if json.Unmarshal(raw, &features) != nil || len(features) != ctr.Features {
			return row, "", errReference
		}
		for _, f := range features {
			if f == nil {
				return row, "", errReference
			}
			row.Features = append(row.Features, *f)
		}
	}
	for _, field := range ctr.Fields {
		raw, given := fields[field.Name]
		isNull := string(raw) == "null"
		value := model.Value{Set: given && !isNull}
		switch {
		case given && row.Features != nil && !isNull, given && isNull && field.Required, !given && field.Required && row.Features == nil:
			return row, "", errReference
		case !value.Set:
		case field.Kind == model.Number && json.Unmarshal(raw, &value.Num) != nil, field.Kind == model.String && json.Unmarshal(raw, &value.Str) != nil:
			return row, "", errReference
		}
		row.Values = append(row.Values, value)
	}
	return row, key, nil
}

// object reads an object's members; names that come twice are refused.
func object(raw json.RawMessage) (map[string]json.RawMessage, bool) {
	if len(raw) == 0 || raw[0] == 'n' {
		return nil, false
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return nil, false
	}
	d := jsontext.NewDecoder(strings.NewReader(string(raw)), jsontext.AllowDuplicateNames(true))
	n := 0
	_, _ = d.ReadToken()
	for d.PeekKind() == '"' {
		_, _ = d.ReadToken()
		_ = d.SkipValue()
		n++
	}
	return members, n == len(members)
}

func validJSON(body string) bool {
	// White space before is allowed, and jsontext allows several values.
	return jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true))
}

// depth is how deep a body nests, brackets in strings not counted.
func depth(body string) int {
	deepest, now, inString := 0, 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}
