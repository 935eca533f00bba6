package pickle

import (
	"bytes"
	"encoding/binary"
	"math"
)

// cursor walks over the input. The first read past the end sticks: from then on every read returns zero values, so that
// callers check once, after a group of reads.
type cursor struct {
	data  []byte
	at    int
	short bool
}

func (c *cursor) left() int { return len(c.data) - c.at }

// take returns the next n bytes, which alias the input.
func (c *cursor) take(n uint64) []byte {
	if c.short || n > uint64(c.left()) {
		c.short = true
		return nil
	}
	taken := c.data[c.at : c.at+int(n) : c.at+int(n)]
	c.at += int(n)
	return taken
}

// line returns the bytes up to the next newline, which is consumed and not returned.
func (c *cursor) line() []byte {
	if c.short {
		return nil
	}
	n := bytes.IndexByte(c.data[c.at:], '\n')
	if n < 0 {
		c.short = true
		return nil
	}
	taken := c.data[c.at : c.at+n]
	c.at += n + 1
	return taken
}

func (c *cursor) uint8() uint64 {
	if b := c.take(1); b != nil {
		return uint64(b[0])
	}
	return 0
}

func (c *cursor) uint16() uint64 {
	if b := c.take(2); b != nil {
		return uint64(binary.LittleEndian.Uint16(b))
	}
	return 0
}

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

func (c *cursor) float64() float64 {
	if b := c.take(8); b != nil {
		return math.Float64frombits(binary.BigEndian.Uint64(b))
	}
	return 0
}
