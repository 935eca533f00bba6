package model_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/model"
)

// content reads a file of the test data.
func content(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(testdata, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// saved is a SavedModel's files, in a directory.
func saved(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"} {
		files[filepath.Join(dir, name)] = content(t, "widedeep/savedmodel/"+name)
	}
	return files
}

func with(files map[string]string, more ...string) map[string]string {
	for i := 0; i < len(more); i += 2 {
		files[more[i]] = more[i+1]
	}
	return files
}

// Where the model is in an artifact, whatever it is called, and what stands beside it.
func TestFormatsAreFound(t *testing.T) {
	h5, onnx := content(t, "widedeep/keras/model.h5"), content(t, "widedeep/onnx/model.onnx")
	for name, c := range map[string]struct {
		files                   map[string]string
		format                  string
		found, file, kind, gold string
	}{
		"a file of any name": {map[string]string{"x": onnx}, "", "onnx", "x", "onnx", ""},
		"h5 with golden": {
			map[string]string{"a/model": h5, "golden.jsonl": "{}", "README.md": "x"}, "", "keras", "a/model", "tensorflow", "golden.jsonl",
		},
		"onnx with its data": {map[string]string{"m.onnx": onnx, "weights.bin": "x", "x.data": "y"}, "", "onnx", "m.onnx", "onnx", ""},
		"a directory":        {saved(t, "."), "", "savedmodel", ".", "tensorflow", ""},
		"a directory below, with golden": {
			with(saved(t, "export"), "golden.jsonl", "{}", "assets.txt", "x"), "", "savedmodel", "export", "tensorflow", "golden.jsonl",
		},
		"golden within": {
			with(saved(t, "export"), "export/golden.jsonl", "{}"), "", "savedmodel", "export", "tensorflow", "export/golden.jsonl",
		},
		"the highest version": {
			with(saved(t, "10"), "9/saved_model.pb", "broken", "9/variables/variables.index", "x"), "", "savedmodel", "10", "tensorflow", "",
		},
		"the highest version, below": {
			with(saved(t, "m/2"), "m/1/saved_model.pb", "broken", "m/1/golden.txt", "x"), "", "savedmodel", "m/2", "tensorflow", "",
		},
		"the declared one of two": {map[string]string{"m.h5": h5, "m.onnx": onnx}, "keras", "keras", "m.h5", "tensorflow", ""},
		"pickle":                  {map[string]string{"m": content(t, "demo/v1/model.pkl"), "notes.txt": "x"}, "", "sklearn", "m", "pickle", ""},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := model.Open(t.Context(), bundle(t, c.files), model.Options{Format: c.format, Tokenizer: tokenizer})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if d := m.Describe(); d.Format != c.found || d.File != c.file || m.Kind() != c.kind || d.Golden != c.gold {
				t.Errorf("got %s %s %s %s", d.Format, d.File, m.Kind(), d.Golden)
			}
			if (m.Golden() == "") != (c.gold == "") {
				t.Errorf("golden is %s", m.Golden())
			}
		})
	}
	if names := strings.Join(model.Formats(), " "); names != "sklearn keras savedmodel onnx" {
		t.Errorf("got %s", names)
	}
}

