package model_test

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/model"
)

const textData = testdata + "/text/"

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

// textRows are the rows of hack/fixtures/sklearn_text.py for each kind of input.
func textRows(t testing.TB) map[string][]*model.Row {
	t.Helper()
	var terms struct{ Texts []string }
	unzipped(t, "terms.json.gz", &terms)
	var given struct {
		Lists   [][]int
		Fields  []map[string]any
		Columns [][]any
	}
	unzipped(t, "sklearn/inputs.json.gz", &given)
	rows := make(map[string][]*model.Row)
	for _, text := range terms.Texts {
		rows["text"] = append(rows["text"], &model.Row{Values: []model.Value{{Set: true, Str: text}}})
	}
	rows["text-classes"] = rows["text"]
	for _, list := range given.Lists {
		value := model.Value{Set: true}
		for _, index := range list {
			value.Strs = append(value.Strs, terms.Texts[index])
		}
		rows["lists"] = append(rows["lists"], &model.Row{Values: []model.Value{value}})
	}
	for _, fields := range given.Fields {
		rows["fields"] = append(rows["fields"], fieldRow(fields))
	}
	rows["pairs"] = rows["fields"]
	for _, columns := range given.Columns {
		row := &model.Row{Values: make([]model.Value, len(columns))}
		for i, column := range columns {
			switch column := column.(type) {
			case string:
				row.Values[i] = model.Value{Set: true, Str: column}
			case float64:
				row.Values[i] = model.Value{Set: true, Num: column}
				if i == 0 || i == 3 {
					row.Values[i] = model.Value{Set: true, Str: terms.Texts[int(column)]}
				}
			}
		}
		rows["columns"] = append(rows["columns"], row)
	}
	rows["columns-named"] = rows["columns"]
	return rows
}

func fieldRow(fields map[string]any) *model.Row {
	value := model.Value{Set: true}
	for name, field := range fields {
		member := model.Member{Name: name}
		switch field := field.(type) {
		case string:
			member.Kind, member.Str = model.String, field
		case float64:
			member.Kind, member.Num = model.Number, field
		case bool:
			member.Kind = model.Number
			if field {
				member.Num = 1
			}
		case []any:
			member.Kind, member.Strs = model.String, []string{}
			for _, item := range field {
				member.Strs = append(member.Strs, item.(string))
			}
		}
		value.Members = append(value.Members, member)
	}
	return &model.Row{Values: []model.Value{value}}
}

// TestTextModels opens models of text and of fields, and compares to scikit-learn's answers, and its refusals.
func TestTextModels(t *testing.T) {
	rows := textRows(t)
	files, err := filepath.Glob(textData + "sklearn/*.*.json.gz")
	if err != nil || len(files) == 0 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, file := range files {
		version := strings.TrimSuffix(filepath.Base(file), ".json.gz")
		var expected map[string]struct {
			Input   string
			Answers []json.RawMessage
		}
		unzipped(t, "sklearn/"+filepath.Base(file), &expected)
		for name, want := range expected {
			t.Run(version+"/"+name, func(t *testing.T) {
				worst := textDifference(t, open(t, textData+"sklearn/"+version+"/"+name+".joblib"), rows[want.Input], want.Answers)
				t.Logf("largest difference %g", worst)
			})
		}
	}
}

// textDifference predicts rows, and returns the largest difference.
func textDifference(t *testing.T, m *model.Model, rows []*model.Row, answers []json.RawMessage) (worst float64) {
	t.Helper()
	defer m.Close()
	out := make([]float64, len(m.Signature().Scores))
	if len(rows) != len(answers) {
		t.Fatalf("%d rows, %d answers", len(rows), len(answers))
	}
	for i, row := range rows {
		err := m.PredictInto(row, out)
		var want []float64
		answer := strings.Trim(string(answers[i]), "[]")
		if answer == "null" {
			if err == nil {
				t.Errorf("row %d: %v is predicted, and scikit-learn refuses it", i, out)
			}
			continue
		}
		if jsonErr := json.Unmarshal([]byte("["+answer+"]"), &want); err != nil || jsonErr != nil {
			t.Errorf("row %d: %v, %v", i, err, jsonErr)
			continue
		}
		for k := range want {
			if difference := math.Abs(out[k] - want[k]); !(difference <= exactness) {
				t.Errorf("row %d: %v, scikit-learn has %v", i, out, want)
			} else {
				worst = max(worst, difference)
			}
		}
	}
	return worst
}
