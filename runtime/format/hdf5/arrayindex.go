package hdf5

// fixedArray reads a fixed array's header (specification VII.C), and returns the function from an index to its element.
func (f *File) fixedArray(m *meter, address uint64, filtered bool, plain uint64) (func(uint64) (chunkPlace, error), error) {
	const what = "a fixed array of chunks"
	c, err := f.checked(m, address, uint64(4+4+f.widths.length+f.widths.address+4), what)
	if err != nil {
		return nil, err
	}
	if !c.signature("FAHD") || c.uint8() != 0 {
		return nil, fault(Malformed, c.offset, "there is no fixed array of version 0")
	}
	client, size, pageBits := c.uint8(), c.uint8(), c.uint8()
	count, data := c.length(), c.address()
	reader, err := newElementReader(c, client, size, filtered, plain)
	if err != nil {
		return nil, err
	}
	if pageBits > 32 || count > uint64(f.size) {
		return nil, fault(Malformed, c.offset, "a fixed array of %d chunks in pages of 2^%d", count, pageBits)
	}
	if data == undefined {
		return func(uint64) (chunkPlace, error) { return chunkPlace{address: undefined}, nil }, nil
	}
	a := &pagedBlock{file: f, meter: m, reader: reader, count: count, page: 1 << pageBits, address: data}
	prefix := uint64(4 + 1 + 1 + f.widths.address)
	if count <= a.page {
		block, err := f.checked(m, data, prefix+count*size+4, what)
		if err != nil {
			return nil, err
		}
		block.take(prefix)
		return func(i uint64) (chunkPlace, error) { return reader.element(block, i) }, nil
	}
	bitmap := ((count-1)/a.page + 8) / 8
	block, err := f.checked(m, data, prefix+bitmap+4, what)
	if err != nil {
		return nil, err
	}
	block.take(prefix)
	a.written = block.take(bitmap)
	a.address += prefix + bitmap + 4
	return a.element, nil
}

// pagedBlock is a block of elements in pages, each with a checksum, of which only those that were written are valid.
type pagedBlock struct {
	file   *File
	meter  *meter
	reader elementReader
	// count is how many elements there are, and page how many there are in a page.
	count, page uint64
	address     uint64
	// written has a bit for each page, beginning with the highest bit of the first byte; firstBit is that of page 0.
	written  []byte
	firstBit uint64

	// open is the page that was read last, and number is which that is.
	open   *cursor
	number uint64
}

func (p *pagedBlock) element(i uint64) (chunkPlace, error) {
	number := i / p.page
	bit := p.firstBit + number
	if i >= p.count || bit/8 >= uint64(len(p.written)) {
		return chunkPlace{}, fault(Malformed, p.file.offset(p.address), "there is no chunk %d in an index of %d", i, p.count)
	}
	if p.written[bit/8]&(0x80>>(bit%8)) == 0 {
		return chunkPlace{address: undefined}, nil
	}
	if p.open == nil || p.number != number {
		n := min(p.page, p.count-number*p.page)
		start := p.address + number*(p.page*p.reader.size+4)
		page, err := p.file.checked(p.meter, start, n*p.reader.size+4, "a page of an index of chunks")
		if err != nil {
			return chunkPlace{}, err
		}
		p.open, p.number = page, number
	}
	return p.reader.element(p.open, i%p.page)
}

// extensible is an extensible array (specification VII.D): an index block that has the first elements, the addresses of
// a few data blocks, and those of secondary blocks, which have the addresses of more and larger data blocks.
type extensible struct {
	file   *File
	meter  *meter
	reader elementReader
	header uint64

	// inIndex is how many elements are in the index block, least how many the smallest data block has, pointers how many
	// data blocks the first secondary block points to, and page how many elements are in a page.
	inIndex, least, pointers, page uint64
	// offsetWidth is how wide the offsets of blocks are.
	offsetWidth int

	index *cursor
	// direct and secondary are the addresses in the index block.
	direct, secondary []uint64
	blocks            map[uint64]*cursor
	paged             map[uint64]*pagedBlock
}

const extensibleWhat = "an extensible array of chunks"

// extensibleArray reads an extensible array's header and index block, and returns the function from an index to its
// element.
func (f *File) extensibleArray(m *meter, address uint64, filtered bool, plain uint64) (func(uint64) (chunkPlace, error), error) {
	c, err := f.checked(m, address, uint64(4+8+6*f.widths.length+f.widths.address+4), extensibleWhat)
	if err != nil {
		return nil, err
	}
	if !c.signature("EAHD") || c.uint8() != 0 {
		return nil, fault(Malformed, c.offset, "there is no extensible array of version 0")
	}
	client, size, bits := c.uint8(), c.uint8(), c.uint8()
	a := &extensible{
		file: f, meter: m, header: address, blocks: map[uint64]*cursor{}, paged: map[uint64]*pagedBlock{},
		inIndex: c.uint8(), least: c.uint8(), pointers: c.uint8(), offsetWidth: int(bits+7) / 8,
	}
	pageBits := c.uint8()
	for range 6 {
		c.length() // statistics
	}
	block := c.address()
	if a.reader, err = newElementReader(c, client, size, filtered, plain); err != nil {
		return nil, err
	}
	if !power(a.least) || !power(a.pointers) || bits > 64 || pageBits > 32 || int(bits) < log2(a.least) {
		return nil, fault(Malformed, c.offset, "an extensible array of up to 2^%d elements, %d in a block and %d blocks at first",
			bits, a.least, a.pointers)
	}
	a.page = 1 << pageBits
	if block == undefined {
		return func(uint64) (chunkPlace, error) { return chunkPlace{address: undefined}, nil }, nil
	}
	return a.element, a.readIndex(block, int(bits))
}

