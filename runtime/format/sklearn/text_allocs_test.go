//go:build !race

package sklearn

import "testing"

// Under the race detector a sync.Pool loses things on purpose, and counting allocations says nothing.

// TestTextAllocatesNothing holds for every kind of text and fields.
func TestTextAllocatesNothing(t *testing.T) {
	inputs := textInputs(t)
	for name, kind := range map[string]string{
		"tfidf": "text", "counts-parts": "text", "hashing": "text", "columns": "columns", "fields": "fields",
		"fields-hashed": "fields", "fields-dense": "fields", "lists-hashed": "lists", "counts": "text", "union": "text",
	} {
		model := readFile(t, textData+"sklearn/1.9.1/"+name+".joblib")
		row, out := inputs[kind][30], make([]float64, model.Outputs())
		allocations := testing.AllocsPerRun(100, func() {
			if err := model.PredictCells(row, out); err != nil {
				t.Fatal(err)
			}
		})
		if allocations > 0 {
			t.Errorf("%s: %v allocations", name, allocations)
		}
	}
}
