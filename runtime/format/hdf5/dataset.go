package hdf5

import (
	"context"
	"math"
	"slices"
)

// Dataset is an array of elements.
type Dataset struct {
	file    *File
	object  *object
	storage *storage
	path    string
}

// storage is what an object header says about a dataset.
type storage struct {
	offset  int64
	space   dataspace
	dtype   Type
	layout  layout
	filters []filter
	// fill is an element as it is where nothing was written; nil means zeros.
	fill []byte
	// unit is how many bytes there are for each point of the space, and per how many elements: one, unless they are of an
	// array type.
	unit uint64
	per  int
	// count is how many elements there are.
	count int
	grid  *grid
}

// Path is the path by which the dataset was opened.
func (d *Dataset) Path() string { return d.path }

// Attributes are the dataset's attributes.
func (d *Dataset) Attributes() ([]*Attribute, error) { return d.file.attributes(d.object, d.path) }

// Attribute is the dataset's attribute of that name.
func (d *Dataset) Attribute(name string) (*Attribute, error) {
	return d.file.attribute(d.object, d.path, name)
}

// Shape is the dataset's shape; that of a scalar is empty. The dimensions of an array type come last.
func (d *Dataset) Shape() []int {
	return append(slices.Clone(d.storage.space.dims), d.storage.dtype.dims...)
}

// Type is the type of the dataset's elements.
func (d *Dataset) Type() Type { return d.storage.dtype }

// Len is how many elements the dataset has. It was found to be in proportion to the file when the dataset was opened:
// its bytes are in the file, or at most Limits.MaxExpansion times the file's.
func (d *Dataset) Len() int { return d.storage.count }

// ReadFloat32 reads all elements, which must be numbers, in row-major order. The length of dst must be the dataset's.
// Numbers that a float32 cannot hold are rounded. Uncompressed float32 elements go from the file straight into dst.
func (d *Dataset) ReadFloat32(ctx context.Context, dst []float32) error {
	return readNumbers(ctx, d, dst)
}

// ReadFloat64 is like ReadFloat32.
func (d *Dataset) ReadFloat64(ctx context.Context, dst []float64) error {
	return readNumbers(ctx, d, dst)
}

// ReadInt64 reads all elements, which must be integers or booleans and fit.
func (d *Dataset) ReadInt64(ctx context.Context, dst []int64) error { return readNumbers(ctx, d, dst) }

// ReadStrings reads all elements, which must be text, without their padding. Whether it is UTF-8 is not checked.
func (d *Dataset) ReadStrings(ctx context.Context, dst []string) error {
	if err := d.fits(len(dst)); err != nil {
		return err
	}
	s, err := stringSink(d.file, newMeter(d.file.maxExpanded()), d.storage.dtype, dst, d.storage.offset)
	if err != nil {
		return at(d.path, err)
	}
	return at(d.path, d.read(ctx, s))
}

func readNumbers[T numeric](ctx context.Context, d *Dataset, dst []T) error {
	if err := d.fits(len(dst)); err != nil {
		return err
	}
	s, err := numberSink(d.storage.dtype, dst)
	if err != nil {
		return at(d.path, err)
	}
	return at(d.path, d.read(ctx, s))
}

func (d *Dataset) fits(n int) error {
	if n == d.storage.count {
		return nil
	}
	return at(d.path, fault(Mismatch, d.object.offset, "%d elements, to be read into a slice of %d", d.storage.count, n))
}

// openDataset reads what the header says about a dataset, once.
func (f *File) openDataset(o *object, where string) (*Dataset, error) {
	o.mu.Lock()
	stored, err := o.storage, error(nil)
	if stored == nil {
		if stored, err = f.readStorage(o); err == nil {
			o.storage = stored
		}
	}
	o.mu.Unlock()
	if err != nil {
		return nil, at(where, err)
	}
	d := &Dataset{file: f, object: o, storage: stored, path: where}
	err = d.asKeras()
	return d, err
}

// asKeras recognises what Keras writes for bfloat16, which HDF5 had no name for: two opaque bytes, and an attribute.
func (d *Dataset) asKeras() error {
	if d.storage.dtype.Class != Opaque || d.storage.dtype.Size != 2 {
		return nil
	}
	attributes, err := d.Attributes()
	if err != nil {
		return err
	}
	for _, a := range attributes {
		if a.Name() != "dtype" || a.Type().Class != String {
			continue
		}
		name, err := a.Bytes()
		if err != nil {
			return err
		}
		if string(name) == "bfloat16" {
			stored := *d.storage
			stored.dtype.Class, stored.dtype.number, stored.dtype.Signed = Float, bfloat16s, true
			d.storage = &stored
		}
	}
	return nil
}

