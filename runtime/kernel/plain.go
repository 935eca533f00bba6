package kernel

import "math"

var minusInf = float32(math.Inf(-1))

// Plain is the set in Go, for any processor.
func Plain() *Set {
	return &Set{
		Name:     "plain",
		dense:    densePlain,
		narrow:   narrowPlain,
		Add:      addPlain,
		Sub:      subPlain,
		Mul:      mulPlain,
		Div:      divPlain,
		Affine:   affinePlain,
		Relu:     reluPlain,
		Exp:      expPlain,
		Sigmoid:  sigmoidPlain,
		Tanh:     tanhPlain,
		Dot:      dotPlain,
		Prefetch: func([]float32, int, []int32) {},
	}
}

// densePlain keeps sixteen sums, one per column of a block.
func densePlain(out []float32, outStride int, x []float32, xStride, rows int, w *Weights, floor float32) {
	for b := range w.blocks() {
		block := w.data[b*w.In*lanes:][:w.In*lanes]
		bias := w.bias[b*lanes:][:lanes]
		width := min(lanes, w.Out-b*lanes)
		for r := range rows {
			sums := [lanes]float32(bias)
			row := x[r*xStride:][:w.In]
			for i, v := range row {
				weights := (*[lanes]float32)(block[i*lanes:])
				for k := range sums {
					sums[k] += v * weights[k]
				}
			}
			to := out[r*outStride+b*lanes:][:width]
			for k := range to {
				to[k] = atLeast(sums[k], floor)
			}
		}
	}
}

func narrowPlain(out []float32, outStride int, x []float32, xStride, rows int, w *Weights, floor float32) {
	stride := padded(w.In)
	for r := range rows {
		row := x[r*xStride:][:w.In]
		to := out[r*outStride:][:w.Out]
		for j := range to {
			to[j] = atLeast(dotPlain(row, w.data[j*stride:])+w.bias[j], floor)
		}
	}
}

// atLeast is floor where that is greater than v, else v, which may be NaN.
func atLeast(v, floor float32) float32 {
	if v < floor {
		return floor
	}
	return v
}

func addPlain(out, a, b []float32) {
	a, b = a[:len(out)], b[:len(out)]
	for i := range out {
		out[i] = a[i] + b[i]
	}
}

func subPlain(out, a, b []float32) {
	a, b = a[:len(out)], b[:len(out)]
	for i := range out {
		out[i] = a[i] - b[i]
	}
}

func mulPlain(out, a, b []float32) {
	a, b = a[:len(out)], b[:len(out)]
	for i := range out {
		out[i] = a[i] * b[i]
	}
}

func divPlain(out, a, b []float32) {
	a, b = a[:len(out)], b[:len(out)]
	for i := range out {
		out[i] = a[i] / b[i]
	}
}

func affinePlain(out, a, scale, offset []float32) {
	a, scale, offset = a[:len(out)], scale[:len(out)], offset[:len(out)]
	for i := range out {
		out[i] = a[i]*scale[i] + offset[i]
	}
}

func reluPlain(out, a []float32) {
	a = a[:len(out)]
	for i := range out {
		out[i] = atLeast(a[i], 0)
	}
}

func expPlain(out, a []float32) {
	a = a[:len(out)]
	for i := range out {
		out[i] = float32(math.Exp(float64(a[i])))
	}
}

func sigmoidPlain(out, a []float32) {
	a = a[:len(out)]
	for i := range out {
		out[i] = float32(1 / (1 + math.Exp(-float64(a[i]))))
	}
}

func tanhPlain(out, a []float32) {
	a = a[:len(out)]
	for i := range out {
		out[i] = float32(math.Tanh(float64(a[i])))
	}
}

func dotPlain(a, b []float32) float32 {
	b = b[:len(a)]
	sum := float32(0)
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}
