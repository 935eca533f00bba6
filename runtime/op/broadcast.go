package op

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// operands is how many tensors are broadcast together at most; operators that take more do it two by two.
const operands = 3

// broadcast walks several tensors as if they were of one shape, as numpy does: shapes are aligned at their ends, and where
// one has the size 1, or no dimension, its elements are repeated.
type broadcast struct {
	// shape is the result's.
	shape dims
	rank  int
	// The loops to run, the innermost first. Dimensions that can be run as one are; in the innermost, each operand either goes
	// step by step, or stands still.
	loops int
	size  dims
	step  [operands]dims
}

// newBroadcast fails where the shapes cannot be made one. They are of at most tensor.MaxRank dimensions.
func newBroadcast(shapes ...[]int) (b broadcast, err error) {
	for _, shape := range shapes {
		b.rank = max(b.rank, len(shape))
	}
	for d := range b.rank {
		size := 1
		for _, shape := range shapes {
			at := d - b.rank + len(shape)
			if at < 0 || shape[at] == 1 {
				continue
			}
			if size != 1 && size != shape[at] {
				return b, mismatch(shapes)
			}
			size = shape[at]
		}
		b.shape[d] = size
	}
	b.plan(shapes)
	return b, nil
}

func mismatch(shapes [][]int) error {
	texts := make([]string, len(shapes))
	for i, shape := range shapes {
		texts[i] = fmt.Sprint(append([]int(nil), shape...))
	}
	return fmt.Errorf("the shapes %s cannot be broadcast together", strings.Join(texts, " and "))
}

// plan finds the loops.
func (b *broadcast) plan(shapes [][]int) {
	var stride [operands]int
	for k := range shapes {
		stride[k] = 1
	}
	for d := b.rank - 1; d >= 0; d-- {
		if b.shape[d] == 1 {
			continue
		}
		var step [operands]int
		for k, shape := range shapes {
			if at := d - b.rank + len(shape); at >= 0 && shape[at] != 1 {
				step[k] = stride[k]
				stride[k] *= shape[at]
			}
		}
		b.loop(b.shape[d], &step)
	}
	if b.loops == 0 {
		b.loops, b.size[0] = 1, 1
	}
}

// loop adds one outside of those that there are, or makes the outermost longer.
func (b *broadcast) loop(size int, step *[operands]int) {
	if last := b.loops - 1; last >= 0 {
		merges := true
		for k := range step {
			merges = merges && step[k] == b.size[last]*b.step[k][last]
		}
		if merges {
			b.size[last] *= size
			return
		}
	}
	b.size[b.loops] = size
	for k := range step {
		b.step[k][b.loops] = step[k]
	}
	b.loops++
}

// walk calls visit for each innermost loop, with where it begins in the result and in the operands.
func (b *broadcast) walk(total int, visit func(result, a, b, c int)) {
	if total == 0 {
		return
	}
	var at [operands]int
	var count dims
	for result := 0; result < total; result += b.size[0] {
		visit(result, at[0], at[1], at[2])
		for l := 1; l < b.loops; l++ {
			count[l]++
			back := 0
			if count[l] == b.size[l] {
				count[l], back = 0, b.size[l]
			}
			for k := range at {
				at[k] += b.step[k][l] * (1 - back)
			}
			if back == 0 {
				break
			}
		}
	}
}

// part is what an operand has in an innermost loop: an element for each, or one for all.
func part[T any](b *broadcast, k int, data []T, at int) []T {
	if b.step[k][0] == 0 {
		return data[at : at+1]
	}
	return data[at : at+b.size[0]]
}

// loop2 computes y of a and b, of which each either is as long as y or has one element.
type loop2[T, R any] func(y []R, a, b []T)

// zip runs a loop over two tensors of type T, and makes y of their broadcast shape.
func zip[T, R tensor.Element](f *graph.Frame, y, a, b *tensor.Tensor, loop loop2[T, R]) error {
	x0, x1 := tensor.Data[T](a), tensor.Data[T](b)
	if slices.Equal(a.Shape(), b.Shape()) {
		if err := f.Resize(y, tensor.TypeOf[R](), a.Shape()...); err != nil {
			return err
		}
		if len(x0) > 0 {
			loop(tensor.Data[R](y), x0, x1)
		}
		return nil
	}
	br, err := newBroadcast(a.Shape(), b.Shape())
	if err != nil {
		return err
	}
	if err := f.Resize(y, tensor.TypeOf[R](), br.shape[:br.rank]...); err != nil {
		return err
	}
	data := tensor.Data[R](y)
	br.walk(len(data), func(result, a, b, _ int) {
		loop(data[result:result+br.size[0]], part(&br, 0, x0, a), part(&br, 1, x1, b))
	})
	return nil
}

// each is the loop of a function of two elements.
func each[T, R any](y []R, a, b []T, fn func(a, b T) R) {
	switch {
	case len(a) == len(y) && len(b) == len(y):
		for i := range y {
			y[i] = fn(a[i], b[i])
		}
	case len(b) == 1:
		for i := range y {
			y[i] = fn(a[i], b[0])
		}
	default:
		for i := range y {
			y[i] = fn(a[0], b[i])
		}
	}
}

// pair checks that there are two inputs, and of one type.
func pair(in, out []*tensor.Tensor) error {
	if err := check(in, out, 2, 2); err != nil {
		return err
	}
	return sameType(in[0], in[1])
}

func sameType(a, b *tensor.Tensor) error {
	if a.DType() != b.DType() {
		return fmt.Errorf("takes tensors of one type, not %v and %v", a, b)
	}
	return nil
}
