package wire

import (
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Limits bound what an input may ask for. The zero value has the defaults.
type Limits struct {
	// MaxDepth is how many messages may be within each other; 0 means DefaultMaxDepth.
	MaxDepth int
	// MaxFields is how many fields are read or passed over; 0 means DefaultMaxFields. Elements of packed fields are none.
	MaxFields int
	// MaxMemory is how many bytes callers may charge; 0 means DefaultFactor for each byte of the input and
	// DefaultConstant.
	MaxMemory int64
}

// Default limits. Graphs of a million nodes have some ten million fields.
const (
	DefaultMaxDepth  = 64
	DefaultMaxFields = 1 << 26
	DefaultFactor    = 64
	DefaultConstant  = 1 << 20
)

// state is what all messages of one input share.
type state struct {
	err    error
	fields int
	memory int64
}

// Message walks over the fields of one message. The zero value is an empty one.
type Message struct {
	state *state
	data  []byte
	// base is where data begins in the input.
	base  int64
	depth int
	// field and kind are those of the current field, whose value begins at value and ends at next.
	field       int
	kind        protowire.Type
	start       int
	value, next int
}

// New returns a cursor before the first field of the message in data, which must not change while it is used.
func New(data []byte, limits Limits) *Message {
	if limits.MaxDepth == 0 {
		limits.MaxDepth = DefaultMaxDepth
	}
	if limits.MaxFields == 0 {
		limits.MaxFields = DefaultMaxFields
	}
	if limits.MaxMemory == 0 {
		limits.MaxMemory = int64(len(data))*DefaultFactor + DefaultConstant
	}
	return &Message{state: &state{fields: limits.MaxFields, memory: limits.MaxMemory}, data: data, depth: limits.MaxDepth}
}

// Err is the first error of the input, or nil.
func (m *Message) Err() error {
	if m.state == nil {
		return nil
	}
	return m.state.err
}

// Fail makes the input malformed at the current field, unless it is so already: for what only the caller's schema forbids.
func (m *Message) Fail(format string, args ...any) { m.fail(Malformed, format, args...) }

// Exceed says that the input is beyond a limit of the caller's, at the current field.
func (m *Message) Exceed(format string, args ...any) { m.fail(TooLarge, format, args...) }

func (m *Message) fail(kind Kind, format string, args ...any) {
	if m.state != nil && m.state.err == nil {
		m.state.err = &Error{Kind: kind, Offset: m.Offset(), Message: fmt.Sprintf(format, args...)}
	}
}

// Charge takes n bytes off what may be made of the input, and says whether they may be allocated. Callers charge before
// they allocate more than the field's own bytes.
func (m *Message) Charge(n int64) bool {
	if m.failed() {
		return false
	}
	if n < 0 || n > m.state.memory {
		m.fail(TooLarge, "more is described than a file of this size may hold")
		return false
	}
	m.state.memory -= n
	return true
}

// Offset is where in the input the current field begins.
func (m *Message) Offset() int64 { return m.base + int64(m.start) }

func (m *Message) failed() bool { return m.state == nil || m.state.err != nil }

// Next goes to the next field, and is false at the end and after an error.
func (m *Message) Next() bool {
	if m.failed() || m.next >= len(m.data) {
		return false
	}
	m.start = m.next
	if m.state.fields--; m.state.fields < 0 {
		m.fail(TooLarge, "too many fields")
		return false
	}
	number, kind, n := protowire.ConsumeTag(m.data[m.start:])
	if n < 0 {
		m.fail(Malformed, "no field begins here")
		return false
	}
	m.field, m.kind, m.value = int(number), kind, m.start+n
	size := m.valueSize()
	if size < 0 {
		m.fail(Malformed, "field %d ends outside its message", m.field)
		return false
	}
	m.next = m.value + size
	return true
}

// valueSize is how many bytes the current value has, its length included; negative where it does not end in the message.
func (m *Message) valueSize() int {
	if m.kind == protowire.StartGroupType || m.kind == protowire.EndGroupType {
		return -1 // a syntax of long ago, which no format of interest uses
	}
	return protowire.ConsumeFieldValue(protowire.Number(m.field), m.kind, m.data[m.value:])
}

// Field is the number of the current field.
func (m *Message) Field() int { return m.field }

// expect says whether the current field is of that wire type.
func (m *Message) expect(kind protowire.Type) bool {
	if m.failed() {
		return false
	}
	if m.kind != kind {
		m.fail(Malformed, "field %d has wire type %d, which does not fit it", m.field, m.kind)
		return false
	}
	return true
}

// Bytes is the value of a field of bytes. It aliases the input.
func (m *Message) Bytes() []byte {
	if !m.expect(protowire.BytesType) {
		return nil
	}
	value, _ := protowire.ConsumeBytes(m.data[m.value:m.next])
	return slices.Clip(value)
}

// String is the value of a text field, which need not be UTF-8.
func (m *Message) String() string { return string(m.Bytes()) }

// Message is a cursor over the message that the current field holds.
func (m *Message) Message() *Message {
	data := m.Bytes()
	if m.failed() {
		return &Message{state: m.state}
	}
	if m.depth <= 1 {
		m.fail(TooLarge, "messages within messages, too deep")
	}
	return &Message{state: m.state, data: data, base: m.base + int64(m.next-len(data)), depth: m.depth - 1}
}

// Uint64 is the value of a field of variable length: uint32, uint64.
func (m *Message) Uint64() uint64 {
	if !m.expect(protowire.VarintType) {
		return 0
	}
	value, _ := protowire.ConsumeVarint(m.data[m.value:m.next])
	return value
}

// Int64 is the value of an int32, int64 or enum field.
func (m *Message) Int64() int64 { return int64(m.Uint64()) }

// Int is the value of an int32, int64 or enum field that must fit into 32 bits, as kinds and counts do.
func (m *Message) Int() int {
	value := m.Int64()
	if value != int64(int32(value)) {
		m.fail(Malformed, "field %d is %d, which is not a number of 32 bits", m.field, value)
		return 0
	}
	return int(value)
}

// Bool is the value of a bool field.
func (m *Message) Bool() bool { return m.Uint64() != 0 }

// Fixed32 is the value of a fixed32 field.
func (m *Message) Fixed32() uint32 {
	if !m.expect(protowire.Fixed32Type) {
		return 0
	}
	value, _ := protowire.ConsumeFixed32(m.data[m.value:m.next])
	return value
}

// Fixed64 is the value of a fixed64 field.
func (m *Message) Fixed64() uint64 {
	if !m.expect(protowire.Fixed64Type) {
		return 0
	}
	value, _ := protowire.ConsumeFixed64(m.data[m.value:m.next])
	return value
}

// Float32 is the value of a float field.
func (m *Message) Float32() float32 { return math.Float32frombits(m.Fixed32()) }

// Float64 is the value of a double field.
func (m *Message) Float64() float64 { return math.Float64frombits(m.Fixed64()) }
