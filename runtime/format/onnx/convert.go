package onnx

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// The types of elements that are read, as TensorProto numbers them.
const (
	elemFloat    = 1
	elemUint8    = 2
	elemInt8     = 3
	elemUint16   = 4
	elemInt16    = 5
	elemInt32    = 6
	elemInt64    = 7
	elemString   = 8
	elemBool     = 9
	elemFloat16  = 10
	elemDouble   = 11
	elemUint32   = 12
	elemUint64   = 13
	elemBfloat16 = 16
)

// elemNames names all types that there are, for messages.
var elemNames = [...]string{ //nolint:gochecknoglobals // a constant table
	"undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16", "double",
	"uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2",
	"float8e5m2fnuz", "uint4", "int4", "float4e2m1", "float8e8m0", "uint2", "int2",
}

func elemName(elem int) string {
	if elem >= 0 && elem < len(elemNames) {
		return elemNames[elem]
	}
	return fmt.Sprintf("type %d", elem)
}

// dtypeOf is what elements become: half floats are widened to Float32, narrow integers to Int32, unsigned ones of 32 and 64
// bits to Int64.
func dtypeOf(elem int) (tensor.DType, error) {
	switch elem {
	case elemFloat, elemFloat16, elemBfloat16:
		return tensor.Float32, nil
	case elemDouble:
		return tensor.Float64, nil
	case elemInt32, elemInt16, elemInt8, elemUint16, elemUint8:
		return tensor.Int32, nil
	case elemInt64, elemUint32, elemUint64:
		return tensor.Int64, nil
	case elemBool:
		return tensor.Bool, nil
	case elemString:
		return tensor.String, nil
	default:
		return 0, fault(Unsupported, "elements of %s; convert them to float, double, integers, bool or string", elemName(elem))
	}
}

// elemSize is how many bytes an element takes in raw data.
func elemSize(elem int) int {
	switch elem {
	case elemUint8, elemInt8, elemBool:
		return 1
	case elemUint16, elemInt16, elemFloat16, elemBfloat16:
		return 2
	case elemFloat, elemInt32, elemUint32:
		return 4
	default:
		return 8
	}
}

// shapeOf checks dimensions, and counts their elements.
func shapeOf(dims []int64) (shape []int, n int, err error) {
	const most = 1 << 40
	if len(dims) > tensor.MaxRank {
		return nil, 0, fault(Unsupported, "%d dimensions, of which %d are possible", len(dims), tensor.MaxRank)
	}
	n = 1
	empty := false
	shape = make([]int, len(dims))
	for i, size := range dims {
		if size < 0 || size > math.MaxInt32 {
			return nil, 0, fault(Malformed, "a dimension of size %d", size)
		}
		shape[i] = int(size)
		if size == 0 {
			empty = true
			continue
		}
		if n *= int(size); n > most {
			return nil, 0, fault(TooLarge, "the shape %v", dims)
		}
	}
	if empty {
		n = 0
	}
	return shape, n, nil
}

// tensor is what a TensorProto holds. The result is kept with it, so that it may be asked for again.
func (f *files) tensor(ctx context.Context, t *tensorProto) (*tensor.Tensor, error) {
	if t.made != nil {
		return t.made, nil
	}
	made, err := f.make(ctx, t)
	if err != nil {
		return nil, at("tensor "+quoted(t.name), err)
	}
	t.made = made
	return made, nil
}