// readStorage reads a dataset's messages, and finds that they fit each other and the file.
func (f *File) readStorage(o *object) (*storage, error) {
	d := &storage{offset: o.offset}
	read := func(kind uint64, read func(*cursor) error) error {
		m := o.find(kind)
		if m == nil {
			return nil
		}
		c, err := f.resolve(m)
		if err != nil {
			return err
		}
		return read(c)
	}
	if o.find(messageDataspace) == nil || o.find(messageDatatype) == nil {
		return nil, fault(Malformed, o.offset, "a dataset without a shape or a type")
	}
	if o.find(messageExternal) != nil {
		return nil, fault(Unsupported, o.offset, "a dataset whose elements are in other files, which are not read")
	}
	for _, part := range []struct {
		kind uint64
		read func(*cursor) error
	}{
		{messageDataspace, func(c *cursor) (err error) { d.space, err = readDataspace(c); return err }},
		{messageDatatype, func(c *cursor) (err error) { d.dtype, err = datatype(c); return err }},
		{messageLayout, func(c *cursor) (err error) { d.layout, err = readLayout(c); return err }},
		{messageFilters, func(c *cursor) (err error) { d.filters, err = readFilters(c); return err }},
		{messageOldFill, func(c *cursor) error { return d.oldFill(c) }},
		{messageFill, func(c *cursor) error { return d.newFill(c) }},
	} {
		if err := read(part.kind, part.read); err != nil {
			return nil, err
		}
	}
	err := d.measure(f)
	return d, err
}

func (d *storage) oldFill(c *cursor) error {
	d.fill = c.take(c.uint32())
	return c.check("a fill value")
}

// newFill reads a fill value message (specification IV.A.2.f).
func (d *storage) newFill(c *cursor) error {
	version := c.uint8()
	defined := false
	switch {
	case version == 1 || version == 2:
		c.take(2)
		defined = c.uint8() != 0 || version == 1
	case version == 3:
		defined = c.uint8()&(1<<5) != 0
	case !c.short:
		return fault(Unsupported, c.offset, "a fill value of version %d", version)
	}
	d.fill = nil
	if defined {
		if size := c.uint32(); size != 0 && size <= math.MaxInt32 {
			d.fill = c.take(size)
		}
	}
	return c.check("a fill value")
}

// measure computes how much there is, and refuses what is out of proportion to the file.
func (d *storage) measure(f *File) error {
	per, ok := product(d.dtype.dims, math.MaxInt32)
	if !ok || per == 0 {
		return fault(Unsupported, d.offset, "elements that are arrays of shape %v", d.dtype.dims)
	}
	d.per, d.unit = per, uint64(per)*uint64(d.dtype.Size)
	points, ok := d.space.count(math.MaxInt / int(d.unit))
	if !ok {
		return fault(TooLarge, d.offset, "a dataset of shape %v", d.space.dims)
	}
	d.count = points * per
	bytes := uint64(points) * d.unit
	if d.fill != nil && uint64(len(d.fill)) != d.unit {
		return fault(Malformed, d.offset, "a fill value of %d bytes for elements of %d", len(d.fill), d.unit)
	}
	l := &d.layout
	switch {
	case l.class == compact:
		if uint64(len(l.inline)) < bytes {
			return fault(Malformed, d.offset, "a dataset of %d bytes, with %d in its header", bytes, len(l.inline))
		}
		return nil
	case l.class == contiguous && l.address != undefined && bytes > 0:
		if l.known && l.size < bytes || !f.within(l.address, bytes) {
			return fault(Malformed, f.offset(l.address), "a dataset of shape %v has %d bytes, which are not there", d.space.dims, bytes)
		}
		return nil
	case bytes > uint64(f.maxExpanded()):
		return fault(TooLarge, d.offset, "a dataset of shape %v has %d bytes, more than %d for each byte of the file",
			d.space.dims, bytes, f.limits.MaxExpansion)
	case l.class == chunked:
		return d.cut(f)
	}
	return nil
}

// cut computes the grid of chunks.
func (d *storage) cut(f *File) error {
	l := &d.layout
	if len(l.chunk) != len(d.space.dims) || l.element != d.unit {
		return fault(Malformed, d.offset, "chunks of shape %v and elements of %d bytes, in a dataset of shape %v and elements of %d",
			l.chunk, l.element, d.space.dims, d.unit)
	}
	limit := int(f.maxExpanded())
	points, ok := product(l.chunk, limit/int(d.unit))
	if !ok {
		return fault(TooLarge, d.offset, "chunks of shape %v, more than %d bytes for each byte of the file",
			l.chunk, f.limits.MaxExpansion)
	}
	g := &grid{dims: d.space.dims, chunk: l.chunk, counts: make([]int, len(l.chunk)), bytes: uint64(points) * d.unit}
	for axis, size := range g.dims {
		g.counts[axis] = (size + l.chunk[axis] - 1) / l.chunk[axis]
	}
	// Every chunk may have to be decompressed, whatever little of it is within the dataset.
	if g.total, ok = product(g.counts, limit/int(g.bytes)); !ok {
		return fault(TooLarge, d.offset, "%v chunks of %d bytes, more than %d for each byte of the file",
			g.counts, g.bytes, f.limits.MaxExpansion)
	}
	d.grid = g
	return nil
}
