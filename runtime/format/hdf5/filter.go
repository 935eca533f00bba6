package hdf5

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"io"
)

// Filters' numbers (specification IV.A.2.l).
const (
	filterDeflate  = 1
	filterShuffle  = 2
	filterFletcher = 3
)

// filterNames are the filters whose names are fixed, and a few that are registered and seen.
var filterNames = map[uint64]string{
	filterDeflate: "deflate", filterShuffle: "shuffle", filterFletcher: "fletcher32",
	4: "szip", 5: "nbit", 6: "scaleoffset",
	32000: "lzf", 32001: "blosc", 32004: "lz4", 32008: "bitshuffle", 32015: "zstd", 32026: "blosc2",
}

// filter is one step of a pipeline.
type filter struct {
	id     uint64
	name   string
	values []uint32
}

// maxFilters is the format's own limit: chunks have a mask of so many bits.
const maxFilters = 32

// readFilters reads a filter pipeline message (specification IV.A.2.l).
func readFilters(c *cursor) ([]filter, error) {
	version, n := c.uint8(), c.uint8()
	if c.short || version < 1 || version > 2 {
		return nil, fault(Unsupported, c.offset, "a filter pipeline of version %d", version)
	}
	if n > maxFilters {
		return nil, fault(Malformed, c.offset, "a pipeline of %d filters", n)
	}
	if version == 1 {
		c.take(6)
	}
	filters := make([]filter, n)
	for i := range filters {
		f := &filters[i]
		f.id = c.uint16()
		nameSize := uint64(0)
		if version == 1 || f.id >= 256 {
			nameSize = c.uint16()
		}
		c.take(2) // flags
		values := c.uint16()
		name := c.take(nameSize)
		if version == 1 {
			c.take(-nameSize & 7)
		}
		raw := c.take(4 * values)
		if version == 1 && values%2 == 1 {
			c.take(4)
		}
		if err := c.check("a filter pipeline"); err != nil {
			return nil, err
		}
		f.values = make([]uint32, values)
		for j := range f.values {
			f.values[j] = binary.LittleEndian.Uint32(raw[4*j:])
		}
		if f.name = filterNames[f.id]; f.name == "" {
			f.name = string(bytes.TrimRight(name, "\x00"))
		}
	}
	return filters, nil
}

// checkFilters refuses pipelines with a filter that cannot be undone.
func checkFilters(filters []filter, offset int64) error {
	for _, f := range filters {
		switch f.id {
		case filterDeflate, filterShuffle, filterFletcher:
		default:
			return fault(Unsupported, offset, "filter %d (%s); deflate, shuffle and fletcher32 are supported",
				f.id, printable(f.name))
		}
	}
	return nil
}

// pipeline undoes filters, and keeps its buffers from chunk to chunk.
type pipeline struct {
	filters []filter
	inflate io.ReadCloser
	source  bytes.Reader
	buffers [2][]byte
}

// undo returns the size bytes that were filtered into stored. The answer may alias stored, and holds until the next call.
func (p *pipeline) undo(ctx context.Context, stored []byte, mask uint64, size int, offset int64) ([]byte, error) {
	data := stored
	for i := len(p.filters) - 1; i >= 0; i-- {
		if mask>>i&1 != 0 {
			continue
		}
		var err error
		switch f := &p.filters[i]; f.id {
		case filterFletcher:
			data, err = unfletch(data, offset)
		case filterDeflate:
			// Checksums that were appended before are all that may come beside the chunk.
			data, err = p.inflated(ctx, data, size+4*i, offset)
		case filterShuffle:
			data = p.unshuffled(data, f)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(data) != size {
		return nil, fault(Malformed, offset, "a chunk of %d bytes, which should have %d", len(data), size)
	}
	return data, nil
}

// unfletch compares a chunk with its checksum, and cuts that off.
func unfletch(data []byte, offset int64) ([]byte, error) {
	if len(data) < 4 {
		return nil, fault(Malformed, offset, "a chunk of %d bytes with a checksum", len(data))
	}
	data, tail := data[:len(data)-4], data[len(data)-4:]
	stored, found := binary.LittleEndian.Uint32(tail), fletcher32(data)
	// Libraries before 1.6.3 wrote the halves of each word the wrong way around on little-endian machines.
	if old := found&0x00ff00ff<<8 | found&0xff00ff00>>8; stored != found && stored != old {
		return nil, fault(Malformed, offset, "the checksum of a chunk is %08x, and its bytes give %08x", stored, found)
	}
	return data, nil
}

// buffer is room for n bytes that data does not lie in.
func (p *pipeline) buffer(data []byte, n int) []byte {
	i := 0
	if len(data) > 0 && len(p.buffers[0]) > 0 && &data[0] == &p.buffers[0][0] {
		i = 1
	}
	if cap(p.buffers[i]) < n {
		p.buffers[i] = make([]byte, n)
	}
	p.buffers[i] = p.buffers[i][:n]
	return p.buffers[i]
}

// inflated decompresses at most limit bytes.
func (p *pipeline) inflated(ctx context.Context, data []byte, limit int, offset int64) ([]byte, error) {
	p.source.Reset(data)
	var err error
	if p.inflate == nil {
		p.inflate, err = zlib.NewReader(&p.source)
	} else {
		err = p.inflate.(zlib.Resetter).Reset(&p.source, nil)
	}
	if err != nil {
		return nil, fault(Malformed, offset, "a chunk is not deflated: %v", err)
	}
	// One byte more shows whether there is more, and lets the checksum at the end be compared.
	room := p.buffer(data, limit+1)
	for n := 0; n < len(room); {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		more, err := p.inflate.Read(room[n:min(n+piece, len(room))])
		n += more
		switch {
		case errors.Is(err, io.EOF):
			return room[:n], nil
		case err != nil:
			return nil, fault(Malformed, offset, "a chunk does not inflate: %v", err)
		}
	}
	return nil, fault(Malformed, offset, "a chunk inflates to more than %d bytes", limit)
}

// unshuffled puts the bytes of each element together again.
func (p *pipeline) unshuffled(data []byte, f *filter) []byte {
	if len(f.values) == 0 || f.values[0] <= 1 || uint64(f.values[0]) > uint64(len(data)) {
		return data
	}
	size := int(f.values[0])
	n := len(data) / size
	out := p.buffer(data, len(data))
	for i := range size {
		plane := data[i*n : (i+1)*n]
		for j, b := range plane {
			out[j*size+i] = b
		}
	}
	copy(out[n*size:], data[n*size:])
	return out
}
