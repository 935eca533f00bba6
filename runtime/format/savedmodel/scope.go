package savedmodel

import (
	"slices"
	"strconv"
	"strings"
)

// The limits of functions.
const (
	// MaxDepth is how deep functions may be called within each other.
	MaxDepth = 32
	// MaxCalls is how often functions are called in all.
	MaxCalls = 1 << 16
)

// scope is the graph, or one call of a function, while it is followed.
type scope struct {
	l     *lowering
	name  string // of the function and a slash, empty for the graph
	nodes map[string]*node
	// given are values that take the place of nodes' outputs: what is fed, and a function's arguments.
	given map[string]value
	done  map[string]result
	depth int
	// effects says that nodes are followed for what they do to variables and tables.
	effects bool
}

// result is what a node computes: values, and where in them each of its several outputs begins. All are dead if dead is set.
type result struct {
	values []value
	starts map[string]int
	dead   bool
}

func (l *lowering) scope(name string, nodes map[string]*node, depth int, effects bool) *scope {
	return &scope{
		l: l, name: name, nodes: nodes, depth: depth, effects: effects, given: map[string]value{}, done: map[string]result{},
	}
}

// nodeOf is the node's name in a reference to one of its outputs: "node", "node:1" or, in functions, "node:output:0".
func nodeOf(ref string) string {
	name, _, _ := strings.Cut(ref, ":")
	return name
}

// value is a tensor by reference. Its node has been followed, or it is given.
func (s *scope) value(ref string) (value, error) {
	if v, ok := s.given[ref]; ok {
		return v, nil
	}
	parts := strings.Split(ref, ":")
	done, ok := s.done[parts[0]]
	if !ok {
		return value{}, fault(Malformed, "there is no node %.200q", parts[0])
	}
	if done.dead {
		return value{kind: isDead}, nil
	}
	index, start := 0, 0
	if len(parts) > 1 {
		n, err := strconv.ParseUint(parts[len(parts)-1], 10, 31)
		if err != nil {
			return value{}, fault(Malformed, "%.200q names no output of a node", ref)
		}
		index = int(n)
	}
	if len(parts) > 2 {
		start = done.starts[parts[1]]
	}
	if start+index >= len(done.values) {
		return value{}, fault(Malformed, "the node has no output %.200q", ref)
	}
	return done.values[start+index], nil
}

// visit is a node on the way from what is needed to what that needs.
type visit struct {
	node  *node
	needs []string
	next  int
}

// follow lowers the nodes of some references, and before each what it needs. It does not call itself, since chains of nodes
// may be as long as the file allows.
func (s *scope) follow(refs ...string) error {
	active := map[string]bool{}
	path := []visit{{needs: refs}}
	for len(path) > 0 {
		last := &path[len(path)-1]
		if last.next < len(last.needs) {
			ref := last.needs[last.next]
			last.next++
			next, err := s.enter(ref, active)
			if err != nil {
				return s.at(last.node, err)
			}
			if next != nil {
				path = append(path, visit{node: next, needs: s.needs(next)})
			}
			continue
		}
		if n := last.node; n != nil {
			if err := s.lower(n); err != nil {
				return s.at(n, err)
			}
			delete(active, n.name)
		}
		path = path[:len(path)-1]
	}
	return nil
}

func (s *scope) at(n *node, err error) error {
	if n == nil {
		return err
	}
	return at(s.name+n.name, err)
}

// enter returns the node of a reference where it has not been followed yet.
func (s *scope) enter(ref string, active map[string]bool) (*node, error) {
	name := nodeOf(ref)
	if _, ok := s.given[ref]; ok {
		return nil, nil
	}
	if _, ok := s.done[name]; ok {
		return nil, nil
	}
	n := s.nodes[name]
	if n == nil {
		return nil, fault(Malformed, "there is no node %.200q", name)
	}
	if active[name] {
		return nil, fault(Unsupported, "the node %.200q needs itself: loops are not supported", name)
	}
	active[name] = true
	return n, nil
}

