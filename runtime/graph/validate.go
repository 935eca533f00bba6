package graph

import (
	"fmt"
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Validate checks what the engine relies on: that values are numbered within Values, each is made by one input, constant or
// node only, and before it is used, and that tensors and shapes are of sizes that can be. A Builder's graphs are so; those
// made by hand may not be.
func (g *Graph) Validate() error {
	if g.Values < 0 || g.Values > MaxValues {
		return fmt.Errorf("the graph has %d values, of which %d are possible", g.Values, MaxValues)
	}
	c := checker{made: make([]bool, g.Values)}
	for _, input := range g.Inputs {
		if err := c.input(input); err != nil {
			return fmt.Errorf("the input %q: %w", input.Name, err)
		}
	}
	for v, t := range g.Constants {
		if err := c.constant(v, t); err != nil {
			return fmt.Errorf("the constant %d: %w", v, err)
		}
	}
	for i := range g.Nodes {
		if err := c.node(&g.Nodes[i]); err != nil {
			return fmt.Errorf("the node %q: %w", g.Nodes[i].Name, err)
		}
	}
	if len(g.Outputs) == 0 {
		return fmt.Errorf("the graph has no output")
	}
	for _, output := range g.Outputs {
		if err := c.use(output.Value); err != nil {
			return fmt.Errorf("the output %q: %w", output.Name, err)
		}
	}
	return nil
}

// checker knows which values have been made.
type checker struct{ made []bool }

// make notes that a value is made.
func (c *checker) make(v Value) error {
	if v < 0 || int(v) >= len(c.made) {
		return fmt.Errorf("makes the value %d, of %d", v, len(c.made))
	}
	if c.made[v] {
		return fmt.Errorf("makes the value %d, which something else makes, too", v)
	}
	c.made[v] = true
	return nil
}

// use checks that a value has been made.
func (c *checker) use(v Value) error {
	if v < 0 || int(v) >= len(c.made) || !c.made[v] {
		return fmt.Errorf("takes the value %d, which nothing before it makes", v)
	}
	return nil
}

func (c *checker) input(input Input) error {
	if input.DType < tensor.Float32 || input.DType > tensor.String {
		return fmt.Errorf("is of no type")
	}
	if len(input.Shape) > tensor.MaxRank {
		return fmt.Errorf("has %d dimensions, of which %d are possible", len(input.Shape), tensor.MaxRank)
	}
	for _, size := range input.Shape {
		if size < 0 && size != Any {
			return fmt.Errorf("has a dimension of size %d", size)
		}
	}
	return c.make(input.Value)
}

// constant checks that loops over the dimensions of a tensor end, also where it has no elements.
func (c *checker) constant(v Value, t *tensor.Tensor) error {
	if t == nil {
		return fmt.Errorf("has no tensor")
	}
	if t.Rank() > tensor.MaxRank {
		return fmt.Errorf("has %d dimensions, of which %d are possible", t.Rank(), tensor.MaxRank)
	}
	n := 1
	for _, size := range t.Shape() {
		if size < 0 || size > math.MaxInt32 && t.Len() == 0 || n > math.MaxInt64/16/max(1, size) {
			return fmt.Errorf("has a dimension of size %d", size)
		}
		n *= max(1, size)
	}
	if t.DType() < tensor.Float32 || t.DType() > tensor.String || tensor.Count(t.Shape()) != t.Len() {
		return fmt.Errorf("is %v with %d elements", t, t.Len())
	}
	return c.make(v)
}

func (c *checker) node(node *Node) error {
	if node.Op == nil {
		return fmt.Errorf("has no operator")
	}
	for _, v := range node.In {
		if v == None {
			continue
		}
		if err := c.use(v); err != nil {
			return err
		}
	}
	if len(node.Out) == 0 {
		return fmt.Errorf("makes nothing")
	}
	for _, v := range node.Out {
		if err := c.make(v); err != nil {
			return err
		}
	}
	return nil
}
