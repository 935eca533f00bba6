package engine

import (
	"fmt"
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
)

// arity is how many inputs those operators take that the passes look into: so many must be there, and there are not more
// than most. An operator checks that itself when it runs; here it is checked before, so that passes can rely on it.
func arity(o graph.Op) (least, most int) {
	switch o.(type) {
	case op.MatMul, op.Gather, op.Reshape, op.Unsqueeze, op.Add, op.Sub, op.Mul, op.Div, op.Equal, op.NotEqual, op.Less,
		op.LessOrEqual, op.Greater, op.GreaterOrEqual, op.And, op.Or, op.FloorMod, op.SquaredDifference:
		return 2, 2
	case op.Gemm:
		return 2, 3
	case op.Where:
		return 3, 3
	case op.StridedSlice, op.TableLookup:
		return 4, 4
	case op.BatchNormalization:
		return 5, 5
	case op.Squeeze:
		return 1, 2
	case op.Flatten, op.Shape:
		return 1, 1
	case op.Concat, op.Max, op.Min:
		return 1, math.MaxInt
	}
	if elementwise(o) {
		return 1, 1
	}
	return 0, math.MaxInt
}

// checkArity says whether a node has the inputs that the passes rely on.
func checkArity(node *graph.Node) error {
	least, most := arity(node.Op)
	if len(node.In) < least || len(node.In) > most {
		return nodeError(node, fmt.Errorf("takes %d inputs, not %d", least, len(node.In)))
	}
	if variadic := most == math.MaxInt && least > 0; variadic {
		least = len(node.In)
	}
	for i, v := range node.In[:least] {
		if v == graph.None {
			return nodeError(node, fmt.Errorf("the input %d is absent", i))
		}
	}
	return nil
}
