package text

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// node is a part of a regular expression.
type node struct {
	op       nodeOp
	set      *set
	assert   opcode
	min, max int
	greedy   bool
	children []*node
}

type nodeOp uint8

const (
	nodeSet nodeOp = iota + 1
	nodeAssert
	nodeSequence
	nodeAlternatives
	nodeRepeat
	nodeGroup
)

// unlimited is a repetition's upper bound where it has none; maxRepeat the highest bound that is one.
const (
	unlimited = -1
	maxRepeat = 1000
)

// parser reads Python's syntax. Its first error ends it.
type parser struct {
	pattern string
	at      int
	// everything is what a dot matches newlines by.
	everything    bool
	groups, depth int
	err           error
}

func (p *parser) fail(at int, format string, arguments ...any) {
	if p.err == nil {
		p.err = &PatternError{Pattern: p.pattern, Offset: at, Message: fmt.Sprintf(format, arguments...)}
		p.at = len(p.pattern)
	}
}

func (p *parser) more() bool { return p.at < len(p.pattern) }

// accept takes a text, if it comes next.
func (p *parser) accept(text string) bool {
	if !strings.HasPrefix(p.pattern[p.at:], text) {
		return false
	}
	p.at += len(text)
	return true
}

// character takes one.
func (p *parser) character() rune {
	r, size := utf8.DecodeRuneInString(p.pattern[p.at:])
	p.at += size
	return r
}

func (p *parser) parse() *node {
	if !utf8.ValidString(p.pattern) {
		p.fail(0, "is not UTF-8")
	}
	p.flags()
	root := p.alternatives()
	if p.more() {
		p.fail(p.at, "has a ) too many")
	}
	if p.groups > 1 {
		p.fail(0, "has more than one group; write (?:…) for those that are not the token")
	}
	return root
}

// flags takes those that the pattern begins with. Unicode is what Python does in any case.
func (p *parser) flags() {
	const opening = "(?"
	for strings.HasPrefix(p.pattern[p.at:], opening) {
		letters, _, found := strings.Cut(p.pattern[p.at+len(opening):], ")")
		if !found || letters == "" || strings.Trim(letters, "aiLmsux") != "" {
			return
		}
		if strings.Trim(letters, "us") != "" {
			p.fail(p.at, "has the flags %s; supported are u and s", letters)
			return
		}
		p.everything = p.everything || strings.Contains(letters, "s")
		p.at += len(opening) + len(letters) + len(")")
	}
}

func (p *parser) alternatives() *node {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		p.fail(p.at, "is nested more than %d deep", maxDepth)
		return &node{op: nodeSequence}
	}
	alternatives := []*node{p.sequence()}
	for p.accept("|") {
		alternatives = append(alternatives, p.sequence())
	}
	if len(alternatives) == 1 {
		return alternatives[0]
	}
	return &node{op: nodeAlternatives, children: alternatives}
}

func (p *parser) sequence() *node {
	sequence := &node{op: nodeSequence}
	for p.more() && p.pattern[p.at] != '|' && p.pattern[p.at] != ')' {
		if part := p.quantified(p.atom()); part != nil {
			sequence.children = append(sequence.children, part)
		}
	}
	if len(sequence.children) == 1 {
		return sequence.children[0]
	}
	return sequence
}

func (p *parser) atom() *node {
	start := p.at
	switch c := p.character(); c {
	case '.':
		if p.everything {
			return &node{op: nodeSet, set: &set{negated: true}}
		}
		return &node{op: nodeSet, set: &set{ranges: single('\n').ranges, negated: true}}
	case '^':
		return &node{op: nodeAssert, assert: opBegin}
	case '$':
		return &node{op: nodeAssert, assert: opLineEnd}
	case '[':
		return &node{op: nodeSet, set: p.brackets()}
	case '(':
		return p.parenthesis(start)
	case '\\':
		return p.escaped(start)
	case '*', '+', '?':
		p.fail(start, "has nothing to repeat")
		return nil
	default:
		return &node{op: nodeSet, set: single(c)}
	}
}

