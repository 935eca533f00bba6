package op

import (
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// classify makes labels and scores of sums. What ONNX leaves open of two classes is decided as ONNX Runtime does: it depends
// on which classes the leaves speak of, on the sign of their weights, and on how many base values there are.
func classify[T float](o *TreeEnsemble, trees *Forest[T], f *graph.Frame, sums []T, scored []bool, rows int,
	out []*tensor.Tensor,
) error {
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
		if classes != 2 {
			setLabel(out[0], i, o.Labels, classifyMany(o, y[begin:end], sums[begin:end], scored[begin:end]))
			continue
		}
		label, raw := classifyTwo(o, trees, y[begin:end], sums[begin:end], scored[begin:end])
		if raw && o.Labels.DType() == tensor.Int64 {
			tensor.Data[int64](out[0])[i] = int64(label)
		} else {
			setLabel(out[0], i, o.Labels, label)
		}
	}
	return nil
}

// classifyMany writes a row's scores, and returns the class of the largest one that any leaf spoke of.
func classifyMany[T float](o *TreeEnsemble, y []float32, sums []T, scored []bool) int {
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

// classifyTwo is classifyMany for two classes. If the label is not one of the two, but to be 0 or 1 itself, raw is set.
func classifyTwo[T float](o *TreeEnsemble, trees *Forest[T], y []float32, sums []T, scored []bool) (label int, raw bool) {
	both := scored[1] || len(o.Base) == 2
	switch {
	case len(o.Base) == 2 && scored[1]:
		sums[1] = T(o.Base[1]) + sums[0]
		sums[0] = -sums[1]
	case len(o.Base) > 0:
		sums[0] += T(o.Base[0])
	}
	weight := sums[0]
	if scored[1] {
		weight = sums[1]
	}
	second := secondMargin
	switch {
	case trees.single >= 0 && trees.positive:
		label, second = step(weight > 0.5), secondComplement
	case trees.single >= 0:
		label = step(weight > 0)
	default:
		if label, raw = step(weight > 0), true; len(o.Base) > 0 {
			second = secondNone
		}
	}
	if !both {
		y[1] = 0
		second.expand(y, float32(sums[0]), o.Post)
		return label, raw
	}
	for k := range y {
		if y[k] = 0; scored[k] {
			y[k] = float32(sums[k])
		}
	}
	o.Post.apply(y)
	return label, raw
}

func step(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
