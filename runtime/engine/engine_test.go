package engine_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/engine"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// build makes a graph of one input x, of float32 rows of two, and compiles it.
func build(t *testing.T, options engine.Options, network func(b *graph.Builder, x graph.Value) graph.Value) (*engine.Program, error) {
	t.Helper()
	b := graph.NewBuilder()
	x := b.Input(graph.Input{Name: "x", DType: tensor.Float32, Shape: []int{graph.Any, 2}})
	b.Output(graph.Output{Name: "y", Value: network(b, x)})
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return engine.Compile(t.Context(), g, options)
}

// must is build where that does not fail.
func must(t *testing.T, options engine.Options, network func(b *graph.Builder, x graph.Value) graph.Value) *engine.Program {
	t.Helper()
	p, err := build(t, options, network)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func running(p *engine.Program) (names []string) {
	for _, node := range p.Nodes() {
		names = append(names, node.Op.Name())
	}
	return names
}

func setInput(run *engine.Run, values ...float32) {
	run.Input(0).Resize(tensor.Float32, len(values)/2, 2)
	copy(tensor.Data[float32](run.Input(0)), values)
}

func TestRun(t *testing.T) {
	p := must(t, engine.Options{}, func(b *graph.Builder, x graph.Value) graph.Value { return b.Add("relu", op.Relu{}, x) })
	run := p.Acquire()
	defer run.Release()
	setInput(run, -1, 2, 0, -3)
	if err := run.Do(); err != nil {
		t.Fatal(err)
	}
	if got, want := tensor.Data[float32](run.Output(0)), []float32{0, 2, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("got %v, expected %v", got, want)
	}
}

func TestPrunesAndFolds(t *testing.T) {
	p := must(t, engine.Options{}, func(b *graph.Builder, x graph.Value) graph.Value {
		two := b.Constant(tensor.Of([]float32{2}))
		four := b.Add("four", op.Mul{}, two, two)
		b.Add("unused", op.Exp{}, x)
		b.Add("broken, but unused", op.Reshape{}, two, two)
		return b.Add("times four", op.Mul{}, x, four)
	})
	if got := running(p); !slices.Equal(got, []string{"Mul"}) {
		t.Errorf("runs %v", got)
	}
	if len(p.Constants()) != 1 || p.Bytes() != 4 {
		t.Errorf("keeps %v, %d bytes", p.Constants(), p.Bytes())
	}
	run := p.Acquire()
	defer run.Release()
	setInput(run, 1, 2)
	if err := run.Do(); err != nil || tensor.Data[float32](run.Output(0))[1] != 8 {
		t.Errorf("%v, %v", run.Output(0), err)
	}
}

// TestFoldingIsBounded has a graph of a few bytes that would make a constant of 64 MiB.
func TestFoldingIsBounded(t *testing.T) {
	large := func(b *graph.Builder, x graph.Value) graph.Value {
		zeros := b.Add("zeros", op.ConstantOfShape{}, b.Constant(tensor.Of([]int64{1 << 24}, 1)))
		return b.Add("sum", op.Add{}, b.Add("all", op.ReduceSum{}, zeros), x)
	}
	p := must(t, engine.Options{}, large)
	if got := running(p); !slices.Equal(got, []string{"ConstantOfShape", "ReduceSum", "Add"}) {
		t.Errorf("runs %v", got)
	}
	run := p.Acquire()
	setInput(run, 1, 2)
	var tooLarge *graph.TooLargeError
	if err := run.Do(); !errors.As(err, &tooLarge) || !strings.HasPrefix(err.Error(), "zeros (ConstantOfShape): ") {
		t.Errorf("made 64 MiB for one row: %v", err)
	}
	p = must(t, engine.Options{FoldLimit: 1 << 28}, large)
	if got := running(p); !slices.Equal(got, []string{"Add"}) || p.Bytes() != 4 {
		t.Errorf("with a higher limit, runs %v, and keeps %d bytes", got, p.Bytes())
	}
}

func TestRunsAreBounded(t *testing.T) {
	p := must(t, engine.Options{RunLimit: 100}, func(b *graph.Builder, x graph.Value) graph.Value { return b.Add("e", op.Exp{}, x) })
	run := p.Acquire()
	defer run.Release()
	setInput(run, make([]float32, 20)...)
	for range 2 {
		if err := run.Do(); err != nil {
			t.Error(err)
		}
	}
	setInput(run, make([]float32, 30)...)
	var large *graph.TooLargeError
	if err := run.Do(); !errors.As(err, &large) || large.Limit != 100 {
		t.Error(err)
	}
	setInput(run, make([]float32, 20)...)
	if err := run.Do(); err != nil {
		t.Errorf("after a run that was too large: %v", err)
	}
}

func TestMostRows(t *testing.T) {
	p := must(t, engine.Options{RunLimit: 10_000}, func(b *graph.Builder, x graph.Value) graph.Value { return b.Add("e", op.Exp{}, x) })
	run := p.Acquire()
	defer run.Release()
	setInput(run, 1, 2, 3, 4)
	if err := run.Do(); err != nil {
		t.Fatal(err)
	}
	rows := run.MostRows()
	if rows < 500 || rows > 1200 {
		t.Errorf("%d rows of 8 bytes for half of 10,000", rows)
	}
	setInput(run, make([]float32, 2*rows)...)
	if err := run.Do(); err != nil {
		t.Errorf("with as many: %v", err)
	}
}

// TestConstantsAreNotCopied has a table that is looked up, behind a reshape.
func TestConstantsAreNotCopied(t *testing.T) {
	table := tensor.New(tensor.Float32, 2000)
	p := must(t, engine.Options{}, func(b *graph.Builder, x graph.Value) graph.Value {
		shaped := b.Add("table", op.Reshape{}, b.Constant(table), b.Constant(tensor.Of([]int64{1000, 2}, 2)))
		return b.Add("lookup", op.Gather{}, shaped, b.Add("index", op.Cast{To: tensor.Int64}, x))
	})
	if p.Bytes() != 8000 {
		t.Errorf("keeps %d bytes", p.Bytes())
	}
	for _, kept := range p.Constants() {
		if &tensor.Data[float32](kept)[0] != &tensor.Data[float32](table)[0] {
			t.Error("copied the table")
		}
	}
}

// TestCompilingTakesLittleMemory has an embedding table of 64 MiB, a layer that is laid out anew, and a transposed weight.
func TestCompilingTakesLittleMemory(t *testing.T) {
	table, weights := tensor.New(tensor.Float32, 1<<20, 16), tensor.New(tensor.Float32, 64, 32)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p := must(t, engine.Options{}, func(b *graph.Builder, x graph.Value) graph.Value {
		rows := b.Add("lookup", op.Gather{}, b.Constant(table), b.Add("index", op.Cast{To: tensor.Int64}, x))
		rows = b.Add("row", op.Reshape{}, rows, b.Constant(tensor.Of([]int64{-1, 32}, 2)))
		return b.Add("layer", op.MatMul{}, rows, b.Add("turned", op.Transpose{}, b.Constant(weights)))
	})
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
		t.Errorf("took %d bytes", took)
	}
	if kept := p.Bytes() - table.Bytes(); kept < 0 || kept > 16<<10 {
		t.Errorf("keeps %d bytes beside the table", kept)
	}
}