func (f *files) make(ctx context.Context, t *tensorProto) (*tensor.Tensor, error) {
	if t.segment {
		return nil, fault(Unsupported, "it is stored in segments")
	}
	dtype, err := dtypeOf(t.elem)
	if err != nil {
		return nil, err
	}
	shape, n, err := shapeOf(t.dims)
	if err != nil {
		return nil, err
	}
	raw, hasRaw, owned := t.raw, t.hasRaw, false
	if t.external != nil {
		if raw, err = f.external(ctx, t.external, int64(n)*int64(elemSize(t.elem))); err != nil {
			return nil, err
		}
		hasRaw, owned = true, true
	}
	if !hasRaw {
		return typed(t, dtype, shape, n)
	}
	if t.elem == elemString {
		return nil, fault(Malformed, "strings in raw data")
	}
	if len(raw) != n*elemSize(t.elem) {
		return nil, fault(Malformed, "%d bytes for %d elements of %s", len(raw), n, elemName(t.elem))
	}
	if !owned && f.inPlace && asStored(t.elem) {
		raw, owned = aligned(raw, elemSize(t.elem))
	}
	if !owned || !asStored(t.elem) {
		if err := f.charge(int64(n) * int64(dtype.Size())); err != nil {
			return nil, err
		}
	}
	made, err := fromRaw(t.elem, raw, shape, owned)
	t.raw = nil
	return made, err
}

// asStored says whether elements are in memory what they are in the file.
func asStored(elem int) bool {
	return elem == elemFloat || elem == elemDouble || elem == elemInt32 || elem == elemInt64
}

// aligned moves the bytes of raw data in the model's own memory so that elements of that size may be used where they lie. The
// field's tag and length are before them, and are not needed any more: that is room for some bytes. Where it is not enough,
// the bytes stay where they are, and ok is false.
func aligned(raw []byte, size int) (moved []byte, ok bool) {
	if len(raw) == 0 {
		return raw, false
	}
	start := unsafe.Pointer(unsafe.SliceData(raw)) //nolint:gosec // G103: only its alignment matters
	excess := int(uintptr(start) % uintptr(size))
	if header := 1 + protowire.SizeVarint(uint64(len(raw))); excess > header {
		return raw, false
	}
	//nolint:gosec // G103: the header is before the bytes, in the same memory, and is as long as its shortest form at least
	moved = unsafe.Slice((*byte)(unsafe.Add(start, -excess)), len(raw))
	copy(moved, raw)
	return moved, true
}

// fromRaw turns little-endian bytes into elements. Where the bytes are owned, the tensor may be made of them.
func fromRaw(elem int, raw []byte, shape []int, owned bool) (*tensor.Tensor, error) {
	le := binary.LittleEndian
	switch elem {
	case elemFloat:
		return own(raw, shape, owned, 4, func(b []byte) float32 { return math.Float32frombits(le.Uint32(b)) }), nil
	case elemDouble:
		return own(raw, shape, owned, 8, func(b []byte) float64 { return math.Float64frombits(le.Uint64(b)) }), nil
	case elemInt32:
		return own(raw, shape, owned, 4, func(b []byte) int32 { return int32(le.Uint32(b)) }), nil
	case elemInt64:
		return own(raw, shape, owned, 8, func(b []byte) int64 { return int64(le.Uint64(b)) }), nil
	case elemBool:
		return of(raw, shape, 1, func(b []byte) bool { return b[0] != 0 }), nil
	case elemUint8:
		return of(raw, shape, 1, func(b []byte) int32 { return int32(b[0]) }), nil
	case elemInt8:
		return of(raw, shape, 1, func(b []byte) int32 { return int32(int8(b[0])) }), nil
	case elemUint16:
		return of(raw, shape, 2, func(b []byte) int32 { return int32(le.Uint16(b)) }), nil
	case elemInt16:
		return of(raw, shape, 2, func(b []byte) int32 { return int32(int16(le.Uint16(b))) }), nil
	case elemFloat16:
		return of(raw, shape, 2, func(b []byte) float32 { return fromHalf(le.Uint16(b)) }), nil
	case elemBfloat16:
		return of(raw, shape, 2, func(b []byte) float32 { return fromBfloat16(le.Uint16(b)) }), nil
	case elemUint32:
		return of(raw, shape, 4, func(b []byte) int64 { return int64(le.Uint32(b)) }), nil
	default:
		made := of(raw, shape, 8, func(b []byte) int64 { return int64(le.Uint64(b)) })
		return made, nonNegative(tensor.Data[int64](made))
	}
}

