package hdf5

import (
	"context"
	"slices"
)

// chunkPlace is where a chunk is stored. The address of one that was never written is undefined.
type chunkPlace struct {
	address, size, mask uint64
}

// grid is how a dataset is cut into chunks.
type grid struct {
	// dims are the dataset's, chunk those of a chunk, and counts how many chunks there are in each dimension.
	dims, chunk, counts []int
	// total is how many chunks there are.
	total int
	// bytes is the size of a chunk that is not filtered.
	bytes uint64
}

// each visits the chunks' coordinates in row-major order.
func (g *grid) each(visit func(scaled []int) error) error {
	scaled := make([]int, len(g.counts))
	for range g.total {
		if err := visit(scaled); err != nil {
			return err
		}
		for axis := len(scaled) - 1; axis >= 0; axis-- {
			if scaled[axis]++; scaled[axis] < g.counts[axis] {
				break
			}
			scaled[axis] = 0
		}
	}
	return nil
}

// onEdge says whether a chunk reaches over the dataset's edge.
func (g *grid) onEdge(scaled []int) bool {
	for axis, at := range scaled {
		if (at+1)*g.chunk[axis] > g.dims[axis] {
			return true
		}
	}
	return false
}

// walkChunks visits the chunks that are stored, each once, with their coordinates in chunks.
func (d *storage) walkChunks(ctx context.Context, f *File, m *meter, visit func(scaled []int, place chunkPlace) error) error {
	g := d.grid
	switch d.layout.index {
	case byTree1, byTree2:
		return d.walkChunkTree(ctx, f, m, visit)
	}
	lookup, err := d.chunkLookup(f, m, g)
	if err != nil {
		return err
	}
	number, err := d.chunkNumbers(g)
	if err != nil {
		return err
	}
	return g.each(func(scaled []int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		place, err := lookup(number(scaled))
		if err != nil || place.address == undefined {
			return err
		}
		return visit(scaled, place)
	})
}

// chunkNumbers returns the function from a chunk's coordinates to its number in an array index. Chunks are counted as if
// the dataset had grown as far as it can; a dimension that can grow without end comes first.
func (d *storage) chunkNumbers(g *grid) (func([]int) uint64, error) {
	order := make([]int, 0, len(g.counts))
	for axis, limit := range d.space.limits {
		if limit == unlimited {
			order = append(order, axis)
		}
	}
	if len(order) > 1 || (len(order) == 1) != (d.layout.index == extensibleArray) {
		return nil, fault(Malformed, d.offset, "a dataset with %d dimensions without limit, and chunks in an index of kind %d",
			len(order), d.layout.index)
	}
	for axis, limit := range d.space.limits {
		if limit != unlimited {
			order = append(order, axis)
		}
	}
	strides := make([]uint64, len(g.counts))
	stride := uint64(1)
	for i, axis := range slices.Backward(order) {
		strides[axis] = stride
		if i == 0 {
			break
		}
		count := (d.space.limits[axis]-1)/uint64(g.chunk[axis]) + 1
		if count == 0 || stride > (1<<62)/count {
			return nil, fault(Malformed, d.offset, "a dataset that grows to more chunks than can be counted")
		}
		stride *= count
	}
	return func(scaled []int) uint64 {
		number := uint64(0)
		for axis, at := range scaled {
			number += uint64(at) * strides[axis]
		}
		return number
	}, nil
}

// chunkLookup returns the function from a chunk's number to its place.
func (d *storage) chunkLookup(f *File, m *meter, g *grid) (func(uint64) (chunkPlace, error), error) {
	l := &d.layout
	switch l.index {
	case singleChunk:
		place := chunkPlace{address: l.address, size: g.bytes}
		if l.singleFiltered {
			place.size, place.mask = l.filteredSize, l.filterMask
		}
		return func(number uint64) (chunkPlace, error) {
			if number != 0 {
				return place, fault(Malformed, d.offset, "a dataset of several chunks, with an index of one")
			}
			return place, nil
		}, nil
	case implicit:
		return func(number uint64) (chunkPlace, error) {
			if !f.within(l.address, g.bytes) || number > uint64(f.size)/g.bytes {
				return chunkPlace{}, fault(Malformed, d.offset, "chunk %d is not within the file", number)
			}
			return chunkPlace{address: l.address + number*g.bytes, size: g.bytes}, nil
		}, nil
	case fixedArray:
		return f.fixedArray(m, l.address, len(d.filters) > 0, g.bytes)
	default:
		return f.extensibleArray(m, l.address, len(d.filters) > 0, g.bytes)
	}
}

