package hdf5

import (
	"fmt"
	"slices"
	"strings"
)

// Class is what a type's elements are.
type Class uint8

// The format's classes of types (specification IV.A.2.d), but for Bool, which is h5py's enumeration of FALSE and TRUE.
const (
	Integer Class = iota
	Float
	Time
	String
	BitField
	Opaque
	Compound
	Reference
	Enum
	Sequence
	Array
	Complex
	Bool
)

var classNames = [...]string{
	"integer", "float", "time", "string", "bit field", "opaque", "compound", "reference", "enum", "sequence", "array",
	"complex", "bool",
}

func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return fmt.Sprintf("class %d", uint8(c))
}

// Type is the type of a dataset's or an attribute's elements.
type Type struct {
	Class Class
	// Size is an element's bytes in the file.
	Size      int
	BigEndian bool
	Signed    bool
	// Variable says that strings are of variable length, and lie in a heap.
	Variable bool
	// number is how elements are numbers, if they are.
	number number
	// padding is how fixed strings end: with a null, filled with nulls, or filled with spaces.
	padding uint64
	// dims is the shape of an array type, whose elements the rest describes.
	dims []int
}

// number is an encoding of numbers.
type number uint8

const (
	noNumber number = iota
	int8s
	int16s
	int32s
	int64s
	uint8s
	uint16s
	uint32s
	uint64s
	float16s
	bfloat16s
	float32s
	float64s
)

var numberNames = [...]string{
	"", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "bfloat16", "float32", "float64",
}

// integer says whether the encoding is one of whole numbers.
func (n number) integer() bool { return n >= int8s && n <= uint64s }

// String is the type as numpy would call it, where it can.
func (t Type) String() string {
	name := numberNames[t.number]
	switch {
	case t.Class == String && t.Variable:
		return "string"
	case t.Class == Bool:
		return "bool"
	case t.number == noNumber:
		return fmt.Sprintf("%s of %d bytes", t.Class, t.Size)
	}
	if t.BigEndian {
		name += " (big-endian)"
	}
	return name
}

// datatype reads a datatype message, or a datatype within another.
func datatype(c *cursor) (Type, error) { return nestedType(c, 0) }

const maxTypeDepth = 4

func nestedType(c *cursor, depth int) (Type, error) {
	start := c.place()
	head := c.uint8()
	bits := c.uint(3)
	t := Type{Class: Class(head & 15), Size: int(c.uint32())}
	version := head >> 4
	switch {
	case c.short:
		err := c.check("a datatype")
		return t, err
	case version < 1 || version > 5:
		return t, fault(Unsupported, start, "a datatype of version %d", version)
	case t.Size == 0:
		return t, fault(Malformed, start, "elements of no bytes")
	case depth > maxTypeDepth:
		return t, fault(TooLarge, start, "datatypes within datatypes more than %d deep", maxTypeDepth)
	}
	var err error
	switch t.Class {
	case Integer:
		t.fixedPoint(c, bits)
	case Float:
		t.floatingPoint(c, bits)
	case String:
		t.padding = bits & 15
	case Enum:
		err = t.enum(c, bits, version, depth)
	case Sequence:
		err = t.variable(c, bits, depth)
	case Array:
		err = t.array(c, version, depth)
	default:
		// Listed, and refused when somebody reads it.
	}
	if err != nil {
		return t, err
	}
	err = c.check("a datatype")
	return t, err
}

// fixedPoint reads the properties of an integer.
func (t *Type) fixedPoint(c *cursor, bits uint64) {
	t.BigEndian, t.Signed = bits&1 != 0, bits&8 != 0
	offset, precision := c.uint16(), c.uint16()
	if offset != 0 || precision != 8*uint64(t.Size) {
		return
	}
	kinds := map[int]number{1: uint8s, 2: uint16s, 4: uint32s, 8: uint64s}
	if t.Signed {
		kinds = map[int]number{1: int8s, 2: int16s, 4: int32s, 8: int64s}
	}
	t.number = kinds[t.Size]
}

