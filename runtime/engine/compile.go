package engine

import (
	"context"
	"fmt"
	"maps"
	"os"
	"runtime"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/kernel"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Options shape a compilation.
type Options struct {
	// FoldLimit is how many bytes of tensors may be made while constants are folded, all together; 0 means
	// DefaultFoldLimit.
	FoldLimit int64
	// RunLimit is how many bytes of tensors one run may make; 0 means DefaultRunLimit.
	RunLimit int64
	// Kernels are the numeric loops that operators use; nil means those that the environment variable CTR_KERNEL names (plain,
	// avx2 or avx512), or where it is empty the best that the processor has.
	Kernels *kernel.Set
	// Threads is how many threads may work on runs of a large batch beside each other, all runs together, where the graph
	// computes each row of its outputs from that row of its inputs; 0 means as many as GOMAXPROCS. A small batch, and what
	// is not such a graph, is run by the goroutine that asks for it.
	Threads int
	// unfused leaves out the passes that fuse operators, for tests.
	unfused bool
}

// The defaults of Options.
const (
	DefaultFoldLimit = 256 << 20
	DefaultRunLimit  = 1 << 30
)

// NodeError says which node of a graph failed.
type NodeError struct {
	// Node is its name in the artifact, Op the operator's.
	Node, Op string
	Err      error
}

func (e *NodeError) Error() string { return fmt.Sprintf("%s (%s): %v", e.Node, e.Op, e.Err) }

func (e *NodeError) Unwrap() error { return e.Err }

func nodeError(node *graph.Node, err error) error {
	return &NodeError{Node: node.Name, Op: node.Op.Name(), Err: err}
}

// Compile makes a program of a graph, which must not be changed afterwards. Its errors are *NodeError, the context's, or
// *kernel.UnavailableError.
func Compile(ctx context.Context, g *graph.Graph, options Options) (*Program, error) {
	if options.FoldLimit == 0 {
		options.FoldLimit = DefaultFoldLimit
	}
	if options.RunLimit == 0 {
		options.RunLimit = DefaultRunLimit
	}
	if options.Threads <= 0 {
		options.Threads = runtime.GOMAXPROCS(0)
	}
	if options.Kernels == nil {
		kernels, err := kernel.Choose(os.Getenv("CTR_KERNEL"))
		if err != nil {
			return nil, fmt.Errorf("the environment variable CTR_KERNEL: %w", err)
		}
		options.Kernels = kernels
	}
	c := &compiler{kernels: options.Kernels, graph: g, constants: map[graph.Value]*tensor.Tensor{}}
	maps.Copy(c.constants, g.Constants)
	if err := c.fold(ctx, g.Nodes, options.FoldLimit); err != nil {
		return nil, err
	}
	if !options.unfused {
		c.fuse()
	}
	if err := c.prepare(ctx); err != nil {
		return nil, err
	}
	c.dropUnused()
	return newProgram(g, c.nodes, c.constants, options), nil
}

type compiler struct {
	kernels   *kernel.Set
	graph     *graph.Graph
	nodes     []graph.Node
	constants map[graph.Value]*tensor.Tensor
}

// fold runs the nodes of which all inputs are constant, and keeps the others. Nodes that nothing needs are left out first,
// so that nothing is computed in vain.
func (c *compiler) fold(ctx context.Context, nodes []graph.Node, limit int64) error {
	nodes = prune(nodes, c.graph.Outputs)
	frame := graph.NewFrame(1, limit, c.kernels)
	frame.Begin()
	for i := range nodes {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("compiling the graph: %w", err)
		}
		node := &nodes[i]
		in, constant := c.inputs(node)
		if !constant {
			c.nodes = append(c.nodes, *node)
			continue
		}
		out := make([]*tensor.Tensor, len(node.Out))
		for k := range out {
			out[k] = &tensor.Tensor{}
		}
		if err := node.Op.Run(frame, in, out); err != nil {
			return nodeError(node, err)
		}
		for k, v := range node.Out {
			c.constants[v] = out[k]
		}
	}
	return nil
}

// inputs are a node's constant inputs, and whether all that it has are.
func (c *compiler) inputs(node *graph.Node) (in []*tensor.Tensor, constant bool) {
	in = make([]*tensor.Tensor, len(node.In))
	constant = true
	for k, v := range node.In {
		if v == graph.None {
			continue
		}
		in[k] = c.constants[v]
		constant = constant && in[k] != nil
	}
	return in, constant
}

func (c *compiler) prepare(ctx context.Context) error {
	for i := range c.nodes {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("compiling the graph: %w", err)
		}
		node := &c.nodes[i]
		preparer, ok := node.Op.(graph.Preparer)
		if !ok {
			continue
		}
		in, _ := c.inputs(node)
		op, err := preparer.Prepare(in)
		if err != nil {
			return nodeError(node, err)
		}
		node.Op = op
	}
	return nil
}

// dropUnused forgets the constants that no node takes any more, so that their memory can be freed.
func (c *compiler) dropUnused() {
	used := map[graph.Value]bool{}
	for i := range c.nodes {
		for _, v := range c.nodes[i].In {
			used[v] = true
		}
	}
	for _, output := range c.graph.Outputs {
		used[output.Value] = true
	}
	for v := range c.constants {
		if !used[v] {
			delete(c.constants, v)
		}
	}
}

// prune keeps the nodes that outputs need, in their order.
func prune(nodes []graph.Node, outputs []graph.Output) []graph.Node {
	needed := map[graph.Value]bool{}
	for _, output := range outputs {
		needed[output.Value] = true
	}
	keep := make([]bool, len(nodes))
	for i := len(nodes) - 1; i >= 0; i-- {
		for _, v := range nodes[i].Out {
			keep[i] = keep[i] || needed[v]
		}
		if keep[i] {
			for _, v := range nodes[i].In {
				needed[v] = true
			}
		}
	}
	kept := make([]graph.Node, 0, len(nodes))
	for i := range nodes {
		if keep[i] {
			kept = append(kept, nodes[i])
		}
	}
	return kept
}
