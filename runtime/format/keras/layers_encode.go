package keras

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// encoding is how a layer gives out the numbers of categories.
type encoding struct {
	// mode is int, one_hot, multi_hot, count, or, of lookups, tf_idf.
	mode  string
	depth int
	dtype tensor.DType
}

// maxDepth bounds an encoding's vectors; a run's memory does so, too.
const maxEncoding = 1 << 28

// newEncoding reads a layer's output_mode. Its older names are known, too.
func newEncoding(l *layer, absent string, depth int, dtype tensor.DType) (encoding, error) {
	mode := l.config.text("output_mode", absent)
	switch mode {
	case "binary":
		mode = "multi_hot"
	case "tf-idf":
		mode = "tf_idf"
	case "int", "one_hot", "multi_hot", "count", "tf_idf":
	default:
		return encoding{}, fault(Unsupported, "the output_mode %s is not supported; "+
			"supported are int, one_hot, multi_hot, count, tf_idf", quoted(mode))
	}
	if depth < 1 || depth > maxEncoding {
		return encoding{}, fault(Malformed, "it has %d categories", depth)
	}
	return encoding{mode, depth, dtype}, nil
}

// apply encodes numbers; weights, one for each, are what counts, and may be nil.
func (c encoding) apply(r *reader, e *emitter, x value, weights *value) (value, error) {
	switch c.mode {
	case "int":
		return e.cast(x, c.dtype), nil
	case "one_hot":
		return c.oneHot(r, e, x)
	}
	if x.rank() < 2 {
		return value{}, fault(Unsupported, "%s of an input that has no dimension beside the batch's would mix its examples; "+
			"give the input the shape (1,), or use one_hot", c.mode)
	}
	if x.rank() == 2 {
		return c.count(e, x, weights), nil
	}
	if !r.keras3() {
		return value{}, fault(Malformed, "%s takes two dimensions, and is called with %v", c.mode, x.shape)
	}
	each := c.places(e, x)
	if c.mode == "multi_hot" {
		return e.reduce(op.ReduceMax{}, each, []int{1}, false), nil
	}
	return e.reduce(op.ReduceSum{}, each, []int{1}, false), nil
}

// count is how often each number comes up in each row, or whether it does.
func (c encoding) count(e *emitter, x value, weights *value) value {
	none := e.constant(tensor.New(c.dtype, 0))
	if weights != nil {
		none = e.cast(*weights, c.dtype)
	}
	size := e.constant(tensor.Of([]int64{int64(c.depth)}))
	return e.add(op.DenseBincount{Binary: c.mode != "count"}, c.dtype, []int{graph.Any, c.depth}, x, size, none)
}

// oneHot has a 1 for each number. A last dimension of size 1 is left out.
func (c encoding) oneHot(r *reader, e *emitter, x value) (value, error) {
	if !r.keras3() {
		switch {
		case x.rank() == 1:
			x = e.expand(x, 1)
		case x.rank() > 2 || x.last() != 1:
			return value{}, fault(Malformed, "one_hot takes one number for each example, and is called with %v", x.shape)
		}
		return c.count(e, x, nil), nil
	}
	if x.rank() > 1 && x.last() == 1 {
		x = e.squeeze(x, x.rank()-1)
	}
	return c.places(e, x), nil
}

// places makes a vector of each number.
func (c encoding) places(e *emitter, x value) value {
	var values *tensor.Tensor
	switch c.dtype {
	case tensor.Int64:
		values = tensor.Of([]int64{0, 1}, 2)
	case tensor.Int32:
		values = tensor.Of([]int32{0, 1}, 2)
	case tensor.Float64:
		values = tensor.Of([]float64{0, 1}, 2)
	default:
		values = tensor.Of([]float32{0, 1}, 2)
	}
	depth := e.constant(tensor.Of([]int64{int64(c.depth)}))
	return e.add(op.OneHot{Axis: -1, FromStart: true}, c.dtype, append(slices.Clone(x.shape), c.depth), x, depth, e.constant(values))
}

func categoryEncoding(r *reader, l *layer) (unit, error) {
	dtype, err := l.computeType()
	if err != nil {
		return nil, err
	}
	depth := l.config.int("num_tokens", l.config.int("max_tokens", 0))
	encode, err := newEncoding(l, "multi_hot", depth, dtype)
	if err != nil {
		return nil, err
	}
	return func(e *emitter, c *call) ([]value, error) {
		x := c.in[0]
		if x.dtype == tensor.String {
			return nil, fault(Malformed, "it takes numbers, and is called with text")
		}
		if !x.ints() {
			x = e.cast(x, tensor.Int64)
		}
		if !r.keras3() {
			x = e.unary(op.Within{Limit: int64(depth), Why: fmt.Sprintf("is no category of %d (num_tokens)", depth)}, x)
		}
		var weights *value
		if given, ok := c.named["count_weights"]; ok && given.kind == argTensor {
			weights = &given.value
		}
		return one(encode.apply(r, e, x, weights))
	}, nil
}

