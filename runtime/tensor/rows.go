package tensor

import "slices"

// ViewRows makes t the n rows of src from one on, along its first dimension, which both then share; neither may then be
// written to. Src must have them.
func (t *Tensor) ViewRows(src *Tensor, from, n int) {
	if !t.view {
		t.kept, t.view = t.data, true
	}
	width := Count(src.shape[1:])
	at, end := from*width, (from+n)*width
	t.dtype, t.data = src.dtype, storage{}
	switch src.dtype {
	case Float32:
		t.data.float32s = src.data.float32s[at:end]
	case Float64:
		t.data.float64s = src.data.float64s[at:end]
	case Int32:
		t.data.int32s = src.data.int32s[at:end]
	case Int64:
		t.data.int64s = src.data.int64s[at:end]
	case Bool:
		t.data.bools = src.data.bools[at:end]
	default:
		t.data.strings = src.data.strings[at:end]
	}
	t.shape = append(append(t.shape[:0], n), src.shape[1:]...)
}

// SetRows copies all rows of src to those of t from one on. It says whether they fit: both must be of the same type and,
// beside the number of rows, shape. Calls for different rows may run at the same time.
func (t *Tensor) SetRows(from int, src *Tensor) bool {
	if t.dtype != src.dtype || len(src.shape) == 0 || len(t.shape) == 0 || !slices.Equal(t.shape[1:], src.shape[1:]) ||
		from+src.shape[0] > t.shape[0] {
		return false
	}
	at := from * Count(src.shape[1:])
	switch src.dtype {
	case Float32:
		copy(t.data.float32s[at:], src.data.float32s)
	case Float64:
		copy(t.data.float64s[at:], src.data.float64s)
	case Int32:
		copy(t.data.int32s[at:], src.data.int32s)
	case Int64:
		copy(t.data.int64s[at:], src.data.int64s)
	case Bool:
		copy(t.data.bools[at:], src.data.bools)
	default:
		copy(t.data.strings[at:], src.data.strings)
	}
	return true
}
