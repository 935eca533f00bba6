package hdf5

import (
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"sync/atomic"
)

// Limits bound what a file may ask for. The zero value has the defaults.
type Limits struct {
	// MaxMetadata is how many bytes of metadata (headers, trees, heaps, names, attributes) are read and kept; 0 means
	// DefaultMaxMetadata. A file may ask for MetadataFactor times its own size, and a constant, at most, in any case.
	MaxMetadata int64
	// MaxObjects is how many groups and datasets are opened; 0 means DefaultMaxObjects.
	MaxObjects int
	// MaxExpansion is how many bytes a dataset may have for each byte of the file, where it is not stored as it is:
	// compressed, or never written; 0 means DefaultMaxExpansion.
	MaxExpansion int64
}

// Default limits. The largest models have some thousands of layers; deflate can shrink at most 1,032 times, and only
// zeros.
const (
	DefaultMaxMetadata  = 256 << 20
	DefaultMaxObjects   = 1 << 18
	DefaultMaxExpansion = 128
	MetadataFactor      = 8
)

const (
	// minMetadata and minExpanded are what every file may ask for, however small it is.
	minMetadata = 1 << 20
	minExpanded = 4 << 20
	// blockOverhead is charged for each structure that is read, beside its bytes.
	blockOverhead = 64
)

// meter counts down what may still be read and kept.
type meter struct{ left atomic.Int64 }

func newMeter(limit int64) *meter {
	m := &meter{}
	m.left.Store(limit)
	return m
}

// charge takes n bytes off the meter.
func (m *meter) charge(offset int64, n uint64) error {
	if n > math.MaxInt64/2 || m.left.Add(-int64(n)) < 0 {
		m.left.Store(-1)
		return fault(TooLarge, offset, "more metadata than a file of this size may have")
	}
	return nil
}

// File is an open HDF5 file. Its methods, and those of its groups, datasets and attributes, may be called concurrently.
type File struct {
	in     io.ReaderAt
	size   int64
	base   int64
	widths widths
	limits Limits
	meter  *meter
	root   *Group
	// unverified is set by tests of hostile input, which would hardly get behind checksums.
	unverified bool

	mu      sync.Mutex
	objects map[uint64]*object
	heaps   map[uint64]*collection
}

// Open reads the superblock and the root group's header of a file of the given size. An error is an *Error, or one of
// the reader's own.
func Open(in io.ReaderAt, size int64, limits Limits) (*File, error) {
	if limits.MaxMetadata == 0 {
		limits.MaxMetadata = DefaultMaxMetadata
	}
	if limits.MaxObjects == 0 {
		limits.MaxObjects = DefaultMaxObjects
	}
	if limits.MaxExpansion == 0 {
		limits.MaxExpansion = DefaultMaxExpansion
	}
	return open(&File{in: in, size: size, limits: limits})
}

// open completes a file whose reader, size and limits are set.
func open(f *File) (*File, error) {
	f.objects, f.heaps = map[uint64]*object{}, map[uint64]*collection{}
	f.meter = newMeter(f.maxMetadata())
	address, err := f.superblock()
	if err != nil {
		return nil, err
	}
	root, err := f.object(address)
	if err != nil {
		return nil, at("/", err)
	}
	if !root.isGroup() {
		return nil, at("/", fault(Malformed, f.offset(address), "the root is not a group"))
	}
	f.root = &Group{file: f, object: root, path: "/"}
	return f, nil
}

// Root is the group at "/".
func (f *File) Root() *Group { return f.root }

func (f *File) maxMetadata() int64 {
	if f.size > (f.limits.MaxMetadata-minMetadata)/MetadataFactor {
		return f.limits.MaxMetadata
	}
	return f.size*MetadataFactor + minMetadata
}

// maxExpanded is how many bytes may come out of something that is compressed or was never written.
func (f *File) maxExpanded() int64 {
	if f.size > (math.MaxInt64-minExpanded)/f.limits.MaxExpansion {
		return math.MaxInt64
	}
	return f.size*f.limits.MaxExpansion + minExpanded
}

// offset is where in the file an address points.
func (f *File) offset(address uint64) int64 {
	if address > uint64(f.size-f.base) {
		return f.size
	}
	return f.base + int64(address)
}

// within says whether n bytes at address are in the file.
func (f *File) within(address, n uint64) bool {
	room := uint64(f.size - f.base)
	return address <= room && n <= room-address
}

// block reads a structure of n bytes into memory of its own.
func (f *File) block(m *meter, address, n uint64, what string) (*cursor, error) {
	if !f.within(address, n) {
		return nil, fault(Malformed, f.offset(address), "%s of %d bytes at address %#x is not within the file", what, n, address)
	}
	if err := m.charge(f.offset(address), n+blockOverhead); err != nil {
		return nil, err
	}
	data := make([]byte, n)
	if err := f.read(data, address); err != nil {
		return nil, err
	}
	return &cursor{data: data, offset: f.offset(address), widths: f.widths}, nil
}

// checked reads a structure whose last four bytes are its checksum, and returns it without them.
func (f *File) checked(m *meter, address, n uint64, what string) (*cursor, error) {
	c, err := f.block(m, address, n, what)
	if err != nil {
		return nil, err
	}
	err = f.verify(c, what)
	return c, err
}

// verify compares the checksum in the last four bytes, and cuts it off.
func (f *File) verify(c *cursor, what string) error {
	n := len(c.data) - 4
	if n < 0 {
		return fault(Malformed, c.offset, "%s ends too early", what)
	}
	tail := &cursor{data: c.data[n:]}
	c.data = c.data[:n]
	if stored, found := uint32(tail.uint32()), lookup3(c.data); stored != found && !f.unverified {
		return fault(Malformed, c.offset, "the checksum of %s is %08x, and its bytes give %08x", what, stored, found)
	}
	return nil
}

// read fills data from an address that was found to be within the file.
func (f *File) read(data []byte, address uint64) error {
	offset := f.base + int64(address)
	n, err := f.in.ReadAt(data, offset)
	if n == len(data) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return fault(Truncated, offset+int64(n), "the file is shorter than the %d bytes it was opened with", f.size)
	}
	return fmt.Errorf("reading at byte %d: %w", offset, err)
}
