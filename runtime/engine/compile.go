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
	// FoldLimit is how many bytes of tensors may be made while constants are folded, all together; what would take more is
	// computed in each run. 0 means 16 MiB, and twice what the graph's constants take, so that a small file does not become
	// large in memory.
	FoldLimit int64
	// RunLimit is how many bytes of tensors one run may make, of any number of rows; 0 means DefaultRunLimit. A run of few
	// rows may make 32 MiB, eight times what the graph's constants take, and 2 MiB for each row, if that is less.
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

// DefaultRunLimit is how many bytes of tensors one run may make.
const DefaultRunLimit = 1 << 30

// NodeError says which node of a graph failed.
type NodeError struct {
	// Node is its name in the artifact, Op the operator's.
	Node, Op string
	Err      error
}

func (e *NodeError) Error() string { return fmt.Sprintf("%s (%s): %v", e.Node, e.Op, e.Err) }

func (e *NodeError) Unwrap() error { return e.Err }

// PanicError is what an operator ends in that panics. No graph should get one there, whatever it is made of: that it is
// an error, and not the end of the process, is a second line of defence.
type PanicError struct{ Value any }

func (e *PanicError) Error() string {
	return fmt.Sprintf("panics: %v; this is a mistake in the engine, please report it", e.Value)
}

func nodeError(node *graph.Node, err error) error {
	return &NodeError{Node: node.Name, Op: node.Op.Name(), Err: err}
}

// Compile makes a program of a graph, which must not be changed afterwards. Constants are not copied, but where an operator
// needs them in another layout. Its errors are *NodeError, the context's, *kernel.UnavailableError, or say where the graph
// contradicts itself.
func Compile(ctx context.Context, g *graph.Graph, options Options) (program *Program, err error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	given := int64(0)
	for _, t := range g.Constants {
		given += t.Bytes()
	}
	for i := range g.Nodes {
		given += ownBytes(g.Nodes[i].Op)
	}
	if options.FoldLimit == 0 {
		options.FoldLimit = 16<<20 + 2*given
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
	c := &compiler{kernels: options.Kernels, graph: g, values: g.Values, constants: map[graph.Value]*tensor.Tensor{}}
	defer c.guard(&err)
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
	program = newProgram(g, c.nodes, c.constants, options)
	program.given, program.values = given, c.values
	return program, nil
}

type compiler struct {
	kernels   *kernel.Set
	graph     *graph.Graph
	nodes     []graph.Node
	constants map[graph.Value]*tensor.Tensor
	// values is how many there are: those of the graph, and those that were added.
	values int
	// at is the node that is worked on, if one is.
	at *graph.Node
}

// guard makes an error of an operator's panic.
func (c *compiler) guard(err *error) {
	p := recover()
	switch {
	case p == nil:
	case c.at == nil:
		*err = fmt.Errorf("compiling the graph: %w", &PanicError{p})
	default:
		*err = nodeError(c.at, &PanicError{p})
	}
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
		c.at = node
		in, _ := c.inputs(node)
		op, err := preparer.Prepare(in)
		if err != nil {
			return nodeError(node, err)
		}
		node.Op, c.at = op, nil
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
