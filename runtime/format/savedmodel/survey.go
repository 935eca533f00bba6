package savedmodel

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Unsupported are all operators that a model which was refused because of some needs, each with how many nodes there are of it;
// nil where something else was the reason.
func (e *Error) Unsupported() []string { return e.parts }

// surveyed adds to the error about a node what else in the model is not supported, so that nobody has to find out one by one.
func (l *lowering) surveyed(err error) error {
	failure, ok := errors.AsType[*Error](err)
	if !ok || failure.Kind != Unsupported && failure.Kind != Unsafe {
		return err
	}
	s := survey{l: l, counts: map[string]int{}, done: map[*node]bool{}, called: map[string]bool{}}
	for _, signature := range l.meta.signatures {
		for _, output := range signature.outputs {
			s.from(l.meta.nodes, output.tensor)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.counts)) {
		failure.parts = append(failure.parts, fmt.Sprintf("operator %.100s (%d)", name, s.counts[name]))
	}
	return err
}

// survey counts the operators that are in no table, among those that the signatures' outputs need.
type survey struct {
	l      *lowering
	counts map[string]int
	done   map[*node]bool
	called map[string]bool
}

// from looks at the node of a tensor and all that it needs, one after the other: graphs may be deep.
func (s *survey) from(nodes map[string]*node, tensor string) {
	waiting := []string{tensor}
	for len(waiting) > 0 {
		name, _, _ := strings.Cut(strings.TrimPrefix(waiting[len(waiting)-1], "^"), ":")
		waiting = waiting[:len(waiting)-1]
		n := nodes[name]
		if n == nil || s.done[n] {
			continue
		}
		s.done[n] = true
		waiting = append(waiting, n.inputs...)
		if s.l.operators[n.op] == nil && s.l.structural[n.op] == nil && s.l.effects[n.op] == nil {
			s.counts[n.op]++
		}
		for _, a := range n.attrs {
			for value := a.value; value.Next(); {
				const function, itsName = 10, 1
				if value.Field() != function {
					continue
				}
				for list := value.Message(); list.Next(); {
					if list.Field() == itsName {
						s.function(list.String())
					}
				}
			}
		}
	}
}

// function looks at all that a function returns.
func (s *survey) function(name string) {
	f := s.l.meta.functions[name]
	if f == nil || s.called[name] || len(s.called) >= MaxCalls {
		return
	}
	s.called[name] = true
	for _, tensor := range f.returned {
		s.from(f.nodes, tensor)
	}
}
