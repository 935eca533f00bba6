package graph

import (
	"context"
	"fmt"
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/kernel"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// TooLargeError says that running a graph would take more memory than it may.
type TooLargeError struct {
	// DType and Shape are those of the tensor that was too much; Limit is in bytes, for all tensors of a run.
	DType tensor.DType
	Shape []int
	Limit int64
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("a tensor %v%v is too large: one run may make %d bytes of tensors", e.DType, e.Shape, e.Limit)
}

// Frame is what an operator runs in: it gives out memory, and counts it, and has the numeric loops. It belongs to one run at
// a time.
type Frame struct {
	limit, left int64
	kernels     *kernel.Set
	// scratch is per node, so that a node finds its own buffers again, in the size that it needs.
	scratch []([]*tensor.Tensor)
	node    int
	// err tells whether somebody still waits for the run.
	err func() error
}

// NewFrame returns a frame for graphs of so many nodes, whose runs may each make so many bytes of tensors.
func NewFrame(nodes int, limit int64, kernels *kernel.Set) *Frame {
	return &Frame{limit: limit, left: limit, kernels: kernels, scratch: make([][]*tensor.Tensor, nodes)}
}

// Kernels are the numeric loops that operators use.
func (f *Frame) Kernels() *kernel.Set { return f.kernels }

// Begin starts a run.
func (f *Frame) Begin() { f.left = f.limit }

// Limit says how many bytes of tensors the runs that begin from now on may each make.
func (f *Frame) Limit(bytes int64) { f.limit = bytes }

// Used is how many bytes the run has made.
func (f *Frame) Used() int64 { return f.limit - max(0, f.left) }

// Watch makes runs end early once the context does, where operators ask Err.
func (f *Frame) Watch(ctx context.Context) { f.err = ctx.Err }

// Unwatch ends what Watch or Follow began.
func (f *Frame) Unwatch() { f.err = nil }

// Follow makes runs end early where those of another frame do.
func (f *Frame) Follow(other *Frame) { f.err = other.err }

// Err is why a run is to end early, or nil. Operators whose work grows faster than their inputs and outputs ask now and then.
func (f *Frame) Err() error {
	if f.err == nil {
		return nil
	}
	return f.err()
}

// At says which node runs next.
func (f *Frame) At(node int) { f.node = node }

// Resize gives a tensor a type and shape. It fails where there are more than tensor.MaxRank dimensions, a size is negative,
// or the run's memory is used up. What the tensor holds then is anything. Of a tensor without elements, the other
// dimensions are bounded as if it had some, so that no loop over them is too long.
func (f *Frame) Resize(t *tensor.Tensor, dtype tensor.DType, shape ...int) error {
	if len(shape) > tensor.MaxRank {
		return fmt.Errorf("%d dimensions, of which %d are possible", len(shape), tensor.MaxRank)
	}
	bytes := int64(dtype.Size())
	empty := false
	for _, size := range shape {
		if size < 0 {
			return fmt.Errorf("a dimension of size %d", size)
		}
		if size == 0 {
			empty = true
			continue
		}
		if bytes > math.MaxInt64/int64(size) {
			return f.tooLarge(dtype, shape)
		}
		bytes *= int64(size)
	}
	if empty {
		if bytes > f.limit {
			return f.tooLarge(dtype, shape)
		}
		bytes = 0
	}
	// Every tensor costs something, so that a run of very many empty ones ends, too.
	if f.left -= bytes + 1; f.left < 0 {
		return f.tooLarge(dtype, shape)
	}
	t.Resize(dtype, shape...)
	return nil
}

// Charge takes bytes of a run's memory that are in no tensor, as the bytes of new strings are.
func (f *Frame) Charge(bytes int64) error {
	if bytes > f.left {
		return f.tooLarge(tensor.String, []int{int(min(bytes, math.MaxInt32))})
	}
	f.left -= bytes
	return nil
}

func (f *Frame) tooLarge(dtype tensor.DType, shape []int) error {
	f.left = -1
	return &TooLargeError{dtype, append([]int(nil), shape...), f.limit}
}

// Scratch returns the node's i-th tensor for its own use, to be resized by Resize. Its content does not survive the run of
// the operator.
func (f *Frame) Scratch(i int) *tensor.Tensor {
	own := f.scratch[f.node]
	for len(own) <= i {
		own = append(own, &tensor.Tensor{})
		f.scratch[f.node] = own
	}
	return own[i]
}

// Forget lets go of the strings that scratch tensors hold.
func (f *Frame) Forget() {
	for _, own := range f.scratch {
		for _, t := range own {
			t.Forget()
		}
	}
}
