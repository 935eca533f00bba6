package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// dots makes the function for one column of a narrow matrix. Lane l of sixteen sums up the terms l, l+16, l+32…, and the
// lanes are then added in halves, so that both sets of instructions give the same bits.
//
//	out[r] = max(floor, bias + Σ x[r, i]·w[i])
func dots(i isa) {
	build.TEXT("dots"+i.name(), 4, "func(out *float32, outStride int, x *float32, xStride int, rows int, "+
		"w *float32, terms int, bias float32, floor float32)")
	build.Doc("dots" + i.name() + " is one column of Dense. Strides are in bytes.")
	build.Pragma("noescape")
	d := &dot{isa: i, out: pointer("out"), outStride: pointer("outStride"), x: pointer("x"), xStride: pointer("xStride"),
		rows: pointer("rows"), w: pointer("w"), terms: pointer("terms"), rest: build.GP64()}
	build.MOVQ(d.terms, d.rest)
	build.ANDQ(operand.Imm(block-1), d.rest)
	build.SHRQ(operand.Imm(4), d.terms)
	for k := range block / i.lanes() {
		d.masks = append(d.masks, i.mask(clamped(i, d.rest, k)))
	}
	build.TESTQ(d.rows, d.rows)
	build.JE(operand.LabelRef("done"))
	build.Label("row")
	d.row()
	build.ADDQ(d.xStride, d.x)
	build.ADDQ(d.outStride, d.out)
	build.DECQ(d.rows)
	build.JNE(operand.LabelRef("row"))
	build.Label("done")
	build.VZEROUPPER()
	build.RET()
}

type dot struct {
	isa                                              isa
	out, outStride, x, xStride, rows, w, terms, rest reg.GPVirtual
	masks                                            []mask
}

// row computes one element.
func (d *dot) row() {
	sums := make([]reg.VecVirtual, len(d.masks))
	for k := range sums {
		sums[k] = d.isa.vector()
		build.VXORPS(sums[k], sums[k], sums[k])
	}
	x, w, n := build.GP64(), build.GP64(), build.GP64()
	build.MOVQ(d.x, x)
	build.MOVQ(d.w, w)
	build.MOVQ(d.terms, n)
	build.TESTQ(n, n)
	build.JE(operand.LabelRef("rest"))
	build.Label("sixteen")
	for k, sum := range sums {
		v := d.isa.vector()
		build.VMOVUPS(operand.Mem{Base: x, Disp: 32 * k}, v)
		build.VFMADD231PS(operand.Mem{Base: w, Disp: 32 * k}, v, sum)
	}
	build.ADDQ(operand.Imm(4*block), x)
	build.ADDQ(operand.Imm(4*block), w)
	build.DECQ(n)
	build.JNE(operand.LabelRef("sixteen"))
	build.Label("rest")
	build.TESTQ(d.rest, d.rest)
	build.JE(operand.LabelRef("lanes"))
	for k, sum := range sums {
		a, b := d.isa.vector(), d.isa.vector()
		d.isa.load(operand.Mem{Base: x, Disp: 32 * k}, d.masks[k], a)
		d.isa.load(operand.Mem{Base: w, Disp: 32 * k}, d.masks[k], b)
		build.VFMADD231PS(a, b, sum)
	}
	build.Label("lanes")
	d.addLanes(sums)
}

// addLanes adds the lanes in halves, the bias, and writes the element.
func (d *dot) addLanes(sums []reg.VecVirtual) {
	sum, half := build.YMM(), build.YMM()
	if len(sums) == 1 {
		build.VEXTRACTF64X4(operand.Imm(1), sums[0], half)
		build.VADDPS(sums[0].AsY(), half, sum)
	} else {
		build.VADDPS(sums[0], sums[1], sum)
	}
	build.VEXTRACTF128(operand.Imm(1), sum, half.AsX())
	build.VADDPS(sum.AsX(), half.AsX(), sum.AsX())
	build.VMOVHLPS(sum.AsX(), sum.AsX(), half.AsX())
	build.VADDPS(sum.AsX(), half.AsX(), sum.AsX())
	build.VMOVSHDUP(sum.AsX(), half.AsX())
	build.VADDSS(sum.AsX(), half.AsX(), sum.AsX())
	build.VADDSS(parameter("bias"), sum.AsX(), sum.AsX())
	floor := build.XMM()
	build.VMOVSS(parameter("floor"), floor)
	build.VMAXSS(sum.AsX(), floor, sum.AsX())
	build.VMOVSS(sum.AsX(), operand.Mem{Base: d.out})
}

// parameter is where a parameter is.
func parameter(name string) operand.Mem {
	p, err := build.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return p.Addr
}
