package engine_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/engine"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/kernel"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// network builds graphs of random weights.
type network struct {
	*graph.Builder
	random *rand.Rand
}

func newNetwork(seed uint64) *network {
	return &network{graph.NewBuilder(), rand.New(rand.NewPCG(seed, 1))}
}

func (n *network) floats(shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, shape...)
	for i := range tensor.Data[float32](t) {
		tensor.Data[float32](t)[i] = float32(n.random.NormFloat64()) / 4
	}
	return t
}

func (n *network) weight(shape ...int) graph.Value { return n.Constant(n.floats(shape...)) }

func (n *network) ints(values ...int64) graph.Value {
	return n.Constant(tensor.Of(values, len(values)))
}

func (n *network) input(name string, dtype tensor.DType, width int) graph.Value {
	return n.Input(graph.Input{Name: name, DType: dtype, Shape: []int{graph.Any, width}})
}

func (n *network) dense(name string, x graph.Value, in, out int, activation graph.Op) graph.Value {
	product := n.Add(name+"/MatMul", op.MatMul{}, x, n.weight(in, out))
	return n.Add(name+"/act", activation, n.Add(name+"/Add", op.Add{}, product, n.weight(out)))
}

func (n *network) embedding(name string, index graph.Value, rows, width int) graph.Value {
	found := n.Add(name+"/Gather", op.Gather{}, n.weight(rows, width), index)
	return n.Add(name+"/Reshape", op.Reshape{}, found, n.ints(-1, int64(width)))
}

func (n *network) build(tb testing.TB, outputs ...graph.Value) *graph.Graph {
	tb.Helper()
	for i, v := range outputs {
		n.Output(graph.Output{Name: fmt.Sprint("output", i), Value: v})
	}
	g, err := n.Build()
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

// wideAndDeep is a network of 30,099 parameters.
func wideAndDeep(tb testing.TB) *graph.Graph {
	n := newNetwork(1)
	wide, deep := n.input("wide", tensor.Float32, 6), n.input("deep", tensor.Float32, 8)
	x := n.Add("deep_concat", op.Concat{Axis: 1}, deep,
		n.embedding("query", n.input("query", tensor.Int32, 1), 1000, 8),
		n.embedding("doc", n.input("doc", tensor.Int32, 1), 1000, 8),
		n.embedding("group", n.input("group", tensor.Int32, 1), 3, 4))
	x = n.dense("dense", x, 28, 128, op.Relu{})
	x = n.dense("dense_1", x, 128, 64, op.Relu{})
	x = n.dense("dense_2", x, 64, 32, op.Relu{})
	x = n.Add("concat", op.Concat{Axis: 1}, wide, x)
	return n.build(tb, n.dense("output", x, 38, 1, op.Sigmoid{}))
}

func compile(tb testing.TB, g *graph.Graph, options engine.Options) *engine.Program {
	tb.Helper()
	p, err := engine.Compile(tb.Context(), g, options)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// fill sets the inputs of a run to random rows, with indices from -3 to 2.
func fill(run *engine.Run, p *engine.Program, rows int, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 2))
	for i, input := range p.Inputs() {
		x := run.Input(i)
		shape := slices.Clone(input.Shape)
		for d, size := range shape {
			if size == graph.Any {
				shape[d] = rows
			}
		}
		x.Resize(input.DType, shape...)
		switch input.DType {
		case tensor.Float32:
			for k := range tensor.Data[float32](x) {
				tensor.Data[float32](x)[k] = float32(random.NormFloat64())
			}
		case tensor.Int32:
			for k := range tensor.Data[int32](x) {
				tensor.Data[int32](x)[k] = int32(random.IntN(6) - 3)
			}
		default:
			for k := range tensor.Data[int64](x) {
				tensor.Data[int64](x)[k] = int64(random.IntN(6) - 3)
			}
		}
	}
}

func names(p *engine.Program) string {
	var all []string
	for _, node := range p.Nodes() {
		all = append(all, node.Op.Name())
	}
	return strings.Join(all, " ")
}

