package engine_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/engine"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// choices makes decisions of bytes; 0 once they are used up.
type choices struct{ data []byte }

func (c *choices) below(n int) int {
	if len(c.data) == 0 {
		return 0
	}
	b := c.data[0]
	c.data = c.data[1:]
	return int(b) % n
}

// constant is a small tensor of numbers that are exact in binary, or, now and then, of lists that operators take.
func (c *choices) constant() *tensor.Tensor {
	shapes := [][]int{{}, {1}, {2}, {3}, {1, 2}, {2, 3}, {3, 2}, {3, 3}, {2, 2}, {1, 3}, {3, 1}, {2, 1}, {1, 1, 2}, {0}, {0, 2}}
	shape := shapes[c.below(len(shapes))]
	if c.below(3) == 0 {
		lists := [][]int64{{-1, 2}, {-1, 6}, {0, -1}, {1}, {0}, {-1}, {0, 1}, {-1, 3}, {0, 2, 1}, {2, 3}, {1, 1}, {0, 0}}
		values := lists[c.below(len(lists))]
		return tensor.Of(slices.Clone(values), len(values))
	}
	t := tensor.New(tensor.Float32, shape...)
	numbers := []float32{1, 0, -1, .5, 2, -3, 4, .25}
	for i := range tensor.Data[float32](t) {
		tensor.Data[float32](t)[i] = numbers[c.below(len(numbers))]
	}
	return t
}

// operators are those that the engine fuses, and what they are fused with.
func operators() []graph.Op {
	return []graph.Op{
		op.MatMul{}, op.MatMul{}, op.Add{}, op.Concat{Axis: 1}, op.Gather{}, op.Relu{}, op.Sigmoid{},
		op.Concat{Axis: -1}, op.Gemm{Alpha: 1, Beta: 1}, op.Gemm{Alpha: 1, Beta: 1, TransB: true}, op.Gemm{Alpha: 2, TransA: true},
		op.Sub{}, op.Mul{}, op.Div{}, op.Tanh{}, op.Reshape{}, op.Flatten{Axis: 1}, op.Squeeze{}, op.Unsqueeze{},
		op.BatchNormalization{Epsilon: 1}, op.Softmax{Axis: -1}, op.Cast{To: tensor.Int64}, op.Cast{To: tensor.Float32},
		op.Identity{}, op.Gather{FromStart: true}, op.Gather{Axis: 1}, op.ReduceSum{KeepDims: true}, op.ReduceMean{},
		op.Concat{}, op.Max{}, op.Where{}, op.Greater{}, op.Transpose{}, op.Shape{}, op.Softmax{}, op.Reshape{AllowZero: true},
		op.Split{Axis: 1}, op.Square{}, op.LeakyRelu{Alpha: .5}, op.Expand{}, op.Flatten{}, op.Slice{}, op.OneHot{Axis: -1},
	}
}

// random is a graph in the making: what it has so far, and of how many columns, where that is known.
type random struct {
	*choices
	b       *graph.Builder
	values  []graph.Value
	columns map[graph.Value]int
	indices []graph.Value
}

// graph is one of a few operators: layers, lookups and joins, as the engine fuses them, nearly so, and what fits together by
// chance only.
func (c *choices) graph() (*graph.Graph, error) {
	b := graph.NewBuilder()
	input := func(name string, dtype tensor.DType, shape ...int) graph.Value {
		return b.Input(graph.Input{Name: name, DType: dtype, Shape: append([]int{graph.Any}, shape...)})
	}
	x, y := input("x", tensor.Float32, 2), input("y", tensor.Float32, 3)
	i, j, k := input("i", tensor.Int64), input("j", tensor.Int32, 2), input("k", tensor.Int64, 1)
	r := &random{c, b, []graph.Value{x, y, i, j, k}, map[graph.Value]int{x: 2, y: 3}, []graph.Value{i, j, k}}
	for range 1 + c.below(10) {
		switch c.below(8) {
		case 0, 1:
			r.layer()
		case 2, 3:
			r.lookup()
		case 4, 5:
			r.join()
		case 6:
			r.elementwise()
		default:
			r.anything()
		}
	}
	for k := range 1 + c.below(3) {
		b.Output(graph.Output{Name: fmt.Sprint(k), Value: r.recent(4)})
	}
	return b.Build()
}

// recent is one of the last few values.
func (r *random) recent(n int) graph.Value {
	return r.values[len(r.values)-1-r.below(min(n, len(r.values)))]
}

func (r *random) add(o graph.Op, columns int, in ...graph.Value) graph.Value {
	v := r.b.Add(fmt.Sprint(o.Name(), len(r.values)), o, in...)
	r.values = append(r.values, v)
	if columns > 0 {
		r.columns[v] = columns
	}
	return v
}

