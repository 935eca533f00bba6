package pickle

import "slices"

// suspended is the machine's state around a pickle within the pickle, which has a stack and a memo of its own.
type suspended struct {
	stack  []Node
	marks  []int
	memo   []Node
	sparse map[uint64]Node
	// array is what the pickle within is to fill, shape what it must then have.
	array *Array
	shape []int
}

// readWrapped completes joblib's NumpyArrayWrapper. Where CPython sets its state, joblib reads the array from the same
// stream: the opcodes go on behind its bytes, or behind the pickle that an array of objects is written as.
func (m *machine) readWrapped(array *Array, state Node) {
	attributes, isDict := state.(*Dict)
	if !isDict || array.filled || m.outer != nil {
		m.fail(Malformed, "a NumpyArrayWrapper without a place or a state of its own")
		return
	}
	subclass, _ := attributes.Get("subclass")
	if class, ok := subclass.(*Class); !ok || class.String() != "numpy.ndarray" {
		m.fail(Unsupported, "an array of class %s", KindOf(subclass))
		return
	}
	orderNode, _ := attributes.Get("order")
	order, _ := orderNode.(Str)
	shape, _ := attributes.Get("shape")
	sizes, isShape := dimensions(shape)
	typeNode, _ := attributes.Get("dtype")
	dtype, isType := typeNode.(*DType)
	switch {
	case !isShape || !isType || (order != "C" && order != "F"):
		m.fail(Malformed, "the shape, type or order of a NumpyArrayWrapper")
	case dtype.Code == 'O':
		m.enter(array, sizes)
	case dtype.Code == 'V' || dtype.Size == 0:
		m.fail(Unsupported, "an array of %s", dtype)
	default:
		alignment, present := attributes.Get("numpy_array_alignment_bytes")
		if _, none := alignment.(None); present && !none {
			m.in.take(m.in.uint8())
		}
		if m.in.short {
			return
		}
		count, fits := product(sizes, m.in.left()/dtype.Size)
		if !fits {
			m.fail(Truncated, "an array claims shape %v of %s, and %d bytes are left", sizes, dtype, m.in.left())
			return
		}
		m.fill(array, shape, dtype, order == "F", Bytes(m.in.take(uint64(count*dtype.Size))))
	}
}

// enter begins a pickle within the pickle. Pickles within that one are not written, and not read.
func (m *machine) enter(array *Array, shape []int) {
	m.outer = &suspended{stack: m.stack, marks: m.marks, memo: m.memo, sparse: m.sparse, array: array, shape: shape}
	m.stack, m.marks, m.memo, m.sparse = nil, nil, nil, nil
}

// leave goes on with the pickle around the one that has ended.
func (m *machine) leave(result Node) {
	outer := m.outer
	m.outer = nil
	m.stack, m.marks, m.memo, m.sparse = outer.stack, outer.marks, outer.memo, outer.sparse
	inner, ok := result.(*Array)
	if !ok || inner.DType.Code != 'O' || !slices.Equal(inner.Shape, outer.shape) {
		m.fail(Malformed, "an array of objects is announced with shape %v, and %s follows", outer.shape, KindOf(result))
		return
	}
	*outer.array = *inner
}
