package hdf5

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"unsafe"
)

// piece is how much is read between two looks at the context.
const piece = 1 << 20

// sink is where elements go.
type sink struct {
	// size is an element's bytes.
	size int
	// direct is the memory of the destination, where elements of the file and of memory differ in the order of bytes at
	// most. What is put there is turned by finish.
	direct []byte
	// decode takes elements, from the one with that index on. It may change what it is given.
	decode func(index int, raw []byte) error
	swap   bool
}

// put takes the bytes of elements, and may change them.
func (s *sink) put(index int, raw []byte) error {
	if s.direct != nil {
		copy(s.direct[index*s.size:], raw)
		return nil
	}
	return s.decode(index, raw)
}

// finish ends the reading, when everything was put.
func (s *sink) finish() error {
	if s.direct != nil && s.swap {
		swap(s.direct, s.size)
	}
	return nil
}

// numberSink decodes elements into numbers.
func numberSink[T numeric](t Type, dst []T) (*sink, error) {
	var sample T
	_, toInteger := any(sample).(int64)
	switch {
	case t.number == noNumber:
		return nil, fault(Mismatch, 0, "elements are %s, not numbers that can be read", t)
	case toInteger && !t.number.integer():
		return nil, fault(Mismatch, 0, "elements are %s, not integers", t)
	}
	s := &sink{size: t.Size}
	if own := ownNumber(sample); own == t.number {
		s.swap = t.BigEndian != isBigEndian()
		s.direct = memory(dst)
		return s, nil
	}
	s.decode = func(index int, raw []byte) error {
		if t.BigEndian {
			swap(raw, t.Size)
		}
		into := dst[index : index+len(raw)/t.Size]
		convert(into, raw, t.number)
		if toInteger && t.number == uint64s {
			for i, value := range into {
				if value < 0 {
					return fault(Mismatch, 0, "element %d is more than an int64 holds", index+i)
				}
			}
		}
		return nil
	}
	return s, nil
}

// ownNumber is the encoding that memory has.
func ownNumber[T numeric](sample T) number {
	switch any(sample).(type) {
	case float32:
		return float32s
	case float64:
		return float64s
	default:
		return int64s
	}
}

func isBigEndian() bool { return binary.NativeEndian.Uint16([]byte{0, 1}) == 1 }

// memory is the bytes of a slice of numbers, so that weights of a gigabyte are read without being copied.
func memory[T numeric](numbers []T) []byte {
	if len(numbers) == 0 {
		return []byte{}
	}
	size := len(numbers) * int(unsafe.Sizeof(numbers[0]))
	//nolint:gosec // G103: the bytes are those of the slice, which outlives them; any bits are a number.
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(numbers))), size)
}

// stringSink decodes elements into strings, whose bytes the meter counts.
func stringSink(f *File, m *meter, t Type, dst []string, offset int64) (*sink, error) {
	if t.Class != String {
		return nil, fault(Mismatch, offset, "elements are %s, not text", t)
	}
	return &sink{size: t.Size, decode: func(index int, raw []byte) error {
		for ; len(raw) > 0; raw = raw[t.Size:] {
			text := raw[:t.Size]
			if t.Variable {
				var err error
				if text, err = f.variable(text, offset); err != nil {
					return err
				}
			}
			text = t.unpadded(text)
			if err := m.charge(offset, uint64(len(text))); err != nil {
				return err
			}
			dst[index] = string(text)
			index++
		}
		return nil
	}}, nil
}

// unpadded cuts off what only fills a string up.
func (t Type) unpadded(text []byte) []byte {
	const nullTerminated, nullPadded, spacePadded = 0, 1, 2
	switch t.padding {
	case nullTerminated:
		text, _, _ = bytes.Cut(text, []byte{0})
		return text
	case nullPadded:
		return bytes.TrimRight(text, "\x00")
	case spacePadded:
		return bytes.TrimRight(text, " ")
	}
	return text
}

// read puts all elements into a sink.
func (d *Dataset) read(ctx context.Context, s *sink) error {
	var err error
	l := &d.storage.layout
	switch {
	case d.storage.count == 0:
		return ctx.Err()
	case l.class == compact:
		err = s.put(0, bytes.Clone(l.inline[:d.storage.count*s.size]))
	case l.address == undefined:
		err = d.readFill(ctx, s)
	case l.class == contiguous:
		err = d.readContiguous(ctx, s)
	default:
		err = d.readChunks(ctx, s)
	}
	if err != nil {
		return err
	}
	return s.finish()
}

