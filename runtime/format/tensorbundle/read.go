package tensorbundle

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"slices"
	"unsafe"

	"github.com/ctr-operator/ctr-operator/runtime/format/tftype"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// piece is how many bytes are read and summed up at a time: few enough to stay in the processor's cache between the two.
const piece = 256 << 10

// Read returns the tensor of that name, or the part of it; a nil part is all of it. Half floats are returned as float32,
// and narrow integers as int32. Its errors are *Error, the context's, or the file system's.
func (b *Bundle) Read(ctx context.Context, key string, part Slice) (*tensor.Tensor, error) {
	e := b.entries[key]
	if e == nil {
		return nil, &Error{Kind: NotFound, File: b.prefix + ".index", Key: key, Message: "there is no such variable"}
	}
	if part == nil && e.slices == nil {
		return b.whole(ctx, key, e)
	}
	wanted := part
	if wanted == nil {
		wanted = make(Slice, len(e.shape))
		for i := range wanted {
			wanted[i].Length = -1
		}
	}
	wanted, ok := wanted.of(e.shape)
	if !ok {
		return nil, b.fault(Malformed, key, e, "the slice %v does not fit the shape %v", part, e.shape)
	}
	return b.assemble(ctx, key, e, wanted)
}

func (b *Bundle) fault(kind Kind, key string, e *entry, format string, args ...any) error {
	return &Error{Kind: kind, File: b.shardName(e.shard), Key: key, Offset: e.offset, Message: fmt.Sprintf(format, args...)}
}

// assemble puts a part of a tensor together of the slices that it is kept in.
func (b *Bundle) assemble(ctx context.Context, key string, e *entry, wanted Slice) (*tensor.Tensor, error) {
	if e.slices == nil {
		whole, err := b.whole(ctx, key, e)
		if err != nil {
			return nil, err
		}
		everything := make(Slice, len(e.shape))
		for i, size := range e.shape {
			everything[i].Length = size
		}
		return b.overlay(key, e, wanted, []stored{{everything, whole}})
	}
	var parts []stored
	total := int64(0)
	for _, s := range e.slices {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("reading the variable %.200q: %w", key, err)
		}
		where, found, err := b.slice(key, e, s)
		if err != nil {
			return nil, err
		}
		if slices.Equal(where, wanted) {
			return b.whole(ctx, key, found)
		}
		if !overlap(where, wanted) {
			continue
		}
		t, err := b.whole(ctx, key, found)
		if err != nil {
			return nil, err
		}
		n, _ := count(where.shape())
		total += n
		parts = append(parts, stored{where, t})
	}
	// The slices that were read have as many elements as are wanted, or more: nothing is made of nothing.
	if n, ok := count(wanted.shape()); !ok || n > total {
		return nil, b.fault(Malformed, key, e, "its slices do not make up %v", wanted)
	}
	return b.overlay(key, e, wanted, parts)
}

// slice finds the entry of one of the slices that a tensor is kept in, and says where in the tensor it is.
func (b *Bundle) slice(key string, e *entry, s Slice) (where Slice, found *entry, err error) {
	where, ok := s.of(e.shape)
	if !ok {
		return nil, nil, b.fault(Malformed, key, e, "a slice %v does not fit the shape %v", s, e.shape)
	}
	found = b.entries[sliceKey(key, s)]
	if found == nil || found.slices != nil || !slices.Equal(found.shape, where.shape()) || found.dtype != e.dtype {
		return nil, nil, b.fault(Malformed, key, e, "its slice %v is not in the index", s)
	}
	return where, found, nil
}

// stored is a slice that was read.
type stored struct {
	where Slice
	t     *tensor.Tensor
}

func overlap(a, b Slice) bool {
	for i := range a {
		if a[i].Start >= b[i].Start+b[i].Length || b[i].Start >= a[i].Start+a[i].Length {
			return false
		}
	}
	return true
}

