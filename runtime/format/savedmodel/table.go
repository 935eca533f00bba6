package savedmodel

import (
	"maps"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
)

// operator lowers a node of one operator of TensorFlow's.
type operator func(l *lowering, n *node, in []value) (result, error)

// Operators are the names of all operators that can be read, in order.
func Operators() []string {
	names := slices.Collect(maps.Keys(operators()))
	names = slices.AppendSeq(names, maps.Keys(structural()))
	slices.Sort(names)
	return names
}

// operators is the closed list of operators that compute. Adding one takes a line in one of the parts.
func operators() map[string]operator {
	all := map[string]operator{}
	for _, part := range []map[string]operator{numbers(), functions(), matrices(), places(), rows(), others()} {
		maps.Copy(all, part)
	}
	return all
}

// numbers are arithmetic, comparisons and logic.
func numbers() map[string]operator {
	return map[string]operator{
		"Add":               plain(op.Add{}, 2),
		"AddV2":             plain(op.Add{}, 2),
		"AddN":              variadic(op.Sum{}),
		"Sub":               plain(op.Sub{}, 2),
		"Mul":               plain(op.Mul{}, 2),
		"MulNoNan":          mulNoNan,
		"Div":               plain(op.Div{}, 2),
		"RealDiv":           plain(op.Div{}, 2),
		"TruncateDiv":       plain(op.Div{}, 2),
		"DivNoNan":          plain(op.DivNoNan{}, 2),
		"FloorDiv":          plain(op.FloorDiv{}, 2),
		"FloorMod":          plain(op.FloorMod{}, 2),
		"Mod":               plain(op.Mod{Fmod: true}, 2),
		"TruncateMod":       plain(op.Mod{Fmod: true}, 2),
		"Maximum":           plain(op.Max{}, 2),
		"Minimum":           plain(op.Min{}, 2),
		"Pow":               plain(op.Pow{}, 2),
		"SquaredDifference": plain(op.SquaredDifference{}, 2),
		"ClipByValue":       plain(op.Clip{}, 3),
		"Equal":             plain(op.Equal{}, 2),
		"NotEqual":          plain(op.NotEqual{}, 2),
		"Less":              plain(op.Less{}, 2),
		"LessEqual":         plain(op.LessOrEqual{}, 2),
		"Greater":           plain(op.Greater{}, 2),
		"GreaterEqual":      plain(op.GreaterOrEqual{}, 2),
		"LogicalAnd":        plain(op.And{}, 2),
		"LogicalOr":         plain(op.Or{}, 2),
		"LogicalNot":        plain(op.Not{}, 1),
		"Select":            plain(op.SelectRows{}, 3),
		"SelectV2":          plain(op.Where{}, 3),
		"Cast":              cast,
	}
}

// functions are those of one number, activations among them.
func functions() map[string]operator {
	return map[string]operator{
		"Abs":        plain(op.Abs{}, 1),
		"Neg":        plain(op.Neg{}, 1),
		"Sign":       plain(op.Sign{}, 1),
		"Square":     plain(op.Square{}, 1),
		"Sqrt":       plain(op.Sqrt{}, 1),
		"Rsqrt":      plain(op.Rsqrt{}, 1),
		"Reciprocal": plain(op.Reciprocal{}, 1),
		"Inv":        plain(op.Reciprocal{}, 1),
		"Exp":        plain(op.Exp{}, 1),
		"Expm1":      plain(op.Expm1{}, 1),
		"Log":        plain(op.Log{}, 1),
		"Log1p":      plain(op.Log1p{}, 1),
		"Floor":      plain(op.Floor{}, 1),
		"Ceil":       plain(op.Ceil{}, 1),
		"Round":      plain(op.Round{}, 1),
		"Rint":       plain(op.Round{}, 1),
		"Erf":        plain(op.Erf{}, 1),
		"Erfc":       plain(op.Erfc{}, 1),
		"Sin":        plain(op.Sin{}, 1),
		"Cos":        plain(op.Cos{}, 1),
		"Tan":        plain(op.Tan{}, 1),
		"Asin":       plain(op.Asin{}, 1),
		"Acos":       plain(op.Acos{}, 1),
		"Atan":       plain(op.Atan{}, 1),
		"Sinh":       plain(op.Sinh{}, 1),
		"Cosh":       plain(op.Cosh{}, 1),
		"Asinh":      plain(op.Asinh{}, 1),
		"Acosh":      plain(op.Acosh{}, 1),
		"Atanh":      plain(op.Atanh{}, 1),
		"IsNan":      plain(op.IsNaN{}, 1),
		"IsInf":      plain(op.IsInf{DetectNegative: true, DetectPositive: true}, 1),
		"IsFinite":   isFinite,
		"Sigmoid":    plain(op.Sigmoid{}, 1),
		"Tanh":       plain(op.Tanh{}, 1),
		"Relu":       plain(op.Relu{}, 1),
		"Relu6":      relu6,
		"Elu":        plain(op.Elu{Alpha: 1}, 1),
		"Selu":       plain(op.Selu{Alpha: seluAlpha, Gamma: seluScale}, 1),
		"LeakyRelu":  leakyRelu,
		"Softplus":   plain(op.Softplus{}, 1),
		"Softsign":   plain(op.Softsign{}, 1),
		"Softmax":    plain(op.Softmax{Axis: -1}, 1),
		"LogSoftmax": plain(op.LogSoftmax{Axis: -1}, 1),
	}
}

