package pickle

const opProto = 0x80

// operation is one opcode: its name in CPython's pickletools, and what it does.
type operation struct {
	name string
	run  func(*machine)
}

// operations is indexed by opcode. What is not here is either no opcode, or one that no pickle on disk can use with
// good reason (the extension registry, persistent ids, out-of-band buffers are refused by name).
var operations = [256]operation{
	opProto: {"PROTO", func(m *machine) { m.proto() }},
	0x95:    {"FRAME", func(m *machine) { m.frame() }},
	'.':     {"STOP", func(m *machine) { m.stop() }},

	// The stack.
	'(': {"MARK", func(m *machine) { m.mark() }},
	'0': {"POP", func(m *machine) { m.discard() }},
	'1': {"POP_MARK", func(m *machine) { m.popMark() }},
	'2': {"DUP", func(m *machine) { m.push(m.top()) }},

	// The memo.
	'p':  {"PUT", func(m *machine) { m.put(m.decimalIndex()) }},
	'q':  {"BINPUT", func(m *machine) { m.put(m.in.uint8()) }},
	'r':  {"LONG_BINPUT", func(m *machine) { m.put(m.in.uint32()) }},
	0x94: {"MEMOIZE", func(m *machine) { m.put(uint64(len(m.memo) + len(m.sparse))) }},
	'g':  {"GET", func(m *machine) { m.get(m.decimalIndex()) }},
	'h':  {"BINGET", func(m *machine) { m.get(m.in.uint8()) }},
	'j':  {"LONG_BINGET", func(m *machine) { m.get(m.in.uint32()) }},

	// Constants and numbers.
	'N':  {"NONE", func(m *machine) { m.push(None{}) }},
	0x88: {"NEWTRUE", func(m *machine) { m.push(Bool(true)) }},
	0x89: {"NEWFALSE", func(m *machine) { m.push(Bool(false)) }},
	'I':  {"INT", func(m *machine) { m.decimalInt() }},
	'J':  {"BININT", func(m *machine) { m.push(Int(int32(uint32(m.in.uint32())))) }},
	'K':  {"BININT1", func(m *machine) { m.push(Int(m.in.uint8())) }},
	'M':  {"BININT2", func(m *machine) { m.push(Int(m.in.uint16())) }},
	'L':  {"LONG", func(m *machine) { m.decimalLong() }},
	0x8a: {"LONG1", func(m *machine) { m.long(m.in.uint8()) }},
	0x8b: {"LONG4", func(m *machine) { m.long(m.in.uint32()) }},
	'F':  {"FLOAT", func(m *machine) { m.decimalFloat() }},
	'G':  {"BINFLOAT", func(m *machine) { m.push(Float(m.in.float64())) }},

	// Text and bytes.
	'S':  {"STRING", func(m *machine) { m.quoted() }},
	'T':  {"BINSTRING", func(m *machine) { m.push(Str(m.in.take(m.in.uint32()))) }},
	'U':  {"SHORT_BINSTRING", func(m *machine) { m.push(Str(m.in.take(m.in.uint8()))) }},
	'V':  {"UNICODE", func(m *machine) { m.escaped() }},
	'X':  {"BINUNICODE", func(m *machine) { m.text(m.in.uint32()) }},
	0x8c: {"SHORT_BINUNICODE", func(m *machine) { m.text(m.in.uint8()) }},
	0x8d: {"BINUNICODE8", func(m *machine) { m.text(m.in.uint64()) }},
	'B':  {"BINBYTES", func(m *machine) { m.push(Bytes(m.in.take(m.in.uint32()))) }},
	'C':  {"SHORT_BINBYTES", func(m *machine) { m.push(Bytes(m.in.take(m.in.uint8()))) }},
	0x8e: {"BINBYTES8", func(m *machine) { m.push(Bytes(m.in.take(m.in.uint64()))) }},
	0x96: {"BYTEARRAY8", func(m *machine) { m.push(Bytes(m.in.take(m.in.uint64()))) }},

	// Containers.
	')':  {"EMPTY_TUPLE", func(m *machine) { m.push(&Tuple{}) }},
	't':  {"TUPLE", func(m *machine) { m.push(&Tuple{Items: m.copyMarked()}) }},
	0x85: {"TUPLE1", func(m *machine) { m.push(m.popTuple(1)) }},
	0x86: {"TUPLE2", func(m *machine) { m.push(m.popTuple(2)) }},
	0x87: {"TUPLE3", func(m *machine) { m.push(m.popTuple(3)) }},
	']':  {"EMPTY_LIST", func(m *machine) { m.push(&List{}) }},
	'l':  {"LIST", func(m *machine) { m.push(&List{Items: m.copyMarked()}) }},
	'a':  {"APPEND", func(m *machine) { m.appendTo([]Node{m.pop()}) }},
	'e':  {"APPENDS", func(m *machine) { m.appendTo(m.popMark()) }},
	'}':  {"EMPTY_DICT", func(m *machine) { m.push(&Dict{}) }},
	'd':  {"DICT", func(m *machine) { m.dict() }},
	's':  {"SETITEM", func(m *machine) { m.setItems(m.popTuple(2).Items) }},
	'u':  {"SETITEMS", func(m *machine) { m.setItems(m.popMark()) }},
	0x8f: {"EMPTY_SET", func(m *machine) { m.push(&Set{}) }},
	0x90: {"ADDITEMS", func(m *machine) { m.appendTo(m.popMark()) }},
	0x91: {"FROZENSET", func(m *machine) { m.push(&Set{Items: m.copyMarked()}) }},

	// Globals and what is done with them.
	'c':  {"GLOBAL", func(m *machine) { m.global(string(m.in.line()), string(m.in.line())) }},
	0x93: {"STACK_GLOBAL", func(m *machine) { m.stackGlobal() }},
	'R':  {"REDUCE", func(m *machine) { m.reduce() }},
	0x81: {"NEWOBJ", func(m *machine) { m.newObject(false) }},
	0x92: {"NEWOBJ_EX", func(m *machine) { m.newObject(true) }},
	'b':  {"BUILD", func(m *machine) { m.build() }},
	'i':  {"INST", func(m *machine) { m.inst() }},
	'o':  {"OBJ", func(m *machine) { m.obj() }},

	// Opcodes that reach outside of the pickle.
	'P':  {"PERSID", func(m *machine) { m.fail(Unsafe, "asks for a persistent object") }},
	'Q':  {"BINPERSID", func(m *machine) { m.fail(Unsafe, "asks for a persistent object") }},
	0x82: {"EXT1", func(m *machine) { m.fail(Unsafe, "asks for a registered extension") }},
	0x83: {"EXT2", func(m *machine) { m.fail(Unsafe, "asks for a registered extension") }},
	0x84: {"EXT4", func(m *machine) { m.fail(Unsafe, "asks for a registered extension") }},
	0x97: {"NEXT_BUFFER", func(m *machine) { m.fail(Unsupported, "asks for a buffer outside of the file") }},
	0x98: {"READONLY_BUFFER", func(m *machine) { m.fail(Unsupported, "asks for a buffer outside of the file") }},
}
