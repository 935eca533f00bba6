package kernel_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/kernel"
)

// sizes are around the widths of registers and of tiles.
var sizes = []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 200}

// eachSet runs a test for every set that this processor has.
func eachSet(t *testing.T, test func(t *testing.T, set *kernel.Set)) {
	for _, set := range kernel.Available() {
		t.Run(set.Name, func(t *testing.T) { test(t, set) })
	}
}

func TestDense(t *testing.T) {
	eachSet(t, func(t *testing.T, set *kernel.Set) {
		worst := 0.0
		for _, rows := range []int{0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 97, 200} {
			for _, in := range []int{0, 1, 2, 3, 15, 16, 17, 31, 40} {
				for _, out := range []int{1, 2, 3, 4, 5, 15, 16, 17, 31, 32, 33, 64, 80, 129} {
					worst = max(worst, denseCase(t, set, rows, in, out))
				}
			}
		}
		t.Logf("largest difference from float64: %.3g of the sum of the terms' sizes", worst)
	})
}

// denseCase compares one shape with the definition in double precision, and returns the largest difference, as a part of
// the sum of the sizes of what was added.
func denseCase(t *testing.T, set *kernel.Set, rows, in, out int) float64 {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(rows), uint64(in*1000+out)))
	act := kernel.Activation(random.IntN(4))
	transposed := random.IntN(2) == 0
	matrix, bias := normal(random, in*out), normal(random, out)
	if random.IntN(3) == 0 {
		bias = nil
	}
	xStride, outStride := in+random.IntN(3), out+random.IntN(3)
	x := guarded(t, strided(rows, in, xStride))
	copy(x, normal(random, len(x)))
	got := guarded(t, strided(rows, out, outStride))
	for i := range got {
		got[i] = 77
	}
	set.Dense(got, outStride, x, xStride, rows, kernel.Pack(matrix, in, out, transposed, bias), act)

	worst := 0.0
	at := make([]bool, len(got))
	for r := range rows {
		for j := range out {
			want, size := 0.0, 0.0
			if bias != nil {
				want, size = float64(bias[j]), math.Abs(float64(bias[j]))
			}
			for i := range in {
				k := i*out + j
				if transposed {
					k = j*in + i
				}
				term := float64(x[r*xStride+i]) * float64(matrix[k])
				want, size = want+term, size+math.Abs(term)
			}
			at[r*outStride+j] = true
			diff := math.Abs(float64(got[r*outStride+j])-activate(act, want)) / max(size, 1)
			if !(diff < 1e-6) {
				t.Fatalf("%d×%d×%d %v: row %d column %d is %g, not %g", rows, in, out, act, r, j, got[r*outStride+j], activate(act, want))
			}
			worst = max(worst, diff)
		}
	}
	for i, written := range at {
		if !written && got[i] != 77 {
			t.Fatalf("%d×%d×%d: wrote between the rows", rows, in, out)
		}
	}
	return worst
}

func strided(rows, width, stride int) int {
	if rows == 0 {
		return 0
	}
	return (rows-1)*stride + width
}

func activate(act kernel.Activation, x float64) float64 {
	switch act {
	case kernel.Relu:
		return max(x, 0)
	case kernel.Sigmoid:
		return 1 / (1 + math.Exp(-x))
	case kernel.Tanh:
		return math.Tanh(x)
	default:
		return x
	}
}

// A row is computed alike alone and among others, and by all instructions.
func TestDenseSameBits(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	sets := vectorSets()
	for _, out := range []int{1, 3, 8, 16, 32, 64, 128, 150} {
		const rows, in = 23, 37
		w := kernel.Pack(normal(random, in*out), in, out, false, normal(random, out))
		x := normal(random, rows*in)
		var first []float32
		for _, set := range append(sets, kernel.Plain()) {
			together, alone := make([]float32, rows*out), make([]float32, rows*out)
			set.Dense(together, out, x, in, rows, w, kernel.Relu)
			for r := range rows {
				set.Dense(alone[r*out:], out, x[r*in:], in, 1, w, kernel.Relu)
			}
			equalBits(t, fmt.Sprintf("%s: %d columns, alone", set.Name, out), alone, together)
			if set.Name == "plain" {
				continue
			}
			if first == nil {
				first = together
			}
			equalBits(t, fmt.Sprintf("%s: %d columns", set.Name, out), together, first)
		}
	}
}

