package hdf5

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const testdata = "../../../test/testdata/hdf5"

// fixture is a file's bytes; long ones are packed.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(testdata, name))
	if err == nil {
		return data
	}
	packed, err := os.Open(filepath.Join(testdata, name+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	reader, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(reader); err != nil {
		t.Fatal(err)
	}
	return data
}

// fixtures are the names of all files.
func fixtures(t testing.TB) []string {
	t.Helper()
	found, err := filepath.Glob(testdata + "/*.h5*")
	if err != nil || len(found) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for i := range found {
		found[i] = strings.TrimSuffix(filepath.Base(found[i]), ".gz")
	}
	return found
}

func opened(t testing.TB, data []byte) *File {
	t.Helper()
	f, err := Open(bytes.NewReader(data), int64(len(data)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// value is what h5py found: values, or the digest of many.
type value struct {
	Shape  []int  `json:"shape"`
	Type   string `json:"type"`
	Values []any  `json:"values"`
	SHA256 string `json:"sha256"`
}

type expectedObject struct {
	value
	Path       string           `json:"path"`
	Links      []string         `json:"links"`
	Attributes map[string]value `json:"attributes"`
}

// h5py finds the same in every file.
func TestConformance(t *testing.T) {
	for _, name := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			f := opened(t, fixture(t, name))
			data, err := os.ReadFile(filepath.Join(testdata, strings.TrimSuffix(name, ".h5")+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var objects []expectedObject
			if err := json.Unmarshal(data, &objects); err != nil {
				t.Fatal(err)
			}
			for _, want := range objects {
				t.Run(want.Path, func(t *testing.T) { checkObject(t, f, want) })
			}
		})
	}
}

func checkObject(t *testing.T, f *File, want expectedObject) {
	object, err := f.Root().Open(want.Path)
	if err != nil {
		t.Fatal(err)
	}
	if object.Path() != want.Path {
		t.Errorf("path %s", object.Path())
	}
	attributes, err := object.Attributes()
	if err != nil {
		t.Fatal(err)
	}
	if len(attributes) != len(want.Attributes) {
		t.Errorf("%d attributes, expected %d", len(attributes), len(want.Attributes))
	}
	for _, a := range attributes {
		expected, ok := want.Attributes[a.Name()]
		if !ok {
			t.Errorf("attribute %q is not expected", a.Name())
			continue
		}
		checkValue(t, "attribute "+a.Name(), expected, a.Shape(), a.Len(), readAttributeValue(a))
	}
	switch object := object.(type) {
	case *Group:
		links, err := object.Links()
		if err != nil {
			t.Fatal(err)
		}
		names := make([]string, len(links))
		for i, link := range links {
			names[i] = link.Name
		}
		if !slices.Equal(names, want.Links) {
			t.Errorf("links %q, expected %q", names, want.Links)
		}
	case *Dataset:
		checkValue(t, "elements", want.value, object.Shape(), object.Len(), readDatasetValue(t, object))
	}
}

// values reads as a type that h5py found.
type values func(kind string) (texts []string, floats []float64, ints []int64, err error)

func readAttributeValue(a *Attribute) values {
	return func(kind string) (texts []string, floats []float64, ints []int64, err error) {
		switch kind {
		case "text":
			texts, err = a.Strings()
		case "float":
			floats, err = a.Float64s()
		default:
			ints, err = a.Int64s()
		}
		return texts, floats, ints, err
	}
}

func readDatasetValue(t *testing.T, d *Dataset) values {
	return func(kind string) (texts []string, floats []float64, ints []int64, err error) {
		switch kind {
		case "text":
			texts = make([]string, d.Len())
			return texts, nil, nil, d.ReadStrings(t.Context(), texts)
		case "float":
			floats = make([]float64, d.Len())
			err = d.ReadFloat64(t.Context(), floats)
		default:
			ints = make([]int64, d.Len())
			err = d.ReadInt64(t.Context(), ints)
			floats = make([]float64, d.Len())
			err = errors.Join(err, d.ReadFloat64(t.Context(), floats))
			for i := range floats {
				if floats[i] != float64(ints[i]) {
					t.Errorf("element %d is %v as float64, %d as int64", i, floats[i], ints[i])
				}
			}
		}
		narrow := make([]float32, d.Len())
		err = errors.Join(err, d.ReadFloat32(t.Context(), narrow))
		for i := range narrow {
			if ints == nil && math.Float32bits(narrow[i]) != math.Float32bits(float32(floats[i])) {
				t.Errorf("element %d is %v as float32, %v as float64", i, narrow[i], floats[i])
			}
		}
		return texts, floats, ints, err
	}
}

func checkValue(t *testing.T, what string, want value, shape []int, n int, read values) {
	t.Helper()
	if want.Type == "empty" {
		if n != 0 {
			t.Errorf("%s: %d elements of a null dataspace", what, n)
		}
		return
	}
	if !slices.Equal(shape, want.Shape) {
		t.Errorf("%s: shape %v, expected %v", what, shape, want.Shape)
	}
	texts, floats, ints, err := read(want.Type)
	if want.Type == "other" {
		var failure *Error
		if !errors.As(err, &failure) || failure.Kind != Mismatch && failure.Kind != Unsupported {
			t.Errorf("%s: %v, expected that this cannot be read", what, err)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	if want.SHA256 != "" {
		hash := sha256.New()
		for i := range max(len(floats), len(ints)) {
			var element float64
			if ints != nil {
				element = float64(ints[i])
			} else {
				element = floats[i]
			}
			_ = binary.Write(hash, binary.LittleEndian, element)
		}
		if got := hex.EncodeToString(hash.Sum(nil)); got != want.SHA256 {
			t.Errorf("%s: elements differ: %.5v", what, floats)
		}
		return
	}
	got := make([]string, n)
	for i := range got {
		switch {
		case texts != nil:
			got[i] = texts[i]
		case ints != nil:
			got[i] = strconv.FormatInt(ints[i], 10)
		default:
			got[i] = spelled(floats[i])
		}
	}
	expected := make([]string, len(want.Values))
	for i, v := range want.Values {
		switch v := v.(type) {
		case string:
			expected[i] = strings.NewReplacer("nan", "NaN", "inf", "Inf").Replace(v)
			if want.Type == "text" {
				expected[i] = v
			}
		case float64:
			expected[i] = spelled(v)
			if want.Type == "int" {
				expected[i] = strconv.FormatInt(int64(v), 10)
			}
		}
	}
	if want.Type == "int" {
		// JSON's numbers are floats to this test, and the largest integers are not.
		for i := range got {
			if v := want.Values[i].(float64); math.Abs(v) > 1<<53 && float64(ints[i]) == v {
				expected[i] = got[i]
			}
		}
	}
	if !slices.Equal(got, expected) {
		t.Errorf("%s: %q, expected %q", what, got, expected)
	}
}

// spelled is a float so that equal text means equal bits, but for NaN's.
func spelled(v float64) string {
	if math.IsInf(v, -1) {
		return "-Inf"
	}
	if math.IsInf(v, 1) {
		return "Inf"
	}
	return fmt.Sprint(v)
}
