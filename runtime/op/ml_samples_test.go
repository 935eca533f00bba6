package op_test

import (
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// made is what a constructor made.
func made[O any](o O, err error) O {
	if err != nil {
		panic(err)
	}
	return o
}

func mlSamples() []sample {
	x := fs(of(2, 2), 1, nan, 3, 4)
	floats := fs(of(2), 10, 20)
	words := ss(of(2), "a", "b")
	all := []sample{
		one(op.Trilu{}, fs(of(2, 2), 1, 2, 0, 4), fs(of(2, 2), 1, 2, 3, 4)),
		one(op.Trilu{Lower: true}, ls(of(2, 2), 0, 0, 3, 0), ls(of(2, 2), 1, 2, 3, 4), ls(nil, -1)),
		one(op.Scaler{Offset: f32(1), Scale: f32(2, 3)}, fs(of(2, 2), 0, nan, 4, 9), x),
		one(op.Normalizer{Norm: op.NormL1}, fs(of(2, 2), .25, .75, 0, 0), ls(of(2, 2), 1, 3, 0, 0)),
		one(op.Normalizer{Norm: op.NormMax}, nil, fs(of(2, 2), 1, 3, 0, 0)),
		one(op.Normalizer{Norm: op.NormL2}, nil, ds(of(2, 2), 1, 3, 0, 0)),
		one(op.Binarizer{Threshold: 1}, fs(of(3), 0, 1, 0), fs(of(3), 1, 2, -1)),
		one(op.Imputer{Floats: f32(7, 8), Replaced: float32(nan)}, fs(of(2, 2), 1, 8, 3, 4), x),
		one(op.Imputer{Ints: []int64{7}, ReplacedInt: -1}, ls(of(1, 2), 7, 2), ls(of(1, 2), -1, 2)),
		one(op.FeatureVectorizer{Dimensions: of(1, 2)}, fs(of(2, 3), 1, 1, 2, 2, 3, 4), ls(of(2, 1), 1, 2), ls(of(2, 2), 1, 2, 3, 4)),
		one(op.ArrayFeatureExtractor{}, fs(of(2, 1), 2, 4), fs(of(2, 2), 1, 2, 3, 4), ls(of(1), 1)),
		one(made(op.NewLabelEncoder(words, floats, fs(of(1), -1))), fs(of(3), 20, -1, 10), ss(of(3), "b", "c", "a")),
		one(made(op.NewLabelEncoder(fs(of(2), nan, 1), words, ss(of(1), "?"))), ss(of(3), "a", "?", "b"), fs(of(3), nan, 2, 1)),
		one(made(op.NewCategoryMapper([]string{"a", "b"}, []int64{5, 6}, "?", -1)), ls(of(2), 6, -1), ss(of(2), "b", "z")),
		one(made(op.NewCategoryMapper([]string{"a", "b"}, []int64{5, 6}, "?", -1)), ss(of(2), "b", "?"), ls(of(2), 6, 0)),
		one(made(op.NewCategoryOneHot(words, false)), fs(of(3, 2), 0, 1, 0, 0, 1, 0), ss(of(3), "b", "c", "a")),
		one(made(op.NewCategoryOneHot(ls(of(2), 5, 6), true)), fs(of(1, 1, 2), 0, 1), fs(of(1, 1), 6)),
		one(op.LinearScores{Post: op.PostLogistic}, fs(of(1, 2), .5, 1), fs(of(1, 2), 0, 100)),
		{op.LinearScores{Post: op.PostSoftmax, Labels: words}, tensors{fs(of(1, 2), 1, 1)}, tensors{nil, fs(of(1, 2), .5, .5)}},
		{op.LinearScores{Post: op.PostSoftmaxZero, Labels: ls(of(2), 0, 1)}, tensors{fs(of(2, 1), 1, -1)}, tensors{ls(of(2), 1, 0), nil}},
		one(op.LinearScores{Post: op.PostProbit}, nil, fs(of(1, 2), .5, .1)),
	}
	return append(append(all, textSamples()...), treeSamples()...)
}

func textSamples() []sample {
	texts := ss(of(2), "a b", "B")
	grams := op.Ngrams{
		Strings: []string{"a", "b", "a", "b"}, Begins: []int64{0, 2}, Columns: []int64{0, 1, 2}, Weights: f32(1, 2, 3),
		Weighting: op.WeightTFIDF, Min: 1, Max: 2, Skip: 1 << 40,
	}
	single := op.Ngrams{Ints: []int64{7}, Begins: []int64{0}, Columns: []int64{1}, Min: 1, Max: 1, Skip: 1 << 60}
	return []sample{
		one(made(op.NewRegexFullMatch("[a-z]|B")), bs(of(2), false, true), texts),
		one(op.NewStringNormalizer(op.CaseLower, []string{"b"}, false), ss(of(1), "a b"), texts),
		{op.StringSplit{Delimiter: " ", Max: -1}, tensors{texts}, tensors{ss(of(2, 2), "a", "b", "B", ""), ls(of(2), 2, 1)}},
		one(op.StringConcat{}, ss(of(2), "a b!", "B!"), texts, ss(nil, "!")),
		one(&op.Tokenizer{MinChars: 1, Pad: "#"}, nil, texts),
		one(made(op.NewTfIdfVectorizer(grams)), fs(of(3), 1, 2, 3), ss(of(2), "a", "b")),
		one(made(op.NewTfIdfVectorizer(single)), fs(of(2, 2), 0, 2, 0, 0), is(of(2, 2), 7, 7, 1, 2)),
	}
}

func treeSamples() []sample {
	nodes := []op.TreeNode[float32]{
		{Mode: op.TreeLessOrEqual, Feature: 1, Value: 2, True: 1, False: 2},
		{Leaf: []op.TreeScore[float32]{{Target: 0, Value: 1}}},
		{Mode: op.TreeMember, Members: f32(3, 4), MissingTrue: true, True: 3, False: 4},
		{Leaf: []op.TreeScore[float32]{{Target: 1, Value: 5}}},
		{Leaf: []op.TreeScore[float32]{{Target: 0, Value: -1}}},
	}
	rows := fs(of(3, 2), 9, 1, 3, 3, 9, 3)
	var all []sample
	for _, o := range []*op.TreeEnsemble{
		{}, {Aggregate: op.AggregateMax}, {Aggregate: op.AggregateMin, Wide: true}, {Aggregate: op.AggregateAverage, Base: []float64{1, 2}},
	} {
		o.Grow32(made(op.NewForest(nodes, []int{0}, 2)))
		all = append(all, one(o, nil, rows), one(o, nil, compute64(rows)))
	}
	all[0].want[0] = fs(of(3, 2), 1, 0, 0, 5, -1, 0)
	classifier := &op.TreeEnsemble{Labels: ss(of(2), "no", "yes"), Post: op.PostLogistic}
	classifier.Grow32(made(op.NewForest(nodes, []int{0}, 2)))
	return append(all, sample{classifier, tensors{rows}, tensors{nil, nil}})
}

// compute64 is a tensor of float64s.
func compute64(t *tensor.Tensor) *tensor.Tensor {
	wide := tensor.New(tensor.Float64, t.Shape()...)
	for i, v := range tensor.Data[float32](t) {
		tensor.Data[float64](wide)[i] = float64(v)
	}
	return wide
}
