//go:build !race

package tabular_test

import (
	"math"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/tabular"
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

func TestPredictCellsDoesNotAllocate(t *testing.T) {
	m, out := table(), make([]float64, 2)
	row := []tabular.Cell{number(2), text("b"), number(2), text("ignored")}
	if n := testing.AllocsPerRun(1000, func() {
		if err := m.PredictCells(row, out); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