// readIndex reads the index block.
func (a *extensible) readIndex(address uint64, bits int) error {
	addresses := a.file.widths.address
	direct := 2 * (a.pointers - 1)
	secondary := max(1+bits-log2(a.least)-2*log2(a.pointers), 0)
	prefix := uint64(4 + 1 + 1 + addresses)
	elements := a.inIndex * a.reader.size
	size := prefix + elements + (direct+uint64(secondary))*uint64(addresses) + 4
	c, err := a.file.checked(a.meter, address, size, extensibleWhat)
	if err != nil {
		return err
	}
	if !c.signature("EAIB") || c.uint8() != 0 {
		return fault(Malformed, c.offset, "there is no index block of an extensible array")
	}
	c.take(1 + uint64(addresses))
	a.index = c.sub(elements)
	a.direct, a.secondary = make([]uint64, direct), make([]uint64, secondary)
	for i := range a.direct {
		a.direct[i] = c.address()
	}
	for i := range a.secondary {
		a.secondary[i] = c.address()
	}
	return c.check(extensibleWhat)
}

// element finds element i. Data blocks come in groups, the secondary blocks; group s has 2^(s/2) data blocks of
// 2^((s+1)/2) times the least number of elements. The first groups' blocks are pointed to from the index block.
func (a *extensible) element(i uint64) (chunkPlace, error) {
	if i < a.inIndex {
		return a.reader.element(a.index, i)
	}
	i -= a.inIndex
	group := log2(i/a.least + 1)
	blocks, elements := uint64(1)<<(group/2), a.least<<((group+1)/2)
	i -= a.least * (1<<group - 1)
	block := i / elements
	direct := 2 * log2(a.pointers)
	if group < direct {
		before := uint64(0)
		for g := range group {
			before += 1 << (g / 2)
		}
		return a.inBlock(a.direct[before+block], elements, i%elements)
	}
	if group-direct >= len(a.secondary) {
		return chunkPlace{}, fault(Malformed, a.file.offset(a.header), "an extensible array without room for a chunk")
	}
	address := a.secondary[group-direct]
	if address == undefined {
		return chunkPlace{address: undefined}, nil
	}
	return a.inSecondary(address, blocks, elements, i)
}

// inSecondary finds an element in one of the data blocks of a secondary block.
func (a *extensible) inSecondary(address, blocks, elements, i uint64) (chunkPlace, error) {
	pages, bitmap := uint64(0), uint64(0)
	if elements > a.page {
		pages = elements / a.page
		bitmap = blocks * ((pages + 7) / 8)
	}
	secondary := a.blocks[address]
	if secondary == nil {
		prefix := uint64(4 + 1 + 1 + a.file.widths.address + a.offsetWidth)
		size := prefix + bitmap + blocks*uint64(a.file.widths.address) + 4
		var err error
		if secondary, err = a.file.checked(a.meter, address, size, extensibleWhat); err != nil {
			return chunkPlace{}, err
		}
		if !secondary.signature("EASB") {
			return chunkPlace{}, fault(Malformed, secondary.offset, "there is no secondary block of an extensible array")
		}
		secondary.take(prefix - 4)
		a.blocks[address] = secondary
	}
	c := &cursor{data: secondary.data, at: secondary.at, widths: secondary.widths, offset: secondary.offset}
	written := c.take(bitmap)
	block := i / elements
	c.take(block * uint64(a.file.widths.address))
	data := c.address()
	if err := c.check(extensibleWhat); err != nil {
		return chunkPlace{}, err
	}
	if pages == 0 || data == undefined {
		return a.inBlock(data, elements, i%elements)
	}
	paged := a.paged[data]
	if paged == nil {
		prefix := uint64(4 + 1 + 1 + a.file.widths.address + a.offsetWidth + 4)
		paged = &pagedBlock{
			file: a.file, meter: a.meter, reader: a.reader, count: elements, page: a.page,
			address: data + prefix, written: written, firstBit: block * pages,
		}
		a.paged[data] = paged
	}
	return paged.element(i % elements)
}

// inBlock finds an element of a data block that is not paged.
func (a *extensible) inBlock(address, elements, i uint64) (chunkPlace, error) {
	if address == undefined {
		return chunkPlace{address: undefined}, nil
	}
	block := a.blocks[address]
	if block == nil {
		prefix := uint64(4 + 1 + 1 + a.file.widths.address + a.offsetWidth)
		var err error
		if block, err = a.file.checked(a.meter, address, prefix+elements*a.reader.size+4, extensibleWhat); err != nil {
			return chunkPlace{}, err
		}
		if !block.signature("EADB") {
			return chunkPlace{}, fault(Malformed, block.offset, "there is no data block of an extensible array")
		}
		block.take(prefix - 4)
		a.blocks[address] = block
	}
	return a.reader.element(block, i)
}
