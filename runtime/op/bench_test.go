package op_test

import (
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/kernel"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// BenchmarkOperators has what models for clicks do beside dense layers, for a batch of 64.
func BenchmarkOperators(b *testing.B) {
	const rows = 64
	fields := make(tensors, 26)
	for i := range fields {
		fields[i] = tensor.New(tensor.Float32, rows, 16)
	}
	cube := tensor.New(tensor.Float32, rows, 26, 16)
	wide := tensor.New(tensor.Float32, rows, 128)
	index := tensor.New(tensor.Int64, rows, 26)
	turned := tensor.New(tensor.Float32, rows, 16, 26)
	for _, s := range []struct {
		name string
		op   graph.Op
		in   tensors
	}{
		{"Add a row", op.Add{}, tensors{wide, tensor.New(tensor.Float32, 128)}},
		{"Add a number", op.Add{}, tensors{wide, tensor.New(tensor.Float32)}},
		{"Mul by a column", op.Mul{}, tensors{wide, tensor.New(tensor.Float32, rows, 1)}},
		{"Concat 26", op.Concat{Axis: 1}, fields},
		{"Gather 26", op.Gather{}, tensors{tensor.New(tensor.Float32, 1000, 16), index}},
		{"ReduceSum fields", op.ReduceSum{}, tensors{cube, list(1)}},
		{"ReduceSum last", op.ReduceSum{}, tensors{cube, list(2)}},
		{"MatMul fields", op.MatMul{}, tensors{cube, turned}},
		{"Einsum fields", op.Einsum{Equation: "bik,bjk->bij"}, tensors{cube, cube}},
		{"Transpose fields", op.Transpose{Perm: of(0, 2, 1)}, tensors{cube}},
		{"Softmax", op.Softmax{Axis: -1}, tensors{wide}},
		{"Sigmoid", op.Sigmoid{}, tensors{wide}},
		{"Log", op.Log{}, tensors{wide}},
		{"Greater", op.Greater{}, tensors{wide, tensor.New(tensor.Float32)}},
		{"Where", op.Where{}, tensors{tensor.New(tensor.Bool, rows, 128), wide, wide}},
		{"Cast", op.Cast{To: tensor.Float32}, tensors{index}},
		{"LayerNormalization", op.LayerNormalization{Axis: -1}, tensors{wide, tensor.New(tensor.Float32, 128)}},
		{"OneHot", op.OneHot{Axis: -1}, tensors{index, ls(nil, 16), fs(of(2), 0, 1)}},
	} {
		b.Run(s.name, func(b *testing.B) {
			f, out := graph.NewFrame(1, 1<<30, kernel.Best()), tensors{{}}
			for b.Loop() {
				f.Begin()
				if err := s.op.Run(f, s.in, out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
