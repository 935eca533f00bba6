package onnx

import (
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
)

// role says what an output is, as far as the graph tells: what ZipMap has named, and what a classifier, a sigmoid or a softmax
// computes, are probabilities; labels of classes and other integers are no scores.
func (l *lowering) role(v value, output valueInfo) (graph.Role, []string) {
	if v.class == classMap {
		return graph.Probability, v.labels
	}
	switch output.elem {
	case elemFloat, elemDouble, 0:
	default:
		return graph.Other, nil
	}
	m := l.origin(v.v)
	if m == nil {
		return graph.Unknown, nil
	}
	switch o := m.op.(type) {
	case op.Sigmoid, op.Softmax:
		return graph.Probability, nil
	case op.LinearScores:
		switch {
		case o.Labels == nil:
			return graph.Regression, nil
		case o.Post == op.PostNone:
			return graph.Unknown, m.labels
		}
		return graph.Probability, m.labels
	case *op.TreeEnsemble:
		if o.Labels == nil {
			return graph.Regression, nil
		}
		return graph.Probability, m.labels
	default:
		return graph.Unknown, nil
	}
}

// origin is the node that computes what only gets another shape or type on its way to v.
func (l *lowering) origin(v graph.Value) *made {
	const longest = 16
	for range longest {
		m := l.made[v]
		if m == nil {
			return nil
		}
		switch m.op.(type) {
		case op.Identity, op.Reshape, op.Squeeze, op.Unsqueeze, op.Flatten, op.Cast, op.Normalizer:
			v = m.in[0]
		default:
			return m
		}
	}
	return nil
}
