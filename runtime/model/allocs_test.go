//go:build !race

package model_test

import (
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/model"
)

// Under the race detector a sync.Pool loses things on purpose, and counting allocations says nothing.
func TestPredictDoesNotAllocate(t *testing.T) {
	m := open(t, testdata+"/sklearn/1.9.1/parts-scaler.pkl")
	rows := []model.Row{{Features: make([]float64, 12)}}
	out := make([]float64, 1)
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := m.Predict(&rows[0]); err != nil {
			t.Fatal(err)
		}
		if err := m.PredictBatch(rows, out); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for a vector", n)
	}
}
