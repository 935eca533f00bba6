package savedmodel

import (
	"maps"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/format/tensorbundle"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// effects are the operators that change variables and tables. They do so only while the nodes are followed that restore and
// initialise the model; what signatures compute changes nothing.
func effects() map[string]effect {
	return map[string]effect{
		"Assign":                        assign,
		"AssignVariableOp":              assign,
		"LookupTableImportV2":           importTable,
		"LookupTableImport":             importTable,
		"LookupTableInsertV2":           importTable,
		"InitializeTableV2":             importTable,
		"InitializeTable":               importTable,
		"InitializeTableFromTextFileV2": importFile,
		"InitializeTableFromTextFile":   importFile,
	}
}

// effect is what such an operator does.
type effect func(l *lowering, n *node, in []value) error

// initialise finds out what is in which variable and which table.
func (l *lowering) initialise() error {
	initialiser := l.meta.initialiser
	if s := l.meta.signatures["__saved_model_init_op"]; s != nil && len(s.outputs) == 1 {
		initialiser = s.outputs[0].tensor
	}
	for _, name := range []string{l.meta.saver.restore, initialiser} {
		if name == "" {
			continue
		}
		s := l.scope("", l.meta.nodes, 0, true)
		l.feedFiles(s)
		if err := s.follow(name); err != nil {
			return err
		}
	}
	l.shareCopies()
	return nil
}

// shareCopies gives variables without a value that of the variables which are initialised with theirs: what
// tf.saved_model.save writes of Keras 3 stores the copies only.
func (l *lowering) shareCopies() {
	s := l.scope("", l.meta.nodes, 0, true)
	handle := func(ref string) *resource {
		if n := l.meta.nodes[nodeOf(ref)]; n != nil && n.op == "VarHandleOp" {
			return l.shared(s, n, false)
		}
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(l.meta.nodes)) {
		n := l.meta.nodes[name]
		if n.op != "AssignVariableOp" || len(n.inputs) != 2 {
			continue
		}
		from := l.meta.nodes[nodeOf(n.inputs[1])]
		if from == nil || from.op != "ReadVariableOp" || len(from.inputs) != 1 {
			continue
		}
		original, stored := handle(from.inputs[0]), handle(n.inputs[0])
		if original != nil && stored != nil && original.content.kind == isMissing {
			original.content = stored.content
		}
	}
}

// feedFiles gives the tensors that are to hold the names of files what stands for those.
func (l *lowering) feedFiles(s *scope) {
	if name := l.meta.saver.filename; name != "" {
		s.feed(name, value{missing: fault(Unsupported, "the name of the variables' files is taken for a tensor")})
	}
	for name, file := range l.meta.assets {
		s.feed(name, value{kind: isAsset, text: file})
	}
}

// feed gives a tensor a value, whichever way it is referred to.
func (s *scope) feed(name string, v value) {
	s.given[name] = v
	if node := nodeOf(name); name == node+":0" {
		s.given[node] = v
	}
}

func assign(_ *lowering, _ *node, in []value) error {
	if len(in) != 2 || in[0].kind != isResource || in[0].resource.table {
		return fault(Malformed, "assigns to something that is no variable")
	}
	if r := in[0].resource; !r.loaded {
		r.content = in[1]
	}
	return nil
}

// tableOf checks the arguments of an operator that fills a table.
func tableOf(in []value, inputs int) (*resource, error) {
	if len(in) != inputs || in[0].kind != isResource || !in[0].resource.table {
		return nil, fault(Malformed, "fills something that is no table")
	}
	r := in[0].resource
	if r.filled {
		return nil, fault(Unsupported, "the table %.200q is filled twice", r.name)
	}
	r.filled = true
	return r, nil
}

func importTable(_ *lowering, n *node, in []value) error {
	if len(in) == 3 && in[0].kind == isResource && n.op != "LookupTableInsertV2" {
		in[0].resource.filled = false // what is imported replaces what there was
	}
	r, err := tableOf(in, 3)
	if err == nil {
		r.keys, r.values = in[1], in[2]
	}
	return err
}

func importFile(_ *lowering, n *node, in []value) error {
	r, err := tableOf(in, 2)
	if err != nil {
		return err
	}
	r.file = &textTable{
		source: in[1], keyIndex: n.intAttr("key_index", lineNumber), valueIndex: n.intAttr("value_index", lineNumber),
		size: n.intAttr("vocab_size", -1), offset: n.intAttr("offset", 0), delimiter: n.stringAttr("delimiter", "\t"),
	}
	return nil
}

// restore gives what RestoreV2 does: the tensors of variables/ by name, which are not read yet.
func restore(l *lowering, _ *node, in []value) (result, error) {
	if len(in) != 3 {
		return result{}, fault(Malformed, "takes 3 inputs, not %d", len(in))
	}
	var lists [2][]string
	for i := range lists {
		t, err := l.constant("the names of variables", in[i+1])
		if err != nil {
			return result{}, err
		}
		if t.DType() != tensor.String {
			return result{}, fault(Malformed, "the names of variables are %v", t)
		}
		lists[i] = tensor.Data[string](t)
	}
	if len(lists[0]) != len(lists[1]) {
		return result{}, fault(Malformed, "there are %d variables and %d slices", len(lists[0]), len(lists[1]))
	}
	values := make([]value, len(lists[0]))
	for i, key := range lists[0] {
		whole, part, ok := tensorbundle.ParseSlice(lists[1][i])
		if !ok {
			return result{}, fault(Malformed, "%.200q is no slice of a variable", lists[1][i])
		}
		values[i] = value{kind: isStored, stored: stored{key, part, whole}}
	}
	return result{values: values}, nil
}
