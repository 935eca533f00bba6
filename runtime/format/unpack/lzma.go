package unpack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

const lzmaHeaderLen = 13

// openLZMA reads the older container. Its header says how large a dictionary to allocate; one that is larger than the
// output may be is of no use to anybody, so the reader is told less; and for a look at the beginning the least, because it
// hands nothing out before its dictionary is full.
func openLZMA(r *bytes.Reader, limit int64) (io.Reader, error) {
	header := make([]byte, lzmaHeaderLen)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	dictionary := min(int64(binary.LittleEndian.Uint32(header[1:])), max(limit, lzma.MinDictCap))
	binary.LittleEndian.PutUint32(header[1:], uint32(dictionary))
	return lzma.NewReader(&joined{head: header, Reader: r})
}

// joined is a header and what follows it, read byte by byte where asked to, so that nothing is read ahead.
type joined struct {
	head []byte
	*bytes.Reader
}

func (j *joined) Read(p []byte) (int, error) {
	if len(j.head) == 0 {
		return j.Reader.Read(p)
	}
	n := copy(p, j.head)
	j.head = j.head[n:]
	return n, nil
}

func (j *joined) ReadByte() (byte, error) {
	if len(j.head) == 0 {
		return j.Reader.ReadByte()
	}
	b := j.head[0]
	j.head = j.head[1:]
	return b, nil
}

// The xz container (https://tukaani.org/xz/xz-file-format.txt): a stream header, blocks, an index and a footer. Blocks
// name a dictionary of up to 4 GiB, and are not made to be bounded by who reads them; but their chunks say in the clear
// how much they unpack to. So the container is walked here, and only the chunks are given to the decoder.
const (
	xzMagic     = "\xfd7zXZ\x00"
	xzHeaderLen = 12
	xzFooterLen = 12
	xzLZMA2     = 0x21
)

// xzReader unpacks one block after the other.
type xzReader struct {
	in    *bytes.Reader
	limit int64
	check byte
	block io.Reader
	sum   hash.Hash
	// rest is what follows the current block's data: padding and check.
	rest []byte
	pad  int
}

func openXZ(r *bytes.Reader, limit int64) (io.Reader, error) {
	header := make([]byte, xzHeaderLen)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	flags := header[len(xzMagic):]
	if crc32.ChecksumIEEE(flags[:2]) != binary.LittleEndian.Uint32(flags[2:]) || flags[0] != 0 || flags[1] > 15 {
		return nil, errors.New("the stream's header is damaged")
	}
	return &xzReader{in: r, limit: limit, check: flags[1]}, nil
}

