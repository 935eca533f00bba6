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
	// given is how many bytes the graph's constants, and what its operators hold, took.
	given int64
	// strings says that an input is of strings.
	strings bool
	kernels *kernel.Set
	// block is how many rows are run at a time, 0 for all; threads is how many goroutines may do it, helpers how many beside
	// those that called Do are at it.
	block   int
	threads int
	helpers atomic.Int64
	// idle are the helpers that wait for jobs.
	idle tokens
	jobs chan *blocks
	runs sync.Pool // of *Run
}

func newProgram(g *graph.Graph, nodes []graph.Node, constants map[graph.Value]*tensor.Tensor, options Options) *Program {
	p := &Program{
		inputs: g.Inputs, outputs: g.Outputs, example: g.Example,
		nodes: nodes, constants: constants, values: g.Values, limit: options.RunLimit, kernels: options.Kernels,
		threads: options.Threads, jobs: make(chan *blocks, max(options.Threads, 1)),
	}
	if !options.unfused {
		p.block = rowBlock(nodes, constants, g.Inputs, g.Outputs)
	}
	for _, input := range g.Inputs {
		p.strings = p.strings || input.DType == tensor.String
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

// Bytes is how much memory the program takes between runs: that of the constants that it keeps, and of what operators have
// made of them. A run takes more, which its pool keeps for the next one.
func (p *Program) Bytes() int64 {
	n := int64(0)
	for _, t := range p.constants {
		n += t.Bytes()
	}
	for i := range p.nodes {
		n += ownBytes(p.nodes[i].Op)
	}
	return n
}

// ownBytes is how much memory an operator takes for data of its own, beside constants.
func ownBytes(o graph.Op) int64 {
	if weighted, ok := o.(graph.Weighted); ok {
		_, bytes := weighted.Weights()
		return bytes
	}
	return 0
}

// limitFor is how many bytes a run of so many rows may make: as a graph of few constants has little to compute, one that
// comes of a small file cannot take much memory for one row.
func (p *Program) limitFor(rows int) int64 {
	const base, perConstantByte, perRow = 32 << 20, 8, 2 << 20
	return min(p.limit, base+perConstantByte*p.given+perRow*int64(min(max(1, rows), 1<<20)))
}

// Run holds the tensors of one run of a program. It is used by one goroutine at a time.
type Run struct {
	program *Program
	frame   *graph.Frame
	values  []*tensor.Tensor
	// in and out are each node's.
	in, out [][]*tensor.Tensor
	blocks  blocks
	// at is the node that is run; broken says that it panicked, and the tensors may be in any state.
	at     int
	broken bool
	// rows is how many the inputs had at last.
	rows int
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
func (r *Run) Release() {
	if r.broken {
		return
	}
	r.frame.Unwatch()
	r.Forget()
	r.program.runs.Put(r)
}

// Forget lets go of the strings that the tensors hold, so that a run that is kept does not keep a request in memory.
// Numbers stay.
func (r *Run) Forget() {
	if !r.program.strings {
		return
	}
	for _, input := range r.program.inputs {
		r.values[input.Value].Forget()
	}
	for _, out := range r.out {
		for _, t := range out {
			t.Forget()
		}
	}
	r.frame.Forget()
}

// Input is the tensor of the i-th input, to be resized and filled before Do.
func (r *Run) Input(i int) *tensor.Tensor { return r.values[r.program.inputs[i].Value] }

// Output is the tensor of the i-th output, valid after Do and until the next one.
func (r *Run) Output(i int) *tensor.Tensor { return r.values[r.program.outputs[i].Value] }

// Do computes the outputs of the inputs. Its errors are *NodeError.
func (r *Run) Do() error {
	r.begin()
	if rows, split := r.rowCount(); split {
		return r.doBlocks(rows)
	}
	return r.nodes()
}

// MostRows is how many rows a run may have without being too large, if each takes as much memory as those of the last one
// did: half of what would just do, but one at least.
func (r *Run) MostRows() int {
	used := max(1, r.frame.Used())
	return max(1, int(float64(r.rows)*float64(r.program.limit)/2/float64(used)))
}

// DoContext is Do that ends early where the context does; its errors are then the context's.
func (r *Run) DoContext(ctx context.Context) error {
	r.frame.Watch(ctx)
	defer r.frame.Unwatch()
	return r.Do()
}

// begin makes as much memory available as the rows of the inputs may take.
func (r *Run) begin() {
	rows := 1
	for i := range r.program.inputs {
		if shape := r.Input(i).Shape(); len(shape) > 0 {
			rows = max(rows, shape[0])
		}
	}
	r.rows = rows
	r.frame.Limit(r.program.limitFor(rows))
	r.frame.Begin()
}

// nodes runs all nodes.
func (r *Run) nodes() (err error) {
	defer r.guard(&err)
	for i := range r.program.nodes {
		if err := r.frame.Err(); err != nil {
			return fmt.Errorf("running the graph: %w", err)
		}
		r.at = i
		if err := r.do(i); err != nil {
			return err
		}
	}
	return r.complete()
}

// guard makes an error of an operator's panic.
func (r *Run) guard(err *error) {
	if p := recover(); p != nil {
		r.broken = true
		*err = nodeError(&r.program.nodes[r.at], &PanicError{p})
	}
}

// complete checks that all outputs are there.
func (r *Run) complete() error {
	for i, output := range r.program.outputs {
		if r.values[output.Value].DType() == 0 {
			return fmt.Errorf("the output %q is not computed", r.program.outputs[i].Name)
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
