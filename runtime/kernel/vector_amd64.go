//go:build amd64 && !purego

package kernel

import "golang.org/x/sys/cpu"

//go:generate go run -C ../../hack/kernels . -out ../../runtime/kernel/kernels_amd64.s -stubs ../../runtime/kernel/kernels_amd64.go -pkg kernel

// vector are the sets that the processor has the instructions for.
func vector() []*Set {
	var sets []*Set
	x86 := &cpu.X86
	if x86.HasAVX2 && x86.HasFMA && x86.HasBMI2 {
		sets = append(sets, setAVX2())
		if x86.HasAVX512F && x86.HasAVX512DQ && x86.HasAVX512BW && x86.HasAVX512VL {
			sets = append(sets, setAVX512())
		}
	}
	return sets
}

func setAVX2() *Set {
	return (&assembly{
		tile1: tile1AVX2, one4: tile4AVX2, dots: dotsAVX2, one: dotAVX2,
		add: addAVX2, sub: subAVX2, mul: mulAVX2, div: divAVX2, affine: affineAVX2,
		relu: reluAVX2, exp: expAVX2, sigmoid: sigmoidAVX2, tanh: tanhAVX2,
	}).set("avx2")
}

func setAVX512() *Set {
	return (&assembly{
		tile1: tile1AVX512, tile2: tile2AVX512, tile4: tile4AVX512, one4: tile4AVX512, one8: tile8AVX512,
		dots: dotsAVX512, one: dotAVX512,
		add: addAVX512, sub: subAVX512, mul: mulAVX512, div: divAVX512, affine: affineAVX512,
		relu: reluAVX512, exp: expAVX512, sigmoid: sigmoidAVX512, tanh: tanhAVX512,
	}).set("avx512")
}

// The kernels in assembly. Their callers have checked everything.
type (
	tileFunc func(out *float32, outStride int, x *float32, xStride, rows int, w *float32, wStride int, bias *float32,
		terms, last int, floor float32)
	dotsFunc   func(out *float32, outStride int, x *float32, xStride, rows int, w *float32, terms int, bias, floor float32)
	unaryFunc  func(out, a *float32, n int)
	binaryFunc func(out, a, b *float32, n int)
)

// assembly are the kernels for one set of instructions.
type assembly struct {
	// tile1, tile2 and tile4 compute so many blocks of 16 columns; those for one row, one4 and one8, may be wider. Those that
	// are nil are done without.
	tile1, tile2, tile4, one4, one8 tileFunc

	dots                     dotsFunc
	one                      func(x, y *float32, n int) float32
	add, sub, mul, div       binaryFunc
	affine                   func(out, a, scale, offset *float32, n int)
	relu, exp, sigmoid, tanh unaryFunc
}

func (a *assembly) set(name string) *Set {
	return &Set{
		Name:     name,
		dense:    a.dense,
		narrow:   a.narrow,
		Add:      binary(a.add),
		Sub:      binary(a.sub),
		Mul:      binary(a.mul),
		Div:      binary(a.div),
		Affine:   a.affineSlices,
		Relu:     unary(a.relu),
		Exp:      unary(a.exp),
		Sigmoid:  unary(a.sigmoid),
		Tanh:     unary(a.tanh),
		Dot:      a.dot,
		Prefetch: prefetch,
	}
}

// chunk is how many elements are done in one call: assembly cannot be interrupted, so that it must not take long.
const chunk = 1 << 16

func unary(do unaryFunc) func(out, a []float32) {
	return func(out, a []float32) {
		a = a[:len(out)]
		for len(out) > 0 {
			n := min(chunk, len(out))
			do(&out[0], &a[0], n)
			out, a = out[n:], a[n:]
		}
	}
}

func binary(do binaryFunc) func(out, a, b []float32) {
	return func(out, a, b []float32) {
		a, b = a[:len(out)], b[:len(out)]
		for len(out) > 0 {
			n := min(chunk, len(out))
			do(&out[0], &a[0], &b[0], n)
			out, a, b = out[n:], a[n:], b[n:]
		}
	}
}

