package hdf5

import (
	"slices"
	"strings"
)

// Attribute is a small value with a name.
type Attribute struct {
	file   *File
	name   string
	path   string
	offset int64
	space  dataspace
	dtype  Type
	count  int
	raw    []byte
	order  int64
}

// Name is the attribute's name.
func (a *Attribute) Name() string { return a.name }

// Shape is the attribute's shape; that of a scalar is empty.
func (a *Attribute) Shape() []int { return append(slices.Clone(a.space.dims), a.dtype.dims...) }

// Type is the type of the attribute's elements.
func (a *Attribute) Type() Type { return a.dtype }

// Len is how many elements the attribute has.
func (a *Attribute) Len() int { return a.count }

// Strings are the attribute's elements, which must be text; of no elements, the type does not matter.
func (a *Attribute) Strings() ([]string, error) {
	texts := make([]string, a.count)
	if a.count == 0 {
		return texts, nil
	}
	if err := a.decode(stringSink(a.file, newMeter(a.file.maxMetadata()), a.dtype, texts, a.offset)); err != nil {
		return nil, err
	}
	return texts, nil
}

// Bytes is the text of an attribute with one element, or an opaque element's bytes.
func (a *Attribute) Bytes() ([]byte, error) {
	if a.count == 1 && a.dtype.Class == Opaque {
		return slices.Clone(a.raw), nil
	}
	if err := a.single(); err != nil {
		return nil, err
	}
	texts, err := a.Strings()
	if err != nil {
		return nil, err
	}
	return []byte(texts[0]), nil
}

// Int64s are the attribute's elements, which must be integers or booleans.
func (a *Attribute) Int64s() ([]int64, error) { return attributeNumbers[int64](a) }

// Float64s are the attribute's elements, which must be numbers.
func (a *Attribute) Float64s() ([]float64, error) { return attributeNumbers[float64](a) }

// Int64 is the only element of the attribute.
func (a *Attribute) Int64() (int64, error) {
	if err := a.single(); err != nil {
		return 0, err
	}
	values, err := a.Int64s()
	if err != nil {
		return 0, err
	}
	return values[0], nil
}

func (a *Attribute) single() error {
	if a.count != 1 {
		return a.at(fault(Mismatch, a.offset, "%d elements where one is expected", a.count))
	}
	return nil
}

func attributeNumbers[T numeric](a *Attribute) ([]T, error) {
	values := make([]T, a.count)
	if a.count == 0 {
		return values, nil
	}
	if err := a.decode(numberSink(a.dtype, values)); err != nil {
		return nil, err
	}
	return values, nil
}

func (a *Attribute) decode(s *sink, err error) error {
	if err != nil {
		return a.at(err)
	}
	// What is kept must not be changed by the decoding.
	if err := s.put(0, slices.Clone(a.raw)); err != nil {
		return a.at(err)
	}
	return a.at(s.finish())
}

func (a *Attribute) at(err error) error { return at(a.path+"@"+a.name, err) }

// attributes reads an object's attributes, once.
func (f *File) attributes(o *object, where string) ([]*Attribute, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.attrsRead {
		found, err := f.readAttributes(o)
		if err != nil {
			return nil, at(where, err)
		}
		o.attributes, o.attrsRead = found, true
	}
	named := make([]*Attribute, len(o.attributes))
	for i, a := range o.attributes {
		here := *a
		here.path = where
		named[i] = &here
	}
	return named, nil
}

func (f *File) attribute(o *object, where, name string) (*Attribute, error) {
	all, err := f.attributes(o, where)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if a.name == name {
			return a, nil
		}
	}
	return nil, at(where+"@"+name, fault(NotFound, o.offset, "there is no such attribute"))
}

func (f *File) readAttributes(o *object) ([]*Attribute, error) {
	var found []*Attribute
	for i := range o.messages {
		m := &o.messages[i]
		switch m.kind {
		case messageAttribute:
			c, err := f.resolve(m)
			if err != nil {
				return nil, err
			}
			a, err := f.readAttribute(c)
			if err != nil {
				return nil, err
			}
			a.order = m.order
			found = append(found, a)
		case messageAttributeInfo:
			stored, err := f.denseAttributes(m.reader())
			if err != nil {
				return nil, err
			}
			found = append(found, stored...)
		}
	}
	return found, orderAttributes(found, o.offset)
}

