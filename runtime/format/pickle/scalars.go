package pickle

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxIntBytes bounds the size of an int, because arithmetic on longer ones takes more than linear time.
const maxIntBytes = 1024

func (m *machine) proto() {
	if version := m.in.uint8(); version > highestProtocol {
		m.fail(Unsupported, "protocol %d; the highest is %d", version, highestProtocol)
	}
}

func (m *machine) frame() {
	if size := m.in.uint64(); size > uint64(m.in.left()) {
		m.in.short = true
	}
}

func (m *machine) discard() {
	// CPython lets POP take a mark off, too.
	if len(m.marks) > 0 && m.base() == len(m.stack) {
		m.marks = m.marks[:len(m.marks)-1]
		return
	}
	m.pop()
}

func (m *machine) copyMarked() []Node { return append([]Node(nil), m.popMark()...) }

func (m *machine) dict() {
	items := m.copyMarked()
	m.push(&Dict{})
	m.setItems(items)
}

func (m *machine) decimalIndex() uint64 {
	line := m.in.line()
	if m.in.short {
		return 0
	}
	index, err := strconv.ParseUint(string(line), 10, 64)
	if err != nil {
		m.fail(Malformed, "a memo's number is not a number")
	}
	return index
}

// decimalInt reads protocol 0's INT, which is also how it writes booleans.
func (m *machine) decimalInt() {
	line := m.in.line()
	switch {
	case m.in.short:
	case string(line) == "00":
		m.push(Bool(false))
	case string(line) == "01":
		m.push(Bool(true))
	default:
		m.parseInt(string(line))
	}
}

func (m *machine) decimalLong() {
	line := m.in.line()
	if !m.in.short {
		m.parseInt(strings.TrimSuffix(string(line), "L"))
	}
}

func (m *machine) parseInt(text string) {
	if small, err := strconv.ParseInt(text, 10, 64); err == nil {
		m.push(Int(small))
		return
	}
	if len(text) > 2*maxIntBytes {
		m.fail(TooLarge, "an int of %d digits", len(text))
		return
	}
	value, ok := new(big.Int).SetString(text, 10)
	if !ok {
		m.fail(Malformed, "an int is not a number")
		return
	}
	m.push(BigInt{Value: value})
}

// long reads an int of n bytes, little-endian two's complement.
func (m *machine) long(n uint64) {
	if n > maxIntBytes && n <= uint64(m.in.left()) {
		m.fail(TooLarge, "an int of %d bytes", n)
		return
	}
	raw := m.in.take(n)
	if m.in.short {
		return
	}
	if len(raw) <= 8 {
		m.push(Int(smallInt(raw)))
		return
	}
	bigEndian := slices.Clone(raw)
	slices.Reverse(bigEndian)
	value := new(big.Int).SetBytes(bigEndian)
	if bigEndian[0]&0x80 != 0 {
		value.Sub(value, new(big.Int).Lsh(big.NewInt(1), uint(8*len(raw))))
	}
	if value.IsInt64() {
		m.push(Int(value.Int64()))
		return
	}
	m.push(BigInt{Value: value})
}

func smallInt(littleEndian []byte) int64 {
	if len(littleEndian) == 0 {
		return 0
	}
	var value uint64
	for i, b := range littleEndian {
		value |= uint64(b) << (8 * i)
	}
	unused := 64 - 8*len(littleEndian)
	return int64(value<<unused) >> unused
}

func (m *machine) decimalFloat() {
	line := m.in.line()
	if m.in.short {
		return
	}
	value, err := strconv.ParseFloat(string(line), 64)
	if err != nil {
		m.fail(Malformed, "a float is not a number")
		return
	}
	m.push(Float(value))
}

func (m *machine) text(n uint64) {
	raw := m.in.take(n)
	if m.in.short {
		return
	}
	if !utf8.Valid(raw) {
		m.fail(Malformed, "text that is not UTF-8")
		return
	}
	m.push(Str(raw))
}

// quoted reads STRING, a Python 2 string literal.
func (m *machine) quoted() {
	line := strings.TrimRight(string(m.in.line()), " \r\t")
	if m.in.short {
		return
	}
	if len(line) < 2 || line[0] != line[len(line)-1] || (line[0] != '\'' && line[0] != '"') {
		m.fail(Malformed, "a string without quotes")
		return
	}
	text, err := unescape(line[1:len(line)-1], func(c byte) (int, rune) {
		switch c {
		case 'x':
			return 2, 0
		case 'n':
			return 0, '\n'
		case 't':
			return 0, '\t'
		case 'r':
			return 0, '\r'
		case '\\', '\'', '"':
			return 0, rune(c)
		default:
			return 0, -1
		}
	})
	if err != nil {
		m.fail(Malformed, "a string: %v", err)
		return
	}
	m.push(Str(text))
}

// escaped reads UNICODE, in Python's raw-unicode-escape: Latin-1, and \uXXXX or \UXXXXXXXX for the rest.
func (m *machine) escaped() {
	line := m.in.line()
	if m.in.short {
		return
	}
	text, err := unescape(string(line), func(c byte) (int, rune) {
		switch c {
		case 'u':
			return 4, 0
		case 'U':
			return 8, 0
		default:
			return 0, -1
		}
	})
	if err != nil {
		m.fail(Malformed, "text: %v", err)
		return
	}
	m.push(Str(text))
}

// unescape turns Latin-1 text with backslash escapes into UTF-8. meaning says, for the byte after a backslash, how many
// hexadecimal digits follow, or, where none do, which rune it stands for; -1 leaves the backslash as it is.
func unescape(line string, meaning func(byte) (digits int, literal rune)) (string, error) {
	var text strings.Builder
	for i := 0; i < len(line); i++ {
		if line[i] != '\\' || i+1 == len(line) {
			text.WriteRune(rune(line[i]))
			continue
		}
		digits, literal := meaning(line[i+1])
		switch {
		case digits > 0:
			end := i + 2 + digits
			if end > len(line) {
				return "", fmt.Errorf("an escape is cut off")
			}
			code, err := strconv.ParseUint(line[i+2:end], 16, 32)
			if err != nil || !utf8.ValidRune(rune(code)) || code > utf8.MaxRune {
				return "", fmt.Errorf("\\%s is no character", line[i+1:end])
			}
			text.WriteRune(rune(code))
			i = end - 1
		case literal >= 0:
			text.WriteRune(literal)
			i++
		default:
			text.WriteByte('\\')
		}
	}
	return text.String(), nil
}
