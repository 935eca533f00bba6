package hdf5

import "math/bits"

// fractal is a fractal heap, where groups and objects in the new style keep many links and attributes, or large ones
// (specification III.G).
type fractal struct {
	file *File
	// idLength is how long the ids of objects are.
	idLength uint64
	// checksums says that direct blocks have one.
	checksums bool
	// offsetWidth and lengthWidth are the parts of an id of a managed object.
	offsetWidth, lengthWidth int
	width, start, maxDirect  uint64
	root                     uint64
	rows                     int
	hugeTree                 uint64
	header                   uint64

	blocks map[uint64]*cursor
	huge   map[uint64]headerBlock
}

// fractalHeap reads a heap's header.
func (f *File) fractalHeap(address uint64) (*fractal, error) {
	lengths, addresses := f.widths.length, f.widths.address
	size := 4 + 1 + 2 + 2 + 1 + 4 + 12*lengths + 3*addresses + 2 + 2 + 2 + 2 + 4
	c, err := f.block(f.meter, address, uint64(size), "a fractal heap")
	if err != nil {
		return nil, err
	}
	if !c.signature("FRHP") || c.uint8() != 0 {
		return nil, fault(Malformed, c.offset, "there is no fractal heap of version 0")
	}
	h := &fractal{file: f, header: address, idLength: c.uint16(), blocks: map[uint64]*cursor{}}
	// With filters the header would be longer, and its checksum elsewhere.
	if c.uint16() != 0 {
		return nil, fault(Unsupported, c.offset, "a fractal heap with filters")
	}
	if err := f.verify(c, "a fractal heap"); err != nil {
		return nil, err
	}
	h.checksums = c.uint8()&2 != 0
	maxManaged := c.uint32()
	c.length() // next id of a huge object
	h.hugeTree = c.address()
	c.length()  // free space
	c.address() // its manager
	for range 8 {
		c.length() // statistics
	}
	h.width, h.start, h.maxDirect = c.uint16(), c.length(), c.length()
	heapBits := c.uint16()
	c.uint16() // rows at the beginning
	h.root, h.rows = c.address(), int(c.uint16())
	if err := c.check("a fractal heap"); err != nil {
		return nil, err
	}
	if !power(h.width) || !power(h.start) || !power(h.maxDirect) || h.maxDirect < h.start || h.maxDirect > 1<<32 ||
		heapBits == 0 || heapBits > 63 || h.rows > 64 {
		return nil, fault(Malformed, c.offset, "a fractal heap of blocks of %d to %d bytes, %d in a row, of %d rows and %d bits",
			h.start, h.maxDirect, h.width, h.rows, heapBits)
	}
	h.offsetWidth = int(heapBits+7) / 8
	h.lengthWidth = min(encoded(h.maxDirect), encoded(maxManaged))
	return h, nil
}

func power(n uint64) bool { return n != 0 && n&(n-1) == 0 }

func log2(n uint64) int { return bits.Len64(n) - 1 }

// object reads an id, and returns the object it stands for.
func (h *fractal) object(record *cursor) (*cursor, error) {
	id := record.sub(h.idLength)
	const kindManaged, kindHuge, kindTiny = 0, 1, 2
	// Longer ids hold more than 16 bytes of a tiny object, and need a second byte for its length.
	const longestShort = 18
	head := id.uint8()
	if err := id.check("an id in a fractal heap"); err != nil {
		return nil, err
	}
	if head>>6 != 0 {
		return nil, fault(Unsupported, id.offset, "an id of version %d in a fractal heap", head>>6)
	}
	switch head >> 4 & 3 {
	case kindManaged:
		offset, length := id.uint(h.offsetWidth), id.uint(h.lengthWidth)
		if err := id.check("an id in a fractal heap"); err != nil {
			return nil, err
		}
		return h.managed(offset, length)
	case kindHuge:
		return h.hugeObject(id)
	case kindTiny:
		length := head&15 + 1
		if h.idLength > longestShort {
			length = (head&15)<<8 | id.uint8() + 1
		}
		tiny := id.sub(length)
		err := tiny.check("a tiny object in a fractal heap")
		return tiny, err
	default:
		return nil, fault(Malformed, id.offset, "an id of kind 3 in a fractal heap")
	}
}

// managed is the object at an offset of the heap's own address space.
func (h *fractal) managed(offset, length uint64) (*cursor, error) {
	if h.root == undefined {
		return nil, fault(Malformed, h.file.offset(h.header), "an object in an empty fractal heap")
	}
	if h.rows == 0 {
		return h.within(h.root, h.start, offset, length)
	}
	return h.descend(h.root, h.rows, offset, length)
}

// rowSize is the size of each block in a row of the doubling table.
func (h *fractal) rowSize(row int) uint64 { return h.start << max(row-1, 0) }

// directRows is how many rows hold direct blocks.
func (h *fractal) directRows() int { return log2(h.maxDirect) - log2(h.start) + 2 }

