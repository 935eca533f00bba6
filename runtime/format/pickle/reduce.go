package pickle

import (
	"strconv"
	"strings"
	"unicode"
)

// global pushes the class or function of that name, if it is on a list.
func (m *machine) global(module, name string) {
	if class := m.resolve(module, name); class != nil {
		m.push(class)
	}
}

func (m *machine) stackGlobal() {
	name, isName := m.pop().(Str)
	module, isModule := m.pop().(Str)
	if !isName || !isModule {
		m.fail(Malformed, "the name of a global is not text")
		return
	}
	m.global(string(module), string(name))
}

// resolve finds a name in the lists. It is the only place where a name from the file gets a meaning.
func (m *machine) resolve(module, name string) *Class {
	if m.in.short || m.err != nil {
		return nil
	}
	if effect, ok := listed[global{module, name}]; ok {
		return &Class{Module: module, Name: name, effect: effect}
	}
	full := printable(module + "." + name)
	if m.headerless() && (!isIdentifier(module) || !isIdentifier(name)) {
		m.fail(Malformed, "a global has the name %s", full)
		return nil
	}
	standing, advice := Foreign, ""
	if m.options.Classes != nil {
		standing, advice = m.options.Classes(module, name)
	}
	switch standing {
	case Welcome:
		return &Class{Module: module, Name: name, effect: effectObject}
	case Inert:
		return &Class{Module: module, Name: name, effect: effectOpaque}
	case Mentioned:
		return &Class{Module: module, Name: name}
	case Known:
		m.failGlobal(Unsupported, full, "%s is not supported%s", full, advice)
	default:
		m.failGlobal(Unsafe, full, "would execute %s", full)
	}
	return nil
}