// overlay copies parts into the tensor that is wanted, and sees that they fill it.
func (b *Bundle) overlay(key string, e *entry, wanted Slice, parts []stored) (*tensor.Tensor, error) {
	dtype, _ := tftype.Of(e.dtype)
	out := tensor.New(dtype, wanted.shape()...)
	filled := 0
	for _, p := range parts {
		switch dtype {
		case tensor.Float32:
			filled += lay[float32](out, wanted, p)
		case tensor.Float64:
			filled += lay[float64](out, wanted, p)
		case tensor.Int32:
			filled += lay[int32](out, wanted, p)
		case tensor.Int64:
			filled += lay[int64](out, wanted, p)
		case tensor.Bool:
			filled += lay[bool](out, wanted, p)
		default:
			filled += lay[string](out, wanted, p)
		}
	}
	if filled != out.Len() {
		return nil, b.fault(Malformed, key, e, "its slices do not make up %v", wanted)
	}
	return out, nil
}

// lay copies what a part and the wanted slice have in common, and returns how many elements that is.
func lay[T tensor.Element](out *tensor.Tensor, wanted Slice, p stored) int {
	dst, src := tensor.Data[T](out), tensor.Data[T](p.t)
	if len(wanted) == 0 {
		return copy(dst, src)
	}
	return layRows(dst, src, wanted, p.where)
}

// layRows goes along the first dimension.
func layRows[T any](dst, src []T, wanted, where Slice) int {
	from := max(wanted[0].Start, where[0].Start)
	to := min(wanted[0].Start+wanted[0].Length, where[0].Start+where[0].Length)
	if from >= to {
		return 0
	}
	if len(wanted) == 1 {
		return copy(dst[from-wanted[0].Start:to-wanted[0].Start], src[from-where[0].Start:])
	}
	dstRow, srcRow := tensor.Count(wanted[1:].shape()), tensor.Count(where[1:].shape())
	n := 0
	for row := from; row < to; row++ {
		d, s := dst[(row-wanted[0].Start)*dstRow:], src[(row-where[0].Start)*srcRow:]
		n += layRows(d[:dstRow], s[:srcRow], wanted[1:], where[1:])
	}
	return n
}

// whole reads a tensor, or a slice, as it is stored.
func (b *Bundle) whole(ctx context.Context, key string, e *entry) (*tensor.Tensor, error) {
	dtype, ok := tftype.Of(e.dtype)
	if !ok {
		return nil, b.fault(Unsupported, key, e, "its type is %s, which cannot be served", tftype.Name(e.dtype))
	}
	n, ok := count(e.shape)
	if !ok {
		return nil, b.fault(Malformed, key, e, "the shape %v is that of no tensor", e.shape)
	}
	if dtype == tensor.String {
		return b.strings(ctx, key, e, n)
	}
	if e.size != n*int64(tftype.Size(e.dtype)) {
		return nil, b.fault(Malformed, key, e, "%d bytes are stored for %v of %s", e.size, e.shape, tftype.Name(e.dtype))
	}
	file, err := b.open(key, e)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	t := tensor.New(dtype, e.shape...)
	if tftype.Stored(e.dtype) && binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		err = b.fill(ctx, file, key, e, memory(t), nil)
	} else {
		err = b.convert(ctx, file, key, e, t)
	}
	return t, err
}

// memory is the bytes of a tensor of numbers, so that a gigabyte of weights is read to where it stays.
func memory(t *tensor.Tensor) []byte {
	switch t.DType() {
	case tensor.Float32:
		return bytesOf(tensor.Data[float32](t))
	case tensor.Float64:
		return bytesOf(tensor.Data[float64](t))
	case tensor.Int32:
		return bytesOf(tensor.Data[int32](t))
	default:
		return bytesOf(tensor.Data[int64](t))
	}
}

func bytesOf[T float32 | float64 | int32 | int64](numbers []T) []byte {
	if len(numbers) == 0 {
		return nil
	}
	//nolint:gosec // G103: the bytes are those of the slice, which outlives them; any bits are a number.
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(numbers))), len(numbers)*int(unsafe.Sizeof(numbers[0])))
}

// convert reads a tensor whose elements memory has in another form.
func (b *Bundle) convert(ctx context.Context, file reader, key string, e *entry, t *tensor.Tensor) error {
	at, size := 0, tftype.Size(e.dtype)
	return b.fill(ctx, file, key, e, nil, func(raw []byte) {
		tftype.Decode(t, at, raw, e.dtype)
		at += len(raw) / size
	})
}

