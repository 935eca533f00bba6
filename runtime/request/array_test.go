package request

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/model"
)

// shapes is a signature with a field of every form.
var shapes = model.Signature{Fields: []model.Field{
	{Name: "n", Kind: model.Integer},
	{Name: "one", Kind: model.Number, Shape: []int{1}},
	{Name: "wide", Kind: model.Number, Shape: []int{3}},
	{Name: "matrix", Kind: model.Integer, Shape: []int{2, 2}},
	{Name: "any", Kind: model.String, Shape: []int{-1}},
	{Name: "rows", Kind: model.Number, Shape: []int{-1, 2}},
	{Name: "dict", Kind: model.Object},
}}

func TestArrays(t *testing.T) {
	d := NewDecoder(shapes, 10)
	var r Request
	// An empty list is nil only until there has been one with something in it.
	if err := d.Decode(`{"inputs":{"any":["z"],"rows":[[1,2]]}}`, Single, "", &r); err != nil {
		t.Fatal(err)
	}
	for inputs, want := range map[string]model.Value{
		`{"n":-9223372036854775808}`:   {Int: -1 << 63},
		`{"n":9223372036854775807}`:    {Int: 1<<63 - 1},
		`{"n":1.0}`:                    {Int: 1},
		`{"n":-2e3}`:                   {Int: -2000},
		`{"one":0.5}`:                  {Num: .5},
		`{"one":[0.5]}`:                {Nums: []float64{.5}},
		`{"wide":[1,2.5,-3]}`:          {Nums: []float64{1, 2.5, -3}},
		`{"wide": [ 1 , 2 , 3 ] }`:     {Nums: []float64{1, 2, 3}},
		`{"matrix":[[1,2],[3,4]]}`:     {Ints: []int64{1, 2, 3, 4}},
		`{"matrix":[1,2,3,4]}`:         {Ints: []int64{1, 2, 3, 4}},
		`{"any":["a","\u00e9"]}`:       {Strs: []string{"a", "é"}},
		`{"any":"a"}`:                  {Strs: []string{"a"}},
		`{"any":[]}`:                   {Strs: []string{}},
		`{"rows":[[1,2],[3,4],[5,6]]}`: {Nums: []float64{1, 2, 3, 4, 5, 6}},
		`{"rows":[1,2]}`:               {Nums: []float64{1, 2}},
		`{"rows":[]}`:                  {Nums: []float64{}},
		`{"dict":{}}`:                  {},
		`{"dict":{"a":1,"b":"c","d":null,"e":true,"f":false,"g":["x","y"],"h":[],"i":["z"]}}`: {Members: []model.Member{
			{Name: "a", Kind: model.Number, Num: 1}, {Name: "b", Kind: model.String, Str: "c"}, {Name: "d"},
			{Name: "e", Kind: model.Number, Num: 1}, {Name: "f", Kind: model.Number},
			{Name: "g", Kind: model.String, Strs: []string{"x", "y"}}, {Name: "h", Kind: model.String, Strs: []string{}},
			{Name: "i", Kind: model.String, Strs: []string{"z"}},
		}},
	} {
		t.Run(inputs, func(t *testing.T) {
			// Twice in a batch: what one has must not end up in the other.
			if err := d.Decode(`{"inputs":[`+inputs+`,{"any":["z"],"wide":[7,8,9],"dict":{"y":2}},`+inputs+`]}`, Batch, "", &r); err != nil {
				t.Fatal(err)
			}
			want.Set = true
			for _, row := range []int{0, 2} {
				for _, got := range r.Rows[row].Values {
					if got.Set && !reflect.DeepEqual(got, want) {
						t.Errorf("row %d: got %+v, want %+v", row, got, want)
					}
				}
			}
			if other := r.Rows[1].Values; other[4].Strs[0] != "z" || other[2].Nums[2] != 9 || other[6].Members[0].Num != 2 {
				t.Errorf("the other row: %+v", other)
			}
		})
	}
}

