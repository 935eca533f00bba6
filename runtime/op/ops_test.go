package op_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/kernel"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// sample is an operator with inputs that it takes, and what it makes of them, or nil where that is shown elsewhere. Every
// operator has one at least: the tests for panics and allocations run over them, too.
type sample struct {
	op   graph.Op
	in   []*tensor.Tensor
	want []*tensor.Tensor
}

var (
	nan = math.NaN()
	inf = math.Inf(1)
)

func f32(values ...float64) []float32 {
	out := make([]float32, len(values))
	for i, v := range values {
		out[i] = float32(v)
	}
	return out
}

// fs, ds, is, ls, bs and ss are tensors of float32, float64, int32, int64, bool and string, of a shape.
func fs(shape []int, values ...float64) *tensor.Tensor { return tensor.Of(f32(values...), shape...) }
func ds(shape []int, values ...float64) *tensor.Tensor { return tensor.Of(values, shape...) }
func is(shape []int, values ...int32) *tensor.Tensor   { return tensor.Of(values, shape...) }
func ls(shape []int, values ...int64) *tensor.Tensor   { return tensor.Of(values, shape...) }
func bs(shape []int, values ...bool) *tensor.Tensor    { return tensor.Of(values, shape...) }
func ss(shape []int, values ...string) *tensor.Tensor  { return tensor.Of(values, shape...) }

// of is a shape; n a list's.
func of(shape ...int) []int { return shape }

func list(values ...int64) *tensor.Tensor { return ls(of(len(values)), values...) }

type tensors = []*tensor.Tensor

func TestOperators(t *testing.T) {
	for i, s := range samples() {
		t.Run(fmt.Sprintf("%d %s", i, s.op.Name()), func(t *testing.T) {
			out := make(tensors, len(s.want))
			for k := range out {
				out[k] = &tensor.Tensor{}
			}
			f := graph.NewFrame(1, 1<<20, kernel.Plain())
			f.Begin()
			if err := s.op.Run(f, s.in, out); err != nil {
				t.Fatalf("%v of %v: %v", s.op, s.in, err)
			}
			for k := range out {
				if s.want[k] == nil {
					continue
				}
				if got, want := show(out[k]), show(s.want[k]); got != want && !near(out[k], s.want[k]) {
					t.Errorf("%+v of %v:\ngot      %v\nexpected %v", s.op, shows(s.in), got, want)
				}
			}
		})
	}
}

func shows(ts tensors) (texts []string) {
	for _, t := range ts {
		texts = append(texts, show(t))
	}
	return texts
}

func show(t *tensor.Tensor) string {
	if t == nil {
		return "nothing"
	}
	switch t.DType() {
	case tensor.Float32:
		return fmt.Sprint(t, tensor.Data[float32](t))
	case tensor.Float64:
		return fmt.Sprint(t, tensor.Data[float64](t))
	case tensor.Int32:
		return fmt.Sprint(t, tensor.Data[int32](t))
	case tensor.Int64:
		return fmt.Sprint(t, tensor.Data[int64](t))
	case tensor.Bool:
		return fmt.Sprint(t, tensor.Data[bool](t))
	case tensor.String:
		return fmt.Sprintf("%v%q", t, tensor.Data[string](t))
	}
	return "untyped"
}

// near says that two tensors of floats differ by no more than rounding does.
func near(a, b *tensor.Tensor) bool {
	if a.String() != b.String() {
		return false
	}
	x, y := asFloats(a), asFloats(b)
	tolerance := 2e-7
	if a.DType() == tensor.Float64 {
		tolerance = 1e-15
	}
	for i := range x {
		same := x[i] == y[i] || math.IsNaN(x[i]) && math.IsNaN(y[i])
		if !same && !(math.Abs(x[i]-y[i]) <= tolerance*math.Abs(y[i])) {
			return false
		}
	}
	return x != nil
}

func asFloats(t *tensor.Tensor) (out []float64) {
	switch t.DType() {
	case tensor.Float32:
		for _, v := range tensor.Data[float32](t) {
			out = append(out, float64(v))
		}
	case tensor.Float64:
		out = append(out, tensor.Data[float64](t)...)
	}
	return out
}

func one(o graph.Op, want *tensor.Tensor, in ...*tensor.Tensor) sample {
	return sample{o, in, tensors{want}}
}

func samples() (all []sample) {
	for _, some := range [][]sample{
		arithmeticSamples(), compareSamples(), unarySamples(), activationSamples(), castSamples(), shapeSamples(),
		joinSamples(), gatherSamples(), matrixSamples(), reduceSamples(), normalizationSamples(), makeSamples(),
		scatterSamples(), orderSamples(), padSamples(), einsumSamples(), tensorFlowSamples(), mlSamples(), kerasSamples(),
	} {
		all = append(all, some...)
	}
	return all
}