// isIdentifier tells the names that Python programs have from the lines of a text file.
func isIdentifier(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// printable shortens and quotes what a hostile file could put into a log.
func printable(name string) string {
	const longest = 120
	if len(name) > longest {
		name = name[:longest] + "…"
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}

func (m *machine) reduce() {
	args, isTuple := m.pop().(*Tuple)
	callable := m.pop()
	if m.err != nil {
		return
	}
	if !isTuple {
		m.fail(Malformed, "the arguments of a call are not a tuple")
		return
	}
	m.call(callable, args)
}

// inst is the call of a class in protocol 0; its arguments lie above the mark.
func (m *machine) inst() {
	module, name := string(m.in.line()), string(m.in.line())
	class := m.resolve(module, name)
	args := &Tuple{Items: m.copyMarked()}
	if class != nil && m.err == nil {
		m.call(class, args)
	}
}

// obj is the call of a class in protocol 1; class and arguments lie above the mark.
func (m *machine) obj() {
	items := m.copyMarked()
	if m.err != nil {
		return
	}
	if len(items) == 0 {
		m.fail(Malformed, "there is nothing to construct")
		return
	}
	m.call(items[0], &Tuple{Items: items[1:]})
}

// call pushes what a call of the callable gives, for those whose effect is known.
func (m *machine) call(callable Node, args *Tuple) {
	class, ok := callable.(*Class)
	if !ok {
		m.fail(Unsafe, "would call %s", KindOf(callable))
		return
	}
	var result Node
	switch class.effect {
	case effectObject:
		result = m.construct(class, args)
	case effectOpaque, effectSlice:
		result = &Object{Class: class, Args: args}
	case effectReconstruct:
		result = m.emptyArray(args)
	case effectFromBuffer:
		result = m.arrayFromBuffer(args)
	case effectScalar:
		result = m.numpyScalar(args)
	case effectDType:
		result = m.dtype(args)
	case effectEncode:
		result = m.encode(args)
	case effectReconstructor:
		result = m.reconstructor(args)
	case effectNewObject:
		result = m.newObjectCall(args)
	case effectOrderedDict:
		result = m.orderedDict(args)
	case effectSet:
		result = m.set(args)
	case effectBytes:
		result = m.bytes(args)
	default:
		m.failGlobal(Unsafe, class.String(), "would call %s", class)
	}
	if m.err == nil {
		m.push(result)
	}
}

// construct makes an object of a welcome class. Arguments would go to its constructor, which is code.
func (m *machine) construct(callable Node, args *Tuple) Node {
	class, ok := callable.(*Class)
	switch {
	case !ok:
		m.fail(Unsafe, "would construct %s", KindOf(callable))
	case class.effect == effectArrayWrapper && len(args.Items) == 0:
		return &Array{wrapped: true}
	case class.effect == effectOpaque:
		return &Object{Class: class, Args: args}
	case class.effect != effectObject:
		m.failGlobal(Unsafe, class.String(), "would construct %s", class)
	case len(args.Items) != 0:
		m.failGlobal(Unsafe, class.String(), "would call the constructor of %s with arguments", class)
	default:
		return &Object{Class: class, Args: args}
	}
	return None{}
}

func (m *machine) newObject(withKeywords bool) {
	if withKeywords {
		keywords, ok := m.pop().(*Dict)
		if m.err == nil && (!ok || len(keywords.Entries) > 0) {
			m.fail(Unsafe, "would call a constructor with keyword arguments")
		}
	}
	args, ok := m.pop().(*Tuple)
	callable := m.pop()
	if m.err != nil {
		return
	}
	if !ok {
		m.fail(Malformed, "the arguments of a constructor are not a tuple")
		return
	}
	if object := m.construct(callable, args); m.err == nil {
		m.push(object)
	}
}

// reconstructor is copyreg's way to make an object in protocols 0 and 1: (class, object, None).
func (m *machine) reconstructor(args *Tuple) Node {
	if len(args.Items) == 3 {
		base, isClass := args.Items[1].(*Class)
		if _, isNone := args.Items[2].(None); isNone && isClass && base.Name == "object" {
			return m.construct(args.Items[0], &Tuple{})
		}
	}
	return m.badArguments("copyreg._reconstructor")
}

func (m *machine) newObjectCall(args *Tuple) Node {
	if len(args.Items) == 0 {
		return m.badArguments("copyreg.__newobj__")
	}
	return m.construct(args.Items[0], &Tuple{Items: args.Items[1:]})
}

func (m *machine) badArguments(function string) Node {
	m.fail(Malformed, "%s is called with arguments that it does not take", function)
	return None{}
}

// encode is how protocols 0 to 2 write bytes: text of code points below 256, encoded as Latin-1.
func (m *machine) encode(args *Tuple) Node {
	if len(args.Items) != 2 {
		return m.badArguments("_codecs.encode")
	}
	text, isText := args.Items[0].(Str)
	encoding, isEncoding := args.Items[1].(Str)
	if !isText || !isEncoding || (encoding != "latin1" && encoding != "latin-1") {
		return m.badArguments("_codecs.encode")
	}
	// The text may be a memo's, so that its length is not bounded by what this call takes in the file.
	if !m.charge(1 + len(text)/64) {
		return None{}
	}
	raw := make(Bytes, 0, len(text))
	for _, r := range string(text) {
		if r > 0xff {
			m.fail(Malformed, "text that is not Latin-1")
			return None{}
		}
		raw = append(raw, byte(r))
	}
	return raw
}

func (m *machine) orderedDict(args *Tuple) Node {
	dict := &Dict{}
	if len(args.Items) == 0 {
		return dict
	}
	pairs, ok := args.Items[0].(*List)
	if !ok || len(args.Items) > 1 || !m.charge(len(pairs.Items)) {
		return m.badArguments("collections.OrderedDict")
	}
	for _, pair := range pairs.Items {
		items, ok := sequence(pair)
		if !ok || len(items) != 2 {
			return m.badArguments("collections.OrderedDict")
		}
		dict.Entries = append(dict.Entries, Entry{Key: items[0], Value: items[1]})
	}
	return dict
}

func (m *machine) set(args *Tuple) Node {
	if len(args.Items) == 0 {
		return &Set{}
	}
	items, ok := sequence(args.Items[0])
	if !ok || len(args.Items) > 1 || !m.charge(len(items)) {
		return m.badArguments("set")
	}
	return &Set{Items: append([]Node(nil), items...)}
}

// bytes is a call of bytes or bytearray.
func (m *machine) bytes(args *Tuple) Node {
	switch len(args.Items) {
	case 0:
		return Bytes{}
	case 1:
		if raw, ok := args.Items[0].(Bytes); ok {
			return raw
		}
	case 2:
		return m.encode(args)
	}
	return m.badArguments("bytes")
}

// sequence returns the items of a list or tuple.
func sequence(n Node) ([]Node, bool) {
	switch n := n.(type) {
	case *List:
		return n.Items, true
	case *Tuple:
		return n.Items, true
	default:
		return nil, false
	}
}

// build sets the state of the object on the stack.
func (m *machine) build() {
	state := m.pop()
	target := m.top()
	if m.err != nil {
		return
	}
	switch target := target.(type) {
	case *Array:
		if target.wrapped {
			m.readWrapped(target, state)
			return
		}
		m.setArrayState(target, state)
	case *DType:
		m.setDTypeState(target, state)
	case *Object:
		if target.State != nil {
			m.fail(Malformed, "the state of %s is set twice", target.Class)
			return
		}
		target.State = state
	default:
		m.fail(Unsafe, "would set the state of %s", KindOf(target))
	}
}
