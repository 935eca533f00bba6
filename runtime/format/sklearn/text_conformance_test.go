package sklearn

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

const textData = "../../../test/testdata/text/"

// unzipped decodes gzipped JSON of hack/fixtures.
func unzipped(t testing.TB, name string, into any) {
	t.Helper()
	file, err := os.Open(textData + name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(unpacked).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// textInputs are the rows of sklearn_text.py, as cells, for each kind of input.
func textInputs(t testing.TB) map[string][][]tabular.Cell {
	t.Helper()
	var terms struct{ Texts []string }
	unzipped(t, "terms.json.gz", &terms)
	var given struct {
		Lists   [][]int
		Fields  []map[string]any
		Columns [][]any
	}
	unzipped(t, "sklearn/inputs.json.gz", &given)
	rows := make(map[string][][]tabular.Cell)
	for _, text := range terms.Texts {
		rows["text"] = append(rows["text"], []tabular.Cell{jsonCell(text)})
	}
	rows["text-classes"] = rows["text"]
	for _, list := range given.Lists {
		many := &tabular.Many{}
		for _, index := range list {
			many.Texts = append(many.Texts, terms.Texts[index])
		}
		rows["lists"] = append(rows["lists"], []tabular.Cell{{Kind: tabular.Texts, Many: many}})
	}
	for _, fields := range given.Fields {
		many := &tabular.Many{}
		for name, value := range fields {
			many.Texts = append(many.Texts, name)
			many.Cells = append(many.Cells, jsonCell(value))
		}
		rows["fields"] = append(rows["fields"], []tabular.Cell{{Kind: tabular.Fields, Many: many}})
	}
	rows["pairs"] = rows["fields"]
	for _, row := range given.Columns {
		for _, column := range []int{0, 3} {
			if index, ok := row[column].(float64); ok {
				row[column] = terms.Texts[int(index)]
			}
		}
		cells := make([]tabular.Cell, len(row))
		for i, value := range row {
			cells[i] = jsonCell(value)
		}
		rows["columns"] = append(rows["columns"], cells)
	}
	rows["columns-named"] = rows["columns"]
	return rows
}

func jsonCell(value any) tabular.Cell {
	switch value := value.(type) {
	case string:
		return tabular.Cell{Kind: tabular.Text, Str: value}
	case float64:
		return tabular.Cell{Num: value}
	case bool:
		if value {
			return tabular.Cell{Num: 1}
		}
		return tabular.Cell{}
	case []any:
		many := &tabular.Many{}
		for _, item := range value {
			many.Texts = append(many.Texts, item.(string))
		}
		return tabular.Cell{Kind: tabular.Texts, Many: many}
	default:
		return tabular.Cell{Kind: tabular.None}
	}
}

// TestTextConformance compares to scikit-learn's answers, and its refusals.
func TestTextConformance(t *testing.T) {
	inputs := textInputs(t)
	files, err := filepath.Glob(textData + "sklearn/*.*.json.gz")
	if err != nil || len(files) != 4 {
		t.Fatalf("%q, %v", files, err)
	}
	models, largest := 0, 0.0
	for _, file := range files {
		version := strings.TrimSuffix(filepath.Base(file), ".json.gz")
		var expected map[string]struct {
			Input   string
			Answers []json.RawMessage
		}
		unzipped(t, "sklearn/"+filepath.Base(file), &expected)
		for name, want := range expected {
			models++
			t.Run(version+"/"+name, func(t *testing.T) {
				model := readFile(t, textData+"sklearn/"+version+"/"+name+".joblib")
				worst := conform(t, model, inputs[want.Input], want.Answers)
				t.Logf("%d rows, largest difference %g", len(want.Answers), worst)
				largest = max(largest, worst)
			})
		}
	}
	t.Logf("%d models, largest difference %g", models, largest)
}

func readFile(t testing.TB, path string) *Model {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	model, err := Read(t.Context(), data, 1<<28)
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// conform predicts rows, and returns the largest difference.
func conform(t *testing.T, model *Model, rows [][]tabular.Cell, answers []json.RawMessage) (worst float64) {
	t.Helper()
	if len(rows) != len(answers) || len(rows) < 200 {
		t.Fatalf("%d rows, %d answers", len(rows), len(answers))
	}
	out := make([]float64, model.Outputs())
	for i, row := range rows {
		want := numbersOf(t, answers[i])
		err := model.PredictCells(row, out)
		if want == nil {
			if err == nil {
				t.Errorf("row %d: %v is predicted, and scikit-learn refuses it", i, out)
			}
			continue
		}
		if err != nil {
			t.Errorf("row %d: %v", i, err)
			continue
		}
		for k := range want {
			difference := math.Abs(out[k] - want[k])
			if !(difference <= 1e-12) {
				t.Errorf("row %d: %v, scikit-learn has %v", i, out, want)
			}
			worst = max(worst, difference)
		}
	}
	return worst
}

// numbersOf reads an answer: null, a number, or a list of them.
func numbersOf(t *testing.T, answer json.RawMessage) []float64 {
	t.Helper()
	var numbers []float64
	if answer[0] != '[' && answer[0] != 'n' {
		answer = slices.Concat([]byte("["), answer, []byte("]"))
	}
	if err := json.Unmarshal(answer, &numbers); err != nil {
		t.Fatal(err)
	}
	return numbers
}
