package op

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/features/hash"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// HashKind is a hash function of text.
type HashKind uint8

// The hash functions.
const (
	// HashFast is FarmHash's Fingerprint64.
	HashFast HashKind = iota
	// HashStrong is SipHash-2-4 under a key.
	HashStrong
	// HashLegacy is what TensorFlow calls Hash64.
	HashLegacy
)

// StringHash is the number, below Buckets, of the bucket that each string of its input falls into.
type StringHash struct {
	Kind    HashKind
	Buckets int64
	// Key0 and Key1 are HashStrong's key.
	Key0, Key1 uint64
}

// Name implements graph.Op.
func (StringHash) Name() string { return "StringHash" }

// Run implements graph.Op.
func (o StringHash) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	x, err := stringsOf(in[0])
	if err != nil {
		return err
	}
	if o.Buckets < 1 {
		return fmt.Errorf("hashes to %d buckets", o.Buckets)
	}
	if err := f.Resize(out[0], tensor.Int64, in[0].Shape()...); err != nil {
		return err
	}
	y, buckets := tensor.Data[int64](out[0]), uint64(o.Buckets)
	for i, s := range x {
		y[i] = int64(o.hash(s) % buckets)
	}
	return nil
}

func (o StringHash) hash(s string) uint64 {
	switch o.Kind {
	case HashStrong:
		return hash.Strong(o.Key0, o.Key1, s)
	case HashLegacy:
		return hash64(s)
	default:
		return hash.Fingerprint64(s)
	}
}

// hash64 is TensorFlow's Hash64: Murmur's 64-bit hash with a seed of its own.
func hash64(s string) uint64 {
	const (
		times = 0xc6a4a7935bd1e995
		shift = 47
		seed  = 0xDECAFCAFFE
	)
	h := seed ^ uint64(len(s))*times
	for ; len(s) >= 8; s = s[8:] {
		k := littleEndian(s[:8]) * times
		k = (k ^ k>>shift) * times
		h = (h ^ k) * times
	}
	if len(s) > 0 {
		h = (h ^ littleEndian(s)) * times
	}
	h = (h ^ h>>shift) * times
	return h ^ h>>shift
}

// littleEndian is the number that up to 8 bytes are.
func littleEndian(s string) uint64 {
	v := uint64(0)
	for i := range len(s) {
		v |= uint64(s[i]) << (8 * i)
	}
	return v
}

// AsString writes numbers and bools as C's printf does: integers as they are, bools as true and false, floats by Format ('f',
// 'e' or 'g') with Precision digits, 6 where that is negative. Texts are filled up to Width on the left, with spaces, or
// with zeros if Zeros is set. Subnormal float32s count as zero. It allocates twice in a run.
type AsString struct {
	Format    byte
	Precision int
	Width     int
	Zeros     bool
}

// Name implements graph.Op.
func (AsString) Name() string { return "AsString" }

// Run implements graph.Op.
func (o AsString) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 1); err != nil {
		return err
	}
	x := in[0]
	if x.DType() == tensor.String {
		out[0].View(x, x.Shape()...)
		return nil
	}
	const widest = 64
	if o.Precision > widest || o.Width > widest {
		return fmt.Errorf("writes numbers of %d digits in %d places", o.Precision, o.Width)
	}
	if err := f.Resize(out[0], tensor.String, x.Shape()...); err != nil {
		return err
	}
	y := tensor.Data[string](out[0])
	ends := f.Scratch(0)
	if err := f.Resize(ends, tensor.Int64, len(y)); err != nil {
		return err
	}
	const usual = 8
	text := make([]byte, 0, usual*len(y))
	for i := range y {
		start := len(text)
		text = o.append(text, x, i)
		if missing := o.Width - (len(text) - start); missing > 0 {
			text = o.pad(text, start, missing)
		}
		tensor.Data[int64](ends)[i] = int64(len(text))
	}
	if err := f.Charge(int64(len(text))); err != nil {
		return err
	}
	whole, start := string(text), int64(0)
	for i, end := range tensor.Data[int64](ends) {
		y[i], start = whole[start:end], end
	}
	return nil
}

func (o AsString) append(text []byte, x *tensor.Tensor, i int) []byte {
	switch x.DType() {
	case tensor.Bool:
		return strconv.AppendBool(text, tensor.Data[bool](x)[i])
	case tensor.Int32:
		return strconv.AppendInt(text, int64(tensor.Data[int32](x)[i]), 10)
	case tensor.Int64:
		return strconv.AppendInt(text, tensor.Data[int64](x)[i], 10)
	case tensor.Float32:
		return o.appendFloat(text, float64(flushed(tensor.Data[float32](x)[i])))
	default:
		return o.appendFloat(text, tensor.Data[float64](x)[i])
	}
}

func (o AsString) appendFloat(text []byte, v float64) []byte {
	precision := o.Precision
	if precision < 0 {
		precision = 6
	}
	switch {
	case math.IsNaN(v):
		return append(text, "nan"...)
	case math.IsInf(v, 1):
		return append(text, "inf"...)
	case math.IsInf(v, -1):
		return append(text, "-inf"...)
	case o.Format == 'g':
		// Go's %g of a precision drops zeros at the end as C's does, but its exponent begins elsewhere; fmt knows C's rule.
		return fmt.Appendf(text, "%.*g", max(precision, 1), v)
	default:
		return strconv.AppendFloat(text, v, o.Format, precision, 64)
	}
}

// pad fills the text from start on up on its left; zeros go behind the sign.
func (o AsString) pad(text []byte, start, missing int) []byte {
	fill := byte(' ')
	if o.Zeros {
		fill = '0'
		if text[start] == '-' {
			start++
		}
	}
	for range missing {
		text = append(text, 0)
	}
	copy(text[start+missing:], text[start:len(text)-missing])
	for i := range missing {
		text[start+i] = fill
	}
	return text
}

// StringJoin joins the texts of its inputs, element by element, with the separator between them. Scalars are repeated.
type StringJoin struct{ Separator string }

// Name implements graph.Op.
func (StringJoin) Name() string { return "StringJoin" }

// Run implements graph.Op.
func (o StringJoin) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, max(1, len(in)), len(in)); err != nil {
		return err
	}
	shape := in[0].Shape()
	for _, t := range in {
		if _, err := stringsOf(t); err != nil {
			return err
		}
		if len(shape) == 0 {
			shape = t.Shape()
		} else if t.Rank() > 0 && !slices.Equal(t.Shape(), shape) {
			return shapeError(in[0].String(), t.Shape())
		}
	}
	if err := f.Resize(out[0], tensor.String, shape...); err != nil {
		return err
	}
	var text strings.Builder
	y := tensor.Data[string](out[0])
	for i := range y {
		text.Reset()
		for k, t := range in {
			if k > 0 {
				text.WriteString(o.Separator)
			}
			x := tensor.Data[string](t)
			text.WriteString(x[min(i, len(x)-1)])
		}
		if err := f.Charge(int64(text.Len())); err != nil {
			return err
		}
		y[i] = text.String()
	}
	return nil
}
