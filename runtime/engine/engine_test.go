package engine_test

import (
	"slices"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/engine"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

func TestRun(t *testing.T) {
	b := graph.NewBuilder()
	x := b.Input(graph.Input{Name: "x", DType: tensor.Float32, Shape: []int{graph.Any, 2}})
	b.Output(graph.Output{Name: "y", Value: b.Add("relu", op.Relu{}, x)})
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	p, err := engine.Compile(t.Context(), g, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	run := p.Acquire()
	defer run.Release()
	do := func() {
		run.Input(0).Resize(tensor.Float32, 2, 2)
		copy(tensor.Data[float32](run.Input(0)), []float32{-1, 2, 0, -3})
		if err := run.Do(); err != nil {
			t.Fatal(err)
		}
	}
	do()
	if got, want := tensor.Data[float32](run.Output(0)), []float32{0, 2, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("got %v, expected %v", got, want)
	}
	if allocs := testing.AllocsPerRun(100, do); allocs != 0 {
		t.Errorf("%v allocations in a run", allocs)
	}
}
