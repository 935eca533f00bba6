package model_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/model"
	"github.com/ctr-operator/ctr-operator/runtime/request"

	"github.com/ctr-operator/ctr-operator/test/fixtures"
)

// columnNames are the columns of inputs-columns.jsonl.
var columnNames = []string{"device", "country", "campaign", "ad_size", "hour", "is_new", "bid", "position", "match", "score"}

// requests are the rows of inputs-columns.jsonl, as clients send them: all columns, whatever the model takes of them.
func requests(t testing.TB) []string {
	t.Helper()
	var bodies []string
	rows, err := os.ReadFile(fixtures.Path(t, "sklearn/inputs-columns.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(rows)) {
		var values []json.RawMessage
		if err := json.Unmarshal([]byte(line), &values); err != nil {
			t.Fatal(err)
		}
		parts := make([]string, len(values))
		for i, value := range values {
			parts[i] = fmt.Sprintf("%q:%s", columnNames[i], value)
		}
		bodies = append(bodies, `{"inputs":{`+strings.Join(parts, ",")+"}}")
	}
	return bodies
}

// Models that were fitted on DataFrames take the columns by their names, from requests, and predict what scikit-learn
// predicted; or refuse what it refuses.
func TestColumnsOfRequests(t *testing.T) {
	bodies := requests(t)
	models, predictions, worst := 0, 0, 0.0
	for _, version := range []string{"1.2.2", "1.9.1"} {
		files, err := filepath.Glob(fixtures.Path(t, "sklearn/"+version+"/columns/*.pkl"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			stem := strings.TrimSuffix(file, ".pkl")
			said, err := os.ReadFile(stem + ".jsonl")
			if err != nil {
				t.Fatal(err)
			}
			answers := strings.Split(strings.TrimSuffix(string(said), "\n"), "\n")
			if !strings.Contains(answers[0], `"names": true`) {
				continue
			}
			models++
			t.Run(version+"/"+filepath.Base(stem), func(t *testing.T) {
				m := open(t, file)
				for i, body := range bodies {
					off, n := requestDifference(m, body, answers[i+1])
					if !(off <= exactness) {
						t.Errorf("row %d: off by %v from %s; %s", i+1, off, answers[i+1], body)
					}
					worst, predictions = max(worst, off), predictions+n
				}
			})
		}
	}
	if models < 70 {
		t.Errorf("only %d models", models)
	}
	t.Logf("%d models, %d predictions; largest difference %.3g", models, predictions, worst)
}

// requestDifference is how far the answer to a request is from the expected one, and how many scores that are; infinite where
// only one of the two is an answer.
func requestDifference(m *model.Model, body, expected string) (off float64, scores int) {
	var r request.Request
	out := make([]float64, len(m.Signature().Scores))
	err := request.NewDecoder(m.Signature(), 1).Decode(body, request.Single, "", &r)
	if err == nil {
		err = m.PredictInto(&r.Rows[0], out)
	}
	if expected == "null" || err != nil {
		if expected == "null" && err != nil {
			return 0, 0
		}
		return math.Inf(1), 0
	}
	var wants []float64
	if err := json.Unmarshal([]byte("["+strings.Trim(expected, "[]")+"]"), &wants); err != nil || len(wants) != len(out) {
		return math.Inf(1), 0
	}
	for i, want := range wants {
		difference := math.Abs(out[i] - want)
		if !m.Signature().Bounded {
			difference /= max(1, math.Abs(want))
		}
		off = max(off, difference)
	}
	return off, len(out)
}
