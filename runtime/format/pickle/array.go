package pickle

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// DType is numpy's element type.
type DType struct {
	// Code is numpy's letter: f, i, u, b (bool), U, S, O (objects), V (structures) and others.
	Code byte
	// Size is an element's bytes.
	Size      int
	BigEndian bool
}

// Array is a numpy array.
type Array struct {
	DType DType
	Shape []int
	// Fortran says that the first index varies fastest in Data.
	Fortran bool
	// Data holds the elements, and aliases the input; it is nil for arrays of objects.
	Data []byte
	// Objects holds the elements of an array of objects.
	Objects []Node
	filled  bool
	// wrapped arrays are joblib's: their bytes are in the stream, where their state is set.
	wrapped bool
}

// maxDimensions is numpy's own limit.
const maxDimensions = 64

// String is the type as numpy spells it.
func (d DType) String() string {
	size := d.Size
	if d.Code == 'U' {
		size /= 4
	}
	order := ""
	if d.BigEndian {
		order = ">"
	}
	return order + string(rune(d.Code)) + strconv.Itoa(size)
}

// Len is the number of elements.
func (a *Array) Len() int {
	if a.DType.Code == 'O' {
		return len(a.Objects)
	}
	return len(a.Data) / max(a.DType.Size, 1)
}

// Float64s returns the elements in C order, converted. It allocates 8 bytes for each element, of which there is at
// least a byte in the input.
func (a *Array) Float64s() ([]float64, error) {
	decode, err := a.DType.decoder()
	if err != nil {
		return nil, err
	}
	values := make([]float64, a.Len())
	for i := range values {
		values[i] = decode(a.Data[a.DType.Size*a.place(i):])
	}
	return values, nil
}

// place is where the element with C-order index i is stored.
func (a *Array) place(i int) int {
	if !a.Fortran || len(a.Shape) < 2 {
		return i
	}
	place := 0
	for axis, size := range slices.Backward(a.Shape) {
		index := i % size
		i /= size
		stride := 1
		for _, n := range a.Shape[:axis] {
			stride *= n
		}
		place += index * stride
	}
	return place
}

// decoder returns the conversion of one element to a float64.
func (d DType) decoder() (func([]byte) float64, error) {
	var order binary.ByteOrder = binary.LittleEndian
	if d.BigEndian {
		order = binary.BigEndian
	}
	switch string(rune(d.Code)) + strconv.Itoa(d.Size) {
	case "f8":
		return func(b []byte) float64 { return math.Float64frombits(order.Uint64(b)) }, nil
	case "f4":
		return func(b []byte) float64 { return float64(math.Float32frombits(order.Uint32(b))) }, nil
	case "i8":
		return func(b []byte) float64 { return float64(int64(order.Uint64(b))) }, nil
	case "i4":
		return func(b []byte) float64 { return float64(int32(order.Uint32(b))) }, nil
	case "i2":
		return func(b []byte) float64 { return float64(int16(order.Uint16(b))) }, nil
	case "i1":
		return func(b []byte) float64 { return float64(int8(b[0])) }, nil
	case "u8":
		return func(b []byte) float64 { return float64(order.Uint64(b)) }, nil
	case "u4":
		return func(b []byte) float64 { return float64(order.Uint32(b)) }, nil
	case "u2":
		return func(b []byte) float64 { return float64(order.Uint16(b)) }, nil
	case "u1", "b1":
		return func(b []byte) float64 { return float64(b[0]) }, nil
	default:
		return nil, fmt.Errorf("elements of type %s are not numbers that can be read", d)
	}
}

// dtype is the call numpy.dtype(code, align, copy).
func (m *machine) dtype(args *Tuple) Node {
	if len(args.Items) == 0 {
		return m.badArguments("numpy.dtype")
	}
	text, ok := args.Items[0].(Str)
	if !ok {
		return m.badArguments("numpy.dtype")
	}
	code := string(text)
	dtype := &DType{}
	if len(code) > 0 && strings.IndexByte("<>|=", code[0]) >= 0 {
		dtype.BigEndian = code[0] == '>'
		code = code[1:]
	}
	if code == "" {
		return m.badArguments("numpy.dtype")
	}
	size, err := strconv.Atoi(code[1:])
	if err != nil || size < 0 || size > math.MaxInt32 || !unicode.IsLetter(rune(code[0])) {
		m.fail(Unsupported, "numpy.dtype %s is not supported", printable(code))
		return None{}
	}
	dtype.Code, dtype.Size = code[0], size
	if dtype.Code == 'U' {
		dtype.Size *= 4
	}
	return dtype
}

// setDTypeState reads (version, byte order, subarray, names, fields, …).
func (m *machine) setDTypeState(dtype *DType, state Node) {
	tuple, ok := state.(*Tuple)
	if !ok || len(tuple.Items) < 2 {
		m.fail(Malformed, "the state of a numpy.dtype")
		return
	}
	order, ok := tuple.Items[1].(Str)
	if !ok {
		m.fail(Malformed, "the byte order of a numpy.dtype")
		return
	}
	dtype.BigEndian = order == ">"
}

// emptyArray is the call _reconstruct(ndarray, (0,), b'b'), which BUILD completes.
func (m *machine) emptyArray(args *Tuple) Node {
	if len(args.Items) != 3 {
		return m.badArguments("numpy's _reconstruct")
	}
	if class, ok := args.Items[0].(*Class); !ok || class.String() != "numpy.ndarray" {
		m.fail(Unsupported, "an array of class %s", KindOf(args.Items[0]))
		return None{}
	}
	return &Array{}
}