func arithmeticSamples() []sample {
	v := of(3)
	m := of(2, 3)
	return []sample{
		one(op.Add{}, fs(m, 11, 22, 33, 14, 25, 36), fs(m, 1, 2, 3, 4, 5, 6), fs(v, 10, 20, 30)),
		one(op.Add{}, fs(m, 11, 12, 13, 24, 25, 26), fs(of(2, 1), 10, 20), fs(m, 1, 2, 3, 4, 5, 6)),
		one(op.Add{}, is(of(2, 2, 2), 11, 21, 13, 23, 31, 41, 33, 43),
			is(of(2, 1, 2), 10, 20, 30, 40), is(of(2, 1), 1, 3).Clone()),
		one(op.Add{}, ls(nil, 3), ls(nil, 1), ls(nil, 2)),
		one(op.Add{}, fs(of(0, 3)), fs(of(0, 3)), fs(of(1, 3), 1, 2, 3)),
		one(op.Add{}, fs(of(1, 0)), fs(of(1, 0)), fs(of(1, 1), 1)),
		one(op.Sub{}, ds(v, -9, -18, -27), ds(v, 1, 2, 3), ds(v, 10, 20, 30)),
		one(op.Sub{}, fs(v, 0, 1, 2), fs(v, 1, 2, 3), fs(nil, 1)),
		one(op.Sub{}, fs(v, 0, -1, -2), fs(nil, 1), fs(v, 1, 2, 3)),
		one(op.Mul{}, fs(m, 10, 40, 90, 40, 100, 180), fs(m, 1, 2, 3, 4, 5, 6), fs(v, 10, 20, 30)),
		one(op.Mul{}, ls(of(2, 2), 2, 4, 3, 6), ls(of(2), 1, 2), ls(of(2, 1), 2, 3)),
		one(op.Div{}, fs(v, 0.5, inf, nan), fs(v, 1, 2, 0), fs(v, 2, 0, 0)),
		one(op.Div{}, is(v, -2, 2, -2147483648), is(v, -7, 7, -2147483648), is(v, 3, 3, -1)),
		one(op.Div{}, fs(v, 12, 6, 4), fs(nil, 12), fs(v, 1, 2, 3)),
		one(op.Div{}, fs(v, .5, 1, 1.5), fs(v, 1, 2, 3), fs(of(1), 2)),
		one(op.FloorDiv{}, is(v, -3, 2, -3), is(v, -7, 7, 7), is(v, 3, 3, -3)),
		one(op.FloorDiv{}, fs(v, -3, 2, -3), fs(v, -7, 7, 7), fs(v, 3, 3, -3)),
		one(op.FloorMod{}, is(v, 2, 1, -2), is(v, -7, 7, 7), is(v, 3, 3, -3)),
		one(op.FloorMod{}, fs(v, 2, 1, -2), fs(v, -7, 7, 7), fs(v, 3, 3, -3)),
		one(op.Mod{}, ls(v, 2, 1, -2), ls(v, -7, 7, 7), ls(v, 3, 3, -3)),
		one(op.Mod{Fmod: true}, ls(v, -1, 1, 1), ls(v, -7, 7, 7), ls(v, 3, 3, -3)),
		one(op.Mod{Fmod: true}, ds(v, -1, 1.5, 1), ds(v, -7, 7.5, 7), ds(v, 3, 3, -3)),
		one(op.SquaredDifference{}, fs(v, 4, 1, 0), fs(v, 1, 2, 3), fs(nil, 3)),
		one(op.DivNoNan{}, fs(v, 0.5, 0, 0), fs(v, 1, inf, 0), fs(v, 2, 0, 0)),
		one(op.DivNoNan{}, is(v, 0, 0, 2), is(v, 1, 1, 5), is(v, 2, 0, 2)),
		one(op.Pow{}, fs(v, 1, 8, nan), fs(v, 1, 2, -3), fs(v, 5, 3, .5)),
		one(op.Pow{}, fs(v, 1, 8, -27), fs(v, 1, 2, -3), ls(v, 5, 3, 3)),
		one(op.Pow{}, ls(v, 1, 8, 0), ls(v, 1, 2, 3), is(v, 5, 3, -3)),
		one(op.Pow{}, is(v, 1, 1, 1), is(v, 1, 2, 3), fs(v, 5, .5, .25)),
		one(op.Pow{}, ds(v, 1, 4, 9), ds(v, 1, 2, 3), ds(nil, 2)),
		one(op.Sum{}, fs(v, 7, 8, 9), fs(v, 1, 2, 3), fs(nil, 2), fs(of(1), 4)),
		one(op.Sum{}, fs(v, 1, 2, 3), fs(v, 1, 2, 3)),
		one(op.Mean{}, fs(v, 1.5, 2, 2.5), fs(v, 1, 2, 3), fs(nil, 2)),
		one(op.Max{}, fs(v, 2, nan, 3), fs(v, 1, nan, 3), fs(nil, 2)),
		one(op.Max{}, ls(of(2, 2), 5, 5, 5, 5), ls(of(2), 1, 2), ls(of(2, 1), 2, 3), ls(nil, 5)),
		one(op.Min{}, ds(v, 1, nan, 2), ds(v, 1, nan, 3), ds(nil, 2)),
		one(op.Where{}, ss(of(2, 2), "a", "y", "b", "y"), bs(of(2), true, false), ss(of(2, 1), "a", "b"), ss(nil, "y")),
		one(op.Where{}, fs(of(2), 1, 4), bs(of(2), true, false), fs(of(2), 1, 2), fs(of(2), 3, 4)),
		one(op.Clip{}, fs(of(4), 0, .5, 1, nan), fs(of(4), -1, .5, 2, nan), fs(nil, 0), fs(nil, 1)),
		one(op.Clip{}, is(v, -1, 1, 1), is(v, -1, 3, 2), nil, is(of(1), 1)),
		one(op.Clip{}, ds(v, 1, 3, 2), ds(v, -1, 3, 2), ds(of(1), 1)),
		one(op.PRelu{}, fs(m, 1, -4, 3, -4, 5, -18), fs(m, 1, -2, 3, -4, 5, -6), fs(v, 1, 2, 3)),
	}
}

func compareSamples() []sample {
	v := of(3)
	a, b := fs(v, 1, 2, nan), fs(v, 2, 2, nan)
	x, y := bs(of(4), true, true, false, false), bs(of(4), true, false, true, false)
	return []sample{
		one(op.Equal{}, bs(v, false, true, false), a, b),
		one(op.NotEqual{}, bs(v, true, false, true), a, b),
		one(op.Less{}, bs(v, true, false, false), a, b),
		one(op.LessOrEqual{}, bs(v, true, true, false), a, b),
		one(op.Greater{}, bs(v, false, false, false), a, b),
		one(op.GreaterOrEqual{}, bs(v, false, true, false), a, b),
		one(op.Greater{}, bs(v, false, false, true), ls(v, 1, 2, 3), ls(nil, 2)),
		one(op.Equal{}, bs(v, true, false, true), ss(v, "a", "b", ""), ss(v, "a", "c", "")),
		one(op.Equal{}, bs(of(4), true, false, false, true), x, y),
		one(op.NotEqual{}, bs(of(4), false, true, true, false), x, y),
		one(op.And{}, bs(of(4), true, false, false, false), x, y),
		one(op.Or{}, bs(of(4), true, true, true, false), x, y),
		one(op.Xor{}, bs(of(4), false, true, true, false), x, y),
		one(op.Not{}, bs(of(4), false, false, true, true), x),
		one(op.IsNaN{}, bs(v, false, false, true), a),
		one(op.IsInf{DetectPositive: true}, bs(v, true, false, false), fs(v, inf, -inf, nan)),
		one(op.IsInf{DetectNegative: true}, bs(v, false, true, false), ds(v, inf, -inf, nan)),
	}
}

