package model_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/features"
	"github.com/ctr-operator/ctr-operator/runtime/model"

	"github.com/ctr-operator/ctr-operator/test/fixtures"
)

// exactness is how far from the framework's own double-precision answer a prediction may be.
const exactness = 1e-12

const testdata = "../../test/testdata"

// tokenizer is shared by the tests, as it is by the models of a process.
var tokenizer = sync.OnceValues(features.LoadTokenizer)

func open(t testing.TB, location string) *model.Model {
	t.Helper()
	m, err := model.Open(t.Context(), location, model.Options{Type: model.TypeLogisticRegression, Tokenizer: tokenizer})
	if err != nil {
		t.Fatalf("opening %s: %v", location, err)
	}
	return m
}

// lines reads a file of JSON lines.
func lines[T any](t testing.TB, path string) []T {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var values []T
	for scanner := bufio.NewScanner(bytes.NewReader(raw)); scanner.Scan(); {
		var value T
		if err := json.Unmarshal(scanner.Bytes(), &value); err != nil {
			t.Fatalf("%s, line %d: %v", path, len(values)+1, err)
		}
		values = append(values, value)
	}
	return values
}

// vectorInput is a line of inputs; null stands for a missing value.
type vectorInput struct{ Features []*float64 }

func (v vectorInput) row() *model.Row {
	features := make([]float64, len(v.Features))
	for i, value := range v.Features {
		features[i] = math.NaN()
		if value != nil {
			features[i] = *value
		}
	}
	return &model.Row{Features: features}
}

// artifacts are the fixtures that scikit-learn made.
func artifacts(t testing.TB) []string {
	t.Helper()
	var found []string
	for _, extension := range []string{"pkl", "joblib"} {
		files, err := filepath.Glob(fixtures.Dir(t, "sklearn") + "/*/*." + extension)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, files...)
	}
	if len(found) < 200 {
		t.Fatalf("found %d artifacts; make fixtures", len(found))
	}
	return found
}

// difference is the largest one of a suite.
type difference struct {
	largest     float64
	at          string
	predictions int
}

// Every fixture predicts what the scikit-learn that wrote it predicted, on every row, and refuses the rows that
// scikit-learn refuses.
func TestConformance(t *testing.T) {
	sklearn := fixtures.Dir(t, "sklearn")
	found, worst := artifacts(t), &difference{}
	for _, artifact := range found {
		name := strings.TrimPrefix(artifact, sklearn+"/")
		t.Run(name, func(t *testing.T) {
			m := open(t, artifact)
			stem := strings.TrimSuffix(artifact, filepath.Ext(artifact))
			if dir, base := filepath.Split(stem); strings.HasPrefix(base, "container-") {
				stem = dir + "container"
			}
			inputs := fmt.Sprintf("%s/inputs-%d", sklearn, m.Signature().Features)
			conforms(t, m, inputs+".jsonl", stem+".jsonl", worst)
			if m.Signature().Missing {
				conforms(t, m, inputs+"-missing.jsonl", stem+".missing.jsonl", worst)
			} else if _, err := os.Stat(stem + ".missing.jsonl"); err == nil {
				t.Error("the signature does not say that values may be missing")
			}
		})
	}
	t.Logf("%d artifacts, %d predictions; largest difference %.3g (%s)", len(found), worst.predictions, worst.largest, worst.at)
}

// conforms compares a model's answers to the framework's, line by line.
func conforms(t *testing.T, m *model.Model, inputsFile, outputsFile string, worst *difference) {
	t.Helper()
	inputs, expected := lines[vectorInput](t, inputsFile), lines[*float64](t, outputsFile)
	if len(inputs) != len(expected) || len(inputs) < 200 {
		t.Fatalf("%d inputs, %d outputs", len(inputs), len(expected))
	}
	for i, input := range inputs {
		row := input.row()
		got, err := m.Predict(row)
		var refused *model.InputError
		switch {
		case expected[i] == nil && !errors.As(err, &refused):
			t.Errorf("row %d: got %v, %v; scikit-learn refuses %v", i+1, got, err, row.Features)
		case expected[i] == nil:
		case err != nil:
			t.Errorf("row %d: %v; expected %v", i+1, err, *expected[i])
		default:
			off := math.Abs(got - *expected[i])
			if !(off <= exactness) {
				t.Errorf("row %d: got %v, expected %v: off by %v; %v", i+1, got, *expected[i], off, row.Features)
			}
			if off > worst.largest {
				worst.largest, worst.at = off, fmt.Sprintf("%s, row %d", outputsFile, i+1)
			}
			worst.predictions++
		}
	}
}

// The demo bundles predict what Python's jieba and scikit-learn predicted, from the raw fields.
func TestConformanceCTR(t *testing.T) {
	type example struct {
		Inputs struct {
			Query, Summary  string
			Position, Score float64
		}
		Outputs map[string]float64
	}
	for _, version := range []string{"v1", "v2"} {
		m := open(t, filepath.Join(testdata, "demo", version))
		for i, example := range lines[example](t, filepath.Join(testdata, "demo", version, "golden.jsonl")) {
			in := example.Inputs
			got, err := m.Predict(ctrRow(in.Query, in.Position, in.Score, in.Summary))
			if want := example.Outputs["ctr_score"]; err != nil || !(math.Abs(got-want) <= exactness) {
				t.Errorf("%s, line %d: got %v, %v; expected %v", version, i+1, got, err, want)
			}
		}
	}
}

func ctrRow(query string, position, score float64, summary string) *model.Row {
	return &model.Row{Values: []model.Value{
		{Set: true, Str: query}, {}, {Set: true, Num: position}, {Set: true, Num: score}, {Set: true, Str: summary},
	}}
}

// A public artifact that was not made by this project's scripts: trained and committed by a search-engine project.
func TestPublicArtifact(t *testing.T) {
	const artifact = "../../../shared/data/seed-lr/ctr_model.pkl"
	if _, err := os.Stat(artifact); err != nil {
		t.Skipf("the public artifact is not beside this repository: %v", err)
	}
	m := open(t, artifact)
	for _, row := range []struct {
		query           string
		position, score float64
		summary         string
		features        []float64
		p               float64
	}{
		{
			"人工智能", 1, 0.8, "人工智能技术介绍",
			[]float64{1, 8, 4, 8, 1, .1, .1, .5, 1, 3, 0, .8}, 1.197346395977595e-07,
		},
		{
			"artificial intelligence", 1, 0.8, "AI technology introduction",
			[]float64{1, 26, 23, 26, 1. / 3, .1, .1, .5, 3, 5, 0, .8}, 1.3551280230711564e-07,
		},
		{
			"deep learning", 2, 0.7, "DL introduction",
			[]float64{2, 15, 13, 15, 1. / 3, .1, .1, 1. / 3, 3, 3, 0, .7}, 7.779922883376329e-07,
		},
		{"", 1, 0, "", []float64{1, 0, 0, 0, 0, .1, .1, .5, 0, 0, 0, 0}, 5.5257607306555905e-05},
	} {
		for _, in := range []*model.Row{ctrRow(row.query, row.position, row.score, row.summary), {Features: row.features}} {
			got, err := m.Predict(in)
			// The probabilities are tiny, so the absolute measure alone would let much pass.
			if err != nil || !(math.Abs(got-row.p) <= exactness*row.p) {
				t.Errorf("%q: got %v, %v; expected %v", row.query, got, err, row.p)
			}
		}
	}
}

func TestOpenIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := model.Open(ctx, testdata+"/demo/v1", model.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, expected a cancellation", err)
	}
}
