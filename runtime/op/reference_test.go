package op_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/kernel"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Operators that walk several dimensions at once merge loops where they can. Here they are held to the obvious definition, one
// element at a time, over random shapes.

// place is where in a tensor of a shape an index points to, aligned at the last dimension; dimensions of size 1 repeat.
func place(shape, index []int) int {
	at := 0
	for d, size := range shape {
		i := index[len(index)-len(shape)+d]
		if size == 1 {
			i = 0
		}
		at = at*size + i
	}
	return at
}

// each calls fn for each index of a shape, in order.
func each(shape []int, fn func(index []int)) {
	index := make([]int, len(shape))
	for range tensor.Count(shape) {
		fn(index)
		for d := len(shape) - 1; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
	}
}

// counted has its elements' numbers as elements.
func counted(shape []int) *tensor.Tensor {
	t := tensor.New(tensor.Int64, shape...)
	for i := range tensor.Data[int64](t) {
		tensor.Data[int64](t)[i] = int64(i + 1)
	}
	return t
}

type random struct{ *rand.Rand }

func (r random) shape(rank int) []int {
	shape := make([]int, rank)
	for d := range shape {
		shape[d] = []int{1, 2, 3, 4, 1}[r.IntN(5)]
	}
	return shape
}

// broadcastable is a shape that fits another.
func (r random) broadcastable(shape []int) []int {
	other := slices.Clone(shape[r.IntN(len(shape)+1):])
	for d := range other {
		if r.IntN(3) == 0 {
			other[d] = 1
		}
	}
	return other
}

func compute(t *testing.T, o graph.Op, in ...*tensor.Tensor) *tensor.Tensor {
	t.Helper()
	f := graph.NewFrame(1, 1<<24, kernel.Plain())
	f.Begin()
	out := &tensor.Tensor{}
	if err := o.Run(f, in, tensors{out}); err != nil {
		t.Fatalf("%s %+v of %v: %v", o.Name(), o, in, err)
	}
	return out
}

// expect compares a result with what there should be at each index.
func expect(t *testing.T, o graph.Op, in tensors, shape []int, want func(index []int) int64) {
	t.Helper()
	got := compute(t, o, in...)
	if !slices.Equal(got.Shape(), shape) {
		t.Fatalf("%s %+v of %v is %v, not of the shape %v", o.Name(), o, in, got, shape)
	}
	i := 0
	each(shape, func(index []int) {
		if v := tensor.Data[int64](got)[i]; v != want(index) {
			t.Fatalf("%s %+v of %v: %d at %v, not %d", o.Name(), o, shows(in), v, index, want(index))
		}
		i++
	})
}

func TestAgainstDefinitions(t *testing.T) {
	r := random{rand.New(rand.NewPCG(3, 4))}
	for range 400 {
		rank := 1 + r.IntN(5)
		shape := r.shape(rank)
		x := counted(shape)
		values := tensor.Data[int64](x)
		checkBroadcast(t, r, x)
		perm := r.Perm(rank)
		moved := make([]int, rank)
		for d, p := range perm {
			moved[d] = shape[p]
		}
		expect(t, op.Transpose{Perm: perm}, tensors{x}, moved, func(index []int) int64 {
			from := make([]int, rank)
			for d, p := range perm {
				from[p] = index[d]
			}
			return values[place(shape, from)]
		})
		repeats, tiled := make([]int64, rank), make([]int, rank)
		for d := range repeats {
			repeats[d] = int64(1 + r.IntN(3))
			tiled[d] = shape[d] * int(repeats[d])
		}
		expect(t, op.Tile{}, tensors{x, list(repeats...)}, tiled, func(index []int) int64 {
			from := make([]int, rank)
			for d := range from {
				from[d] = index[d] % shape[d]
			}
			return values[place(shape, from)]
		})
		checkSlice(t, r, x)
		checkReduce(t, r, x)
		checkConcat(t, r, x)
	}
}

func checkBroadcast(t *testing.T, r random, x *tensor.Tensor) {
	t.Helper()
	shape := x.Shape()
	a, b := counted(r.broadcastable(shape)), counted(r.broadcastable(shape))
	in := tensors{a, b, x}
	r.Shuffle(3, func(i, j int) { in[i], in[j] = in[j], in[i] })
	at := func(k int, index []int) int64 { return tensor.Data[int64](in[k])[place(in[k].Shape(), index)] }
	expect(t, op.Sum{}, in, shape, func(index []int) int64 { return at(0, index) + at(1, index) + at(2, index) })
	condition := compute(t, op.Equal{}, compute(t, op.FloorMod{}, in[0], ls(nil, 2)), ls(nil, 0))
	expect(t, op.Where{}, tensors{condition, in[1], in[2]}, shape, func(index []int) int64 {
		if at(0, index)%2 == 0 {
			return at(1, index)
		}
		return at(2, index)
	})
	sizes := make([]int64, len(shape))
	for d, size := range shape {
		sizes[d] = int64(size)
	}
	expect(t, op.Expand{}, tensors{a, list(sizes...)}, shape, func(index []int) int64 {
		return tensor.Data[int64](a)[place(a.Shape(), index)]
	})
}

