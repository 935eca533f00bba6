package pickle

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/test/fixtures"
)

const testdata = "../../../test/testdata"

func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(fixtures.Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The same values come out of every protocol.
func TestReadValues(t *testing.T) {
	x300, y300 := strings.Repeat("x", 300), strings.Repeat("y", 300)
	numbers := make([]string, 1003)
	for i := range numbers {
		numbers[i] = fmt.Sprint(i)
	}
	expected := map[string]string{
		"constants": `[None, True, False]`,
		"ints": `[0, 1, 255, 256, 65535, 65536, -1, -129, 2147483647, -2147483648, ` +
			`9223372036854775807, -9223372036854775808, 18446744073709551616, -1180591620717411303424]`,
		"floats":  `[0f, -0f, 0.1f, -1.5e+300f, 5e-324f, +Inff]`,
		"text":    `["", "plain", "line\nfeed and \\ backslash", "quote ' \"", "点击率", "😀", "` + x300 + `"]`,
		"bytes":   `[b"", b"\x00\xff\n'", b"` + y300 + `", b"array"]`,
		"tuples":  `[(), (1), (1, 2), (1, 2, 3), (1, 2, 3, 4)]`,
		"lists":   `[[], [[]], [` + strings.Join(numbers, ", ") + `]]`,
		"dicts":   `[{}, {1: "one", "two": 2, (3): None}]`,
		"sets":    `[{1}, {"a"}, {}]`,
		"ordered": `{"b": 1, "a": 2}`,
		"slice":   `slice(1, None, 2)`,
		"shared":  `[["shared"], ["shared"]]`,
		"arrays": `[array(f8, [2 3], [1.5 2.5 3.5 4.5 5.5 6.5]), array(f8, [2 3], [1.5 2.5 3.5 4.5 5.5 6.5]), ` +
			`array(i2, [2 3 4], [0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23]), ` +
			`array(>i4, [2], [1 -2]), array(u1, [2], [1 2]), array(u8, [2], [1 1.099511627776e+12]), ` +
			`array(f4, [2], [0.5 -2]), array(b1, [2], [1 0]), array(f8, [], [3.25]), array(f8, [0], []), ` +
			`array(f8, [0 5], []), array(U1, [2], [a 字]), array(O8, [3], "x", None, 3)]`,
		"scalars": `[0.25f, 0.5f, -7, 200, True, "文"]`,
		"dtype":   `dtype f4`,
	}
	for protocol := range highestProtocol + 1 {
		t.Run(fmt.Sprint(protocol), func(t *testing.T) {
			root, err := Read(t.Context(), file(t, fmt.Sprintf("pickle/values-protocol%d.pkl", protocol)), Options{})
			if err != nil {
				t.Fatal(err)
			}
			dict := root.(*Dict)
			if len(dict.Entries) != len(expected) {
				t.Errorf("%d entries, expected %d", len(dict.Entries), len(expected))
			}
			for name, want := range expected {
				value, ok := dict.Get(name)
				if !ok {
					t.Errorf("there is no %s", name)
					continue
				}
				if got := render(value); got != want {
					t.Errorf("%s:\n got      %s\n expected %s", name, got, want)
				}
			}
		})
	}
}

func TestReadOldOpcodes(t *testing.T) {
	for input, expected := range map[string]string{
		"(S'it\\'s \\x41\\n'\nS\"two\"\nl.":                                 `["it's A\n", "two"]`,
		"(I1\nI01\nL12345678901234567890L\nF1.5\nt.":                        `(1, True, 12345678901234567890, 1.5f)`,
		"(S'a'\nI1\nS'b'\nI2\nd.":                                           `{"a": 1, "b": 2}`,
		"V\\u5b57 \\U0001f600 \xe9 \\n\n.":                                  `"字 😀 é \\n"`,
		"\x80\x02U\x03abcT\x02\x00\x00\x00de\x86.":                          `("abc", "de")`,
		"\x80\x02]q\x05(K\x01K\x02e0h\x05.":                                 `[1, 2]`,
		"\x80\x02K\x01K\x022\x87.":                                          `(1, 2, 2)`,
		"\x80\x02K\x09(K\x01K\x021.":                                        `9`,
		"\x80\x02K\x09(0.":                                                  `9`,
		"\x80\x02\x8a\x00\x8a\x01\xff\x8a\x02\xff\x00\x87.":                 `(0, -1, 255)`,
		"\x80\x04\x8b\x09\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff.": `-1`,
		"}r\xff\xff\xff\xff0j\xff\xff\xff\xff.":                             `{}`,
	} {
		root, err := Read(t.Context(), []byte(input), Options{})
		if err != nil {
			t.Errorf("%q: %v", input, err)
			continue
		}
		if got := render(root); got != expected {
			t.Errorf("%q: got %s, expected %s", input, got, expected)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	array := "\x80\x04cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01%scnumpy\ndtype\nX\x02\x00\x00\x00%s\x89\x88\x87R\x89%stb."
	shape := func(items string) string {
		return fmt.Sprintf(array, items, "f8", "C\x08\x00\x00\x00\x00\x00\x00\x00\x00")
	}
	for name, test := range map[string]struct {
		input string
		kind  Kind
		words string
	}{
		"empty":                       {"", Truncated, "empty"},
		"only the header's opcode":    {"\x80", Truncated, "PROTO"},
		"only the header":             {"\x80\x04", Truncated, "ends before"},
		"no STOP":                     {"\x80\x04N", Truncated, "ends before"},
		"cut in an int":               {"\x80\x04J\x01", Truncated, "BININT"},
		"cut in a line":               {"\x80\x04cos\nsys", Truncated, "GLOBAL"},
		"cut in text":                 {"\x80\x04X\xff\xff\xff\x7fabc", Truncated, "BINUNICODE"},
		"length of 2^64-1":            {"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xffabc", Truncated, "BINBYTES8"},
		"frame beyond the end":        {"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xffN.", Truncated, "FRAME"},
		"zip":                         {"PK\x03\x04", NotPickle, "zip"},
		"gzip":                        {"\x1f\x8b\x08", NotPickle, "gzip"},
		"hdf5":                        {"\x89HDF\r\n\x1a\n....", NotPickle, "HDF5"},
		"json":                        {`{"error": "x"}`, NotPickle, "JSON"},
		"text":                        {"hello", NotPickle, ""},
		"text of opcodes":             {"(not found)", NotPickle, "opcode"},
		"lfs pointer":                 {"version https://git-lfs.github.com/spec/v1\n", NotPickle, "git-lfs"},
		"csv":                         {"click,query\n1,a\n", NotPickle, "click"[1:]},
		"parquet":                     {"PAR1\x15\x04\n", NotPickle, "persistent"},
		"one line":                    {"Some text", NotPickle, "STRING"},
		"protocol 6":                  {"\x80\x06N.", NotPickle, "protocol 6"},
		"second header":               {"\x80\x04\x80\x06N.", Unsupported, "protocol 6"},
		"no opcode":                   {"\x80\x04\xff.", Malformed, "0xff is not an opcode"},
		"trailing bytes":              {"\x80\x04N.N", Malformed, "1 bytes after"},
		"empty stack at STOP":         {"\x80\x04.", Malformed, "stack is empty"},
		"STOP within a mark":          {"\x80\x04(N.", Malformed, "mark"},
		"no mark":                     {"\x80\x04Nt.", Malformed, "no mark"},
		"below the mark":              {"\x80\x04N(a.", Malformed, "stack is empty"},
		"tuple across the mark":       {"\x80\x04NN(N\x87.", Malformed, "stack is empty"},
		"unknown memo":                {"\x80\x04h\x07.", Malformed, "memo 7"},
		"key without value":           {"\x80\x04}(Nu.", Malformed, "without a value"},
		"invalid UTF-8":               {"\x80\x04X\x01\x00\x00\x00\xff.", Malformed, "UTF-8"},
		"surrogate":                   {"\x80\x02V\\ud800\n.", Malformed, "no character"},
		"int of 2000 bytes":           {"\x80\x04\x8b\xd0\x07\x00\x00" + strings.Repeat("\x01", 2000) + ".", TooLarge, "2000 bytes"},
		"not an int":                  {"\x80\x02Iabc\n.", Malformed, "not a number"},
		"not a float":                 {"\x80\x02Fabc\n.", Malformed, "not a number"},
		"unquoted string":             {"\x80\x02Sabc\n.", Malformed, "quotes"},
		"itself":                      {"\x80\x04]q\x00h\x00a.", Malformed, "contains itself"},
		"itself in an array's object": {"\x80\x02]q\x00}(Nh\x00ua.", Malformed, "contains itself"},

		"os.system":              {"cos\nsystem\n(S'id'\ntR.", Unsafe, "would execute os.system (at byte 0)"},
		"os.system, protocol 4":  {"\x80\x04\x8c\x02os\x8c\x06system\x93.", Unsafe, "would execute os.system (at byte 14)"},
		"dotted name":            {"\x80\x04\x8c\x05numpy\x8c\x0cndarray.fill\x93.", Unsafe, "numpy.ndarray.fill"},
		"name with line feed":    {"\x80\x04\x8c\x03a\nb\x8c\x01c\x93.", Unsafe, `"a\nb.c"`},
		"INST":                   {"(S'id'\nios\nsystem\n.", Unsafe, "would execute os.system"},
		"OBJ":                    {"(cos\nsystem\nS'id'\no.", Unsafe, "would execute os.system"},
		"name is no text":        {"\x80\x04NN\x93.", Malformed, "not text"},
		"eval":                   {"c__builtin__\neval\n.", Unsafe, "__builtin__.eval"},
		"getattr":                {"cbuiltins\ngetattr\n.", Unsafe, "builtins.getattr"},
		"call of text":           {"\x80\x04\x8c\x01a)R.", Unsafe, "would call str"},
		"call of ndarray":        {"\x80\x04cnumpy\nndarray\n)R.", Unsafe, "would call numpy.ndarray"},
		"call of object":         {"\x80\x04cbuiltins\nobject\n)R.", Unsafe, "would call builtins.object"},
		"arguments are no tuple": {"\x80\x04cnumpy\ndtype\nNR.", Malformed, "not a tuple"},
		"construct ndarray":      {"\x80\x04cnumpy\nndarray\n)\x81.", Unsafe, "would construct numpy.ndarray"},
		"construct text":         {"\x80\x04\x8c\x01a)\x81.", Unsafe, "would construct str"},
		"constructor arguments":  {"\x80\x04cgood\nClass\nK\x01\x85\x81.", Unsafe, "with arguments"},
		"constructor keywords":   {"\x80\x04cgood\nClass\n)}(NNu\x92.", Unsafe, "keyword"},
		"state of an inert one":  {"\x80\x04cinert\nClass\n}b.", Unsafe, "would set the state of class inert.Class"},
		"new array":              {"\x80\x04cnumpy\nndarray\n)\x81.", Unsafe, "would construct numpy.ndarray"},
		"build text":             {"\x80\x04\x8c\x01aNb.", Unsafe, "would set the state of str"},
		"build a class":          {"\x80\x04cgood\nClass\n}b.", Unsafe, "would set the state of class good.Class"},
		"build a dict":           {"\x80\x04}}b.", Unsafe, "would set the state of dict"},
		"build twice":            {"\x80\x04cgood\nClass\n)\x81}b}b.", Malformed, "twice"},
		"append to text":         {"\x80\x04\x8c\x01aNa.", Unsafe, "append method of str"},
		"set items of a list":    {"\x80\x04]NNs.", Unsafe, "__setitem__ of list"},
		"persistent id":          {"\x80\x04NQ.", Unsafe, "persistent"},
		"persistent id, text":    {"\x80\x02Pfoo\n.", Unsafe, "persistent"},
		"extension":              {"\x80\x04\x82\x01.", Unsafe, "extension"},
		"out-of-band buffer":     {"\x80\x05\x97.", Unsupported, "outside"},
		"known class":            {"\x80\x04cknown\nClass\n.", Unsupported, "known.Class is not supported; advice"},
		"encode to something":    {"\x80\x04c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00hex\x86R.", Malformed, "_codecs.encode"},
		"encode beyond Latin-1":  {"\x80\x04c_codecs\nencode\nX\x03\x00\x00\x00字X\x06\x00\x00\x00latin1\x86R.", Malformed, "Latin-1"},

		"shape too large":      {shape("K\x02\x85"), Malformed, "claims shape [2]"},
		"shape too small":      {shape("K\x00\x85"), Malformed, "claims shape [0]"},
		"shape overflows":      {shape("J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x87"), Malformed, "claims shape"},
		"shape negative":       {shape("J\xff\xff\xff\xff\x85"), Malformed, "shape"},
		"shape of text":        {shape("\x8c\x01a\x85"), Malformed, "shape"},
		"elements of no size":  {fmt.Sprintf(array, "K\x01\x85", "U0", "C\x00"), Malformed, "U0"},
		"objects in bytes":     {fmt.Sprintf(array, "K\x01\x85", "O8", "C\x08\x00\x00\x00\x00\x00\x00\x00\x00"), Malformed, "O8"},
		"numbers in a list":    {fmt.Sprintf(array, "K\x01\x85", "f8", "]"), Malformed, "f8"},
		"dtype without a size": {"\x80\x04cnumpy\ndtype\nX\x01\x00\x00\x00f\x85R.", Unsupported, "numpy.dtype"},
		"dtype of no letter":   {"\x80\x04cnumpy\ndtype\nX\x02\x00\x00\x00\n8\x85R.", Unsupported, "numpy.dtype"},
		"matrix":               {"\x80\x04cnumpy.core.multiarray\n_reconstruct\ncgood\nClass\n)C\x01b\x87R.", Unsupported, "good.Class"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(t.Context(), []byte(test.input), Options{Classes: goodAndKnown})
			var failure *Error
			if !errors.As(err, &failure) {
				t.Fatalf("got %v, expected an Error", err)
			}
			if failure.Kind != test.kind || !strings.Contains(err.Error(), test.words) {
				t.Errorf("got %v (%s), expected %s: …%s…", err, failure.Kind, test.kind, test.words)
			}
		})
	}
}

func goodAndKnown(module, _ string) (Standing, string) {
	switch module {
	case "good":
		return Welcome, ""
	case "inert":
		return Inert, ""
	case "known":
		return Known, "; advice"
	default:
		return Foreign, ""
	}
}

func TestReadObject(t *testing.T) {
	for name, input := range map[string]string{
		"NEWOBJ":         "\x80\x04cgood\nClass\n)\x81}\x8c\x01aK\x01sb.",
		"NEWOBJ_EX":      "\x80\x04cgood\nClass\n)}\x92}\x8c\x01aK\x01sb.",
		"inert argument": "\x80\x04cgood\nClass\n)R}\x8c\x01aK\x01s\x8c\x01bcinert\nClass\nK\x01\x85Rsb.",
		"REDUCE":         "\x80\x04cgood\nClass\n)R}\x8c\x01aK\x01sb.",
		"_reconstructor": "ccopy_reg\n_reconstructor\n(cgood\nClass\nc__builtin__\nobject\nNtR(dS'a'\nI1\nsb.",
		"__newobj__":     "ccopy_reg\n__newobj__\n(cgood\nClass\ntR(dS'a'\nI1\nsb.",
		"INST":           "(igood\nClass\n(dS'a'\nI1\nsb.",
		"OBJ":            "(cgood\nClass\no(dS'a'\nI1\nsb.",
	} {
		t.Run(name, func(t *testing.T) {
			root, err := Read(t.Context(), []byte(input), Options{Classes: goodAndKnown})
			if err != nil {
				t.Fatal(err)
			}
			object, ok := root.(*Object)
			if !ok || object.Class.String() != "good.Class" {
				t.Fatalf("got %s", render(root))
			}
			attributes, err := object.Attributes()
			if err != nil {
				t.Fatal(err)
			}
			if a, _ := attributes.Get("a"); a != Int(1) {
				t.Errorf("a is %v", a)
			}
		})
	}
}

// Prefixes of a real artifact are refused as truncated, and nothing worse happens.
func TestReadTruncated(t *testing.T) {
	for protocol := range highestProtocol + 1 {
		data := file(t, fmt.Sprintf("pickle/values-protocol%d.pkl", protocol))
		for n := 0; n < len(data); n += 3 {
			_, err := Read(t.Context(), data[:n], Options{})
			var failure *Error
			if !errors.As(err, &failure) || failure.Kind != Truncated {
				t.Fatalf("protocol %d, %d of %d bytes: %v", protocol, n, len(data), err)
			}
		}
	}
}

// Damaged artifacts end in a typed error or in a tree, not in a panic.
func TestReadDamaged(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	original := file(t, "pickle/values-protocol4.pkl")
	refused := 0
	for range 5000 {
		data := append([]byte(nil), original...)
		for range 1 + random.IntN(3) {
			data[random.IntN(len(data))] = byte(random.Uint32())
		}
		if _, err := Read(t.Context(), data, Options{}); err != nil {
			refused++
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatalf("%v is not an Error", err)
			}
		}
	}
	if refused == 0 {
		t.Error("no damage was noticed")
	}
}

func TestReadIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, []byte("N."), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, expected a cancellation", err)
	}
}
