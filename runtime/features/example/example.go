// Package example reads and writes tf.train.Example messages, in which TensorFlow's models are often given their features: a
// map of names to lists of strings, float32s or int64s.
//
// Reading is over text that comes from requests: nothing is believed about lengths before it is compared with what is
// there, nothing is allocated but what the caller appends to, and strings are parts of the message.
package example

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Kind is the type of a list.
type Kind uint8

// The kinds. A feature may be named without a list.
const (
	None Kind = iota
	Strings
	Floats
	Ints
)

// String names the kind as messages do.
func (k Kind) String() string {
	switch k {
	case Strings:
		return "strings"
	case Floats:
		return "float32s"
	case Ints:
		return "int64s"
	default:
		return "nothing"
	}
}

// Feature is the list of one feature. Start and End say where in the message it is.
type Feature struct {
	Kind       Kind
	Start, End int
}

// ErrMalformed says that a text is no tf.Example.
var ErrMalformed = errors.New("it is not a serialized tf.Example")

// cursor walks over the fields of a message that is a part of a text.
type cursor struct {
	text    string
	at, end int
	// field and wire are the current field's; its value, without its length, is text[from:to].
	field, wire int
	from, to    int
	bad         bool
}

const (
	varintWire  = 0
	fixed64Wire = 1
	bytesWire   = 2
	fixed32Wire = 5
)

