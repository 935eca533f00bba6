//go:build !race

package features

import "testing"

// Under the race detector a sync.Pool loses things on purpose, and counting allocations says nothing.

func TestFeaturesAllocateNothing(t *testing.T) {
	sets := map[string]*Set{
		"preset": preset12(t),
		"categories": read(t, "fields: {q: string, d: string, p: number, s: string, n: integer}\nfeatures: "+
			"[{cross: [q, n], modulus: 99}, {hash: q, salt: x, modulus: 99}, {one_hot: n, size: 4}, {vocabulary: q, values: [a], default: 0}]"),
	}
	for name, set := range sets {
		dst := make([]float64, set.Outputs()[0].Width)
		f := set.Acquire()
		for i, field := range set.Fields() {
			if field.Kind == String {
				f.SetString(i, "人工智能技术介绍")
			}
		}
		if n := testing.AllocsPerRun(100, func() {
			if f.Run() != nil || Numbers(f, 0, dst) != nil {
				t.Fatal("no features")
			}
		}); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
