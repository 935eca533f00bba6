package text

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// escaped takes what follows a backslash outside of brackets.
func (p *parser) escaped(start int) *node {
	if !p.more() {
		p.fail(start, "ends in a backslash")
		return nil
	}
	switch {
	case p.accept("b"):
		return &node{op: nodeAssert, assert: opWordBoundary}
	case p.accept("B"):
		return &node{op: nodeAssert, assert: opNoWordBoundary}
	case p.accept("A"):
		return &node{op: nodeAssert, assert: opBegin}
	case p.accept("Z"):
		return &node{op: nodeAssert, assert: opEnd}
	}
	if class := p.class(); class != nil {
		return &node{op: nodeSet, set: class}
	}
	if c := p.pattern[p.at]; '1' <= c && c <= '9' && !p.isOctal() {
		p.fail(start, "refers to a group, which is not supported")
		return nil
	}
	return &node{op: nodeSet, set: single(p.literal(start))}
}

// class takes the letter of a class of characters, if one comes next.
func (p *parser) class() *set {
	var class uint8
	switch p.pattern[p.at] {
	case 'w', 'W':
		class = classWord
	case 's', 'S':
		class = classSpace
	case 'd', 'D':
		class = classDigit
	default:
		return nil
	}
	letter := p.character()
	if letter <= 'Z' {
		return &set{without: class}
	}
	return &set{classes: class}
}

// isOctal says that three octal digits come next, which are a character.
func (p *parser) isOctal() bool {
	const digits = "01234567"
	rest := p.pattern[p.at:]
	return len(rest) >= 3 && strings.Trim(rest[:3], digits) == ""
}

// literal takes the character that an escape stands for.
func (p *parser) literal(start int) rune {
	switch c := p.character(); {
	case c == 'x':
		return p.code(start, 2, 16)
	case c == 'u':
		return p.code(start, 4, 16)
	case c == 'U':
		return p.code(start, 8, 16)
	case '0' <= c && c <= '7':
		p.at--
		if p.isOctal() {
			return p.code(start, 3, 8)
		}
		if c != '0' {
			break
		}
		// At most two digits.
		digits := 1
		if rest := p.pattern[p.at+1:]; rest != "" && '0' <= rest[0] && rest[0] <= '7' {
			digits = 2
		}
		return p.code(start, digits, 8)
	case c >= utf8.RuneSelf || !isAlphanumeric(byte(c)):
		return c
	default:
		if i := strings.IndexRune("abfnrtv", c); i >= 0 {
			return rune("\a\b\f\n\r\t\v"[i])
		}
	}
	p.fail(start, "has an escape that is not supported")
	return 0
}

// code takes the digits of a character.
func (p *parser) code(start, digits, base int) rune {
	rest := p.pattern[p.at:]
	if len(rest) < digits {
		p.fail(start, "has too short an escape")
		return 0
	}
	code, err := strconv.ParseUint(rest[:digits], base, 32)
	if err != nil || code > utf8.MaxRune || (base == 8 && code > 0o377) {
		p.fail(start, "has an escape that is no character")
		return 0
	}
	p.at += digits
	return rune(code)
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// brackets takes the rest of a set.
func (p *parser) brackets() *set {
	start := p.at - 1
	found := &set{negated: p.accept("^")}
	for first := true; first || !p.accept("]"); first = false {
		if !p.more() {
			p.fail(start, "has a [ too many")
			return found
		}
		low, class := p.member()
		if class != nil {
			found.classes |= class.classes
			found.without |= class.without
		}
		high := low
		if rest := p.pattern[p.at:]; len(rest) > 1 && rest[0] == '-' && rest[1] != ']' {
			p.at++
			var end *set
			if high, end = p.member(); class != nil || end != nil || high < low {
				p.fail(start, "has a range that is none")
			}
		}
		if class == nil {
			found.ranges = append(found.ranges, characterRange{low, high})
		}
	}
	return found
}

// member takes one of a set: a character or a class.
func (p *parser) member() (rune, *set) {
	start := p.at
	c := p.character()
	if c != '\\' {
		return c, nil
	}
	if !p.more() {
		p.fail(start, "ends in a backslash")
		return 0, nil
	}
	if class := p.class(); class != nil {
		return 0, class
	}
	return p.literal(start), nil
}
