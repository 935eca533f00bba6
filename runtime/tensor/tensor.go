// Package tensor has the arrays that models compute with: a type of element, a shape, and the elements in row-major
// order. A tensor keeps its storage when it is resized, so that one which is used again and again allocates nothing.
//
// Nothing here knows an operation on tensors; those are in runtime/op.
package tensor

import "fmt"

// DType is the type of a tensor's elements.
type DType uint8

// The types. Artifacts have more of them: half floats become Float32, and narrow integers a wider one, when they are read.
const (
	Float32 DType = iota + 1
	Float64
	Int32
	Int64
	Bool
	String
)

// String names the type as the frameworks do.
func (d DType) String() string {
	switch d {
	case Float32:
		return "float32"
	case Float64:
		return "float64"
	case Int32:
		return "int32"
	case Int64:
		return "int64"
	case Bool:
		return "bool"
	case String:
		return "string"
	default:
		return fmt.Sprintf("DType(%d)", uint8(d))
	}
}

// Size is how many bytes an element takes; a string's own bytes come on top.
func (d DType) Size() int {
	switch d {
	case Float32, Int32:
		return 4
	case Float64, Int64:
		return 8
	case Bool:
		return 1
	default:
		return 16
	}
}

// MaxRank is how many dimensions an operator's tensor may have.
const MaxRank = 8

// Element is what a tensor may hold.
type Element interface {
	float32 | float64 | int32 | int64 | bool | string
}

// TypeOf is the DType of T.
func TypeOf[T Element]() DType {
	switch any(*new(T)).(type) {
	case float32:
		return Float32
	case float64:
		return Float64
	case int32:
		return Int32
	case int64:
		return Int64
	case bool:
		return Bool
	default:
		return String
	}
}

// Tensor is an array. Its zero value is empty, and of no type, until it is resized. It must not be copied.
type Tensor struct {
	dtype DType
	shape []int
	data  storage
	// kept is the tensor's own storage while data is another's.
	kept storage
	view bool
	// strings is how many of its own strings may be set.
	strings int
}

// storage has a slice per type, of which the tensor's type says which one counts.
type storage struct {
	float32s []float32
	float64s []float64
	int32s   []int32
	int64s   []int64
	bools    []bool
	strings  []string
}

// New returns a tensor of zeros.
func New(dtype DType, shape ...int) *Tensor {
	t := &Tensor{}
	t.Resize(dtype, shape...)
	return t
}

// Of returns a tensor of the values, which it keeps. Without a shape it is a scalar's. It panics where the shape does not
// have that many elements.
func Of[T Element](values []T, shape ...int) *Tensor {
	if Count(shape) != len(values) {
		panic(fmt.Sprintf("tensor: %d values for the shape %v", len(values), shape))
	}
	t := &Tensor{dtype: TypeOf[T](), shape: append([]int(nil), shape...)}
	*slot[T](&t.data) = values
	return t
}

// Count is how many elements a shape has: 1 for a scalar's. The product must be known not to overflow.
func Count(shape []int) int {
	n := 1
	for _, size := range shape {
		n *= size
	}
	return n
}

// DType is the type of the elements.
func (t *Tensor) DType() DType { return t.dtype }

// Shape is the size of each dimension; nil is a scalar's. It must not be changed, and is valid until the next Resize.
func (t *Tensor) Shape() []int { return t.shape }

// Rank is the number of dimensions.
func (t *Tensor) Rank() int { return len(t.shape) }

// Len is the number of elements.
func (t *Tensor) Len() int {
	switch t.dtype {
	case Float32:
		return len(t.data.float32s)
	case Float64:
		return len(t.data.float64s)
	case Int32:
		return len(t.data.int32s)
	case Int64:
		return len(t.data.int64s)
	case Bool:
		return len(t.data.bools)
	default:
		return len(t.data.strings)
	}
}

// Data returns the elements. It panics where they are of another type, which the caller is to have checked.
func Data[T Element](t *Tensor) []T {
	if want := TypeOf[T](); t.dtype != want {
		panic(fmt.Sprintf("tensor: is of %v, not %v", t.dtype, want))
	}
	return *slot[T](&t.data)
}

