package main

import (
	"math"
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// elementwise makes the functions that compute each element of out from those of the inputs at the same place.
func elementwise(i isa) {
	v := vectors{i}
	loop(i, "add", []string{"a", "b"}, func(in []reg.VecVirtual) reg.VecVirtual { return v.binary(build.VADDPS, in[0], in[1]) })
	loop(i, "sub", []string{"a", "b"}, func(in []reg.VecVirtual) reg.VecVirtual { return v.binary(build.VSUBPS, in[0], in[1]) })
	loop(i, "mul", []string{"a", "b"}, func(in []reg.VecVirtual) reg.VecVirtual { return v.binary(build.VMULPS, in[0], in[1]) })
	loop(i, "div", []string{"a", "b"}, func(in []reg.VecVirtual) reg.VecVirtual { return v.binary(build.VDIVPS, in[0], in[1]) })
	loop(i, "affine", []string{"a", "scale", "offset"}, func(in []reg.VecVirtual) reg.VecVirtual {
		build.VFMADD231PS(in[0], in[1], in[2])
		return in[2]
	})
	loop(i, "relu", []string{"a"}, func(in []reg.VecVirtual) reg.VecVirtual { return v.atLeast(in[0], v.set(0)) })
	loop(i, "exp", []string{"a"}, func(in []reg.VecVirtual) reg.VecVirtual { return v.exp(in[0]) })
	loop(i, "sigmoid", []string{"a"}, func(in []reg.VecVirtual) reg.VecVirtual { return v.sigmoid(in[0]) })
	loop(i, "tanh", []string{"a"}, func(in []reg.VecVirtual) reg.VecVirtual { return v.tanh(in[0]) })
}

// loop makes a function of slices that are as long as out.
func loop(i isa, name string, inputs []string, compute func(in []reg.VecVirtual) reg.VecVirtual) {
	all := append([]string{"out"}, inputs...)
	build.TEXT(name+i.name(), 4, "func("+strings.Join(all, ", ")+" *float32, n int)")
	build.Doc(name + i.name() + " does n elements.")
	build.Pragma("noescape")
	pointers := make([]reg.GPVirtual, len(all))
	for k := range all {
		pointers[k] = pointer(all[k])
	}
	n := pointer("n")
	build.Label("whole")
	build.CMPQ(n, operand.Imm(uint64(i.lanes())))
	build.JL(operand.LabelRef("part"))
	in := make([]reg.VecVirtual, len(inputs))
	for k := range in {
		in[k] = i.vector()
		build.VMOVUPS(operand.Mem{Base: pointers[k+1]}, in[k])
	}
	build.VMOVUPS(compute(in), operand.Mem{Base: pointers[0]})
	for _, p := range pointers {
		build.ADDQ(operand.Imm(uint64(4*i.lanes())), p)
	}
	build.SUBQ(operand.Imm(uint64(i.lanes())), n)
	build.JMP(operand.LabelRef("whole"))

	build.Label("part")
	build.TESTQ(n, n)
	build.JE(operand.LabelRef("done"))
	m := i.mask(n)
	for k := range in {
		in[k] = i.vector()
		i.load(operand.Mem{Base: pointers[k+1]}, m, in[k])
	}
	i.store(compute(in), m, operand.Mem{Base: pointers[0]})
	build.Label("done")
	build.VZEROUPPER()
	build.RET()
}

// vectors computes with vectors. Functions return a new register, unless said otherwise.
type vectors struct{ isa isa }

func (v vectors) binary(do func(...operand.Op), a, b reg.VecVirtual) reg.VecVirtual {
	to := v.isa.vector()
	do(b, a, to)
	return to
}

// with does an operation with a constant.
func (v vectors) with(do func(...operand.Op), a reg.VecVirtual, c float32) reg.VecVirtual {
	to := v.isa.vector()
	do(float(c), a, to)
	return to
}

// set is a constant.
func (v vectors) set(c float32) reg.VecVirtual {
	to := v.isa.vector()
	build.VMOVUPS(float(c), to)
	return to
}

// atLeast is max(a, floor), or a where that is NaN: the instruction's answer then is its second operand, in Intel's order.
func (v vectors) atLeast(a, floor reg.VecVirtual) reg.VecVirtual {
	to := v.isa.vector()
	build.VMAXPS(a, floor, to)
	return to
}

func (v vectors) atMost(a, ceiling reg.VecVirtual) reg.VecVirtual {
	to := v.isa.vector()
	build.VMINPS(a, ceiling, to)
	return to
}

// bits does an operation on the bits with a constant.
func (v vectors) bits(do func(...operand.Op), a reg.VecVirtual, c uint32) reg.VecVirtual {
	to := v.isa.vector()
	do(constant(c), a, to)
	return to
}

// shift does a shift by so many bits.
func (v vectors) shift(do func(...operand.Op), a reg.VecVirtual, by uint64) reg.VecVirtual {
	to := v.isa.vector()
	do(operand.Imm(by), a, to)
	return to
}

const (
	signBit = 1 << 31
	allBits = math.MaxUint32
	// magic is 1.5·2²³: added to a number below 2²², it leaves the nearest integer in the lowest bits.
	magic = 12582912
	// Beyond these the result is too small or large for a float32.
	smallestExp = -104
	largestExp  = 89
)

// expTerms are the coefficients of r⁷ to r² in the series of eʳ, rounded so that the error over |r| ≤ ln 2 / 2 is least.
// From the Cephes library, expf.c.
var expTerms = []float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1}

