// Command kernels writes the vector kernels of runtime/kernel: assembly for AVX2 with FMA, and for AVX-512. It is a module
// of its own, so that the product does not depend on the assembler. Run by go generate in runtime/kernel.
//
// Each kernel is described once, for both: an isa has what differs. Kernels get pointers and counts that their callers in
// Go have checked, and touch nothing outside of them: the ends of slices are read and written under a mask.
package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	build.ConstraintExpr("amd64,!purego")
	for _, i := range []isa{avx2{}, avx512{}} {
		tiles(i)
		dots(i)
		elementwise(i)
	}
	prefetch()
	build.Generate()
}

// isa is a set of vector instructions. All operands are in the order of Go's assembler: the destination is last.
type isa interface {
	// name is the end of the functions' names.
	name() string
	// lanes is how many floats a vector has.
	lanes() int
	// vector is a new register.
	vector() reg.VecVirtual
	// mask prepares that only so many lanes, fewer than there are, are read and written: count is a register.
	mask(count reg.Register) mask
	// load reads the lanes of a mask, and 0 for the others; store writes them.
	load(from operand.Mem, m mask, to reg.Register)
	store(from reg.Register, m mask, to operand.Mem)
}

// mask is a register: of masks or, where there is none, a vector.
type mask reg.Register

type avx2 struct{}

func (avx2) name() string           { return "AVX2" }
func (avx2) lanes() int             { return 8 }
func (avx2) vector() reg.VecVirtual { return build.YMM() }

// mask reads from eight words of ones that eight of zeros follow.
func (avx2) mask(count reg.Register) mask {
	table := build.GP64()
	build.LEAQ(maskTable(), table)
	at := build.GP64()
	build.MOVQ(count, at)
	build.NEGQ(at)
	m := build.YMM()
	build.VMOVDQU(operand.Mem{Base: table, Index: at, Scale: 4, Disp: 32}, m)
	return m
}

func (avx2) load(from operand.Mem, m mask, to reg.Register)  { build.VMASKMOVPS(from, m, to) }
func (avx2) store(from reg.Register, m mask, to operand.Mem) { build.VMASKMOVPS(from, m, to) }

type avx512 struct{}

func (avx512) name() string           { return "AVX512" }
func (avx512) lanes() int             { return 16 }
func (avx512) vector() reg.VecVirtual { return build.ZMM() }

func (avx512) mask(count reg.Register) mask {
	ones := build.GP64()
	build.MOVQ(operand.I32(-1), ones)
	build.BZHIQ(count, ones, ones)
	m := build.K()
	build.KMOVW(ones.(reg.GPVirtual).As32(), m)
	return m
}

func (avx512) load(from operand.Mem, m mask, to reg.Register)  { build.VMOVUPS_Z(from, m, to) }
func (avx512) store(from reg.Register, m mask, to operand.Mem) { build.VMOVUPS(from, m, to) }
