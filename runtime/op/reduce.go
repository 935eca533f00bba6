package op

import (
	"fmt"
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Reduction is what all operators have that make one number of the elements along some dimensions: those that the second
// input names, or else all of them, or none if NoopWithEmptyAxes is set. KeepDims leaves dimensions of size 1 in their place.
// Float32s are added up as float64s, but for the sums and means of whole rows.
type Reduction struct{ KeepDims, NoopWithEmptyAxes bool }

// reduced is a tensor with those dimensions last that are to be reduced, or all next to each other.
type reduced struct {
	x               *tensor.Tensor
	outer, n, inner int
	// shape is the result's.
	shape dims
	rank  int
	// noop says that nothing is to be reduced.
	noop bool
}

func (o Reduction) arrange(f *graph.Frame, in, out []*tensor.Tensor) (r reduced, err error) {
	if err := check(in, out, 1, 2); err != nil {
		return r, err
	}
	x := in[0]
	r.x = x
	var marked [tensor.MaxRank]bool
	axes := given(in, 1)
	if axes != nil {
		if marked, err = axesOf(axes, x.Rank()); err != nil {
			return r, err
		}
	}
	if axes == nil || axes.Len() == 0 {
		r.noop = o.NoopWithEmptyAxes
		for d := range x.Rank() {
			marked[d] = !r.noop
		}
	}
	for d, size := range x.Shape() {
		if marked[d] && o.KeepDims {
			r.shape[r.rank] = 1
			r.rank++
		}
		if !marked[d] {
			r.shape[r.rank] = size
			r.rank++
		}
	}
	err = r.plan(f, &marked)
	return r, err
}

// plan finds the dimensions to be reduced; if others are between them, it moves them to the end.
func (r *reduced) plan(f *graph.Frame, marked *[tensor.MaxRank]bool) error {
	shape := r.x.Shape()
	first, last, sizes := -1, -1, 1
	for d, size := range shape {
		if marked[d] && size != 1 {
			if first < 0 {
				first = d
			}
			last = d
			sizes *= size
		}
	}
	if first < 0 {
		r.outer, r.n, r.inner = tensor.Count(shape), 1, 1
		return nil
	}
	r.outer, r.n, r.inner = tensor.Count(shape[:first]), tensor.Count(shape[first:last+1]), tensor.Count(shape[last+1:])
	if r.n == sizes {
		return nil
	}
	var perm dims
	at := 0
	for _, reduced := range []bool{false, true} {
		for d := range shape {
			if marked[d] == reduced {
				perm[at] = d
				at++
			}
		}
	}
	moved := f.Scratch(0)
	if err := transpose(f, moved, r.x, &perm); err != nil {
		return err
	}
	r.x, r.outer, r.n, r.inner = moved, tensor.Count(r.shape[:r.rank]), sizes, 1
	return nil
}

// reduce computes a function of each vector. Those of no elements are given to it, too.
func reduce[T, R tensor.Element](f *graph.Frame, r *reduced, y *tensor.Tensor, fn func(x vector[T]) R) error {
	if err := f.Resize(y, tensor.TypeOf[R](), r.shape[:r.rank]...); err != nil {
		return err
	}
	x, data := tensor.Data[T](r.x), tensor.Data[R](y)
	if len(data) == 0 {
		return nil
	}
	at := 0
	for o := range r.outer {
		for i := range r.inner {
			v := vector[T]{nil, r.n, r.inner}
			if r.n > 0 {
				v.data = x[o*r.n*r.inner+i:]
			}
			data[at] = fn(v)
			at++
		}
	}
	return nil
}

// reduceNumbers reduces by one of four functions, by the type of the input.
func (o Reduction) reduceNumbers(f *graph.Frame, in, out []*tensor.Tensor, f32 func(vector[float32]) float32,
	f64 func(vector[float64]) float64, i32 func(vector[int32]) int32, i64 func(vector[int64]) int64,
) error {
	r, err := o.arrange(f, in, out)
	if err != nil {
		return err
	}
	return reduceArranged(f, &r, out[0], f32, f64, i32, i64)
}

func reduceArranged(f *graph.Frame, r *reduced, y *tensor.Tensor, f32 func(vector[float32]) float32,
	f64 func(vector[float64]) float64, i32 func(vector[int32]) int32, i64 func(vector[int64]) int64,
) error {
	switch r.x.DType() {
	case tensor.Float32:
		return reduce(f, r, y, f32)
	case tensor.Float64:
		return reduce(f, r, y, f64)
	case tensor.Int32:
		return reduce(f, r, y, i32)
	case tensor.Int64:
		return reduce(f, r, y, i64)
	default:
		return typeError("numbers", r.x)
	}
}

// ReduceSum is the sum, 0 of nothing.
type ReduceSum Reduction

// Name implements graph.Op.
func (ReduceSum) Name() string { return "ReduceSum" }

// Run implements graph.Op.
func (o ReduceSum) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	r, err := Reduction(o).arrange(f, in, out)
	if err != nil {
		return err
	}
	if r.ofRows() {
		return r.sumRows(f, out[0], false)
	}
	return reduceArranged(f, &r, out[0], sumFloats[float32], sumFloats[float64], sumInts[int32], sumInts[int64])
}

