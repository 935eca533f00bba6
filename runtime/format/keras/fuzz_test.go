package keras_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/ctr-operator/ctr-operator/runtime/engine"
	"github.com/ctr-operator/ctr-operator/runtime/format/keras"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
)

// seeds are small artifacts of both containers.
var seeds = []string{
	"sequential_sigmoid.keras2.h5.gz", "sequential_sigmoid.keras3.keras.gz", "dictionary.keras3.h5.gz", "text_adapted.keras2.keras.gz",
	"types.keras2.h5.gz", "linear_model.keras2.keras.gz",
}

// FuzzRead reads changed files, and runs those that are read.
func FuzzRead(f *testing.F) {
	for _, name := range seeds {
		f.Add(unzip(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) { survive(t, data) })
}

// FuzzConfig reads a changed configuration, with the weights of a whole model: a change to an archive is rarely one that
// its checksum lets pass.
func FuzzConfig(f *testing.F) {
	var stems []string
	for i, name := range []string{
		"sequential.keras3.keras.gz", "nested.keras3.keras.gz", "text_lookup.keras3.keras.gz", "hashed.keras3.keras.gz", "merges.keras3.keras.gz",
		"whole_numbers.keras3.keras.gz", "real_numbers.keras3.keras.gz", "factorization.keras3.keras.gz", "sequence.keras3.keras.gz",
		"nested.keras2.keras.gz", "text_adapted.keras3.keras.gz", "wide_deep_model.keras2.keras.gz",
	} {
		stems = append(stems, name)
		f.Add(i, entries(f, unzip(f, name))["config.json"])
	}
	weights := map[int]map[string][]byte{}
	for i, name := range stems {
		weights[i] = entries(f, unzip(f, name))
	}
	f.Fuzz(func(t *testing.T, which int, config []byte) {
		e, ok := weights[which]
		if !ok {
			return
		}
		all := []entry{{name: "config.json", data: config}}
		for name, data := range e {
			if name != "config.json" {
				all = append(all, entry{name: name, data: data})
			}
		}
		survive(t, archive(t, all...))
	})
}

// survive reads, compiles and runs, for a second at most.
func survive(t *testing.T, data []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	model, err := keras.Read(ctx, bytes.NewReader(data), int64(len(data)), keras.Limits{MaxBytes: 32 << 20})
	if err != nil {
		if keras.KindOf(err) == 0 && ctx.Err() == nil {
			t.Errorf("an error of no kind: %v", err)
		}
		return
	}
	program, err := engine.Compile(ctx, model.Graph, engine.Options{FoldLimit: 16 << 20, RunLimit: 16 << 20})
	if err != nil {
		return
	}
	run := program.Acquire()
	defer run.Release()
	for i, input := range program.Inputs() {
		shape := make([]int, len(input.Shape))
		elements := 1
		for d, size := range input.Shape {
			shape[d] = size
			if size == graph.Any {
				shape[d] = 2
			}
			elements *= max(1, min(shape[d], 1<<20))
			if elements > 1<<20 {
				return
			}
		}
		run.Input(i).Resize(input.DType, shape...)
		run.Input(i).Clear()
	}
	_ = run.DoContext(ctx)
}
