package hdf5

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"slices"
	"testing"
)

// builder writes files by hand, for what no library would write. Addresses are of 8 bytes, headers of version 2.
type builder struct{ data []byte }

const superblockSize = 48

func newBuilder() *builder { return &builder{data: make([]byte, superblockSize)} }

// fields encodes numbers by their Go type, little-endian, and text and bytes as they are.
func fields(values ...any) []byte {
	var out []byte
	for _, v := range values {
		switch v := v.(type) {
		case int:
			out = append(out, byte(v))
		case uint16:
			out = binary.LittleEndian.AppendUint16(out, v)
		case uint32:
			out = binary.LittleEndian.AppendUint32(out, v)
		case uint64:
			out = binary.LittleEndian.AppendUint64(out, v)
		case string:
			out = append(out, v...)
		case []byte:
			out = append(out, v...)
		default:
			panic("a field of another type")
		}
	}
	return out
}

func sealed(data []byte) []byte { return binary.LittleEndian.AppendUint32(data, lookup3(data)) }

// put appends a structure, and returns its address.
func (b *builder) put(data []byte) uint64 {
	address := uint64(len(b.data))
	b.data = append(b.data, data...)
	return address
}

// next is the address that the next structure will have.
func (b *builder) next() uint64 { return uint64(len(b.data)) }

func headerMessage(kind int, values ...any) []byte {
	body := fields(values...)
	return fields(kind, uint16(len(body)), 0, body)
}

func (b *builder) header(messages ...[]byte) uint64 {
	body := slices.Concat(messages...)
	return b.put(sealed(fields("OHDR", 2, 2, uint32(len(body)), body)))
}

// file finishes the file.
func (b *builder) file(root uint64) []byte {
	copy(b.data, sealed(fields(magic, 2, 8, 8, 0, uint64(0), undefined, uint64(len(b.data)), root)))
	return b.data
}

func hardLink(name string, address uint64) []byte {
	return headerMessage(messageLink, 1, 0, len(name), name, address)
}

func softLink(name, target string) []byte {
	return headerMessage(messageLink, 1, 8, 1, len(name), name, uint16(len(target)), target)
}

func shape(dims ...uint64) []byte {
	out := fields(2, len(dims), 0, 1)
	for _, n := range dims {
		out = binary.LittleEndian.AppendUint64(out, n)
	}
	return headerMessage(messageDataspace, out)
}

func float32Type() []byte {
	return fields(0x11, 0x20, 31, 0, uint32(4), uint16(0), uint16(32), 23, 8, 0, 23, uint32(127))
}

func ofFloat32() []byte { return headerMessage(messageDatatype, float32Type()) }

func contiguousAt(address, size uint64) []byte {
	return headerMessage(messageLayout, 3, 1, address, size)
}

func chunkedAt(tree uint64, element uint32, dims ...uint32) []byte {
	out := fields(3, 2, len(dims)+1, tree)
	for _, n := range append(dims, element) {
		out = binary.LittleEndian.AppendUint32(out, n)
	}
	return headerMessage(messageLayout, out)
}

func filteredBy(id uint16) []byte {
	if id >= 256 {
		return headerMessage(messageFilters, 2, 1, id, uint16(0), uint16(0), uint16(0))
	}
	return headerMessage(messageFilters, 2, 1, id, uint16(0), uint16(0))
}

// chunkTreeNode is a leaf of a tree of chunks in one dimension, all of the same size and at the same address.
func chunkTreeNode(size uint32, address uint64, starts ...uint64) []byte {
	out := fields("TREE", 1, 0, uint16(len(starts)), undefined, undefined)
	for _, start := range starts {
		out = append(out, fields(size, uint32(0), start, uint64(0), address)...)
	}
	return append(out, fields(size, uint32(0), ^uint64(0)>>1, uint64(0))...)
}

func deflated(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// withDataset is a file with one dataset, named x, of these messages.
func (b *builder) withDataset(messages ...[]byte) []byte {
	dataset := b.header(messages...)
	return b.file(b.header(hardLink("x", dataset)))
}
