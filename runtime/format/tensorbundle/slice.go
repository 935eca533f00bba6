package tensorbundle

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/format/wire"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Extent is a part of one dimension.
type Extent struct {
	Start int
	// Length is -1 for all of the dimension.
	Length int
}

// Slice is a part of a tensor: an extent of each dimension.
type Slice []Extent

// readSlice reads a TensorSliceProto.
func readSlice(m *wire.Message) Slice {
	s := Slice{}
	for m.Next() {
		if m.Field() != 1 {
			continue
		}
		extent := Extent{Length: -1}
		for part := m.Message(); part.Next(); {
			switch part.Field() {
			case 1:
				extent.Start = int(part.Int64())
			case 2:
				extent.Length = int(part.Int64())
			}
		}
		if len(s) >= tensor.MaxRank || extent.Start < 0 || extent.Length < -1 {
			m.Fail("a slice that no tensor has")
			return nil
		}
		s = append(s, extent)
	}
	return s
}

// ParseSlice reads what RestoreV2 takes to say that a part of a variable is meant: the sizes of the whole, and for each
// dimension "start,length" or "-", as in "50 8 17,17:-". It returns the shape of the whole. An empty text is all of a
// variable: a nil Slice.
func ParseSlice(text string) (shape []int, part Slice, ok bool) {
	if text == "" {
		return nil, nil, true
	}
	fields := strings.Split(text, " ")
	if len(fields) > tensor.MaxRank+1 {
		return nil, nil, false
	}
	for _, field := range fields[:len(fields)-1] {
		size, err := strconv.ParseUint(field, 10, 62)
		if err != nil {
			return nil, nil, false
		}
		shape = append(shape, int(size))
	}
	part = Slice{}
	for i, field := range strings.Split(fields[len(fields)-1], ":") {
		extent := Extent{Length: -1}
		if field != "-" {
			start, length, _ := strings.Cut(field, ",")
			from, err := strconv.ParseUint(start, 10, 62)
			n, also := strconv.ParseUint(length, 10, 62)
			if err != nil || also != nil {
				return nil, nil, false
			}
			extent = Extent{Start: int(from), Length: int(n)}
		}
		if i >= len(shape) {
			return nil, nil, false
		}
		part = append(part, extent)
	}
	return shape, part, len(part) == len(shape)
}

// of is the slice with real lengths, where it fits the shape.
func (s Slice) of(shape []int) (Slice, bool) {
	if len(s) != len(shape) {
		return nil, false
	}
	whole := make(Slice, len(s))
	for i, e := range s {
		if e.Length < 0 {
			e = Extent{0, shape[i]}
		}
		if e.Start > shape[i] || e.Length > shape[i]-e.Start {
			return nil, false
		}
		whole[i] = e
	}
	return whole, true
}

// shape is how many elements each extent has.
func (s Slice) shape() []int {
	sizes := make([]int, len(s))
	for i, e := range s {
		sizes[i] = e.Length
	}
	return sizes
}

// sliceKey is the key under which an index has a slice of a tensor: numbers and text in an encoding that sorts as they do
// (TensorFlow's ordered code).
func sliceKey(name string, s Slice) string {
	key := orderedUint(nil, 0)
	for i := range len(name) {
		switch name[i] {
		case 0:
			key = append(key, 0, 0xff)
		case 0xff:
			key = append(key, 0xff, 0)
		default:
			key = append(key, name[i])
		}
	}
	key = orderedUint(append(key, 0, 1), uint64(len(s)))
	for _, e := range s {
		key = orderedInt(orderedInt(key, int64(e.Start)), int64(e.Length))
	}
	return string(key)
}

// orderedUint appends how many bytes the number takes, and the number.
func orderedUint(key []byte, v uint64) []byte {
	n := (bits.Len64(v) + 7) / 8
	var all [8]byte
	binary.BigEndian.PutUint64(all[:], v)
	return append(append(key, byte(n)), all[8-n:]...)
}

// orderedInt appends a number in n bytes of 7 bits, the first n of all bits being ones for positive numbers.
func orderedInt(key []byte, v int64) []byte {
	positive := uint64(v)
	if v < 0 {
		positive = ^positive
	}
	if positive < 64 {
		return append(key, 0x80^byte(v))
	}
	n := bits.Len64(positive)/7 + 1
	all := [10]byte{}
	if v < 0 {
		all[0], all[1] = 0xff, 0xff
	}
	binary.BigEndian.PutUint64(all[2:], uint64(v))
	code := all[10-n:]
	for i := range n {
		code[i/8] ^= 0x80 >> (i % 8)
	}
	return append(key, code...)
}
