package model_test

import (
	"errors"
	"os"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/model"

	"github.com/ctr-operator/ctr-operator/test/fixtures"
)

// A bundle's features.yaml makes the vector of the request's fields.
func TestFeatureFile(t *testing.T) {
	artifact, err := os.ReadFile(fixtures.Path(t, "sklearn/1.9.1/narrow-parts.pkl"))
	if err != nil {
		t.Fatal(err)
	}
	with := func(features string) string {
		return bundle(t, map[string]string{"m.pkl": string(artifact), "features.yaml": features, "words.txt": "a\nb\n"})
	}
	m := open(t, with(`
fields: {position: number, device: string, score: {type: number, default: 0.5}}
features:
  - position
  - {vocabulary: device, file: words.txt, default: -1}
  - score
`))
	fields := m.Signature().Fields
	if len(fields) != 3 || !fields[0].Required || fields[2].Required || fields[1].Kind != model.String || m.Signature().Features != 3 {
		t.Errorf("%+v", m.Signature())
	}
	got, err := m.Predict(&model.Row{Values: []model.Value{{Set: true, Num: 3}, {Set: true, Str: "b"}, {}}})
	want, wantErr := m.Predict(&model.Row{Features: []float64{3, 1, .5}})
	if err != nil || wantErr != nil || got != want {
		t.Errorf("got %v, %v; want %v, %v", got, err, want, wantErr)
	}
	var input *model.InputError
	if _, err := m.Predict(&model.Row{Values: []model.Value{{Set: true, Num: 3}}}); !errors.As(err, &input) || input.Field != "device" {
		t.Errorf("got %v", err)
	}
	for text, words := range map[string][]string{
		"fields: {x: number}\nfeatures: [x]":                                             {"features.yaml", "makes 1 features, and the model takes 3"},
		"fields: {x: number}\ninputs: {a: x}":                                            {"takes one vector of 3 numbers"},
		"fields: {x: string}\nfeatures: [{vocabulary: x, default: 0, file: ../words}]":   {"line 2", "beside"},
		"fields: {x: string}\nfeatures: [{vocabulary: x, default: 0, file: absent.txt}]": {"absent.txt", "cannot be opened"},
		"preset: ctr-12": {"makes 12 features, and the model takes 3"},
	} {
		refused(t, with(text), model.Options{Tokenizer: tokenizer}, contract.ReasonArtifactMalformed, words...)
	}
	refused(t, bundle(t, map[string]string{"m.pkl": string(artifact), "features.yml": "x"}), model.Options{},
		contract.ReasonArtifactMalformed, "features.yml", "rename it")
}

// A pipeline of twelve columns takes the preset where a feature file says so.
func TestPresetOfAPipeline(t *testing.T) {
	artifact, err := os.ReadFile(fixtures.Path(t, "sklearn/1.9.1/bare-liblinear.pkl"))
	if err != nil {
		t.Fatal(err)
	}
	m := open(t, bundle(t, map[string]string{"m.pkl": string(artifact), "features.yaml": "preset: ctr-12"}))
	got, err := m.Predict(ctrRow("人工智能", 1, 0.8, "人工智能技术介绍"))
	want, wantErr := m.Predict(&model.Row{Features: []float64{1, 8, 4, 8, 1, .1, .1, .5, 1, 3, 0, .8}})
	if err != nil || wantErr != nil || got != want {
		t.Errorf("got %v, %v; want %v, %v", got, err, want, wantErr)
	}
}
