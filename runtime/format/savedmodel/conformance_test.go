package savedmodel_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ctr-operator/ctr-operator/runtime/engine"
	"github.com/ctr-operator/ctr-operator/runtime/format/savedmodel"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
	"github.com/ctr-operator/ctr-operator/test/fixtures"
)

const testdata = "../../../test/testdata/savedmodel"

// tolerance is what is allowed between the engine's answers and TensorFlow's.
const tolerance = 2e-6

// answers are what TensorFlow said, beside an artifact.
type answers struct {
	Framework string
	Note      string
	Inputs    map[string]string
	// Skipped are rows that were not asked.
	Skipped []int
	Outputs map[string]struct {
		DType  string
		Shape  []int
		Values []any
	}
}

func unzipped(t testing.TB, name string) []byte {
	t.Helper()
	file, err := os.Open(filepath.Join(testdata, name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	in, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// artifacts are all artifacts in memory, each a folder.
func artifacts(t testing.TB) map[string]fstest.MapFS {
	t.Helper()
	return fixtures.Folders(t, "savedmodel/artifacts")
}

// rows are what is asked.
func rows(t testing.TB) []map[string]any {
	t.Helper()
	var rows []map[string]any
	decoder := json.NewDecoder(bytes.NewReader(nonFinite(unzipped(t, "rows.jsonl.gz"))))
	decoder.UseNumber()
	for decoder.More() {
		var row map[string]any
		if err := decoder.Decode(&row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

// nonFinite makes strings of the numbers that Python writes and JSON does not know.
func nonFinite(data []byte) []byte {
	for _, word := range []string{"-Infinity", "Infinity", "NaN"} {
		data = bytes.ReplaceAll(data, []byte(": "+word), []byte(`: "`+word+`"`))
	}
	return data
}

func number(v any) float64 {
	switch v := v.(type) {
	case json.Number:
		f, _ := v.Float64()
		return f
	case float64:
		return v
	case string:
		var f float64
		_, _ = fmt.Sscan(strings.ReplaceAll(v, "Infinity", "Inf"), &f)
		return f
	}
	return 0
}

// defaults are what a row that lacks a column is asked with.
var defaults = map[string]any{"score": json.Number("0.5")}

// fill gives a tensor a column.
func fill(t testing.TB, dst *tensor.Tensor, dtype tensor.DType, column string, rows []map[string]any) {
	t.Helper()
	name, wide := strings.CutSuffix(column, ":column")
	shape := []int{len(rows)}
	if wide {
		shape = append(shape, 1)
	}
	dst.Resize(dtype, shape...)
	for i, row := range rows {
		v, ok := row[name]
		if !ok {
			v = defaults[name]
		}
		switch dtype {
		case tensor.Float32:
			tensor.Data[float32](dst)[i] = float32(number(v))
		case tensor.Int64:
			n := int64(0)
			if v != nil {
				n, _ = v.(json.Number).Int64()
			}
			tensor.Data[int64](dst)[i] = n
		case tensor.String:
			s, _ := v.(string)
			tensor.Data[string](dst)[i] = s
		default:
			t.Fatalf("a column of %v", dtype)
		}
	}
}

// examples are the rows as tf.Examples.
func examples(t testing.TB) []string {
	t.Helper()
	var all []string
	for data := unzipped(t, "examples.gz"); len(data) > 0; {
		n := binary.LittleEndian.Uint32(data)
		all = append(all, string(data[4:4+n]))
		data = data[4+n:]
	}
	return all
}

// without are values but for those at some places.
func without[T any](values []T, places []int) (rest []T) {
	for i, v := range values {
		if !slices.Contains(places, i) {
			rest = append(rest, v)
		}
	}
	return rest
}

// ask runs a model over all rows but those to skip.
func ask(t testing.TB, g *graph.Graph, inputs map[string]string, skipped []int) *engine.Run {
	t.Helper()
	program, err := engine.Compile(t.Context(), g, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	run := program.Acquire()
	rows := without(rows(t), skipped)
	for i, input := range program.Inputs() {
		column, ok := inputs[input.Name]
		switch {
		case !ok:
			t.Fatalf("an input %q that nobody gives", input.Name)
		case column == "=examples":
			given := without(examples(t), skipped)
			run.Input(i).Resize(tensor.String, len(given))
			copy(tensor.Data[string](run.Input(i)), given)
		default:
			fill(t, run.Input(i), input.DType, column, rows)
		}
	}
	if err := run.Do(); err != nil {
		t.Fatal(err)
	}
	return run
}

func answered(t testing.TB, name string) answers {
	t.Helper()
	var want answers
	decoder := json.NewDecoder(bytes.NewReader(unzipped(t, name+".json.gz")))
	decoder.UseNumber()
	if err := decoder.Decode(&want); err != nil {
		t.Fatal(err)
	}
	return want
}

// TestAnswers holds every artifact's answers against TensorFlow's.
func TestAnswers(t *testing.T) {
	for name, files := range artifacts(t) {
		t.Run(name, func(t *testing.T) {
			want := answered(t, name)
			model, err := savedmodel.Read(t.Context(), files, savedmodel.Options{})
			if err != nil {
				t.Fatal(err)
			}
			run := ask(t, model.Graph, want.Inputs, want.Skipped)
			largest, compared := 0.0, 0
			for i, output := range model.Graph.Outputs {
				expected, ok := want.Outputs[output.Name]
				if !ok {
					t.Errorf("an output %q that TensorFlow does not have", output.Name)
					continue
				}
				got := run.Output(i)
				if fmt.Sprint(got.Shape()) != fmt.Sprint(expected.Shape) || got.DType().String() != expected.DType {
					t.Errorf("%s is %v, expected %s%v", output.Name, got, expected.DType, expected.Shape)
					continue
				}
				for k, v := range expected.Values {
					difference := compare(got, k, v)
					if difference > largest {
						largest = difference
					}
					compared++
					if !(difference <= tolerance) {
						t.Errorf("%s, element %d: got %v, expected %v", output.Name, k, element(got, k), v)
						break
					}
				}
			}
			if compared < 200 {
				t.Errorf("only %d values compared", compared)
			}
			t.Logf("%s: %d values, largest difference %.2g", want.Framework, compared, largest)
		})
	}
}

func element(t *tensor.Tensor, i int) any {
	switch t.DType() {
	case tensor.Float32:
		return tensor.Data[float32](t)[i]
	case tensor.Int64:
		return tensor.Data[int64](t)[i]
	case tensor.Int32:
		return tensor.Data[int32](t)[i]
	case tensor.Bool:
		return tensor.Data[bool](t)[i]
	default:
		return tensor.Data[string](t)[i]
	}
}

// compare is how far an element is from what is expected: endless where it is another one. Numbers above 1 are compared by their
// ratio.
func compare(t *tensor.Tensor, i int, want any) float64 {
	got := element(t, i)
	switch got := got.(type) {
	case float32:
		a, b := float64(got), number(want)
		if s, ok := want.(string); ok {
			b = map[string]float64{"nan": math.NaN(), "inf": math.Inf(1), "-inf": math.Inf(-1)}[s]
		}
		if a == b || math.IsNaN(a) && math.IsNaN(b) {
			return 0
		}
		d := math.Abs(a-b) / max(1, math.Abs(b))
		if math.IsNaN(d) {
			return math.Inf(1)
		}
		return d
	default:
		if fmt.Sprint(got) == fmt.Sprint(want) {
			return 0
		}
		return math.Inf(1)
	}
}