func TestArraysRefused(t *testing.T) {
	d := NewDecoder(shapes, 10)
	var r Request
	for inputs, message := range map[string]string{
		`{"n":1.5}`:                        "inputs.n: must be an integer",
		`{"n":9223372036854775808}`:        "inputs.n: is out of the range of a 64-bit integer",
		`{"n":"1"}`:                        "inputs.n: must be a number",
		`{"n":[1]}`:                        "inputs.n: must be a number",
		`{"one":[]}`:                       "inputs.one: must be a number, or an array of one, but has 0",
		`{"one":[1,2]}`:                    "inputs.one: must be a number, or an array of one, but has more",
		`{"one":"a"}`:                      "inputs.one: must be a number",
		`{"one":[[1]]}`:                    "inputs.one: is nested 2 deep; it must be a number, or an array of one",
		`{"wide":1}`:                       "inputs.wide: must be an array of 3 numbers",
		`{"wide":[1,2]}`:                   "inputs.wide: must be an array of 3 numbers, but has 2",
		`{"wide":[1,2,3,4]}`:               "inputs.wide: must be an array of 3 numbers, but has more",
		`{"wide":[1,"a",3]}`:               "inputs.wide[1]: must be a number",
		`{"wide":[1,null,3]}`:              "inputs.wide[1]: must be a number",
		`{"wide":[1,NaN,3]}`:               "inputs.wide[1]: must be a finite number",
		`{"wide":[1,2,3}`:                  "a ',' or ']' is missing",
		`{"matrix":[[1,2],[3]]}`:           "has arrays of 2 and of 1 elements beside each other; it must be an array of integers of the shape [2, 2]",
		`{"matrix":[[1,2,3,4]]}`:           "has the shape [1 4]",
		`{"matrix":[[1,2],3,4]}`:           "mixes arrays and values",
		`{"matrix":[1,[2,3],4]}`:           "mixes arrays and values",
		`{"matrix":[[[1],[2]],[[3],[4]]]}`: "is nested 3 deep",
		`{"any":1}`:                        "inputs.any: must be a string",
		`{"any":["a",1]}`:                  "inputs.any[1]: must be a string",
		`{"rows":[1,2,3]}`:                 "must be an array of numbers of the shape [any, 2], but has 3",
		`{"rows":[[1,2,3]]}`:               "has the shape [1 3]",
		`{"rows":[[]]}`:                    "has the shape [1 0]",
		`{"rows":` + strings.Repeat("[", 50) + `1` + strings.Repeat("]", 50) + `}`: "is nested too deeply",
		`{"dict":[]}`:            "inputs.dict: must be an object",
		`{"dict":{"a":[1]}}`:     `inputs."dict.a"[0]: must be a string`,
		`{"dict":{"a":[["x"]]}}`: `inputs."dict.a": is nested 2 deep; it must be an array of strings`,
		`{"dict":{"a":{}}}`:      `inputs."dict.a": must be a string, a list of strings, a number or null`,
		`{"dict":{"a":1,"a":2}}`: "has the name a more than once",
	} {
		err := d.Decode(`{"inputs":`+inputs+`}`, Single, "", &r)
		if err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: got %v, want …%s…", inputs, err, message)
		}
	}
}

func TestOpenInputs(t *testing.T) {
	d := NewDecoder(model.Signature{Open: true, Fields: []model.Field{{Name: "text", Kind: model.Object, Required: true}}}, 10)
	var r Request
	if err := d.Decode(`{"inputs":[{"query":"a","position":2},{},{"user":"u","features":1}]}`, Batch, "user", &r); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range r.Rows {
		if !row.Values[0].Set {
			t.Error("a row is not set")
		}
		for _, m := range row.Values[0].Members {
			got = append(got, fmt.Sprint(m.Name, m.Str, m.Num))
		}
	}
	if strings.Join(got, " ") != "querya0 position2 useru0 features1" {
		t.Errorf("got %v", got)
	}
	if err := d.Decode(`{"inputs":{"query":{}}}`, Single, "", &r); err == nil ||
		err.Error() != "inputs.query: must be a string, a list of strings, a number or null" {
		t.Errorf("got %v", err)
	}
}

