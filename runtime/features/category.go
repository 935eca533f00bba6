package features

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/ctr-operator/ctr-operator/runtime/features/hash"
)

// hasher is a hash function and what is made of its result.
type hasher struct {
	function   string
	key0, key1 uint64
	modulus    uint64
	// floor says that a negative hash is reduced as Python's % does; otherwise its absolute value is.
	floor bool
	salt  string
}

// The hash functions.
const (
	fingerprint64  = "fingerprint64"
	fingerprintCat = "fingerprint-cat"
	siphash        = "siphash"
	sipPython      = "siphash-python"
	sipPython310   = "siphash-python-3.10"
	murmur3        = "murmur3"
)

// readHasher reads the options of a hash function.
func readHasher(a *arguments, functions ...string) hasher {
	h := hasher{function: a.word("function", functions...), salt: a.short("salt", "")}
	h.modulus = uint64(a.whole("modulus", 1, math.MaxInt64))
	if h.function == siphash {
		key := a.get("key")
		if key == nil || len(key.Content) != 2 {
			a.fail(a.node, "with siphash needs a key of two whole numbers")
			return h
		}
		for i, into := range []*uint64{&h.key0, &h.key1} {
			if key.Content[i].Decode(into) != nil {
				a.fail(key, "with siphash needs a key of two whole numbers, not %s", shown(key.Content[i]))
			}
		}
	}
	if h.function == murmur3 {
		h.key0 = uint64(a.whole("seed", 0, math.MaxUint32, 0))
	}
	if h.function == murmur3 || h.function == sipPython || h.function == sipPython310 {
		h.floor = a.word("negative", "absolute", "floor") == "floor"
	}
	return h
}

// of is the bucket of a text.
func (h *hasher) of(text string) int64 {
	switch h.function {
	case siphash:
		return int64(hash.Strong(h.key0, h.key1, text) % h.modulus)
	case sipPython:
		return h.reduce(hash.Python(text))
	case sipPython310:
		return h.reduce(hash.Python24(text))
	case murmur3:
		return h.reduce(int64(hash.Murmur3(text, uint32(h.key0))))
	default:
		return int64(hash.Fingerprint64(text) % h.modulus)
	}
}

func (h *hasher) reduce(signed int64) int64 {
	if h.floor {
		return floorMod(signed, int64(h.modulus))
	}
	size := uint64(signed)
	if signed < 0 {
		size = -size // right for the smallest, too
	}
	return int64(size % h.modulus)
}

// hashOf is the bucket of a text, or of an integer's decimal digits.
type hashOf struct {
	hasher

	x value
}

func buildHash(a *arguments) value {
	x := a.of(String, Integer)
	return a.emit(hashOf{readHasher(a, fingerprint64, siphash, sipPython, sipPython310, murmur3), x}, Integer)
}

func (o hashOf) from() []value { return []value{o.x} }

func (o hashOf) run(f *Frame, to int) {
	if o.salt == "" && o.x.kind == String {
		f.integers[to] = o.hasher.of(f.texts[o.x.slot])
		return
	}
	f.joined = append(f.joined[:0], o.salt...)
	f.join(o.x)
	f.integers[to] = o.hasher.of(f.joinedText())
}

// join appends a text, or an integer's digits.
func (f *Frame) join(v value) {
	if v.kind == Integer {
		f.joined = strconv.AppendInt(f.joined, f.integers[v.slot], 10)
		return
	}
	f.joined = append(f.joined, f.texts[v.slot]...)
}

// joinedText is what has been joined, until the next time.
func (f *Frame) joinedText() string {
	return unsafe.String(unsafe.SliceData(f.joined), len(f.joined)) //nolint:gosec // nobody keeps it, or writes to it meanwhile
}

// maxCrossed is how many values a cross takes: they are joined, and each may be as long as a request.
const maxCrossed = 64

// crossOf is the bucket of several values together.
type crossOf struct {
	hasher

	values    []value
	separator string
}

func buildCross(a *arguments) value {
	o := &crossOf{values: a.list(2, String, Integer)}
	if len(o.values) > maxCrossed {
		a.fail(a.input, "crosses %d values, and at most %d are possible", len(o.values), maxCrossed)
	}
	o.hasher = readHasher(a, fingerprint64, fingerprintCat, siphash, sipPython, sipPython310, murmur3)
	if o.function == fingerprintCat {
		// The default is TensorFlow's own.
		o.key0 = uint64(a.whole("hash_key", 0, math.MaxInt64, 0xDECAFCAFFE))
		if o.salt != "" {
			a.fail(a.node, "with %s has a hash_key, and no salt", fingerprintCat)
		}
		return a.emit(o, Integer)
	}
	o.separator = a.short("separator", "_X_")
	return a.emit(o, Integer)
}

