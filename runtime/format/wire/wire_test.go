package wire_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/ctr-operator/ctr-operator/runtime/format/wire"
)

func tag(b []byte, field protowire.Number, kind protowire.Type) []byte {
	return protowire.AppendTag(b, field, kind)
}

func TestFields(t *testing.T) {
	inner := protowire.AppendString(tag(nil, 1, protowire.BytesType), "név\xff")
	var data []byte
	data = protowire.AppendVarint(tag(data, 1, protowire.VarintType), uint64(math.MaxUint64)) // int64(-1)
	data = protowire.AppendBytes(tag(data, 2, protowire.BytesType), inner)
	data = protowire.AppendFixed32(tag(data, 3, protowire.Fixed32Type), math.Float32bits(0.5))
	data = protowire.AppendFixed64(tag(data, 4, protowire.Fixed64Type), math.Float64bits(0.25))
	data = protowire.AppendVarint(tag(data, 99, protowire.VarintType), 7) // unknown
	data = protowire.AppendVarint(tag(data, 5, protowire.VarintType), 1)

	root := wire.New(data, wire.Limits{})
	var fields []int
	for root.Next() {
		fields = append(fields, root.Field())
		switch root.Field() {
		case 1:
			if got := root.Int64(); got != -1 {
				t.Errorf("int64 is %d", got)
			}
		case 2:
			message := root.Message()
			for message.Next() {
				if got := message.String(); got != "név\xff" {
					t.Errorf("string is %q", got)
				}
			}
		case 3:
			if got := root.Float32(); got != 0.5 {
				t.Errorf("float is %v", got)
			}
		case 4:
			if got := root.Float64(); got != 0.25 {
				t.Errorf("double is %v", got)
			}
		case 5:
			if !root.Bool() {
				t.Error("bool is false")
			}
		}
	}
	if err := root.Err(); err != nil {
		t.Fatal(err)
	}
	if want := []int{1, 2, 3, 4, 99, 5}; !slices.Equal(fields, want) {
		t.Errorf("fields %v, want %v", fields, want)
	}
}

func TestRepeatedNumbersPackedOrNot(t *testing.T) {
	var ints, packedInts, floats, packedFloats []byte
	for _, v := range []int64{3, -1, 1 << 40} {
		ints = protowire.AppendVarint(tag(ints, 1, protowire.VarintType), uint64(v))
		packedInts = protowire.AppendVarint(packedInts, uint64(v))
	}
	for _, v := range []float32{1, -0.5} {
		floats = protowire.AppendFixed32(tag(floats, 2, protowire.Fixed32Type), math.Float32bits(v))
		packedFloats = protowire.AppendFixed32(packedFloats, math.Float32bits(v))
	}
	packed := protowire.AppendBytes(tag(nil, 1, protowire.BytesType), packedInts)
	packed = protowire.AppendBytes(tag(packed, 2, protowire.BytesType), packedFloats)
	for name, data := range map[string][]byte{"packed": packed, "one by one": append(ints, floats...)} {
		var gotInts []int64
		var gotFloats []float32
		root := wire.New(data, wire.Limits{})
		for root.Next() {
			switch root.Field() {
			case 1:
				gotInts = root.AppendInt64(gotInts)
			case 2:
				gotFloats = root.AppendFloat32(gotFloats)
			}
		}
		if err := root.Err(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !slices.Equal(gotInts, []int64{3, -1, 1 << 40}) || !slices.Equal(gotFloats, []float32{1, -0.5}) {
			t.Errorf("%s: %v %v", name, gotInts, gotFloats)
		}
	}
}

func TestErrors(t *testing.T) {
	nested := func(depth int) []byte {
		var data []byte
		for range depth {
			data = protowire.AppendBytes(tag(nil, 1, protowire.BytesType), data)
		}
		return data
	}
	cases := []struct {
		name string
		data []byte
		kind wire.Kind
		want string
	}{
		{"a cut number", []byte{0x08, 0x80}, wire.Malformed, "field 1 ends outside its message (at byte 0)"},
		{"a length beyond the end", []byte{0x0a, 0x05, 1}, wire.Malformed, "field 1 ends outside its message"},
		{"a huge length", []byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, wire.Malformed, "field 1 ends"},
		{"a group", []byte{0x0b, 0x0c}, wire.Malformed, "field 1 ends outside"},
		{"field number zero", []byte{0x00, 0x01}, wire.Malformed, "no field begins here"},
		{"a number for a message", []byte{0x08, 0x01}, wire.Malformed, "field 1 has wire type 0"},
		{"depth", nested(100), wire.TooLarge, "too deep"},
		{"many fields", slices.Repeat([]byte{0x0a, 0x00}, 2000), wire.TooLarge, "too many fields"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			root := wire.New(c.data, wire.Limits{MaxFields: 1000})
			walk(root)
			err := root.Err()
			if wire.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %v with %q", err, c.kind, c.want)
			}
			if root.Next() {
				t.Error("it goes on after an error")
			}
		})
	}
}

// walk takes every field for a message.
func walk(m *wire.Message) {
	for m.Next() {
		walk(m.Message())
	}
}

func TestCharge(t *testing.T) {
	packed := protowire.AppendBytes(tag(nil, 1, protowire.BytesType), make([]byte, 100))
	root := wire.New(packed, wire.Limits{MaxMemory: 799})
	root.Next()
	if values := root.AppendInt64(nil); values != nil || wire.KindOf(root.Err()) != wire.TooLarge {
		t.Errorf("%d values, error %v", len(values), root.Err())
	}
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte{0x0a, 0x03, 1, 2, 3, 0x10, 0x7f, 0x1d, 0, 0, 0x80, 0x3f})
	f.Add([]byte{0x0a, 0x04, 0x0a, 0x02, 0x08, 0x01})
	f.Fuzz(func(t *testing.T, data []byte) {
		root := wire.New(data, wire.Limits{})
		var ints []int64
		for root.Next() {
			ints = root.AppendInt64(ints)
		}
		if len(ints) > len(data) {
			t.Errorf("%d numbers out of %d bytes", len(ints), len(data))
		}
		walk(wire.New(data, wire.Limits{}))
		floats := wire.New(data, wire.Limits{})
		for floats.Next() {
			floats.AppendFloat32(nil)
			floats.AppendFloat64(nil)
			floats.AppendString(nil)
		}
	})
}