func unarySamples() []sample {
	v := of(3)
	return []sample{
		one(op.Exp{}, fs(v, 1, math.E, inf), fs(v, 0, 1, 100)),
		one(op.Expm1{}, fs(v, 0, 1e-10, -1), fs(v, 0, 1e-10, -100)),
		one(op.Log{}, fs(v, 0, -inf, nan), fs(v, 1, 0, -1)),
		one(op.Log1p{}, ds(v, 0, 1e-20, -inf), ds(v, 0, 1e-20, -1)),
		one(op.Sqrt{}, fs(v, 2, 0, nan), fs(v, 4, 0, -1)),
		one(op.Rsqrt{}, fs(v, .5, inf, nan), fs(v, 4, 0, -1)),
		one(op.Reciprocal{}, fs(v, .25, inf, -1), fs(v, 4, 0, -1)),
		one(op.Floor{}, fs(v, 1, -2, 0), fs(v, 1.5, -1.5, .5)),
		one(op.Ceil{}, fs(v, 2, -1, 1), fs(v, 1.5, -1.5, .5)),
		one(op.Round{}, fs(of(4), 2, -2, 0, 2), fs(of(4), 1.5, -1.5, .5, 2.5)),
		one(op.Erf{}, fs(v, 0, 0.8427007929, -1), fs(v, 0, 1, -10)),
		one(op.Sin{}, fs(v, 0, 1, -1), fs(v, 0, math.Pi/2, -math.Pi/2)),
		one(op.Cos{}, ds(v, 1, math.Cos(1), math.Cos(2)), ds(v, 0, 1, 2)),
		one(op.Tan{}, ds(v, 0, math.Tan(1), math.Tan(2)), ds(v, 0, 1, 2)),
		one(op.Asin{}, ds(v, 0, math.Pi/2, nan), ds(v, 0, 1, 2)),
		one(op.Acos{}, ds(v, math.Pi/2, 0, nan), ds(v, 0, 1, 2)),
		one(op.Atan{}, ds(v, 0, math.Pi/4, math.Pi/2), ds(v, 0, 1, inf)),
		one(op.Sinh{}, ds(v, 0, math.Sinh(1), inf), ds(v, 0, 1, inf)),
		one(op.Cosh{}, ds(v, 1, math.Cosh(1), inf), ds(v, 0, 1, inf)),
		one(op.Asinh{}, ds(v, 0, math.Asinh(1), inf), ds(v, 0, 1, inf)),
		one(op.Acosh{}, ds(v, nan, 0, inf), ds(v, 0, 1, inf)),
		one(op.Atanh{}, ds(v, 0, inf, nan), ds(v, 0, 1, 2)),
		one(op.Relu{}, fs(v, 0, 2, nan), fs(v, -1, 2, nan)),
		one(op.Relu{}, is(v, 0, 2, 0), is(v, -1, 2, 0)),
		one(op.Square{}, ls(v, 1, 4, 9), ls(v, -1, 2, 3)),
		one(op.Neg{}, fs(v, -1, 2, math.Copysign(0, -1)), fs(v, 1, -2, 0)),
		one(op.Abs{}, is(v, 1, 2, math.MinInt32), is(v, -1, 2, math.MinInt32)),
		one(op.Abs{}, fs(v, 1, inf, nan), fs(v, -1, -inf, nan)),
		one(op.Sign{}, fs(v, 1, -1, nan), fs(v, 3, -inf, nan)),
		one(op.Sign{}, ls(v, 1, -1, 0), ls(v, 3, -2, 0)),
		one(op.Identity{}, ss(v, "a", "b", "c"), ss(v, "a", "b", "c")),
	}
}

func activationSamples() []sample {
	v := of(3)
	x := fs(v, -1, 0, 2)
	return []sample{
		one(op.Sigmoid{}, fs(of(5), 0.2689414213699951, .5, 0.8807970779778823, 0, 1), fs(of(5), -1, 0, 2, -1000, 1000)),
		one(op.Tanh{}, fs(v, -0.7615941559557649, 0, 0.9640275800758169), x),
		one(op.Softplus{}, fs(of(4), 0.31326168751822286, 0.6931471805599453, 2.1269280110429727, 1000), fs(of(4), -1, 0, 2, 1000)),
		one(op.Softsign{}, fs(v, -.5, 0, 2./3), x),
		one(op.HardSigmoid{Alpha: 0.25, Beta: .5}, fs(v, .25, .5, 1), x),
		one(op.HardSwish{}, fs(v, -1./3, 0, 5./3), x),
		one(op.LeakyRelu{Alpha: .25}, fs(v, -.25, 0, 2), x),
		one(op.Elu{Alpha: 2}, fs(v, -1.2642411176571153, 0, 2), x),
		one(op.Selu{Alpha: 2, Gamma: 3}, fs(v, -3.792723352971346, 0, 6), x),
		one(op.Celu{Alpha: 2}, fs(v, -0.7869386805747332, 0, 2), x),
		one(op.ThresholdedRelu{Alpha: 1}, fs(v, 0, 0, 2), x),
		one(op.Mish{}, fs(v, -0.30340146137410895, 0, 1.943958959991604), x),
		one(op.Swish{Alpha: 1}, fs(v, -0.2689414213699951, 0, 1.7615941559557646), x),
		one(op.Gelu{}, fs(v, -0.15865525393145707, 0, 1.9544997361036416), x),
		one(op.Gelu{Tanh: true}, fs(v, -0.15880800939172324, 0, 1.954597694087775), x),
	}
}

