package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tallest is how many rows a tile has at most.
const tallest = 6

// block is how many columns lie together in the packed matrix.
const block = 16

// tiles makes a function for each width of a tile that the registers have room for.
func tiles(i isa) {
	if i.lanes() == block {
		tile{i, 1, tallest}.function()
		tile{i, 2, tallest}.function()
		tile{i, 4, tallest}.function()
		tile{i, 8, 1}.function()
		return
	}
	tile{i, 1, tallest}.function()
	tile{i, 4, 1}.function()
}

// tile is a function that computes rows × blocks of 16 columns: sums that stay in registers while the terms are added, in
// tiles of as many rows as there is room for, and then of fewer.
//
//	out[r, j] = max(floor, bias[j] + Σ x[r, i]·w[i, j])
type tile struct {
	isa    isa
	blocks int
	rows   int
}

// vectors is how many registers a row of the tile takes.
func (t tile) vectors() int { return t.blocks * block / t.isa.lanes() }

func (t tile) function() {
	build.TEXT(fmt.Sprintf("tile%d%s", t.blocks, t.isa.name()), 4 /* NOSPLIT */, "func(out *float32, outStride int, "+
		"x *float32, xStride int, rows int, w *float32, wStride int, bias *float32, terms int, last int, floor float32)")
	build.Doc(fmt.Sprintf("tile%d%s is %d columns of Dense. Strides are in bytes, wStride that of the blocks; of the last "+
		"block, only so many columns are written.", t.blocks, t.isa.name(), t.blocks*block))
	build.Pragma("noescape")
	c := &call{tile: t, out: pointer("out"), outStride: pointer("outStride"), x: pointer("x"), xStride: pointer("xStride"),
		rows: pointer("rows"), wStride: pointer("wStride")}
	if t.blocks >= 4 {
		c.wStride3 = build.GP64()
		build.LEAQ(operand.Mem{Base: c.wStride, Index: c.wStride, Scale: 2}, c.wStride3)
	}
	for rows := t.rows; rows >= 1; rows-- {
		next := fmt.Sprintf("fewer%d", rows)
		build.Label(fmt.Sprintf("rows%d", rows))
		build.CMPQ(c.rows, operand.Imm(uint64(rows)))
		build.JL(operand.LabelRef(next))
		c.rowsOf(rows)
		build.SUBQ(operand.Imm(uint64(rows)), c.rows)
		build.JMP(operand.LabelRef(fmt.Sprintf("rows%d", rows)))
		build.Label(next)
	}
	if t.isa.lanes() == block || t.isa.lanes() < block {
		build.VZEROUPPER()
	}
	build.RET()
}

func pointer(name string) reg.GPVirtual {
	r := build.GP64()
	build.Load(build.Param(name), r)
	return r
}

// call has the registers of a function.
type call struct {
	tile
	out, outStride, x, xStride, rows, wStride, wStride3 reg.GPVirtual
}

// rowsOf computes so many rows, and moves on to the next.
func (c *call) rowsOf(rows int) {
	sums := c.begin(rows)
	c.sum(rows, sums)
	c.end(rows, sums)
	for range rows {
		build.ADDQ(c.xStride, c.x)
	}
}

// begin gives every row the bias.
func (c *call) begin(rows int) [][]reg.VecVirtual {
	bias := pointer("bias")
	sums := make([][]reg.VecVirtual, rows)
	for r := range sums {
		for v := range c.vectors() {
			sums[r] = append(sums[r], c.isa.vector())
			if r == 0 {
				build.VMOVUPS(operand.Mem{Base: bias, Disp: v * 4 * c.isa.lanes()}, sums[0][v])
			} else {
				build.VMOVAPS(sums[0][v], sums[r][v])
			}
		}
	}
	return sums
}

