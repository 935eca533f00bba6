package sklearn_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/format/sklearn"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"

	"github.com/ctr-operator/ctr-operator/test/fixtures"
)

// exactness is how far from scikit-learn's own answer a probability may be, and, in relation to it, any other score.
const exactness = 1e-12

// content is a file of the fixtures.
func content(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(fixtures.Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func lines(data []byte) [][]byte {
	return bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
}

// inputsFile has the rows that all artifacts over columns are asked for.
const inputsFile = "sklearn/inputs-columns.jsonl"

// columnFiles are the files of all artifacts over columns, by version and name.
func columnFiles(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(fixtures.Dir(t, "sklearn") + "/*/columns/*")
	if err != nil || len(paths) < 100 {
		t.Fatalf("%d files (%v); make fixtures", len(paths), err)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		version := filepath.Base(filepath.Dir(filepath.Dir(path)))
		files[version+"/"+filepath.Base(path)] = data
	}
	return files
}

func decoded[T any](t testing.TB, line []byte) T {
	t.Helper()
	var value T
	if err := json.Unmarshal(line, &value); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return value
}

// inputColumns are the names of the columns of inputs-columns.jsonl.
var inputColumns = []string{"device", "country", "campaign", "ad_size", "hour", "is_new", "bid", "position", "match", "score"}

// about is the first line of a file of answers.
type about struct {
	Columns       []int
	Names         bool
	Scores        []string
	Probabilities bool
}

// cells makes a row of a line of inputs.
func cells(t testing.TB, line []byte, columns []int) []tabular.Cell {
	t.Helper()
	values := decoded[[]any](t, line)
	row := make([]tabular.Cell, len(columns))
	for i, column := range columns {
		switch value := values[column].(type) {
		case nil:
			row[i].Kind = tabular.None
		case string:
			row[i] = tabular.Cell{Kind: tabular.Text, Str: value}
		case bool:
			if value {
				row[i].Num = 1
			}
		case float64:
			row[i].Num = value
		default:
			t.Fatalf("%T", value)
		}
	}
	return row
}

func read(t testing.TB, data []byte) *sklearn.Model {
	t.Helper()
	model, err := sklearn.Read(t.Context(), data, 1<<24)
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// Every fixture over columns of several types predicts what the scikit-learn that wrote it predicted, and refuses the rows
// that scikit-learn refuses.
func TestColumnsConform(t *testing.T) {
	inputs := lines(content(t, inputsFile))
	files := columnFiles(t)
	worst, at, artifacts, predictions := 0.0, "", 0, 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		stem, isArtifact := strings.CutSuffix(name, ".pkl")
		if !isArtifact {
			continue
		}
		artifacts++
		t.Run(stem, func(t *testing.T) {
			model := read(t, files[name])
			lines := lines(files[stem+".jsonl"])
			if len(lines) != len(inputs)+1 || len(inputs) < 200 {
				t.Fatalf("%d inputs, %d lines", len(inputs), len(lines))
			}
			describes(t, model, decoded[about](t, lines[0]))
			columns := decoded[about](t, lines[0]).Columns
			for i, line := range lines[1:] {
				row, out := cells(t, inputs[i], columns), make([]float64, model.Outputs())
				off := difference(t, model.PredictCells(row, out), out, line, model.Bounded())
				if !(off <= exactness) {
					t.Errorf("row %d: got %v, expected %s: off by %v; %+v", i+1, out, line, off, row)
				}
				if off > worst {
					worst, at = off, fmt.Sprintf("%s, row %d", name, i+1)
				}
				predictions += len(out)
			}
		})
	}
	t.Logf("%d artifacts, %d predictions; largest difference %.3g (%s)", artifacts, predictions, worst, at)
}

// describes compares what the model says of itself to what the fixture is.
func describes(t *testing.T, model *sklearn.Model, expected about) {
	t.Helper()
	if model.Features() != len(expected.Columns) || model.Bounded() != expected.Probabilities {
		t.Fatalf("%d columns, expected %d; probabilities: %v", model.Features(), len(expected.Columns), model.Bounded())
	}
	if !slices.Equal(model.Scores, expected.Scores) {
		t.Errorf("scores %q, expected %q", model.Scores, expected.Scores)
	}
	for i, column := range expected.Columns {
		got := model.Columns[i]
		if want := inputColumns[column]; (expected.Names && got.Name != want) || (!expected.Names && got.Name != "" && got.Name != want) {
			t.Errorf("column %d is called %q, expected %q", i, got.Name, want)
		}
		const texts = 3
		if want := column < texts; !got.Ignored && (got.Kind == tabular.Text) != want {
			t.Errorf("column %d is a %s", i, got.Kind)
		}
	}
}

// difference is how far an answer is from the expected one; infinite where only one of the two is an answer.
func difference(t *testing.T, err error, got []float64, line []byte, probabilities bool) float64 {
	t.Helper()
	if string(line) == "null" {
		var inFeature *tabular.FeatureError
		var inCell *tabular.CellError
		if errors.As(err, &inFeature) || errors.As(err, &inCell) {
			return 0
		}
		return math.Inf(1)
	}
	var expected []float64
	if line[0] == '[' {
		expected = decoded[[]float64](t, line)
	} else {
		expected = []float64{decoded[float64](t, line)}
	}
	if err != nil || len(got) != len(expected) {
		t.Errorf("%v; %d scores, expected %d", err, len(got), len(expected))
		return math.Inf(1)
	}
	worst := 0.0
	for i, want := range expected {
		off := math.Abs(got[i] - want)
		if !probabilities {
			off /= max(1, math.Abs(want))
		}
		worst = max(worst, off)
	}
	return worst
}

// What training left behind beside what it fitted is not counted.
func TestCensus(t *testing.T) {
	for name, want := range map[string]map[string]int{
		"sklearn/1.9.1/columns.joblib": {
			"ColumnTransformer": 1, "FunctionTransformer": 2, "LogisticRegression": 1, "MinMaxScaler": 1, "Pipeline": 2,
			"PolynomialFeatures": 1, "RobustScaler": 1, "StandardScaler": 2,
		},
		"sklearn/1.9.1/calibrated-isotonic.joblib": {
			"CalibratedClassifierCV": 1, "Pipeline": 1, "SGDClassifier": 3, "StandardScaler": 1,
		},
	} {
		if got := read(t, content(t, name)).Census.Classes; !maps.Equal(got, want) {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