func checkSlice(t *testing.T, r random, x *tensor.Tensor) {
	t.Helper()
	shape := x.Shape()
	starts, ends, steps := make([]int64, len(shape)), make([]int64, len(shape)), make([]int64, len(shape))
	taken := make([][]int, len(shape))
	sizes := make([]int, len(shape))
	for d, size := range shape {
		steps[d] = int64([]int{1, 2, -1, -2}[r.IntN(4)])
		first, last := r.IntN(size), r.IntN(size)
		if (first > last) != (steps[d] < 0) {
			first, last = last, first
		}
		starts[d], ends[d] = int64(first-size*r.IntN(2)), int64(last)
		for i := first; i != last && (i < last) == (steps[d] > 0); i += int(steps[d]) {
			taken[d] = append(taken[d], i)
		}
		sizes[d] = len(taken[d])
	}
	expect(t, op.Slice{}, tensors{x, list(starts...), list(ends...), nil, list(steps...)}, sizes, func(index []int) int64 {
		from := make([]int, len(index))
		for d, i := range index {
			from[d] = taken[d][i]
		}
		return tensor.Data[int64](x)[place(shape, from)]
	})
}

func checkReduce(t *testing.T, r random, x *tensor.Tensor) {
	t.Helper()
	shape := x.Shape()
	kept := slices.Clone(shape)
	var axes []int64
	for d := range shape {
		if r.IntN(2) == 0 {
			axes = append(axes, int64(d-len(shape)*r.IntN(2)))
			kept[d] = 1
		}
	}
	sums := make([]int64, tensor.Count(kept))
	each(shape, func(index []int) {
		sums[place(kept, index)] += tensor.Data[int64](x)[place(shape, index)]
	})
	want := func(index []int) int64 { return sums[place(kept, index)] }
	expect(t, op.ReduceSum{KeepDims: true, NoopWithEmptyAxes: true}, tensors{x, list(axes...)}, kept, want)
	floats := compute(t, op.Cast{To: tensor.Float32}, x)
	got := compute(t, op.ReduceSum{KeepDims: true, NoopWithEmptyAxes: true}, floats, list(axes...))
	for i, v := range tensor.Data[float32](got) {
		if v != float32(sums[i]) {
			t.Fatalf("the sum of %v over %v: %v, not %v", show(floats), axes, v, sums[i])
		}
	}
}

func checkConcat(t *testing.T, r random, x *tensor.Tensor) {
	t.Helper()
	shape, axis := x.Shape(), r.IntN(x.Rank())
	other := slices.Clone(shape)
	other[axis] = 1 + r.IntN(3)
	y := counted(other)
	whole := slices.Clone(shape)
	whole[axis] += other[axis]
	want := func(index []int) int64 {
		if index[axis] < shape[axis] {
			return tensor.Data[int64](x)[place2(shape, index, 0, axis)]
		}
		return tensor.Data[int64](y)[place2(other, index, shape[axis], axis)]
	}
	expect(t, op.Concat{Axis: axis}, tensors{x, y}, whole, want)
}

// place2 is place for an index that is so much too large in one dimension.
func place2(shape, index []int, less, axis int) int {
	from := slices.Clone(index)
	from[axis] -= less
	return place(shape, from)
}

func TestMatMulAgainstDefinition(t *testing.T) {
	r := random{rand.New(rand.NewPCG(5, 6))}
	for range 200 {
		batch := r.shape(r.IntN(3))
		m, k, n := 1+r.IntN(4), r.IntN(9), 1+r.IntN(4)
		a := counted(append(slices.Clone(r.broadcastable(batch)), m, k))
		b := counted(append(slices.Clone(r.broadcastable(batch)), k, n))
		shape := make([]int, max(a.Rank(), b.Rank()))
		for d := range shape {
			shape[d] = 1
			for _, x := range []*tensor.Tensor{a, b} {
				if at := d - len(shape) + x.Rank(); at >= 0 {
					shape[d] = max(shape[d], x.Shape()[at])
				}
			}
		}
		shape[len(shape)-2], shape[len(shape)-1] = m, n
		want := func(index []int) int64 {
			total, rank := int64(0), len(index)
			for i := range k {
				left, right := slices.Clone(index), slices.Clone(index)
				left[rank-1], right[rank-2] = i, i
				total += tensor.Data[int64](a)[place2(a.Shape(), left, 0, 0)] * tensor.Data[int64](b)[place2(b.Shape(), right, 0, 0)]
			}
			return total
		}
		expect(t, op.MatMul{}, tensors{a, b}, shape, want)
		expect(t, op.Einsum{Equation: "...ij,...jk->...ik"}, tensors{a, b}, shape, want)
		if a.Rank() == 2 && b.Rank() == 2 {
			turned := compute(t, op.Transpose{}, b)
			expect(t, op.Gemm{Alpha: 1, TransB: true}, tensors{a, turned}, shape, want)
		}
	}
}
