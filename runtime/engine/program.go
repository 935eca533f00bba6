package engine

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/kernel"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Program is a compiled graph. It is immutable, and safe for concurrent use.
type Program struct {
	inputs    []graph.Input
	outputs   []graph.Output
	example   *graph.Example
	nodes     []graph.Node
	constants map[graph.Value]*tensor.Tensor
	values    int
	limit     int64
	kernels   *kernel.Set
	// block is how many rows are run at a time, 0 for all; threads is how many goroutines may do it, helpers how many beside
	// those that called Do are at it.
	block   int
	threads int
	helpers atomic.Int64
	runs    sync.Pool // of *Run
}

func newProgram(g *graph.Graph, nodes []graph.Node, constants map[graph.Value]*tensor.Tensor, options Options) *Program {
	p := &Program{
		inputs: g.Inputs, outputs: g.Outputs, example: g.Example,
		nodes: nodes, constants: constants, values: g.Values, limit: options.RunLimit, kernels: options.Kernels,
		threads: options.Threads,
	}
	if !options.unfused {
		p.block = rowBlock(nodes, constants, g.Inputs, g.Outputs)
	}
	p.runs.New = func() any { return p.newRun() }
	return p
}

// Inputs are the graph's. They must not be changed.
func (p *Program) Inputs() []graph.Input { return p.inputs }

// Outputs are the graph's. They must not be changed.
func (p *Program) Outputs() []graph.Output { return p.outputs }

// Example is the graph's.
func (p *Program) Example() *graph.Example { return p.example }

// Nodes are what is run, after folding and fusing. They must not be changed.
func (p *Program) Nodes() []graph.Node { return p.nodes }

// Constants are what is kept for the nodes. They must not be changed.
func (p *Program) Constants() map[graph.Value]*tensor.Tensor { return p.constants }

// Run holds the tensors of one run of a program. It is used by one goroutine at a time.
type Run struct {
	program *Program
	frame   *graph.Frame
	values  []*tensor.Tensor
	// in and out are each node's.
	in, out [][]*tensor.Tensor
	blocks  blocks
}

func (p *Program) newRun() *Run {
	r := &Run{program: p, frame: graph.NewFrame(len(p.nodes), p.limit, p.kernels), values: make([]*tensor.Tensor, p.values)}
	for v, t := range p.constants {
		r.values[v] = t
	}
	for _, input := range p.inputs {
		r.values[input.Value] = &tensor.Tensor{}
	}
	for i := range p.nodes {
		node := &p.nodes[i]
		in, out := make([]*tensor.Tensor, len(node.In)), make([]*tensor.Tensor, len(node.Out))
		for k, v := range node.In {
			if v != graph.None {
				in[k] = r.values[v]
			}
		}
		for k, v := range node.Out {
			out[k] = &tensor.Tensor{}
			r.values[v] = out[k]
		}
		r.in, r.out = append(r.in, in), append(r.out, out)
	}
	return r
}

// Acquire returns a run, to be released.
func (p *Program) Acquire() *Run { return p.runs.Get().(*Run) }

// Release gives a run back. Its tensors must not be used any more.
func (r *Run) Release() { r.program.runs.Put(r) }

// Input is the tensor of the i-th input, to be resized and filled before Do.
func (r *Run) Input(i int) *tensor.Tensor { return r.values[r.program.inputs[i].Value] }

// Output is the tensor of the i-th output, valid after Do and until the next one.
func (r *Run) Output(i int) *tensor.Tensor { return r.values[r.program.outputs[i].Value] }

// Do computes the outputs of the inputs. Its errors are *NodeError.
func (r *Run) Do() error {
	r.frame.Begin()
	if rows, split := r.rowCount(); split {
		return r.doBlocks(rows)
	}
	return r.nodes()
}

// DoContext is Do that ends early where the context does; its errors are then the context's.
func (r *Run) DoContext(ctx context.Context) error {
	r.frame.Watch(ctx)
	defer r.frame.Watch(context.Background())
	return r.Do()
}

// nodes runs all nodes.
func (r *Run) nodes() error {
	r.frame.Begin()
	for i := range r.program.nodes {
		if err := r.frame.Err(); err != nil {
			return fmt.Errorf("running the graph: %w", err)
		}
		if err := r.do(i); err != nil {
			return err
		}
	}
	return nil
}

// do runs a node.
func (r *Run) do(i int) error {
	r.frame.At(i)
	node := &r.program.nodes[i]
	if err := node.Op.Run(r.frame, r.in[i], r.out[i]); err != nil {
		return nodeError(node, err)
	}
	return nil
}
