package engine

import (
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// pass rewrites nodes into fewer or faster ones that compute the same values, and may add constants. uses counts the nodes
// and outputs that take each value.
type pass func(nodes []graph.Node, constants map[graph.Value]*tensor.Tensor, uses map[graph.Value]int) []graph.Node

// passes are run in this order, each once.
func passes() []pass { return nil }

func fuse(nodes []graph.Node, constants map[graph.Value]*tensor.Tensor, g *graph.Graph) []graph.Node {
	for _, p := range passes() {
		nodes = prune(p(nodes, constants, count(nodes, g.Outputs)), g.Outputs)
	}
	return nodes
}

// count is how many nodes and outputs take each value.
func count(nodes []graph.Node, outputs []graph.Output) map[graph.Value]int {
	uses := map[graph.Value]int{}
	for i := range nodes {
		for _, v := range nodes[i].In {
			uses[v]++
		}
	}
	for _, output := range outputs {
		uses[output.Value]++
	}
	return uses
}
