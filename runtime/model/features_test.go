package model_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

// A model of columns with types of their own takes each from a feature file by its name.
func TestFeatureFileOfColumns(t *testing.T) {
	files, err := filepath.Glob(fixtures.Path(t, "sklearn/1.9.1/columns/*.pkl"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	tested := 0
	for _, file := range files {
		plain := open(t, file)
		text, row := asFeatures(plain.Signature())
		isText := func(f model.Field) bool { return f.Kind == model.String }
		if text == "" || plain.Signature().Features > 0 || !slices.ContainsFunc(plain.Signature().Fields, isText) {
			continue
		}
		artifact, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tested++
		m := open(t, bundle(t, map[string]string{"m.pkl": string(artifact), "features.yaml": text}))
		want, got := make([]float64, len(m.Signature().Scores)), make([]float64, len(m.Signature().Scores))
		wantErr, gotErr := plain.PredictAll([]model.Row{row}, want), m.PredictAll([]model.Row{row}, got)
		if (wantErr == nil) != (gotErr == nil) || !slices.Equal(got, want) {
			t.Errorf("%s: got %v, %v; want %v, %v", filepath.Base(file), got, gotErr, want, wantErr)
		}
		refused(t, bundle(t, map[string]string{"m.pkl": string(artifact), "features.yaml": text + "  nobody: 1\n"}), model.Options{},
			contract.ReasonArtifactMalformed, `makes the input "nobody"`)
	}
	if tested < 10 {
		t.Errorf("only %d models", tested)
	}
}

// asFeatures is a feature file that makes each field of itself, and a row of it.
func asFeatures(s model.Signature) (text string, row model.Row) {
	fields, inputs := "fields:\n", "inputs:\n"
	for _, field := range s.Fields {
		v := model.Value{Set: true, Str: "phone", Num: 1.5}
		kind := "number"
		switch {
		case field.Shape != nil || field.Kind == model.Object:
			return "", row
		case field.Kind == model.String:
			kind = "string"
		}
		fields += fmt.Sprintf("  %q: %s\n", field.Name, kind)
		inputs += fmt.Sprintf("  %q: %s\n", field.Name, field.Name)
		row.Values = append(row.Values, v)
	}
	return fields + inputs, row
}