func TestFormatsAreRefused(t *testing.T) {
	h5, onnx, pickle := content(t, "widedeep/keras/model.h5"), content(t, "widedeep/onnx/model.onnx"), content(t, "demo/v1/model.pkl")
	scalers := content(t, "widedeep-bundle/preprocessors.pkl")
	for name, c := range map[string]struct {
		files  map[string]string
		format string
		reason contract.Reason
		words  []string
	}{
		"two networks": {
			map[string]string{"m.h5": h5, "m.onnx": onnx}, "", contract.ReasonArtifactMalformed, []string{"more than one file", "m.h5, m.onnx"},
		},
		"two directories": {
			with(saved(t, "a"), "b/saved_model.pb", "x"), "", contract.ReasonArtifactMalformed, []string{"more than one file", "b/saved_model.pb"},
		},
		"a network and a model": {
			map[string]string{"m.h5": h5, "m.pkl": pickle}, "",
			contract.ReasonArtifactMalformed, []string{"could be the model: m.h5, m.pkl"},
		},
		"scalers of nobody": {
			map[string]string{"m.onnx": onnx, "p.pkl": strings.Replace(scalers, "wide_scaler", "wide_skaler", 1)}, "",
			contract.ReasonArtifactMalformed, []string{"p.pkl", "deep_scaler", "write a features.yaml"},
		},
		"two pickles": {
			map[string]string{"m.h5": h5, "a.pkl": scalers, "b.pkl": scalers}, "", contract.ReasonArtifactMalformed, []string{"a.pkl, b.pkl", "keep the one"},
		},
		"features twice": {
			map[string]string{"m.h5": h5, "features.yaml": "preset: ctr-12", "x/features.yaml": "x"}, "",
			contract.ReasonArtifactMalformed, []string{"two features.yaml"},
		},
		"another format": {
			map[string]string{"m.h5": h5, "golden.jsonl": "{}"}, "onnx", contract.ReasonArtifactMalformed, []string{"no model of the format onnx", "m.h5"},
		},
		"no such format":    {map[string]string{"m.h5": h5}, "h5", contract.ReasonUnsupportedModel, []string{"keras"}},
		"a truncated h5":    {map[string]string{"m.h5": h5[:3000]}, "", contract.ReasonArtifactTruncated, []string{"m.h5", "upload the artifact again"}},
		"half an ONNX":      {map[string]string{"m.onnx": onnx[:3000]}, "onnx", contract.ReasonArtifactMalformed, []string{"m.onnx"}},
		"no ONNX at all":    {map[string]string{"m.onnx": "hello"}, "", contract.ReasonArtifactMalformed, []string{"ONNX"}},
		"no Keras at all":   {map[string]string{"m.keras": "hello"}, "", contract.ReasonArtifactMalformed, []string{"Keras"}},
		"no SavedModel":     {map[string]string{"saved_model.pb": "hello"}, "", contract.ReasonArtifactMalformed, []string{"SavedModel"}},
		"without variables": {map[string]string{"saved_model.pb": content(t, "widedeep/savedmodel/saved_model.pb")}, "", contract.ReasonArtifactMalformed, nil},
		"unsupported":       {map[string]string{"m": strings.ReplaceAll(onnx, "Gather", "Gathex")}, "", contract.ReasonUnsupportedModel, []string{"Gathex", "build the model without it"}},
		"unsupported Keras": {
			map[string]string{"m": strings.ReplaceAll(h5, `"class_name": "Dropout"`, `"class_name": "Droqout"`)}, "",
			contract.ReasonUnsupportedModel, []string{"Droqout", "export it as a SavedModel"},
		},
		"code":               {map[string]string{"m": strings.ReplaceAll(h5, `"Dense"`, `"Lambda"`)}, "", contract.ReasonArtifactMalformed, nil},
		"not what was meant": {map[string]string{"a": "x", "b": "y"}, "", contract.ReasonArtifactMalformed, []string{"a, b", "SavedModel's directory"}},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "code" {
				c.files["m"], c.reason = strings.ReplaceAll(h5, `"class_name": "Dropout"`, `"class_name": "Lambda" `), contract.ReasonArtifactUnsafe
			}
			refused(t, bundle(t, c.files), model.Options{Format: c.format}, c.reason, c.words...)
		})
	}
	for format, dir := range map[string]string{"keras": "keras", "onnx": "onnx", "savedmodel": "savedmodel"} {
		refused(t, filepath.Join(testdata, "widedeep", dir), model.Options{MaxBytes: 5000}, contract.ReasonArtifactTooLarge, "5000")
		refused(t, filepath.Join(testdata, "widedeep", dir), model.Options{Type: model.TypeLogisticRegression, Format: format},
			contract.ReasonUnsupportedModel, "declare WideAndDeep")
	}
}