// floatLayout is where a float's parts lie.
type floatLayout struct {
	size                                int
	offset, precision, sign             uint64
	exponentAt, exponentBits            uint64
	mantissaAt, mantissaBits, bias, how uint64
}

var floatLayouts = map[floatLayout]number{
	{2, 0, 16, 15, 10, 5, 0, 10, 15, 2}:    float16s,
	{2, 0, 16, 15, 7, 8, 0, 7, 127, 2}:     bfloat16s,
	{4, 0, 32, 31, 23, 8, 0, 23, 127, 2}:   float32s,
	{8, 0, 64, 63, 52, 11, 0, 52, 1023, 2}: float64s,
}

// floatingPoint reads the properties of a float.
func (t *Type) floatingPoint(c *cursor, bits uint64) {
	t.BigEndian, t.Signed = bits&1 != 0, true
	layout := floatLayout{
		size: t.Size, sign: bits >> 8 & 0xff, how: bits >> 4 & 3,
		offset: c.uint16(), precision: c.uint16(),
		exponentAt: c.uint8(), exponentBits: c.uint8(),
		mantissaAt: c.uint8(), mantissaBits: c.uint8(), bias: c.uint32(),
	}
	const vax = 1 << 6
	if bits&vax == 0 {
		t.number = floatLayouts[layout]
	}
}

// enum reads an enumeration, of which only the underlying integer and whether it is h5py's bool matter.
func (t *Type) enum(c *cursor, bits, version uint64, depth int) error {
	base, err := nestedType(c, depth+1)
	if err != nil {
		return err
	}
	if base.Class != Integer || base.Size != t.Size {
		return fault(Malformed, c.offset, "an enumeration of %s", base)
	}
	t.number, t.Signed, t.BigEndian = base.number, base.Signed, base.BigEndian
	members := int(bits & 0xffff)
	if members != 2 || t.number != int8s {
		return nil
	}
	names := make([]string, members)
	for i := range names {
		var padded strings.Builder
		for b := c.uint8(); b != 0; b = c.uint8() {
			padded.WriteByte(byte(b))
		}
		if n := uint64(padded.Len() + 1); version < 3 {
			c.take((n+7)/8*8 - n)
		}
		names[i] = padded.String()
	}
	if values := c.take(uint64(members)); !c.short && names[0] == "FALSE" && names[1] == "TRUE" && string(values) == "\x00\x01" {
		t.Class = Bool
	}
	return nil
}

// variable reads a type of variable length, of which strings are read.
func (t *Type) variable(c *cursor, bits uint64, depth int) error {
	if bits&15 != 1 {
		return nil
	}
	base, err := nestedType(c, depth+1)
	if err != nil {
		return err
	}
	if base.Size != 1 || t.Size != 4+c.widths.address+4 {
		return fault(Malformed, c.offset, "strings of variable length in %d bytes, of elements of %d", t.Size, base.Size)
	}
	t.Class, t.Variable, t.padding = String, true, bits>>4&15
	return nil
}

// array reads an array type, and becomes its elements' type with their shape.
func (t *Type) array(c *cursor, version uint64, depth int) error {
	size := t.Size
	dims := make([]int, c.uint8())
	if len(dims) > maxRank {
		return fault(Malformed, c.offset, "an array type of %d dimensions", len(dims))
	}
	if version < 3 {
		c.take(3)
	}
	for i := range dims {
		dims[i] = int(c.uint32())
	}
	if version < 3 {
		c.take(uint64(4 * len(dims))) // permutation
	}
	base, err := nestedType(c, depth+1)
	if err != nil {
		return err
	}
	inner, ok := product(base.dims, size/base.Size)
	inner *= base.Size
	n := 0
	if ok && inner > 0 {
		n, ok = product(dims, size/inner)
	}
	if !ok || n*inner != size {
		return fault(Malformed, c.offset, "an array type of %d bytes, of %v elements of %d", size, dims, inner)
	}
	base.dims = slices.Concat(dims, base.dims)
	*t = base
	return nil
}