// orderAttributes sorts attributes by creation, where that is known of all, or else by name.
func orderAttributes(all []*Attribute, offset int64) error {
	slices.SortFunc(all, func(a, b *Attribute) int { return strings.Compare(a.name, b.name) })
	ordered := true
	for i, a := range all {
		if i > 0 && a.name == all[i-1].name {
			return fault(Malformed, offset, "two attributes named %s", printable(a.name))
		}
		ordered = ordered && a.order != unorderedMessage
	}
	if ordered {
		slices.SortStableFunc(all, func(a, b *Attribute) int { return int(a.order - b.order) })
	}
	return nil
}

// readAttribute reads an attribute message (specification IV.A.2.m).
func (f *File) readAttribute(c *cursor) (*Attribute, error) {
	a := &Attribute{file: f, offset: c.offset, order: unorderedMessage}
	version, flags := c.uint8(), c.uint8()
	nameSize, typeSize, spaceSize := c.uint16(), c.uint16(), c.uint16()
	if c.short || version < 1 || version > 3 {
		return nil, fault(Unsupported, c.offset, "an attribute of version %d", version)
	}
	pad := uint64(1)
	switch version {
	case 1:
		flags, pad = 0, 8
	case 3:
		c.take(1) // character set of the name
	}
	part := func(size uint64) *cursor {
		p := c.sub(size)
		c.take((pad - size%pad) % pad)
		return p
	}
	a.name = strings.TrimRight(string(part(nameSize).data), "\x00")
	dtype, space := part(typeSize), part(spaceSize)
	if err := c.check("an attribute"); err != nil {
		return nil, err
	}
	var err error
	if flags&1 != 0 {
		if dtype, err = f.shared(dtype, messageDatatype); err != nil {
			return nil, err
		}
	}
	if flags&2 != 0 {
		return nil, fault(Unsupported, c.offset, "an attribute whose shape is shared")
	}
	if a.dtype, err = datatype(dtype); err != nil {
		return nil, err
	}
	if a.space, err = readDataspace(space); err != nil {
		return nil, err
	}
	err = a.measure(c)
	return a, err
}

// measure finds that the attribute has as many bytes as its shape and type say.
func (a *Attribute) measure(c *cursor) error {
	stored := a.dtype.Size
	for _, n := range a.dtype.dims {
		if n != 0 && stored > c.left()/n {
			stored = c.left() + 1
			break
		}
		stored *= n
	}
	if stored == 0 {
		return nil
	}
	count, ok := a.space.count(c.left() / stored)
	if !ok {
		return fault(Malformed, c.offset, "an attribute of shape %v and %d bytes", a.Shape(), c.left())
	}
	a.raw = c.take(uint64(count * stored))
	a.count = count * stored / a.dtype.Size
	return a.file.meter.charge(c.offset, uint64(len(a.name)+2*blockOverhead))
}

// denseAttributes reads the attributes that an object keeps in a fractal heap, as objects in the new style do with more
// than eight, or large ones (specification IV.A.2.v).
func (f *File) denseAttributes(c *cursor) ([]*Attribute, error) {
	const creationIndexBytes = 2
	heap, names, tracked, err := f.denseStorage(c, "attribute information", creationIndexBytes)
	if err != nil || heap == nil {
		return nil, err
	}
	var found []*Attribute
	err = f.walkTree2(f.meter, names, treeOfAttributeNames, func(record *cursor) error {
		id := record.sub(heap.idLength)
		messageFlags, order := record.uint8(), record.uint32()
		if err := record.check("a record of an attribute"); err != nil {
			return err
		}
		c, err := heap.object(id)
		if err == nil && messageFlags&flagShared != 0 {
			c, err = f.shared(c, messageAttribute)
		}
		if err != nil {
			return err
		}
		a, err := f.readAttribute(c)
		if err != nil {
			return err
		}
		if tracked {
			a.order = int64(order)
		}
		found = append(found, a)
		return nil
	})
	return found, err
}
