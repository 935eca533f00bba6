package engine_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/engine"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Which graphs are of rows, and so can be run in blocks.
func TestRowsKept(t *testing.T) {
	for name, c := range map[string]struct {
		build func(n *network) graph.Value
		want  bool
	}{
		"an input": {func(n *network) graph.Value { return n.input("x", tensor.Float32, 4) }, false},
		"elements": {func(n *network) graph.Value {
			x := n.input("x", tensor.Float32, 4)
			return n.Add("", op.Mul{}, n.Add("", op.Add{}, x, n.weight(1, 4)), n.Add("", op.Relu{}, x))
		}, true},
		"a constant for each row": {func(n *network) graph.Value {
			return n.Add("", op.Add{}, n.input("x", tensor.Float32, 4), n.weight(5, 4))
		}, false},
		"a constant with more dimensions": {func(n *network) graph.Value {
			return n.Add("", op.Add{}, n.input("x", tensor.Float32, 4), n.weight(1, 1, 4))
		}, false},
		"rows with fewer dimensions": {func(n *network) graph.Value {
			x := n.Input(graph.Input{Name: "x", DType: tensor.Float32, Shape: []int{graph.Any}})
			return n.Add("", op.Add{}, x, n.input("y", tensor.Float32, 4))
		}, false},
		"on the left of a product": {func(n *network) graph.Value {
			return n.Add("", op.MatMul{}, n.weight(4, 4), n.input("x", tensor.Float32, 4))
		}, false},
		"a sum over all": {func(n *network) graph.Value {
			return n.Add("", op.ReduceSum{KeepDims: true}, n.input("x", tensor.Float32, 4))
		}, false},
		"as many rows again": {func(n *network) graph.Value {
			return n.Add("", op.Reshape{}, n.input("x", tensor.Float32, 4), n.ints(-1, 2))
		}, false},
		"reshaped": {func(n *network) graph.Value {
			return n.Add("", op.Reshape{}, n.input("x", tensor.Float32, 4), n.ints(-1, 2, 2))
		}, true},
		"several lookups that become rows": {func(n *network) graph.Value {
			other := n.Add("", op.Concat{Axis: 1}, n.embedding("a", n.input("a", tensor.Int64, 2), 5, 3),
				n.embedding("b", n.input("b", tensor.Int64, 2), 5, 2))
			return n.Add("", op.Relu{}, other)
		}, false},
		"lookups of what is chosen": {func(n *network) graph.Value {
			x := n.input("x", tensor.Float32, 1)
			index := n.Add("", op.Cast{To: tensor.Int64}, n.Add("", op.Where{}, n.Add("", op.Less{}, x, n.weight()), x, n.weight(1)))
			return n.Add("", op.Squeeze{}, n.Add("", op.Gather{}, n.weight(9, 3), index), n.ints(1))
		}, true},
		"the first axis squeezed": {func(n *network) graph.Value {
			return n.Add("", op.Relu{}, n.Add("", op.Unsqueeze{}, n.input("x", tensor.Float32, 4), n.ints(0)))
		}, false},
		"softmax of the first axis": {func(n *network) graph.Value {
			return n.Add("", op.Softmax{Axis: 0}, n.input("x", tensor.Float32, 4))
		}, false},
		"softmax": {func(n *network) graph.Value {
			return n.Add("", op.Softmax{Axis: -1}, n.input("x", tensor.Float32, 4))
		}, true},
		"a batch of one size": {func(n *network) graph.Value {
			return n.Add("", op.Relu{}, n.Input(graph.Input{Name: "x", DType: tensor.Float32, Shape: []int{1, 4}}))
		}, false},
	} {
		n := newNetwork(3)
		if got := engine.SetBlock(compile(t, n.build(t, c.build(n)), engine.Options{}), 7); got != c.want {
			t.Errorf("%s: %v, not %v", name, got, c.want)
		}
	}
}

// Runs beside each other share the threads, and answer as one alone does.
func TestRowsBesideEachOther(t *testing.T) {
	g := wideAndDeep(t)
	p := compile(t, g, engine.Options{Threads: 3})
	engine.SetBlock(p, 16)
	alone := compile(t, g, engine.Unfused(engine.Options{}))
	var all sync.WaitGroup
	for k := range 8 {
		all.Go(func() {
			a, b := p.Acquire(), alone.Acquire()
			defer a.Release()
			defer b.Release()
			for _, rows := range []int{100, 33, 32, 31, 1} {
				fill(a, p, rows, uint64(k*rows))
				fill(b, alone, rows, uint64(k*rows))
				if err := errors.Join(a.Do(), b.Do()); err != nil {
					t.Error(err)
					return
				}
				equal(t, "beside others", a.Output(0), b.Output(0))
			}
		})
	}
	all.Wait()
}

// The error is that of the first rows that have one, as without blocks, or another one where several have one.
func TestRowsError(t *testing.T) {
	p := compile(t, wideAndDeep(t), engine.Options{Threads: 2})
	engine.SetBlock(p, 10)
	run := p.Acquire()
	defer run.Release()
	fill(run, p, 100, 1)
	tensor.Data[int32](run.Input(2))[57] = 4321
	var failed *engine.NodeError
	if err := run.Do(); !errors.As(err, &failed) || !strings.Contains(err.Error(), "4321") {
		t.Errorf("got %v", err)
	}
	fill(run, p, 100, 1)
	if err := run.Do(); err != nil {
		t.Errorf("after an error: %v", err)
	}
	run.Input(0).Resize(tensor.Float32, 99, 6)
	if err := run.Do(); err == nil {
		t.Error("inputs of different numbers of rows are accepted")
	}
}

// Every block looks at the context, and runs afterwards do not.
func TestRowsContext(t *testing.T) {
	p := compile(t, wideAndDeep(t), engine.Options{Threads: 2})
	engine.SetBlock(p, 10)
	run := p.Acquire()
	defer run.Release()
	fill(run, p, 100, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run.DoContext(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	for range 5 {
		if err := run.Do(); err != nil {
			t.Errorf("later: %v", err)
		}
	}
}

// Operators without the inputs that they need are errors when they run, whatever the passes make of them.
func TestFewInputs(t *testing.T) {
	all := []graph.Op{
		op.MatMul{}, op.Gemm{}, op.Add{}, op.Sub{}, op.Mul{}, op.Gather{}, op.Reshape{}, op.Flatten{Axis: 1}, op.Squeeze{},
		op.Unsqueeze{}, op.Concat{Axis: 1}, op.BatchNormalization{}, op.Where{}, op.StridedSlice{Shrink: 1}, op.Softmax{Axis: -1},
	}
	for _, o := range all {
		for inputs := range 3 {
			for _, after := range append(all, op.Relu{}) {
				n := newNetwork(1)
				x := n.input("x", tensor.Float32, 4)
				in := []graph.Value{x, n.weight(4, 4)}[:inputs]
				v := n.Add("first", o, in...)
				product := n.Add("product", op.MatMul{}, x, n.weight(4, 4))
				out := []graph.Value{n.Add("after", after, v), n.Add("of a product", after, product), n.Add("shaped", op.Reshape{}, x, v)}
				p, err := engine.Compile(t.Context(), n.build(t, out...), engine.Options{})
				if err == nil {
					run := p.Acquire()
					fill(run, p, 2, 1)
					err = run.Do()
					run.Release()
				}
				if _, panicked := errors.AsType[*engine.PanicError](err); panicked {
					t.Errorf("%s with %d inputs, %s: %v", o.Name(), inputs, after.Name(), err)
				}
			}
		}
	}
}