func nonNegative(values []int64) error {
	if slices.ContainsFunc(values, func(v int64) bool { return v < 0 }) {
		return fault(Unsupported, "a uint64 beyond the largest int64")
	}
	return nil
}

func of[T tensor.Element](raw []byte, shape []int, size int, get func([]byte) T) *tensor.Tensor {
	values := make([]T, len(raw)/size)
	for i := range values {
		values[i] = get(raw[i*size:])
	}
	return tensor.Of(values, shape...)
}

// own is of without a copy, where the bytes are owned, and lie in memory as elements do.
func own[T float32 | float64 | int32 | int64](raw []byte, shape []int, owned bool, size int, get func([]byte) T) *tensor.Tensor {
	start := unsafe.Pointer(unsafe.SliceData(raw)) //nolint:gosec // G103: only looked at for its alignment, and used below
	if !owned || len(raw) == 0 || binary.NativeEndian.Uint16([]byte{1, 0}) != 1 || uintptr(start)%uintptr(size) != 0 {
		return of(raw, shape, size, get)
	}
	//nolint:gosec // G103: aligned, as long as the bytes, and any bits are a number
	return tensor.Of(unsafe.Slice((*T)(start), len(raw)/size), shape...)
}

// typed takes the elements from the field of their type.
func typed(t *tensorProto, dtype tensor.DType, shape []int, n int) (*tensor.Tensor, error) {
	var have int
	switch t.elem {
	case elemFloat:
		have = len(t.float32s)
	case elemDouble:
		have = len(t.float64s)
	case elemInt64:
		have = len(t.int64s)
	case elemString:
		have = len(t.strings)
	case elemUint32, elemUint64:
		have = len(t.uint64s)
	default:
		have = len(t.int32s)
	}
	if have != n {
		return nil, fault(Malformed, "%d elements for the shape %v", have, shape)
	}
	switch dtype {
	case tensor.Float32:
		if t.elem == elemFloat {
			return tensor.Of(t.float32s, shape...), nil
		}
		return typedHalf(t, shape), nil
	case tensor.Float64:
		return tensor.Of(t.float64s, shape...), nil
	case tensor.Int32:
		return tensor.Of(t.int32s, shape...), nil
	case tensor.Int64:
		if t.elem == elemInt64 {
			return tensor.Of(t.int64s, shape...), nil
		}
		made := tensor.Of(mapped(t.uint64s, func(v uint64) int64 { return int64(v) }), shape...)
		return made, nonNegative(tensor.Data[int64](made))
	case tensor.Bool:
		return tensor.Of(mapped(t.int32s, func(v int32) bool { return v != 0 }), shape...), nil
	default:
		return tensor.Of(t.strings, shape...), nil
	}
}

// typedHalf are floats of 16 bits, of which each is in the low bits of an int32.
func typedHalf(t *tensorProto, shape []int) *tensor.Tensor {
	convert := fromHalf
	if t.elem == elemBfloat16 {
		convert = fromBfloat16
	}
	return tensor.Of(mapped(t.int32s, func(v int32) float32 { return convert(uint16(v)) }), shape...)
}

func mapped[T, U any](values []T, f func(T) U) []U {
	out := make([]U, len(values))
	for i, v := range values {
		out[i] = f(v)
	}
	return out
}

func fromBfloat16(bits uint16) float32 { return math.Float32frombits(uint32(bits) << 16) }

// fromHalf is the value of an IEEE 754 half-precision number.
func fromHalf(bits uint16) float32 {
	sign, exponent, fraction := uint32(bits>>15)<<31, uint32(bits>>10)&0x1f, uint32(bits)&0x3ff
	switch exponent {
	case 0:
		value := float32(fraction) / (1 << 24)
		return math.Float32frombits(sign | math.Float32bits(value))
	case 0x1f:
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	default:
		return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
	}
}
