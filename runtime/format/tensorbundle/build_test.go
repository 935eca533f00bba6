package tensorbundle

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/snappy"
	"google.golang.org/protobuf/encoding/protowire"
)

// maker makes bundles that TensorFlow does not: compressed, in many blocks, or wrong.
type maker struct {
	keys, values []string
	data         []byte
	shards       int
	// perBlock is how many entries a block has; snappy compresses blocks.
	perBlock int
	snappy   bool
	// block changes blocks before their checksum is made, footer the footer.
	block  func(i int, content []byte) []byte
	footer func([]byte) []byte
}

func number(b []byte, field int, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, protowire.Number(field), protowire.VarintType), v)
}

func bytesField(b []byte, field int, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, protowire.Number(field), protowire.BytesType), v)
}

func shapeOf(sizes ...int) (shape []byte) {
	for _, size := range sizes {
		shape = bytesField(shape, 2, number(nil, 1, uint64(size)))
	}
	return shape
}

// entry is a BundleEntryProto.
func entryOf(dtype, offset, size int, crc uint32, slices []byte, shape ...int) []byte {
	e := number(nil, 1, uint64(dtype))
	e = bytesField(e, 2, shapeOf(shape...))
	e = number(number(e, 4, uint64(offset)), 5, uint64(size))
	e = protowire.AppendFixed32(protowire.AppendTag(e, 6, protowire.Fixed32Type), crc)
	return append(e, slices...)
}

// add adds a float32 variable, whose data goes to the only data file.
func (m *maker) add(key string, values []float32, shape ...int) {
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw, _ = binary.Append(raw, binary.LittleEndian, v)
	}
	m.put(key, string(entryOf(1, len(m.data), len(raw), masked(crc32.Checksum(raw, castagnoli)), nil, shape...)))
	m.data = append(m.data, raw...)
}

func (m *maker) put(key, value string) {
	at, _ := slices.BinarySearch(m.keys, key)
	m.keys, m.values = slices.Insert(m.keys, at, key), slices.Insert(m.values, at, value)
}

// files are the bundle's.
func (m *maker) files() fstest.MapFS {
	files := fstest.MapFS{"v.index": {Data: m.index()}}
	files["v.data-00000-of-00001"] = &fstest.MapFile{Data: m.data}
	return files
}

func (m *maker) index() []byte {
	if m.shards == 0 {
		m.shards = 1
	}
	if m.perBlock == 0 {
		m.perBlock = 3
	}
	keys := append([]string{""}, m.keys...)
	values := append([]string{string(number(nil, 1, uint64(m.shards)))}, m.values...)
	var file []byte
	var blocks, places []string
	for i := 0; i < len(keys); i += m.perBlock {
		end := min(i+m.perBlock, len(keys))
		place := m.append(&file, i/m.perBlock, blockOf(keys[i:end], values[i:end]))
		blocks, places = append(blocks, keys[end-1]), append(places, place)
	}
	footer := []byte(m.append(&file, -1, blockOf(nil, nil)))
	footer = append(footer, m.append(&file, -2, blockOf(blocks, places))...)
	footer = append(footer, make([]byte, footerSize-8-len(footer))...)
	footer = binary.LittleEndian.AppendUint64(footer, footerMagic)
	if m.footer != nil {
		footer = m.footer(footer)
	}
	return append(file, footer...)
}

// append adds a block to the file, and returns its place.
func (m *maker) append(file *[]byte, i int, content []byte) (place string) {
	if m.block != nil {
		content = m.block(i, content)
	}
	kind := byte(0)
	if m.snappy {
		content, kind = snappy.Encode(nil, content), 1
	}
	place = string(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(len(*file))), uint64(len(content))))
	*file = append(append(*file, content...), kind)
	whole := (*file)[len(*file)-len(content)-1:]
	*file = binary.LittleEndian.AppendUint32(*file, masked(crc32.Checksum(whole, castagnoli)))
	return place
}

func blockOf(keys, values []string) (block []byte) {
	last := ""
	for i, key := range keys {
		shared := 0
		for shared < min(len(last), len(key)) && last[shared] == key[shared] {
			shared++
		}
		for _, n := range []int{shared, len(key) - shared, len(values[i])} {
			block = binary.AppendUvarint(block, uint64(n))
		}
		block = append(append(block, key[shared:]...), values[i]...)
		last = key
	}
	block = binary.LittleEndian.AppendUint32(block, 0) // one restart, at the beginning
	return binary.LittleEndian.AppendUint32(block, 1)
}

// sample has variables in several blocks.
func sample() *maker {
	m := &maker{}
	for i := range 10 {
		m.add(fmt.Sprintf("layer/%d/kernel", i), []float32{float32(i), 1, 2, 3, 4, 5}, 2, 3)
	}
	return m
}

func mustOpen(t testing.TB, files fstest.MapFS) *Bundle {
	t.Helper()
	b, err := Open(t.Context(), files, "v")
	if err != nil {
		t.Fatal(err)
	}
	return b
}