// discretizationWeights are what a layer of Keras 2 learned, of which its boundaries are made: Keras 3 has those in the
// configuration.
func discretizationWeights(l *layer) []weight {
	if l.config.has("bin_boundaries") {
		return nil
	}
	return []weight{{name: "summary"}}
}

// boundaries are those of the configuration, or those that quantiles of the learned summary are.
func (r *reader) boundaries(l *layer) ([]float32, error) {
	if len(l.weights) > 0 {
		summary, err := r.read(l, 0, tensor.Float32, 2, graph.Any)
		if err != nil {
			return nil, err
		}
		data, n := tensor.Data[float32](summary), summary.Shape()[1]
		bins := l.config.int("num_bins", 0)
		if bins < 2 || bins > maxEncoding || n < 1 {
			return nil, fault(Malformed, "it makes %d bins of %d quantiles", bins, n)
		}
		return quantiles(data[:n], data[n:], bins), l.config.err
	}
	given, shape := l.config.floats("bin_boundaries")
	if len(shape) != 1 || len(given) == 0 {
		return nil, fault(Malformed, "it has no bin_boundaries; adapt it before the model is saved")
	}
	narrow := make([]float32, len(given))
	for i, b := range given {
		narrow[i] = float32(b)
	}
	return narrow, l.config.err
}

// quantiles interpolates the boundaries between so many bins, as Keras does with numpy: of sorted values, each of which
// stands for so many of those that were seen.
func quantiles(values, weights []float32, bins int) []float32 {
	epsilon := 1 / float64(bins)
	if float64(len(values))*epsilon < 1 {
		return slices.Clone(values[:len(values)-1])
	}
	share := make([]float32, len(weights))
	sum := float32(0)
	for i, w := range weights {
		sum += w
		share[i] = sum
	}
	for i := range share {
		share[i] /= sum
	}
	out := []float32{}
	count := int(math.Ceil(1 / epsilon))
	for i := range count - 1 {
		out = append(out, float32(interpolate(epsilon+float64(i)*epsilon, share, values)))
	}
	return out
}

// interpolate is numpy's interp of one place.
func interpolate(x float64, at, values []float32) float64 {
	last := len(at) - 1
	if x <= float64(at[0]) {
		return float64(values[0])
	}
	if x >= float64(at[last]) {
		return float64(values[last])
	}
	i := sort.Search(len(at), func(i int) bool { return float64(at[i]) > x }) - 1
	from, to := float64(at[i]), float64(at[i+1])
	slope := (float64(values[i+1]) - float64(values[i])) / (to - from)
	return slope*(x-from) + float64(values[i])
}

// discretization is the number of the bucket between boundaries, each of which belongs to what is above it.
func discretization(r *reader, l *layer) (unit, error) {
	narrow, err := r.boundaries(l)
	if err != nil {
		return nil, err
	}
	if !slices.IsSorted(narrow) {
		return nil, fault(Malformed, "the bin_boundaries are not in order")
	}
	dtype, err := r.encodedType(l, tensor.Int64)
	if err != nil {
		return nil, err
	}
	if l.config.text("output_mode", "int") == "int" {
		dtype = tensor.Int64
		if r.since3(12) {
			dtype = tensor.Int32
		}
	}
	encode, err := newEncoding(l, "int", len(narrow)+1, dtype)
	if err != nil {
		return nil, err
	}
	return func(e *emitter, c *call) ([]value, error) {
		x := c.in[0]
		if x.dtype == tensor.String || x.dtype == tensor.Bool {
			return nil, fault(Malformed, "it takes numbers, and is called with %v", x.dtype)
		}
		return one(encode.apply(r, e, e.add(op.Bucketize{Boundaries: narrow}, tensor.Int32, x.shape, x), nil))
	}, nil
}

// encodedType is the type of an encoding: the layer's, or that of whole numbers if it does not say and gives those out.
func (r *reader) encodedType(l *layer, absent tensor.DType) (tensor.DType, error) {
	if l.config.has("dtype") {
		return l.computeType()
	}
	if l.config.text("output_mode", "int") == "int" {
		return absent, nil
	}
	return tensor.Float32, nil
}
