package engine

import (
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// shapes are what is known of values before a graph runs: a size is graph.Any where it is not known, and a value of which
// not even the number of dimensions is known is left out. Inputs are taken to have the shapes that they are declared with:
// operators that rely on that check it when they run.
type shapes map[graph.Value][]int

// inferShapes follows the shapes through the operators that the fusing passes know.
func inferShapes(nodes []graph.Node, constants map[graph.Value]*tensor.Tensor, inputs []graph.Input) shapes {
	s := shapes{}
	for _, input := range inputs {
		s[input.Value] = input.Shape
	}
	for v, t := range constants {
		s[v] = t.Shape()
	}
	for i := range nodes {
		if shape, known := s.of(&nodes[i], constants); known && len(nodes[i].Out) == 1 {
			s[nodes[i].Out[0]] = shape
		}
	}
	return s
}

// of is the shape of a node's only output.
func (s shapes) of(node *graph.Node, constants map[graph.Value]*tensor.Tensor) (shape []int, known bool) {
	x, known := s.input(node, 0)
	if !known {
		return nil, false
	}
	switch o := node.Op.(type) {
	case *dense:
		return withLast(x, o.weights.Out)
	case *join:
		return o.shape(s, node)
	case op.MatMul:
		w, known := s.input(node, 1)
		if !known || len(w) != 2 {
			return nil, false
		}
		return withLast(x, w[1])
	case op.Gather:
		index, known := s.input(node, 1)
		if !known || o.Axis != 0 || len(x) == 0 {
			return nil, false
		}
		return slices.Concat(index, x[1:]), true
	case op.Reshape:
		return reshaped(o, x, constants[second(node)])
	case op.Flatten:
		if o.Axis != 1 || len(x) == 0 {
			return nil, false
		}
		return []int{x[0], count(x[1:])}, true
	case op.Squeeze:
		return withoutAxes(x, node, constants)
	case op.Unsqueeze:
		return withAxes(x, node, constants)
	case op.Concat:
		return s.joined(o, node)
	}
	if elementwise(node.Op) {
		return x, true
	}
	return x, broadcasts(node.Op) && s.widened(&x, node)
}

// second is a node's second input, or graph.None.
func second(node *graph.Node) graph.Value {
	if len(node.In) < 2 {
		return graph.None
	}
	return node.In[1]
}

// input is the shape of a node's i-th input.
func (s shapes) input(node *graph.Node, i int) (shape []int, known bool) {
	if i >= len(node.In) {
		return nil, false
	}
	shape, known = s[node.In[i]]
	return shape, known
}

// elementwise says whether an operator's output has the shape of its first input, and each element follows from the one in
// the same place.
func elementwise(o graph.Op) bool {
	switch o.(type) {
	case op.Relu, op.Sigmoid, op.Tanh, op.Softplus, op.Softsign, op.HardSigmoid, op.HardSwish, op.LeakyRelu, op.Elu, op.Selu,
		op.Celu, op.ThresholdedRelu, op.Mish, op.Swish, op.Gelu, op.Exp, op.Log, op.Sqrt, op.Square, op.Neg, op.Abs,
		op.Identity, op.Cast, op.Not, op.IsNaN, op.StringHash, op.Bucketize, op.TableLookup, op.BatchNormalization, op.Softmax:
		return true
	}
	return false
}

// broadcasts says whether an operator combines the elements of all its inputs, whose shapes are broadcast.
func broadcasts(o graph.Op) bool {
	switch o.(type) {
	case op.Add, op.Sub, op.Mul, op.Div, op.Max, op.Min, op.Equal, op.NotEqual, op.Less, op.LessOrEqual, op.Greater,
		op.GreaterOrEqual, op.And, op.Or, op.Where, op.FloorMod, op.SquaredDifference:
		return true
	}
	return false
}

// widened broadcasts a shape to those of all inputs of a node.
func (s shapes) widened(shape *[]int, node *graph.Node) bool {
	for i := range node.In {
		other, known := s.input(node, i)
		if !known {
			return false
		}
		*shape = broadcast(*shape, other)
	}
	return true
}

// withLast is a shape with another last dimension.
func withLast(shape []int, size int) (changed []int, known bool) {
	if len(shape) == 0 {
		return nil, false
	}
	changed = slices.Clone(shape)
	changed[len(changed)-1] = size
	return changed, true
}

// count is the number of elements, or graph.Any.
func count(shape []int) int {
	n := 1
	for _, size := range shape {
		if size == graph.Any {
			return graph.Any
		}
		n *= size
	}
	return n
}

// reshaped is what Reshape gives, where the new shape is a constant.
func reshaped(o op.Reshape, x []int, to *tensor.Tensor) (shape []int, known bool) {
	sizes, known := integers(to)
	if !known {
		return nil, false
	}
	for i, size := range sizes {
		if size == 0 && !o.AllowZero {
			if i >= len(x) {
				return nil, false
			}
			sizes[i] = x[i]
		}
	}
	return sizes, true
}

// integers are those of a constant list.
func integers(t *tensor.Tensor) (values []int, known bool) {
	if t == nil || t.Rank() != 1 || t.Len() > tensor.MaxRank {
		return nil, false
	}
	switch t.DType() {
	case tensor.Int32:
		for _, v := range tensor.Data[int32](t) {
			values = append(values, int(v))
		}
	case tensor.Int64:
		for _, v := range tensor.Data[int64](t) {
			values = append(values, int(v))
		}
	default:
		return nil, false
	}
	return values, true
}

// withoutAxes is what Squeeze gives, where the axes are constant.
func withoutAxes(x []int, node *graph.Node, constants map[graph.Value]*tensor.Tensor) (shape []int, known bool) {
	axes, known := squeezed(constants, node)
	if !known {
		return nil, false
	}
	leave := make([]bool, len(x))
	for _, axis := range axes {
		if axis < 0 {
			axis += len(x)
		}
		if axis < 0 || axis >= len(x) || x[axis] != 1 {
			return nil, false
		}
		leave[axis] = true
	}
	for i, size := range x {
		if !leave[i] {
			shape = append(shape, size)
		}
	}
	return shape, true
}

// withAxes is what Unsqueeze gives, where the axes are constant.
func withAxes(x []int, node *graph.Node, constants map[graph.Value]*tensor.Tensor) (shape []int, known bool) {
	axes, known := squeezed(constants, node)
	rank := len(x) + len(axes)
	if !known || rank > tensor.MaxRank {
		return nil, false
	}
	var added [tensor.MaxRank]bool
	for _, axis := range axes {
		if axis < 0 {
			axis += rank
		}
		if axis < 0 || axis >= rank || added[axis] {
			return nil, false
		}
		added[axis] = true
	}
	for axis := range rank {
		if added[axis] {
			shape = append(shape, 1)
		} else {
			shape, x = append(shape, x[0]), x[1:]
		}
	}
	return shape, true
}

// joined is what Concat gives.
func (s shapes) joined(o op.Concat, node *graph.Node) (shape []int, known bool) {
	for i := range node.In {
		part, known := s.input(node, i)
		if !known {
			return nil, false
		}
		axis := o.Axis
		if axis < 0 {
			axis += len(part)
		}
		if axis < 0 || axis >= len(part) || (i > 0 && len(part) != len(shape)) {
			return nil, false
		}
		switch {
		case i == 0:
			shape = slices.Clone(part)
		case shape[axis] == graph.Any || part[axis] == graph.Any:
			shape[axis] = graph.Any
		default:
			shape[axis] += part[axis]
		}
	}
	return shape, true
}

// broadcast is what an operator on two shapes gives, as numpy has it.
func broadcast(a, b []int) []int {
	if len(a) < len(b) {
		a, b = b, a
	}
	shape := slices.Clone(a)
	for i, size := range b {
		at := &shape[len(a)-len(b)+i]
		switch {
		case *at == 1:
			*at = size
		case *at == graph.Any && size > 1:
			*at = size
		}
	}
	return shape
}