// descend finds an object below an indirect block, at an offset from the block's begin.
func (h *fractal) descend(address uint64, rows int, offset, length uint64) (*cursor, error) {
	// What a block spans grows with its rows; more rows than fit into 63 bits cannot be addressed.
	if log2(h.start)+rows+log2(h.width) > 63 {
		return nil, fault(Malformed, h.file.offset(address), "an indirect block of %d rows in a fractal heap", rows)
	}
	row := 0
	for ; row < rows && offset >= h.width*h.rowSize(row); row++ {
		offset -= h.width * h.rowSize(row)
	}
	if row == rows {
		return nil, fault(Malformed, h.file.offset(address), "an object outside of its fractal heap")
	}
	block, err := h.indirect(address, rows)
	if err != nil {
		return nil, err
	}
	size := h.rowSize(row)
	children := &cursor{data: block.data, offset: block.offset, widths: block.widths, at: block.at}
	children.take((uint64(row)*h.width + offset/size) * uint64(h.file.widths.address))
	child := children.address()
	if err := children.check("an indirect block of a fractal heap"); err != nil {
		return nil, err
	}
	if row < h.directRows() {
		return h.within(child, size, offset%size, length)
	}
	below := log2(size) - log2(h.start*h.width) + 1
	if below < 1 || below >= rows {
		return nil, fault(Malformed, block.offset, "an indirect block of %d rows within one of %d", below, rows)
	}
	return h.descend(child, below, offset%size, length)
}

// indirect reads an indirect block up to the addresses of its children, once.
func (h *fractal) indirect(address uint64, rows int) (*cursor, error) {
	if known := h.blocks[address]; known != nil {
		return known, nil
	}
	prefix := 4 + 1 + h.file.widths.address + h.offsetWidth
	size := uint64(prefix) + uint64(rows)*h.width*uint64(h.file.widths.address) + 4
	c, err := h.file.checked(h.file.meter, address, size, "an indirect block of a fractal heap")
	if err != nil {
		return nil, err
	}
	if !c.signature("FHIB") || c.uint8() != 0 || c.address() != h.header {
		return nil, fault(Malformed, c.offset, "there is no indirect block of the fractal heap at %#x", h.header)
	}
	c.take(uint64(h.offsetWidth))
	h.blocks[address] = c
	return c, nil
}

// within is an object of a direct block, whose own header is part of what offsets count.
func (h *fractal) within(address, size, offset, length uint64) (*cursor, error) {
	block := h.blocks[address]
	if block == nil {
		var err error
		if block, err = h.direct(address, size); err != nil {
			return nil, err
		}
		h.blocks[address] = block
	}
	c := &cursor{data: block.data, offset: block.offset, widths: block.widths}
	c.take(offset)
	if c.short || offset < uint64(block.at) {
		return nil, fault(Malformed, block.offset, "an object at byte %d of a block of %d in a fractal heap", offset, len(block.data))
	}
	object := c.sub(length)
	err := object.check("an object of a fractal heap")
	return object, err
}

// direct reads a direct block.
func (h *fractal) direct(address, size uint64) (*cursor, error) {
	c, err := h.file.block(h.file.meter, address, size, "a direct block of a fractal heap")
	if err != nil {
		return nil, err
	}
	if !c.signature("FHDB") || c.uint8() != 0 || c.address() != h.header {
		return nil, fault(Malformed, c.offset, "there is no direct block of the fractal heap at %#x", h.header)
	}
	c.take(uint64(h.offsetWidth))
	if h.checksums {
		stored := c.take(4)
		if c.short {
			return nil, c.check("a direct block of a fractal heap")
		}
		tail := &cursor{data: append([]byte(nil), stored...)}
		clear(stored)
		if want, found := uint32(tail.uint32()), lookup3(c.data); want != found && !h.file.unverified {
			return nil, fault(Malformed, c.offset, "the checksum of a direct block is %08x, and its bytes give %08x", want, found)
		}
	}
	err = c.check("a direct block of a fractal heap")
	return c, err
}

// hugeObject is an object with a place of its own in the file.
func (h *fractal) hugeObject(id *cursor) (*cursor, error) {
	const what = "a huge object of a fractal heap"
	// Where the id has room for it, it has the place itself; else a number, under which a tree has it.
	if h.idLength-1 >= uint64(h.file.widths.address+h.file.widths.length) {
		address, length := id.address(), id.length()
		return h.file.block(h.file.meter, address, length, what)
	}
	if err := h.readHuge(); err != nil {
		return nil, err
	}
	number := id.uint(min(int(h.idLength-1), h.file.widths.length))
	place, ok := h.huge[number]
	if !ok {
		return nil, fault(Malformed, id.offset, "huge object %d is not in its fractal heap", number)
	}
	return h.file.block(h.file.meter, place.address, place.size, what)
}

// readHuge reads where the huge objects are, once.
func (h *fractal) readHuge() error {
	if h.huge != nil {
		return nil
	}
	huge := map[uint64]headerBlock{}
	err := h.file.walkTree2(h.file.meter, h.hugeTree, treeOfHugeObjects, func(record *cursor) error {
		place := headerBlock{address: record.address(), size: record.length()}
		huge[record.length()] = place
		return record.check("a record of a huge object")
	})
	h.huge = huge
	return err
}
