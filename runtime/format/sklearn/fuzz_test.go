package sklearn

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
)

// FuzzRead: whatever the bytes, the result is a sound model or a typed error.
func FuzzRead(f *testing.F) {
	for _, pattern := range []string{"sklearn/1.9.1/*.pkl", "sklearn/0.24.2/*.pkl", "hostile/*.pkl"} {
		seeds, err := filepath.Glob("../../../test/testdata/" + pattern)
		if err != nil || len(seeds) == 0 {
			f.Fatalf("no seeds in %s (%v)", pattern, err)
		}
		for _, seed := range seeds {
			data, err := os.ReadFile(seed)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		model, err := Read(t.Context(), data)
		if err != nil {
			var inPickle *pickle.Error
			var inModel *Error
			if !errors.As(err, &inPickle) && !errors.As(err, &inModel) {
				t.Fatalf("%#v is not typed", err)
			}
			return
		}
		n := len(model.Coef)
		if n == 0 || (model.Mean != nil && len(model.Mean) != n) || (model.Scale != nil && len(model.Scale) != n) {
			t.Fatalf("%+v does not fit together", model)
		}
		for _, values := range [][]float64{model.Coef, model.Mean, model.Scale, {model.Intercept, model.Factor}} {
			for _, value := range values {
				if math.IsNaN(value) || math.IsInf(value, 0) {
					t.Fatalf("%+v is not finite", model)
				}
			}
		}
	})
}