// elementReader reads the elements of array indexes.
type elementReader struct {
	filtered bool
	// size is an element's bytes, and plain the size of a chunk without filters.
	size, plain uint64
}

// newElementReader checks the element size of an array's header.
func newElementReader(c *cursor, client, size uint64, filtered bool, plain uint64) (elementReader, error) {
	least := uint64(c.widths.address)
	most := least
	if filtered {
		least, most = least+4+1, least+4+8
	}
	if client > 1 || (client == 1) != filtered || size < least || size > most {
		return elementReader{}, fault(Malformed, c.offset, "an index of chunks for client %d with elements of %d bytes", client, size)
	}
	return elementReader{filtered: filtered, size: size, plain: plain}, nil
}

// element reads element i of a block's elements.
func (e elementReader) element(block *cursor, i uint64) (chunkPlace, error) {
	c := &cursor{data: block.data, offset: block.offset, at: block.at, widths: block.widths}
	c.take(i * e.size)
	return e.read(c, int(e.size)-c.widths.address-4), c.check("an index of chunks")
}

// read reads a place, the size in which is so many bytes wide.
func (e elementReader) read(c *cursor, width int) chunkPlace {
	place := chunkPlace{address: c.address(), size: e.plain}
	if e.filtered {
		place.size, place.mask = c.uint(width), c.uint32()
	}
	return place
}

// walkChunkTree visits the chunks that a tree of either version finds.
func (d *storage) walkChunkTree(ctx context.Context, f *File, m *meter, visit func([]int, chunkPlace) error) error {
	g := d.grid
	rank := len(g.dims)
	visitUnlessDone := func(scaled []int, place chunkPlace) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return visit(scaled, place)
	}
	w := &chunkWalker{grid: g, scaled: make([]int, rank), last: make([]int, rank), visit: visitUnlessDone}
	if d.layout.index == byTree1 {
		return f.walkTree1(m, d.layout.address, chunkTree(rank), func(key *cursor, child uint64) error {
			place := chunkPlace{address: child, size: key.uint32(), mask: key.uint32()}
			return w.chunk(key, place, false)
		})
	}
	kind := uint64(treeOfChunks)
	reader := elementReader{plain: g.bytes}
	if len(d.filters) > 0 {
		kind, reader.filtered = treeOfFilteredChunks, true
	}
	return f.walkTree2(m, d.layout.address, kind, func(record *cursor) error {
		width := record.left() - f.widths.address - 4 - 8*rank
		if reader.filtered && (width < 1 || width > 8) {
			return fault(Malformed, record.offset, "a record of a chunk in %d bytes", record.left())
		}
		return w.chunk(record, reader.read(record, width), true)
	})
}

// chunkWalker turns what trees say of chunks into coordinates, and sees that they come in order, which means that none
// comes twice.
type chunkWalker struct {
	grid         *grid
	scaled, last []int
	begun        bool
	visit        func([]int, chunkPlace) error
}

func (w *chunkWalker) chunk(key *cursor, place chunkPlace, isScaled bool) error {
	outside := false
	for axis := range w.scaled {
		at, chunk := key.uint64(), uint64(w.grid.chunk[axis])
		if !isScaled {
			if at%chunk != 0 {
				return fault(Malformed, key.offset, "a chunk begins at %d, with chunks of %d", at, chunk)
			}
			at /= chunk
		}
		if at > 1<<62 {
			return fault(Malformed, key.offset, "a chunk at %d", at)
		}
		w.scaled[axis] = int(at)
		outside = outside || w.scaled[axis] >= w.grid.counts[axis]
	}
	if err := key.check("the place of a chunk"); err != nil {
		return err
	}
	if w.begun && !ascending(w.last, w.scaled) {
		return fault(Malformed, key.offset, "a tree of chunks that is not in order")
	}
	w.begun = true
	copy(w.last, w.scaled)
	// What was cut off when the dataset was made smaller may still be there.
	if outside || place.address == undefined {
		return nil
	}
	return w.visit(w.scaled, place)
}

func ascending(a, b []int) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}