// ofRows says whether whole rows of float32s can be added, because the dimensions to be reduced come before others.
func (r *reduced) ofRows() bool { return r.x.DType() == tensor.Float32 && r.inner >= 4 && r.n > 0 }

// sumRows adds up rows, or finds their mean, as float32s.
func (r *reduced) sumRows(f *graph.Frame, out *tensor.Tensor, mean bool) error {
	if err := f.Resize(out, tensor.Float32, r.shape[:r.rank]...); err != nil {
		return err
	}
	y, x, add := tensor.Data[float32](out), tensor.Data[float32](r.x), f.Kernels().Add
	for ; len(y) > 0; y = y[r.inner:] {
		total := y[:r.inner]
		copy(total, x)
		x = x[r.inner:]
		for range r.n - 1 {
			add(total, total, x[:r.inner])
			x = x[r.inner:]
		}
		if mean {
			div(total, total, []float32{float32(r.n)})
		}
	}
	return nil
}

func sumFloats[T float](x vector[T]) T { return T(sum(x)) }

func sum[T float](x vector[T]) float64 {
	total := 0.0
	for i := range x.n {
		total += float64(x.data[i*x.step])
	}
	return total
}

func sumInts[T int32 | int64](x vector[T]) T {
	total := T(0)
	for i := range x.n {
		total += x.data[i*x.step]
	}
	return total
}

// ReduceMean is the mean: NaN of no floats, and 0 of no integers, whose mean is rounded towards zero.
type ReduceMean Reduction

// Name implements graph.Op.
func (ReduceMean) Name() string { return "ReduceMean" }

// Run implements graph.Op.
func (o ReduceMean) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	r, err := Reduction(o).arrange(f, in, out)
	if err != nil {
		return err
	}
	if r.ofRows() {
		return r.sumRows(f, out[0], true)
	}
	return reduceArranged(f, &r, out[0], meanFloats[float32], meanFloats[float64], meanInts[int32], meanInts[int64])
}

func meanFloats[T float](x vector[T]) T { return T(float64(T(sum(x))) / float64(x.n)) }

func meanInts[T int32 | int64](x vector[T]) T {
	total := int64(0)
	for i := range x.n {
		total += int64(x.data[i*x.step])
	}
	return T(total / int64(max(1, x.n)))
}

// ReduceProd is the product, 1 of nothing.
type ReduceProd Reduction

// Name implements graph.Op.
func (ReduceProd) Name() string { return "ReduceProd" }

// Run implements graph.Op.
func (o ReduceProd) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return Reduction(o).reduceNumbers(f, in, out,
		productFloats[float32], productFloats[float64], productInts[int32], productInts[int64])
}

func productFloats[T float](x vector[T]) T {
	total := 1.0
	for i := range x.n {
		total *= float64(x.data[i*x.step])
	}
	return T(total)
}

func productInts[T int32 | int64](x vector[T]) T {
	total := T(1)
	for i := range x.n {
		total *= x.data[i*x.step]
	}
	return total
}

// ReduceMax is the largest, or NaN where there is one; of nothing, -∞ or the smallest integer. Of bools, it is whether any is
// true.
type ReduceMax Reduction

// Name implements graph.Op.
func (ReduceMax) Name() string { return "ReduceMax" }

// Run implements graph.Op.
func (o ReduceMax) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if len(in) > 0 && in[0] != nil && in[0].DType() == tensor.Bool {
		return ReduceAny(o).Run(f, in, out)
	}
	return Reduction(o).reduceNumbers(f, in, out,
		largestOr(float32(math.Inf(-1))), largestOr(math.Inf(-1)), largestOr[int32](math.MinInt32), largestOr[int64](math.MinInt64))
}