func (x *xzReader) Read(p []byte) (int, error) {
	for {
		if x.block == nil {
			if err := x.next(); err != nil {
				return 0, err
			}
		}
		n, err := x.block.Read(p)
		if x.sum != nil {
			x.sum.Write(p[:n])
		}
		if errors.Is(err, io.EOF) {
			err = x.finish()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// next begins a block, or ends the stream at the index.
func (x *xzReader) next() error {
	size, err := x.in.ReadByte()
	if err != nil {
		return io.ErrUnexpectedEOF
	}
	if size == 0 {
		return x.index()
	}
	header := make([]byte, 4*(int(size)+1))
	header[0] = size
	if _, err := io.ReadFull(x.in, header[1:]); err != nil {
		return io.ErrUnexpectedEOF
	}
	if err := checkBlockHeader(header); err != nil {
		return err
	}
	start := x.in.Size() - int64(x.in.Len())
	unpacked, err := x.chunks()
	switch partial := x.limit == 0; {
	case partial:
		unpacked = lzma.MinDictCap
	case err != nil:
		return err
	case unpacked > x.limit:
		return errTooLarge
	default:
		// One more keeps the limit from becoming the zero that means something else.
		x.limit -= unpacked - 1
	}
	data := make([]byte, x.in.Size()-int64(x.in.Len())-start)
	if _, err := x.in.ReadAt(data, start); err != nil {
		return err
	}
	x.pad = -len(data) & 3
	x.sum, x.rest = checkOf(x.check)
	config := lzma.Reader2Config{DictCap: int(max(unpacked, lzma.MinDictCap))}
	x.block, err = config.NewReader2(bytes.NewReader(data))
	return err
}

// checkBlockHeader accepts the one chain of filters that compresses without conditions: LZMA2 alone.
func checkBlockHeader(header []byte) error {
	body := header[:len(header)-4]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(header[len(body):]) {
		return errors.New("a block's header is damaged")
	}
	flags, fields := body[1], body[2:]
	for _, present := range []byte{0x40, 0x80} {
		if flags&present != 0 {
			_, n := binary.Uvarint(fields)
			if n <= 0 {
				return errors.New("a block's header is damaged")
			}
			fields = fields[n:]
		}
	}
	if flags&0x3f != 0 || len(fields) < 3 || fields[0] != xzLZMA2 || fields[1] != 1 {
		return errors.New("a block is made with another filter than LZMA2")
	}
	return nil
}

// chunks passes over a block's chunks, and adds up what they say they unpack to.
func (x *xzReader) chunks() (unpacked int64, err error) {
	for {
		control, err := x.in.ReadByte()
		if err != nil {
			return 0, io.ErrUnexpectedEOF
		}
		var header [5]byte
		var packed int64
		switch {
		case control == 0:
			return unpacked, nil
		case control == 1 || control == 2:
			if _, err := io.ReadFull(x.in, header[:2]); err != nil {
				return 0, io.ErrUnexpectedEOF
			}
			packed = int64(binary.BigEndian.Uint16(header[:])) + 1
			unpacked += packed
		case control >= 0x80:
			if _, err := io.ReadFull(x.in, header[:4]); err != nil {
				return 0, io.ErrUnexpectedEOF
			}
			unpacked += int64(control&0x1f)<<16 + int64(binary.BigEndian.Uint16(header[:])) + 1
			packed = int64(binary.BigEndian.Uint16(header[2:])) + 1
			if control >= 0xc0 {
				packed++
			}
		default:
			return 0, fmt.Errorf("0x%02x begins no chunk", control)
		}
		short := packed > int64(x.in.Len())
		if _, err := x.in.Seek(min(packed, int64(x.in.Len())), io.SeekCurrent); err != nil {
			return 0, err
		}
		if short {
			return 0, io.ErrUnexpectedEOF
		}
	}
}

// checkOf returns the sum that a kind of check is, nil if it is none that is known, and a place for it.
func checkOf(check byte) (sum hash.Hash, place []byte) {
	sizes := [16]int{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}
	place = make([]byte, sizes[check])
	switch check {
	case 1:
		sum = crc32.NewIEEE()
	case 4:
		sum = crc64.New(crc64.MakeTable(crc64.ECMA))
	}
	return sum, place
}

// finish reads a block's padding and check. The checks of other kinds are not computed: the artifact's own digest is the
// place for SHA-256.
func (x *xzReader) finish() error {
	padding := make([]byte, x.pad)
	if _, err := io.ReadFull(x.in, padding); err != nil {
		return io.ErrUnexpectedEOF
	}
	if _, err := io.ReadFull(x.in, x.rest); err != nil {
		return io.ErrUnexpectedEOF
	}
	if x.sum != nil {
		// The sums are written with their lowest byte first, and hash gives the highest.
		sum := x.sum.Sum(nil)
		for i, b := range sum {
			if x.rest[len(sum)-1-i] != b {
				return errors.New("a block's check does not agree with its data")
			}
		}
	}
	x.block = nil
	return nil
}

// index reads past the index, whose records only repeat what the blocks have said, and the footer. Nothing may follow.
func (x *xzReader) index() error {
	rest := make([]byte, x.in.Len())
	if _, err := io.ReadFull(x.in, rest); err != nil {
		return io.ErrUnexpectedEOF
	}
	records, at := binary.Uvarint(rest)
	for range 2 * min(records, uint64(len(rest))) {
		_, n := binary.Uvarint(rest[max(at, 0):])
		if n <= 0 {
			return io.ErrUnexpectedEOF
		}
		at += n
	}
	const indicator, checksum = 1, 4
	at += -(at+indicator)&3 + checksum
	if len(rest) < at+xzFooterLen {
		return io.ErrUnexpectedEOF
	}
	footer := rest[at : at+xzFooterLen]
	switch {
	case string(footer[10:]) != "YZ" || binary.LittleEndian.Uint32(footer) != crc32.ChecksumIEEE(footer[4:10]):
		return errors.New("the index or footer is damaged")
	case len(rest) > at+xzFooterLen:
		return fmt.Errorf("%d bytes, or another stream, after its end", len(rest)-at-xzFooterLen)
	}
	return io.EOF
}
