package request

import (
	"math"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads JSON tokens (RFC 8259) from a string. Its methods return a problem in words, empty where there is none:
// making an error is left to those who know the path.
type scanner struct {
	s string
	i int
}

// Problems with numbers that callers say in their own words.
const (
	notNumber  = "is not a number"
	outOfRange = "is out of range"
)

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// space passes over white space.
func (z *scanner) space() {
	for z.i < len(z.s) {
		switch z.s[z.i] {
		case ' ', '\t', '\n', '\r':
			z.i++
		default:
			return
		}
	}
}

// take passes over one byte if it is the next.
func (z *scanner) take(c byte) bool {
	if z.i < len(z.s) && z.s[z.i] == c {
		z.i++
		return true
	}
	return false
}

// literal passes over a word if it is the next.
func (z *scanner) literal(word string) bool {
	if len(z.s)-z.i < len(word) || z.s[z.i:z.i+len(word)] != word {
		return false
	}
	z.i += len(word)
	return true
}

// str reads a string. Where it has no escapes, which is nearly always, the result is a piece of the input.
func (z *scanner) str() (text, problem string) {
	if !z.take('"') {
		return "", "must be a string"
	}
	start, ascii := z.i, true
	for ; z.i < len(z.s); z.i++ {
		switch c := z.s[z.i]; {
		case c == '"':
			text = z.s[start:z.i]
			if !ascii && !utf8.ValidString(text) {
				return "", "is not valid UTF-8"
			}
			z.i++
			return text, ""
		case c == '\\':
			return z.escaped(start)
		case c < ' ':
			return "", "has a control character that is not escaped"
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return "", "is a string that does not end"
}

// escaped goes on reading a string that began at start, from its first escape.
func (z *scanner) escaped(start int) (text, problem string) {
	out := append(make([]byte, 0, z.i-start+32), z.s[start:z.i]...)
	for z.i < len(z.s) {
		switch c := z.s[z.i]; {
		case c == '"':
			z.i++
			if !utf8.Valid(out) {
				return "", "is not valid UTF-8"
			}
			return string(out), ""
		case c == '\\':
			if out, problem = z.escape(out); problem != "" {
				return "", problem
			}
		case c < ' ':
			return "", "has a control character that is not escaped"
		default:
			out = append(out, c)
			z.i++
		}
	}
	return "", "is a string that does not end"
}

// escape appends what one escape sequence stands for.
func (z *scanner) escape(out []byte) ([]byte, string) {
	const bad = "has an invalid escape sequence"
	if z.i+1 >= len(z.s) {
		return nil, bad
	}
	c := z.s[z.i+1]
	z.i += 2
	switch c {
	case '"', '\\', '/':
		return append(out, c), ""
	case 'b':
		return append(out, '\b'), ""
	case 'f':
		return append(out, '\f'), ""
	case 'n':
		return append(out, '\n'), ""
	case 'r':
		return append(out, '\r'), ""
	case 't':
		return append(out, '\t'), ""
	case 'u':
	default:
		return nil, bad
	}
	first, ok := z.hex4()
	if !ok {
		return nil, bad
	}
	if !utf16.IsSurrogate(first) {
		return utf8.AppendRune(out, first), ""
	}
	if !z.literal(`\u`) {
		return nil, "has half of a surrogate pair"
	}
	second, ok := z.hex4()
	if !ok {
		return nil, bad
	}
	whole := utf16.DecodeRune(first, second)
	if whole == utf8.RuneError {
		return nil, "has half of a surrogate pair"
	}
	return utf8.AppendRune(out, whole), ""
}

// hex4 reads four hexadecimal digits.
func (z *scanner) hex4() (rune, bool) {
	if len(z.s)-z.i < 4 {
		return 0, false
	}
	var r rune
	for _, c := range []byte(z.s[z.i : z.i+4]) {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	z.i += 4
	return r, true
}

// number reads a number as the nearest float64.
func (z *scanner) number() (float64, string) {
	start := z.i
	integer, problem := z.numeral()
	if problem != "" {
		return 0, problem
	}
	token := z.s[start:z.i]
	// Up to 15 digits an integer is exact, which spares most positions the general conversion.
	if integer && len(token) <= 15 && token[0] != '-' {
		n := 0
		for _, c := range []byte(token) {
			n = n*10 + int(c-'0')
		}
		return float64(n), ""
	}
	f, err := strconv.ParseFloat(token, 64)
	if err != nil || math.IsInf(f, 0) {
		return 0, outOfRange
	}
	return f, ""
}

// numeral passes over a number's text, and says whether it has neither fraction nor exponent.
func (z *scanner) numeral() (integer bool, problem string) {
	z.take('-')
	switch digits := z.digits(); {
	case digits == 0 && (z.literal("NaN") || z.literal("Infinity")):
		return false, "must be a finite number; JSON has no NaN and no Infinity"
	case digits == 0:
		return false, notNumber
	case digits > 1 && z.s[z.i-digits] == '0':
		return false, "is a number that begins with a zero"
	}
	integer = true
	if z.take('.') {
		integer = false
		if z.digits() == 0 {
			return false, "is a number with no digit after its point"
		}
	}
	if z.take('e') || z.take('E') {
		integer = false
		if !z.take('+') {
			z.take('-')
		}
		if z.digits() == 0 {
			return false, "is a number with no digit in its exponent"
		}
	}
	return integer, ""
}

func (z *scanner) digits() int {
	start := z.i
	for z.i < len(z.s) && isDigit(z.s[z.i]) {
		z.i++
	}
	return z.i - start
}

// skip passes over any value, nested at most maxDepth deep.
func (z *scanner) skip(depth int) (problem string) {
	if depth > maxDepth {
		return "is nested too deeply"
	}
	if z.i == len(z.s) {
		return "a value is missing"
	}
	switch c := z.s[z.i]; {
	case c == '"':
		_, problem = z.str()
		return problem
	case c == '{':
		return z.skipMembers(depth, '}', true)
	case c == '[':
		return z.skipMembers(depth, ']', false)
	case z.literal("true") || z.literal("false") || z.literal("null"):
		return ""
	case c == '-' || isDigit(c) || c == 'N' || c == 'I':
		_, problem = z.numeral()
		return problem
	default:
		return "is not a JSON value"
	}
}

// skipMembers passes over the inside of an object or an array. Names that come twice in what nobody reads are nobody's
// concern.
func (z *scanner) skipMembers(depth int, end byte, named bool) (problem string) {
	z.i++
	if z.space(); z.take(end) {
		return ""
	}
	for {
		if named {
			if _, problem = z.str(); problem != "" {
				return problem
			}
			if z.space(); !z.take(':') {
				return "a ':' is missing after a name"
			}
			z.space()
		}
		if problem = z.skip(depth + 1); problem != "" {
			return problem
		}
		if z.space(); z.take(end) {
			return ""
		}
		if !z.take(',') {
			return "a ',' or the end is missing in an array or object"
		}
		z.space()
	}
}

// nameSet finds names that come twice. A few are compared with each other; beyond that a map keeps a hostile body from
// costing more than its length.
type nameSet struct {
	few  []string
	many map[string]struct{}
}

const fewNames = 16

func (n *nameSet) reset() {
	clear(n.few)
	n.few, n.many = n.few[:0], nil
}

func (n *nameSet) add(name string) (isNew bool) {
	if slices.Contains(n.few, name) {
		return false
	}
	if len(n.few) < fewNames {
		n.few = append(n.few, name)
		return true
	}
	if _, ok := n.many[name]; ok {
		return false
	}
	if n.many == nil {
		n.many = make(map[string]struct{})
	}
	n.many[name] = struct{}{}
	return true
}