func (o *crossOf) from() []value { return o.values }

func (o *crossOf) run(f *Frame, to int) {
	if o.function == fingerprintCat {
		h := o.key0
		for _, v := range o.values {
			var part uint64
			if v.kind == Integer {
				part = uint64(f.integers[v.slot])
			} else {
				part = hash.Fingerprint64(f.texts[v.slot])
			}
			h = hash.FingerprintCat64(h, part)
		}
		f.integers[to] = int64(h % o.modulus)
		return
	}
	f.joined = append(f.joined[:0], o.salt...)
	for i, v := range o.values {
		if i > 0 {
			f.joined = append(f.joined, o.separator...)
		}
		f.join(v)
	}
	f.integers[to] = o.hasher.of(f.joinedText())
}

// vocabulary is a value's place in a list.
type vocabulary struct {
	x     value
	texts map[string]int64
	whole map[int64]int64
	// other is that of values that the list has not.
	other int64
}

func buildVocabulary(a *arguments) value {
	o := &vocabulary{x: a.of(String, Integer)}
	start := a.whole("start", math.MinInt32, math.MaxInt32, 0)
	o.other = a.whole("default", math.MinInt64, math.MaxInt64)
	if a.b.err != nil {
		return nowhere
	}
	o.texts, o.whole = map[string]int64{}, map[int64]int64{}
	if file := a.plain("file", ""); file != "" {
		o.read(a, file, start)
	} else {
		o.list(a, start)
	}
	return a.emit(o, Integer)
}

func (o *vocabulary) list(a *arguments, start int64) {
	values := a.get("values")
	if values == nil || len(values.Content) == 0 {
		a.fail(a.node, "needs values, a list, or file, the name of a file with one on each line")
		return
	}
	for i, item := range values.Content {
		n, isWhole := toInteger(item)
		switch {
		case o.x.kind == Integer && isWhole:
			o.add(a, i, strconv.FormatInt(n, 10), start)
		case o.x.kind == String && isText(item):
			o.add(a, i, item.Value, start)
		default:
			a.fail(item, "has %s in its values, and they must be %vs; quote texts that look like something else",
				shown(item), o.x.kind)
			return
		}
	}
}

// read reads a file with one value on each line.
func (o *vocabulary) read(a *arguments, name string, start int64) {
	if a.get("values") != nil {
		a.fail(a.node, "has values and a file; keep one")
		return
	}
	if a.b.options.File == nil {
		a.fail(a.get("file"), "cannot read %.64q: there is no file beside this one", name)
		return
	}
	data, err := a.b.options.File(name)
	if err != nil {
		a.fail(a.get("file"), "cannot read %.64q: %v", name, err)
		return
	}
	for i, line := range strings.Split(string(bytes.TrimSuffix(data, []byte("\n"))), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if !utf8.ValidString(line) {
			a.fail(a.get("file"), "cannot use %.64q: line %d is not UTF-8", name, i+1)
			return
		}
		o.add(a, i, line, start)
	}
}

func (o *vocabulary) add(a *arguments, i int, text string, start int64) {
	if a.b.err != nil {
		return
	}
	if o.x.kind == String {
		if _, twice := o.texts[text]; twice {
			a.fail(a.node, "has %.64q twice", text)
		}
		o.texts[text] = start + int64(i)
		return
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if _, twice := o.whole[n]; twice || err != nil {
		a.fail(a.node, "has %.64q, which is no integer, or there twice", text)
	}
	o.whole[n] = start + int64(i)
}

func (o *vocabulary) from() []value { return []value{o.x} }

func (o *vocabulary) run(f *Frame, to int) {
	var n int64
	var ok bool
	if o.x.kind == String {
		n, ok = o.texts[f.texts[o.x.slot]]
	} else {
		n, ok = o.whole[f.integers[o.x.slot]]
	}
	if !ok {
		n = o.other
	}
	f.integers[to] = n
}

// oneHot is 1 at the place that an integer says, and 0 at the others; only zeros where it says none.
type oneHot struct {
	n    value
	size int
}

func buildOneHot(a *arguments) value {
	o := oneHot{a.of(Integer), int(a.whole("size", 1, maxPlaces))}
	return a.emit(o, Number)
}

func (o oneHot) width() int { return o.size }

func (o oneHot) from() []value { return []value{o.n} }

func (o oneHot) run(f *Frame, to int) {
	made := f.numbers[to : to+o.size]
	clear(made)
	if n := f.integers[o.n.slot]; n >= 0 && n < int64(o.size) {
		made[n] = 1
	}
}