func (p *parser) parenthesis(start int) *node {
	group := true
	if p.accept("?") {
		switch {
		case p.accept(":"):
			group = false
		case p.accept("P<"):
			name, _, found := strings.Cut(p.pattern[p.at:], ">")
			if !found || name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") != "" {
				p.fail(start, "has a group whose name is none")
				return nil
			}
			p.at += len(name) + len(">")
		default:
			p.fail(start, "has (?%.1s, which is not supported; supported are (…), (?P<name>…) and (?:…)", p.pattern[p.at:])
			return nil
		}
	}
	if group {
		p.groups++
	}
	inner := p.alternatives()
	if !p.accept(")") {
		p.fail(start, "has a ( too many")
	}
	if !group {
		return inner
	}
	return &node{op: nodeGroup, children: []*node{inner}}
}

// quantified takes what repeats an atom, if anything does.
func (p *parser) quantified(atom *node) *node {
	start := p.at
	least, most, ok := p.quantifier()
	if !ok || atom == nil {
		return atom
	}
	repeat := &node{op: nodeRepeat, min: least, max: most, greedy: true, children: []*node{atom}}
	if p.accept("?") {
		repeat.greedy = false
	}
	if p.accept("+") {
		p.fail(start, "has a possessive quantifier, which is not supported")
	}
	switch second := p.at; {
	case atom.op == nodeAssert:
		p.fail(start, "repeats what has no length")
	case most != 1 && atom.least() == 0:
		p.fail(start, "repeats what may be empty, which is not supported")
	default:
		if _, _, again := p.quantifier(); again {
			p.fail(second, "repeats a repetition")
		}
	}
	return repeat
}

func (p *parser) quantifier() (least, most int, ok bool) {
	switch {
	case p.accept("*"):
		return 0, unlimited, true
	case p.accept("+"):
		return 1, unlimited, true
	case p.accept("?"):
		return 0, 1, true
	case p.more() && p.pattern[p.at] == '{':
		return p.braces()
	default:
		return 0, 0, false
	}
}

// braces takes {m}, {m,}, {,n} or {m,n}. Anything else in braces is just characters.
func (p *parser) braces() (least, most int, ok bool) {
	start := p.at
	p.at++
	low := p.digits()
	high, comma := low, p.accept(",")
	if comma {
		high = p.digits()
	}
	if !p.accept("}") || (low == "" && !comma) {
		p.at = start
		return 0, 0, false
	}
	least, most = 0, unlimited
	if low != "" {
		least = p.bound(start, low)
	}
	if high != "" {
		most = p.bound(start, high)
	}
	if most != unlimited && most < least {
		p.fail(start, "repeats at least %d and at most %d times", least, most)
	}
	return least, most, true
}

func (p *parser) digits() string {
	start := p.at
	for p.more() && '0' <= p.pattern[p.at] && p.pattern[p.at] <= '9' {
		p.at++
	}
	return p.pattern[start:p.at]
}

func (p *parser) bound(at int, digits string) int {
	bound, err := strconv.Atoi(digits)
	if err != nil || bound > maxRepeat {
		p.fail(at, "repeats more than %d times, which is not supported", maxRepeat)
		return 0
	}
	return bound
}

// least is how many characters a part needs.
func (n *node) least() int {
	switch n.op {
	case nodeSet:
		return 1
	case nodeAssert:
		return 0
	case nodeRepeat:
		return min(n.min*n.children[0].least(), maxPattern)
	case nodeAlternatives:
		least := maxPattern
		for _, child := range n.children {
			least = min(least, child.least())
		}
		return least
	default:
		sum := 0
		for _, child := range n.children {
			sum = min(sum+child.least(), maxPattern)
		}
		return sum
	}
}
