package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// fold runs the nodes of which all inputs are constant, and keeps the others. Nodes that nothing needs are left out first,
// so that nothing is computed in vain. A node whose result would be too large is kept.
func (c *compiler) fold(ctx context.Context, nodes []graph.Node, limit int64) error {
	nodes = prune(nodes, c.graph.Outputs)
	for i := range nodes {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("compiling the graph: %w", err)
		}
		node := &nodes[i]
		if err := checkArity(node); err != nil {
			return err
		}
		if in, constant := c.inputs(node); constant {
			folded, used, err := c.compute(ctx, node, in, limit)
			if err != nil {
				return err
			}
			if limit -= used; folded {
				continue
			}
		}
		c.nodes = append(c.nodes, *node)
	}
	return nil
}

// compute makes constants of a node's outputs, if that takes no more than so many bytes, and says how many it took.
func (c *compiler) compute(ctx context.Context, node *graph.Node, in []*tensor.Tensor, limit int64) (
	done bool, used int64, err error,
) {
	c.at = node
	frame := graph.NewFrame(1, limit, c.kernels)
	frame.Watch(ctx)
	out := make([]*tensor.Tensor, len(node.Out))
	for k := range out {
		out[k] = &tensor.Tensor{}
	}
	err = node.Op.Run(frame, in, out)
	c.at = nil
	if large, ok := errors.AsType[*graph.TooLargeError](err); ok && large.Limit == limit {
		return false, 0, nil
	}
	if ctx.Err() != nil {
		return false, 0, fmt.Errorf("compiling the graph: %w", ctx.Err())
	}
	if err != nil {
		return false, 0, nodeError(node, err)
	}
	for k, v := range node.Out {
		if out[k].DType() == 0 {
			return false, 0, nodeError(node, errNoOutput(k))
		}
		c.constants[v] = out[k]
	}
	return true, frame.Used(), nil
}

// errNoOutput says that an operator does not have as many outputs as the graph takes of it.
func errNoOutput(k int) error { return fmt.Errorf("does not compute its output %d", k) }
