package hdf5

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
)

// benchmarkRead reads one dataset of 4 Mi float32 over and over.
func benchmarkRead(b *testing.B, data []byte, n int) {
	b.Helper()
	d, err := opened(b, data).Root().Dataset("x")
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]float32, n)
	b.SetBytes(int64(4 * n))
	b.ReportAllocs()
	for b.Loop() {
		if err := d.ReadFloat32(b.Context(), dst); err != nil {
			b.Fatal(err)
		}
	}
}

const benchmarkElements = 4 << 20

// weights are numbers like those of an embedding.
func weights() []byte {
	random := rand.New(rand.NewPCG(1, 2))
	raw := make([]byte, 4*benchmarkElements)
	for i := range benchmarkElements {
		binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(float32(random.NormFloat64()*0.05)))
	}
	return raw
}

func BenchmarkContiguous(b *testing.B) {
	f := newBuilder()
	address := f.put(weights())
	benchmarkRead(b, f.withDataset(shape(benchmarkElements), ofFloat32(), contiguousAt(address, 4*benchmarkElements)), benchmarkElements)
}

func BenchmarkDeflated(b *testing.B) {
	const chunk = 1 << 16
	f := newBuilder()
	raw := weights()
	entries := []byte{}
	for at := 0; at < benchmarkElements; at += chunk {
		stored := deflated(b, raw[4*at:4*(at+chunk)])
		address := f.put(stored)
		entries = append(entries, fields(uint32(len(stored)), uint32(0), uint64(at), uint64(0), address)...)
	}
	tree := f.put(fields("TREE", 1, 0, uint16(benchmarkElements/chunk), undefined, undefined, entries, make([]byte, 24)))
	benchmarkRead(b, f.withDataset(
		shape(benchmarkElements), ofFloat32(), filteredBy(filterDeflate), chunkedAt(tree, 4, chunk)), benchmarkElements)
}

// BenchmarkMemory copies as many bytes, for comparison.
func BenchmarkMemory(b *testing.B) {
	raw := weights()
	into := make([]byte, len(raw))
	b.SetBytes(int64(len(raw)))
	in := bytes.NewReader(raw)
	for b.Loop() {
		if _, err := in.ReadAt(into, 0); err != nil {
			b.Fatal(err)
		}
	}
}