// needs are the references that a node needs.
func (s *scope) needs(n *node) []string {
	if !s.effects || len(n.after) == 0 {
		return n.inputs
	}
	return append(append([]string(nil), n.after...), n.inputs...)
}

// lower makes of one node what it is in the graph.
func (s *scope) lower(n *node) error {
	if err := s.l.step(); err != nil {
		return err
	}
	in := make([]value, len(n.inputs))
	for i, ref := range n.inputs {
		v, err := s.value(ref)
		if err != nil {
			return err
		}
		in[i] = v
	}
	done, err := s.l.node(s, n, in)
	if wire := s.l.message.Err(); wire != nil {
		return wrapped(wire)
	}
	if err != nil {
		err = s.at(n, wrapped(err))
		// Where only effects count, a node that is not understood is one only if something that is asked for needs it.
		if !s.effects || KindOf(err) != Unsupported {
			return err
		}
		done = result{values: []value{{missing: err}}}
	}
	s.done[n.name] = done
	return nil
}

// call follows a function.
func (s *scope) call(name string, args []value) ([]value, error) {
	f := s.l.meta.functions[name]
	switch {
	case f == nil:
		return nil, fault(Malformed, "there is no function %.200q", name)
	case s.depth >= MaxDepth:
		return nil, fault(TooLarge, "functions call each other more than %d deep, or for ever", MaxDepth)
	case s.l.calls >= MaxCalls:
		return nil, fault(TooLarge, "functions are called more than %d times", MaxCalls)
	case len(args) != len(f.args):
		return nil, fault(Malformed, "the function %.200q takes %d arguments, not %d", name, len(f.args), len(args))
	}
	s.l.calls++
	inner := s.l.scope(name+"/", f.nodes, s.depth+1, s.effects)
	for i, arg := range f.args {
		// An argument is referred to by its name, and, where it could be several tensors, by its place in it.
		inner.given[arg], inner.given[arg+":0"] = args[i], args[i]
	}
	if err := inner.follow(inner.wanted(f)...); err != nil {
		return nil, err
	}
	values := make([]value, len(f.results))
	for i, r := range f.results {
		v, err := inner.returned(f.returned[r])
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

// returned is one of a function's results. One that cannot be served is an error only where it is needed: functions return
// what only their gradients take, too.
func (s *scope) returned(ref string) (value, error) {
	err := s.follow(ref)
	if KindOf(err) == Unsupported {
		return value{missing: err}, nil
	}
	if err != nil {
		return value{}, err
	}
	return s.value(ref)
}

// wanted are the nodes of a function that run for their effects, whether something needs them or not.
func (s *scope) wanted(f *function) []string {
	if !s.effects {
		return nil
	}
	wanted := append([]string(nil), f.effects...)
	for name, n := range f.nodes {
		if s.l.effects[n.op] != nil {
			wanted = append(wanted, name)
		}
	}
	return wanted
}

// node lowers a node that is in the table of operators, or has to do with variables, tables and functions.
func (l *lowering) node(s *scope, n *node, in []value) (result, error) {
	if do := l.effects[n.op]; do != nil {
		if !s.effects {
			return result{values: []value{{missing: fault(Unsupported, "the value of %s, which changes the model", n.op)}}}, nil
		}
		return result{}, do(l, n, in)
	}
	if n.op != "Merge" && slices.ContainsFunc(in, func(v value) bool { return v.kind == isDead }) {
		return result{dead: true}, nil
	}
	if do := l.structural[n.op]; do != nil {
		return do(s, n, in)
	}
	o, ok := l.operators[n.op]
	if !ok {
		return result{}, unknown(n.op)
	}
	if name, found := n.inexact(); found && !movesOnly(n.op) {
		return result{}, fault(Unsupported, "%s computes with %s; export the model with float32 and int32 or int64", n.op, name)
	}
	return o(l, n, in)
}

// unknown is the error for an operator that is in no table.
func unknown(op string) error {
	if unsafe()[op] {
		return fault(Unsafe, "the operator %.200q runs code or touches files, which models may not", op)
	}
	return fault(Unsupported, "the operator %.200q is not supported; supported are %s", op, strings.Join(Operators(), ", "))
}