func largestOr[T number](lowest T) func(x vector[T]) T {
	return func(x vector[T]) T {
		top := lowest
		for i := range x.n {
			top = max(top, x.data[i*x.step])
		}
		return top
	}
}

// ReduceMin is the smallest, or NaN where there is one; of nothing, +∞ or the largest integer. Of bools, it is whether all are
// true.
type ReduceMin Reduction

// Name implements graph.Op.
func (ReduceMin) Name() string { return "ReduceMin" }

// Run implements graph.Op.
func (o ReduceMin) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if len(in) > 0 && in[0] != nil && in[0].DType() == tensor.Bool {
		return ReduceAll(o).Run(f, in, out)
	}
	return Reduction(o).reduceNumbers(f, in, out,
		smallestOr(float32(math.Inf(1))), smallestOr(math.Inf(1)), smallestOr[int32](math.MaxInt32), smallestOr[int64](math.MaxInt64))
}

func smallestOr[T number](highest T) func(x vector[T]) T {
	return func(x vector[T]) T {
		least := highest
		for i := range x.n {
			least = min(least, x.data[i*x.step])
		}
		return least
	}
}

// ReduceL1 is the sum of the absolutes.
type ReduceL1 Reduction

// Name implements graph.Op.
func (ReduceL1) Name() string { return "ReduceL1" }

// Run implements graph.Op.
func (o ReduceL1) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return Reduction(o).reduceNumbers(f, in, out, l1[float32], l1[float64], l1[int32], l1[int64])
}

func l1[T number](x vector[T]) T { return T(sumAbs(x)) }

func sumAbs[T number](x vector[T]) float64 {
	total := 0.0
	for i := range x.n {
		total += math.Abs(float64(x.data[i*x.step]))
	}
	return total
}

// ReduceL2 is the root of the sum of the squares.
type ReduceL2 Reduction

// Name implements graph.Op.
func (ReduceL2) Name() string { return "ReduceL2" }

// Run implements graph.Op.
func (o ReduceL2) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return Reduction(o).reduceNumbers(f, in, out, l2[float32], l2[float64], l2[int32], l2[int64])
}

// l2 is infinite where the sum of the squares is too large for T, as in the frameworks.
func l2[T number](x vector[T]) T { return T(math.Sqrt(float64(T(sumSquares(x))))) }

func sumSquares[T number](x vector[T]) float64 {
	total := 0.0
	for i := range x.n {
		v := float64(x.data[i*x.step])
		total += v * v
	}
	return total
}

// ReduceSumSquare is the sum of the squares.
type ReduceSumSquare Reduction

// Name implements graph.Op.
func (ReduceSumSquare) Name() string { return "ReduceSumSquare" }

// Run implements graph.Op.
func (o ReduceSumSquare) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return Reduction(o).reduceNumbers(f, in, out, sumSquare[float32], sumSquare[float64], sumSquare[int32], sumSquare[int64])
}

func sumSquare[T number](x vector[T]) T { return T(sumSquares(x)) }

// ReduceLogSum is the logarithm of the sum.
type ReduceLogSum Reduction

// Name implements graph.Op.
func (ReduceLogSum) Name() string { return "ReduceLogSum" }

// Run implements graph.Op.
func (o ReduceLogSum) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return Reduction(o).reduceNumbers(f, in, out, logSum[float32], logSum[float64], logSum[int32], logSum[int64])
}

func logSum[T number](x vector[T]) T {
	total := 0.0
	for i := range x.n {
		total += float64(x.data[i*x.step])
	}
	return T(math.Log(total))
}

// ReduceLogSumExp is the logarithm of the sum of e^x, which does not overflow where the result does not.
type ReduceLogSumExp Reduction

// Name implements graph.Op.
func (ReduceLogSumExp) Name() string { return "ReduceLogSumExp" }

// Run implements graph.Op.
func (o ReduceLogSumExp) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return Reduction(o).reduceNumbers(f, in, out, logSumExp[float32], logSumExp[float64], logSumExp[int32], logSumExp[int64])
}

func logSumExp[T number](x vector[T]) T {
	if x.n == 0 {
		return T(math.Inf(-1))
	}
	top := float64(peak(x))
	if math.IsInf(top, 0) {
		return T(top)
	}
	total := 0.0
	for i := range x.n {
		total += math.Exp(float64(x.data[i*x.step]) - top)
	}
	return T(top + math.Log(total))
}

// ReduceAll is whether all are true: so it is of none. It takes bools.
type ReduceAll Reduction