func (c *cursor) varint() uint64 {
	v := uint64(0)
	for shift := 0; shift < 64 && c.at < c.end; shift += 7 {
		b := c.text[c.at]
		c.at++
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	c.bad = true
	return 0
}

// next goes to the next field, and is false at the end and where the text is malformed.
func (c *cursor) next() bool {
	if c.bad || c.at >= c.end {
		return false
	}
	tag := c.varint()
	size := uint64(0)
	c.field, c.wire = int(tag>>3&math.MaxInt32), int(tag&7)
	switch c.wire {
	case varintWire:
		c.from = c.at
		c.varint()
		c.to = c.at
		c.bad = c.bad || c.field == 0
		return !c.bad
	case bytesWire:
		size = c.varint()
	case fixed32Wire:
		size = 4
	case fixed64Wire:
		size = 8
	default:
		c.bad = true
	}
	if c.bad || size > uint64(c.end-c.at) || c.field == 0 {
		c.bad = true
		return false
	}
	c.from, c.to = c.at, c.at+int(size)
	c.at = c.to
	return true
}

// inner is a cursor over the message that the current field holds.
func (c *cursor) inner() cursor { return cursor{text: c.text, at: c.from, end: c.to} }

// is says whether the current field holds bytes and has the number.
func (c *cursor) is(field int) bool { return c.field == field && c.wire == bytesWire }

// Each calls visit with each feature of a serialized tf.Example. A name that comes twice counts the last time.
func Each(message string, visit func(name string, f Feature)) error {
	root := cursor{text: message, end: len(message)}
	for root.next() {
		if !root.is(1) {
			continue
		}
		features := root.inner()
		for features.next() {
			if features.is(1) {
				entry := features.inner()
				name, f := entry.entry()
				features.bad = features.bad || entry.bad
				visit(name, f)
			}
		}
		root.bad = root.bad || features.bad
	}
	if root.bad {
		return ErrMalformed
	}
	return nil
}

// entry reads a name and its feature.
func (c *cursor) entry() (name string, f Feature) {
	for c.next() {
		switch {
		case c.is(1):
			name = c.text[c.from:c.to]
		case c.is(2):
			feature := c.inner()
			f = Feature{}
			for feature.next() {
				if feature.wire == bytesWire && feature.field <= int(Ints) {
					f = Feature{Kind: Kind(feature.field), Start: feature.from, End: feature.to}
				}
			}
			c.bad = c.bad || feature.bad
		}
	}
	return name, f
}

// cursor is in front of the list's pieces. (That there is no function to call with each of them spares the heap a cursor.)
func (f Feature) cursor(message string) cursor { return cursor{text: message, at: f.Start, end: f.End} }

// value goes to the next piece of a list: numbers, packed or not, or a string. It is false at the end, and where the text is
// malformed.
func (c *cursor) value() bool {
	for c.next() {
		if c.field == 1 {
			return true
		}
	}
	return false
}

// err says whether the cursor has come to the end of what is sound.
func (c *cursor) err() error {
	if c.bad {
		return ErrMalformed
	}
	return nil
}

// Len is how many values a feature of the message has.
func (f Feature) Len(message string) (n int, err error) {
	c := f.cursor(message)
	for c.value() {
		switch {
		case f.Kind == Strings && c.wire == bytesWire, f.Kind == Floats && c.wire == fixed32Wire,
			f.Kind == Ints && c.wire == varintWire:
			n++
		case f.Kind == Floats && c.wire == bytesWire && (c.to-c.from)%4 == 0:
			n += (c.to - c.from) / 4
		case f.Kind == Ints && c.wire == bytesWire:
			for i := c.from; i < c.to; i++ {
				if message[i] < 0x80 {
					n++
				}
			}
		default:
			return n, ErrMalformed
		}
	}
	return n, c.err()
}

// AppendStrings appends the values, which are parts of the message.
func (f Feature) AppendStrings(values []string, message string) ([]string, error) {
	c := f.cursor(message)
	for c.value() {
		values = append(values, message[c.from:c.to])
		if c.wire != bytesWire {
			return values, ErrMalformed
		}
	}
	return values, c.err()
}

// AppendFloats appends the values.
func (f Feature) AppendFloats(values []float32, message string) ([]float32, error) {
	c := f.cursor(message)
	for c.value() {
		if c.wire != bytesWire && c.wire != fixed32Wire || (c.to-c.from)%4 != 0 {
			return values, ErrMalformed
		}
		for i := c.from; i < c.to; i += 4 {
			bits := uint32(message[i]) | uint32(message[i+1])<<8 | uint32(message[i+2])<<16 | uint32(message[i+3])<<24
			values = append(values, math.Float32frombits(bits))
		}
	}
	return values, c.err()
}

// AppendInts appends the values.
func (f Feature) AppendInts(values []int64, message string) ([]int64, error) {
	c := f.cursor(message)
	for c.value() {
		if c.wire != bytesWire && c.wire != varintWire {
			return values, ErrMalformed
		}
		numbers := c.inner()
		for numbers.at < numbers.end && !numbers.bad {
			values = append(values, int64(numbers.varint()))
		}
		if numbers.bad {
			return values, ErrMalformed
		}
	}
	return values, c.err()
}

// Writer makes a serialized tf.Example. Its zero value is an empty one.
type Writer struct {
	features []byte
	list     []byte
}

// Reset begins a new message.
func (w *Writer) Reset() { w.features = w.features[:0] }

// AddStrings adds a feature of strings.
func (w *Writer) AddStrings(name string, values ...string) {
	w.list = w.list[:0]
	for _, v := range values {
		w.list = protowire.AppendTag(w.list, 1, protowire.BytesType)
		w.list = protowire.AppendString(w.list, v)
	}
	w.add(name, Strings)
}

// AddFloats adds a feature of float32s.
func (w *Writer) AddFloats(name string, values ...float32) {
	w.list = protowire.AppendTag(w.list[:0], 1, protowire.BytesType)
	w.list = protowire.AppendVarint(w.list, uint64(4*len(values)))
	for _, v := range values {
		w.list = protowire.AppendFixed32(w.list, math.Float32bits(v))
	}
	w.add(name, Floats)
}

// AddInts adds a feature of int64s.
func (w *Writer) AddInts(name string, values ...int64) {
	size := 0
	for _, v := range values {
		size += protowire.SizeVarint(uint64(v))
	}
	w.list = protowire.AppendTag(w.list[:0], 1, protowire.BytesType)
	w.list = protowire.AppendVarint(w.list, uint64(size))
	for _, v := range values {
		w.list = protowire.AppendVarint(w.list, uint64(v))
	}
	w.add(name, Ints)
}

// add adds the list as a feature.
func (w *Writer) add(name string, kind Kind) {
	const tag = 1 // of every field here
	feature := tag + protowire.SizeBytes(len(w.list))
	entry := tag + protowire.SizeBytes(len(name)) + tag + protowire.SizeBytes(feature)
	w.features = protowire.AppendTag(w.features, 1, protowire.BytesType)
	w.features = protowire.AppendVarint(w.features, uint64(entry))
	w.features = protowire.AppendTag(w.features, 1, protowire.BytesType)
	w.features = protowire.AppendString(w.features, name)
	w.features = protowire.AppendTag(w.features, 2, protowire.BytesType)
	w.features = protowire.AppendVarint(w.features, uint64(feature))
	w.features = protowire.AppendTag(w.features, protowire.Number(kind), protowire.BytesType)
	w.features = protowire.AppendBytes(w.features, w.list)
}

// String is the message.
func (w *Writer) String() string { return string(w.Append(make([]byte, 0, len(w.features)+8))) }

// Append appends the message.
func (w *Writer) Append(to []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(to, 1, protowire.BytesType), w.features)
}

// MismatchError says that a feature is not of the type that a model takes.
type MismatchError struct {
	Name      string
	Got, Want Kind
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("the feature %.100q has %v, and takes %v", e.Name, e.Got, e.Want)
}