func TestErrorsNameTheNode(t *testing.T) {
	add := func(b *graph.Builder, x graph.Value) graph.Value {
		return b.Add("block/add", op.Add{}, x, b.Constant(tensor.Of([]float32{1, 2, 3}, 3)))
	}
	p := must(t, engine.Options{}, add)
	run := p.Acquire()
	setInput(run, 1, 2)
	var node *engine.NodeError
	if err := run.Do(); !errors.As(err, &node) || node.Node != "block/add" || node.Op != "Add" {
		t.Error(err)
	}
	_, err := build(t, engine.Options{}, func(b *graph.Builder, x graph.Value) graph.Value {
		text := b.Constant(tensor.Of([]string{""}))
		return b.Add("sum", op.Add{}, x, b.Add("fold", op.Exp{}, text))
	})
	if !errors.As(err, &node) || node.Node != "fold" {
		t.Error(err)
	}
}

func TestCompileRefusesContradictions(t *testing.T) {
	g := &graph.Graph{Outputs: []graph.Output{{Name: "y", Value: 3}}, Values: 1}
	if _, err := engine.Compile(t.Context(), g, engine.Options{}); err == nil {
		t.Error("compiled a graph whose output there is not")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := graph.NewBuilder()
	b.Output(graph.Output{Value: b.Add("n", op.Exp{}, b.Constant(tensor.Of([]float32{1})))})
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Compile(ctx, g, engine.Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// mistaken is an operator that panics, or leaves outputs alone.
type mistaken struct{ panics, prepares bool }

func (mistaken) Name() string { return "Mistaken" }

func (m mistaken) Run(*graph.Frame, []*tensor.Tensor, []*tensor.Tensor) error {
	if m.panics {
		panic("oh")
	}
	return nil
}

func (m mistaken) Prepare([]*tensor.Tensor) (graph.Op, error) {
	if m.prepares {
		panic("ah")
	}
	return m, nil
}

func TestPanicsAreErrors(t *testing.T) {
	p := must(t, engine.Options{}, func(b *graph.Builder, x graph.Value) graph.Value {
		return b.Add("n", mistaken{panics: true}, x)
	})
	var panicked *engine.PanicError
	run := p.Acquire()
	if err := run.Do(); !errors.As(err, &panicked) || !strings.HasPrefix(err.Error(), "n (Mistaken): panics: oh") {
		t.Error(err)
	}
	run.Release()
	_, err := build(t, engine.Options{}, func(b *graph.Builder, x graph.Value) graph.Value {
		return b.Add("n", mistaken{prepares: true}, x)
	})
	if !errors.As(err, &panicked) {
		t.Error(err)
	}
	_, err = build(t, engine.Options{}, func(b *graph.Builder, x graph.Value) graph.Value {
		return b.Add("sum", op.Add{}, x, b.Add("n", mistaken{panics: true}, b.Constant(tensor.New(tensor.Bool))))
	})
	if !errors.As(err, &panicked) {
		t.Error(err)
	}
}

func TestOutputsAreComputed(t *testing.T) {
	p := must(t, engine.Options{}, func(b *graph.Builder, x graph.Value) graph.Value { return b.Add("n", mistaken{}, x) })
	if err := p.Acquire().Do(); err == nil || !strings.Contains(err.Error(), `"y" is not computed`) {
		t.Error(err)
	}
	_, err := build(t, engine.Options{}, func(b *graph.Builder, x graph.Value) graph.Value {
		return b.Add("sum", op.Add{}, x, b.AddN("exp", op.Exp{}, 2, b.Constant(tensor.New(tensor.Float32, 1)))[1])
	})
	if err == nil || !strings.Contains(err.Error(), "does not compute its output 1") {
		t.Error(err)
	}
}

func TestCancelled(t *testing.T) {
	p := must(t, engine.Options{}, func(b *graph.Builder, x graph.Value) graph.Value { return b.Add("n", op.Exp{}, x) })
	run := p.Acquire()
	setInput(run, 1, 2)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run.DoContext(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := run.Do(); err != nil {
		t.Errorf("after a run that was cancelled: %v", err)
	}
}

// TestReleaseForgetsStrings reads what a run that is used again has left of the last request.
func TestReleaseForgetsStrings(t *testing.T) {
	b := graph.NewBuilder()
	x := b.Input(graph.Input{Name: "x", DType: tensor.String, Shape: []int{graph.Any}})
	b.Output(graph.Output{Name: "y", Value: b.Add("twice", op.Concat{}, x, x)})
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	p, err := engine.Compile(t.Context(), g, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	run := p.Acquire()
	run.Input(0).Resize(tensor.String, 2)
	copy(tensor.Data[string](run.Input(0)), []string{"a", "b"})
	if err := run.Do(); err != nil || tensor.Data[string](run.Output(0))[3] != "b" {
		t.Fatal(err, run.Output(0))
	}
	run.Forget()
	for name, held := range map[string]*tensor.Tensor{"input": run.Input(0), "output": run.Output(0)} {
		if got := strings.Join(tensor.Data[string](held), ""); got != "" {
			t.Errorf("the %s still holds %q", name, got)
		}
	}
	run.Release()
}
