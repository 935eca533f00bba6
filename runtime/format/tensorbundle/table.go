package tensorbundle

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/snappy"
)

// The sorted table: data blocks, a block of statistics, a block that has a key for each data block and says where it is,
// and a footer of 48 bytes that says where those two are.
const (
	footerSize  = 48
	footerMagic = 0xdb4775248b80fb57
	// trailerSize is what follows each block: its compression, and the checksum of both.
	trailerSize = 5
)

// IndexFactor is how many bytes the keys and values of an index may take for each byte of it.
const IndexFactor = 32

// handle says where a block is.
type handle struct{ offset, size uint64 }

// table walks over an index file that is in memory.
type table struct {
	file string
	data []byte
	// left is how many bytes may still be made of the file.
	left int64
	// next is where the next data block may begin at the earliest.
	next       uint64
	unverified bool
}

func (t *table) fault(kind Kind, offset int64, format string, args ...any) error {
	return &Error{Kind: kind, File: t.file, Offset: offset, Message: fmt.Sprintf(format, args...)}
}

func (t *table) charge(offset int64, n int) error {
	if t.left -= int64(n); t.left < 0 {
		return t.fault(TooLarge, offset, "the index describes more than a file of its size may hold")
	}
	return nil
}

// walk calls add with every key and value, in order. The value is valid until add returns.
func (t *table) walk(ctx context.Context, add func(key string, value []byte, offset int64) error) error {
	if len(t.data) < footerSize {
		return t.fault(Malformed, 0, "an index has %d bytes at least, not %d", footerSize, len(t.data))
	}
	at := len(t.data) - footerSize
	footer := t.data[at:]
	if binary.LittleEndian.Uint64(footer[footerSize-8:]) != footerMagic {
		return t.fault(Malformed, int64(at), "it does not end as an index of variables does")
	}
	_, rest, ok := takeHandle(footer) // of the statistics
	blocks, _, also := takeHandle(rest)
	if !ok || !also {
		return t.fault(Malformed, int64(at), "the footer has no two places of blocks")
	}
	last, some := "", false
	return t.entries(blocks, func(_ string, value []byte, offset int64) error {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("reading the index of variables: %w", err)
		}
		block, _, ok := takeHandle(value)
		if !ok || block.offset < t.next {
			return t.fault(Malformed, offset, "the blocks do not follow each other")
		}
		t.next = block.offset + min(block.size, uint64(len(t.data))) + trailerSize
		return t.entries(block, func(key string, value []byte, offset int64) error {
			if some && key <= last {
				return t.fault(Malformed, offset, "the keys are not in order")
			}
			last, some = key, true
			return add(key, value, offset)
		})
	})
}

func takeHandle(data []byte) (h handle, rest []byte, ok bool) {
	offset, n := binary.Uvarint(data)
	if n <= 0 {
		return handle{}, nil, false
	}
	size, m := binary.Uvarint(data[n:])
	if m <= 0 {
		return handle{}, nil, false
	}
	return handle{offset, size}, data[n+m:], true
}

// block returns a block's content.
func (t *table) block(h handle) ([]byte, error) {
	room := uint64(len(t.data) - footerSize)
	if h.offset > room || h.size > room-h.offset || trailerSize > room-h.offset-h.size {
		return nil, t.fault(Malformed, int64(min(h.offset, room)), "a block of %d bytes is not within the file", h.size)
	}
	offset := int64(h.offset)
	whole := t.data[h.offset : h.offset+h.size+1]
	stored := binary.LittleEndian.Uint32(t.data[h.offset+h.size+1:])
	if found := masked(crc32.Checksum(whole, castagnoli)); found != stored && !t.unverified {
		return nil, t.fault(Malformed, offset, "the checksum of a block is %08x, and its bytes give %08x", stored, found)
	}
	content := whole[:h.size]
	switch whole[h.size] {
	case 0:
		return content, nil
	case 1:
		n, err := snappy.DecodedLen(content)
		if err != nil {
			return nil, t.fault(Malformed, offset, "a compressed block cannot be read")
		}
		if err := t.charge(offset, n); err != nil {
			return nil, err
		}
		plain, err := snappy.Decode(nil, content)
		if err != nil {
			return nil, t.fault(Malformed, offset, "a compressed block cannot be read")
		}
		return plain, nil
	default:
		return nil, t.fault(Unsupported, offset, "a block is compressed in the way %d, which is unknown", whole[h.size])
	}
}

// entries calls add with every key and value of a block.
func (t *table) entries(h handle, add func(key string, value []byte, offset int64) error) error {
	data, err := t.block(h)
	if err != nil {
		return err
	}
	offset := int64(h.offset)
	malformed := func() error { return t.fault(Malformed, offset, "a block ends too early") }
	if len(data) < 4 {
		return malformed()
	}
	restarts := uint64(binary.LittleEndian.Uint32(data[len(data)-4:]))
	if restarts > uint64(len(data)-4)/4 {
		return malformed()
	}
	data = data[:uint64(len(data))-4-4*restarts]
	key := []byte{}
	for len(data) > 0 {
		var numbers [3]uint64 // shared with the last key, added to it, the value's
		for i := range numbers {
			number, n := binary.Uvarint(data)
			if n <= 0 {
				return malformed()
			}
			numbers[i], data = number, data[n:]
		}
		shared, added, size := numbers[0], numbers[1], numbers[2]
		if shared > uint64(len(key)) || added > uint64(len(data)) || size > uint64(len(data))-added {
			return malformed()
		}
		const entry = 32
		if err := t.charge(offset, int(shared+added+size+entry)); err != nil {
			return err
		}
		key = append(key[:shared], data[:added]...)
		if err := add(string(key), data[added:added+size], offset); err != nil {
			return err
		}
		data = data[added+size:]
	}
	return nil
}