// readFill puts the fill value everywhere.
func (d *Dataset) readFill(ctx context.Context, s *sink) error {
	unit := int(d.storage.unit)
	total := d.storage.count * s.size
	buffer := make([]byte, min(total, max(piece/unit, 1)*unit))
	for done := 0; done < total; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(total-done, len(buffer))
		clear(buffer)
		for i := 0; i < n && d.storage.fill != nil; i += unit {
			copy(buffer[i:], d.storage.fill)
		}
		if err := s.put(done/s.size, buffer[:n]); err != nil {
			return err
		}
		done += n
	}
	return nil
}

// readContiguous reads elements that lie one after the other.
func (d *Dataset) readContiguous(ctx context.Context, s *sink) error {
	total := d.storage.count * s.size
	step := max(piece/s.size, 1) * s.size
	var buffer []byte
	if s.direct == nil {
		buffer = make([]byte, min(total, step))
	}
	for done := 0; done < total; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(total-done, step)
		into := buffer
		if s.direct != nil {
			into = s.direct[done:]
		}
		if err := d.file.read(into[:n], d.storage.layout.address+uint64(done)); err != nil {
			return err
		}
		if s.direct == nil {
			if err := s.decode(done/s.size, into[:n]); err != nil {
				return err
			}
		}
		done += n
	}
	return nil
}

// readChunks reads elements that lie in chunks, some of which may never have been written.
func (d *Dataset) readChunks(ctx context.Context, s *sink) error {
	stored := d.storage
	g := stored.grid
	if err := checkFilters(stored.filters, stored.offset); err != nil {
		return err
	}
	// The fill value goes everywhere first, unless it is what dst will be left with anyway.
	if err := d.readFill(ctx, s); err != nil {
		return err
	}
	p := &pipeline{filters: stored.filters}
	var buffer []byte
	return stored.walkChunks(ctx, d.file, newMeter(d.file.maxMetadata()), func(scaled []int, place chunkPlace) error {
		offset := d.file.offset(place.address)
		plain := len(stored.filters) == 0 || stored.layout.edgesPlain && g.onEdge(scaled)
		if plain {
			place.size, place.mask = g.bytes, math.MaxUint32
		}
		if !d.file.within(place.address, place.size) {
			return fault(Malformed, offset, "a chunk of %d bytes at address %#x is not within the file", place.size, place.address)
		}
		if uint64(cap(buffer)) < place.size {
			buffer = make([]byte, place.size)
		}
		buffer = buffer[:place.size]
		if err := d.file.read(buffer, place.address); err != nil {
			return err
		}
		data, err := p.undo(ctx, buffer, place.mask, int(g.bytes), offset)
		if err != nil {
			return err
		}
		return stored.scatter(s, scaled, data)
	})
}

// scatter puts the part of a chunk that is within the dataset where it belongs, in runs that are as long as can be.
func (d *storage) scatter(s *sink, scaled []int, data []byte) error {
	g := d.grid
	rank := len(g.dims)
	extent := make([]int, rank)
	for axis := range extent {
		extent[axis] = min(g.chunk[axis], g.dims[axis]-scaled[axis]*g.chunk[axis])
	}
	// Dimensions that a chunk has whole do not break a run.
	last, run := rank-1, extent[rank-1]
	for last > 0 && extent[last] == g.chunk[last] && extent[last] == g.dims[last] {
		last--
		run *= extent[last]
	}
	outer := make([]int, last)
	for {
		from, to := 0, 0
		for axis := range rank {
			inner := 0
			if axis < last {
				inner = outer[axis]
			}
			from = from*g.chunk[axis] + inner
			to = to*g.dims[axis] + scaled[axis]*g.chunk[axis] + inner
		}
		raw := data[from*int(d.unit) : (from+run)*int(d.unit)]
		if err := s.put(to*d.per, raw); err != nil {
			return err
		}
		axis := last - 1
		for ; axis >= 0; axis-- {
			if outer[axis]++; outer[axis] < extent[axis] {
				break
			}
			outer[axis] = 0
		}
		if axis < 0 {
			return nil
		}
	}
}
