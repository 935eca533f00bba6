package text

import "fmt"

// Pattern is a compiled regular expression of Python's, as token_pattern has it: what it finds in a text are the tokens, or
// what its group finds, if it has one.
type Pattern struct {
	// run is set for the patterns that find runs of one class of characters, which need no machine.
	run     *run
	program []instruction
	// group says that the tokens are what the group finds.
	group bool
}

// run finds the longest runs of characters of a set, if they have at least so many.
type run struct {
	set   *set
	least int
}

// PatternError says why a regular expression is refused.
type PatternError struct {
	Pattern string
	// Offset is where in the pattern, in bytes.
	Offset  int
	Message string
}

func (e *PatternError) Error() string {
	return fmt.Sprintf("the regular expression %.80q at %d: %s", e.Pattern, e.Offset, e.Message)
}

// The limits of a pattern.
const (
	maxPattern = 1 << 12
	maxDepth   = 1 << 6
	maxProgram = 1 << 11
)

// Compile compiles a regular expression. Supported is what a machine finds that goes through the text once for a token, in
// time that grows with the text and no faster, and that means the same in every version of Python: no references to groups,
// no looking around, no possessive quantifiers, no flags but u and s, at most one group. Where the search for each token
// goes on to the end of the text, as with a.*b|a, long texts are refused: see ErrTooLong. Its errors are *PatternError.
func Compile(pattern string) (*Pattern, error) {
	if len(pattern) > maxPattern {
		return nil, &PatternError{Pattern: pattern, Message: fmt.Sprintf("is longer than %d bytes", maxPattern)}
	}
	p := &parser{pattern: pattern}
	root := p.parse()
	if p.err != nil {
		return nil, p.err
	}
	if run := asRun(root); run != nil {
		return &Pattern{run: run}, nil
	}
	program := assemble(root)
	if len(program) > maxProgram {
		return nil, &PatternError{Pattern: pattern, Message: "its repetitions make it too large"}
	}
	return &Pattern{program: program, group: p.groups == 1}, nil
}

// next finds the next token from an offset on, and the offset after it; that is negative where there is none.
func (p *Pattern) next(m *matcher, text []byte, from int) (token []byte, next int) {
	if p.run == nil {
		return m.next(p, text, from)
	}
	for from < len(text) {
		class, size := classAt(text, from)
		if !p.run.set.has(text, from, size, class) {
			from += size
			continue
		}
		begin, count := from, 0
		for from < len(text) && p.run.set.has(text, from, size, class) {
			count++
			from += size
			class, size = classAt(text, from)
		}
		if count >= p.run.least {
			return text[begin:from], from
		}
	}
	return nil, -1
}

// asRun recognises patterns like \b\w\w+\b and [^,]+: of one set, repeated without an upper bound. Each match is then a
// whole run, which the boundaries cannot change if the set is that of \w.
func asRun(root *node) *run {
	if root.op == nodeGroup {
		root = root.children[0]
	}
	parts := []*node{root}
	if root.op == nodeSequence {
		parts = root.children
	}
	found := &run{}
	bounded, boundary := true, false
	for i, part := range parts {
		switch {
		case part.op == nodeAssert && part.assert == opWordBoundary && (i == 0 || i == len(parts)-1):
			boundary = true
			continue
		case part.op == nodeRepeat && part.greedy && part.max == unlimited:
			bounded = false
			found.least += part.min
			part = part.children[0]
		default:
			found.least++
		}
		if part.op != nodeSet || (found.set != nil && !found.set.equal(part.set)) {
			return nil
		}
		found.set = part.set
	}
	if found.set == nil || bounded || found.least == 0 || (boundary && !found.set.equal(&set{classes: classWord})) {
		return nil
	}
	return found
}
