package op

import "github.com/ctr-operator/ctr-operator/runtime/tensor"

// layout says how elements are copied from one tensor to another, as nested loops that go through each in steps of their
// own. Most operators that only move elements are one.
type layout struct {
	loops int
	// The loops, the innermost first.
	size, to, from [2 * tensor.MaxRank]int
	// Where each begins.
	toAt, fromAt int
	empty        bool
}

// loop adds a loop outside of those that there are. Two that can be run as one become one.
func (l *layout) loop(size, to, from int) {
	switch last := l.loops - 1; {
	case size == 0:
		l.empty = true
	case size == 1:
	case last >= 0 && to == l.to[last]*l.size[last] && from == l.from[last]*l.size[last]:
		l.size[last] *= size
	default:
		l.size[l.loops], l.to[l.loops], l.from[l.loops] = size, to, from
		l.loops++
	}
}

// copy copies elements of x to y, which are of one type, and have all the places that the layout names.
func (l *layout) copy(y, x *tensor.Tensor) {
	if l.empty {
		return
	}
	if l.loops == 0 {
		l.loops, l.size[0], l.to[0], l.from[0] = 1, 1, 1, 1
	}
	switch x.DType() {
	case tensor.Float32:
		move[float32](l, y, x)
	case tensor.Float64:
		move[float64](l, y, x)
	case tensor.Int32:
		move[int32](l, y, x)
	case tensor.Int64:
		move[int64](l, y, x)
	case tensor.Bool:
		move[bool](l, y, x)
	default:
		move[string](l, y, x)
	}
}

func move[T tensor.Element](l *layout, dst, src *tensor.Tensor) {
	y, x := tensor.Data[T](dst), tensor.Data[T](src)
	var count [2 * tensor.MaxRank]int
	to, from := l.toAt, l.fromAt
	for {
		innermost(y, x, to, from, l.size[0], l.to[0], l.from[0])
		level := 1
		for ; level < l.loops; level++ {
			to, from = to+l.to[level], from+l.from[level]
			if count[level]++; count[level] < l.size[level] {
				break
			}
			to, from = to-l.to[level]*l.size[level], from-l.from[level]*l.size[level]
			count[level] = 0
		}
		if level >= l.loops {
			return
		}
	}
}

func innermost[T any](y, x []T, to, from, size, toStep, fromStep int) {
	switch {
	case toStep == 1 && fromStep == 1:
		copy(y[to:to+size], x[from:from+size])
	case toStep == 1 && fromStep == 0:
		fill(y[to:to+size], x[from])
	default:
		for range size {
			y[to] = x[from]
			to, from = to+toStep, from+fromStep
		}
	}
}

func fill[T any](y []T, v T) {
	for i := range y {
		y[i] = v
	}
}

// strides are how far apart the elements of each dimension are.
func strides(shape []int) (s dims) {
	step := 1
	for d := len(shape) - 1; d >= 0; d-- {
		s[d] = step
		step *= shape[d]
	}
	return s
}
