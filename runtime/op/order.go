package op

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// TopK is the largest elements along Axis, or the smallest where Largest is not set, as many as the second input says, with
// the best first; and, the second output, their indices. Of equals the first comes first. NaN is larger than all.
type TopK struct {
	Axis    int
	Largest bool
	// Sorted is as good as set always.
	Sorted bool
}

// Name implements graph.Op.
func (TopK) Name() string { return "TopK" }

// Run implements graph.Op.
func (o TopK) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 2, 2); err != nil {
		return err
	}
	x := in[0]
	k, err := singleInt("k", in[1])
	if err != nil {
		return err
	}
	axis, err := axisOf(o.Axis, x.Rank())
	if err != nil {
		return err
	}
	if k < 0 || k > x.Shape()[axis] {
		return fmt.Errorf("there are no %d best of %d", k, x.Shape()[axis])
	}
	if len(out) > 2 {
		return fmt.Errorf("has two outputs, not %d", len(out))
	}
	var shape dims
	copy(shape[:], x.Shape())
	shape[axis] = k
	indices := f.Scratch(0)
	if len(out) == 2 {
		indices = out[1]
	}
	if err := f.Resize(out[0], x.DType(), shape[:x.Rank()]...); err != nil {
		return err
	}
	if err := f.Resize(indices, tensor.Int64, shape[:x.Rank()]...); err != nil {
		return err
	}
	if err := f.Resize(f.Scratch(1), tensor.Int64, x.Shape()[axis]); err != nil {
		return err
	}
	order := tensor.Data[int64](f.Scratch(1))
	switch x.DType() {
	case tensor.Float32:
		topK[float32](o, out[0], indices, x, axis, order)
	case tensor.Float64:
		topK[float64](o, out[0], indices, x, axis, order)
	case tensor.Int32:
		topK[int32](o, out[0], indices, x, axis, order)
	case tensor.Int64:
		topK[int64](o, out[0], indices, x, axis, order)
	default:
		return typeError("numbers", x)
	}
	return nil
}

func topK[T number](o TopK, out, places, in *tensor.Tensor, axis int, order []int64) {
	y, indices, x := tensor.Data[T](out), tensor.Data[int64](places), tensor.Data[T](in)
	if len(y) == 0 {
		return
	}
	outer, n, inner := around(in.Shape(), axis)
	k := out.Shape()[axis]
	for block := range outer {
		for i := range inner {
			v := vector[T]{x[block*n*inner+i:], n, inner}
			sorted(v, order, o.Largest)
			for rank := range k {
				to := (block*k+rank)*inner + i
				y[to], indices[to] = v.data[int(order[rank])*inner], order[rank]
			}
		}
	}
}

// sorted fills in the indices in the order of the elements.
func sorted[T number](x vector[T], order []int64, largest bool) {
	for i := range order {
		order[i] = int64(i)
	}
	slices.SortFunc(order, func(i, j int64) int {
		c := before(x.data[int(i)*x.step], x.data[int(j)*x.step])
		if largest {
			c = -c
		}
		if c == 0 {
			return int(i - j)
		}
		return c
	})
}

// before orders numbers, NaN last.
func before[T number](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return 0
	case a == a: //nolint:gocritic // NaN is unequal to itself
		return -1
	case b == b: //nolint:gocritic // as above
		return 1
	default:
		return 0
	}
}

// CumSum is the sum of all elements up to each along the axis that the second input is: without itself if Exclusive is set,
// and from the end if Reverse is.
type CumSum struct{ Exclusive, Reverse bool }

// Name implements graph.Op.
func (CumSum) Name() string { return "CumSum" }

// Run implements graph.Op.
func (o CumSum) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 2, 2); err != nil {
		return err
	}
	x, y := in[0], out[0]
	at, err := singleInt("the axis", in[1])
	if err != nil {
		return err
	}
	axis, err := axisOf(at, x.Rank())
	if err != nil {
		return err
	}
	if err := like(f, y, x); err != nil {
		return err
	}
	switch x.DType() {
	case tensor.Float32:
		cumulate[float32](o, y, x, axis)
	case tensor.Float64:
		cumulate[float64](o, y, x, axis)
	case tensor.Int32:
		cumulate[int32](o, y, x, axis)
	case tensor.Int64:
		cumulate[int64](o, y, x, axis)
	default:
		return typeError("numbers", x)
	}
	return nil
}

func cumulate[T number](o CumSum, out, in *tensor.Tensor, axis int) {
	vectors(tensor.Data[T](out), tensor.Data[T](in), in.Shape(), axis, func(y, x vector[T]) {
		total := T(0)
		for i := range x.n {
			if o.Reverse {
				i = x.n - 1 - i
			}
			v := x.data[i*x.step]
			if o.Exclusive {
				y.data[i*y.step] = total
			}
			total += v
			if !o.Exclusive {
				y.data[i*y.step] = total
			}
		}
	})
}

// NonZero is where its input is not zero, false or empty: a row for each dimension, with a column for each such element.
type NonZero struct{}

// Name implements graph.Op.
func (NonZero) Name() string { return "NonZero" }

// Run implements graph.Op.
func (NonZero) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	switch in[0].DType() {
	case tensor.Float32:
		return nonZeros[float32](f, out[0], in[0])
	case tensor.Float64:
		return nonZeros[float64](f, out[0], in[0])
	case tensor.Int32:
		return nonZeros[int32](f, out[0], in[0])
	case tensor.Int64:
		return nonZeros[int64](f, out[0], in[0])
	case tensor.Bool:
		return nonZeros[bool](f, out[0], in[0])
	default:
		return nonZeros[string](f, out[0], in[0])
	}
}

