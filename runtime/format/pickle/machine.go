package pickle

import (
	"context"
	"fmt"
)

// machine is pickle's stack machine, less the part that calls. The first error sticks and ends the run.
type machine struct {
	in      cursor
	options Options
	// at is where the current opcode begins.
	at    int
	stack []Node
	// marks are the heights of the stack at which MARK was seen.
	marks []int
	memo  []Node
	// sparse holds memo entries whose number is not the next one, so that a number alone allocates nothing.
	sparse map[uint64]Node
	// outer is the pickle around this one, while an array of objects is read from a joblib file.
	outer  *suspended
	values int
	done   bool
	err    error
}

// cancelInterval is how many opcodes are run between two looks at the context.
const cancelInterval = 4096

func (m *machine) run(ctx context.Context) (Node, error) {
	for count := 0; m.err == nil && !m.done; count++ {
		if count%cancelInterval == 0 && ctx.Err() != nil {
			return nil, fmt.Errorf("reading a pickle, at byte %d: %w", m.in.at, ctx.Err())
		}
		m.at = m.in.at
		m.step()
	}
	if m.err != nil {
		return nil, m.err
	}
	return m.stack[0], nil
}

func (m *machine) step() {
	code := byte(m.in.uint8())
	if m.in.short {
		m.fail(Truncated, "the input ends before the pickle does")
		return
	}
	operation := operations[code]
	if operation.run == nil {
		m.fail(Malformed, "0x%02x is not an opcode", code)
		return
	}
	operation.run(m)
	if m.in.short && m.err == nil {
		m.fail(Truncated, "%s needs more bytes than the %d that are left", operation.name, len(m.in.data)-m.at-1)
	}
}

// headerless says that the input lacks the header of protocol 2 and later. Nearly every byte that text is made of is an
// opcode, too, so that what then fails is more likely another file than a damaged pickle.
func (m *machine) headerless() bool { return m.in.data[0] != opProto }

func (m *machine) fail(kind Kind, format string, args ...any) {
	firstOpcode := m.at == 0
	if m.headerless() && (kind == Malformed || kind == Unsafe || kind == Truncated && firstOpcode) {
		kind = NotPickle
	}
	m.failGlobal(kind, "", format, args...)
}

// failGlobal fails because of a name that the input mentions.
func (m *machine) failGlobal(kind Kind, name, format string, args ...any) {
	if m.err == nil {
		m.err = &Error{Kind: kind, Offset: m.at, Global: name, Message: fmt.Sprintf(format, args...)}
	}
}

// charge counts values against the limit and says whether they may still be made.
func (m *machine) charge(n int) bool {
	if n > m.options.MaxValues-m.values {
		m.fail(TooLarge, "more than %d values", m.options.MaxValues)
		return false
	}
	m.values += n
	return m.err == nil
}

func (m *machine) push(n Node) {
	if m.in.short || !m.charge(1) {
		return
	}
	m.stack = append(m.stack, n)
}

// base is the height below which the current opcode must not reach.
func (m *machine) base() int {
	if len(m.marks) == 0 {
		return 0
	}
	return m.marks[len(m.marks)-1]
}

func (m *machine) pop() Node {
	if m.err != nil {
		return None{}
	}
	if len(m.stack) <= m.base() {
		m.fail(Malformed, "the stack is empty")
		return None{}
	}
	n := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return n
}

func (m *machine) top() Node {
	if m.err != nil {
		return None{}
	}
	if len(m.stack) <= m.base() {
		m.fail(Malformed, "the stack is empty")
		return None{}
	}
	return m.stack[len(m.stack)-1]
}

func (m *machine) mark() {
	if m.charge(1) {
		m.marks = append(m.marks, len(m.stack))
	}
}

// popMark returns what lies above the last mark. The slice is the stack's own, and good until the next push.
func (m *machine) popMark() []Node {
	if len(m.marks) == 0 {
		m.fail(Malformed, "there is no mark")
		return nil
	}
	height := m.base()
	m.marks = m.marks[:len(m.marks)-1]
	items := m.stack[height:]
	m.stack = m.stack[:height]
	return items
}

// popTuple takes n values off the stack.
func (m *machine) popTuple(n int) *Tuple {
	if len(m.stack)-m.base() < n {
		m.fail(Malformed, "the stack is empty")
		return &Tuple{}
	}
	items := append([]Node(nil), m.stack[len(m.stack)-n:]...)
	m.stack = m.stack[:len(m.stack)-n]
	return &Tuple{Items: items}
}

func (m *machine) put(index uint64) {
	value := m.top()
	if m.in.short || !m.charge(1) {
		return
	}
	switch {
	case index < uint64(len(m.memo)):
		m.memo[index] = value
	case index == uint64(len(m.memo)):
		m.memo = append(m.memo, value)
	default:
		if m.sparse == nil {
			m.sparse = map[uint64]Node{}
		}
		m.sparse[index] = value
	}
}

func (m *machine) get(index uint64) {
	if m.in.short {
		return
	}
	if index < uint64(len(m.memo)) {
		m.push(m.memo[index])
		return
	}
	value, ok := m.sparse[index]
	if !ok {
		m.fail(Malformed, "there is no memo %d", index)
		return
	}
	m.push(value)
}

func (m *machine) appendTo(items []Node) {
	if m.err != nil {
		return
	}
	switch target := m.top().(type) {
	case *List:
		target.Items = append(target.Items, items...)
	case *Set:
		target.Items = append(target.Items, items...)
	default:
		m.fail(Unsafe, "would call the append method of %s", KindOf(target))
	}
}

func (m *machine) setItems(items []Node) {
	if m.err != nil {
		return
	}
	target, ok := m.top().(*Dict)
	switch {
	case !ok:
		m.fail(Unsafe, "would call __setitem__ of %s", KindOf(m.top()))
	case len(items)%2 != 0:
		m.fail(Malformed, "a key without a value")
	default:
		for i := 0; i < len(items); i += 2 {
			target.Entries = append(target.Entries, Entry{Key: items[i], Value: items[i+1]})
		}
	}
}

func (m *machine) stop() {
	result := m.pop()
	if len(m.marks) > 0 {
		m.fail(Malformed, "the pickle ends within a mark")
	}
	if m.outer != nil && m.err == nil {
		m.leave(result)
		return
	}
	m.stack = append(m.stack[:0], result)
	m.done = true
}
