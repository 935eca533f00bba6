package op_test

import (
	"github.com/ctr-operator/ctr-operator/runtime/features/example"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// message is a tf.Example.
func message() string {
	var w example.Writer
	w.AddStrings("s", "a", "b")
	w.AddFloats("d", .5)
	w.AddInts("v", 3, -4)
	w.AddInts("r", 5)
	w.AddInts("other", 9)
	return w.String()
}

func tensorFlowSamples() []sample {
	all := []sample{
		one(op.Erfc{}, fs(of(2), 1, 0.15729920705028513), fs(of(2), 0, 1)),
		one(op.Bucketize{Boundaries: f32(0, 10)}, is(of(5), 0, 1, 1, 2, 2), fs(of(5), -1, 0, 9, 10, nan)),
		one(op.Bucketize{Boundaries: f32(0, 10)}, is(of(2), 0, 2), ls(of(2), -1, 11)),
		one(op.DenseBincount{}, fs(of(3), 1, 2, 0), is(of(4), 0, 1, 1, 7), is(nil, 3), fs(of(0))),
		one(op.DenseBincount{Binary: true}, ls(of(2, 2), 0, 1, 1, 1), ls(of(2, 2), 1, 1, 0, 1), ls(nil, 2), ls(of(0))),
		one(op.FusedBatchNorm{Epsilon: 1}, fs(of(1, 2), 1.5, 4),
			fs(of(1, 2), 1, 2), fs(of(2), 1, 2), fs(of(2), 1, 0), fs(of(2), 0, 0), fs(of(2), 3, 0)),
		one(op.FusedBatchNorm{Training: true}, fs(of(2, 1), -1, 1), fs(of(2, 1), 1, 3), fs(of(1), 1), fs(of(1), 0), fs(of(0)), fs(of(0))),
		{op.DynamicPartition{}, tensors{fs(of(3, 1), 1, 2, 3), is(of(3), 1, 0, 1)}, tensors{fs(of(1, 1), 2), fs(of(2, 1), 1, 3)}},
		one(op.DynamicStitch{}, fs(of(3), 7, 8, 9), is(of(2), 0, 2), is(of(1), 1), fs(of(2), 7, 9), fs(of(1), 8)),
		one(op.SelectRows{}, fs(of(2, 2), 1, 2, 7, 8), bs(of(2), true, false), fs(of(2, 2), 1, 2, 3, 4), fs(of(2, 2), 5, 6, 7, 8)),
		one(op.TrueIndices{}, ls(of(2, 2), 0, 1, 1, 0), bs(of(2, 2), false, true, true, false)),
		one(op.SliceSize{}, fs(of(1, 2), 5, 6), fs(of(2, 3), 1, 2, 3, 4, 5, 6), is(of(2), 1, 1), is(of(2), 1, -1)),
		one(op.StridedSlice{Shrink: 1}, fs(of(3), 4, 5, 6), fs(of(2, 3), 1, 2, 3, 4, 5, 6), is(of(1), -1), is(of(1), 0), is(of(1), 1)),
		one(op.StridedSlice{Begin: 4, End: 4, Ellipsis: 1, NewAxis: 2}, fs(of(1, 1, 2), 3, 1),
			fs(of(1, 3), 1, 2, 3), is(of(3), 0, 0, 0), is(of(3), 0, 0, 0), is(of(3), 1, 1, -2)),
		one(op.TransposeLast{}, fs(of(1, 2, 2), 1, 3, 2, 4), fs(of(1, 2, 2), 1, 2, 3, 4)),
		one(op.StringHash{Buckets: 1000}, nil, ss(of(2), "Hello", "TensorFlow")),
		one(op.StringHash{Kind: op.HashStrong, Buckets: 1000, Key0: 1, Key1: 2}, nil, ss(of(2), "a", "")),
		one(op.StringHash{Kind: op.HashLegacy, Buckets: 1000}, nil, ss(of(2), "a", "long enough")),
		one(op.AsString{Format: 'f', Precision: -1, Width: -1}, ss(of(2), "1.500000", "-2.000000"), fs(of(2), 1.5, -2)),
		one(op.AsString{Format: 'f', Precision: -1, Width: 4}, ss(of(2), "   1", "  -2"), ls(of(2), 1, -2)),
		one(op.StringJoin{Separator: "-"}, ss(of(2), "a-c", "b-c"), ss(of(2), "a", "b"), ss(nil, "c")),
		one(op.TableLookup{}, ls(of(3), 20, -1, 10), ss(of(3), "b", "c", "a"), ss(of(2), "a", "b"), ls(of(2), 10, 20), ls(nil, -1)),
		one(op.TableLookup{Replace: true}, ss(of(2), "y", "?"), is(of(2), 1, 2), ls(of(2), 1, 1), ss(of(2), "x", "y"), ss(nil, "?")),
	}
	return append(all, sparseSamples()...)
}

func sparseSamples() []sample {
	indices, values, shape := ls(of(3, 2), 0, 0, 0, 1, 2, 0), fs(of(3), 1, 2, 3), list(3, 2)
	rows := fs(of(3, 2), 1, 2, 3, 4, 5, 6)
	return []sample{
		{op.SparseReshape{}, tensors{indices, shape, list(2, -1)}, tensors{ls(of(3, 2), 0, 0, 0, 1, 1, 1), list(2, 3)}},
		{op.SparseFillEmptyRows{}, tensors{indices, values, shape, fs(nil, 9)}, tensors{
			ls(of(4, 2), 0, 0, 0, 1, 1, 0, 2, 0), fs(of(4), 1, 2, 9, 3), bs(of(3), false, true, false), list(0, 1, 3)}},
		one(op.SparseToDense{}, fs(of(3, 2), 1, 2, 9, 9, 3, 9), indices, shape, values, fs(nil, 9)),
		one(op.SparseMatMul{}, fs(of(3, 1), 50, 0, 30), indices, values, shape, fs(of(2, 1), 10, 20)),
		one(op.SparseMatMul{TransA: true, TransB: true}, ds(of(2, 1), 31, 2),
			indices, ds(of(3), 1, 2, 3), shape, ds(of(1, 3), 1, 7, 10)),
		{op.SparseCross{Sparse: 1, Separator: "_X_"}, tensors{indices, ss(of(3), "a", "b", "c"), shape, ss(of(3, 1), "x", "y", "z")},
			tensors{ls(of(3, 2), 0, 0, 0, 1, 2, 0), ss(of(3), "a_X_x", "b_X_x", "c_X_z"), list(3, 2)}},
		{op.SparseCross{Hashed: true, Buckets: 100}, tensors{ls(of(2, 1), 1, 2), ss(of(2, 2), "x", "y", "z", "w")}, tensors{
			ls(of(4, 2), 0, 0, 0, 1, 1, 0, 1, 1), nil, list(2, 2)}},
		one(op.Segments{}, fs(of(2, 2), 4, 6, 5, 6), rows, is(of(3), 0, 0, 1)),
		one(op.Segments{Kind: op.SegmentMean, Sparse: true}, fs(of(2, 2), 1, 2, 4, 5), rows, is(of(3), 0, 1, 2), is(of(3), 0, 1, 1)),
		one(op.Segments{Kind: op.SegmentSqrtN, Sparse: true, Counted: true}, fs(of(3, 2), 1, 2, 0, 0, 0, 0),
			rows, ls(of(1), 0), ls(of(1), 0), ls(nil, 3)),
		one(op.Segments{Kind: op.SegmentMax, Unsorted: true}, ls(of(2, 1), 5, -9223372036854775808), ls(of(2, 1), 5, 3), is(of(2), 0, 0), is(nil, 2)),
		one(op.Segments{Kind: op.SegmentProd, Unsorted: true}, ds(of(2), 15, 1), ds(of(2), 5, 3), is(of(2), 0, 0), is(nil, 2)),
		{op.NewParseExample(
			[]op.ExampleFeature{{Name: "s", DType: tensor.String}},
			[]op.ExampleFeature{{Name: "d", DType: tensor.Float32}, {Name: "v", DType: tensor.Int64, Shape: []int{-1}}},
			[]op.ExampleFeature{{Name: "r", DType: tensor.Int64}}, []tensor.DType{tensor.Int32}),
			tensors{ss(of(2), "", message()), fs(nil, 7), ls(of(1), 9)},
			tensors{ls(of(2, 2), 1, 0, 1, 1), ss(of(2), "a", "b"), list(2, 2), fs(of(2), 7, .5), ls(of(2, 2), 9, 9, 3, -4),
				ls(of(1), 5), is(of(3), 0, 0, 1)}},
	}
}