// slot finds the slice for T.
func slot[T Element](s *storage) *[]T {
	var found any
	switch any((*T)(nil)).(type) {
	case *float32:
		found = &s.float32s
	case *float64:
		found = &s.float64s
	case *int32:
		found = &s.int32s
	case *int64:
		found = &s.int64s
	case *bool:
		found = &s.bools
	default:
		found = &s.strings
	}
	return found.(*[]T)
}

// Resize gives the tensor a type and a shape. What it held is gone, and what it holds is anything: every element must be
// set. The product of the shape must be known not to overflow, and its sizes not to be negative.
func (t *Tensor) Resize(dtype DType, shape ...int) {
	if t.view {
		t.data, t.kept, t.view = t.kept, storage{}, false
	}
	t.dtype = dtype
	t.shape = append(t.shape[:0], shape...)
	n := Count(shape)
	switch dtype {
	case Float32:
		t.data.float32s = resize(t.data.float32s, n)
	case Float64:
		t.data.float64s = resize(t.data.float64s, n)
	case Int32:
		t.data.int32s = resize(t.data.int32s, n)
	case Int64:
		t.data.int64s = resize(t.data.int64s, n)
	case Bool:
		t.data.bools = resize(t.data.bools, n)
	default:
		t.data.strings = resize(t.data.strings, n)
		t.strings = max(t.strings, n)
	}
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// View makes t another shape of src's elements, which both then share; neither may then be written to. The shape must have
// as many elements.
func (t *Tensor) View(src *Tensor, shape ...int) {
	if Count(shape) != src.Len() {
		panic(fmt.Sprintf("tensor: a view of shape %v on %d elements", append([]int(nil), shape...), src.Len()))
	}
	if !t.view {
		t.kept, t.view = t.data, true
	}
	t.dtype, t.data = src.dtype, src.data
	t.shape = append(t.shape[:0], shape...)
}

// Clone returns a copy with its own elements.
func (t *Tensor) Clone() *Tensor {
	c := &Tensor{}
	c.Copy(t)
	return c
}

// Copy gives t the type, shape and elements of src.
func (t *Tensor) Copy(src *Tensor) {
	t.Resize(src.dtype, src.shape...)
	switch src.dtype {
	case Float32:
		copy(t.data.float32s, src.data.float32s)
	case Float64:
		copy(t.data.float64s, src.data.float64s)
	case Int32:
		copy(t.data.int32s, src.data.int32s)
	case Int64:
		copy(t.data.int64s, src.data.int64s)
	case Bool:
		copy(t.data.bools, src.data.bools)
	default:
		copy(t.data.strings, src.data.strings)
	}
}

// Clear sets every element to zero, false or the empty string.
func (t *Tensor) Clear() {
	switch t.dtype {
	case Float32:
		clear(t.data.float32s)
	case Float64:
		clear(t.data.float64s)
	case Int32:
		clear(t.data.int32s)
	case Int64:
		clear(t.data.int64s)
	case Bool:
		clear(t.data.bools)
	default:
		clear(t.data.strings)
	}
}

// Forget lets go of the strings that the tensor holds, its own and another's, so that they do not stay in memory because of
// it. It keeps its storage for them. What it held is gone.
func (t *Tensor) Forget() {
	if t.view {
		t.data, t.kept, t.view = t.kept, storage{}, false
		t.dtype, t.shape = 0, t.shape[:0]
	}
	if t.strings > 0 {
		clear(t.data.strings[:min(t.strings, cap(t.data.strings))])
		t.strings = 0
	}
}

// Bytes is how much memory the elements take, with what strings hold.
func (t *Tensor) Bytes() int64 {
	n := int64(t.Len()) * int64(t.dtype.Size())
	if t.dtype == String {
		for _, s := range t.data.strings {
			n += int64(len(s))
		}
	}
	return n
}

// String is the type and the shape, as error messages name them: "float32[2 3]".
func (t *Tensor) String() string {
	if t == nil {
		return "nothing"
	}
	return fmt.Sprintf("%v%v", t.dtype, t.shape)
}
