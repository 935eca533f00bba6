package tabular

import (
	"math"
	"sort"
)

// Bin puts each column's value into an interval.
type Bin struct {
	// Edges are each column's borders, ascending; a value on a border is above it. There is one bin more than borders.
	Edges [][]float64
	// Lenient lifts values a little, relative and absolute, so that those close below a border are above it.
	Lenient bool
	// OneHot makes a column of 0 and 1 for every bin, instead of the bin's number.
	OneHot bool
}

// Width implements Stage.
func (b *Bin) Width() (in, out int) {
	if !b.OneHot {
		return len(b.Edges), len(b.Edges)
	}
	for _, edges := range b.Edges {
		out += len(edges) + 1
	}
	return len(b.Edges), out
}

// Scratch implements Stage.
func (b *Bin) Scratch() int { return 0 }

// Apply implements Stage.
func (b *Bin) Apply(dst, src, _ []float64) bool {
	if !finite(src) {
		return false
	}
	if b.OneHot {
		clear(dst)
	}
	for i, edges := range b.Edges {
		value := src[i]
		if b.Lenient {
			const relative, absolute = 1e-5, 1e-8
			value += absolute + float64(relative*math.Abs(value))
		}
		bin := sort.Search(len(edges), func(i int) bool { return edges[i] > value })
		if !b.OneHot {
			dst[i] = float64(bin)
			continue
		}
		dst[bin] = 1
		dst = dst[len(edges)+1:]
	}
	return true
}