func castSamples() []sample {
	return []sample{
		one(op.Cast{To: tensor.Int32}, is(of(5), 1, -1, math.MinInt32, math.MinInt32, 0),
			fs(of(5), 1.9, -1.9, nan, 3e9, 0.1)),
		one(op.Cast{To: tensor.Int64}, ls(of(4), 1, math.MinInt64, math.MinInt64, -9),
			ds(of(4), 1.9, inf, 1<<63, -9.5)),
		one(op.Cast{To: tensor.Bool}, bs(of(3), true, false, true), fs(of(3), nan, 0, -.1)),
		one(op.Cast{To: tensor.Float32}, fs(of(2), 1, 0), bs(of(2), true, false)),
		one(op.Cast{To: tensor.Float32}, fs(of(2), 16777216, -5), ls(of(2), 16777217, -5)),
		one(op.Cast{To: tensor.Float64}, ds(of(5), 1.5, -inf, nan, 0, 1e300), ss(of(5), " 1.5", "-INF", "NaN", "-0", "1e300")),
		one(op.Cast{To: tensor.Float32}, fs(of(1), inf), ss(of(1), "1e300")),
		one(op.Cast{To: tensor.Int64}, ls(of(2), 12, -7), ss(of(2), "12", "-7")),
		one(op.Cast{To: tensor.Int64}, ls(of(2), -1, math.MaxInt32), is(of(2), -1, math.MaxInt32)),
		one(op.Cast{To: tensor.Int32}, is(of(2), -1, math.MinInt32), ls(of(2), -1, 1<<31)),
		one(op.Cast{To: tensor.String}, ss(of(7), "1.5", "NaN", "INF", "-INF", "0.1", "1e+10", "0.33333334"),
			fs(of(7), 1.5, nan, inf, -inf, .1, 1e10, 1./3)),
		one(op.Cast{To: tensor.String}, ss(of(2), "12", "-7"), ls(of(2), 12, -7)),
		one(op.Cast{To: tensor.String}, ss(of(2), "1", "0"), bs(of(2), true, false)),
		one(op.CastLike{}, ls(of(1), 2), fs(of(1), 2.5), ls(nil, 0)),
	}
}