// same runs a graph as it is, and fused, with every set of kernels, on batches of several sizes, and compares the outputs.
func same(t *testing.T, g *graph.Graph, sizes ...int) (fused string) {
	t.Helper()
	if len(sizes) == 0 {
		sizes = []int{1, 2, 7, 0, 1000, 3}
	}
	for _, set := range kernel.Available() {
		plain := compile(t, g, engine.Unfused(engine.Options{Kernels: set}))
		p := compile(t, g, engine.Options{Kernels: set, Threads: 3})
		engine.SetBlock(p, 50)
		fused = names(p)
		a, b := plain.Acquire(), p.Acquire()
		for _, rows := range sizes {
			fill(a, plain, rows, uint64(rows))
			fill(b, p, rows, uint64(rows))
			if err := a.Do(); err != nil {
				t.Fatalf("as it is: %v", err)
			}
			if err := b.Do(); err != nil {
				t.Fatalf("%s: fused: %v", set.Name, err)
			}
			for i := range p.Outputs() {
				equal(t, fmt.Sprintf("%s, %d rows, output %d of %s", set.Name, rows, i, fused), b.Output(i), a.Output(i))
			}
		}
		a.Release()
		b.Release()
	}
	return fused
}

func equal(t *testing.T, what string, got, want *tensor.Tensor) {
	t.Helper()
	if got.DType() != want.DType() || !slices.Equal(got.Shape(), want.Shape()) {
		t.Fatalf("%s: is %v, not %v", what, got, want)
	}
	g, w := tensor.Data[float32](got), tensor.Data[float32](want)
	for i := range w {
		if diff := math.Abs(float64(g[i]) - float64(w[i])); !(diff <= 2e-6*max(1, math.Abs(float64(w[i])))) {
			t.Fatalf("%s: element %d is %g, not %g", what, i, g[i], w[i])
		}
	}
}

func TestFuseWideAndDeep(t *testing.T) {
	if got, want := same(t, wideAndDeep(t)), "Join Dense Dense Join Dense"; got != want {
		t.Errorf("fused to %s, not %s", got, want)
	}
}

