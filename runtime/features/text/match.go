package text

// matcher runs a program over a text, all ways through it at once, so that the time is that of the text's length times the
// program's; the ways are kept in the order in which Python would try them.
type matcher struct {
	program []instruction
	text    []byte
	// active are the ways that wait for the character at the place; following those that wait for the next one.
	active, following ways
	// empty says that a match at begin that is empty was found already.
	empty bool
	begin int
	// steps is how many more may be done in this text; less than none ends it.
	steps int
}

// places are those of a match, and of the group in it; -1 where it has none.
type places [4]int

// ways are instructions in order of preference, each with the places on the way to it.
type ways struct {
	list []way
	// seen holds for each instruction its index in the list; an index that is another's, or beyond it, is none.
	seen []int
}

type way struct {
	at     int
	places places
}

// Finding all tokens takes one or two passes over the text. There are patterns that go through the rest of it for each token,
// and no limit would be that of a square; whoever chose the pattern has not chosen the text.
const (
	freeSteps = 1 << 20
	passes    = 2
)

// start prepares for finding the tokens of another text.
func (m *matcher) start(p *Pattern, text []byte) {
	m.empty = false
	m.steps = freeSteps + passes*len(p.program)*len(text)
}

// next finds the next token from an offset on. Like Python's findall it finds an empty match after another one, too, but
// not twice at one place.
func (m *matcher) next(p *Pattern, text []byte, from int) (token []byte, next int) {
	m.program, m.text, m.begin = p.program, text, from
	m.active.fit(len(p.program))
	m.following.fit(len(p.program))
	found, ok := m.search()
	if !ok {
		return nil, -1
	}
	m.empty = found[0] == found[1]
	first, last := found[0], found[1]
	if p.group {
		first, last = max(found[2], 0), max(found[3], 0)
	}
	return text[first:last], found[1]
}

func (w *ways) fit(size int) {
	w.list = w.list[:0]
	if len(w.seen) < size {
		w.seen = make([]int, size)
	}
}

// search finds the first match, and of those that begin there the one that Python prefers.
func (m *matcher) search() (found places, ok bool) {
	for at := m.begin; ; {
		if !ok {
			m.follow(&m.active, 0, at, places{-1, -1, -1, -1})
		}
		if m.steps -= len(m.active.list); m.steps < 0 {
			return places{}, false
		}
		class, size := classAt(m.text, at)
		if match, matched := m.step(at, size, class); matched {
			found, ok = match, true
		}
		m.active, m.following = m.following, m.active
		m.following.list = m.following.list[:0]
		if size == 0 || (ok && len(m.active.list) == 0) {
			return found, ok
		}
		at += size
	}
}

// step lets all ways take the character at a place. One that matches ends it: those after it are less preferred.
func (m *matcher) step(at, size int, class uint8) (match places, ok bool) {
	for i := range m.active.list {
		way := &m.active.list[i]
		switch step := &m.program[way.at]; step.op {
		case opMatch:
			if !m.empty || at != m.begin {
				return way.places, true
			}
		case opSet:
			if size > 0 && step.set.has(m.text, at, size, class) {
				m.follow(&m.following, way.at+1, at+size, way.places)
			}
		default: // has been followed
		}
	}
	return places{}, false
}

// follow goes on from an instruction to all that wait for a character, or match.
func (m *matcher) follow(into *ways, at, place int, noted places) {
	if index := into.seen[at]; index < len(into.list) && into.list[index].at == at {
		return
	}
	// Also those that lead on are in the list, so that none is followed twice; they wait for no character.
	into.seen[at] = len(into.list)
	into.list = append(into.list, way{at, noted})
	switch step := &m.program[at]; step.op {
	case opJump:
		m.follow(into, step.x, place, noted)
	case opSplit:
		m.follow(into, step.x, place, noted)
		m.follow(into, step.y, place, noted)
	case opSave:
		noted[step.x] = place
		m.follow(into, at+1, place, noted)
	case opSet, opMatch:
	default:
		if m.holds(step.op, place) {
			m.follow(into, at+1, place, noted)
		}
	}
}

// holds says whether an assertion does at a place.
func (m *matcher) holds(assertion opcode, place int) bool {
	switch assertion {
	case opBegin:
		return place == 0
	case opEnd:
		return place == len(m.text)
	case opLineEnd:
		return place == len(m.text) || (place == len(m.text)-1 && m.text[place] == '\n')
	default:
		if len(m.text) == 0 {
			return false // neither of them, before Python 3.14
		}
		after, _ := classAt(m.text, place)
		boundary := (classBefore(m.text, place)^after)&classWord != 0
		return boundary == (assertion == opWordBoundary)
	}
}
