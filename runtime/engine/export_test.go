package engine

import (
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Unfused are options that leave the operators as the graph has them.
func Unfused(o Options) Options {
	o.unfused = true
	return o
}

// SetBlock makes a program of rows run so many at a time. It says whether the program is one.
func SetBlock(p *Program, rows int) bool {
	if p.block > 0 {
		p.block = rows
	}
	return p.block > 0
}

// Largest is the largest finite number of all that a run has computed.
func Largest(r *Run) float64 {
	largest := 0.0
	for _, t := range r.values {
		if t == nil || t.DType() != tensor.Float32 {
			continue
		}
		for _, v := range tensor.Data[float32](t) {
			if size := math.Abs(float64(v)); size > largest && size <= math.MaxFloat32 {
				largest = size
			}
		}
	}
	return largest
}