func shapeSamples() []sample {
	m := of(2, 3)
	x := fs(m, 1, 2, 3, 4, 5, 6)
	y := fs(of(2, 2, 3), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	two := 2
	return []sample{
		one(op.Reshape{}, fs(of(3, 2), 1, 2, 3, 4, 5, 6), x, list(3, -1)),
		one(op.Reshape{}, fs(of(2, 1, 3), 1, 2, 3, 4, 5, 6), x, list(0, 1, -1)),
		one(op.Reshape{AllowZero: true}, fs(of(0, 5)), fs(of(0, 2)), list(0, 5)),
		one(op.Reshape{}, fs(of(0, 0)), fs(of(0, 2)), list(0, -1)),
		one(op.Reshape{}, fs(nil, 7), fs(of(1, 1), 7), list()),
		one(op.Flatten{Axis: 1}, fs(of(2, 6), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), y),
		one(op.Flatten{Axis: 0}, fs(of(1, 6), 1, 2, 3, 4, 5, 6), x),
		one(op.Flatten{Axis: -1}, fs(of(2, 3), 1, 2, 3, 4, 5, 6), x),
		one(op.Squeeze{}, ss(of(2), "a", "b"), ss(of(1, 2, 1), "a", "b")),
		one(op.Squeeze{}, ss(of(1, 2), "a", "b"), ss(of(1, 2, 1), "a", "b"), list(-1)),
		one(op.Unsqueeze{}, ss(of(1, 2, 1), "a", "b"), ss(of(2), "a", "b"), list(2, 0)),
		one(op.Shape{}, list(2, 3), x),
		one(op.Shape{Start: -1}, list(3), x),
		one(op.Shape{Start: 1, End: &two}, list(2), y),
		one(op.Size{}, ls(nil, 6), x),
		one(op.Transpose{}, fs(of(3, 2), 1, 4, 2, 5, 3, 6), x),
		one(op.Transpose{Perm: of(1, 0, 2)}, fs(of(2, 2, 3), 0, 1, 2, 6, 7, 8, 3, 4, 5, 9, 10, 11), y),
		one(op.Transpose{Perm: of(2, 0, 1)}, fs(of(3, 2, 2), 0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11), y),
		one(op.Slice{}, fs(of(2, 1), 2, 5), x, list(1), list(2), list(1)),
		one(op.Slice{}, fs(of(2, 3), 3, 2, 1, 6, 5, 4), x, list(-1), list(math.MinInt64), list(-1), list(-1)),
		one(op.Slice{}, fs(of(1, 2), 6, 4), x, list(1, 5), list(9, math.MinInt64), list(0, 1), list(1, -2)),
		one(op.Slice{}, fs(of(2, 0)), x, list(2), list(1), list(1)),
		one(op.Slice{}, fs(of(1, 3), 1, 2, 3), x, list(0), list(1), nil, list(math.MaxInt64)),
		one(op.Slice{}, fs(of(1, 3), 4, 5, 6), x, list(1), list(math.MinInt64), nil, list(math.MinInt64)),
		one(op.Slice{}, fs(of(1, 3), 1, 2, 3), x, list(-9), list(-9), nil, list(-2)),
		one(op.Expand{}, fs(of(2, 2), 1, 1, 2, 2), fs(of(2, 1), 1, 2), list(2)),
		one(op.Expand{}, ss(of(2, 2), "a", "b", "a", "b"), ss(of(2), "a", "b"), list(2, 1)),
		one(op.Tile{}, fs(of(2, 4), 1, 2, 1, 2, 1, 2, 1, 2), fs(of(1, 2), 1, 2), list(2, 2)),
		one(op.Tile{}, fs(of(4, 1), 1, 2, 1, 2), fs(of(2, 1), 1, 2), list(2, 1)),
		one(op.Tile{}, fs(of(0, 2)), fs(of(1, 2), 1, 2), list(0, 1)),
	}
}

func joinSamples() []sample {
	x := fs(of(2, 3), 1, 2, 3, 4, 5, 6)
	return []sample{
		one(op.Concat{Axis: -1}, fs(of(2, 4), 1, 2, 3, 7, 4, 5, 6, 8), x, fs(of(2, 1), 7, 8)),
		one(op.Concat{Axis: 0}, fs(of(3, 3), 1, 2, 3, 4, 5, 6, 7, 8, 9), x, fs(of(1, 3), 7, 8, 9)),
		one(op.Concat{Axis: 0}, ss(of(2), "a", "b"), ss(of(1), "a"), ss(of(1), "b"), ss(of(0))),
		{op.Split{Axis: 1}, tensors{x}, tensors{fs(of(2, 2), 1, 2, 4, 5), fs(of(2, 1), 3, 6)}},
		{op.Split{Axis: 0}, tensors{x}, tensors{fs(of(1, 3), 1, 2, 3), fs(of(1, 3), 4, 5, 6)}},
		{op.Split{Axis: 1}, tensors{x, list(1, 0, 2)}, tensors{fs(of(2, 1), 1, 4), fs(of(2, 0)), fs(of(2, 2), 2, 3, 5, 6)}},
	}
}

func gatherSamples() []sample {
	x := fs(of(3, 2), 1, 2, 3, 4, 5, 6)
	return []sample{
		one(op.Gather{}, fs(of(2, 2), 5, 6, 1, 2), x, ls(of(2), -1, 0)),
		one(op.Gather{Axis: 1}, fs(of(3, 1, 2), 2, 1, 4, 3, 6, 5), x, is(of(1, 2), 1, 0)),
		one(op.Gather{}, ss(nil, "b"), ss(of(2), "a", "b"), ls(nil, 1)),
		one(op.GatherBatch{Axis: 1, BatchDims: 1}, fs(of(3, 1), 2, 3, 6), x, ls(of(3, 1), 1, 0, 1)),
		one(op.Gather{FromStart: true}, fs(of(1, 2), 5, 6), x, ls(of(1), 2)),
		one(op.GatherBatch{Axis: 0, FromStart: true}, fs(of(1, 2), 1, 2), x, ls(of(1), 0)),
	}
}

func matrixSamples() []sample {
	a := fs(of(2, 3), 1, 2, 3, 4, 5, 6)
	b := fs(of(3, 2), 1, 0, 0, 1, 1, 1)
	five := is(of(1, 5), 1, 2, 3, 4, 5)
	return []sample{
		one(op.MatMul{}, fs(of(2, 2), 4, 5, 10, 11), a, b),
		one(op.MatMul{}, fs(of(2), 14, 32), a, fs(of(3), 1, 2, 3)),
		one(op.MatMul{}, fs(of(2), 4, 5), fs(of(3), 1, 2, 3), b),
		one(op.MatMul{}, fs(nil, 14), fs(of(3), 1, 2, 3), fs(of(3), 1, 2, 3)),
		one(op.MatMul{}, is(of(1, 1), 55), five, is(of(5, 1), 1, 2, 3, 4, 5)),
		one(op.MatMul{}, ds(of(2, 1, 1), 5, 11), ds(of(2, 1, 2), 1, 2, 3, 4), ds(of(2, 1), 1, 2)),
		one(op.MatMul{}, ls(of(2, 2, 1, 1), 1, 2, 10, 20), ls(of(2, 1, 1, 1), 1, 10), ls(of(2, 1, 1), 1, 2)),
		one(op.MatMul{}, fs(of(2, 2), 0, 0, 0, 0), fs(of(2, 0)), fs(of(0, 2))),
		one(op.MatMul{}, fs(of(0, 2)), fs(of(0, 3)), b),
		one(op.Gemm{Alpha: 1, Beta: 1}, fs(of(2, 2), 14, 25, 20, 31), a, b, fs(of(2), 10, 20)),
		one(op.Gemm{Alpha: 2, Beta: .5, TransA: true, TransB: true}, fs(of(2, 2), 13, 15, 25, 27),
			fs(of(3, 2), 1, 4, 2, 5, 3, 6), fs(of(2, 3), 1, 0, 1, 0, 1, 1), fs(of(2, 1), 10, 10)),
		one(op.Gemm{Alpha: 1}, fs(of(2, 2), 4, 5, 10, 11), a, b),
		one(op.Gemm{Alpha: 1, Beta: 1}, is(of(1, 1), 57), five, is(of(5, 1), 1, 2, 3, 4, 5), is(nil, 2)),
	}
}

func reduceSamples() []sample {
	x := fs(of(2, 3), 1, 2, 3, 4, 5, 6)
	cube := fs(of(2, 2, 2), 1, 2, 3, 4, 5, 6, 7, 8)
	b := bs(of(2, 2), true, true, true, false)
	return []sample{
		one(op.ReduceSum{KeepDims: true}, fs(of(2, 1), 6, 15), x, list(1)),
		one(op.ReduceSum{}, fs(of(3), 5, 7, 9), x, list(0)),
		one(op.ReduceSum{}, fs(nil, 21), x),
		one(op.ReduceSum{KeepDims: true}, fs(of(1, 1), 21), x, list()),
		one(op.ReduceSum{NoopWithEmptyAxes: true}, x, x, list()),
		one(op.ReduceSum{}, fs(of(2), 14, 22), cube, list(0, 2)),
		one(op.ReduceSum{KeepDims: true}, fs(of(1, 2, 1), 14, 22), cube, list(0, -1)),
		one(op.ReduceSum{}, fs(of(2, 2), 4, 6, 12, 14), cube, list(1)),
		one(op.ReduceSum{}, fs(of(2), 0, 0), fs(of(2, 0)), list(1)),
		one(op.ReduceSum{}, ls(of(2), 3, 7), ls(of(2, 2), 1, 2, 3, 4), list(1)),
		one(op.ReduceMean{}, fs(of(2), 2, 5), x, list(1)),
		one(op.ReduceMean{}, fs(of(4), 3, 4, 5, 6), fs(of(2, 4), 1, 2, 3, 4, 5, 6, 7, 8), list(0)),
		one(op.ReduceSum{}, fs(of(1, 5), 3, 5, 7, 9, 11), fs(of(1, 3, 5), 0, 1, 2, 3, 4, 1, 1, 1, 1, 1, 2, 3, 4, 5, 6), list(1)),
		one(op.ReduceMean{}, is(nil, 1), is(of(2), 1, 2), list(0)),
		one(op.ReduceMean{}, fs(of(2), nan, nan), fs(of(2, 0)), list(1)),
		one(op.ReduceMean{}, is(of(2), 0, 0), is(of(2, 0)), list(1)),
		one(op.ReduceProd{}, fs(of(2), 6, 120), x, list(1)),
		one(op.ReduceProd{}, ls(nil, 6), ls(of(2), 2, 3)),
		one(op.ReduceMax{}, fs(of(3), 4, 5, 6), x, list(0)),
		one(op.ReduceMax{}, fs(of(2), -inf, -inf), fs(of(2, 0)), list(1)),
		one(op.ReduceMax{}, bs(of(2), true, true), b, list(1)),
		one(op.ReduceMin{}, ls(of(2), 1, -4), ls(of(2, 2), 1, 3, 4, -4), list(1)),
		one(op.ReduceMin{}, bs(of(2), true, false), b, list(1)),
		one(op.ReduceMin{}, fs(nil, nan), fs(of(2), 1, nan)),
		one(op.ReduceL1{}, fs(nil, 3), fs(of(2), 1, -2)),
		one(op.ReduceL2{}, fs(nil, 5), fs(of(2), 3, -4)),
		one(op.ReduceSumSquare{}, ls(nil, 25), ls(of(2), 3, -4)),
		one(op.ReduceLogSum{}, fs(nil, 0), fs(of(2), .25, .75)),
		one(op.ReduceLogSumExp{}, fs(nil, 1000.6931471805599), fs(of(2), 1000, 1000)),
		one(op.ReduceLogSumExp{}, fs(nil, -inf), fs(of(2), -inf, -inf)),
		one(op.ReduceAll{}, bs(of(2), true, false), b, list(1)),
		one(op.ReduceAny{KeepDims: true}, bs(of(1, 1), true), b),
		one(op.ArgMax{Axis: 1}, list(2, 2), x),
		one(op.ArgMax{Axis: 0, KeepDims: true}, ls(of(1, 3), 1, 1, 1), x),
		one(op.ArgMax{}, ls(nil, 1), fs(of(4), 1, nan, 9, nan)),
		one(op.ArgMax{SelectLastIndex: true}, ls(nil, 2), is(of(3), 4, 1, 4)),
		one(op.ArgMin{Axis: -1}, list(0, 0), x),
		one(op.ArgMin{SelectLastIndex: true}, ls(nil, 2), ds(of(3), 1, 4, 1)),
	}
}

func normalizationSamples() []sample {
	x := fs(of(2, 2), 0, 0, 1, 3)
	stats := fs(of(1, 1), 2)
	return []sample{
		one(op.Softmax{Axis: 1}, fs(of(2, 2), .5, .5, 0.11920292202211755, 0.8807970779778823), x),
		one(op.Softmax{Axis: 0}, fs(of(2, 2), 0.2689414213699951, 0.04742587317756678, 0.7310585786300049, 0.9525741268224334), x),
		one(op.LogSoftmax{Axis: -1}, fs(of(2, 2), -math.Ln2, -math.Ln2, -2.1269280110429727, -0.12692801104297252), x),
		one(op.Hardmax{Axis: 1}, fs(of(2, 2), 1, 0, 0, 1), x),
		one(op.LpNormalization{Axis: 1, P: 1}, fs(of(2, 2), 0, 0, .25, .75), x),
		one(op.LpNormalization{Axis: 0, P: 2}, fs(of(2, 2), 0, 0, 1, 1), x),
		one(op.BatchNormalization{Epsilon: 1}, fs(of(2, 2), 1.5, 10, 2, 16),
			x, fs(of(2), 1, 2), fs(of(2), 2, 10), fs(of(2), 1, 0), fs(of(2), 3, 0)),
		one(op.BatchNormalization{Epsilon: 1}, ds(of(1, 2, 2), 1, 2, 6, 8),
			ds(of(1, 2, 2), 1, 2, 3, 4), ds(of(2), 1, 2), ds(of(2), 0, 0), ds(of(2), 0, 0), ds(of(2), 0, 0)),
		{op.LayerNormalization{Axis: -1}, tensors{fs(of(1, 2), 1, 3), fs(of(2), 1, 10), fs(nil, 5)},
			tensors{fs(of(1, 2), 4, 15), stats, fs(of(1, 1), 1)}},
		one(op.LayerNormalization{Axis: 1, Epsilon: 3}, ds(of(1, 2), -.5, .5), ds(of(1, 2), 1, 3), ds(of(1), 1)),
	}
}

func makeSamples() []sample {
	return []sample{
		one(op.ConstantOfShape{}, fs(of(2), 0, 0), list(2)),
		one(op.ConstantOfShape{Value: ss(of(1), "x")}, ss(of(2, 1), "x", "x"), list(2, 1)),
		one(op.ConstantOfShape{Value: ls(of(1), 3)}, ls(nil, 3), list()),
		one(op.Range{}, ls(of(3), 1, 3, 5), ls(nil, 1), ls(nil, 6), ls(nil, 2)),
		one(op.Range{}, fs(of(2), 1, .5), fs(nil, 1), fs(nil, 0), fs(nil, -.5)),
		one(op.Range{}, is(of(0)), is(nil, 1), is(nil, 0), is(nil, 1)),
		one(op.OneHot{Axis: -1}, fs(of(4, 3), 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0),
			ls(of(4), 1, 7, -1, 9), ls(nil, 3), fs(of(2), 0, 1)),
		one(op.OneHot{Axis: 0, FromStart: true}, is(of(2, 2), 0, 0, 1, 0), is(of(2), 1, -1), is(nil, 2), is(of(2), 0, 1)),
		one(op.OneHot{Axis: -1}, ss(of(1, 2), "n", "y"), fs(of(1), 1), fs(of(1), 2), ss(of(2), "n", "y")),
		one(op.OneHot{Axis: -1}, fs(of(3, 2), 0, 1, 0, 0, 0, 0), fs(of(3), -1, .5, 7), fs(of(1), 2), fs(of(2), 0, 1)),
		one(op.EyeLike{K: 1}, fs(of(2, 3), 0, 1, 0, 0, 0, 1), fs(of(2, 3), 9, 9, 9, 9, 9, 9)),
		one(op.EyeLike{K: -1, DType: tensor.Int64}, ls(of(2, 2), 0, 0, 1, 0), fs(of(2, 2), 9, 9, 9, 9)),
	}
}

func scatterSamples() []sample {
	x := fs(of(3, 2), 1, 2, 3, 4, 5, 6)
	return []sample{
		one(op.GatherElements{Axis: 0}, fs(of(1, 2), 5, 4), x, ls(of(1, 2), -1, 1)),
		one(op.GatherElements{Axis: 1}, ss(of(2, 1), "b", "c"), ss(of(2, 2), "a", "b", "c", "d"), is(of(2, 1), 1, 0)),
		one(op.GatherND{}, fs(of(2), 4, 5), x, ls(of(2, 2), 1, 1, -1, 0)),
		one(op.GatherND{}, fs(of(2, 2), 3, 4, 5, 6), x, ls(of(2, 1), 1, -1)),
		one(op.GatherND{BatchDims: 1}, fs(of(3), 2, 3, 6), x, ls(of(3, 1), 1, 0, 1)),
		one(op.GatherND{}, fs(of(1, 3, 2), 1, 2, 3, 4, 5, 6), x, ls(of(1, 0))),
		one(op.ScatterElements{Axis: 1}, fs(of(1, 3), 1, 20, 3), fs(of(1, 3), 1, 2, 3), ls(of(1, 1), 1), fs(of(1, 1), 20)),
		one(op.ScatterElements{Reduction: op.CombineAdd}, ls(of(3), 1, 2, 33), ls(of(3), 1, 2, 3), ls(of(2), -1, 2), ls(of(2), 20, 10)),
		one(op.ScatterElements{Reduction: op.CombineMax}, fs(of(2), 3, 2), fs(of(2), 1, 2), ls(of(2), 0, 1), fs(of(2), 3, 1)),
		one(op.ScatterND{}, fs(of(3, 2), 1, 2, 7, 8, 5, 6), x, ls(of(1, 1), 1), fs(of(1, 2), 7, 8)),
		one(op.ScatterND{}, ss(of(2), "a", "z"), ss(of(2), "a", "b"), ls(of(1, 1), 1), ss(of(1), "z")),
		one(op.ScatterND{Reduction: op.CombineMul}, is(of(2), 5, 24), is(of(2), 5, 6), ls(of(2, 1), 1, 1), is(of(2), 2, 2)),
		one(op.ScatterND{Reduction: op.CombineMin}, fs(of(2), 5, 2), fs(of(2), 5, 6), ls(of(2, 1), 1, 1), fs(of(2), 3, 2)),
	}
}

func orderSamples() []sample {
	zero := 0
	x := fs(of(6), 2, 1, 1, 3, 4, 3)
	rows := is(of(3, 2), 1, 0, 1, 0, 2, 3)
	return []sample{
		{op.TopK{Axis: -1, Largest: true}, tensors{fs(of(2, 3), 1, 3, 3, 5, nan, 4), list(2)},
			tensors{fs(of(2, 2), 3, 3, nan, 5), ls(of(2, 2), 1, 2, 1, 0)}},
		{op.TopK{Axis: 0}, tensors{fs(of(2, 1), 3, 1), list(1)}, tensors{fs(of(1, 1), 1), ls(of(1, 1), 1)}},
		one(op.CumSum{}, fs(of(3), 1, 3, 6), fs(of(3), 1, 2, 3), ls(nil, 0)),
		one(op.CumSum{Exclusive: true}, ds(of(3), 0, 1, 3), ds(of(3), 1, 2, 3), ls(nil, 0)),
		one(op.CumSum{Reverse: true}, ls(of(2, 2), 3, 2, 7, 4), ls(of(2, 2), 1, 2, 3, 4), is(nil, 1)),
		one(op.CumSum{Reverse: true, Exclusive: true}, ls(of(2, 2), 3, 4, 0, 0), ls(of(2, 2), 1, 2, 3, 4), is(nil, 0)),
		one(op.NonZero{}, ls(of(2, 3), 0, 1, 1, 0, 0, 1), fs(of(2, 2), 1, 0, 1, 1)),
		one(op.NonZero{}, ls(of(1, 1), 1), ss(of(2), "", "a")),
		{op.Unique{Sorted: true}, tensors{x},
			tensors{fs(of(4), 1, 2, 3, 4), list(1, 0, 3, 4), list(1, 0, 0, 2, 3, 2), list(2, 1, 2, 1)}},
		{op.Unique{}, tensors{x},
			tensors{fs(of(4), 2, 1, 3, 4), list(0, 1, 3, 4), list(0, 1, 1, 2, 3, 2), list(1, 2, 2, 1)}},
		{op.Unique{Axis: &zero, Sorted: true}, tensors{rows},
			tensors{is(of(2, 2), 1, 0, 2, 3), list(0, 2), list(0, 0, 1), list(2, 1)}},
		one(op.Unique{}, ss(of(2), "b", "a"), ss(of(3), "b", "a", "b")),
		one(op.Unique{Sorted: true}, fs(of(2), 1, nan), fs(of(3), nan, 1, nan)),
	}
}

func padSamples() []sample {
	x := fs(of(1, 3), 1, 2, 3)
	return []sample{
		one(op.Pad{}, fs(of(2, 4), 0, 1, 2, 3, 0, 0, 0, 0), x, list(0, 1, 1, 0)),
		one(op.Pad{}, fs(of(1, 3), 2, 3, 9), x, list(0, -1, 0, 1), fs(nil, 9)),
		one(op.Pad{}, ss(of(3), "x", "a", "x"), ss(of(1), "a"), list(1, 1), ss(nil, "x")),
		one(op.Pad{}, fs(of(1, 1), 3), x, list(-2, 0), nil, list(1)),
		one(op.Pad{}, fs(of(1, 2), 0, 0), x, list(-4, 3), nil, list(-1)),
		one(op.Pad{Mode: op.PadWrap}, fs(of(1, 4), 2, 3, 2, 3), x, list(0, -1, 0, 2)),
		one(op.Pad{Mode: op.PadReflect}, fs(of(1, 7), 3, 2, 1, 2, 3, 2, 1), x, list(0, 2, 0, 2)),
		one(op.Pad{Mode: op.PadSymmetric}, fs(of(1, 7), 2, 1, 1, 2, 3, 3, 2), x, list(0, 2, 0, 2)),
		one(op.Pad{Mode: op.PadEdge}, fs(of(2, 5), 1, 1, 2, 3, 3, 1, 1, 2, 3, 3), x, list(1, 1, 0, 1)),
		one(op.Pad{Mode: op.PadWrap}, fs(of(1, 6), 2, 3, 1, 2, 3, 1), x, list(0, 2, 0, 1)),
	}
}

func einsumSamples() []sample {
	a := fs(of(2, 3), 1, 2, 3, 4, 5, 6)
	b := fs(of(3, 2), 1, 0, 0, 1, 1, 1)
	return []sample{
		one(op.Einsum{Equation: "ij,jk->ik"}, fs(of(2, 2), 4, 5, 10, 11), a, b),
		one(op.Einsum{Equation: "ij, jk"}, fs(of(2, 2), 4, 5, 10, 11), a, b),
		one(op.Einsum{Equation: "ij->ji"}, fs(of(3, 2), 1, 4, 2, 5, 3, 6), a),
		one(op.Einsum{Equation: "ij->i"}, fs(of(2), 6, 15), a),
		one(op.Einsum{Equation: "ij->"}, fs(nil, 21), a),
		one(op.Einsum{Equation: "ii->i"}, is(of(2), 1, 4), is(of(2, 2), 1, 2, 3, 4)),
		one(op.Einsum{Equation: "ii"}, is(nil, 5), is(of(2, 2), 1, 2, 3, 4)),
		one(op.Einsum{Equation: "bi,bi->b"}, ls(of(2), 5, 25), ls(of(2, 2), 1, 2, 3, 4), ls(of(2, 2), 1, 2, 3, 4)),
		one(op.Einsum{Equation: "...ij,...jk->...ik"}, ds(of(2, 1, 1), 5, 11), ds(of(2, 1, 2), 1, 2, 3, 4), ds(of(1, 2, 1), 1, 2)),
		one(op.Einsum{Equation: "...i->..."}, fs(of(2), 6, 15), a),
		one(op.Einsum{Equation: "i,j->ij"}, fs(of(2, 2), 3, 4, 6, 8), fs(of(2), 1, 2), fs(of(2), 3, 4)),
	}
}

// TestErrors has what operators refuse, and what they say.
func TestErrors(t *testing.T) {
	v := of(3)
	x := fs(of(3, 2), 1, 2, 3, 4, 5, 6)
	for _, c := range []struct {
		op   graph.Op
		want string
		in   tensors
	}{
		{op.Add{}, "cannot be broadcast", tensors{fs(v, 1, 2, 3), fs(of(2), 1, 2)}},
		{op.Add{}, "of one type, not float32[3] and int32[]", tensors{fs(v, 1, 2, 3), is(nil, 1)}},
		{op.Add{}, "takes numbers, not string[]", tensors{ss(nil, ""), ss(nil, "")}},
		{op.Div{}, "divides an integer by zero", tensors{is(nil, 1), is(v, 1, 0, 2)}},
		{op.FloorMod{}, "divides an integer by zero", tensors{ls(nil, 1), ls(nil, 0)}},
		{op.Pow{}, "negative power", tensors{ls(nil, 0), ls(nil, -1)}},
		{op.Gather{}, "there is no row 3 among 3", tensors{x, ls(nil, 3)}},
		{op.Gather{FromStart: true}, "there is no row -1 among 3", tensors{x, ls(nil, -1)}},
		{op.GatherND{FromStart: true}, "there is no row -1 among 3", tensors{x, ls(of(1), -1)}},
		{op.GatherElements{}, "there is no row -4 among 3", tensors{x, ls(of(1, 1), -4)}},
		{op.Reshape{}, "does not have the 4 elements", tensors{x, list(2, 2)}},
		{op.Reshape{}, "new size -1", tensors{x, list(-1, -1)}},
		{op.MatMul{}, "cannot multiply float32[3 2] and float32[3 2]", tensors{x, x}},
		{op.Gemm{}, "matrices", tensors{fs(v, 1, 2, 3), x}},
		{op.Gemm{Alpha: 1, Beta: 1}, "does not fit a product", tensors{x, fs(of(2, 1), 1, 2), fs(of(3, 2), 1, 2, 3, 4, 5, 6)}},
		{op.Concat{}, "cannot join", tensors{x, fs(of(1, 3), 1, 2, 3)}},
		{op.Cast{To: tensor.Float32}, `of the element 1, "x"`, tensors{ss(of(2), "1", "x")}},
		{op.Transpose{Perm: of(0, 0)}, "named twice", tensors{x}},
		{op.Slice{}, "a step of 0", tensors{x, list(0), list(1), nil, list(0)}},
		{op.Squeeze{}, "is not 1", tensors{x, list(0)}},
		{op.ReduceSum{}, "there is no axis 2 among 2", tensors{x, list(2)}},
		{op.ArgMax{Axis: 1}, "no index of nothing", tensors{fs(of(2, 0))}},
		{op.Expand{}, "cannot be broadcast", tensors{x, list(2, 2)}},
		{op.Tile{}, "too large", tensors{x, list(1<<20, 1<<20)}},
		{op.Einsum{Equation: "ij->k"}, "that no input has", tensors{x}},
		{op.Einsum{Equation: "ij,jk->ik"}, "cannot read the equation", tensors{x}},
		{op.Einsum{Equation: "ij,ij->ij"}, "of 3 and of 2 elements", tensors{x, fs(of(2, 3), 1, 2, 3, 4, 5, 6)}},
		{op.TopK{}, "no 4 best of 3", tensors{x, ls(nil, 4)}},
		{op.Pad{Mode: op.PadReflect}, "too small to be padded", tensors{fs(of(0)), list(1, 0)}},
		{op.OneHot{}, "the depth -1", tensors{ls(nil, 1), ls(nil, -1), fs(of(2), 0, 1)}},
		{op.Range{}, "a step of 0", tensors{ls(nil, 1), ls(nil, 2), ls(nil, 0)}},
		{op.Range{}, "counts from 0 to +Inf", tensors{fs(nil, 0), fs(nil, inf), fs(nil, 1)}},
	} {
		f := graph.NewFrame(1, 1<<20, kernel.Plain())
		f.Begin()
		if err := c.op.Run(f, c.in, tensors{{}, {}}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of %v: %v, not %q", c.op.Name(), shows(c.in), err, c.want)
		}
	}
}
