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

type vectorInput struct{ Features []float64 }

// Every fixture predicts what the scikit-learn that wrote it predicted, on every row, and refuses the rows that
// scikit-learn refuses.
func TestConformance(t *testing.T) {
	artifacts, err := filepath.Glob(testdata + "/sklearn/*/*.pkl")
	if err != nil || len(artifacts) < 60 {
		t.Fatalf("found %d artifacts (%v); make fixtures", len(artifacts), err)
	}
	worst, worstAt, predictions := 0.0, "", 0
	for _, artifact := range artifacts {
		name := strings.TrimSuffix(strings.TrimPrefix(artifact, testdata+"/sklearn/"), ".pkl")
		t.Run(name, func(t *testing.T) {
			m := open(t, artifact)
			inputs := lines[vectorInput](t, fmt.Sprintf("%s/sklearn/inputs-%d.jsonl", testdata, m.Signature().Features))
			expected := lines[*float64](t, strings.TrimSuffix(artifact, ".pkl")+".jsonl")
			if len(inputs) != len(expected) || len(inputs) < 200 {
				t.Fatalf("%d inputs, %d outputs", len(inputs), len(expected))
			}
			for i, input := range inputs {
				got, err := m.Predict(&model.Row{Features: input.Features})
				var refused *model.InputError
				switch {
				case expected[i] == nil && !errors.As(err, &refused):
					t.Errorf("row %d: got %v, %v; scikit-learn refuses %v", i+1, got, err, input.Features)
				case expected[i] == nil:
				case err != nil:
					t.Errorf("row %d: %v; expected %v", i+1, err, *expected[i])
				default:
					off := math.Abs(got - *expected[i])
					if !(off <= exactness) {
						t.Errorf("row %d: got %v, expected %v: off by %v", i+1, got, *expected[i], off)
					}
					if off > worst {
						worst, worstAt = off, fmt.Sprintf("%s, row %d", name, i+1)
					}
					predictions++
				}
			}
		})
	}
	t.Logf("%d artifacts, %d predictions; largest difference %.3g (%s)", len(artifacts), predictions, worst, worstAt)
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
