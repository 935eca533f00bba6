package onnx

import (
	"strconv"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// outputs are a graph's.
func (l *lowering) outputs(s *scope, g *graphProto) error {
	if len(g.outputs) == 0 {
		return fault(Malformed, "the graph has no output")
	}
	values := make([]value, len(g.outputs))
	for i, output := range g.outputs {
		v, ok := s.find(output.name)
		if !ok {
			return at("output "+quoted(output.name), fault(Malformed, "no node computes it"))
		}
		if v.v == graph.None {
			return at("output "+quoted(output.name), fault(Unsupported, "it is no tensor"))
		}
		values[i] = v
	}
	labelled := l.labelled(values)
	for i, output := range g.outputs {
		role, labels := l.role(values[i], output.elem, labelled)
		l.builder.Output(graph.Output{Name: output.name, Value: values[i].v, Role: role, Labels: labels})
	}
	return nil
}

// labelled finds the scores of classes whose largest one chooses a label among constants, as converters write classifiers out.
func (l *lowering) labelled(outputs []value) map[graph.Value][]string {
	found := map[graph.Value][]string{}
	for _, v := range outputs {
		m := l.origin(v.v)
		if m == nil {
			continue
		}
		if _, ok := m.op.(op.ArrayFeatureExtractor); !ok {
			continue
		}
		labels := labelsOf(l.builder.Const(m.in[0]))
		chosen := l.origin(m.in[1])
		if labels == nil || chosen == nil {
			continue
		}
		if _, ok := chosen.op.(op.ArgMax); ok {
			scores := chosen.in[0]
			if from := l.origin(scores); from != nil {
				scores = from.out[0]
			}
			found[scores] = labels
		}
	}
	return found
}

// labelsOf spells a list of labels; nil is none.
func labelsOf(t *tensor.Tensor) []string {
	if t == nil {
		return nil
	}
	switch t.DType() {
	case tensor.String:
		return tensor.Data[string](t)
	case tensor.Int64:
		return mapped(tensor.Data[int64](t), func(v int64) string { return strconv.FormatInt(v, 10) })
	case tensor.Int32:
		return mapped(tensor.Data[int32](t), func(v int32) string { return strconv.Itoa(int(v)) })
	default:
		return nil
	}
}

// role says what an output is, as far as the graph tells: what ZipMap has named, and what a classifier, a sigmoid or a softmax
// computes, are probabilities; labels of classes and other integers are no scores.
func (l *lowering) role(v value, elem int, labelled map[graph.Value][]string) (graph.Role, []string) {
	if v.class == classMap {
		return graph.Probability, v.labels
	}
	switch elem {
	case elemFloat, elemDouble, 0:
	default:
		return graph.Other, nil
	}
	m := l.origin(v.v)
	if m == nil {
		return graph.Unknown, nil
	}
	if labels := labelled[m.out[0]]; labels != nil {
		return graph.Probability, labels
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