func nonZeros[T tensor.Element](f *graph.Frame, out, in *tensor.Tensor) error {
	var zero T
	n := 0
	for _, v := range tensor.Data[T](in) {
		if v != zero {
			n++
		}
	}
	if err := f.Resize(out, tensor.Int64, in.Rank(), n); err != nil {
		return err
	}
	y, step, column := tensor.Data[int64](out), strides(in.Shape()), 0
	for i, v := range tensor.Data[T](in) {
		if v == zero {
			continue
		}
		for d, size := range in.Shape() {
			y[d*n+column] = int64(i / step[d] % size)
		}
		column++
	}
	return nil
}

// Unique is each element that there is, once; or, if Axis is not nil, each part along it. Outputs are these, sorted if Sorted
// is set, or in the order in which they appear first; where each appears first; which of them each place has; and how often
// each appears. NaN equals itself, and comes last.
type Unique struct {
	Axis   *int
	Sorted bool
}

// Name implements graph.Op.
func (Unique) Name() string { return "Unique" }

// Run implements graph.Op.
func (o Unique) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	if len(out) > 4 {
		return fmt.Errorf("has four outputs, not %d", len(out))
	}
	x, axis := in[0], 0
	if o.Axis != nil {
		var err error
		if axis, err = axisOf(*o.Axis, x.Rank()); err != nil {
			return err
		}
	}
	switch x.DType() {
	case tensor.Float32:
		return unique(f, o, out, x, axis, before[float32])
	case tensor.Float64:
		return unique(f, o, out, x, axis, before[float64])
	case tensor.Int32:
		return unique(f, o, out, x, axis, before[int32])
	case tensor.Int64:
		return unique(f, o, out, x, axis, before[int64])
	case tensor.Bool:
		return unique(f, o, out, x, axis, func(a, b bool) int { return bit(a) - bit(b) })
	default:
		return unique(f, o, out, x, axis, strings.Compare)
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// parts are what of a tensor is compared as one: so many along an axis, of outer times inner elements.
type parts[T tensor.Element] struct {
	data            []T
	outer, n, inner int
	before          func(a, b T) int
}

func (p *parts[T]) compare(i, j int64) int {
	for o := range p.outer {
		a := p.data[(o*p.n+int(i))*p.inner:][:p.inner]
		b := p.data[(o*p.n+int(j))*p.inner:][:p.inner]
		for k := range a {
			if c := p.before(a[k], b[k]); c != 0 {
				return c
			}
		}
	}
	return 0
}

func unique[T tensor.Element](f *graph.Frame, o Unique, out []*tensor.Tensor, x *tensor.Tensor, axis int,
	compare func(a, b T) int,
) error {
	p := parts[T]{data: tensor.Data[T](x), outer: 1, n: x.Len(), inner: 1, before: compare}
	if o.Axis != nil {
		p.outer, p.n, p.inner = around(x.Shape(), axis)
		if x.Len() == 0 && p.n > 0 {
			return fmt.Errorf("there are no parts of %v to compare", x)
		}
	}
	// Of each part: the order, which group it is of; of each group: where it is first, and how many it has.
	var ints [4][]int64
	for i := range ints {
		t := f.Scratch(i)
		if err := f.Resize(t, tensor.Int64, p.n); err != nil {
			return err
		}
		ints[i] = tensor.Data[int64](t)
	}
	order, group, first, counts := ints[0], ints[1], ints[2], ints[3]
	groups := p.group(order, group, first)
	first, counts = first[:groups], counts[:groups]
	if !o.Sorted {
		byAppearance(order, group, first)
	}
	clear(counts)
	for _, g := range group {
		counts[g]++
	}
	for i, values := range [][]int64{first, group, counts} {
		if i+1 >= len(out) {
			break
		}
		if err := f.Resize(out[i+1], tensor.Int64, len(values)); err != nil {
			return err
		}
		copy(tensor.Data[int64](out[i+1]), values)
	}
	return p.take(f, o, out[0], x, axis, first)
}

// group sorts the parts, numbers those that are equal, and finds the first of each. It returns how many groups there are.
func (p *parts[T]) group(order, group, first []int64) int {
	for i := range order {
		order[i] = int64(i)
	}
	slices.SortFunc(order, func(i, j int64) int {
		if c := p.compare(i, j); c != 0 {
			return c
		}
		return int(i - j)
	})
	groups := 0
	for k, i := range order {
		if k == 0 || p.compare(order[k-1], i) != 0 {
			first[groups] = i
			groups++
		}
		group[i] = int64(groups - 1)
	}
	return groups
}

// byAppearance numbers the groups in the order in which they appear first.
func byAppearance(order, group, first []int64) {
	slices.Sort(first)
	for g, i := range first {
		order[group[i]] = int64(g)
	}
	for i, g := range group {
		group[i] = order[g]
	}
}

// take copies those parts that are first of their group.
func (p *parts[T]) take(f *graph.Frame, o Unique, y, x *tensor.Tensor, axis int, first []int64) error {
	shape := dims{len(first)}
	rank := 1
	if o.Axis != nil {
		rank = copy(shape[:], x.Shape())
		shape[axis] = len(first)
	}
	if err := f.Resize(y, x.DType(), shape[:rank]...); err != nil {
		return err
	}
	data, at := tensor.Data[T](y), 0
	for block := range p.outer {
		for _, i := range first {
			at += copy(data[at:], p.data[(block*p.n+int(i))*p.inner:][:p.inner])
		}
	}
	return nil
}
