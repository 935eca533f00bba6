package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// prefetch makes the function that asks for the cache lines of rows.
func prefetch() {
	build.TEXT("prefetchRows", 4, "func(table *float32, tableRows int, rowBytes int, rows *int32, n int)")
	build.Doc("prefetchRows asks for the cache lines of n rows; those beyond the table are passed over.")
	build.Pragma("noescape")
	table, tableRows, rowBytes := pointer("table"), pointer("tableRows"), pointer("rowBytes")
	rows, n := pointer("rows"), pointer("n")
	at, end := build.GP64(), build.GP64()
	build.TESTQ(n, n)
	build.JE(operand.LabelRef("done"))
	build.Label("row")
	build.MOVLQSX(operand.Mem{Base: rows}, at)
	build.CMPQ(at, tableRows)
	build.JCC(operand.LabelRef("next")) // unsigned: a negative one is beyond the table, too
	build.IMULQ(rowBytes, at)
	build.ADDQ(table, at)
	build.MOVQ(at, end)
	build.ADDQ(rowBytes, end)
	build.Label("line")
	build.PREFETCHT0(operand.Mem{Base: at})
	build.ADDQ(operand.Imm(64), at)
	build.CMPQ(at, end)
	build.JCS(operand.LabelRef("line"))
	build.PREFETCHT0(operand.Mem{Base: end, Disp: -4})
	build.Label("next")
	build.ADDQ(operand.Imm(4), rows)
	build.DECQ(n)
	build.JNE(operand.LabelRef("row"))
	build.Label("done")
	build.RET()
}
