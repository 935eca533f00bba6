package model

import (
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// weightLayers is the largest number of layers of weights on any way from an input to an output: of products with constant
// matrices, and of rows taken from constant tables. Scaling and adding constants is none.
func weightLayers(g *graph.Graph) int {
	constant := map[graph.Value]bool{}
	floats := map[graph.Value]bool{}
	for v, t := range g.Constants {
		constant[v] = true
		floats[v] = t.DType() == tensor.Float32 || t.DType() == tensor.Float64
	}
	layers := map[graph.Value]int{}
	most := 0
	for i := range g.Nodes {
		node := &g.Nodes[i]
		known, weighted, below := true, false, 0
		for _, v := range node.In {
			if v == graph.None {
				continue
			}
			known = known && constant[v]
			weighted = weighted || constant[v] && floats[v]
			below = max(below, layers[v])
		}
		if known && len(node.In) > 0 {
			for _, v := range node.Out {
				// What is computed of constants is one; of weights, weights.
				constant[v], floats[v] = true, weighted
			}
			continue
		}
		below += layersOf(node.Op.Name(), weighted)
		for _, v := range node.Out {
			layers[v] = below
		}
		most = max(most, below)
	}
	return most
}

// layersOf is how many layers of weights an operator is, if its constant inputs are numbers or it has its own.
func layersOf(op string, weighted bool) int {
	switch {
	case strings.HasPrefix(op, "TreeEnsemble"):
		return 2 // whatever it is, it is not linear
	case strings.HasPrefix(op, "Linear"):
		return 1
	case !weighted:
		return 0
	case strings.Contains(op, "MatMul"), op == "Gemm", op == "Einsum",
		strings.HasPrefix(op, "Gather"), strings.Contains(op, "Embedding"), strings.Contains(op, "Segment"):
		return 1
	default:
		return 0
	}
}
