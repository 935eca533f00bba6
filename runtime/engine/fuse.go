package engine

import (
	"github.com/ctr-operator/ctr-operator/runtime/graph"
)

// pass rewrites the nodes into fewer or faster ones that compute the same outputs.
type pass func(c *compiler) []graph.Node

// passes are run in this order, each once.
func passes() []pass { return []pass{fuseReshape, fuseDense, fuseJoin} }

func (c *compiler) fuse() {
	for _, p := range passes() {
		c.nodes = prune(p(c), c.graph.Outputs)
	}
}

// uses is how many nodes and outputs take each value.
func (c *compiler) uses() map[graph.Value]int {
	uses := map[graph.Value]int{}
	for i := range c.nodes {
		for _, v := range c.nodes[i].In {
			uses[v]++
		}
	}
	for _, output := range c.graph.Outputs {
		uses[output.Value]++
	}
	return uses
}

// consumers are the nodes that take each value; of several, the last.
func consumers(nodes []graph.Node) map[graph.Value]int {
	after := map[graph.Value]int{}
	for i := range nodes {
		for _, v := range nodes[i].In {
			after[v] = i
		}
	}
	return after
}

// producers are the nodes that compute each value.
func producers(nodes []graph.Node) map[graph.Value]int {
	from := map[graph.Value]int{}
	for i := range nodes {
		for _, v := range nodes[i].Out {
			from[v] = i
		}
	}
	return from
}

// constantBytes is how much memory the constants take.
func (c *compiler) constantBytes() int {
	total := 0
	for _, t := range c.constants {
		total += t.Len() * t.DType().Size()
	}
	return total
}
