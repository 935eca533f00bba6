package kernel_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/kernel"
)

// special are numbers that are treated in a way of their own somewhere.
var special = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, 0.5, 0.625, -0.625, 1e-45, -1e-45, 1e-38, 1.2e-38, -1e-20, 88, 88.72283, 88.72284, 89, 90,
	-86, -87.3, -87.4, -90, -103.27, -103.98, -104, -105, 1000, -1000, math.MaxFloat32, -math.MaxFloat32,
	float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
}

// unary are the functions of one slice: what they compute, and by how many units in the last place they may be off.
var unary = []struct {
	name string
	of   func(*kernel.Set) func(out, a []float32)
	want func(float64) float64
	ulps float64
}{
	{"Relu", func(s *kernel.Set) func(out, a []float32) { return s.Relu }, func(x float64) float64 {
		if x < 0 {
			return 0
		}
		return x
	}, 0},
	{"Exp", func(s *kernel.Set) func(out, a []float32) { return s.Exp }, math.Exp, 1.5},
	{"Sigmoid", func(s *kernel.Set) func(out, a []float32) { return s.Sigmoid }, func(x float64) float64 {
		return 1 / (1 + math.Exp(-x))
	}, 3},
	{"Tanh", func(s *kernel.Set) func(out, a []float32) { return s.Tanh }, math.Tanh, 3},
}

// The functions are held to double precision over the whole range of exponents, at the special numbers, and at the ends of
// slices of every length.
func TestUnary(t *testing.T) {
	eachSet(t, func(t *testing.T, set *kernel.Set) {
		for _, f := range unary {
			x := samples()
			got := make([]float32, len(x))
			f.of(set)(got, x)
			worst := 0.0
			for i, v := range x {
				off := ulps(got[i], f.want(float64(v)))
				if !(off <= f.ulps) {
					t.Fatalf("%s(%g) is %g, not %g: off by %.3g units in the last place", f.name, v, got[i], f.want(float64(v)), off)
				}
				worst = max(worst, off)
			}
			t.Logf("%s is off by at most %.3g units in the last place", f.name, worst)
			for _, n := range sizes {
				a, out := guarded(t, n), guarded(t, n)
				copy(a, x[len(x)-n:])
				f.of(set)(out, a)
				equalBits(t, fmt.Sprintf("%s of %d elements", f.name, n), out, got[len(x)-n:])
				f.of(set)(a, a)
				equalBits(t, fmt.Sprintf("%s of %d elements in place", f.name, n), a, got[len(x)-n:])
			}
		}
	})
}

// Zeros keep their sign where the function has it.
func TestSignOfZero(t *testing.T) {
	eachSet(t, func(t *testing.T, set *kernel.Set) {
		zeros := []float32{0, float32(math.Copysign(0, -1))}
		out := make([]float32, 2)
		set.Tanh(out, zeros)
		equalBits(t, "Tanh", out, zeros)
		set.Relu(out, zeros)
		equalBits(t, "Relu", out, zeros)
	})
}

// All vector instructions give the same bits.
func TestUnarySameBits(t *testing.T) {
	x := samples()
	for _, f := range unary {
		var first []float32
		for _, set := range vectorSets() {
			got := make([]float32, len(x))
			f.of(set)(got, x)
			if first == nil {
				first = got
			}
			equalBits(t, set.Name+" "+f.name, got, first)
		}
	}
}

// samples are numbers of every exponent, more of those where the functions bend, and the special ones.
func samples() []float32 {
	random := rand.New(rand.NewPCG(7, 8))
	var x []float32
	for bits := uint32(0); bits < math.MaxUint32-40009; bits += 40009 {
		x = append(x, math.Float32frombits(bits))
	}
	for range 200_000 {
		x = append(x, float32(random.Float64()*220-110), float32(random.NormFloat64()))
	}
	return append(x, special...)
}

// ulps is how far a result is off, in units in the last place of a float32 of the size of what was wanted; a unit is never
// smaller than that of subnormal numbers.
func ulps(got float32, want float64) float64 {
	w := float32(want)
	if got == w || (got != got && w != w) {
		return 0
	}
	if math.IsInf(float64(got), 0) || math.IsInf(float64(w), 0) {
		// The largest finite number and infinity are neighbours.
		got, w = clampInf(got), clampInf(w)
		return math.Abs(float64(got)-float64(w)) / math.Ldexp(1, 104)
	}
	_, exponent := math.Frexp(want)
	return math.Abs(float64(got)-want) / math.Ldexp(1, max(exponent-24, -149))
}

func clampInf(v float32) float32 { return max(-math.MaxFloat32, min(v, math.MaxFloat32)) }

func TestBinary(t *testing.T) {
	for _, f := range []struct {
		name string
		of   func(*kernel.Set) func(out, a, b []float32)
		want func(a, b float32) float32
	}{
		{"Add", func(s *kernel.Set) func(out, a, b []float32) { return s.Add }, func(a, b float32) float32 { return a + b }},
		{"Sub", func(s *kernel.Set) func(out, a, b []float32) { return s.Sub }, func(a, b float32) float32 { return a - b }},
		{"Mul", func(s *kernel.Set) func(out, a, b []float32) { return s.Mul }, func(a, b float32) float32 { return a * b }},
		{"Div", func(s *kernel.Set) func(out, a, b []float32) { return s.Div }, func(a, b float32) float32 { return a / b }},
	} {
		eachSet(t, func(t *testing.T, set *kernel.Set) {
			for _, n := range append(sizes, len(special)*len(special), 70_000) {
				a, b, out := guarded(t, n), guarded(t, n), guarded(t, n)
				want := make([]float32, n)
				for i := range a {
					a[i], b[i] = special[i%len(special)], special[i/len(special)%len(special)]
					want[i] = f.want(a[i], b[i])
				}
				f.of(set)(out, a, b)
				equalBits(t, fmt.Sprintf("%s of %d elements", f.name, n), out, want)
			}
		})
	}
}

func TestAffine(t *testing.T) {
	eachSet(t, func(t *testing.T, set *kernel.Set) {
		for _, n := range append(sizes, 70_000) {
			random := rand.New(rand.NewPCG(9, uint64(n)))
			a, scale, offset, out := guarded(t, n), guarded(t, n), guarded(t, n), guarded(t, n)
			copy(a, normal(random, n))
			copy(scale, normal(random, n))
			copy(offset, normal(random, n))
			set.Affine(out, a, scale, offset)
			for i := range out {
				product := float64(a[i]) * float64(scale[i])
				want := product + float64(offset[i])
				if diff := math.Abs(float64(out[i]) - want); diff > 1.2e-7*(math.Abs(product)+math.Abs(want)) {
					t.Fatalf("%d elements: %g, not %g", n, out[i], want)
				}
			}
		}
	})
}

func TestDot(t *testing.T) {
	eachSet(t, func(t *testing.T, set *kernel.Set) {
		for _, n := range append(sizes, 70_000) {
			random := rand.New(rand.NewPCG(10, uint64(n)))
			a, b := guarded(t, n), guarded(t, n)
			copy(a, normal(random, n))
			copy(b, normal(random, n))
			want, size := 0.0, 0.0
			for i := range a {
				term := float64(a[i]) * float64(b[i])
				want, size = want+term, size+math.Abs(term)
			}
			if got := set.Dot(a, b); math.Abs(float64(got)-want) > 1e-6*size {
				t.Errorf("%d elements: %g, not %g", n, got, want)
			}
		}
	})
}