func (a *assembly) affineSlices(out, x, scale, offset []float32) {
	x, scale, offset = x[:len(out)], scale[:len(out)], offset[:len(out)]
	for len(out) > 0 {
		n := min(chunk, len(out))
		a.affine(&out[0], &x[0], &scale[0], &offset[0], n)
		out, x, scale, offset = out[n:], x[n:], scale[n:], offset[n:]
	}
}

// operations is how many multiplications and additions one call may do.
const operations = 1 << 21

// dense does a number of rows with all columns before it goes on to the next, so that the rows stay in the cache.
func (a *assembly) dense(out []float32, outStride int, x []float32, xStride, rows int, w *Weights, floor float32) {
	const tallest = 6
	at := max(1, operations/(tallest*4*lanes*max(1, w.In))) * tallest
	at = min(at, 16*tallest)
	for r := 0; r < rows; r += at {
		n := min(at, rows-r)
		a.columns(out[r*outStride:], outStride, x[min(len(x), r*xStride):], xStride, n, w, floor)
	}
}

// columns computes all columns of some rows, in tiles as wide as there are.
func (a *assembly) columns(out []float32, outStride int, x []float32, xStride, rows int, w *Weights, floor float32) {
	blocks := w.blocks()
	for b := 0; b < blocks; {
		tile, wide := a.widest(blocks-b, rows)
		last := min(lanes, w.Out-(b+wide-1)*lanes)
		tile(&out[b*lanes], 4*outStride, first(x), 4*xStride, rows, first(w.data[b*lanes*w.In:]), 4*lanes*w.In,
			&w.bias[b*lanes], w.In, last, floor)
		b += wide
	}
}

// widest is the widest tile for so many blocks, and its width.
func (a *assembly) widest(blocks, rows int) (tile tileFunc, wide int) {
	switch {
	case rows == 1 && blocks >= 8 && a.one8 != nil:
		return a.one8, 8
	case rows == 1 && blocks >= 4:
		return a.one4, 4
	case blocks >= 4 && a.tile4 != nil:
		return a.tile4, 4
	case blocks >= 2 && a.tile2 != nil:
		return a.tile2, 2
	default:
		return a.tile1, 1
	}
}

// first is where a slice begins; nil, which is not read, where it is empty.
func first(s []float32) *float32 {
	if len(s) == 0 {
		return nil
	}
	return &s[0]
}

func (a *assembly) narrow(out []float32, outStride int, x []float32, xStride, rows int, w *Weights, floor float32) {
	stride := padded(w.In)
	at := max(1, operations/max(1, w.In))
	for r := 0; r < rows; r += at {
		n := min(at, rows-r)
		for j := range w.Out {
			a.dots(&out[r*outStride+j], 4*outStride, first(x[min(len(x), r*xStride):]), 4*xStride, n, first(w.data[j*stride:]),
				w.In, w.bias[j], floor)
		}
	}
}

func (a *assembly) dot(x, y []float32) float32 {
	y = y[:len(x)]
	sum := float32(0)
	for len(x) > 0 {
		n := min(chunk, len(x))
		sum += a.one(&x[0], &y[0], n)
		x, y = x[n:], y[n:]
	}
	return sum
}

func dotAVX2(x, y *float32, n int) (sum float32) {
	dotsAVX2(&sum, 0, x, 0, 1, y, n, 0, minusInf)
	return sum
}

func dotAVX512(x, y *float32, n int) (sum float32) {
	dotsAVX512(&sum, 0, x, 0, 1, y, n, 0, minusInf)
	return sum
}

func prefetch(table []float32, width int, rows []int32) {
	if width <= 0 || len(rows) == 0 || len(table) < width {
		return
	}
	prefetchRows(&table[0], len(table)/width, 4*width, &rows[0], len(rows))
}
