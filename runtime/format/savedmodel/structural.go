package savedmodel

import "github.com/ctr-operator/ctr-operator/runtime/tensor"

// structural are the operators that are not in the graph that is built: they name values, hold them, or call functions.
func structural() map[string]structure {
	table := map[string]structure{
		"Const":                   constant,
		"Placeholder":             placeholder,
		"PlaceholderV2":           placeholder,
		"PlaceholderWithDefault":  same,
		"NoOp":                    func(*scope, *node, []value) (result, error) { return result{}, nil },
		"VariableV2":              variable,
		"Variable":                variable,
		"VarHandleOp":             variable,
		"ReadVariableOp":          read,
		"PartitionedCall":         call,
		"StatefulPartitionedCall": call,
		"If":                      choose,
		"StatelessIf":             choose,
		"Switch":                  separate,
		"Merge":                   merge,
	}
	for _, name := range []string{
		"Identity", "IdentityN", "StopGradient", "PreventGradient", "Snapshot", "CheckNumerics", "CheckNumericsV2",
		"EnsureShape", "DebugGradientIdentity", "DebugIdentity", "DebugIdentityV2", "DisableCopyOnRead",
	} {
		table[name] = same
	}
	for _, name := range []string{
		"HashTableV2", "HashTable", "MutableHashTableV2", "MutableHashTable", "MutableDenseHashTableV2", "MutableDenseHashTable",
		"AnonymousHashTable", "AnonymousMutableHashTable", "AnonymousMutableDenseHashTable",
	} {
		table[name] = hashTable
	}
	return table
}

// structure is what a structural operator computes.
type structure func(s *scope, n *node, in []value) (result, error)

// same is for operators that pass on what they get. Assertions that some of them make are not tested: they guard against
// mistakes in training.
func same(_ *scope, _ *node, in []value) (result, error) { return result{values: in}, nil }

func constant(s *scope, n *node, _ []value) (result, error) {
	m, ok := n.field("value", attrTensor)
	if !ok {
		return result{}, fault(Malformed, "a constant without a value")
	}
	t := readTensor(m)
	if t == nil {
		return result{}, s.l.message.Err()
	}
	return one(tensorValue(s.l.b.Constant(t))), nil
}

func placeholder(_ *scope, n *node, _ []value) (result, error) {
	missing := fault(Malformed, "the placeholder %.200q is needed, and no input of the signature", n.name)
	return one(value{missing: missing}), nil
}

// shared finds a variable or table by the name under which nodes share it, or makes it.
func (l *lowering) shared(s *scope, n *node, table bool) *resource {
	name := n.stringAttr("shared_name", "")
	if name == "" {
		name = s.name + n.name
	}
	id := n.op + "\x00" + n.stringAttr("container", "") + "\x00" + name
	r := l.resources[id]
	if r == nil {
		r = &resource{name: name, table: table}
		l.resources[id] = r
	}
	return r
}

func variable(s *scope, n *node, _ []value) (result, error) {
	return one(value{kind: isResource, resource: s.l.shared(s, n, false)}), nil
}

func read(s *scope, _ *node, in []value) (result, error) {
	if len(in) != 1 || in[0].kind != isResource || in[0].resource.table {
		return result{}, fault(Malformed, "reads something that is no variable")
	}
	if s.effects { // what it holds may not be known yet, and may not be needed
		return result{values: in}, nil
	}
	v, err := s.l.variable(in[0].resource)
	return one(tensorValue(v)), err
}

func hashTable(s *scope, n *node, _ []value) (result, error) {
	r := s.l.shared(s, n, true)
	r.keyType, r.valueType = n.typeAttr("key_dtype", 0), n.typeAttr("value_dtype", 0)
	r.mutable = n.op != "HashTableV2" && n.op != "HashTable" && n.op != "AnonymousHashTable"
	return one(value{kind: isResource, resource: r}), nil
}

func call(s *scope, n *node, in []value) (result, error) {
	values, err := s.call(n.funcAttr("f"), in)
	return result{values: values}, err
}

// one is the result of a node with one output.
func one(v value) result { return result{values: []value{v}} }

// condition is whether a value, which must be known, is true.
func (l *lowering) condition(v value) (bool, error) {
	t, err := l.constant("the condition", v)
	if err != nil {
		return false, err
	}
	if t.DType() != tensor.Bool || t.Len() != 1 {
		return false, fault(Unsupported, "a condition that is %v, not one bool", t)
	}
	return tensor.Data[bool](t)[0], nil
}

// choose calls one of two functions, by a condition that is known: whether the model is being trained.
func choose(s *scope, n *node, in []value) (result, error) {
	if len(in) == 0 {
		return result{}, fault(Malformed, "has no condition")
	}
	yes, err := s.l.condition(in[0])
	if err != nil {
		return result{}, err
	}
	branch := "else_branch"
	if yes {
		branch = "then_branch"
	}
	values, err := s.call(n.funcAttr(branch), in[1:])
	return result{values: values}, err
}

// separate passes a value on to one of two sides, by a condition that is known; merge joins the sides.
func separate(s *scope, _ *node, in []value) (result, error) {
	if len(in) != 2 {
		return result{}, fault(Malformed, "takes 2 inputs, not %d", len(in))
	}
	yes, err := s.l.condition(in[1])
	if err != nil {
		return result{}, err
	}
	values := []value{in[0], {kind: isDead}}
	if yes {
		values[0], values[1] = values[1], values[0]
	}
	return named(values, "output_false", "output_true"), nil
}

func merge(s *scope, _ *node, in []value) (result, error) {
	for i, v := range in {
		if v.kind != isDead {
			at := s.l.b.Constant(tensor.Of([]int32{int32(i)}))
			return named([]value{v, tensorValue(at)}, "output", "value_index"), nil
		}
	}
	return result{dead: true}, nil
}
