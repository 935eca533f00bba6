package tensorbundle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/format/wire"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// The limits.
const (
	// MaxIndex is how many bytes an index has at most.
	MaxIndex = 256 << 20
	// MaxShards is how many data files there are at most.
	MaxShards = 1 << 14
)

// entry is where a tensor is.
type entry struct {
	dtype  int
	shape  []int
	shard  int
	offset int64
	size   int64
	crc    uint32
	// slices are the parts that the tensor is kept in; nil where it is whole.
	slices []Slice
}

// Bundle is an open set of files. Its methods may be called concurrently.
type Bundle struct {
	files   fs.FS
	prefix  string
	shards  int
	entries map[string]*entry
	// unverified is set by tests of hostile input, which would hardly get behind checksums.
	unverified bool
}

// Open reads the index at prefix+".index". Its errors are *Error, the context's, or the file system's.
func Open(ctx context.Context, files fs.FS, prefix string) (*Bundle, error) {
	return open(ctx, &Bundle{files: files, prefix: prefix, entries: map[string]*entry{}})
}

// open completes a bundle that knows where its files are.
func open(ctx context.Context, b *Bundle) (*Bundle, error) {
	name := b.prefix + ".index"
	data, err := readIndex(b.files, name)
	if err != nil {
		return nil, err
	}
	t := &table{file: name, data: data, unverified: b.unverified, left: int64(len(data))*IndexFactor + 1<<16}
	err = t.walk(ctx, func(key string, value []byte, offset int64) error {
		m := wire.New(value, wire.Limits{})
		if key == "" {
			b.header(m)
		} else {
			b.entries[key] = readEntry(m)
		}
		if err := m.Err(); err != nil {
			return &Error{Kind: Malformed, File: name, Key: key, Offset: offset, Message: err.Error()}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if b.shards < 1 || b.shards > MaxShards {
		message := fmt.Sprintf("it names %d data files, not 1 to %d", b.shards, MaxShards)
		return nil, &Error{Kind: Malformed, File: name, Message: message}
	}
	if err := b.disjoint(name); err != nil {
		return nil, err
	}
	return b, nil
}

// disjoint sees that no two tensors have bytes in common, so that all of them together are no larger than the data files.
func (b *Bundle) disjoint(name string) error {
	type place struct {
		shard        int
		offset, size int64
		key          string
	}
	var places []place
	for key, e := range b.entries {
		if e.slices == nil && e.size > 0 {
			places = append(places, place{e.shard, e.offset, e.size, key})
		}
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.shard, b.shard), cmp.Compare(a.offset, b.offset), cmp.Compare(a.key, b.key))
	})
	for i := 1; i < len(places); i++ {
		last, p := places[i-1], places[i]
		if last.shard == p.shard && p.offset-last.offset < last.size {
			return &Error{Kind: Malformed, File: name, Key: p.key, Message: fmt.Sprintf("its bytes are those of %.200q, too", last.key)}
		}
	}
	return nil
}

func readIndex(files fs.FS, name string) ([]byte, error) {
	file, err := files.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{Kind: NotFound, File: name, Message: "there is no such file"}
	}
	if err != nil {
		return nil, fmt.Errorf("opening the index of variables: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("opening the index of variables: %w", err)
	}
	if info.Size() > MaxIndex {
		return nil, &Error{Kind: TooLarge, File: name, Message: fmt.Sprintf("an index has %d bytes at most", MaxIndex)}
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(file, data); err != nil {
		return nil, fmt.Errorf("reading the index of variables: %w", err)
	}
	return data, nil
}

// header reads the BundleHeaderProto.
func (b *Bundle) header(m *wire.Message) {
	for m.Next() {
		switch m.Field() {
		case 1:
			b.shards = m.Int()
		case 2:
			if m.Int() != 0 {
				m.Fail("the numbers are big-endian, which only mainframes write")
			}
		}
	}
}

// readEntry reads a BundleEntryProto.
func readEntry(m *wire.Message) *entry {
	e := &entry{}
	for m.Next() {
		switch m.Field() {
		case 1:
			e.dtype = m.Int()
		case 2:
			e.shape = readShape(m.Message())
		case 3:
			e.shard = m.Int()
		case 4:
			e.offset = m.Int64()
		case 5:
			e.size = m.Int64()
		case 6:
			e.crc = m.Fixed32()
		case 7:
			e.slices = append(e.slices, readSlice(m.Message()))
		}
	}
	return e
}

// readShape reads a TensorShapeProto, which must be known.
func readShape(m *wire.Message) []int {
	shape := []int{}
	for m.Next() {
		switch m.Field() {
		case 2:
			size := int64(0)
			for dim := m.Message(); dim.Next(); {
				if dim.Field() == 1 {
					size = dim.Int64()
				}
			}
			if size < 0 || len(shape) >= tensor.MaxRank {
				m.Fail("a shape that no tensor has")
				return nil
			}
			shape = append(shape, int(size))
		case 3:
			if m.Bool() {
				m.Fail("a tensor of unknown rank")
			}
		}
	}
	return shape
}

// Keys are the names of all tensors, in order. Slices are not among them.
func (b *Bundle) Keys() []string {
	keys := make([]string, 0, len(b.entries))
	for key := range b.entries {
		if key[0] != 0 {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// count is how many elements a shape has, if it can be said.
func count(shape []int) (int64, bool) {
	n := int64(1)
	for _, size := range shape {
		if size != 0 && n > math.MaxInt64/int64(size)/16 {
			return 0, false
		}
		n *= int64(size)
	}
	return n, true
}

// shardName is the name of a data file.
func (b *Bundle) shardName(i int) string {
	return fmt.Sprintf("%s.data-%05d-of-%05d", b.prefix, i, b.shards)
}