// rows is a value with columns, of the last ones if there is one among them.
func (r *random) rows() graph.Value {
	for range 8 {
		if v := r.recent(8); r.columns[v] > 0 {
			return v
		}
	}
	return r.values[r.below(2)]
}

// weights are a constant of a shape, or, now and then, of another.
func (r *random) weights(shape ...int) graph.Value {
	if r.below(10) == 0 {
		return r.b.Constant(r.constant())
	}
	t := tensor.New(tensor.Float32, shape...)
	numbers := []float32{1, 0, -1, .5, 2, -3, 4, .25}
	for i := range tensor.Data[float32](t) {
		tensor.Data[float32](t)[i] = numbers[r.below(len(numbers))]
	}
	return r.b.Constant(t)
}

func (r *random) layer() {
	x := r.rows()
	in, out := r.columns[x], []int{1, 2, 3, 5, 17}[r.below(5)]
	switch r.below(4) {
	case 0:
		x = r.add(op.Gemm{Alpha: 1, Beta: 1, TransB: true}, out, x, r.weights(out, in), r.weights(out))
	case 1:
		x = r.add(op.Gemm{Alpha: 1, Beta: 1}, out, x, r.weights(in, out), r.weights(1, out))
	default:
		x = r.add(op.MatMul{}, out, x, r.weights(in, out))
	}
	if r.below(3) > 0 {
		x = r.add([]graph.Op{op.Add{}, op.Sub{}, op.Mul{}}[r.below(3)], out, x, r.weights(out))
	}
	if r.below(3) == 0 {
		positive := r.b.Constant(tensor.Of(slices.Repeat([]float32{3}, out), out))
		x = r.add(op.BatchNormalization{Epsilon: 1}, out, x, r.weights(out), r.weights(out), r.weights(out), positive)
	}
	if r.below(2) == 0 {
		r.add([]graph.Op{op.Relu{}, op.Sigmoid{}, op.Tanh{}, op.LeakyRelu{Alpha: .5}}[r.below(4)], out, x)
	}
}

func (r *random) lookup() {
	index, width := r.below(3), 1+r.below(4)
	at := r.indices[index]
	if r.below(3) == 0 {
		at = r.add(op.Cast{To: []tensor.DType{tensor.Int64, tensor.Int32}[r.below(2)]}, 0, at)
	}
	each := []int{1, 2, 1}[index]
	columns := 0
	if index == 0 {
		columns = width
	}
	found := r.add(op.Gather{FromStart: r.below(8) == 0}, columns, r.weights(4, width), at)
	switch r.below(4) {
	case 0:
		r.add(op.Flatten{Axis: 1}, width*each, found)
	case 1:
		r.add(op.Reshape{}, width*each, found, r.b.Constant(tensor.Of([]int64{[]int64{-1, 0}[r.below(2)], int64(width * each)}, 2)))
	case 2:
		r.add(op.Squeeze{}, width, found, r.b.Constant(tensor.Of([]int64{1}, 1)))
	}
}

func (r *random) join() {
	in := make([]graph.Value, 1+r.below(4))
	columns := 0
	for i := range in {
		in[i] = r.rows()
		columns += r.columns[in[i]]
	}
	r.add(op.Concat{Axis: []int{1, -1}[r.below(2)]}, columns, in...)
}

func (r *random) elementwise() {
	x, y := r.rows(), r.rows()
	if r.below(2) == 0 {
		y = r.weights(r.columns[x])
	}
	if r.below(2) == 0 {
		x, y = y, x
	}
	columns := max(r.columns[x], r.columns[y])
	r.add([]graph.Op{op.Add{}, op.Sub{}, op.Mul{}, op.Max{}}[r.below(4)], columns, x, y)
}

// anything applies some operator to some values.
func (r *random) anything() {
	all := operators()
	o := all[r.below(len(all))]
	in := make([]graph.Value, []int{2, 1, 2, 3, 5, 2, 1, 0}[r.below(8)])
	if isUnary(o) && r.below(8) > 0 {
		in = make([]graph.Value, 1)
	}
	for i := range in {
		switch r.below(8) {
		case 0, 1:
			in[i] = r.values[r.below(len(r.values))]
		case 2:
			in[i] = graph.None
		case 3, 4, 5:
			in[i] = r.b.Constant(r.constant())
		default:
			in[i] = r.recent(3)
		}
	}
	r.values = append(r.values, r.b.AddN(fmt.Sprint(o.Name(), len(r.values)), o, 1+r.below(12)/11, in...)...)
}