// matrices are products, normalisations and reductions.
func matrices() map[string]operator {
	return map[string]operator{
		"MatMul":                  matMul("transpose_a", "transpose_b"),
		"BatchMatMul":             matMul("adj_x", "adj_y"),
		"BatchMatMulV2":           matMul("adj_x", "adj_y"),
		"BatchMatMulV3":           matMul("adj_x", "adj_y"),
		"SparseTensorDenseMatMul": sparseMatMul,
		"Einsum":                  einsum,
		"BiasAdd":                 biasAdd,
		"BiasAddV1":               plain(op.Add{}, 2),
		"FusedBatchNorm":          batchNorm,
		"FusedBatchNormV2":        batchNorm,
		"FusedBatchNormV3":        batchNorm,
		"Sum":                     reduction(func(r op.Reduction) graph.Op { return op.ReduceSum(r) }),
		"Mean":                    reduction(func(r op.Reduction) graph.Op { return op.ReduceMean(r) }),
		"Max":                     reduction(func(r op.Reduction) graph.Op { return op.ReduceMax(r) }),
		"Min":                     reduction(func(r op.Reduction) graph.Op { return op.ReduceMin(r) }),
		"Prod":                    reduction(func(r op.Reduction) graph.Op { return op.ReduceProd(r) }),
		"All":                     reduction(func(r op.Reduction) graph.Op { return op.ReduceAll(r) }),
		"Any":                     reduction(func(r op.Reduction) graph.Op { return op.ReduceAny(r) }),
		"ArgMax":                  argMax,
		"ArgMin":                  argMin,
		"Cumsum":                  cumsum,
		"TopKV2":                  topK,
	}
}

// places are operators that move elements and make shapes.
func places() map[string]operator {
	return map[string]operator{
		"Shape":          shape,
		"ShapeN":         shapeN,
		"Size":           size,
		"Rank":           rank,
		"Reshape":        plain(op.Reshape{AllowZero: true}, 2),
		"ExpandDims":     plain(op.Unsqueeze{}, 2),
		"Squeeze":        squeeze,
		"Transpose":      transpose,
		"Concat":         concatOld,
		"ConcatV2":       concat,
		"Pack":           pack,
		"Unpack":         unpack,
		"Split":          split,
		"SplitV":         splitV,
		"Tile":           plain(op.Tile{}, 2),
		"BroadcastTo":    plain(op.Expand{}, 2),
		"Fill":           fill,
		"Range":          plain(op.Range{}, 3),
		"ZerosLike":      filledLike(0),
		"OnesLike":       filledLike(1),
		"StridedSlice":   stridedSlice,
		"Slice":          plain(op.SliceSize{}, 3),
		"OneHot":         oneHot,
		"MatrixBandPart": bandPart,
		"Pad":            pad,
		"PadV2":          pad,
		"ReverseV2":      reverse,
	}
}

