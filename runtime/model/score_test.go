package model_test

import (
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/model"
)

// Of a model with several scores all can be had, and one is served once it is chosen.
func TestSeveralScores(t *testing.T) {
	artifact, err := os.ReadFile(testdata + "/hostile/three-classes.pkl")
	if err != nil {
		t.Fatal(err)
	}
	m := open(t, bundle(t, map[string]string{"m": string(artifact)}))
	signature := m.Signature()
	if len(signature.Scores) != 3 || signature.Score != -1 || !signature.Bounded {
		t.Fatalf("%+v", signature)
	}
	var load *model.LoadError
	if err := m.OneScore(); !errors.As(err, &load) || load.Reason != contract.ReasonUnsupportedModel ||
		!strings.Contains(err.Error(), "has 3 scores (0, 1, 2)") || !strings.Contains(err.Error(), "output: 0") {
		t.Errorf("got %v", err)
	}
	row := &model.Row{Features: make([]float64, signature.Features)}
	out := make([]float64, 3)
	if err := m.PredictInto(row, out); err != nil || !(math.Abs(out[0]+out[1]+out[2]-1) < 1e-12) {
		t.Errorf("%v, %v", out, err)
	}
	all := make([]float64, 6)
	if err := m.PredictAll([]model.Row{*row, *row}, all); err != nil || all[5] != out[2] {
		t.Errorf("%v, %v", all, err)
	}
	if m.PredictAll([]model.Row{*row}, all) == nil || m.PredictInto(row, all) == nil {
		t.Error("scores go into too large a place")
	}
	var input *model.InputError
	if err := m.PredictAll([]model.Row{*row, {Features: []float64{1}}}, all); !errors.As(err, &input) || input.Index != 1 {
		t.Errorf("got %v", err)
	}
	if p, err := m.Predict(row); err == nil {
		t.Errorf("got %v of three", p)
	}
	if err := m.PredictBatch([]model.Row{*row}, out[:1]); err == nil {
		t.Error("a batch is predicted by a score that nobody chose")
	}
	for choice, place := range map[string]int{
		"1": 1, "{name: ctr_score, index: 2}": 2, "{name: ctr_score, label: '0'}": 0,
	} {
		m := open(t, bundle(t, map[string]string{"m": string(artifact), "features.yaml": "output: " + choice}))
		if err := m.OneScore(); err != nil || m.Signature().Score != place {
			t.Errorf("%s: %d, %v", choice, m.Signature().Score, err)
		}
		p, err := m.Predict(row)
		batch := make([]float64, 1)
		if err != nil || m.PredictBatch([]model.Row{*row}, batch) != nil || p != out[place] || batch[0] != p {
			t.Errorf("%s: got %v, %v, want %v", choice, p, batch, out[place])
		}
	}
	for choice, words := range map[string]string{
		"click":                        `no output "click"; it has: 0, 1, 2`,
		"ctr_score":                    "add an index",
		"{name: ctr_score, index: 3}":  `no output "ctr_score, index 3"`,
		"{name: ctr_score, label: x}}": "is not YAML",
	} {
		refused(t, bundle(t, map[string]string{"m": string(artifact), "features.yaml": "output: " + choice}), model.Options{},
			reasonOf(choice), words)
	}
}

func reasonOf(choice string) contract.Reason {
	if strings.HasSuffix(choice, "}}") {
		return contract.ReasonArtifactMalformed
	}
	return contract.ReasonUnsupportedModel
}
