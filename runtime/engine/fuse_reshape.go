package engine

import (
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// size is one of a list of integers that is computed from a shape: a number, or how large a dimension of a value is.
type size struct {
	number int
	// of is the value whose dimension axis it is; graph.None for a number.
	of   graph.Value
	axis int
}

// fuseReshape replaces what exporters write for "keep the rows, and lay the rest out anew", which is to take the shape of a
// value apart and make a new one of it, by a Reshape to a constant.
func fuseReshape(c *compiler) []graph.Node {
	r := resizer{
		compiler: c, from: producers(c.nodes),
		known: inferShapes(c.nodes, c.constants, c.graph.Inputs), found: map[graph.Value][]size{},
	}
	for i := range c.nodes {
		node := &c.nodes[i]
		if _, ok := node.Op.(op.Reshape); !ok || len(node.In) != 2 || c.constants[node.In[1]] != nil {
			continue
		}
		sizes, ok := r.sizes(node.In[1], 0)
		if !ok || len(sizes) == 0 || len(sizes) > tensor.MaxRank || sizes[0].of != node.In[0] || sizes[0].axis != 0 {
			continue
		}
		to := []int64{0}
		for _, s := range sizes[1:] {
			if s.of != graph.None || s.number == 0 {
				break
			}
			to = append(to, int64(s.number))
		}
		if len(to) != len(sizes) {
			continue
		}
		// Nodes may be shared with the graph: they are replaced, not changed.
		c.nodes[i] = graph.Node{
			Op: op.Reshape{}, Name: node.Name, In: []graph.Value{node.In[0], c.constant(tensor.Of(to, len(to)))}, Out: node.Out,
		}
	}
	return c.nodes
}

// constant adds a constant to those of the graph.
func (c *compiler) constant(t *tensor.Tensor) graph.Value {
	v := graph.Value(c.values)
	c.values++
	c.constants[v] = t
	return v
}

type resizer struct {
	*compiler
	from  map[graph.Value]int
	known shapes
	// found are the lists that are known already; nil for those that cannot be.
	found map[graph.Value][]size
}

// deepest is how many operators a list of sizes may go through.
const deepest = 12

// sizes are the elements of a list of integers, or of a single one, where they are known to be numbers or dimensions.
func (r *resizer) sizes(v graph.Value, depth int) (list []size, ok bool) {
	if t := r.constants[v]; t != nil {
		return numbersOf(t)
	}
	list, done := r.found[v]
	if !done {
		if list, ok = r.computed(v, depth); !ok {
			list = nil
		}
		r.found[v] = list
	}
	return list, len(list) > 0
}

func (r *resizer) computed(v graph.Value, depth int) (list []size, ok bool) {
	i, found := r.from[v]
	if !found || depth > deepest {
		return nil, false
	}
	node := &r.nodes[i]
	switch o := node.Op.(type) {
	case op.Shape:
		return r.dimensions(o, node.In[0])
	case op.Concat:
		for _, in := range node.In {
			part, ok := r.sizes(in, depth+1)
			if !ok || len(list)+len(part) > tensor.MaxRank {
				return nil, false
			}
			list = append(list, part...)
		}
		return list, true
	}
	if len(node.In) == 0 {
		return nil, false
	}
	if list, ok = r.sizes(node.In[0], depth+1); !ok {
		return nil, false
	}
	switch o := node.Op.(type) {
	case op.Cast:
		return list, o.To == tensor.Int32 || o.To == tensor.Int64
	case op.Squeeze, op.Unsqueeze:
		return list, true
	case op.Gather:
		return r.picked(list, o, node)
	case op.StridedSlice:
		return r.cut(list, o, node)
	}
	return nil, false
}

// numbersOf are a constant's.
func numbersOf(t *tensor.Tensor) (list []size, ok bool) {
	if t.Rank() > 1 || t.Len() > tensor.MaxRank {
		return nil, false
	}
	switch t.DType() {
	case tensor.Int32:
		for _, n := range tensor.Data[int32](t) {
			list = append(list, size{number: int(n), of: graph.None})
		}
	case tensor.Int64:
		for _, n := range tensor.Data[int64](t) {
			list = append(list, size{number: int(n), of: graph.None})
		}
	default:
		return nil, false
	}
	return list, true
}

// dimensions are those of a value, of which the number is known.
func (r *resizer) dimensions(o op.Shape, v graph.Value) (list []size, ok bool) {
	shape, known := r.known[v]
	if !known || o.Start != 0 || o.End != nil {
		return nil, false
	}
	for axis, n := range shape {
		if n == graph.Any {
			list = append(list, size{of: v, axis: axis})
		} else {
			list = append(list, size{number: n, of: graph.None})
		}
	}
	return list, true
}

// picked is what Gather takes of a list, where it says so by a constant.
func (r *resizer) picked(list []size, o op.Gather, node *graph.Node) (picked []size, ok bool) {
	index := r.constants[second(node)]
	if o.Axis != 0 || index == nil {
		return nil, false
	}
	places, ok := numbersOf(index)
	if !ok {
		return nil, false
	}
	for _, place := range places {
		if place.number < 0 || place.number >= len(list) {
			return nil, false
		}
		picked = append(picked, list[place.number])
	}
	return picked, true
}

// cut is what StridedSlice takes of a list, where that is one element.
func (r *resizer) cut(list []size, o op.StridedSlice, node *graph.Node) (one []size, ok bool) {
	if o != (op.StridedSlice{Shrink: 1}) || len(node.In) != 4 || r.constants[node.In[1]] == nil {
		return nil, false
	}
	begin, ok := numbersOf(r.constants[node.In[1]])
	if !ok || len(begin) != 1 || begin[0].number < 0 || begin[0].number >= len(list) {
		return nil, false
	}
	return list[begin[0].number:][:1], true
}
