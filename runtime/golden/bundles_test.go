package golden_test

import (
	"iter"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/features"
	"github.com/ctr-operator/ctr-operator/runtime/golden"
	"github.com/ctr-operator/ctr-operator/runtime/model"
	"github.com/ctr-operator/ctr-operator/runtime/request"
)

const testdata = "../../test/testdata"

// Every bundle in the test data opens by its content, and reproduces its framework's predictions.
func TestBundles(t *testing.T) {
	tokenizer := sync.OnceValues(features.LoadTokenizer)
	for bundle, what := range map[string]struct {
		format, kind string
		examples     int
	}{
		"demo/v1":             {"sklearn", model.TypeLogisticRegression, 11},
		"demo/v2":             {"sklearn", model.TypeLogisticRegression, 11},
		"widedeep/keras":      {"keras", model.TypeWideAndDeep, 24},
		"widedeep/savedmodel": {"savedmodel", model.TypeWideAndDeep, 24},
		"widedeep/onnx":       {"onnx", model.TypeWideAndDeep, 24},
		"widedeep-bundle":     {"keras", model.TypeWideAndDeep, 228},
	} {
		t.Run(bundle, func(t *testing.T) {
			m, err := model.Open(t.Context(), filepath.Join(testdata, bundle), model.Options{Type: what.kind, Tokenizer: tokenizer})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if got := m.Describe().Format; got != what.format {
				t.Errorf("the format is %s, want %s", got, what.format)
			}
			n, err := golden.ReplayFile(t.Context(), m.Golden(), m)
			if err != nil || n != what.examples {
				t.Errorf("%d examples, want %d: %v", n, what.examples, err)
			}
		})
	}
}

// One network in three forms predicts the same.
func TestFormsAreEqual(t *testing.T) {
	var first []float64
	for _, form := range []string{"keras", "savedmodel", "onnx"} {
		m, err := model.Open(t.Context(), filepath.Join(testdata, "widedeep", form), model.Options{})
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(m.Golden())
		if err != nil {
			t.Fatal(err)
		}
		got := predictAll(t, m, text)
		if first == nil {
			first = got
			continue
		}
		largest := 0.0
		for i, p := range got {
			largest = max(largest, math.Abs(p-first[i]))
		}
		t.Logf("%s: the largest difference is %.3g", form, largest)
		if !(largest <= 1e-6) {
			t.Errorf("%s predicts otherwise", form)
		}
	}
}

// predictAll predicts each line of a file, whose inputs are a request's.
func predictAll(t *testing.T, m *model.Model, text []byte) []float64 {
	t.Helper()
	decoder := request.NewDecoder(m.Signature(), 1)
	var rows []model.Row
	for line := range lines(text) {
		var r request.Request
		if err := decoder.Decode(line, request.Single, "", &r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r.Rows[0])
	}
	out := make([]float64, len(rows))
	if err := m.PredictBatch(rows, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// lines are those of a text, without their ends.
func lines(text []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(strings.TrimSpace(string(text))) {
			if !yield(strings.TrimSpace(line)) {
				return
			}
		}
	}
}
