package op

import (
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// classify makes labels and scores of sums. What ONNX leaves open of two classes is decided as ONNX Runtime does: it depends
// on which classes the leaves speak of, on the sign of their weights, and on how many base values there are.
func classify[T float](o *TreeEnsemble, trees *Forest[T], f *graph.Frame, sums []T, scored []bool, rows int, out []*tensor.Tensor) error {
	classes := o.Labels.Len()
	if len(out) < 2 || classes != trees.targets {
		return fmt.Errorf("a classifier of %d classes computes labels and scores of as many", classes)
	}
	if err := f.Resize(out[0], o.Labels.DType(), rows); err != nil {
		return err
	}
	if err := f.Resize(out[1], tensor.Float32, rows, classes); err != nil {
		return err
	}
	y := tensor.Data[float32](out[1])
	for i := range rows {
		begin, end := i*classes, (i+1)*classes
		label := 0
		if classes == 2 {
			label = binary(o, trees, y[begin:end], sums[begin:end], scored[begin:end])
		} else {
			label = multiclass(o, y[begin:end], sums[begin:end], scored[begin:end])
		}
		setLabel(out[0], i, o.Labels, label)
	}
	return nil
}

// multiclass writes a row's scores, and returns the class of the largest one that any leaf spoke of.
func multiclass[T float](o *TreeEnsemble, y []float32, sums []T, scored []bool) int {
	for k := range min(len(o.Base), len(sums)) {
		sums[k] += T(o.Base[k])
		scored[k] = true
	}
	best := -1
	for k, sum := range sums {
		if scored[k] && (best < 0 || sum > sums[best]) {
			best = k
		}
		y[k] = float32(sum)
	}
	o.Post.apply(y)
	return max(best, 0)
}

// binary is multiclass for two classes.
func binary[T float](o *TreeEnsemble, trees *Forest[T], y []float32, sums []T, scored []bool) int {
	both := scored[1]
	switch {
	case len(o.Base) == 2 && scored[1]:
		sums[1] = T(o.Base[1]) + sums[0]
		sums[0] = -sums[1]
	case len(o.Base) == 2:
		sums[0] += T(o.Base[0])
		sums[1] += T(o.Base[1])
		both = true
	case len(o.Base) == 1:
		sums[0] += T(o.Base[0])
	}
	weight := sums[0]
	if scored[1] {
		weight = sums[1]
	}
	label, second := 0, secondMarginLow
	switch probable := trees.single >= 0 && trees.positive; {
	case probable && weight > 0.5:
		label, second = 1, secondComplement
	case probable:
		second = secondComplement
	case weight > 0:
		label, second = 1, secondMargin
	}
	if trees.single < 0 && len(o.Base) > 0 {
		second = secondNone
	}
	if !both {
		y[1] = 0
		second.expand(y, float32(sums[0]), o.Post)
		return label
	}
	y[0], y[1] = float32(sums[0]), float32(sums[1])
	o.Post.apply(y)
	return label
}
