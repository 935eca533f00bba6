package savedmodel_test

import (
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/engine"
	"github.com/ctr-operator/ctr-operator/runtime/format/savedmodel"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// BenchmarkEstimator is one tf.Example, and 200, through a wide & deep estimator with all kinds of feature columns.
func BenchmarkEstimator(b *testing.B) {
	read, err := savedmodel.Read(b.Context(), artifacts(b)["v1_wide_deep_example"], savedmodel.Options{})
	if err != nil {
		b.Fatal(err)
	}
	program, err := engine.Compile(b.Context(), read.Graph, engine.Options{})
	if err != nil {
		b.Fatal(err)
	}
	all := examples(b)
	for name, rows := range map[string]int{"1 row": 1, "200 rows": 200} {
		b.Run(name, func(b *testing.B) {
			run := program.Acquire()
			defer run.Release()
			run.Input(0).Resize(tensor.String, rows)
			copy(tensor.Data[string](run.Input(0)), all)
			b.ReportAllocs()
			for b.Loop() {
				if err := run.Do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
