package onnx

import (
	"fmt"
	"os"
	"testing"
	"testing/fstest"

	"github.com/ctr-operator/ctr-operator/runtime/engine"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// What a row costs in models of each kind, alone and in a batch. Nothing is allocated.
func BenchmarkRun(b *testing.B) {
	all := answers(b)
	for _, name := range []string{"sklearn-lr-opset9", "sklearn-columns", "sklearn-histogram", "torch-wide-deep-script-opset9", "torch-deepfm-dynamo-opset23"} {
		program := opened(b, name, nil)
		given := map[string]*tensor.Tensor{}
		for _, input := range program.Inputs() {
			_, given[input.Name] = tensorFile(b, all[name], "inputs/"+input.Name+".pb")
		}
		for _, rows := range []int{1, 240} {
			b.Run(fmt.Sprintf("%s/%d", name, rows), func(b *testing.B) {
				benchmark(b, program, given, rows)
			})
		}
	}
}

func benchmark(b *testing.B, program *engine.Program, given map[string]*tensor.Tensor, rows int) {
	run := program.Acquire()
	defer run.Release()
	for i, input := range program.Inputs() {
		run.Input(i).Copy(part(given[input.Name], 0, rows))
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := run.Do(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows), "ns/row")
}

// A forest of the size that boosting makes, given by CTR_ONNX_FOREST, a model of one input of numbers.
func BenchmarkForest(b *testing.B) {
	path := os.Getenv("CTR_ONNX_FOREST")
	if path == "" {
		b.Skip("CTR_ONNX_FOREST names no model")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	g, err := Read(b.Context(), fstest.MapFS{"model.onnx": {Data: data}}, "model.onnx", Limits{})
	if err != nil {
		b.Fatal(err)
	}
	program, err := engine.Compile(b.Context(), g, engine.Options{})
	if err != nil {
		b.Fatal(err)
	}
	columns := program.Inputs()[0].Shape[1]
	x := tensor.New(tensor.Float32, 1024, columns)
	for i := range tensor.Data[float32](x) {
		tensor.Data[float32](x)[i] = float32(i*7919%1000) / 1000
	}
	for _, rows := range []int{1, 1024} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			benchmark(b, program, map[string]*tensor.Tensor{program.Inputs()[0].Name: x}, rows)
		})
	}
}
