package example_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/features/example"
)

// read is what a message has, feature by feature.
func read(message string) (map[string]string, error) {
	found := map[string]string{}
	err := example.Each(message, func(name string, f example.Feature) {
		n, err := f.Len(message)
		var values any
		switch {
		case err != nil:
		case f.Kind == example.Strings:
			values, err = f.AppendStrings(nil, message)
		case f.Kind == example.Floats:
			values, err = f.AppendFloats(nil, message)
		case f.Kind == example.Ints:
			values, err = f.AppendInts(nil, message)
		}
		if err != nil {
			values = err
		}
		found[name] = fmt.Sprintf("%d %v %v", n, f.Kind, values)
	})
	return found, err
}

func TestWriteAndRead(t *testing.T) {
	var w example.Writer
	for range 2 { // a writer can be used again
		w.Reset()
		w.AddStrings("tags", "a", "", "二手", "\xff")
		w.AddFloats("price", 1.5, -2)
		w.AddInts("age", -1, math.MaxInt64, 300)
		w.AddFloats("none")
		w.AddFloats("price", 3)
	}
	got, err := read(w.String())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"tags": "4 strings [a  二手 \xff]", "price": "1 float32s [3]", "age": "3 int64s [-1 9223372036854775807 300]",
		"none": "0 float32s []",
	}
	for name, values := range want {
		if got[name] != values {
			t.Errorf("%s: got %q, expected %q", name, got[name], values)
		}
	}
}

func TestOneByOne(t *testing.T) {
	// A list may have its numbers one by one; a feature may have no list, and unknown fields.
	floats := "\x0d\x00\x00\x80\x3f\x0d\x00\x00\x00\x40"
	feature := "\x12" + string(rune(len(floats))) + floats
	entry := "\x0a\x01x\x12" + string(rune(len(feature))) + feature
	ints := "\x08\x05\x0a\x02\x06\x07"
	other := "\x0a\x01y\x18\x01\x12" + string(rune(len(ints)+2)) + "\x1a" + string(rune(len(ints))) + ints
	features := ""
	for _, e := range []string{entry, other, "\x0a\x01z\x12\x00", "\x0a\x01w"} {
		features += "\x0a" + string(rune(len(e))) + e
	}
	got, err := read("\x0a" + string(rune(len(features))) + features)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"x": "2 float32s [1 2]", "y": "3 int64s [5 6 7]", "z": "0 nothing <nil>", "w": "0 nothing <nil>"}
	for name, values := range want {
		if got[name] != values {
			t.Errorf("%s: got %q, expected %q", name, got[name], values)
		}
	}
}

func TestMalformed(t *testing.T) {
	for _, message := range []string{
		"\x0a", "\x0a\x05\x0a", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "\x0b", "\x07", "\x00\x00",
		"\x0a\x02\x0a\x05", "\x0a\x04\x0a\x02\x12\x05", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
	} {
		if _, err := read(message); !errors.Is(err, example.ErrMalformed) {
			t.Errorf("%q: got %v", message, err)
		}
	}
}

func FuzzExample(f *testing.F) {
	var w example.Writer
	w.AddStrings("tags", "a", "b")
	w.AddFloats("price", 1.5)
	w.AddInts("age", -1, 3)
	f.Add(w.String())
	f.Add("\x0a\x02\x0a\x00")
	f.Fuzz(func(t *testing.T, message string) {
		_ = example.Each(message, func(_ string, f example.Feature) {
			n, err := f.Len(message)
			if err != nil {
				return
			}
			if n > len(message) {
				t.Errorf("%d values of %d bytes", n, len(message))
			}
			strs, err1 := f.AppendStrings(nil, message)
			floats, err2 := f.AppendFloats(nil, message)
			ints, err3 := f.AppendInts(nil, message)
			lengths := map[example.Kind]int{example.Strings: len(strs), example.Floats: len(floats), example.Ints: len(ints)}
			errs := map[example.Kind]error{example.Strings: err1, example.Floats: err2, example.Ints: err3}
			if f.Kind != example.None && errs[f.Kind] == nil && lengths[f.Kind] != n {
				t.Errorf("%d values, and Len says %d", lengths[f.Kind], n)
			}
			if !slices.Contains([]example.Kind{example.None, example.Strings, example.Floats, example.Ints}, f.Kind) {
				t.Errorf("a kind %v", f.Kind)
			}
		})
	})
}
