package op

import (
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// LinearScores is what ai.onnx.ml's LinearRegressor and LinearClassifier do with their scores, after the multiplication
// by the coefficients, which is a Gemm. It takes scores of the shape [N, targets], of Float32.
type LinearScores struct {
	Post PostTransform
	// Labels are the classes', of String or Int64, and of the shape [classes]; nil for a regressor. The first output then
	// is the label of each row, the second one the scores; else the scores are the only one.
	Labels *tensor.Tensor
}

// Name implements graph.Op.
func (LinearScores) Name() string { return "Scores" }

// Run implements graph.Op.
func (o LinearScores) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	x := in[0]
	if x.DType() != tensor.Float32 || x.Rank() != 2 {
		return typeError("scores of the shape [N, targets]", x)
	}
	rows, targets := x.Shape()[0], x.Shape()[1]
	if o.Labels == nil {
		return o.regress(f, out[0], x)
	}
	if len(out) < 2 || targets == 0 {
		return fmt.Errorf("a classifier computes labels and scores, of one target at least")
	}
	scores := tensor.Data[float32](x)
	if err := o.label(f, out[0], scores, rows, targets); err != nil {
		return err
	}
	if targets > 1 || o.Labels.Len() != 2 {
		return o.regress(f, out[1], x)
	}
	if err := f.Resize(out[1], tensor.Float32, rows, 2); err != nil {
		return err
	}
	y := tensor.Data[float32](out[1])
	for i, score := range scores {
		secondComplement.expand(y[2*i:2*i+2], score, o.Post)
	}
	return nil
}

// regress transforms the scores.
func (o LinearScores) regress(f *graph.Frame, y, x *tensor.Tensor) error {
	if o.Post == PostNone {
		y.View(x, x.Shape()...)
		return nil
	}
	if err := like(f, y, x); err != nil {
		return err
	}
	data := tensor.Data[float32](y)
	copy(data, tensor.Data[float32](x))
	targets := x.Shape()[1]
	for i := 0; i+targets <= len(data) && targets > 0; i += targets {
		if targets == 1 {
			secondNone.expand(data[i:i+1], data[i], o.Post)
			continue
		}
		o.Post.apply(data[i : i+targets])
	}
	return nil
}

// label is the class of the largest score in each row; the second class where there is one score, which is positive.
func (o LinearScores) label(f *graph.Frame, y *tensor.Tensor, scores []float32, rows, targets int) error {
	if err := f.Resize(y, o.Labels.DType(), rows); err != nil {
		return err
	}
	binary := targets == 1 && o.Labels.Len() == 2
	if !binary && targets > o.Labels.Len() {
		return fmt.Errorf("%d scores for %d classes", targets, o.Labels.Len())
	}
	for i := range rows {
		row := scores[i*targets : (i+1)*targets]
		best := 0
		for k, score := range row {
			if score > row[best] {
				best = k
			}
		}
		if binary && row[0] > 0 {
			best = 1
		}
		setLabel(y, i, o.Labels, best)
	}
	return nil
}

// setLabel copies one label.
func setLabel(y *tensor.Tensor, i int, labels *tensor.Tensor, k int) {
	if labels.DType() == tensor.String {
		tensor.Data[string](y)[i] = tensor.Data[string](labels)[k]
	} else {
		tensor.Data[int64](y)[i] = tensor.Data[int64](labels)[k]
	}
}