func TestFuse(t *testing.T) {
	for name, c := range map[string]struct {
		build func(n *network) []graph.Value
		want  string
		sizes []int
	}{
		"product": {func(n *network) []graph.Value {
			return []graph.Value{n.Add("", op.MatMul{}, n.input("x", tensor.Float32, 5), n.weight(5, 3))}
		}, "Dense", nil},
		"bias on the left": {func(n *network) []graph.Value {
			product := n.Add("", op.MatMul{}, n.input("x", tensor.Float32, 5), n.weight(5, 20))
			return []graph.Value{n.Add("", op.Add{}, n.weight(1, 20), product)}
		}, "Dense", nil},
		"two biases, less a third, times a factor": {func(n *network) []graph.Value {
			v := n.Add("", op.MatMul{}, n.input("x", tensor.Float32, 5), n.weight(5, 20))
			v = n.Add("", op.Add{}, n.Add("", op.Add{}, v, n.weight(20)), n.weight())
			return []graph.Value{n.Add("", op.Mul{}, n.Add("", op.Sub{}, v, n.weight(20)), n.weight(20))}
		}, "Dense", nil},
		"a bias with more dimensions": {func(n *network) []graph.Value {
			product := n.Add("", op.MatMul{}, n.input("x", tensor.Float32, 5), n.weight(5, 20))
			return []graph.Value{n.Add("", op.Add{}, product, n.weight(1, 1, 20))}
		}, "Dense Add", nil},
		"a product that is an output, too": {func(n *network) []graph.Value {
			product := n.Add("", op.MatMul{}, n.input("x", tensor.Float32, 5), n.weight(5, 20))
			return []graph.Value{product, n.Add("", op.Relu{}, product)}
		}, "Dense Relu", nil},
		"Gemm": {func(n *network) []graph.Value {
			v := n.Add("", op.Gemm{Alpha: 1, Beta: 1, TransB: true}, n.input("x", tensor.Float32, 5), n.weight(20, 5), n.weight(20))
			return []graph.Value{n.Add("", op.Tanh{}, v)}
		}, "Dense", nil},
		"Gemm, scaled": {func(n *network) []graph.Value {
			return []graph.Value{n.Add("", op.Gemm{Alpha: 2, Beta: 3}, n.input("x", tensor.Float32, 5), n.weight(5, 20), n.weight(20))}
		}, "Gemm", nil},
		"normalized": {func(n *network) []graph.Value {
			v := n.Add("", op.Gemm{Alpha: 1, Beta: 1, TransB: true}, n.input("x", tensor.Float32, 5), n.weight(20, 5), n.weight(20))
			variance := n.floats(20)
			for i, v := range tensor.Data[float32](variance) {
				tensor.Data[float32](variance)[i] = v*v + 0.1
			}
			v = n.Add("", op.BatchNormalization{Epsilon: 1e-3}, v, n.weight(20), n.weight(20), n.weight(20), n.Constant(variance))
			return []graph.Value{n.Add("", op.Relu{}, v)}
		}, "Dense", nil},
		"normalized by 0": {func(n *network) []graph.Value {
			v := n.Add("", op.MatMul{}, n.input("x", tensor.Float32, 5), n.weight(5, 2))
			zero := n.Constant(tensor.New(tensor.Float32, 2))
			v = n.Add("", op.BatchNormalization{}, v, zero, zero, zero, n.Constant(tensor.Of([]float32{1e-30, 1e-30}, 2)))
			return []graph.Value{n.Add("", op.Relu{}, v)}
		}, "Dense", nil},
		"shared weights": {func(n *network) []graph.Value {
			w, x := n.weight(5, 5), n.input("x", tensor.Float32, 5)
			for range 4 {
				x = n.Add("", op.MatMul{}, x, w)
			}
			return []graph.Value{x}
		}, "Dense MatMul MatMul MatMul", nil},
		"several rows for each example": {func(n *network) []graph.Value {
			found := n.Add("", op.Gather{}, n.weight(5, 4), n.input("index", tensor.Int64, 3))
			flat := n.Add("", op.Flatten{Axis: 1}, found)
			other := n.Add("", op.Gather{}, n.weight(9, 2), n.input("other", tensor.Int32, 2))
			return []graph.Value{n.Add("", op.Concat{Axis: -1}, flat, n.input("x", tensor.Float32, 1),
				n.Add("", op.Reshape{}, other, n.ints(-1, 4)))}
		}, "Join", nil},
		"rows that a Reshape divides": {func(n *network) []graph.Value {
			found := n.Add("", op.Gather{}, n.weight(5, 4), n.input("index", tensor.Int64, 3))
			rows := n.Add("", op.Reshape{}, found, n.ints(-1, 4))
			more := n.Add("", op.Gather{}, n.weight(7, 2), n.input("other", tensor.Int64, 3))
			return []graph.Value{n.Add("", op.Concat{Axis: 1}, rows, n.Add("", op.Reshape{}, more, n.ints(-1, 2)))}
		}, "Join", nil},
		"three dimensions": {func(n *network) []graph.Value {
			a := n.Add("", op.Gather{}, n.weight(5, 4), n.input("a", tensor.Int64, 1))
			b := n.Add("", op.Gather{}, n.weight(5, 3), n.input("b", tensor.Int64, 1))
			v := n.Add("", op.Flatten{Axis: 1}, n.Add("", op.Concat{Axis: 2}, a, b))
			return []graph.Value{n.dense("d", v, 7, 16, op.Relu{})}
		}, "Join Flatten Dense", nil},
		"squeezed, and indices made wider": {func(n *network) []graph.Value {
			index := n.Add("", op.Cast{To: tensor.Int64}, n.input("a", tensor.Int32, 1))
			v := n.Add("", op.Squeeze{}, n.Add("", op.Gather{}, n.weight(5, 4), index), n.ints(1))
			return []graph.Value{n.Add("", op.Concat{Axis: 1}, v, n.input("x", tensor.Float32, 3))}
		}, "Join", nil},
		"rows kept by a computed shape, as Keras writes it": {func(n *network) []graph.Value {
			index := n.input("a", tensor.Int64, 1)
			index = n.Add("", op.Where{}, n.Add("", op.Less{}, index, n.ints(0)), n.Add("", op.Add{}, index, n.ints(5)), index)
			found := n.Add("", op.Gather{FromStart: true}, n.weight(5, 4), index)
			shape := n.Add("", op.Cast{To: tensor.Int32}, n.Add("", op.Shape{}, found))
			one := func(v int32) graph.Value { return n.Constant(tensor.Of([]int32{v}, 1)) }
			rows := n.Add("", op.StridedSlice{Shrink: 1}, shape, one(0), one(1), one(1))
			to := n.Add("", op.Concat{}, n.Add("", op.Unsqueeze{}, rows, n.ints(0)), one(4))
			flat := n.Add("", op.Reshape{AllowZero: true}, found, to)
			return []graph.Value{n.Add("", op.Concat{Axis: 1}, flat, n.input("x", tensor.Float32, 3))}
		}, "Less Add Where Join", nil},
		"rows kept by a computed shape, as torch writes it": {func(n *network) []graph.Value {
			found := n.Add("", op.Gather{}, n.weight(5, 4), n.input("a", tensor.Int64, 2))
			rows := n.Add("", op.Gather{}, n.Add("", op.Shape{}, found), n.Constant(tensor.Of([]int64{0})))
			to := n.Add("", op.Concat{}, n.Add("", op.Unsqueeze{}, rows, n.ints(0)), n.ints(-1))
			flat := n.Add("", op.Reshape{}, found, to)
			return []graph.Value{n.Add("", op.Concat{Axis: 1}, n.input("x", tensor.Float32, 3), flat)}
			// Of no rows, it is not known how long they are.
		}, "Join", []int{1, 2, 7, 1000}},
		"as many rows as another value has": {func(n *network) []graph.Value {
			x, y := n.input("x", tensor.Float32, 4), n.input("y", tensor.Float32, 4)
			rows := n.Add("", op.Gather{}, n.Add("", op.Shape{}, y), n.ints(0))
			return []graph.Value{n.Add("", op.Reshape{}, x, n.Add("", op.Concat{}, rows, n.ints(2, 2)))}
		}, "Shape Gather Concat Reshape", nil},
		"the second size of a shape": {func(n *network) []graph.Value {
			x := n.input("x", tensor.Float32, 4)
			size := n.Add("", op.Gather{}, n.Add("", op.Shape{}, x), n.ints(1))
			return []graph.Value{n.Add("", op.Reshape{}, x, n.Add("", op.Concat{}, n.ints(-1), size))}
		}, "Shape Gather Concat Reshape", nil},
		"rows above each other": {func(n *network) []graph.Value {
			a := n.embedding("a", n.input("a", tensor.Int64, 1), 5, 4)
			return []graph.Value{n.Add("", op.Concat{Axis: 0}, a, n.input("x", tensor.Float32, 4))}
		}, "Gather Reshape Concat", nil},
		"towers": {func(n *network) []graph.Value {
			x, y := n.input("x", tensor.Float32, 3), n.input("y", tensor.Float32, 4)
			v := n.Add("", op.Concat{Axis: 1}, n.dense("a", x, 3, 17, op.Sigmoid{}), n.dense("b", y, 4, 5, op.Relu{}), x)
			return []graph.Value{n.dense("c", v, 25, 2, op.Identity{})}
		}, "Join Dense Identity", nil},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNetwork(7)
			if got := same(t, n.build(t, c.build(n)...), c.sizes...); got != c.want {
				t.Errorf("fused to %s, not %s", got, c.want)
			}
		})
	}
}

