package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// width is the size of the widest vector, in bytes.
const width = 64

// made are the constants that there are.
var made = map[string]operand.Mem{}

// constant is a vector of which every lane has the bits.
func constant(bits uint32) operand.Mem {
	name := fmt.Sprintf("constant%08x", bits)
	if m, found := made[name]; found {
		return m
	}
	m := build.GLOBL(name, 24) // RODATA|NOPTR
	for offset := 0; offset < width; offset += 4 {
		build.DATA(offset, operand.U32(bits))
	}
	made[name] = m
	return m
}

// float is a vector of which every lane is v.
func float(v float32) operand.Mem { return constant(math.Float32bits(v)) }

// maskTable has eight words of ones and eight of zeros.
func maskTable() operand.Mem {
	const name = "maskTable"
	if m, found := made[name]; found {
		return m
	}
	m := build.GLOBL(name, 24)
	for word := range 16 {
		bits := uint32(0)
		if word < 8 {
			bits = math.MaxUint32
		}
		build.DATA(4*word, operand.U32(bits))
	}
	made[name] = m
	return m
}
