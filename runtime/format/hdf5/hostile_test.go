package hdf5

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
)

// readEverything opens all that can be reached, and reads it. The first error ends it.
func readEverything(ctx context.Context, data []byte) error {
	f, err := Open(bytes.NewReader(data), int64(len(data)), Limits{})
	if err != nil {
		return err
	}
	left := 2000 // objects: groups may be shared, and reached on more paths than can be walked
	return readObject(ctx, f.Root(), &left)
}

// readUnverified is like readEverything, gets behind checksums, and expands less.
func readUnverified(ctx context.Context, data []byte) error {
	limits := Limits{MaxMetadata: DefaultMaxMetadata, MaxObjects: DefaultMaxObjects, MaxExpansion: 8}
	f, err := open(&File{in: bytes.NewReader(data), size: int64(len(data)), limits: limits, unverified: true})
	if err != nil {
		return err
	}
	left := 200
	return readObject(ctx, f.Root(), &left)
}

func readObject(ctx context.Context, object Object, left *int) error {
	if *left--; *left < 0 {
		return nil
	}
	attributes, err := object.Attributes()
	if err != nil {
		return err
	}
	for _, a := range attributes {
		_, errText := a.Strings()
		_, errFloat := a.Float64s()
		_, errInt := a.Int64s()
		if err := unexpected(errText, errFloat, errInt); err != nil {
			return err
		}
	}
	switch object := object.(type) {
	case *Dataset:
		return readDataset(ctx, object)
	case *Group:
		links, err := object.Links()
		if err != nil {
			return err
		}
		for _, link := range links {
			next, err := object.Open(link.Name)
			if err != nil && link.Kind == Hard {
				return err
			}
			if err == nil && link.Kind == Hard {
				if err := readObject(ctx, next, left); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func readDataset(ctx context.Context, d *Dataset) error {
	if d.Type().Class == String {
		return unexpected(d.ReadStrings(ctx, make([]string, d.Len())))
	}
	if d.Type().number == noNumber {
		return unexpected(d.ReadFloat32(ctx, make([]float32, d.Len())))
	}
	return unexpected(d.ReadFloat32(ctx, make([]float32, d.Len())), d.ReadInt64(ctx, make([]int64, d.Len())))
}

// unexpected is the first error that is not about what was asked.
func unexpected(errs ...error) error {
	for _, err := range errs {
		var failure *Error
		if err != nil && (!errors.As(err, &failure) || failure.Kind != Mismatch) {
			return err
		}
	}
	return nil
}

// hostile are files, by name, that must end in an error of a kind that says something.
func hostile(t testing.TB) map[string]struct {
	data []byte
	kind Kind
	says string
} {
	type file = struct {
		data []byte
		kind Kind
		says string
	}
	zeros := deflated(t, make([]byte, 1<<20))
	selfish := newBuilder()
	selfish.header(hardLink("self", selfish.next()))
	indirect := newBuilder()
	root := indirect.next() + 4 + 1 + 1 + 4 + uint64(len(hardLink("a", 0))) + 4
	indirect.header(hardLink("b", root))
	indirect.header(hardLink("a", superblockSize))
	soft := newBuilder()
	soft.header(softLink("x", "y"), softLink("y", "x"), hardLink("z", superblockSize+1<<40))
	continued := newBuilder()
	block := continued.next()
	continued.put(sealed(fields("OCHK", headerMessage(messageContinuation, block, uint64(4+4+16+4)))))
	continuedRoot := continued.header(headerMessage(messageContinuation, block, uint64(4+4+16+4)))
	tree := newBuilder()
	node := tree.put(fields("TREE", 1, 1, uint16(1), undefined, undefined, make([]byte, 4+4+8+8), uint64(superblockSize), make([]byte, 24)))
	many := newBuilder()
	bomb := many.put(zeros)
	starts := make([]uint64, 1000)
	for i := range starts {
		starts[i] = uint64(i) << 18
	}
	bombTree := many.put(chunkTreeNode(uint32(len(zeros)), bomb, starts...))
	twice := newBuilder()
	chunk := twice.put(make([]byte, 16))
	twiceTree := twice.put(chunkTreeNode(16, chunk, 0, 0))
	short := newBuilder()
	shortChunk := short.put(deflated(t, make([]byte, 12)))
	shortTree := short.put(chunkTreeNode(20, shortChunk, 0))
	long := newBuilder()
	longChunk := long.put(zeros)
	longTree := long.put(chunkTreeNode(uint32(len(zeros)), longChunk, 0))
	broken := newBuilder()
	brokenChunk := broken.put(zeros[:100])
	brokenTree := broken.put(chunkTreeNode(100, brokenChunk, 0))
	empty := newBuilder()
	return map[string]file{
		"empty":              {nil, Truncated, "empty"},
		"another format":     {[]byte(strings.Repeat("PK\x03\x04", 1000)), NotHDF5, "no superblock"},
		"short superblock":   {[]byte(magic + "\x02\x08"), Truncated, "superblock"},
		"new superblock":     {append([]byte(magic+"\x09"), make([]byte, 100)...), Unsupported, "version 9"},
		"no root":            {newBuilder().file(undefined), Malformed, "not within the file"},
		"root in superblock": {newBuilder().file(0), Malformed, "no object header"},
		"cut off":            {append([]byte(nil), empty.file(empty.header())[:60]...), Truncated, "60 bytes"},
		"group in itself":    {selfish.file(superblockSize), Malformed, "contains itself"},
		"group in a group":   {indirect.file(superblockSize), Malformed, "contains itself"},
		"link out of file":   {soft.file(superblockSize), Malformed, "not within the file"},
		"header in a circle": {continued.file(continuedRoot), Malformed, "where it has been"},
		"tree in a circle": {
			tree.withDataset(shape(8), ofFloat32(), chunkedAt(node, 4, 4)), Malformed, "below level 1",
		},
		"more than the file": {
			newBuilder().withDataset(shape(1<<40), ofFloat32(), contiguousAt(superblockSize, 1<<42)), Malformed, "not there",
		},
		"more than it stores": {
			newBuilder().withDataset(shape(5), ofFloat32(), contiguousAt(superblockSize, 16)), Malformed, "not there",
		},
		"overflowing": {
			newBuilder().withDataset(shape(1<<40, 1<<40, 1<<40), ofFloat32(), contiguousAt(0, 8)), TooLarge, "shape",
		},
		"never written": {
			newBuilder().withDataset(shape(1<<30), ofFloat32(), contiguousAt(undefined, 0)), TooLarge, "for each byte",
		},
		"huge chunks": {
			newBuilder().withDataset(shape(8), ofFloat32(), chunkedAt(superblockSize, 4, 1<<30)), TooLarge, "for each byte",
		},
		"thin dataset of many chunks": {
			newBuilder().withDataset(shape(1000, 1), ofFloat32(), chunkedAt(superblockSize, 4, 1, 1<<18)), TooLarge, "for each byte",
		},
		"deflated zeros": {
			many.withDataset(shape(1000<<18), ofFloat32(), filteredBy(filterDeflate), chunkedAt(bombTree, 4, 1<<18)), TooLarge, "for each byte",
		},
		"chunk twice": {
			twice.withDataset(shape(8), ofFloat32(), chunkedAt(twiceTree, 4, 4)), Malformed, "not in order",
		},
		"chunk too short": {
			short.withDataset(shape(4), ofFloat32(), filteredBy(filterDeflate), chunkedAt(shortTree, 4, 4)), Malformed, "12 bytes",
		},
		"chunk too long": {
			long.withDataset(shape(4), ofFloat32(), filteredBy(filterDeflate), chunkedAt(longTree, 4, 4)), Malformed, "more than 16 bytes",
		},
		"chunk breaks off": {
			broken.withDataset(shape(1<<18), ofFloat32(), filteredBy(filterDeflate), chunkedAt(brokenTree, 4, 1<<18)), Malformed, "inflate",
		},
		"unknown filter": {
			newBuilder().withDataset(shape(4), ofFloat32(), filteredBy(32015), chunkedAt(superblockSize, 4, 4)), Unsupported, "32015",
		},
		"virtual": {
			newBuilder().withDataset(shape(4), ofFloat32(), headerMessage(messageLayout, 4, 3, uint64(0), uint32(0))), Unsupported, "virtual",
		},
		"external": {
			newBuilder().withDataset(shape(4), ofFloat32(), headerMessage(messageExternal, make([]byte, 20)), contiguousAt(undefined, 0)),
			Unsupported, "other files",
		},
		"two of a name": {
			func() []byte { b := newBuilder(); return b.file(b.header(hardLink("a", 0), hardLink("a", 0))) }(), Malformed, "two links",
		},
		"elements of nothing": {
			newBuilder().withDataset(shape(1<<40), headerMessage(messageDatatype, 0x13, 0, 0, 0, uint32(0)), contiguousAt(undefined, 0)),
			Malformed, "no bytes",
		},
		"attribute of more": {
			func() []byte {
				b := newBuilder()
				attribute := headerMessage(messageAttribute, 3, 0, uint16(2), uint16(len(float32Type())), uint16(12), 0, "a\x00",
					float32Type(), 2, 1, 0, 1, uint64(1<<40), make([]byte, 8))
				return b.file(b.header(headerMessage(messageGroupInfo, 0, 0), attribute))
			}(), Malformed, "attribute of shape",
		},
	}
}

func TestHostile(t *testing.T) {
	for name, file := range hostile(t) {
		t.Run(name, func(t *testing.T) {
			if name == "root in superblock" {
				copy(file.data, newBuilder().file(0))
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := readEverything(t.Context(), file.data)
			runtime.ReadMemStats(&after)
			var failure *Error
			if !errors.As(err, &failure) || failure.Kind != file.kind || !strings.Contains(err.Error(), file.says) {
				t.Errorf("%v, expected an error of kind %q that says %q", err, file.kind, file.says)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 2*minExpanded {
				t.Errorf("allocated %d bytes for a file of %d", used, len(file.data))
			}
		})
	}
}

// A file that breaks off anywhere is refused for that, without more memory than the whole would take.
func TestTruncatedEverywhere(t *testing.T) {
	for _, name := range []string{"small-earliest.h5", "small-latest.h5"} {
		whole := fixture(t, name)
		if err := readEverything(t.Context(), whole); err != nil {
			t.Fatal(err)
		}
		for n := range whole {
			data := whole[:n:n]
			err := readEverything(t.Context(), data)
			var failure *Error
			if !errors.As(err, &failure) || failure.Kind != Truncated && (n >= len(magic) || failure.Kind != NotHDF5) {
				t.Fatalf("%s cut to %d bytes: %v", name, n, err)
			}
			if failure.Offset < 0 || failure.Offset > int64(n) {
				t.Fatalf("%s cut to %d bytes: the error is at %d", name, n, failure.Offset)
			}
		}
	}
}

// Whichever byte is another, the reader ends, with an error of its own or none. Of each three bytes one is enough.
func TestEveryByteChanged(t *testing.T) {
	for _, name := range []string{"small-earliest.h5", "small-latest.h5", "dense-latest.h5", "indexes-latest.h5"} {
		data := fixture(t, name)
		for i := 0; i < len(data); i += 3 {
			flip := byte(0xff)
			if i%2 == 1 {
				flip = 1
			}
			data[i] ^= flip
			err := readUnverified(t.Context(), data)
			data[i] ^= flip
			var failure *Error
			if err != nil && (!errors.As(err, &failure) || failure.Offset < 0 || failure.Offset > int64(len(data))) {
				t.Fatalf("%s with byte %d changed: %#v", name, i, err)
			}
		}
	}
}

// In files of the new style, every byte of metadata is under a checksum.
func TestChecksums(t *testing.T) {
	data := fixture(t, "small-latest.h5")
	for _, signature := range []string{"OHDR", "FAHD", "FADB", "OCHK"} {
		i := bytes.Index(data, []byte(signature))
		if i < 0 {
			continue
		}
		data[i+9] ^= 4
		err := readEverything(t.Context(), data)
		data[i+9] ^= 4
		if err == nil {
			t.Errorf("a changed %s is not noticed", signature)
		}
	}
	i := bytes.Index(data, []byte("FADB"))
	data[i+20] ^= 1
	if err := readEverything(t.Context(), data); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("%v, expected a checksum that does not match", err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := opened(t, fixture(t, "small-earliest.h5"))
	for _, name := range []string{"dense/kernel", "dense/bias"} {
		d, err := f.Root().Dataset(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.ReadFloat32(ctx, make([]float32, d.Len())); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

var errDisk = errors.New("the disk is on fire")

type failing struct {
	io.ReaderAt
	after int
}

func (f *failing) ReadAt(p []byte, offset int64) (int, error) {
	if f.after--; f.after < 0 {
		return 0, errDisk
	}
	return f.ReaderAt.ReadAt(p, offset)
}

// An error of the reader's own is passed on, wherever it occurs.
func TestReadErrors(t *testing.T) {
	data := fixture(t, "small-latest.h5")
	for after := 0; ; after++ {
		in := &failing{ReaderAt: bytes.NewReader(data), after: after}
		f, err := Open(in, int64(len(data)), Limits{})
		if err == nil {
			left := 100
			err = readObject(t.Context(), f.Root(), &left)
		}
		if in.after >= 0 {
			if err != nil || after < 5 {
				t.Fatalf("after %d reads: %v", after, err)
			}
			return
		}
		if !errors.Is(err, errDisk) {
			t.Fatalf("after %d reads: %v", after, err)
		}
	}
}

func TestLimits(t *testing.T) {
	data := fixture(t, "everything-earliest.h5")
	for name, limits := range map[string]Limits{
		"objects":  {MaxObjects: 3},
		"metadata": {MaxMetadata: 2000},
	} {
		f, err := Open(bytes.NewReader(data), int64(len(data)), limits)
		if err == nil {
			left := 1000
			err = readObject(t.Context(), f.Root(), &left)
		}
		var failure *Error
		if !errors.As(err, &failure) || failure.Kind != TooLarge {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Metadata that is as dense as can be takes memory in proportion to the file.
func TestMetadataInProportion(t *testing.T) {
	const size = 200_000
	repeat := func(one []byte) []byte { return bytes.Repeat(one, size/len(one)) }
	names := func() []byte {
		var out []byte
		for i := 0; len(out) < size; i++ {
			out = append(out, hardLink(string(fields(uint16(i+0x3030))), 0)...)
		}
		return bytes.ReplaceAll(out, []byte("/"), []byte("_"))
	}
	attribute := headerMessage(messageAttribute, 3, 0, uint16(1), uint16(20), uint16(4), 0, "a", float32Type(), 2, 0, 0, 0, uint32(0))
	for name, messages := range map[string][]byte{
		"messages":   repeat(headerMessage(0)),
		"links":      names(),
		"attributes": repeat(attribute),
		"spaces":     repeat(shape()),
	} {
		b := newBuilder()
		data := b.file(b.header(headerMessage(messageGroupInfo, 0, 0), messages))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := readEverything(t.Context(), data)
		runtime.ReadMemStats(&after)
		used := after.TotalAlloc - before.TotalAlloc
		t.Logf("%s: %d bytes for each byte of the file (%v)", name, used/uint64(len(data)), err)
		if used > AllocationFactor*uint64(len(data))+2*minExpanded {
			t.Errorf("%s allocates %d bytes for a file of %d", name, used, len(data))
		}
	}
}