// Random networks give the same when they are fused.
func TestFuseRandom(t *testing.T) {
	seeds := uint64(300)
	if testing.Short() {
		seeds = 30
	}
	for seed := range seeds {
		same(t, randomNetwork(t, seed))
	}
}

// wide is a value with so many columns.
type wide struct {
	value graph.Value
	width int
}

// randomNetwork grows a network of what the passes look for and of what stands in their way.
func randomNetwork(t *testing.T, seed uint64) *graph.Graph {
	n := newNetwork(seed)
	width := 1 + n.random.IntN(20)
	values := []wide{{n.input("x", tensor.Float32, width), width}}
	for i := range n.random.IntN(4) {
		dtype := []tensor.DType{tensor.Int32, tensor.Int64}[n.random.IntN(2)]
		width := 1 + n.random.IntN(20)
		index := n.input(fmt.Sprint("index", i), dtype, 1)
		values = append(values, wide{n.embedding("e", index, 3+n.random.IntN(9), width), width})
	}
	activations := []graph.Op{op.Relu{}, op.Sigmoid{}, op.Tanh{}, op.Identity{}, op.Softplus{}}
	for range 1 + n.random.IntN(8) {
		pick := values[n.random.IntN(len(values))]
		switch n.random.IntN(6) {
		case 0, 1:
			out := []int{1, 2, 5, 16, 33, 64}[n.random.IntN(6)]
			values = append(values, wide{n.dense("d", pick.value, pick.width, out, activations[n.random.IntN(5)]), out})
		case 2:
			values = append(values, wide{n.Add("a", activations[n.random.IntN(5)], pick.value), pick.width})
		case 3:
			values = append(values, wide{n.Add("s", op.Add{}, pick.value, n.weight(pick.width)), pick.width})
		case 4:
			values = append(values, wide{n.Add("m", op.Mul{}, pick.value, pick.value), pick.width})
		default:
			var parts []graph.Value
			total := 0
			for range 1 + n.random.IntN(4) {
				p := values[n.random.IntN(len(values))]
				parts, total = append(parts, p.value), total+p.width
			}
			values = append(values, wide{n.Add("c", op.Concat{Axis: 1}, parts...), total})
		}
	}
	last := values[len(values)-1]
	outputs := []graph.Value{n.dense("last", last.value, last.width, 3, op.Sigmoid{})}
	if n.random.IntN(2) == 0 {
		outputs = append(outputs, n.Add("other", op.Relu{}, values[n.random.IntN(len(values))].value))
	}
	return n.build(t, outputs...)
}

