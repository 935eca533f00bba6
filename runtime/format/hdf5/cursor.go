package hdf5

import "encoding/binary"

// undefined is the address of what has none. On disk it is all ones, in as many bytes as addresses have.
const undefined = ^uint64(0)

// widths are how many bytes the file uses for addresses and for lengths.
type widths struct{ address, length int }

// cursor walks over one structure of the file. The first read past its end sticks: from then on every read returns zero
// values, so that callers check once, after a group of reads.
type cursor struct {
	data []byte
	// offset is where data begins in the file, for messages.
	offset int64
	at     int
	short  bool
	widths widths
}

func (c *cursor) left() int { return len(c.data) - c.at }

// place is where the next byte is in the file.
func (c *cursor) place() int64 { return c.offset + int64(c.at) }

// take returns the next n bytes, which alias the structure.
func (c *cursor) take(n uint64) []byte {
	if c.short || n > uint64(c.left()) {
		c.short = true
		return nil
	}
	taken := c.data[c.at : c.at+int(n) : c.at+int(n)]
	c.at += int(n)
	return taken
}

// sub is a cursor over the next n bytes.
func (c *cursor) sub(n uint64) *cursor {
	offset := c.place()
	return &cursor{data: c.take(n), offset: offset, short: c.short, widths: c.widths}
}

// uint reads a little-endian number of up to 8 bytes.
func (c *cursor) uint(width int) uint64 {
	var value uint64
	for i, b := range c.take(uint64(width)) {
		value |= uint64(b) << (8 * i)
	}
	return value
}

func (c *cursor) uint8() uint64 { return c.uint(1) }

func (c *cursor) uint16() uint64 { return c.uint(2) }

func (c *cursor) uint32() uint64 {
	if b := c.take(4); b != nil {
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return 0
}

func (c *cursor) uint64() uint64 {
	if b := c.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (c *cursor) length() uint64 { return c.uint(c.widths.length) }

func (c *cursor) address() uint64 {
	address := c.uint(c.widths.address)
	if address == undefined>>(64-8*c.widths.address) {
		return undefined
	}
	return address
}

// signature consumes four bytes, and says whether they are those.
func (c *cursor) signature(want string) bool { return string(c.take(uint64(len(want)))) == want }

// check is nil, or the error that the structure ended too early.
func (c *cursor) check(what string) error {
	if c.short {
		return fault(Malformed, c.offset, "%s ends too early", what)
	}
	return nil
}