// Where the model fills in what is missing, null is a number.
func TestMissingNumbers(t *testing.T) {
	d := NewDecoder(model.Signature{Fields: []model.Field{
		{Name: "gaps", Kind: model.Number, Shape: []int{2}, Required: true, Missing: true},
		{Name: "gap", Kind: model.Number, Required: true, Missing: true},
		{Name: "none", Kind: model.Number, Required: true},
	}}, 10)
	var r Request
	if err := d.Decode(`{"inputs":{"gaps":[null,1],"gap":null,"none":2}}`, Single, "", &r); err != nil {
		t.Fatal(err)
	}
	v := r.Rows[0].Values
	if !math.IsNaN(v[0].Nums[0]) || v[0].Nums[1] != 1 || !math.IsNaN(v[1].Num) || !v[1].Set || v[2].Num != 2 {
		t.Errorf("%+v", v)
	}
	for inputs, want := range map[string]string{
		`{"gaps":[1,2],"gap":1,"none":null}`: "inputs.none: must be a number",
		`{"gaps":null,"gap":1,"none":1}`:     "inputs.gaps: must be an array of 2 numbers",
	} {
		if err := d.Decode(`{"inputs":`+inputs+`}`, Single, "", &r); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", inputs, err, want)
		}
	}
}

// FuzzArrays: what is taken is JSON, and has the very values that encoding/json finds; what is not has an error with a place.
func FuzzArrays(f *testing.F) {
	for _, seed := range []string{
		`{"n":1,"one":[2],"wide":[1,2,3],"matrix":[[1,2],[3,4]],"any":["a"],"rows":[[1,2]],"dict":{"a":[],"b":1}}`,
		`{"rows":[[1,2],[3]]}`, `{"any":"\u00e9","rows":[]}`, `{"dict":{"a":["x","y"],"b":true}}`, `{"matrix":[[[1]]]}`,
		`{"n":9007199254740993,"wide":[1e999,0,-0.0]}`, `{"wide":[1,2,3],"wide":1}`,
	} {
		f.Add(seed)
	}
	d := NewDecoder(shapes, 10)
	f.Fuzz(func(t *testing.T, inputs string) {
		var r Request
		if err := d.Decode(`{"inputs":`+inputs+`}`, Single, "", &r); err != nil {
			if bad := (*Error)(nil); !errors.As(err, &bad) || len(err.Error()) > 1000 {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		var want map[string]any
		decoder := json.NewDecoder(strings.NewReader(inputs))
		decoder.UseNumber()
		if err := decoder.Decode(&want); err != nil {
			t.Fatalf("%s is taken: %v", inputs, err)
		}
		for i, field := range shapes.Fields {
			v := r.Rows[0].Values[i]
			if field.Kind == model.Object || !v.Set {
				continue
			}
			got := slices.Clone(v.Strs)
			for _, x := range v.Nums {
				got = append(got, fmt.Sprint(x))
			}
			for _, n := range v.Ints {
				got = append(got, fmt.Sprint(n))
			}
			if v.Strs == nil && v.Nums == nil && v.Ints == nil {
				got = []string{[]string{"", v.Str, fmt.Sprint(v.Num), fmt.Sprint(v.Int)}[field.Kind]}
			}
			if flat := flatten(field.Kind, want[field.Name]); strings.Join(got, "|") != strings.Join(flat, "|") {
				t.Fatalf("%s: %s is %q, want %q", inputs, field.Name, got, flat)
			}
		}
	})
}

// flatten writes the values of nested arrays one after the other.
func flatten(kind model.Kind, value any) []string {
	switch value := value.(type) {
	case []any:
		var all []string
		for _, item := range value {
			all = append(all, flatten(kind, item)...)
		}
		return all
	case json.Number:
		x, err := value.Float64()
		if err != nil {
			return []string{err.Error()}
		}
		if n, err := value.Int64(); kind == model.Integer && err == nil {
			return []string{fmt.Sprint(n)}
		}
		if kind == model.Integer {
			return []string{fmt.Sprint(int64(x))}
		}
		return []string{fmt.Sprint(x)}
	default:
		return []string{fmt.Sprint(value)}
	}
}

func TestIntegerOrArrayOfOne(t *testing.T) {
	d := NewDecoder(model.Signature{Fields: []model.Field{{Name: "age", Kind: model.Integer, Shape: []int{1}, Required: true}}}, 10)
	var r Request
	err := d.Decode(`{"inputs":{}}`, Single, "", &r)
	if want := "inputs.age: is required, and must be an integer, or an array of one"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}