func vectorSets() []*kernel.Set { return kernel.Available()[1:] }

func equalBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if g, w := math.Float32bits(got[i]), math.Float32bits(want[i]); g != w && (got[i] == got[i] || want[i] == want[i]) {
			t.Fatalf("%s: element %d is %g (%08x), not %g (%08x)", what, i, got[i], g, want[i], w)
		}
	}
}

// NaN, infinities and zeros of both signs go through a layer as arithmetic has them.
func TestDenseSpecial(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	negativeZero := float32(math.Copysign(0, -1))
	eachSet(t, func(t *testing.T, set *kernel.Set) {
		for _, out := range []int{1, 16, 20, 64} {
			identity := make([]float32, out)
			for i := range identity {
				identity[i] = 1
			}
			bias := make([]float32, out)
			for i := range bias {
				bias[i] = negativeZero
			}
			w := kernel.Pack(identity, 1, out, false, bias)
			for _, act := range []kernel.Activation{kernel.Identity, kernel.Relu} {
				x := []float32{nan, inf, -inf, 0, negativeZero, -1, 1e-45, math.MaxFloat32}
				got := make([]float32, len(x)*out)
				set.Dense(got, out, x, 1, len(x), w, act)
				for r, v := range x {
					want := v
					if act == kernel.Relu && v < 0 {
						want = 0
					}
					for _, g := range got[r*out : (r+1)*out] {
						if g != want && (g == g || want == want) {
							t.Errorf("%d columns, %v: %g gives %g", out, act, v, g)
						}
					}
				}
			}
		}
	})
}

func TestPackAgain(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	w := kernel.Pack(normal(random, 40*50), 40, 50, false, normal(random, 50))
	matrix := normal(random, 7*20)
	w.Pack(matrix, 7, 20, true, nil)
	x := normal(random, 7)
	got, want := make([]float32, 20), make([]float32, 20)
	kernel.Plain().Dense(got, 20, x, 7, 1, w, kernel.Identity)
	kernel.Plain().Dense(want, 20, x, 7, 1, kernel.Pack(matrix, 7, 20, true, nil), kernel.Identity)
	equalBits(t, "packed again", got, want)
	if allocs := testing.AllocsPerRun(10, func() { w.Pack(matrix, 7, 20, false, nil) }); allocs != 0 {
		t.Errorf("%v allocations for packing again", allocs)
	}
}

func TestShortSlicesPanic(t *testing.T) {
	eachSet(t, func(t *testing.T, set *kernel.Set) {
		w := kernel.Pack(make([]float32, 6), 2, 3, false, nil)
		for name, do := range map[string]func(){
			"out":      func() { set.Dense(make([]float32, 5), 3, make([]float32, 4), 2, 2, w, kernel.Identity) },
			"x":        func() { set.Dense(make([]float32, 6), 3, make([]float32, 3), 2, 2, w, kernel.Identity) },
			"negative": func() { set.Dense(make([]float32, 6), -3, make([]float32, 4), 2, 2, w, kernel.Identity) },
			"huge":     func() { set.Dense(make([]float32, 6), math.MaxInt, make([]float32, 4), 2, 2, w, kernel.Identity) },
			"matrix":   func() { kernel.Pack(make([]float32, 5), 2, 3, false, nil) },
			"add":      func() { set.Add(make([]float32, 5), make([]float32, 4), make([]float32, 5)) },
			"exp":      func() { set.Exp(make([]float32, 5), make([]float32, 4)) },
			"affine":   func() { set.Affine(make([]float32, 5), make([]float32, 5), make([]float32, 5), nil) },
			"dot":      func() { set.Dot(make([]float32, 5), make([]float32, 4)) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: no panic", name)
					}
				}()
				do()
			}()
		}
	})
}

