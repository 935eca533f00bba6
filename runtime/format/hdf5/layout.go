package hdf5

import "math"

// layoutClass is how a dataset's elements are stored.
type layoutClass uint64

const (
	compact layoutClass = iota
	contiguous
	chunked
	virtual
)

// chunkIndex is how the chunks of a dataset are found.
type chunkIndex uint64

const (
	byTree1 chunkIndex = iota
	singleChunk
	implicit
	fixedArray
	extensibleArray
	byTree2
)

// layout is where a dataset's elements are (specification IV.A.2.i).
type layout struct {
	class   layoutClass
	address uint64
	// size is how many bytes a contiguous dataset has, and known says whether it was told.
	size  uint64
	known bool
	// inline is the data of a compact dataset.
	inline []byte

	// chunk is the shape of a chunk, without the dimension that is an element's bytes, which is element.
	chunk   []int
	element uint64
	index   chunkIndex
	// edgesPlain says that chunks that reach over the dataset's edge are not filtered.
	edgesPlain bool
	// filteredSize and filterMask are those of a single chunk.
	filteredSize, filterMask uint64
	singleFiltered           bool
	// wideSizes says that the stored sizes of chunks are as wide as lengths.
	wideSizes bool
}

func readLayout(c *cursor) (layout, error) {
	version := c.uint8()
	var l layout
	var err error
	switch {
	case c.short:
	case version == 1 || version == 2:
		l, err = oldLayout(c)
	case version == 3:
		l, err = layout3(c)
	case version == 4 || version == 5:
		l, err = layout4(c)
		l.wideSizes = version == 5
	default:
		return l, fault(Unsupported, c.offset, "a data layout of version %d", version)
	}
	if err != nil {
		return l, err
	}
	err = c.check("a data layout")
	return l, err
}

// oldLayout reads versions 1 and 2.
func oldLayout(c *cursor) (layout, error) {
	rank := c.uint8()
	l := layout{class: layoutClass(c.uint8())}
	c.take(5)
	if l.class != compact {
		l.address = c.address()
	}
	if rank > maxRank+1 {
		return l, fault(Malformed, c.offset, "a data layout of %d dimensions", rank)
	}
	switch l.class {
	case compact:
		c.take(4 * rank)
		l.inline = c.take(c.uint32())
	case contiguous:
		c.take(4 * rank)
	case chunked:
		err := l.chunkShape(c, rank, 4)
		return l, err
	default:
		return l, fault(Unsupported, c.offset, "a data layout of class %d", l.class)
	}
	return l, nil
}

func layout3(c *cursor) (layout, error) {
	l := layout{class: layoutClass(c.uint8())}
	if l.class == chunked {
		rank := c.uint8()
		l.address = c.address()
		err := l.chunkShape(c, rank, 4)
		return l, err
	}
	err := l.plain(c)
	return l, err
}

// plain reads compact and contiguous layouts of version 3 and later.
func (l *layout) plain(c *cursor) error {
	switch l.class {
	case compact:
		l.inline = c.take(c.uint16())
	case contiguous:
		l.address, l.size, l.known = c.address(), c.length(), true
	case virtual:
		return fault(Unsupported, c.offset, "a virtual dataset, made of others")
	default:
		return fault(Unsupported, c.offset, "a data layout of class %d", l.class)
	}
	return nil
}

// chunkShape reads a chunk's dimensions, the last of which is an element's bytes.
func (l *layout) chunkShape(c *cursor, rank uint64, width int) error {
	if rank < 2 || rank > maxRank+1 || width < 1 || width > 8 {
		return fault(Malformed, c.offset, "chunks of %d dimensions, in %d bytes each", rank, width)
	}
	l.chunk = make([]int, rank-1)
	for i := range l.chunk {
		size := c.uint(width)
		if size == 0 || size > math.MaxInt32 {
			return fault(Malformed, c.offset, "chunks whose dimension %d is %d", i, size)
		}
		l.chunk[i] = int(size)
	}
	l.element = c.uint(width)
	return nil
}

func layout4(c *cursor) (layout, error) {
	l := layout{class: layoutClass(c.uint8())}
	if l.class != chunked {
		err := l.plain(c)
		return l, err
	}
	flags, rank := c.uint8(), c.uint8()
	if err := l.chunkShape(c, rank, int(c.uint8())); err != nil {
		return l, err
	}
	l.edgesPlain, l.singleFiltered = flags&1 != 0, flags&2 != 0
	l.index = chunkIndex(c.uint8())
	switch l.index {
	case singleChunk:
		if l.singleFiltered {
			l.filteredSize, l.filterMask = c.length(), c.uint32()
		}
	case implicit:
	case fixedArray:
		c.take(1) // the index' own header has what creates it
	case extensibleArray:
		c.take(5)
	case byTree2:
		c.take(6)
	default:
		return l, fault(Unsupported, c.offset, "chunks that are found by an index of kind %d", l.index)
	}
	l.address = c.address()
	return l, nil
}