// sum adds the terms.
func (c *call) sum(rows int, sums [][]reg.VecVirtual) {
	loop, done := fmt.Sprintf("term%d", rows), fmt.Sprintf("terms%d", rows)
	w, x, x3, terms := pointer("w"), build.GP64(), build.GP64(), pointer("terms")
	build.MOVQ(c.x, x)
	if rows > 3 {
		build.LEAQ(operand.Mem{Base: c.xStride, Index: c.xStride, Scale: 2}, x3)
		build.ADDQ(c.x, x3)
	}
	var w4 reg.GPVirtual
	if c.blocks > 4 {
		w4 = build.GP64()
		build.LEAQ(operand.Mem{Base: w, Index: c.wStride, Scale: 4}, w4)
	}
	build.TESTQ(terms, terms)
	build.JE(operand.LabelRef(done))
	build.Label(loop)
	weights := make([]reg.VecVirtual, c.vectors())
	if rows > 1 {
		for v := range weights {
			weights[v] = c.isa.vector()
			build.VMOVUPS(c.weight(w, w4, v), weights[v])
		}
	}
	for r := range sums {
		value := c.isa.vector()
		base, step := x, r
		if r >= 3 {
			base, step = x3, r-3
		}
		m := operand.Mem{Base: base}
		if step > 0 {
			m.Index, m.Scale = c.xStride, uint8(step)
		}
		build.VBROADCASTSS(m, value)
		for v := range weights {
			if rows > 1 {
				build.VFMADD231PS(weights[v], value, sums[r][v])
			} else {
				build.VFMADD231PS(c.weight(w, w4, v), value, sums[r][v])
			}
		}
	}
	build.ADDQ(operand.Imm(4), x)
	if rows > 3 {
		build.ADDQ(operand.Imm(4), x3)
	}
	build.ADDQ(operand.Imm(4*block), w)
	if c.blocks > 4 {
		build.ADDQ(operand.Imm(4*block), w4)
	}
	build.DECQ(terms)
	build.JNE(operand.LabelRef(loop))
	build.Label(done)
}

// weight is where vector v of a row of the matrix is.
func (c *call) weight(w, w4 reg.GPVirtual, v int) operand.Mem {
	at := v * c.isa.lanes() / block
	m := operand.Mem{Base: w, Disp: v * c.isa.lanes() % block * 4}
	if at >= 4 {
		m.Base, at = w4, at-4
	}
	switch at {
	case 1, 2:
		m.Index, m.Scale = c.wStride, uint8(at)
	case 3:
		m.Index, m.Scale = c.wStride3, 1
	}
	return m
}

// end writes the rows.
func (c *call) end(rows int, sums [][]reg.VecVirtual) {
	floor := c.isa.vector()
	f, err := build.Param("floor").Resolve()
	if err != nil {
		panic(err)
	}
	build.VBROADCASTSS(f.Addr, floor)
	for r := range sums {
		for v := range sums[r] {
			build.VMAXPS(sums[r][v], floor, sums[r][v])
		}
	}
	last := pointer("last")
	part, done := fmt.Sprintf("part%d", rows), fmt.Sprintf("written%d", rows)
	build.CMPQ(last, operand.Imm(block))
	build.JL(operand.LabelRef(part))
	out := build.GP64()
	build.MOVQ(c.out, out)
	for r := range sums {
		for v := range sums[r] {
			build.VMOVUPS(sums[r][v], operand.Mem{Base: out, Disp: v * 4 * c.isa.lanes()})
		}
		build.ADDQ(c.outStride, out)
	}
	build.JMP(operand.LabelRef(done))
	build.Label(part)
	c.partly(sums, last, out)
	build.Label(done)
	build.MOVQ(out, c.out)
}

// partly writes rows of which the last block is not whole.
func (c *call) partly(sums [][]reg.VecVirtual, last, out reg.GPVirtual) {
	perBlock := block / c.isa.lanes()
	whole := c.vectors() - perBlock
	masks := make([]mask, perBlock)
	for k := range masks {
		masks[k] = c.isa.mask(c.clamped(last, k))
	}
	build.MOVQ(c.out, out)
	for r := range sums {
		for v := range sums[r] {
			at := operand.Mem{Base: out, Disp: v * 4 * c.isa.lanes()}
			if v < whole {
				build.VMOVUPS(sums[r][v], at)
			} else {
				c.isa.store(sums[r][v], masks[v-whole], at)
			}
		}
		build.ADDQ(c.outStride, out)
	}
}

// clamped is how many of count fall into the k-th vector of a block.
func (c *call) clamped(count reg.GPVirtual, k int) reg.Register { return clamped(c.isa, count, k) }

func clamped(i isa, count reg.GPVirtual, k int) reg.Register {
	if i.lanes() == block {
		return count
	}
	n, bound := build.GP64(), build.GP64()
	build.MOVQ(count, n)
	build.SUBQ(operand.Imm(uint64(k*i.lanes())), n)
	build.XORQ(bound, bound)
	build.CMPQ(n, bound)
	build.CMOVQLT(bound, n)
	build.MOVQ(operand.I32(int32(i.lanes())), bound)
	build.CMPQ(n, bound)
	build.CMOVQGT(bound, n)
	return n
}
