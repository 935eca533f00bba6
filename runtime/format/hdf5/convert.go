package hdf5

import (
	"encoding/binary"
	"math"
	"slices"
)

// numeric are the types that numbers are read as.
type numeric interface{ float32 | float64 | int64 }

// convert decodes little-endian numbers into dst, which has room for all of them. Numbers that dst cannot hold exactly
// are rounded to the nearest that it can. It must not be asked for integers from floats.
func convert[T numeric](dst []T, src []byte, from number) {
	order := binary.LittleEndian
	switch from {
	case int8s:
		for i := range dst {
			dst[i] = T(int8(src[i]))
		}
	case uint8s:
		for i := range dst {
			dst[i] = T(src[i])
		}
	case int16s:
		for i := range dst {
			dst[i] = T(int16(order.Uint16(src[2*i:])))
		}
	case uint16s:
		for i := range dst {
			dst[i] = T(order.Uint16(src[2*i:]))
		}
	case int32s:
		for i := range dst {
			dst[i] = T(int32(order.Uint32(src[4*i:])))
		}
	case uint32s:
		for i := range dst {
			dst[i] = T(order.Uint32(src[4*i:]))
		}
	case int64s:
		for i := range dst {
			dst[i] = T(int64(order.Uint64(src[8*i:])))
		}
	case uint64s:
		for i := range dst {
			dst[i] = T(order.Uint64(src[8*i:]))
		}
	default:
		convertFloats(dst, src, from)
	}
}

func convertFloats[T numeric](dst []T, src []byte, from number) {
	order := binary.LittleEndian
	switch from {
	case float16s:
		for i := range dst {
			dst[i] = T(half(order.Uint16(src[2*i:])))
		}
	case bfloat16s:
		for i := range dst {
			dst[i] = T(math.Float32frombits(uint32(order.Uint16(src[2*i:])) << 16))
		}
	case float32s:
		for i := range dst {
			dst[i] = T(math.Float32frombits(order.Uint32(src[4*i:])))
		}
	default:
		for i := range dst {
			dst[i] = T(math.Float64frombits(order.Uint64(src[8*i:])))
		}
	}
}

// half is an IEEE float of 16 bits.
func half(b uint16) float32 {
	sign, exponent, mantissa := uint32(b>>15)<<31, uint32(b>>10&31), uint32(b&1023)
	switch exponent {
	case 0:
		value := float32(mantissa) / (1 << 24)
		return math.Float32frombits(math.Float32bits(value) | sign)
	case 31:
		return math.Float32frombits(sign | 0xff<<23 | mantissa<<13)
	default:
		return math.Float32frombits(sign | (exponent+127-15)<<23 | mantissa<<13)
	}
}

// swap turns the order of bytes in each element.
func swap(data []byte, size int) {
	switch size {
	case 1:
	case 2:
		for i := 0; i+2 <= len(data); i += 2 {
			data[i], data[i+1] = data[i+1], data[i]
		}
	case 4:
		for i := 0; i+4 <= len(data); i += 4 {
			binary.LittleEndian.PutUint32(data[i:], binary.BigEndian.Uint32(data[i:]))
		}
	case 8:
		for i := 0; i+8 <= len(data); i += 8 {
			binary.LittleEndian.PutUint64(data[i:], binary.BigEndian.Uint64(data[i:]))
		}
	default:
		for i := 0; i+size <= len(data); i += size {
			slices.Reverse(data[i : i+size])
		}
	}
}
