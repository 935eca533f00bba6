package sklearn_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/format/sklearn"

	"github.com/ctr-operator/ctr-operator/test/fixtures"
)

func TestReadPreprocessors(t *testing.T) {
	read := func(file string) ([]byte, error) { return os.ReadFile(fixtures.Path(t, file)) }
	data, err := read("widedeep-bundle/preprocessors.pkl")
	if err != nil {
		t.Fatal(err)
	}
	scalers, err := sklearn.ReadPreprocessors(t.Context(), data, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for name, width := range map[string]int{"wide_scaler": 6, "deep_scaler": 8} {
		if scalers[name] == nil {
			t.Fatalf("there is no %s in %v", name, scalers)
		}
		if in, out := scalers[name].Width(); in != width || out != width {
			t.Errorf("%s makes %d columns of %d", name, out, in)
		}
	}
	if len(scalers) != 2 {
		t.Errorf("got %v", scalers)
	}
	for file, words := range map[string]string{
		"demo/v1/model.pkl":             "a model of its own",
		"sklearn/1.9.1/pipeline.pkl":    "beside a network, supported is a dict",
		"hostile/os-system.pkl":         "would execute",
		"hostile/untrained.pkl":         "before it was fitted",
		"hostile/gradient-boosting.pkl": "GradientBoosting",
	} {
		data, err := read(file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = sklearn.ReadPreprocessors(t.Context(), data, 1<<20)
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: got %v, want …%s…", file, err, words)
		}
	}
	bare, err := read("sklearn/1.9.1/bare-liblinear.pkl")
	if err != nil {
		t.Fatal(err)
	}
	var bad *sklearn.Error
	if _, err := sklearn.ReadPreprocessors(t.Context(), bare, 1<<20); !errors.As(err, &bad) || !bad.Unsupported {
		t.Errorf("got %v", err)
	}
}
