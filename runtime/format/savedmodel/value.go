package savedmodel

import (
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/format/tensorbundle"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
)

// value is what a node computes, while the graph is followed.
type value struct {
	kind valueKind
	// v is a tensor's value in the graph that is being built.
	v graph.Value
	// resource is a variable or a table, or a handle of one.
	resource *resource
	// stored is a tensor in variables/ that nobody has needed yet.
	stored stored
	// text is the name of an asset file.
	text string
	// missing says why there is no value.
	missing error
}

type valueKind uint8

const (
	// isMissing is the value of a node that cannot be served, which is an error only where it is needed.
	isMissing valueKind = iota
	isTensor
	isResource
	isStored
	isAsset
	// isDead is what comes out of the side of a Switch that is not taken, and what is computed of it.
	isDead
)

// stored is a tensor in variables/, or a part of one.
type stored struct {
	key  string
	part tensorbundle.Slice
	// whole is the shape that the part is of; nil where there is no part.
	whole []int
}

// resource is a variable or a table.
type resource struct {
	name  string
	table bool
	// content is what was assigned to a variable, and made a tensor of, once.
	content value
	loaded  bool
	// keys and values are what was put into a table, once it is filled; file says how they are read where they come from an
	// asset that has not been read yet.
	keys, values       value
	keyType, valueType int
	file               *textTable
	filled, mutable    bool
}

func tensorValue(v graph.Value) value { return value{kind: isTensor, v: v} }

func tensorValues(vs []graph.Value) []value {
	values := make([]value, len(vs))
	for i, v := range vs {
		values[i] = tensorValue(v)
	}
	return values
}

// tensor is the value as one of the graph's: variables and stored tensors are read, the first time.
func (l *lowering) tensor(v value) (graph.Value, error) {
	switch v.kind {
	case isTensor:
		return v.v, nil
	case isStored:
		return l.load(v.stored)
	case isResource:
		if v.resource.table {
			return 0, fault(Malformed, "the table %.200q is taken for a tensor", v.resource.name)
		}
		return l.variable(v.resource)
	case isAsset:
		return 0, fault(Unsupported, "the name of the file assets/%.200s is taken for a tensor", v.text)
	case isDead:
		return 0, fault(Malformed, "what is on the side of a condition that is not taken")
	default:
		if v.missing != nil {
			return 0, v.missing
		}
		return 0, fault(Malformed, "a value that no node computes")
	}
}

// tensors are several values as the graph's.
func (l *lowering) tensors(values []value) ([]graph.Value, error) {
	vs := make([]graph.Value, len(values))
	for i, v := range values {
		var err error
		if vs[i], err = l.tensor(v); err != nil {
			return nil, err
		}
	}
	return vs, nil
}

// variable is what a variable holds.
func (l *lowering) variable(r *resource) (graph.Value, error) {
	if r.content.kind == isMissing {
		return 0, fault(Malformed, "the variable %.200q has no value: nothing in variables/ is restored to it", r.name)
	}
	if !r.loaded {
		v, err := l.tensor(r.content)
		if err != nil {
			return 0, fmt.Errorf("variable %.200q: %w", r.name, err)
		}
		r.content, r.loaded = tensorValue(v), true
	}
	return r.content.v, nil
}

// load reads a stored tensor, once.
func (l *lowering) load(s stored) (graph.Value, error) {
	id := s.key + "\x00" + fmt.Sprint(s.part)
	if v, ok := l.loaded[id]; ok {
		return v, nil
	}
	if l.bundle == nil {
		return 0, fault(Malformed, "the variable %.200q is to be restored, and there is no variables/variables.index", s.key)
	}
	t, err := l.bundle.Read(l.ctx, s.key, s.part)
	if err != nil {
		return 0, err
	}
	v := l.b.Constant(t)
	l.loaded[id] = v
	return v, nil
}
