package wire

import (
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// packed says whether the current field of a repeated number holds many of them.
func (m *Message) packed() bool { return m.kind == protowire.BytesType }

// grow makes room for n more elements, at width bytes each, where they may be allocated.
func grow[T any](m *Message, values []T, n, width int) []T {
	if n == 0 || !m.Charge(int64(n)*int64(width)) {
		return values
	}
	return slices.Grow(values, n)
}

// AppendUint64 appends the current field, one element or many, of a repeated uint32 or uint64.
func (m *Message) AppendUint64(values []uint64) []uint64 {
	m.varints(func(n int) { values = grow(m, values, n, 8) }, func(value uint64) { values = append(values, value) })
	return values
}

// AppendInt64 appends the current field, one element or many, of a repeated int32, int64, bool or enum.
func (m *Message) AppendInt64(values []int64) []int64 {
	m.varints(func(n int) { values = grow(m, values, n, 8) }, func(value uint64) { values = append(values, int64(value)) })
	return values
}

// AppendInt32 is AppendInt64 for fields of 32 bits; what does not fit is cut off, as protocol buffers want it.
func (m *Message) AppendInt32(values []int32) []int32 {
	m.varints(func(n int) { values = grow(m, values, n, 4) }, func(value uint64) { values = append(values, int32(value)) })
	return values
}

// varints counts the elements of the current field, has room made for them, and adds each.
func (m *Message) varints(room func(n int), add func(uint64)) {
	if !m.packed() {
		value := m.Uint64()
		if room(1); !m.failed() {
			add(value)
		}
		return
	}
	data := m.Bytes()
	room(ends(data))
	for len(data) > 0 && !m.failed() {
		value, n := protowire.ConsumeVarint(data)
		if n < 0 {
			m.fail(Malformed, "field %d ends within a number", m.field)
			return
		}
		add(value)
		data = data[n:]
	}
}

// ends counts the bytes that end a number of variable length.
func ends(data []byte) int {
	n := 0
	for _, b := range data {
		if b < 0x80 {
			n++
		}
	}
	return n
}

// AppendFloat32 appends the current field, one element or many, of a repeated float.
func (m *Message) AppendFloat32(values []float32) []float32 {
	if !m.packed() {
		value := m.Float32()
		if values = grow(m, values, 1, 4); m.failed() {
			return values
		}
		return append(values, value)
	}
	data := m.Bytes()
	if len(data)%4 != 0 {
		m.fail(Malformed, "field %d ends within a number", m.field)
	}
	if values = grow(m, values, len(data)/4, 4); m.failed() {
		return values
	}
	for ; len(data) > 0; data = data[4:] {
		bits, _ := protowire.ConsumeFixed32(data)
		values = append(values, math.Float32frombits(bits))
	}
	return values
}

// AppendFloat64 appends the current field, one element or many, of a repeated double.
func (m *Message) AppendFloat64(values []float64) []float64 {
	if !m.packed() {
		value := m.Float64()
		if values = grow(m, values, 1, 8); m.failed() {
			return values
		}
		return append(values, value)
	}
	data := m.Bytes()
	if len(data)%8 != 0 {
		m.fail(Malformed, "field %d ends within a number", m.field)
	}
	if values = grow(m, values, len(data)/8, 8); m.failed() {
		return values
	}
	for ; len(data) > 0; data = data[8:] {
		bits, _ := protowire.ConsumeFixed64(data)
		values = append(values, math.Float64frombits(bits))
	}
	return values
}

// AppendString appends the current field of a repeated string or bytes.
func (m *Message) AppendString(values []string) []string {
	const header = 16
	value := m.Bytes()
	if !m.Charge(header + int64(len(value))) {
		return values
	}
	return append(values, string(value))
}
