package savedmodel

// structural are the operators that are not in the graph that is built: they name values, hold them, or call functions.
func structural() map[string]structure {
	table := map[string]structure{
		"Const":                   constant,
		"Placeholder":             placeholder,
		"PlaceholderV2":           placeholder,
		"PlaceholderWithDefault":  same,
		"NoOp":                    func(*scope, *node, []value) ([]value, error) { return nil, nil },
		"VariableV2":              variable,
		"Variable":                variable,
		"VarHandleOp":             variable,
		"ReadVariableOp":          read,
		"PartitionedCall":         call,
		"StatefulPartitionedCall": call,
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
type structure func(s *scope, n *node, in []value) ([]value, error)

// same is for operators that pass on what they get. Assertions that some of them make are not tested: they guard against
// mistakes in training.
func same(_ *scope, _ *node, in []value) ([]value, error) { return in, nil }

func constant(s *scope, n *node, _ []value) ([]value, error) {
	m, ok := n.field("value", attrTensor)
	if !ok {
		return nil, fault(Malformed, "a constant without a value")
	}
	t := readTensor(m)
	if t == nil {
		return nil, s.l.message.Err()
	}
	return []value{tensorValue(s.l.b.Constant(t))}, nil
}

func placeholder(_ *scope, n *node, _ []value) ([]value, error) {
	return []value{{missing: fault(Malformed, "the placeholder %.200q is needed, and no input of the signature", n.name)}}, nil
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

func variable(s *scope, n *node, _ []value) ([]value, error) {
	return []value{{kind: isResource, resource: s.l.shared(s, n, false)}}, nil
}

func read(s *scope, _ *node, in []value) ([]value, error) {
	if len(in) != 1 || in[0].kind != isResource || in[0].resource.table {
		return nil, fault(Malformed, "reads something that is no variable")
	}
	if s.effects { // what it holds may not be known yet, and may not be needed
		return in, nil
	}
	v, err := s.l.variable(in[0].resource)
	return []value{tensorValue(v)}, err
}

func hashTable(s *scope, n *node, _ []value) ([]value, error) {
	r := s.l.shared(s, n, true)
	r.keyType, r.valueType = n.typeAttr("key_dtype", 0), n.typeAttr("value_dtype", 0)
	r.mutable = n.op != "HashTableV2" && n.op != "HashTable" && n.op != "AnonymousHashTable"
	return []value{{kind: isResource, resource: r}}, nil
}

func call(s *scope, n *node, in []value) ([]value, error) {
	return s.call(n.funcAttr("f"), in)
}