func TestNoAllocations(t *testing.T) {
	eachSet(t, func(t *testing.T, set *kernel.Set) {
		w := kernel.Pack(make([]float32, 40*50), 40, 50, false, nil)
		narrow := kernel.Pack(make([]float32, 40), 40, 1, false, nil)
		x, out, rows := make([]float32, 400), make([]float32, 500), []int32{1, 2, 3}
		allocs := testing.AllocsPerRun(100, func() {
			set.Dense(out, 50, x, 40, 10, w, kernel.Relu)
			set.Dense(out, 1, x, 40, 10, narrow, kernel.Sigmoid)
			set.Exp(out[:33], x)
			set.Add(out[:33], x, x)
			set.Dot(x, x)
			set.Softmax(out[:33], x[:33])
			set.Prefetch(x, 16, rows)
		})
		if allocs != 0 {
			t.Errorf("%v allocations", allocs)
		}
	})
}

// normal are random numbers around 0.
func normal(random *rand.Rand, n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(random.NormFloat64())
	}
	return s
}

func TestMatMul(t *testing.T) {
	got := make([]float64, 4)
	kernel.MatMul(got, []float64{1, 2, 3, 4, 5, 6}, []float64{7, 8, 9, 10, 11, 12}, 2, 3, 2)
	for i, want := range []float64{58, 64, 139, 154} {
		if got[i] != want {
			t.Errorf("element %d is %g, not %g", i, got[i], want)
		}
	}
}

func TestCopyRows(t *testing.T) {
	for _, width := range sizes[1:] {
		table := make([]int64, 5*width)
		for i := range table {
			table[i] = int64(i)
		}
		index := []int32{4, 0, 2, 2}
		stride := width + 3
		got := make([]int64, len(index)*stride)
		kernel.CopyRows(got, stride, table, width, index)
		for r, row := range index {
			for k := range stride {
				want := int64(0)
				if k < width {
					want = int64(int(row)*width + k)
				}
				if got[r*stride+k] != want {
					t.Fatalf("width %d: row %d, column %d is %d, not %d", width, r, k, got[r*stride+k], want)
				}
			}
		}
	}
}

func TestSoftmax(t *testing.T) {
	eachSet(t, func(t *testing.T, set *kernel.Set) {
		for _, n := range sizes {
			random := rand.New(rand.NewPCG(5, uint64(n)))
			x := normal(random, n)
			for i := range x {
				x[i] *= 30
			}
			got := make([]float32, n)
			set.Softmax(got, x)
			sum := 0.0
			for _, v := range x {
				sum += math.Exp(float64(v))
			}
			for i, v := range x {
				if want := math.Exp(float64(v)) / sum; math.Abs(float64(got[i])-want) > 1e-6 {
					t.Errorf("%d elements: %g, not %g", n, got[i], want)
				}
			}
		}
	})
}

func TestPrefetch(t *testing.T) {
	eachSet(t, func(t *testing.T, set *kernel.Set) {
		for _, width := range []int{0, 1, 5, 16, 17, 40} {
			table := guarded(t, 3*width)
			set.Prefetch(table, width, []int32{0, 2, 1, 3, -1, math.MaxInt32, math.MinInt32})
			set.Prefetch(table, width, nil)
			set.Prefetch(nil, width, []int32{0})
		}
	})
}

func TestChoose(t *testing.T) {
	best, err := kernel.Choose("")
	if err != nil || best.Name != kernel.Best().Name {
		t.Errorf("no name: got %v, %v", best, err)
	}
	for _, set := range kernel.Available() {
		if got, err := kernel.Choose(set.Name); err != nil || got.Name != set.Name {
			t.Errorf("%s: got %v, %v", set.Name, got, err)
		}
	}
	if _, err := kernel.Choose("abacus"); err == nil {
		t.Error("an unknown name is accepted")
	}
}