// Name implements graph.Op.
func (ReduceAll) Name() string { return "ReduceAll" }

// Run implements graph.Op.
func (o ReduceAll) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return Reduction(o).reduceBools(f, in, out, all)
}

// ReduceAny is whether any is true: not so of none. It takes bools.
type ReduceAny Reduction

// Name implements graph.Op.
func (ReduceAny) Name() string { return "ReduceAny" }

// Run implements graph.Op.
func (o ReduceAny) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	return Reduction(o).reduceBools(f, in, out, anyOf)
}

func (o Reduction) reduceBools(f *graph.Frame, in, out []*tensor.Tensor, fn func(x vector[bool]) bool) error {
	r, err := o.arrange(f, in, out)
	if err != nil {
		return err
	}
	if r.x.DType() != tensor.Bool {
		return typeError("bools", r.x)
	}
	return reduce(f, &r, out[0], fn)
}

func all(x vector[bool]) bool {
	for i := range x.n {
		if !x.data[i*x.step] {
			return false
		}
	}
	return true
}

func anyOf(x vector[bool]) bool {
	for i := range x.n {
		if x.data[i*x.step] {
			return true
		}
	}
	return false
}

// ArgMax is the index of the largest along Axis, or of NaN; of several, the first, or, if SelectLastIndex is set, the last.
type ArgMax struct {
	Axis                      int
	KeepDims, SelectLastIndex bool
}

// Name implements graph.Op.
func (ArgMax) Name() string { return "ArgMax" }

// Run implements graph.Op.
func (o ArgMax) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	last := o.SelectLastIndex
	return indexOf(f, in, out, o.Axis, o.KeepDims,
		func(x vector[float32]) int64 { return int64(argMax(x, last)) },
		func(x vector[float64]) int64 { return int64(argMax(x, last)) },
		func(x vector[int32]) int64 { return int64(argMax(x, last)) },
		func(x vector[int64]) int64 { return int64(argMax(x, last)) })
}

func argMax[T number](x vector[T], last bool) int {
	best, at := x.data[0], 0
	for i := range x.n {
		v := x.data[i*x.step]
		if v > best || last && v == best || v != v && best == best { //nolint:gocritic // NaN is unequal to itself
			best, at = v, i
		}
	}
	return at
}

// ArgMin is the index of the smallest along Axis, or of NaN; of several, the first, or, if SelectLastIndex is set, the last.
type ArgMin struct {
	Axis                      int
	KeepDims, SelectLastIndex bool
}

// Name implements graph.Op.
func (ArgMin) Name() string { return "ArgMin" }

// Run implements graph.Op.
func (o ArgMin) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	last := o.SelectLastIndex
	return indexOf(f, in, out, o.Axis, o.KeepDims,
		func(x vector[float32]) int64 { return int64(argMin(x, last)) },
		func(x vector[float64]) int64 { return int64(argMin(x, last)) },
		func(x vector[int32]) int64 { return int64(argMin(x, last)) },
		func(x vector[int64]) int64 { return int64(argMin(x, last)) })
}

func argMin[T number](x vector[T], last bool) int {
	best, at := x.data[0], 0
	for i := range x.n {
		v := x.data[i*x.step]
		if v < best || last && v == best || v != v && best == best { //nolint:gocritic // NaN is unequal to itself
			best, at = v, i
		}
	}
	return at
}

// indexOf reduces along one axis to an index.
func indexOf(f *graph.Frame, in, out []*tensor.Tensor, axis int, keep bool, f32 func(vector[float32]) int64,
	f64 func(vector[float64]) int64, i32 func(vector[int32]) int64, i64 func(vector[int64]) int64,
) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	x := in[0]
	axis, err := axisOf(axis, x.Rank())
	if err != nil {
		return err
	}
	r := reduced{x: x}
	for d, size := range x.Shape() {
		if d == axis {
			size = 1
		}
		if d != axis || keep {
			r.shape[r.rank] = size
			r.rank++
		}
	}
	if r.outer, r.n, r.inner = around(x.Shape(), axis); r.n == 0 {
		return fmt.Errorf("there is no index of nothing: %v along the axis %d", x, axis)
	}
	switch x.DType() {
	case tensor.Float32:
		return reduce(f, &r, out[0], f32)
	case tensor.Float64:
		return reduce(f, &r, out[0], f64)
	case tensor.Int32:
		return reduce(f, &r, out[0], i32)
	case tensor.Int64:
		return reduce(f, &r, out[0], i64)
	default:
		return typeError("numbers", x)
	}
}