// fill reads a tensor's bytes into data, or in pieces of whole elements for use, and checks their sum.
func (b *Bundle) fill(ctx context.Context, file reader, key string, e *entry, data []byte, use func([]byte)) error {
	var buffer []byte
	if data == nil {
		buffer = make([]byte, min(piece, e.size))
	}
	crc := uint32(0)
	for at := int64(0); at < e.size; {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("reading the variable %.200q: %w", key, err)
		}
		n := min(piece, e.size-at)
		into := buffer
		if data != nil {
			into = data[at:]
		}
		into = into[:n]
		if err := b.readAt(file, key, e, into, e.offset+at); err != nil {
			return err
		}
		crc = crc32.Update(crc, castagnoli, into)
		if use != nil {
			use(into)
		}
		at += n
	}
	return b.verify(key, e, crc)
}

func (b *Bundle) verify(key string, e *entry, crc uint32) error {
	if found := masked(crc); found != e.crc && !b.unverified {
		return b.fault(Malformed, key, e, "its checksum is %08x, and its bytes give %08x", e.crc, found)
	}
	return nil
}

func (b *Bundle) readAt(file reader, key string, e *entry, into []byte, offset int64) error {
	n, err := file.ReadAt(into, offset)
	if n == len(into) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return b.fault(Malformed, key, e, "the file became shorter while it was read")
	}
	return fmt.Errorf("reading the variable %.200q: %w", key, err)
}

type reader interface {
	io.ReaderAt
	io.Closer
}

// open opens the data file of a tensor, which must lie within it.
func (b *Bundle) open(key string, e *entry) (reader, error) {
	if e.shard < 0 || e.shard >= b.shards {
		return nil, b.fault(Malformed, key, e, "there is no data file %d of %d", e.shard, b.shards)
	}
	name := b.shardName(e.shard)
	file, err := b.files.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{Kind: NotFound, File: name, Key: key, Message: "there is no such file"}
	}
	if err != nil {
		return nil, fmt.Errorf("opening variables: %w", err)
	}
	info, err := file.Stat()
	if err == nil {
		random, ok := file.(reader)
		switch {
		case !ok:
			err = fmt.Errorf("%s cannot be read at any place", name)
		case e.offset < 0 || e.size < 0 || e.offset > info.Size() || e.size > info.Size()-e.offset:
			err = b.fault(Malformed, key, e, "its %d bytes are not within the file of %d", e.size, info.Size())
		default:
			return random, nil
		}
	}
	file.Close()
	return nil, err
}

// strings reads a tensor of text: all lengths, their sum, and all texts after each other.
func (b *Bundle) strings(ctx context.Context, key string, e *entry, n int64) (*tensor.Tensor, error) {
	file, err := b.open(key, e)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	const sum = 4
	if n > e.size || e.size > math.MaxInt32 {
		return nil, b.fault(Malformed, key, e, "%d bytes are stored for %d texts", e.size, n)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("reading the variable %.200q: %w", key, err)
	}
	raw := make([]byte, e.size)
	if err := b.readAt(file, key, e, raw, e.offset); err != nil {
		return nil, err
	}
	malformed := b.fault(Malformed, key, e, "its texts are not within its %d bytes", e.size)
	lengths, crc := make([]int, n), uint32(0)
	for i := range lengths {
		length, size := binary.Uvarint(raw)
		if size <= 0 || length > uint64(len(raw)) {
			return nil, malformed
		}
		lengths[i], raw = int(length), raw[size:]
		crc = crc32.Update(crc, castagnoli, binary.LittleEndian.AppendUint32(nil, uint32(length)))
	}
	if len(raw) < sum {
		return nil, malformed
	}
	if stored := binary.LittleEndian.Uint32(raw); stored != masked(crc) && !b.unverified {
		return nil, b.fault(Malformed, key, e, "the checksum of the lengths does not match")
	}
	crc, raw = crc32.Update(crc, castagnoli, raw), raw[sum:]
	t := tensor.New(tensor.String, e.shape...)
	texts := tensor.Data[string](t)
	for i, length := range lengths {
		if length > len(raw) {
			return nil, malformed
		}
		texts[i], raw = string(raw[:length]), raw[length:]
	}
	if len(raw) > 0 {
		return nil, malformed
	}
	return t, b.verify(key, e, crc)
}
