package tensorbundle

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

func TestBlocks(t *testing.T) {
	for _, compressed := range []bool{false, true} {
		m := sample()
		m.snappy = compressed
		b := mustOpen(t, m.files())
		if got := b.Keys(); len(got) != 10 || got[7] != "layer/7/kernel" {
			t.Fatalf("keys %q", got)
		}
		got, err := b.Read(t.Context(), "layer/7/kernel", nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(tensor.Data[float32](got), []float32{7, 1, 2, 3, 4, 5}) || !slices.Equal(got.Shape(), []int{2, 3}) {
			t.Errorf("got %v of %v", tensor.Data[float32](got), got)
		}
	}
}

// sliceOf is a TensorSliceProto of pairs of start and length; a negative length is all.
func sliceOf(pairs ...int) []byte {
	var s []byte
	for i := 0; i < len(pairs); i += 2 {
		var extent []byte
		if pairs[i+1] >= 0 {
			extent = number(number(nil, 1, uint64(pairs[i])), 2, uint64(pairs[i+1]))
		}
		s = bytesField(s, 1, extent)
	}
	return bytesField(nil, 7, s)
}

// sliced has a variable of 3 by 4 in three slices.
func sliced() *maker {
	m := &maker{}
	m.put("w", string(entryOf(1, 0, 0, 0, slices.Concat(sliceOf(0, 2, 0, 1), sliceOf(0, 2, 1, 3), sliceOf(2, 1, 0, -1)), 3, 4)))
	m.add(sliceKey("w", Slice{{0, 2}, {0, 1}}), []float32{0, 4}, 2, 1)
	m.add(sliceKey("w", Slice{{0, 2}, {1, 3}}), []float32{1, 2, 3, 5, 6, 7}, 2, 3)
	m.add(sliceKey("w", Slice{{2, 1}, {0, -1}}), []float32{8, 9, 10, 11}, 1, 4)
	return m
}

func TestSlices(t *testing.T) {
	b := mustOpen(t, sliced().files())
	if got := b.Keys(); !slices.Equal(got, []string{"w"}) {
		t.Errorf("keys %q", got)
	}
	cases := []struct {
		part string
		want []float32
	}{
		{"", []float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
		{"3 4 0,2:1,3", []float32{1, 2, 3, 5, 6, 7}},
		{"3 4 -:-", []float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
		{"3 4 1,2:0,2", []float32{4, 5, 8, 9}},
		{"3 4 2,1:-", []float32{8, 9, 10, 11}},
	}
	for _, c := range cases {
		_, part, ok := ParseSlice(c.part)
		if !ok {
			t.Fatalf("%q is no slice", c.part)
		}
		got, err := b.Read(t.Context(), "w", part)
		if err != nil {
			t.Errorf("%q: %v", c.part, err)
			continue
		}
		if !slices.Equal(tensor.Data[float32](got), c.want) {
			t.Errorf("%q: got %v, expected %v", c.part, tensor.Data[float32](got), c.want)
		}
	}
}

func TestSliceKeys(t *testing.T) {
	// As TensorFlow encodes them: a zero, the name, the rank, and each number in as few bytes as it takes.
	cases := map[string]Slice{
		"\x00w\x00\x01\x01\x02\x80\x91\x80\x7f":             {{0, 17}, {0, -1}},
		"\x00w\x00\x01\x01\x01\xc0\x40\xc0\x64":             {{64, 100}},
		"\x00w\x00\x01\x01\x01\xe1\x00\x00\xf0\x98\x96\x80": {{65536, 10000000}},
	}
	for want, s := range cases {
		if got := sliceKey("w", s); got != want {
			t.Errorf("%v is %q, expected %q", s, got, want)
		}
	}
}

func TestStrings(t *testing.T) {
	texts := []string{"", "一二", strings.Repeat("x", 300)}
	var raw, lengths []byte
	crc := uint32(0)
	for _, s := range texts {
		lengths = binary.AppendUvarint(lengths, uint64(len(s)))
		crc = crc32.Update(crc, castagnoli, binary.LittleEndian.AppendUint32(nil, uint32(len(s))))
	}
	sum := binary.LittleEndian.AppendUint32(nil, masked(crc))
	raw = slices.Concat(lengths, sum, []byte(strings.Join(texts, "")))
	crc = crc32.Update(crc, castagnoli, append(sum, strings.Join(texts, "")...))
	m := &maker{data: raw}
	m.put("names", string(entryOf(7, 0, len(raw), masked(crc), nil, 3)))
	got, err := mustOpen(t, m.files()).Read(t.Context(), "names", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(tensor.Data[string](got), texts) {
		t.Errorf("got %q", tensor.Data[string](got))
	}
}

// TestHostile shows what happens to files that are not what they claim.
func TestHostile(t *testing.T) {
	entry := func(dtype, offset, size int, shape ...int) func(*maker) {
		return func(m *maker) { m.put("w", string(entryOf(dtype, offset, size, 0, nil, shape...))) }
	}
	cases := []struct {
		name   string
		change func(m *maker)
		kind   Kind
		want   string
	}{
		{"another footer", func(m *maker) { m.footer = func(f []byte) []byte { f[47] ^= 1; return f } }, Malformed, "does not end as an index"},
		{"blocks beyond the file", func(m *maker) {
			m.footer = func(f []byte) []byte { copy(f, "\x00\x00\xff\x7f\xff\x7f"); return f }
		}, Malformed, "not within the file"},
		{"a block that is cut", func(m *maker) { m.block = func(_ int, c []byte) []byte { return c[:min(len(c), 7)] } }, Malformed, "ends too early"},
		{"too many restarts", func(m *maker) {
			m.block = func(_ int, c []byte) []byte { return append(c[:len(c)-4], 0xff, 0xff, 0xff, 0xff) }
		}, Malformed, "ends too early"},
		{"keys out of order", func(m *maker) { m.keys[0], m.keys[1] = m.keys[1], m.keys[0] }, Malformed, "not in order"},
		{"long keys that share everything", func(m *maker) {
			m.perBlock = 1 << 20
			key := strings.Repeat("k", 1<<16)
			m.keys, m.values = nil, nil
			for i := range 1000 {
				m.keys, m.values = append(m.keys, key+fmt.Sprintf("%05d", i)), append(m.values, "")
			}
		}, TooLarge, "more than a file of its size may hold"},
		{"no data files", func(m *maker) { m.shards = -1 }, Malformed, "-1 data files"},
		{"many data files", func(m *maker) { m.shards = 1 << 20 }, Malformed, "1048576 data files"},
		{"a huge shape", entry(1, 240, 16, 1<<30, 1<<30, 1<<30), Malformed, "no tensor"},
		{"a shape larger than the file", entry(1, 240, 1<<40, 1<<38), Malformed, "not within the file"},
		{"a size that is not the shape's", entry(1, 240, 12, 4), Malformed, "12 bytes are stored"},
		{"an offset before the file", entry(1, -4, 4, 1), Malformed, "not within the file"},
		{"complex numbers", entry(8, 300, 8, 1), Unsupported, "complex64"},
		{"texts without room", func(m *maker) { m.data = append(m.data, 1, 2, 3, 4); entry(7, 240, 4, 1<<40)(m) }, Malformed, "texts"},
		{"a negative dimension", entry(1, 240, 4, -1), Malformed, "no tensor has"},
		{"bytes that another has", entry(1, 4, 4, 1), Malformed, "its bytes are those of"},
		{"another checksum", func(m *maker) { m.data = append(m.data, 1, 2, 3, 4); entry(1, 240, 4, 1)(m) }, Malformed, "checksum"},
		{"a slice that is missing", func(m *maker) { m.put("w", string(entryOf(1, 0, 0, 0, sliceOf(0, 2), 2))) }, Malformed, "is not in the index"},
		{"slices of nothing", func(m *maker) {
			m.put("w", string(entryOf(1, 0, 0, 0, sliceOf(0, 1), 1<<40)))
			m.add(sliceKey("w", Slice{{0, 1}}), []float32{1}, 1)
		}, Malformed, "do not make up"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := sample()
			c.change(m)
			b, err := Open(t.Context(), m.files(), "v")
			if err == nil {
				_, err = b.Read(t.Context(), "w", nil)
			}
			if KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, expected %v with %q", err, c.kind, c.want)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	files := sample().files()
	b := mustOpen(t, files)
	if _, err := b.Read(t.Context(), "other", nil); KindOf(err) != NotFound {
		t.Errorf("got %v", err)
	}
	delete(files, "v.data-00000-of-00001")
	if _, err := b.Read(t.Context(), "layer/1/kernel", nil); KindOf(err) != NotFound {
		t.Errorf("got %v", err)
	}
	if _, err := Open(t.Context(), files, "other"); KindOf(err) != NotFound {
		t.Errorf("got %v", err)
	}
}

func TestCancelled(t *testing.T) {
	b := mustOpen(t, sample().files())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Read(ctx, "layer/1/kernel", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// FuzzBundle reads hostile files, whose checksums are not looked at.
func FuzzBundle(f *testing.F) {
	for _, m := range []*maker{sample(), sliced(), {}} {
		f.Add(m.index(), m.data)
		m.snappy = true
		f.Add(m.index(), m.data)
	}
	f.Fuzz(func(t *testing.T, index, data []byte) {
		m := &maker{data: data}
		files := m.files()
		files["v.index"].Data = index
		b, err := open(t.Context(), &Bundle{files: files, prefix: "v", entries: map[string]*entry{}, unverified: true})
		if err != nil {
			return
		}
		total := 0
		for _, key := range b.Keys() {
			whole, err := b.Read(t.Context(), key, nil)
			if err != nil {
				continue
			}
			total += whole.Len()
		}
		// Strings of no bytes, of which each has a length, are the smallest elements.
		if total > len(data) {
			t.Errorf("%d elements out of %d bytes", total, len(data))
		}
	})
}
