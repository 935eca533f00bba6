package op_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/kernel"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// choices makes decisions of bytes, as a fuzzer gives them; 0 once they are used up.
type choices struct{ data []byte }

func (c *choices) next() int {
	if len(c.data) == 0 {
		return 0
	}
	b := c.data[0]
	c.data = c.data[1:]
	return int(b)
}

func (c *choices) below(n int) int { return c.next() % n }

// hostile is a tensor that no operator expects, or nothing.
func (c *choices) hostile() *tensor.Tensor {
	if c.below(12) == 0 {
		return nil
	}
	dtype := tensor.DType(c.below(13) / 2)
	if dtype == 0 {
		if c.below(8) == 0 {
			return &tensor.Tensor{}
		}
		dtype = tensor.Int64
	}
	rank := c.below(5)
	if c.below(20) == 0 {
		rank = 7 + c.below(3)
	}
	shape := make([]int, rank)
	for d := range shape {
		shape[d] = []int{1, 2, 3, 2, 0, 1, 4, 1}[c.below(8)]
		if rank > 4 {
			shape[d] %= 3
		}
	}
	t := tensor.New(dtype, shape...)
	c.fill(t)
	return t
}

func (c *choices) fill(t *tensor.Tensor) {
	ints := []int64{0, 1, 2, 3, -1, -2, 5, 7, -8, math.MaxInt64, math.MinInt64, math.MaxInt32, math.MinInt32, 1 << 40, 1 << 20, 4}
	floats := []float64{0, 1, -1, 2, .5, math.NaN(), math.Inf(1), math.Inf(-1), 1e30, -1e300, 3, math.Copysign(0, -1), 1e-320, 7, -3, 1e19}
	texts := []string{"", "a", "1", "-2.5", "nan", "b", "\xff", "一二", "x y", "a,b", "😀", "1e999", "0x10", " ", "c", "a"}
	for i := range t.Len() {
		k := c.below(16)
		switch t.DType() {
		case tensor.Float32:
			tensor.Data[float32](t)[i] = float32(floats[k])
		case tensor.Float64:
			tensor.Data[float64](t)[i] = floats[k]
		case tensor.Int32:
			tensor.Data[int32](t)[i] = int32(ints[k])
		case tensor.Int64:
			tensor.Data[int64](t)[i] = ints[k]
		case tensor.Bool:
			tensor.Data[bool](t)[i] = k%2 == 1
		case tensor.String:
			tensor.Data[string](t)[i] = texts[k]
		}
	}
}

// arguments are a sample's inputs, of which some, or all, or their number, are something else.
func (c *choices) arguments(s sample) (in, out tensors) {
	in = slices.Clone(s.in)
	switch c.below(3) {
	case 0:
		in = make(tensors, c.below(7))
		for i := range in {
			in[i] = c.hostile()
		}
	case 1:
		for i := range in {
			if c.below(2) == 0 {
				in[i] = c.hostile()
			}
		}
	default:
		for i := range in {
			if in[i] != nil && c.below(2) == 0 {
				in[i] = in[i].Clone()
				c.fill(in[i])
			}
		}
	}
	out = make(tensors, len(s.want))
	if c.below(8) == 0 {
		out = make(tensors, c.below(6))
	}
	for i := range out {
		out[i] = &tensor.Tensor{}
	}
	return in, out
}

// attack runs an operator, and fails if it panics, changes its inputs, or makes what is no tensor.
func attack(t *testing.T, s sample, c *choices) {
	t.Helper()
	in, out := c.arguments(s)
	before := fmt.Sprint(shows(in))
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("%s %+v of %s to %d: panics: %v", s.op.Name(), s.op, before, len(out), r)
			panic(r)
		}
	}()
	o := s.op
	if preparer, ok := o.(graph.Preparer); ok && c.below(2) == 0 {
		constants := slices.Clone(in)
		for i := range constants {
			if c.below(2) == 0 {
				constants[i] = nil
			}
		}
		prepared, err := preparer.Prepare(constants)
		if err != nil {
			return
		}
		o = prepared
	}
	f := graph.NewFrame(1, 1<<20, kernel.Plain())
	for range 2 {
		f.Begin()
		err := o.Run(f, in, out)
		if after := fmt.Sprint(shows(in)); after != before {
			t.Fatalf("%s %+v changed its inputs from %s to %s", s.op.Name(), s.op, before, after)
		}
		if err != nil {
			continue
		}
		for i, y := range out[:min(len(out), len(s.want))] {
			if y.DType() == 0 || y.Len() != tensor.Count(y.Shape()) {
				t.Errorf("%s %+v of %s: the output %d is of no type, or not as large as it says: %v", s.op.Name(), s.op, before, i, y)
			}
		}
	}
}

func TestHostile(t *testing.T) {
	rounds := 200
	if testing.Short() {
		rounds = 40
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, s := range samples() {
		for range rounds {
			data := make([]byte, 24+random.IntN(200))
			for i := range data {
				data[i] = byte(random.Uint32())
			}
			attack(t, s, &choices{data})
		}
	}
}

func FuzzOps(f *testing.F) {
	all := samples()
	for i := range all {
		f.Add([]byte{byte(i), byte(i >> 8), 1, 2, 3, 4, 5, 6, 7, 8, 9})
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &choices{data}
		attack(t, all[(c.next()+c.next()<<8)%len(all)], c)
	})
}

// TestNilInputs shows that every operator refuses to run on nothing.
func TestNilInputs(t *testing.T) {
	for _, s := range samples() {
		out := make(tensors, len(s.want))
		for i := range out {
			out[i] = &tensor.Tensor{}
		}
		f := graph.NewFrame(1, 1<<20, kernel.Plain())
		f.Begin()
		if err := s.op.Run(f, make(tensors, len(s.in)), out); err == nil && len(s.in) > 0 {
			t.Errorf("%s ran on nothing", s.op.Name())
		}
		if err := s.op.Run(f, s.in, nil); err == nil {
			t.Errorf("%s ran without an output", s.op.Name())
		}
	}
}
