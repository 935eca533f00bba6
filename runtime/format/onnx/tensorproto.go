package onnx

import (
	"strconv"

	"github.com/ctr-operator/ctr-operator/runtime/format/wire"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// tensorProto is a tensor as the file has it. Its elements are in one of the fields; raw aliases the file.
type tensorProto struct {
	name     string
	dims     []int64
	elem     int
	raw      []byte
	hasRaw   bool
	float32s []float32
	int32s   []int32
	int64s   []int64
	float64s []float64
	uint64s  []uint64
	strings  []string
	segment  bool
	external *externalData
	// made is what the tensor was found to be.
	made *tensor.Tensor
}

// externalData says where a tensor's elements are, in a file beside the model.
type externalData struct {
	location       string
	offset, length int64
	hasLength      bool
	// wrong is what is the matter with it, empty where nothing is.
	wrong string
}

func (d *decoder) tensor(m *wire.Message) *tensorProto {
	t := &tensorProto{}
	external, location := externalData{}, 0
	for d.next(m) {
		switch m.Field() {
		case 1:
			t.dims = m.AppendInt64(t.dims)
		case 2:
			t.elem = m.Int()
		case 3:
			t.segment = true
		case 4:
			t.float32s = m.AppendFloat32(t.float32s)
		case 5:
			t.int32s = m.AppendInt32(t.int32s)
		case 6:
			t.strings = m.AppendString(t.strings)
		case 7:
			t.int64s = m.AppendInt64(t.int64s)
		case 8:
			t.name = m.String()
		case 9:
			t.raw, t.hasRaw = m.Bytes(), true
			d.raw += len(t.raw)
		case 10:
			t.float64s = m.AppendFloat64(t.float64s)
		case 11:
			t.uint64s = m.AppendUint64(t.uint64s)
		case 13:
			d.externalEntry(m.Message(), &external)
		case 14:
			location = m.Int()
		}
	}
	if location == 1 {
		t.external = &external
	}
	return t
}

// externalEntry reads one of the keys and values that say where the elements are.
func (d *decoder) externalEntry(m *wire.Message, e *externalData) {
	var key, value string
	for d.next(m) {
		switch m.Field() {
		case 1:
			key = m.String()
		case 2:
			value = m.String()
		}
	}
	number := func() int64 {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 {
			e.wrong = key + " is " + quoted(value) + ", not a number of bytes"
		}
		return n
	}
	switch key {
	case "location":
		e.location = value
	case "offset":
		e.offset = number()
	case "length":
		e.length, e.hasLength = number(), true
	}
}
