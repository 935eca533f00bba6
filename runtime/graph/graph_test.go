package graph_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/kernel"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// nothing is an operator.
type nothing struct{}

func (nothing) Name() string                                               { return "Nothing" }
func (nothing) Run(*graph.Frame, []*tensor.Tensor, []*tensor.Tensor) error { return nil }

func TestBuilder(t *testing.T) {
	b := graph.NewBuilder()
	x := b.Input(graph.Input{Name: "x", DType: tensor.Float32, Shape: []int{graph.Any, 2}})
	c := b.Constant(tensor.Of([]int64{1, 2}, 2))
	y := b.AddN("n", nothing{}, 2, x, graph.None, c)
	b.Output(graph.Output{Name: "y", Value: y[1]})
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if b.Const(c) == nil || b.Const(x) != nil {
		t.Error("does not know which values are constant")
	}
	if err := g.Validate(); err != nil {
		t.Error(err)
	}
}

func TestBuilderRefuses(t *testing.T) {
	for want, build := range map[string]func(b *graph.Builder){
		"no output":                      func(*graph.Builder) {},
		`"y" is a value that there is`:   func(b *graph.Builder) { b.Output(graph.Output{Name: "y", Value: 3}) },
		"n: takes a value that there is": func(b *graph.Builder) { b.Output(graph.Output{Value: b.Add("n", nothing{}, 7)}) },
		"more than 1048576 values": func(b *graph.Builder) {
			b.AddN("n", nothing{}, graph.MaxValues+1)
			b.Output(graph.Output{})
		},
	} {
		b := graph.NewBuilder()
		build(b)
		if _, err := b.Build(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not %q", err, want)
		}
	}
}

// TestValidate breaks a graph in every way.
func TestValidate(t *testing.T) {
	for want, spoil := range map[string]func(g *graph.Graph){
		"which nothing before it makes": func(g *graph.Graph) { g.Nodes[0].In[0] = 3 },
		"takes the value -7":            func(g *graph.Graph) { g.Nodes[0].In[0] = -7 },
		"something else makes":          func(g *graph.Graph) { g.Nodes[1].Out[0] = 0 },
		"makes the value -1":            func(g *graph.Graph) { g.Nodes[1].Out[0] = graph.None },
		"makes the value 9":             func(g *graph.Graph) { g.Nodes[1].Out[0] = 9 },
		"has no operator":               func(g *graph.Graph) { g.Nodes[0].Op = nil },
		"makes nothing":                 func(g *graph.Graph) { g.Nodes[0].Out = nil },
		"no output":                     func(g *graph.Graph) { g.Outputs = nil },
		`the output "y"`:                func(g *graph.Graph) { g.Outputs[0].Value = 8 },
		"is of no type":                 func(g *graph.Graph) { g.Inputs[0].DType = 0 },
		"of size -2":                    func(g *graph.Graph) { g.Inputs[0].Shape = []int{-2} },
		"has 9 dimensions":              func(g *graph.Graph) { g.Inputs[0].Shape = make([]int, 9) },
		"has no tensor":                 func(g *graph.Graph) { g.Constants[1] = nil },
		"the constant 1: is DType(0)":   func(g *graph.Graph) { g.Constants[1] = &tensor.Tensor{} },
		"the constant 1: has 9":         func(g *graph.Graph) { g.Constants[1] = tensor.New(tensor.Bool, make([]int, 9)...) },
		"of size 4611686018427387904":   func(g *graph.Graph) { g.Constants[1] = tensor.New(tensor.Bool, 0, 1<<62) },
		"1152921504606846976 values":    func(g *graph.Graph) { g.Values = 1 << 60 },
		"-1 values":                     func(g *graph.Graph) { g.Values = -1 },
		"makes the value 1, which":      func(g *graph.Graph) { g.Inputs[0].Value = 1 },
		"makes the value 4, of 4":       func(g *graph.Graph) { g.Constants[4] = tensor.New(tensor.Bool) },
	} {
		g := &graph.Graph{
			Inputs:    []graph.Input{{Name: "x", DType: tensor.Float32}},
			Constants: map[graph.Value]*tensor.Tensor{1: tensor.New(tensor.Float32)},
			Nodes: []graph.Node{
				{Op: nothing{}, In: []graph.Value{0, 1}, Out: []graph.Value{2}},
				{Op: nothing{}, In: []graph.Value{2, graph.None}, Out: []graph.Value{3}},
			},
			Outputs: []graph.Output{{Name: "y", Value: 3}},
			Values:  4,
		}
		if err := g.Validate(); err != nil {
			t.Fatal(err)
		}
		spoil(g)
		if err := g.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not %q", err, want)
		}
	}
}

func TestFrameCounts(t *testing.T) {
	f := graph.NewFrame(1, 100, kernel.Plain())
	x := f.Scratch(0)
	for range 2 {
		f.Begin()
		if err := f.Resize(x, tensor.Float32, 20); err != nil {
			t.Error(err)
		}
	}
	var large *graph.TooLargeError
	for _, shape := range [][]int{{5}, {1 << 40, 1 << 40}, {0, 1 << 40}, {26}} {
		f.Begin()
		if len(shape) == 1 && shape[0] == 5 {
			if err := f.Charge(90); err != nil {
				t.Error(err)
			}
		}
		if err := f.Resize(x, tensor.Float32, shape...); !errors.As(err, &large) || large.Limit != 100 {
			t.Errorf("%v: %v", shape, err)
		}
	}
	f.Begin()
	if err := f.Resize(x, tensor.Float32, -1); err == nil {
		t.Error("made a tensor of size -1")
	}
	if err := f.Resize(x, tensor.Float32, make([]int, tensor.MaxRank+1)...); err == nil {
		t.Error("made a tensor of too many dimensions")
	}
}

func TestFrameWatches(t *testing.T) {
	f := graph.NewFrame(1, 100, kernel.Plain())
	ctx, cancel := context.WithCancel(t.Context())
	if f.Watch(ctx); f.Err() != nil {
		t.Error(f.Err())
	}
	cancel()
	if !errors.Is(f.Err(), context.Canceled) {
		t.Error(f.Err())
	}
}
