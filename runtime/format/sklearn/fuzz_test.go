package sklearn

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/format/unpack"
)

// FuzzRead: whatever the bytes, the result is a sound model or a typed error.
func FuzzRead(f *testing.F) {
	for _, pattern := range []string{"sklearn/1.9.1/*.pkl", "sklearn/1.9.1/*.joblib", "sklearn/0.24.2/*.pkl", "hostile/*.pkl"} {
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
		model, err := Read(t.Context(), data, 1<<22)
		if err != nil {
			var inPacking *unpack.Error
			var inPickle *pickle.Error
			var inModel *Error
			if !errors.As(err, &inPacking) && !errors.As(err, &inPickle) && !errors.As(err, &inModel) {
				t.Fatalf("%#v is not typed", err)
			}
			return
		}
		features := make([]float64, model.Features())
		for _, value := range []float64{0, 1, -3.5, 1e300, math.NaN(), math.Inf(1)} {
			for i := range features {
				features[i] = value
			}
			p, err := model.Predict(features)
			if err == nil && !(p >= 0 && p <= 1) {
				t.Fatalf("%v is predicted for %v", p, value)
			}
		}
	})
}