// An index beyond the table, and inputs of the wrong type or shape, are errors that name the node.
func TestFusedErrors(t *testing.T) {
	p := compile(t, wideAndDeep(t), engine.Options{})
	for name, spoil := range map[string]func(run *engine.Run){
		"index":  func(run *engine.Run) { tensor.Data[int32](run.Input(2))[1] = 1000 },
		"below":  func(run *engine.Run) { tensor.Data[int32](run.Input(2))[1] = -1001 },
		"float":  func(run *engine.Run) { run.Input(2).Resize(tensor.Float32, 2, 1) },
		"string": func(run *engine.Run) { run.Input(0).Resize(tensor.String, 2, 6) },
		"width":  func(run *engine.Run) { run.Input(1).Resize(tensor.Float32, 2, 9) },
		"rows":   func(run *engine.Run) { run.Input(1).Resize(tensor.Float32, 3, 8) },
		"scalar": func(run *engine.Run) { run.Input(1).Resize(tensor.Float32) },
		"many":   func(run *engine.Run) { run.Input(2).Resize(tensor.Int32, 2, 1, 1, 1, 1, 1, 1, 1, 1) },
	} {
		run := p.Acquire()
		fill(run, p, 2, 1)
		spoil(run)
		if err := run.Do(); err == nil {
			t.Errorf("%s: no error", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
		run.Release()
	}
}

func BenchmarkWideAndDeep(b *testing.B) {
	p := compile(b, wideAndDeep(b), engine.Options{})
	for _, rows := range []int{1, 10, 100, 1024} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			run := p.Acquire()
			defer run.Release()
			fill(run, p, rows, 1)
			for b.Loop() {
				if err := run.Do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
