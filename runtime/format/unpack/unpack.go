// Package unpack undoes the compression that joblib.dump offers, known from the first bytes of a file: zlib, gzip, bz2,
// lzma, xz and lz4. What comes out is bounded before it is believed, and nothing may follow it.
package unpack

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/pierrec/lz4/v4"
)

// Data may unpack to Ratio times its size and Constant bytes more, whatever the caller's limit is. Deflate cannot do
// better than the ratio; the constant is for the others, which make next to nothing of a sparse model's zeros. All
// memory that is allocated on the way is at most four times that.
const (
	Ratio    = 1032
	Constant = 16 << 20
)

// Method is a compression.
type Method uint8

// The methods. None is data that is not compressed, or not in a way that is known.
const (
	None Method = iota
	Zlib
	Gzip
	Bzip2
	LZMA
	XZ
	LZ4
)

// methods is indexed by Method; its entry says how such data begins and how it is read.
var methods = [...]struct {
	name   string
	begins func(head []byte) bool
	// A limit of zero is for looking at data of which there is only the beginning.
	open func(data *bytes.Reader, limit int64) (io.Reader, error)
}{
	None: {name: "no compression"},
	Zlib: {"zlib", isZlib, func(r *bytes.Reader, _ int64) (io.Reader, error) { return zlib.NewReader(r) }},
	Gzip: {"gzip", magic("\x1f\x8b"), func(r *bytes.Reader, _ int64) (io.Reader, error) { return gzip.NewReader(r) }},
	Bzip2: {"bz2", magic("BZh"), func(r *bytes.Reader, _ int64) (io.Reader, error) {
		return bzip2.NewReader(r), nil
	}},
	LZMA: {"lzma", magic("\x5d\x00"), openLZMA},
	XZ:   {"xz", magic(xzMagic), openXZ},
	LZ4:  {"lz4", magic("\x04\x22\x4d\x18"), func(r *bytes.Reader, _ int64) (io.Reader, error) { return lz4.NewReader(r), nil }},
}

// String is what joblib calls the method.
func (m Method) String() string { return methods[m].name }

// HeadLen is how many bytes Detect needs.
const HeadLen = 6

func magic(prefix string) func([]byte) bool {
	return func(head []byte) bool { return bytes.HasPrefix(head, []byte(prefix)) }
}

// isZlib checks the header's two bytes: deflate with a window of 32 KiB, and a multiple of 31. No pickle begins so.
func isZlib(head []byte) bool {
	return len(head) >= 2 && head[0] == 0x78 && (int(head[0])<<8|int(head[1]))%31 == 0
}

// Detect tells the method from the first bytes.
func Detect(head []byte) Method {
	for method, known := range methods {
		if known.begins != nil && known.begins(head) {
			return Method(method)
		}
	}
	return None
}

// Error says why data could not be unpacked.
type Error struct {
	Method Method
	// Truncated data ends too early; TooLarge data unpacks to more than is allowed. Else it is damaged.
	Truncated, TooLarge bool
	Message             string
}

func (e *Error) Error() string { return fmt.Sprintf("%s-compressed data: %s", e.Method, e.Message) }

// Unpack returns what was compressed, or the data itself where that was nothing. limit bounds the result's bytes. An
// error is an *Error, or the context's.
func Unpack(ctx context.Context, data []byte, limit int64) ([]byte, error) {
	method := Detect(data)
	if method == None {
		return data, nil
	}
	limit = min(limit, Ratio*int64(len(data))+Constant)
	in := bytes.NewReader(data)
	out, err := methods[method].open(in, limit)
	if err != nil {
		return nil, failure(method, err)
	}
	unpacked, err := readAll(ctx, out, limit)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, &Error{Method: method, TooLarge: true, Message: fmt.Sprintf(
			"%d bytes unpack to more than the %d that are allowed", len(data), limit)}
	case ctx.Err() != nil:
		return nil, fmt.Errorf("unpacking %s: %w", method, ctx.Err())
	case err != nil:
		return nil, failure(method, err)
	case in.Len() > 0:
		return nil, &Error{Method: method, Message: fmt.Sprintf("%d bytes after its end", in.Len())}
	}
	return unpacked, nil
}

// Head unpacks the first bytes into head, as far as the data goes, for finding out what it is.
func Head(data []byte, head []byte) int {
	method := Detect(data)
	if method == None {
		return copy(head, data)
	}
	out, err := methods[method].open(bytes.NewReader(data), 0)
	if err != nil {
		return 0
	}
	// Data that is cut off still tells by what comes before the cut.
	n, _ := io.ReadFull(out, head)
	return n
}

func failure(method Method, err error) error {
	if errors.Is(err, errTooLarge) {
		return &Error{Method: method, TooLarge: true, Message: err.Error()}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return &Error{Method: method, Truncated: true, Message: "the input ends too early"}
	}
	return &Error{Method: method, Message: err.Error()}
}

var errTooLarge = errors.New("more bytes than are allowed")

// readAll reads in pieces, so that neither a bomb nor a slow method runs on for long.
func readAll(ctx context.Context, r io.Reader, limit int64) ([]byte, error) {
	const piece = 1 << 20
	var all bytes.Buffer
	for ctx.Err() == nil {
		_, err := io.CopyN(&all, r, piece)
		if int64(all.Len()) > limit {
			return nil, errTooLarge
		}
		if errors.Is(err, io.EOF) {
			return all.Bytes(), nil
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, ctx.Err()
}
