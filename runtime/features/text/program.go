package text

// opcode is what an instruction does.
type opcode uint8

const (
	// opSet takes a character of the set.
	opSet opcode = iota + 1
	// opSplit goes on at x, and at y where that leads nowhere.
	opSplit
	// opJump goes on at x.
	opJump
	// opSave notes the place as number x.
	opSave
	opMatch
	// Those after it compare the place with what is around it.
	opBegin
	opEnd
	// opLineEnd is the end, or before a newline that is the last character.
	opLineEnd
	opWordBoundary
	opNoWordBoundary
)

type instruction struct {
	op   opcode
	x, y int
	set  *set
}

type compiler struct{ program []instruction }

// assemble makes the program of a regular expression; it has more than maxProgram instructions where it is too large.
func assemble(root *node) []instruction {
	c := &compiler{}
	c.emit(instruction{op: opSave, x: 0})
	c.node(root)
	c.emit(instruction{op: opSave, x: 1})
	c.emit(instruction{op: opMatch})
	return c.program
}

func (c *compiler) emit(i instruction) int {
	c.program = append(c.program, i)
	return len(c.program) - 1
}

// node appends a part's instructions, unless there are too many already.
func (c *compiler) node(n *node) {
	if len(c.program) > maxProgram {
		return
	}
	switch n.op {
	case nodeSet:
		c.emit(instruction{op: opSet, set: n.set})
	case nodeAssert:
		c.emit(instruction{op: n.assert})
	case nodeSequence:
		for _, child := range n.children {
			c.node(child)
		}
	case nodeAlternatives:
		c.alternatives(n.children)
	case nodeRepeat:
		c.repeat(n)
	case nodeGroup:
		c.emit(instruction{op: opSave, x: 2})
		c.node(n.children[0])
		c.emit(instruction{op: opSave, x: 3})
	}
}

func (c *compiler) alternatives(children []*node) {
	var ends []int
	for i, child := range children {
		if i == len(children)-1 {
			c.node(child)
			break
		}
		split := c.emit(instruction{op: opSplit, x: len(c.program) + 1})
		c.node(child)
		ends = append(ends, c.emit(instruction{op: opJump}))
		c.program[split].y = len(c.program)
	}
	for _, end := range ends {
		c.program[end].x = len(c.program)
	}
}

// repeat writes the part out as often as it must be there, and then as often as it may.
func (c *compiler) repeat(n *node) {
	body := n.children[0]
	for range n.min {
		c.node(body)
	}
	if n.max == unlimited {
		split := c.emit(instruction{op: opSplit})
		c.node(body)
		c.emit(instruction{op: opJump, x: split})
		c.join(split, n.greedy)
		return
	}
	var splits []int
	for range n.max - n.min {
		splits = append(splits, c.emit(instruction{op: opSplit}))
		c.node(body)
	}
	for _, split := range splits {
		c.join(split, n.greedy)
	}
}

// join makes a split go into what follows it, or out to the end of what there is.
func (c *compiler) join(split int, greedy bool) {
	inside, out := split+1, len(c.program)
	if greedy {
		c.program[split].x, c.program[split].y = inside, out
	} else {
		c.program[split].x, c.program[split].y = out, inside
	}
}
