package model_test

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/ctr-operator/ctr-operator/runtime/model"
)

// untar unpacks a tar.xz of the test data into a directory.
func untar(t testing.TB, archive string) string {
	t.Helper()
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plain, err := xz.NewReader(bufio.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for r := tar.NewReader(plain); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, header.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

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

// rowOf makes a row of a line of inputs; ok is false where the line has not all that the model takes.
func rowOf(fields []model.Field, line map[string]any) (row model.Row, ok bool) {
	for _, field := range fields {
		given, there := line[field.Name]
		if !there && field.Required {
			return row, false
		}
		items, isList := given.([]any)
		if !isList {
			items = []any{given}
		}
		v := model.Value{Set: there && given != nil, Strs: []string{}, Nums: []float64{}, Ints: []int64{}}
		for _, item := range items {
			if text, ok := item.(string); ok && field.Kind == model.Number {
				item, _ = strconv.ParseFloat(text, 64)
			}
			switch item := item.(type) {
			case string:
				v.Str, v.Strs = item, append(v.Strs, item)
			case float64:
				v.Num, v.Nums = item, append(v.Nums, item)
				v.Int, v.Ints = int64(item), append(v.Ints, int64(item))
			}
		}
		if field.Shape == nil {
			v.Strs, v.Nums, v.Ints = nil, nil, nil
		}
		row.Values = append(row.Values, v)
	}
	return row, true
}

// SavedModels, whose inputs are tensors or tf.Examples, predict from the fields of a request what TensorFlow predicts.
func TestConformanceSavedModel(t *testing.T) {
	dir := untar(t, testdata+"/savedmodel/artifacts.tar.xz")
	var lines []map[string]any
	for line := range strings.Lines(string(gunzip(t, testdata+"/savedmodel/rows.jsonl.gz"))) {
		var values map[string]any
		if err := json.Unmarshal([]byte(notJSON.ReplaceAllString(line, `: "$1"`)), &values); err != nil {
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
				row, ok := rowOf(signature.Fields, line)
				if !ok {
					t.Skipf("the inputs are not the log's: %v", want.Inputs)
				}
				rows = append(rows, row)
			}
			// Half of them in one batch, the others one by one.
			got := make([]float64, len(rows))
			half := len(rows) / 2
			if err := m.PredictBatch(rows[:half], got[:half]); err != nil {
				t.Fatal(err)
			}
			for i := half; i < len(rows); i++ {
				if got[i], err = m.Predict(&rows[i]); err != nil {
					t.Fatalf("row %d: %v", i, err)
				}
			}
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
				off = max(off, math.Abs(p-value))
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