// rows are operators that take, join and count rows by index, and those of sparse tensors.
func rows() map[string]operator {
	return map[string]operator{
		"Gather":                            gatherOld,
		"GatherV2":                          gather,
		"GatherNd":                          plain(op.GatherND{FromStart: true}, 2),
		"ResourceGather":                    resourceGather,
		"Where":                             plain(op.TrueIndices{}, 1),
		"Unique":                            unique,
		"UniqueV2":                          uniqueAxis,
		"ScatterNd":                         scatterND,
		"DynamicPartition":                  dynamicPartition,
		"DynamicStitch":                     variadic(op.DynamicStitch{}),
		"ParallelDynamicStitch":             variadic(op.DynamicStitch{}),
		"Bucketize":                         bucketize,
		"DenseBincount":                     denseBincount,
		"Bincount":                          plain(op.DenseBincount{}, 3),
		"SegmentSum":                        plain(op.Segments{}, 2),
		"SegmentMean":                       plain(op.Segments{Kind: op.SegmentMean}, 2),
		"SegmentMax":                        plain(op.Segments{Kind: op.SegmentMax}, 2),
		"SegmentMin":                        plain(op.Segments{Kind: op.SegmentMin}, 2),
		"SegmentProd":                       plain(op.Segments{Kind: op.SegmentProd}, 2),
		"UnsortedSegmentSum":                plain(op.Segments{Unsorted: true}, 3),
		"UnsortedSegmentMax":                plain(op.Segments{Unsorted: true, Kind: op.SegmentMax}, 3),
		"UnsortedSegmentMin":                plain(op.Segments{Unsorted: true, Kind: op.SegmentMin}, 3),
		"UnsortedSegmentProd":               plain(op.Segments{Unsorted: true, Kind: op.SegmentProd}, 3),
		"SparseSegmentSum":                  plain(op.Segments{Sparse: true}, 3),
		"SparseSegmentMean":                 plain(op.Segments{Sparse: true, Kind: op.SegmentMean}, 3),
		"SparseSegmentSqrtN":                plain(op.Segments{Sparse: true, Kind: op.SegmentSqrtN}, 3),
		"SparseSegmentSumWithNumSegments":   plain(op.Segments{Sparse: true, Counted: true}, 4),
		"SparseSegmentMeanWithNumSegments":  plain(op.Segments{Sparse: true, Counted: true, Kind: op.SegmentMean}, 4),
		"SparseSegmentSqrtNWithNumSegments": plain(op.Segments{Sparse: true, Counted: true, Kind: op.SegmentSqrtN}, 4),
		"SparseReshape":                     several(op.SparseReshape{}, 3, "output_indices", "output_shape"),
		"SparseFillEmptyRows": several(op.SparseFillEmptyRows{}, 4,
			"output_indices", "output_values", "empty_row_indicator", "reverse_index_map"),
		"SparseToDense":     plain(op.SparseToDense{}, 4),
		"SparseCross":       sparseCross,
		"SparseCrossV2":     sparseCrossV2,
		"SparseCrossHashed": sparseCrossHashed,
	}
}

// others are text, tables, examples and variables.
func others() map[string]operator {
	return map[string]operator{
		"StringToHashBucketFast":   stringHash(op.HashFast),
		"StringToHashBucketStrong": stringHash(op.HashStrong),
		"StringToHashBucket":       stringHash(op.HashLegacy),
		"AsString":                 asString,
		"StringJoin":               stringJoin,
		"LookupTableFind":          lookup,
		"LookupTableFindV2":        lookup,
		"LookupTableSize":          tableSize,
		"LookupTableSizeV2":        tableSize,
		"ParseExample":             parseExample,
		"ParseExampleV2":           parseExampleV2,
		"RestoreV2":                restore,
	}
}

// unsafe are operators that run code, or touch files. None of them is ever run; they have a Kind of their own.
func unsafe() map[string]bool {
	names := map[string]bool{}
	for _, name := range []string{
		"PyFunc", "PyFuncStateless", "EagerPyFunc", "ReadFile", "WriteFile", "MatchingFiles", "Save", "SaveV2", "SaveSlices",
		"MergeV2Checkpoints", "PrintV2", "Print", "ImmutableConst", "WholeFileReader", "WholeFileReaderV2", "TextLineReader",
		"TextLineReaderV2", "TFRecordReader", "TFRecordReaderV2", "FixedLengthRecordReader", "FixedLengthRecordReaderV2",
		"RemoteCall", "FileSystemSetConfiguration", "TextLineDataset", "TFRecordDataset", "TFRecordDatasetV2",
	} {
		names[name] = true
	}
	return names
}