func isUnary(o graph.Op) bool {
	switch o.(type) {
	case op.Relu, op.Sigmoid, op.Tanh, op.Flatten, op.Softmax, op.Cast, op.Identity, op.Transpose, op.Shape, op.Square, op.LeakyRelu:
		return true
	}
	return false
}

// compare compiles and runs a random graph, fused and as it is: both must fail, or give the same. It returns what was
// run in the end, or nothing.
func (c *choices) compare(t *testing.T) string {
	t.Helper()
	g, err := c.graph()
	if err != nil {
		t.Fatal(err)
	}
	var panicked *engine.PanicError
	plain, err := engine.Compile(t.Context(), g, engine.Unfused(engine.Options{}))
	fused, fusedErr := engine.Compile(t.Context(), g, engine.Options{Threads: 2})
	if errors.As(err, &panicked) || errors.As(fusedErr, &panicked) || (err == nil) != (fusedErr == nil) {
		t.Fatalf("compiling %s: %v, but fused %v", describe(g), err, fusedErr)
	}
	if err != nil {
		return ""
	}
	engine.SetBlock(fused, 3)
	a, b, ran := plain.Acquire(), fused.Acquire(), ""
	for _, rows := range []int{1, 3, 8, 0, 2} {
		fill(a, plain, rows, 7)
		fill(b, fused, rows, 7)
		err, fusedErr := a.Do(), b.Do()
		if errors.As(err, &panicked) || errors.As(fusedErr, &panicked) || (err == nil) != (fusedErr == nil) {
			t.Fatalf("%s\nas %s, %d rows: %v, but fused %v", describe(g), names(fused), rows, err, fusedErr)
		}
		if err != nil {
			continue
		}
		ran = names(fused)
		// Where large numbers cancel, what is left has their rounding, which depends on the order.
		rounding := 4e-6 * engine.Largest(a)
		for i := range plain.Outputs() {
			if !alike(a.Output(i), b.Output(i), rounding) {
				t.Fatalf("%s\nas %s, %d rows: the output %d is %v %v, but fused %v %v", describe(g), names(fused), rows, i,
					a.Output(i), floatsOf(a.Output(i)), b.Output(i), floatsOf(b.Output(i)))
			}
		}
	}
	return ran
}

func describe(g *graph.Graph) (text string) {
	for _, node := range g.Nodes {
		text += fmt.Sprintf("%v = %s%+v(", node.Out, node.Op.Name(), node.Op)
		for _, v := range node.In {
			if t := g.Constants[v]; t != nil {
				text += fmt.Sprint(t, floatsOf(t), " ")
			} else {
				text += fmt.Sprint(v, " ")
			}
		}
		text += ")\n"
	}
	return text
}

func floatsOf(t *tensor.Tensor) (out []float64) {
	switch t.DType() {
	case tensor.Float32:
		for _, v := range tensor.Data[float32](t) {
			out = append(out, float64(v))
		}
	case tensor.Int32:
		for _, v := range tensor.Data[int32](t) {
			out = append(out, float64(v))
		}
	case tensor.Int64:
		for _, v := range tensor.Data[int64](t) {
			out = append(out, float64(v))
		}
	case tensor.Bool:
		for _, v := range tensor.Data[bool](t) {
			out = append(out, map[bool]float64{true: 1}[v])
		}
	}
	return out
}

func alike(a, b *tensor.Tensor, rounding float64) bool {
	if a.DType() != b.DType() || !slices.Equal(a.Shape(), b.Shape()) {
		return false
	}
	x, y := floatsOf(a), floatsOf(b)
	for i := range x {
		same := x[i] == y[i] || math.IsNaN(x[i]) && math.IsNaN(y[i])
		if !same && !(math.Abs(x[i]-y[i]) <= 1e-4*max(1, math.Abs(x[i]))+rounding) {
			return false
		}
	}
	return true
}

func TestRandomGraphs(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 9))
	ran, dense, joins := 0, 0, 0
	const graphs = 6_000
	for range graphs {
		data := make([]byte, 200)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		operators := (&choices{data}).compare(t)
		ran += min(1, len(operators))
		dense += strings.Count(operators, "Dense")
		joins += strings.Count(operators, "Join")
	}
	if ran < graphs/20 || dense < 20 || joins < 20 {
		t.Errorf("only %d of %d graphs could be run, with %d dense layers and %d joins", ran, graphs, dense, joins)
	}
	t.Logf("%d of %d graphs could be run, with %d dense layers and %d joins", ran, graphs, dense, joins)
}

func FuzzGraphs(f *testing.F) {
	f.Add([]byte{3, 0, 0, 1, 1, 4, 5, 3, 2, 2, 2, 1, 9})
	f.Fuzz(func(t *testing.T, data []byte) { (&choices{data}).compare(t) })
}
