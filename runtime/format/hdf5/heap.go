package hdf5

import "bytes"

// localHeap reads a local heap's data segment, which holds the names of a symbol-table group (specification III.D).
func (f *File) localHeap(address uint64) (*cursor, error) {
	n := uint64(4 + 4 + 2*f.widths.length + f.widths.address)
	c, err := f.block(f.meter, address, n, "a local heap")
	if err != nil {
		return nil, err
	}
	if !c.signature("HEAP") || c.uint8() != 0 {
		return nil, fault(Malformed, c.offset, "there is no local heap of version 0")
	}
	c.take(3)
	size := c.length()
	c.length() // free list
	segment := c.address()
	return f.block(f.meter, segment, size, "a local heap's data")
}

// nameAt is the null-terminated name at an offset of a local heap's data.
func (f *File) nameAt(heap *cursor, offset uint64) (string, error) {
	if offset >= uint64(len(heap.data)) {
		return "", fault(Malformed, heap.offset, "a name at byte %d of a local heap of %d", offset, len(heap.data))
	}
	name := heap.data[offset:]
	end := bytes.IndexByte(name, 0)
	if end < 0 {
		return "", fault(Malformed, heap.offset+int64(offset), "a name without an end")
	}
	// Many names may be the tails of one.
	if err := f.meter.charge(heap.offset, uint64(end)); err != nil {
		return "", err
	}
	return string(name[:end]), nil
}

// collection is a global heap collection: objects of any size by index (specification III.E).
type collection struct{ objects map[uint64][]byte }

// collection reads a global heap collection, once.
func (f *File) collection(address uint64) (*collection, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known := f.heaps[address]; known != nil {
		return known, nil
	}
	const what = "a global heap collection"
	prefix := 8 + f.widths.length
	c, err := f.block(f.meter, address, uint64(prefix), what)
	if err != nil {
		return nil, err
	}
	if !c.signature("GCOL") || c.uint8() != 1 {
		return nil, fault(Malformed, c.offset, "there is no global heap collection of version 1")
	}
	c.take(3)
	size := c.length()
	if c, err = f.block(f.meter, address, size, what); err != nil {
		return nil, err
	}
	c.take(uint64(prefix))
	heap := &collection{objects: map[uint64][]byte{}}
	for c.left() >= 8+f.widths.length {
		index := c.uint16()
		c.take(2 + 4) // references, reserved
		size := c.length()
		if index == 0 { // free space up to the end
			break
		}
		start := c.place()
		data := c.take(size)
		if c.short {
			return nil, fault(Malformed, start, "an object of %d bytes in a global heap collection ends after it", size)
		}
		heap.objects[index] = data
		c.take(min(-size&7, uint64(c.left())))
		if err := f.meter.charge(start, blockOverhead); err != nil {
			return nil, err
		}
	}
	f.heaps[address] = heap
	return heap, nil
}

// variable is the element of variable length that a reference (length, address, index) points to. It aliases the heap.
func (f *File) variable(reference []byte, offset int64) ([]byte, error) {
	c := &cursor{data: reference, offset: offset, widths: f.widths}
	length, address, index := c.uint32(), c.address(), c.uint32()
	if length == 0 || address == 0 || address == undefined {
		return nil, nil
	}
	heap, err := f.collection(address)
	if err != nil {
		return nil, err
	}
	data, ok := heap.objects[index]
	if !ok || length > uint64(len(data)) {
		return nil, fault(Malformed, offset, "text of %d bytes is not in the global heap at %#x as object %d", length, address, index)
	}
	return data[:length], nil
}