// setArrayState reads (version, shape, dtype, is Fortran, data).
func (m *machine) setArrayState(array *Array, state Node) {
	tuple, ok := state.(*Tuple)
	if !ok || len(tuple.Items) != 5 {
		m.fail(Malformed, "the state of an array")
		return
	}
	fortran, isBool := tuple.Items[3].(Bool)
	if !isBool {
		m.fail(Malformed, "the order of an array")
		return
	}
	m.fill(array, tuple.Items[1], tuple.Items[2], bool(fortran), tuple.Items[4])
}

// arrayFromBuffer is protocol 5's call _frombuffer(buffer, dtype, shape, order, axis order).
func (m *machine) arrayFromBuffer(args *Tuple) Node {
	if len(args.Items) < 4 || len(args.Items) > 5 {
		return m.badArguments("numpy's _frombuffer")
	}
	if len(args.Items) == 5 {
		if _, none := args.Items[4].(None); !none {
			m.fail(Unsupported, "an array whose axes are permuted")
			return None{}
		}
	}
	order, ok := args.Items[3].(Str)
	if !ok || (order != "C" && order != "F") {
		return m.badArguments("numpy's _frombuffer")
	}
	array := &Array{}
	m.fill(array, args.Items[2], args.Items[1], order == "F", args.Items[0])
	return array
}

// fill sets an array's elements, after it has found that there are as many as the shape says.
func (m *machine) fill(array *Array, shape, dtype Node, fortran bool, data Node) {
	if array.filled {
		m.fail(Malformed, "the state of an array is set twice")
		return
	}
	elements, ok := dtype.(*DType)
	if !ok {
		m.fail(Malformed, "the type of an array's elements is %s", KindOf(dtype))
		return
	}
	dimensions, ok := dimensions(shape)
	if !ok {
		m.fail(Malformed, "the shape of an array")
		return
	}
	var have int
	size := elements.Size
	switch data := data.(type) {
	case Bytes:
		array.Data, have = data, len(data)
		if size == 0 || elements.Code == 'O' {
			m.fail(Malformed, "an array of %s with bytes for elements", elements)
			return
		}
	case *List:
		if elements.Code != 'O' || !m.charge(len(data.Items)) {
			m.fail(Malformed, "an array of %s with objects for elements", elements)
			return
		}
		array.Objects, have, size = append([]Node(nil), data.Items...), len(data.Items), 1
	default:
		m.fail(Malformed, "the elements of an array are %s", KindOf(data))
		return
	}
	if count, ok := product(dimensions, have/size); !ok || count*size != have {
		m.fail(Malformed, "an array claims shape %v of %s, and holds %d bytes or objects", dimensions, elements, have)
		return
	}
	array.DType, array.Shape, array.Fortran, array.filled = *elements, dimensions, fortran, true
}

func dimensions(shape Node) ([]int, bool) {
	tuple, ok := shape.(*Tuple)
	if !ok || len(tuple.Items) > maxDimensions {
		return nil, false
	}
	sizes := make([]int, len(tuple.Items))
	for i, item := range tuple.Items {
		size, ok := item.(Int)
		if !ok || size < 0 || int64(size) > math.MaxInt32 {
			return nil, false
		}
		sizes[i] = int(size)
	}
	return sizes, true
}

// product multiplies, and gives up above the limit.
func product(sizes []int, limit int) (int, bool) {
	if slices.Contains(sizes, 0) {
		return 0, true
	}
	total := 1
	for _, size := range sizes {
		if size > limit/total {
			return 0, false
		}
		total *= size
	}
	return total, true
}

// numpyScalar is the call scalar(dtype, bytes): one element.
func (m *machine) numpyScalar(args *Tuple) Node {
	if len(args.Items) != 2 {
		return m.badArguments("numpy's scalar")
	}
	dtype, isType := args.Items[0].(*DType)
	raw, isBytes := args.Items[1].(Bytes)
	if !isType || !isBytes || dtype.Size == 0 || len(raw) != dtype.Size {
		return m.badArguments("numpy's scalar")
	}
	if dtype.Code == 'U' && m.charge(len(raw)/64) {
		return Str(dtype.text(raw))
	}
	decode, err := dtype.decoder()
	if err != nil {
		m.fail(Unsupported, "a numpy scalar: %v", err)
		return None{}
	}
	value := decode(raw)
	switch dtype.Code {
	case 'b':
		return Bool(value != 0)
	case 'i', 'u':
		// Integers beyond 2^53 lose digits here; none of those is a parameter that anything computes with.
		return Int(value)
	default:
		return Float(value)
	}
}

// text decodes one element of a U type, which is UCS-4 padded with zeros.
func (d DType) text(raw []byte) string {
	var order binary.ByteOrder = binary.LittleEndian
	if d.BigEndian {
		order = binary.BigEndian
	}
	var text strings.Builder
	for ; len(raw) >= 4; raw = raw[4:] {
		r := rune(order.Uint32(raw))
		if !utf8.ValidRune(r) {
			r = utf8.RuneError
		}
		text.WriteRune(r)
	}
	return strings.TrimRight(text.String(), "\x00")
}

// Strings returns the elements of an array of text.
func (a *Array) Strings() ([]string, error) {
	if a.DType.Code != 'U' && a.DType.Code != 'O' {
		return nil, fmt.Errorf("elements of type %s are not text", a.DType)
	}
	texts := make([]string, a.Len())
	for i := range texts {
		if a.DType.Code == 'U' {
			place := a.DType.Size * a.place(i)
			texts[i] = a.DType.text(a.Data[place : place+a.DType.Size])
			continue
		}
		text, ok := a.Objects[a.place(i)].(Str)
		if !ok {
			return nil, fmt.Errorf("an array's element %d is %s, not str", i, KindOf(a.Objects[i]))
		}
		texts[i] = string(text)
	}
	return texts, nil
}
