// Command limits writes the loops that hack/bench/engine finds a core's limits with: how many multiplications and additions
// it does, and how fast it reads. Run by go generate there.
package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// chains is how many sums are under way beside each other: more than a core has units times the latency of one.
const chains = 12

func main() {
	build.ConstraintExpr("amd64,!purego")
	for _, i := range []struct {
		name   string
		bytes  int
		vector func() reg.VecVirtual
	}{
		{"AVX2", 32, func() reg.VecVirtual { return build.YMM() }},
		{"AVX512", 64, func() reg.VecVirtual { return build.ZMM() }},
	} {
		multiply(i.name, i.vector)
		read(i.name, i.bytes, i.vector)
	}
	build.Generate()
}

func multiply(name string, vector func() reg.VecVirtual) {
	build.TEXT("multiply"+name, 4, "func(n int)")
	build.Doc("multiply" + name + " does n times 12 fused multiplications and additions of vectors.")
	n := build.GP64()
	build.Load(build.Param("n"), n)
	factor := vector()
	build.VXORPS(factor, factor, factor)
	var sums [chains]reg.VecVirtual
	for i := range sums {
		sums[i] = vector()
		build.VXORPS(sums[i], sums[i], sums[i])
	}
	build.Label("loop")
	for _, sum := range sums {
		build.VFMADD231PS(factor, factor, sum)
	}
	build.DECQ(n)
	build.JNE(operand.LabelRef("loop"))
	build.VZEROUPPER()
	build.RET()
}

func read(name string, bytes int, vector func() reg.VecVirtual) {
	build.TEXT("read"+name, 4, "func(p *byte, n int)")
	build.Doc("read" + name + " reads n bytes, of which there are a multiple of 512.")
	build.Pragma("noescape")
	p, n := build.GP64(), build.GP64()
	build.Load(build.Param("p"), p)
	build.Load(build.Param("n"), n)
	build.Label("loop")
	for i := range 512 / bytes {
		v := vector()
		build.VMOVUPS(operand.Mem{Base: p, Disp: i * bytes}, v)
	}
	build.ADDQ(operand.I32(512), p)
	build.SUBQ(operand.I32(512), n)
	build.JNE(operand.LabelRef("loop"))
	build.VZEROUPPER()
	build.RET()
}
