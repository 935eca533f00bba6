package savedmodel

import (
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/format/tftype"
	"github.com/ctr-operator/ctr-operator/runtime/format/wire"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// tensorProto is a TensorProto: a shape, and numbers either as they are in memory or one by one, of which the last stands
// for all that are missing.
type tensorProto struct {
	dtype   int
	shape   []int
	content []byte
	f32     []float32
	f64     []float64
	i32     []int32 // and all that is narrower, half floats' bits too
	i64     []int64
	strings []string
}

// readTensor reads the TensorProto that is the current field.
func readTensor(parent *wire.Message) *tensor.Tensor {
	m := parent.Message()
	p := &tensorProto{shape: []int{}}
	for m.Next() {
		switch m.Field() {
		case 1:
			p.dtype = m.Int()
		case 2:
			p.shape, _ = readShape(m.Message())
		case 4:
			p.content = m.Bytes()
		case 5:
			p.f32 = m.AppendFloat32(p.f32)
		case 6:
			p.f64 = m.AppendFloat64(p.f64)
		case 7, 11, 13, 16:
			p.i32 = m.AppendInt32(p.i32)
		case 8:
			p.strings = m.AppendString(p.strings)
		case 10, 17:
			p.i64 = m.AppendInt64(p.i64)
		}
	}
	return p.tensor(parent)
}

// tensor makes the tensor, once it has been charged for; nil after a failure.
func (p *tensorProto) tensor(m *wire.Message) *tensor.Tensor {
	dtype, ok := tftype.Of(p.dtype)
	if !ok {
		m.Fail("a constant of the type %s, which cannot be served", tftype.Name(p.dtype))
		return nil
	}
	n, ok := elements(p.shape)
	if !ok {
		m.Fail("a constant of the shape %v, which no tensor has", p.shape)
		return nil
	}
	if size := tftype.Size(p.dtype); len(p.content) > 0 && len(p.content) != n*size {
		m.Fail("a constant of the shape %v of %s has %d bytes", p.shape, tftype.Name(p.dtype), len(p.content))
		return nil
	}
	if !m.Charge(int64(n) * int64(dtype.Size())) {
		return nil
	}
	t := tensor.New(dtype, p.shape...)
	if len(p.content) > 0 {
		tftype.Decode(t, 0, p.content, p.dtype)
	} else if !p.fill(t) {
		m.Fail("a constant of the shape %v of %s has more values than elements", p.shape, tftype.Name(p.dtype))
	}
	return t
}

// elements is how many elements a shape has.
func elements(shape []int) (int, bool) {
	if len(shape) > tensor.MaxRank {
		return 0, false
	}
	n := 1
	for _, size := range shape {
		if size < 0 || size > 0 && n > math.MaxInt/size/32 {
			return 0, false
		}
		n *= size
	}
	return n, true
}

// fill sets the elements from the values of their type, and says whether they are not too many.
func (p *tensorProto) fill(t *tensor.Tensor) bool {
	switch p.dtype {
	case tftype.Float:
		return spread(tensor.Data[float32](t), p.f32, func(v float32) float32 { return v })
	case tftype.Half:
		return spread(tensor.Data[float32](t), p.i32, func(v int32) float32 { return tftype.HalfFloat(uint16(v)) })
	case tftype.BFloat16:
		return spread(tensor.Data[float32](t), p.i32, func(v int32) float32 { return tftype.BrainFloat(uint16(v)) })
	case tftype.Double:
		return spread(tensor.Data[float64](t), p.f64, func(v float64) float64 { return v })
	case tftype.Int64:
		return spread(tensor.Data[int64](t), p.i64, func(v int64) int64 { return v })
	case tftype.Uint32:
		return spread(tensor.Data[int64](t), p.i32, func(v int32) int64 { return int64(uint32(v)) })
	case tftype.Bool:
		return spread(tensor.Data[bool](t), p.i32, func(v int32) bool { return v != 0 })
	case tftype.String:
		return spread(tensor.Data[string](t), p.strings, func(v string) string { return v })
	default:
		return spread(tensor.Data[int32](t), p.i32, func(v int32) int32 { return v })
	}
}

// spread sets all of dst: to the values, then to the last of them, or to zero where there is none.
func spread[From, To any](dst []To, values []From, convert func(From) To) bool {
	if len(values) > len(dst) {
		return false
	}
	var last To
	for i := range dst {
		if i < len(values) {
			last = convert(values[i])
		}
		dst[i] = last
	}
	return true
}
