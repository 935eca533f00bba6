package hdf5

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
)

func float32Bytes(values ...float32) []byte {
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return raw
}

// What the library stopped writing long ago, or h5py has no way to ask for, is made by hand.
func TestRareStorage(t *testing.T) {
	want := []float32{1, 2, 3}
	raw := float32Bytes(want...)
	for name, layout := range map[string]func(*builder) []byte{
		"contiguous, version 1": func(b *builder) []byte {
			return headerMessage(messageLayout, 1, 2, 1, fields(0, uint32(0)), b.put(raw), uint32(3), uint32(4))
		},
		"compact, version 2": func(*builder) []byte {
			return headerMessage(messageLayout, 2, 2, 0, fields(0, uint32(0)), uint32(3), uint32(4), uint32(len(raw)), raw)
		},
		"chunked, version 1": func(b *builder) []byte {
			first, second := b.put(raw[:8]), b.put(append(raw[8:12:12], 0, 0, 0, 0))
			leaf := b.put(chunkTreeNode(8, first, 0))
			last := b.put(chunkTreeNode(8, second, 2))
			key := func(at uint64) []byte { return fields(uint32(8), uint32(0), at, uint64(0)) }
			tree := b.put(fields("TREE", 1, 1, uint16(2), undefined, undefined, key(0), leaf, key(2), last, key(4)))
			return headerMessage(messageLayout, 1, 2, 2, fields(0, uint32(0)), tree, uint32(2), uint32(4))
		},
		"a chunk on the edge that is not filtered": func(b *builder) []byte {
			return slices.Concat(filteredBy(filterDeflate),
				headerMessage(messageLayout, 4, 2, 1, 2, 1, 4, 4, 1, b.put(append(slices.Clone(raw), 0, 0, 0, 0))))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBuilder()
			message := layout(b)
			d, err := opened(t, b.withDataset(shape(3), ofFloat32(), message)).Root().Dataset("x")
			if err != nil {
				t.Fatal(err)
			}
			got := []float32{7, 7, 7}
			if err := d.ReadFloat32(t.Context(), got); err != nil || !slices.Equal(got, want) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

// A big-endian machine reads and swaps the same way.
func TestSwap(t *testing.T) {
	for size := 1; size <= 9; size++ {
		data, want := []byte{}, []byte{}
		for element := range 3 {
			for i := range size {
				data = append(data, byte(element*16+i))
				want = append(want, byte(element*16+size-1-i))
			}
		}
		if swap(data, size); !slices.Equal(data, want) {
			t.Errorf("elements of %d bytes: %v, expected %v", size, data, want)
		}
	}
}

func TestChecksumFunctions(t *testing.T) {
	for text, want := range map[string]uint32{"": 0xdeadbeef, "Four score and seven years ago": 0x17770551} {
		if got := lookup3([]byte(text)); got != want {
			t.Errorf("lookup3 of %q is %08x, expected %08x", text, got, want)
		}
	}
	// By hand: the words 0x0102 and 0x0300 sum up to 0x0402, and their sums to 0x0102+0x0402.
	if got := fletcher32([]byte{1, 2, 3}); got != 0x05040402 {
		t.Errorf("fletcher32 is %08x", got)
	}
	// Checksums with the bytes of each half swapped are what libraries before 1.6.3 wrote.
	for _, stored := range [][]byte{{2, 4, 4, 5}, {4, 2, 5, 4}} {
		if data, err := unfletch(append([]byte{1, 2, 3}, stored...), 0); err != nil || len(data) != 3 {
			t.Errorf("%v: %v, %v", stored, data, err)
		}
	}
	if _, err := unfletch([]byte{1, 2, 3, 2, 4, 5, 5}, 0); KindOf(err) != Malformed {
		t.Error(err)
	}
}

// All that a 16-bit float can be.
func TestHalf(t *testing.T) {
	for b := range 1 << 16 {
		sign, exponent, mantissa := 1.0, b>>10&31, float64(b&1023)
		if b>>15 == 1 {
			sign = -1
		}
		want := sign * math.Ldexp(1+mantissa/1024, exponent-15)
		switch {
		case exponent == 0:
			want = sign * math.Ldexp(mantissa, -24)
		case exponent == 31 && mantissa == 0:
			want = math.Inf(int(sign))
		case exponent == 31:
			want = math.NaN()
		}
		got := float64(half(uint16(b)))
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) || math.Signbit(got) != (sign < 0) {
			t.Fatalf("%04x is %v, expected %v", b, got, want)
		}
	}
}