// exp is eᵃ = 2ⁿ·eʳ, with n the integer nearest to a / ln 2. The power of two is applied in two halves, since it can be
// beyond what one float32 can hold.
func (v vectors) exp(a reg.VecVirtual) reg.VecVirtual {
	x := v.atMost(v.atLeast(a, v.set(smallestExp)), v.set(largestExp))
	shifted := v.set(magic)
	build.VFMADD231PS(float(math.Log2E), x, shifted)
	n := v.with(build.VSUBPS, shifted, magic)
	r := x
	const ln2 = float32(math.Ln2)
	build.VFNMADD231PS(float(ln2), n, r)
	build.VFNMADD231PS(float(float32(math.Ln2-float64(ln2))), n, r)
	series := v.series(expTerms, r)
	square := v.binary(build.VMULPS, r, r)
	build.VFMADD213PS(r, square, series) // series = square·series + r
	result := v.with(build.VADDPS, series, 1)

	whole := v.bits(v.sub(), shifted, math.Float32bits(magic))
	half := v.shift(build.VPSRAD, whole, 1)
	rest := v.binary(v.sub(), whole, half)
	return v.binary(build.VMULPS, v.binary(build.VMULPS, result, v.powerOfTwo(half)), v.powerOfTwo(rest))
}

func (v vectors) sub() func(...operand.Op) { return build.VPSUBD }

// powerOfTwo is 2ⁿ for integers.
func (v vectors) powerOfTwo(n reg.VecVirtual) reg.VecVirtual {
	return v.shift(build.VPSLLD, v.bits(build.VPADDD, n, 127), 23)
}

// series is the polynomial with these coefficients, that of the highest power first.
func (v vectors) series(terms []float32, x reg.VecVirtual) reg.VecVirtual {
	sum := v.set(terms[0])
	for _, c := range terms[1:] {
		build.VFMADD213PS(float(c), x, sum) // sum = x·sum + c
	}
	return sum
}

// sigmoid is 1/(1+z) or, where a is negative, z/(1+z), with z = e^−|a|, which is not beyond 1.
func (v vectors) sigmoid(a reg.VecVirtual) reg.VecVirtual {
	z := v.exp(v.bits(build.VORPS, a, signBit))
	negative := v.shift(build.VPSRAD, a, 31)
	above := v.choose(negative, z, v.set(1))
	return v.binary(build.VDIVPS, above, v.with(build.VADDPS, z, 1))
}

// choose is a where the mask's bits are set, else b.
func (v vectors) choose(mask, a, b reg.VecVirtual) reg.VecVirtual {
	chosen, other := v.isa.vector(), v.isa.vector()
	build.VANDPS(a, mask, chosen)
	build.VANDNPS(b, mask, other) // not mask, and b
	return v.binary(build.VORPS, chosen, other)
}

// tanhTerms are the coefficients of |x|⁹ to |x|³ divided by |x|³, for |x| < 0.625. From the Cephes library, tanhf.c.
var tanhTerms = []float32{-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1}

// tanh is (1−z)/(1+z), with z = e^−2|a|, and a polynomial where that would cancel out, with the sign of a.
func (v vectors) tanh(a reg.VecVirtual) reg.VecVirtual {
	size := v.bits(build.VANDPS, a, allBits&^signBit)
	z := v.exp(v.with(build.VMULPS, size, -2))
	large := v.binary(build.VDIVPS, v.binary(build.VSUBPS, v.set(1), z), v.with(build.VADDPS, z, 1))

	square := v.binary(build.VMULPS, size, size)
	small := v.binary(build.VMULPS, v.series(tanhTerms, square), square)
	build.VFMADD213PS(size, size, small) // small = size·small + size

	isSmall := v.shift(build.VPSRAD, v.with(build.VSUBPS, size, 0.625), 31)
	return v.binary(build.VORPS, v.choose(isSmall, small, large), v.bits(build.VANDPS, a, signBit))
}
