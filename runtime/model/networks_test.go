package model_test

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/model"
	"github.com/ctr-operator/ctr-operator/test/fixtures"
)

func gunzip(t testing.TB, path string) []byte {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// answers are what TensorFlow computes of a SavedModel: for each output its values, row by row.
type answers struct {
	Inputs  map[string]string
	Outputs map[string]struct {
		DType  string
		Shape  []int
		Values []json.RawMessage
	}
}

// notJSON are the numbers that Python writes and JSON has not.
var notJSON = regexp.MustCompile(`: (NaN|-?Infinity)`)

// standIns are what the fixtures give to a model of tensors where a row has no value.
var standIns = map[string]any{
	"position": json.Number("0"), "score": json.Number("0.5"), "price": json.Number("0"), "age": json.Number("0"),
	"hour": json.Number("0"), "query": "", "category": "", "device": "", "user": "",
}

// rowOf makes a row of a line of the log; ok is false where the model takes something else.
func rowOf(t *testing.T, fields []model.Field, want answers, line map[string]any) (row model.Row, ok bool) {
	t.Helper()
	for _, field := range fields {
		given, there := line[field.Name]
		if field.Required {
			name, _, _ := strings.Cut(want.Inputs[field.Name], ":")
			if given, there = line[name]; !there {
				given, there = standIns[name]
			}
			if !there {
				return row, false
			}
		}
		items, isList := given.([]any)
		if !isList {
			items = []any{given}
		}
		if !there {
			items = nil
		}
		v := model.Value{Set: there, Strs: []string{}, Nums: []float64{}, Ints: []int64{}}
		for _, item := range items {
			v.Str, v.Num, v.Int = valueOf(t, field.Kind, item)
			v.Strs, v.Nums, v.Ints = append(v.Strs, v.Str), append(v.Nums, v.Num), append(v.Ints, v.Int)
		}
		if field.Shape == nil {
			v.Strs, v.Nums, v.Ints = nil, nil, nil
		}
		row.Values = append(row.Values, v)
	}
	return row, true
}

// valueOf is an item of a field of that kind.
func valueOf(t *testing.T, kind model.Kind, item any) (text string, number float64, integer int64) {
	t.Helper()
	if item == nil {
		return "", 0, 0
	}
	var err error
	switch kind {
	case model.String:
		return item.(string), 0, 0
	case model.Number:
		number, err = strconv.ParseFloat(fmt.Sprint(item), 64)
	default:
		integer, err = strconv.ParseInt(fmt.Sprint(item), 10, 64)
	}
	if err != nil {
		t.Fatal(err)
	}
	return "", number, integer
}

// SavedModels, whose inputs are tensors or tf.Examples, predict from the fields of a request what TensorFlow predicts.
func TestConformanceSavedModel(t *testing.T) {
	dir := fixtures.Dir(t, "savedmodel/artifacts")
	var lines []map[string]any
	for line := range strings.Lines(string(gunzip(t, testdata+"/savedmodel/rows.jsonl.gz"))) {
		var values map[string]any
		decoder := json.NewDecoder(strings.NewReader(notJSON.ReplaceAllString(line, `: "$1"`)))
		decoder.UseNumber()
		if err := decoder.Decode(&values); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, values)
	}
	found, err := filepath.Glob(testdata + "/savedmodel/*.json.gz")
	if err != nil || len(found) < 20 {
		t.Fatal(found, err)
	}
	worst, models, predictions := 0.0, 0, 0
	for _, file := range found {
		name := strings.TrimSuffix(filepath.Base(file), ".json.gz")
		t.Run(name, func(t *testing.T) {
			var want answers
			if err := json.Unmarshal(gunzip(t, file), &want); err != nil {
				t.Fatal(err)
			}
			m, err := model.Open(t.Context(), filepath.Join(dir, name), model.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if m.Describe().Format != "savedmodel" {
				t.Errorf("%+v", m.Describe())
			}
			signature := m.Signature()
			if signature.Score < 0 {
				t.Skipf("several scores: %d", len(signature.Scores))
			}
			rows := make([]model.Row, 0, len(lines))
			for _, line := range lines {
				row, ok := rowOf(t, signature.Fields, want, line)
				if !ok {
					t.Skipf("the inputs are not the log's: %v", want.Inputs)
				}
				rows = append(rows, row)
			}
			if name == "tf2_dcn_example" {
				// It divides by the length of the longest list in the batch, and its answers are those of one batch of all.
				fill(rows, slices.IndexFunc(signature.Fields, func(f model.Field) bool { return f.Name == "weights" }))
			}
			got, refused := make([]float64, len(rows)), 0
			for i := range rows {
				if got[i], err = m.Predict(&rows[i]); err != nil {
					got[i] = math.NaN()
					refused++
				}
			}
			// The log's own rows in one batch, too.
			batch := make([]float64, 150)
			if err := m.PredictBatch(rows[:150], batch); err != nil {
				t.Fatal(err)
			}
			for i := range batch {
				if !(math.Abs(batch[i]-got[i]) <= 1e-6) {
					t.Errorf("row %d: %v alone, %v in a batch", i, got[i], batch[i])
				}
			}
			t.Logf("%d of %d rows are refused", refused, len(rows))
			off := closest(want, got)
			if !(off <= 2e-6) {
				t.Errorf("no output is what is predicted; the nearest differs by %v", off)
			}
			worst, models, predictions = max(worst, off), models+1, predictions+len(rows)
		})
	}
	t.Logf("%d models, %d predictions; largest difference %.3g", models, predictions, worst)
	if models < 15 {
		t.Errorf("only %d models were compared", models)
	}
}

// fill makes all lists of a field as long as the longest.
func fill(rows []model.Row, field int) {
	longest := 0
	for _, row := range rows {
		longest = max(longest, len(row.Values[field].Nums))
	}
	for i := range rows {
		v := &rows[i].Values[field]
		v.Nums, v.Set = append(v.Nums, make([]float64, longest-len(v.Nums))...), true
	}
}

// closest is the largest difference to the output, or the column of one, that is nearest to what was predicted.
func closest(want answers, got []float64) float64 {
	best := math.Inf(1)
	for _, output := range want.Outputs {
		if output.DType != "float32" || len(output.Values)%len(got) != 0 {
			continue
		}
		each := len(output.Values) / len(got)
		for column := range each {
			off := 0.0
			for i, p := range got {
				var value float64
				if json.Unmarshal(output.Values[i*each+column], &value) != nil {
					value = math.NaN()
				}
				if math.IsNaN(p) && math.IsNaN(value) {
					continue // refused, rightly
				}
				if off = max(off, math.Abs(p-value)); math.IsNaN(off) {
					off = math.Inf(1)
				}
			}
			best = min(best, off)
		}
	}
	return best
}

// Whatever the file is called, its content says what it is, and whatever it takes, zeros are an answer.
func TestFixturesOpen(t *testing.T) {
	var artifacts []string
	for _, pattern := range []string{"/keras/*.h5.gz", "/keras/*.keras.gz", "/onnx/*/model.onnx"} {
		found, err := filepath.Glob(testdata + pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		artifacts = append(artifacts, found...)
	}
	opened := 0
	for _, path := range artifacts {
		t.Run(strings.TrimPrefix(path, testdata+"/"), func(t *testing.T) {
			location, want := filepath.Dir(path), "onnx"
			if strings.HasSuffix(path, ".gz") {
				location, want = filepath.Join(t.TempDir(), "artifact"), "keras"
				if err := os.WriteFile(location, gunzip(t, path), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			m, err := model.Open(t.Context(), location, model.Options{})
			if load, ok := errors.AsType[*model.LoadError](err); ok && strings.Contains(load.Message, "no output of floating-point numbers") {
				return // a fixture of integers
			}
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			opened++
			if d := m.Describe(); d.Format != want || len(d.Operators) == 0 {
				t.Errorf("%+v", d)
			}
			row, out := zeros(m.Signature()), make([]float64, len(m.Signature().Scores))
			err = m.PredictInto(&row, out)
			if input := (*model.InputError)(nil); err != nil && !errors.As(err, &input) {
				t.Error(err)
			}
		})
	}
	t.Logf("%d of %d are models with scores", opened, len(artifacts))
	if opened < 20 {
		t.Errorf("only %d are", opened)
	}
}

// zeros is a row of zeros and empty texts.
func zeros(s model.Signature) (row model.Row) {
	for _, field := range s.Fields {
		n := max(field.Count(), 1)
		v := model.Value{Set: true}
		if field.Shape != nil {
			v.Strs, v.Nums, v.Ints = make([]string, n), make([]float64, n), make([]int64, n)
		}
		row.Values = append(row.Values, v)
	}
	return row
}
