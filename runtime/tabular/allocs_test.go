//go:build !race

package tabular_test

import (
	"math"
	"testing"
)

// Under the race detector a sync.Pool loses things on purpose, and counting allocations says nothing.
func TestPredictDoesNotAllocate(t *testing.T) {
	m, row := all(), []float64{math.NaN(), 3}
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := m.Predict(row); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
