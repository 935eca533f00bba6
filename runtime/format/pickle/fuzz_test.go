package pickle

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ctr-operator/ctr-operator/test/fixtures"
)

// FuzzRead holds the reader to what its documentation promises about any input: a tree of bounded depth whose arrays
// can be read, or an *Error within the input.
func FuzzRead(f *testing.F) {
	for _, pattern := range []string{"/pickle/*.pkl", "/hostile/*.pkl", "/sklearn/*/container-raw*.joblib", "/sklearn/*/*parts*.pkl", "/sklearn/*/random-state.pkl"} {
		seeds, err := filepath.Glob(fixtures.Path(f, pattern))
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
	for _, input := range hostileShapes(60) {
		f.Add([]byte(input))
	}
	options := Options{Classes: func(module, _ string) (Standing, string) {
		if len(module) > 7 && module[:8] == "sklearn." {
			return Welcome, ""
		}
		return goodAndKnown(module, "")
	}}
	f.Fuzz(func(t *testing.T, data []byte) {
		root, err := Read(t.Context(), data, options)
		if err != nil {
			var failure *Error
			if !errors.As(err, &failure) || failure.Offset < 0 || failure.Offset > len(data) {
				t.Fatalf("%#v is not an Error within the input", err)
			}
			return
		}
		readAll(t, root, map[Node]bool{}, DefaultMaxDepth)
	})
}

// readAll reads every array of the tree, and finds out that it ends.
func readAll(t *testing.T, n Node, seen map[Node]bool, depth int) {
	if !isContainer(n) || seen[n] {
		return
	}
	if depth == 0 {
		t.Fatal("the tree is deeper than it may be")
	}
	seen[n] = true
	if array, ok := n.(*Array); ok && array.DType.Code != 'O' {
		if values, err := array.Float64s(); err == nil && len(values) != array.Len() {
			t.Fatalf("%d values, expected %d", len(values), array.Len())
		}
		_, _ = array.Strings() // arrays of numbers are not text; it only must not panic
	}
	for _, child := range children(n) {
		readAll(t, child, seen, depth-1)
	}
}
