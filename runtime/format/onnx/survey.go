package onnx

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Unsupported are all operators of a model that was refused because of some, each with how many nodes there are of it; nil where
// something else was the reason.
func (e *Error) Unsupported() []string { return e.parts }

// surveyed adds to the error about a node what else in the model is not supported, so that nobody has to find out one by one.
func surveyed(err error, model *modelProto) error {
	failure, ok := errors.AsType[*Error](err)
	if !ok || failure.Kind != Unsupported {
		return err
	}
	s := survey{operators: operators(), functions: map[string]bool{}, counts: map[string]int{}}
	for _, function := range model.functions {
		s.functions[functionKey(function.domain, function.name, function.overload)] = true
	}
	s.nodes(model.graph.nodes, 0)
	for _, function := range model.functions {
		s.nodes(function.nodes, 0)
	}
	for _, name := range slices.Sorted(maps.Keys(s.counts)) {
		failure.parts = append(failure.parts, fmt.Sprintf("operator %.100s (%d)", name, s.counts[name]))
	}
	return err
}

// survey counts the operators that are neither in the table nor functions of the model.
type survey struct {
	operators map[string]lowerer
	functions map[string]bool
	counts    map[string]int
}

func (s *survey) nodes(nodes []*nodeProto, depth int) {
	if depth > mostDepth {
		return
	}
	for _, node := range nodes {
		if name := operatorName(node); s.operators[name] == nil && !s.functions[functionKey(node.domain, node.op, node.overload)] {
			s.counts[name]++
		}
		for _, a := range node.attributes {
			if a.g != nil {
				s.nodes(a.g.nodes, depth+1)
			}
		}
	}
}
