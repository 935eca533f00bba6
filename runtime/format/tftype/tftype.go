// Package tftype has the numbers by which TensorFlow's files name the types of elements, and how elements are stored. Types
// that the engine does not compute with become wider ones: half floats float32, narrow integers int32.
package tftype

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// The types, by their number in types.proto.
const (
	Float    = 1
	Double   = 2
	Int32    = 3
	Uint8    = 4
	Int16    = 5
	Int8     = 6
	String   = 7
	Int64    = 9
	Bool     = 10
	BFloat16 = 14
	Uint16   = 17
	Half     = 19
	Resource = 20
	Variant  = 21
	Uint32   = 22
	Uint64   = 23
	// RefOffset is added for a reference to a variable of the type.
	RefOffset = 100
)

// Of is the type that elements have in memory; ok is false for types that are not supported.
func Of(number int) (dtype tensor.DType, ok bool) {
	switch number {
	case Float, Half, BFloat16:
		return tensor.Float32, true
	case Double:
		return tensor.Float64, true
	case Int32, Uint8, Int16, Int8, Uint16:
		return tensor.Int32, true
	case Int64, Uint32:
		return tensor.Int64, true
	case Bool:
		return tensor.Bool, true
	case String:
		return tensor.String, true
	default:
		return 0, false
	}
}

// Exact says whether the engine computes with the type itself, and not with a wider one.
func Exact(number int) bool {
	switch number {
	case Float, Double, Int32, Int64, Bool, String:
		return true
	default:
		return false
	}
}

// Stored says whether elements are in memory as they are in a file: little-endian, of the same width.
func Stored(number int) bool { return Exact(number) && number != Bool && number != String }

// Size is how many bytes an element takes in a file; 0 for text, and where it is not known.
func Size(number int) int {
	switch number {
	case Bool, Uint8, Int8:
		return 1
	case Half, BFloat16, Int16, Uint16:
		return 2
	case Float, Int32, Uint32:
		return 4
	case Double, Int64, Uint64:
		return 8
	default:
		return 0
	}
}

// Name is the type's name in TensorFlow.
func Name(number int) string {
	names := map[int]string{
		Float: "float32", Double: "float64", Int32: "int32", Uint8: "uint8", Int16: "int16", Int8: "int8", String: "string",
		8: "complex64", Int64: "int64", Bool: "bool", 11: "qint8", 12: "quint8", 13: "qint32", BFloat16: "bfloat16",
		Uint16: "uint16", 18: "complex128", Half: "float16", Resource: "resource", Variant: "variant", Uint32: "uint32",
		Uint64: "uint64",
	}
	if name := names[number]; name != "" {
		return name
	}
	return fmt.Sprintf("DataType(%d)", number)
}

// Decode puts the elements in raw, of the type, at t's index at and after. t must be of the type's Of, and have room.
func Decode(t *tensor.Tensor, at int, raw []byte, number int) {
	order := binary.LittleEndian
	switch number {
	case Float:
		each(tensor.Data[float32](t)[at:], raw, 4, func(b []byte) float32 { return math.Float32frombits(order.Uint32(b)) })
	case Half:
		each(tensor.Data[float32](t)[at:], raw, 2, func(b []byte) float32 { return HalfFloat(order.Uint16(b)) })
	case BFloat16:
		each(tensor.Data[float32](t)[at:], raw, 2, func(b []byte) float32 { return BrainFloat(order.Uint16(b)) })
	case Double:
		each(tensor.Data[float64](t)[at:], raw, 8, func(b []byte) float64 { return math.Float64frombits(order.Uint64(b)) })
	case Int32:
		each(tensor.Data[int32](t)[at:], raw, 4, func(b []byte) int32 { return int32(order.Uint32(b)) })
	case Uint8:
		each(tensor.Data[int32](t)[at:], raw, 1, func(b []byte) int32 { return int32(b[0]) })
	case Int8:
		each(tensor.Data[int32](t)[at:], raw, 1, func(b []byte) int32 { return int32(int8(b[0])) })
	case Int16:
		each(tensor.Data[int32](t)[at:], raw, 2, func(b []byte) int32 { return int32(int16(order.Uint16(b))) })
	case Uint16:
		each(tensor.Data[int32](t)[at:], raw, 2, func(b []byte) int32 { return int32(order.Uint16(b)) })
	case Int64:
		each(tensor.Data[int64](t)[at:], raw, 8, func(b []byte) int64 { return int64(order.Uint64(b)) })
	case Uint32:
		each(tensor.Data[int64](t)[at:], raw, 4, func(b []byte) int64 { return int64(order.Uint32(b)) })
	default:
		each(tensor.Data[bool](t)[at:], raw, 1, func(b []byte) bool { return b[0] != 0 })
	}
}

func each[T any](dst []T, raw []byte, size int, decode func([]byte) T) {
	for i := range len(raw) / size {
		dst[i] = decode(raw[i*size:])
	}
}

// BrainFloat is a float32 whose lower half was cut off.
func BrainFloat(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }

// HalfFloat is an IEEE float of 16 bits.
func HalfFloat(b uint16) float32 {
	sign, exponent, fraction := uint32(b>>15)<<31, uint32(b>>10&31), uint32(b&1023)
	switch exponent {
	case 0:
		value := float32(fraction) / (1 << 24)
		if sign != 0 {
			return -value
		}
		return value
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	default:
		return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
	}
}
