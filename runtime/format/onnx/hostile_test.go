package onnx

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/ctr-operator/ctr-operator/runtime/engine"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// message builds a protocol buffer: pairs of a field's number and its value.
func message(fields ...any) []byte {
	var b []byte
	for i := 0; i < len(fields); i += 2 {
		number := protowire.Number(fields[i].(int))
		switch v := fields[i+1].(type) {
		case int:
			b = protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), uint64(v))
		case string:
			b = protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), v)
		case []byte:
			b = protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), v)
		case float32:
			b = protowire.AppendFixed32(protowire.AppendTag(b, number, protowire.Fixed32Type), math.Float32bits(v))
		default:
			panic(fmt.Sprintf("a field of %T", v))
		}
	}
	return b
}

// The parts of models, by their names in onnx.proto.
func nodeOf(op, in, out string, attributes ...[]byte) []byte {
	var fields []any
	for name := range strings.FieldsSeq(in) {
		fields = append(fields, 1, strings.TrimPrefix(name, "_"))
	}
	for name := range strings.FieldsSeq(out) {
		fields = append(fields, 2, name)
	}
	domain, name, found := strings.Cut(op, ":")
	if !found {
		domain, name = "", op
	}
	fields = append(fields, 4, name, 7, domain)
	for _, a := range attributes {
		fields = append(fields, 5, a)
	}
	return message(fields...)
}

func intAttribute(name string, v int) []byte { return message(1, name, 3, v, 20, attributeInt) }

func valueOf(name string, elem int, shape ...int) []byte {
	var dims []byte
	for _, size := range shape {
		dim := message(2, "n")
		if size >= 0 {
			dim = message(1, size)
		}
		dims = append(dims, message(1, dim)...)
	}
	return message(1, name, 2, message(1, message(1, elem, 2, dims)))
}

func tensorOf(name string, elem int, dims []int, fields ...any) []byte {
	b := message(2, elem, 8, name)
	for _, size := range dims {
		b = append(b, message(1, size)...)
	}
	return append(b, message(fields...)...)
}

// modelOf is a model with an input x of floats and an output y. parts are fields of the graph.
func modelOf(parts ...any) []byte {
	graph := message(append([]any{2, "g", 11, valueOf("x", elemFloat, -1, 2), 12, valueOf("y", elemFloat)}, parts...)...)
	return message(1, 8, 8, message(1, "", 2, 17), 8, message(1, "ai.onnx.ml", 2, 3), 7, graph)
}

func externalTensor(pairs ...string) []byte {
	fields := []any{14, 1}
	for i := 0; i < len(pairs); i += 2 {
		fields = append(fields, 13, message(1, pairs[i], 2, pairs[i+1]))
	}
	return tensorOf("w", elemFloat, []int{2}, fields...)
}

func external(pairs ...string) []byte {
	return modelOf(5, externalTensor(pairs...), 1, nodeOf("Add", "x w", "y"))
}

// function is a FunctionProto of the domain "f".
func function(name string, nodes ...[]byte) []byte {
	fields := []any{1, name, 10, "f", 4, "x", 5, "y", 9, message(1, "", 2, 17), 9, message(1, "f", 2, 1)}
	for _, node := range nodes {
		fields = append(fields, 7, node)
	}
	return message(fields...)
}

func withFunctions(functions ...[]byte) []byte {
	model := modelOf(1, nodeOf("f:a", "x", "y"))
	for _, f := range functions {
		model = append(model, message(25, f)...)
	}
	return append(model, message(8, message(1, "f", 2, 1))...)
}

// nested is an If within an If, so often.
func nested(depth int) []byte {
	graph := message(1, nodeOf("Relu", "x", "o"), 12, valueOf("o", elemFloat))
	for range depth {
		branch := message(1, "then_branch", 6, graph, 20, attributeGraph)
		graph = message(1, nodeOf("If", "c", "o", branch), 12, valueOf("o", elemFloat))
	}
	yes := tensorOf("c", elemBool, nil, 9, "\x01")
	return modelOf(5, yes, 1, nodeOf("If", "c", "y", message(1, "then_branch", 6, graph, 20, attributeGraph)))
}

// doubling are functions of which each calls the next twice.
func doubling(depth int) []byte {
	var functions [][]byte
	for i := range depth {
		name, next := string(rune('a'+i)), "f:"+string(rune('a'+i+1))
		if i == depth-1 {
			next = "Relu"
		}
		functions = append(functions, function(name, nodeOf(next, "x", "m"), nodeOf(next, "m", "y")))
	}
	return withFunctions(functions...)
}

func repeated(n int, parts ...any) []byte {
	return bytes.Repeat(message(parts...), n)
}

type hostileFile struct {
	data []byte
	kind Kind
	says string
}

// hostile are models that must end in an error of a kind that says something.
func hostile() map[string]hostileFile {
	relu := nodeOf("Relu", "x", "y")
	ones := string(bytes.Repeat([]byte{0, 0, 0x80, 0x3f}, 2))
	tree := func(ids []byte) []byte {
		return modelOf(1, nodeOf("ai.onnx.ml:TreeEnsembleRegressor", "x", "y",
			message(1, "nodes_treeids", 8, []byte{0, 0}, 20, attributeInts), message(1, "nodes_nodeids", 8, []byte{0, 1}, 20, attributeInts),
			message(1, "nodes_featureids", 8, []byte{0, 0}, 20, attributeInts), message(1, "nodes_truenodeids", 8, ids, 20, attributeInts),
			message(1, "nodes_falsenodeids", 8, []byte{1, 1}, 20, attributeInts),
			message(1, "nodes_modes", 9, "BRANCH_LEQ", 9, "BRANCH_LEQ", 20, attributeStrings),
			message(1, "nodes_values", 7, make([]byte, 8), 20, attributeFloats)))
	}
	return map[string]hostileFile{
		"empty":          {nil, Malformed, "no graph"},
		"another format": {[]byte("\x89HDF\r\n\x1a\n"), Malformed, "protocol buffer"},
		"no graph":       {message(1, 8), Malformed, "no graph"},
		"no output":      {message(1, 8, 8, message(2, 17), 7, message(1, relu, 11, valueOf("x", 1))), Malformed, "no output"},
		"no version":     {message(1, 8, 7, message(1, relu, 11, valueOf("x", 1), 12, valueOf("y", 1))), Malformed, "which version"},
		"old": {
			message(1, 8, 8, message(2, 6), 7, message(11, valueOf("x", 1), 12, valueOf("y", 1), 1, nodeOf("Add", "x x", "y", intAttribute("broadcast", 1)))),
			Unsupported, `attribute "broadcast"`,
		},
		"unknown operator": {modelOf(1, nodeOf("Conv", "x", "y")), Unsupported, `node "#0" (Conv)`},
		"other domain":     {modelOf(1, nodeOf("com.evil:Relu", "x", "y")), Unsupported, "com.evil.Relu"},
		"unknown attribute": {
			modelOf(1, nodeOf("Relu", "x", "y", intAttribute("axis", 1))), Unsupported, `attribute "axis"`,
		},
		"attribute of another type": {
			modelOf(1, nodeOf("Flatten", "x", "y", message(1, "axis", 2, float32(1), 20, attributeFloat))), Malformed, `"axis" is of type 1`,
		},
		"attribute twice": {
			modelOf(1, nodeOf("Flatten", "x", "y", intAttribute("axis", 1), intAttribute("axis", 2))), Malformed, "two attributes",
		},
		"attribute of a function": {
			modelOf(1, nodeOf("Flatten", "x", "y", message(1, "axis", 21, "a", 20, attributeInt))), Malformed, "outside of a function",
		},
		"circle":         {modelOf(1, nodeOf("Relu", "z", "y"), 1, nodeOf("Relu", "y", "z")), Malformed, `input "z" is not computed before`},
		"itself":         {modelOf(1, nodeOf("Relu", "y", "y")), Malformed, "not computed before"},
		"defined twice":  {modelOf(1, relu, 1, relu), Malformed, `"y" is defined twice`},
		"no such output": {modelOf(1, nodeOf("Relu", "x", "z")), Malformed, `output "y"`},
		"too many inputs": {
			modelOf(1, nodeOf("Relu", "x x", "y")), Malformed, "2 inputs",
		},
		"missing input":    {modelOf(1, nodeOf("Add", "x _", "y")), Malformed, "input 1 is missing"},
		"too many outputs": {modelOf(1, nodeOf("Relu", "x", "y z")), Malformed, "2 outputs"},
		"half floats":      {modelOf(11, valueOf("h", elemFloat16, -1), 1, nodeOf("Relu", "h", "y")), Unsupported, "float16"},
		"cast to half":     {modelOf(1, nodeOf("Cast", "x", "y", intAttribute("to", elemFloat16))), Unsupported, "float16"},
		"complex":          {modelOf(11, valueOf("h", 14, -1), 1, relu), Unsupported, "complex64"},
		"sequence":         {modelOf(11, message(1, "s", 2, message(4, []byte{})), 1, relu), Unsupported, "no tensor"},
		"sparse":           {modelOf(15, []byte{}, 1, relu), Unsupported, "sparse"},
		"segments":         {modelOf(5, tensorOf("w", 1, []int{2}, 9, ones, 3, []byte{}), 1, relu), Unsupported, "segments"},
		"raw too short":    {modelOf(5, tensorOf("w", 1, []int{3}, 9, ones), 1, relu), Malformed, `tensor "w": 8 bytes for 3 elements`},
		"raw too long":     {modelOf(5, tensorOf("w", 1, []int{1}, 9, ones), 1, relu), Malformed, "8 bytes for 1 elements"},
		"typed too short":  {modelOf(5, tensorOf("w", 1, []int{3}, 4, float32(1)), 1, relu), Malformed, "1 elements for the shape [3]"},
		"splat":            {modelOf(5, tensorOf("w", 1, []int{1 << 30}, 4, float32(1)), 1, relu), Malformed, "1 elements"},
		"huge":             {modelOf(5, tensorOf("w", 1, []int{1 << 30, 1 << 30}), 1, relu), TooLarge, "shape"},
		"overflowing":      {modelOf(5, tensorOf("w", 1, []int{1 << 31, 1 << 31, 4}), 1, relu), Malformed, "dimension of size"},
		"negative":         {modelOf(5, tensorOf("w", 1, []int{-1}), 1, relu), Malformed, "size -1"},
		"raw strings":      {modelOf(5, tensorOf("w", elemString, []int{8}, 9, ones), 1, relu), Malformed, "strings"},
		"uint64": {
			modelOf(5, tensorOf("w", elemUint64, []int{1}, 9, "\xff\xff\xff\xff\xff\xff\xff\xff"), 1, relu), Unsupported, "uint64",
		},
		"unknown elements":   {modelOf(5, tensorOf("w", 77, []int{1}), 1, relu), Unsupported, "type 77"},
		"two tensors":        {modelOf(5, tensorOf("w", 1, []int{0}), 5, tensorOf("w", 1, []int{0}), 1, relu), Malformed, "defined twice"},
		"two inputs":         {modelOf(11, valueOf("x", 1)), Malformed, "two inputs"},
		"above":              {external("location", "../secret"), Unsafe, `"../secret"`},
		"far above":          {external("location", "a/../../secret"), Unsafe, "not a path below"},
		"absolute":           {external("location", "/etc/passwd"), Unsafe, "not a path below"},
		"windows":            {external("location", `..\secret`), Unsafe, "not a path below"},
		"drive":              {external("location", "c:secret"), Unsafe, "not a path below"},
		"the directory":      {external("location", "."), Unsafe, "not a path below"},
		"no location":        {external(), Unsafe, "not a path below"},
		"not there":          {external("location", "absent"), Malformed, "not there"},
		"a directory":        {external("location", "folder"), Malformed, "no file"},
		"beyond the end":     {external("location", "weights", "offset", "4093"), Malformed, "which has 4096"},
		"far beyond the end": {external("location", "weights", "offset", "9223372036854775807"), Malformed, "which has 4096"},
		"negative offset":    {external("location", "weights", "offset", "-8"), Malformed, "offset"},
		"no number":          {external("location", "weights", "length", "eight"), Malformed, "length"},
		"another length":     {external("location", "weights", "length", "12"), Malformed, "12 bytes"},
		"function of itself": {withFunctions(function("a", nodeOf("f:a", "x", "y"))), TooLarge, "do they call themselves"},
		"functions in a ring": {
			withFunctions(function("a", nodeOf("f:b", "x", "y")), function("b", nodeOf("f:a", "x", "y"))), TooLarge, "do they call themselves",
		},
		"function without its output": {withFunctions(function("a", nodeOf("Relu", "x", "z"))), Malformed, `computes "y"`},
		"functions that double":       {doubling(20), TooLarge, "grow to too many"},
		"branches":                    {nested(mostDepth + 1), TooLarge, "too deep"},
		"a branch of the input":       {modelOf(1, nodeOf("If", "x", "y")), Unsupported, "depends on the inputs"},
		"map":                         {modelOf(1, nodeOf("ai.onnx.ml:ZipMap", "x", "m", message(1, "classlabels_int64s", 8, []byte{1}, 20, attributeInts)), 1, nodeOf("Relu", "m", "y")), Unsupported, "map"},
		"no sequence":                 {modelOf(1, nodeOf("SequenceLength", "x", "y")), Malformed, "no sequence"},
		"sequence as output":          {modelOf(1, nodeOf("SequenceConstruct", "x x", "y")), Unsupported, "no tensor"},
		"beyond a sequence": {
			modelOf(5, tensorOf("p", elemInt64, nil, 7, 2), 1, nodeOf("SequenceConstruct", "x x", "s"), 1, nodeOf("SequenceAt", "s p", "y")),
			Malformed, "no position 2 among 2",
		},
		"a sequence of itself": {
			modelOf(1, nodeOf("SequenceConstruct", "x", "s"), 1, nodeOf("SequenceInsert", "s s", "y")), Malformed, "no tensor",
		},
		"parts of the input":  {modelOf(1, nodeOf("SplitToSequence", "x", "y")), Unsupported, "size of each part"},
		"tree in a circle":    {tree([]byte{0, 0}), Malformed, "two ways"},
		"tree out of itself":  {tree([]byte{9, 0}), Malformed, "not both there"},
		"empty nodes":         {message(1, 8, 8, message(2, 17), 7, repeated(1_000_000, 1, []byte{})), TooLarge, "more is described"},
		"too many dimensions": {modelOf(5, tensorOf("w", 1, make([]int, 100)), 1, relu), Unsupported, "dimensions"},
	}
}

// beside are the files that hostile models may name.
func beside(data []byte) fstest.MapFS {
	return fstest.MapFS{
		"model.onnx":     {Data: data},
		"weights":        {Data: make([]byte, 4096)},
		"folder/nothing": {Data: nil},
	}
}

func TestHostile(t *testing.T) {
	for name, file := range hostile() {
		t.Run(name, func(t *testing.T) {
			_, err := Read(t.Context(), beside(file.data), "model.onnx", Limits{})
			if KindOf(err) != file.kind || !strings.Contains(fmt.Sprint(err), file.says) {
				t.Errorf("got %v, expected %v with %q", err, file.kind, file.says)
			}
			if err != nil && !strings.Contains(err.Error(), "model.onnx") {
				t.Errorf("%v does not name the file", err)
			}
		})
	}
}

// A link that leads out of the directory is not followed, and one within it is.
func TestLinks(t *testing.T) {
	dir := t.TempDir()
	inside, outside := filepath.Join(dir, "inside"), filepath.Join(dir, "secret")
	if err := os.Mkdir(inside, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{
		outside: make([]byte, 8), filepath.Join(inside, "weights"): make([]byte, 8),
		filepath.Join(inside, "out.onnx"): external("location", "out"), filepath.Join(inside, "in.onnx"): external("location", "in"),
	} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink("../secret", filepath.Join(inside, "out")), os.Symlink("weights", filepath.Join(inside, "in"))); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(inside)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := Read(t.Context(), root.FS(), "in.onnx", Limits{}); err != nil {
		t.Errorf("a link within: %v", err)
	}
	if _, err := Read(t.Context(), root.FS(), "out.onnx", Limits{}); KindOf(err) != Unsafe {
		t.Errorf("a link that leads out: %v", err)
	}
}

// The same bytes may not be read so often that they become many.
func TestSplatOfExternalData(t *testing.T) {
	parts := []any{}
	for i := range 1000 {
		parts = append(parts, 5, tensorOf(fmt.Sprint(i), elemFloat, []int{1 << 18}, 14, 1, 13, message(1, "location", 2, "big")))
	}
	files := fstest.MapFS{
		"model.onnx": {Data: modelOf(append(parts, 1, nodeOf("Relu", "x", "y"))...)}, "big": {Data: make([]byte, 1<<20)},
	}
	if _, err := Read(t.Context(), files, "model.onnx", Limits{}); KindOf(err) != TooLarge {
		t.Errorf("got %v, expected that this is too large", err)
	}
}

func TestLimits(t *testing.T) {
	data := modelOf(5, tensorOf("w", elemFloat, []int{2}, 14, 1, 13, message(1, "location", 2, "weights")), 1, nodeOf("Add", "x w", "y"))
	for limit, want := range map[int64]Kind{int64(len(data)) - 1: TooLarge, int64(len(data)) + 4095: TooLarge, int64(len(data)) + 4096: 0} {
		if _, err := Read(t.Context(), beside(data), "model.onnx", Limits{MaxBytes: limit}); KindOf(err) != want || want == 0 && err != nil {
			t.Errorf("at most %d bytes: %v", limit, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, beside(modelOf(1, nodeOf("Relu", "x", "y"))), "model.onnx", Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestNoFile(t *testing.T) {
	if _, err := Read(t.Context(), beside(nil), "absent", Limits{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// However a model was changed, it is read or refused, and what comes out of it can be compiled and run, or is refused.
func TestChangedBytes(t *testing.T) {
	for _, name := range []string{"sklearn-columns", "sklearn-histogram", "torch-deepfm-dynamo-opset23", "keras-wide-deep-opset9", "sklearn-tfidf"} {
		data, err := os.ReadFile(filepath.Join(testdata, name, "model.onnx"))
		if err != nil {
			t.Fatal(err)
		}
		step := max(1, len(data)/100)
		for at := 0; at < len(data); at += step {
			for _, value := range []byte{0, 0xff, data[at] ^ 1, data[at] ^ 0x80} {
				changed := slices.Clone(data)
				changed[at] = value
				use(t, os.DirFS(filepath.Join(testdata, name)), changed)
			}
			use(t, os.DirFS(filepath.Join(testdata, name)), data[:at])
		}
	}
}

// overlay has a model in the place of that of a directory.
type overlay struct {
	fs.FS
	model fstest.MapFS
}

func (o overlay) Open(name string) (fs.File, error) {
	if name == "model.onnx" {
		return o.model.Open(name)
	}
	return o.FS.Open(name)
}

// use reads a model, and runs what comes out of it.
func use(t testing.TB, dir fs.FS, data []byte) {
	g, err := Read(t.Context(), overlay{dir, fstest.MapFS{"model.onnx": {Data: data}}}, "model.onnx", Limits{})
	if err != nil {
		if KindOf(err) == 0 {
			t.Fatalf("%#v is not an Error", err)
		}
		return
	}
	const limit = 16 << 20
	program, err := engine.Compile(t.Context(), g, engine.Options{FoldLimit: limit, RunLimit: limit})
	if err != nil {
		return
	}
	run := program.Acquire()
	defer run.Release()
	for i, input := range program.Inputs() {
		shape := slices.Clone(input.Shape)
		for k, size := range shape {
			if size < 0 {
				shape[k] = 1
			}
			if shape[k] > 1000 {
				return
			}
		}
		if len(shape) > 4 {
			return
		}
		run.Input(i).Resize(input.DType, shape...)
		run.Input(i).Clear()
	}
	_ = run.Do()
}

// What is allocated for a file stays below a multiple of its size, and a constant.
func TestMemory(t *testing.T) {
	const factor, constant = 128, 32 << 20
	files := hostile()
	files["tiny nodes"] = hostileFile{data: message(1, 8, 8, message(2, 17), 7, repeated(300_000, 1, message(4, "Relu", 1, "x")))}
	files["a chain"] = hostileFile{data: chain(100_000)}
	files["many inputs"] = hostileFile{data: modelOf(1, message(4, "Max", 2, "y"))}
	var names []byte
	for range 200_000 {
		names = append(names, message(1, "x")...)
	}
	files["wide node"] = hostileFile{data: modelOf(1, append(names, message(4, "Max", 2, "y")...))}
	for name, file := range files {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = Read(t.Context(), beside(file.data), "model.onnx", Limits{})
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > uint64(len(file.data))*factor+constant {
			t.Errorf("%s: %d bytes allocated for a file of %d", name, took, len(file.data))
		}
	}
}

// chain is so many nodes, each of which takes what the one before computes.
func chain(n int) []byte {
	parts := make([]any, 0, 2*n)
	last := "x"
	for i := range n {
		next := fmt.Sprint("v", i)
		if i == n-1 {
			next = "y"
		}
		parts = append(parts, 1, nodeOf("Relu", last, next))
		last = next
	}
	return modelOf(parts...)
}

// A million nodes, one after the other, are too many, and it does not take long to say so.
func TestMillionNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	if _, err := Read(t.Context(), beside(chain(1<<20)), "model.onnx", Limits{}); KindOf(err) == 0 {
		t.Errorf("got %v", err)
	}
}

func TestHalf(t *testing.T) {
	for bits, want := range map[uint16]float32{
		0: 0, 0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0400: 1.0 / (1 << 14), 0x0001: 1.0 / (1 << 24), 0x03ff: 1023.0 / (1 << 24),
		0x7c00: float32(math.Inf(1)), 0xfc00: float32(math.Inf(-1)), 0x3555: 0.33325195,
	} {
		if got := fromHalf(bits); got != want {
			t.Errorf("%#04x is %v, expected %v", bits, got, want)
		}
	}
	if !math.IsNaN(float64(fromHalf(0x7e01))) || math.Float32bits(fromHalf(0x8000)) != 1<<31 {
		t.Error("NaN and -0 stay what they are")
	}
}

// Elements come out the same from raw bytes, from the field of their type, and from a file beside the model.
func TestElements(t *testing.T) {
	le := binary.LittleEndian
	raw := map[int][]byte{
		elemFloat: le.AppendUint32(nil, math.Float32bits(-1.5)), elemDouble: le.AppendUint64(nil, math.Float64bits(-1.5)),
		elemInt8: {0xfe}, elemUint8: {0xfe}, elemInt16: {0xfe, 0xff}, elemUint16: {0xfe, 0xff}, elemInt32: le.AppendUint32(nil, 0xfffffffe),
		elemUint32: le.AppendUint32(nil, 0xfffffffe), elemInt64: le.AppendUint64(nil, 0xfffffffffffffffe), elemBool: {1},
		elemFloat16: {0, 0xbe}, elemBfloat16: {0xc0, 0xbf}, elemUint64: le.AppendUint64(nil, 3),
	}
	typed := map[int][]any{
		elemFloat: {4, float32(-1.5)}, elemDouble: {10, le.AppendUint64(nil, math.Float64bits(-1.5))}, elemInt8: {5, -2}, elemUint8: {5, 254},
		elemInt16: {5, -2}, elemUint16: {5, 65534}, elemInt32: {5, -2}, elemUint32: {11, 0xfffffffe}, elemInt64: {7, -2}, elemBool: {5, 1},
		elemFloat16: {5, 0xbe00}, elemBfloat16: {5, 0xbfc0}, elemUint64: {11, 3},
	}
	want := map[int]string{
		elemFloat: "-1.5", elemDouble: "-1.5", elemInt8: "-2", elemUint8: "254", elemInt16: "-2", elemUint16: "65534", elemInt32: "-2",
		elemUint32: "4294967294", elemInt64: "-2", elemBool: "true", elemFloat16: "-1.5", elemBfloat16: "-1.5", elemUint64: "3",
	}
	for elem, bytes := range raw {
		files := beside(nil)
		files["odd"] = &fstest.MapFile{Data: append([]byte{0}, bytes...)}
		for name, data := range map[string][]byte{
			"raw":   tensorOf("w", elem, nil, 9, bytes),
			"typed": tensorOf("w", elem, nil, typed[elem]...),
			"external": tensorOf("w", elem, nil, 14, 1, 13, message(1, "location", 2, "odd"), 13, message(1, "offset", 2, "1"),
				13, message(1, "length", 2, fmt.Sprint(len(bytes)))),
		} {
			files["model.onnx"] = &fstest.MapFile{Data: modelOf(1, nodeOf("Constant", "", "y", message(1, "value", 5, data, 20, attributeTensor)))}
			g, err := Read(t.Context(), files, "model.onnx", Limits{})
			if err != nil {
				t.Fatalf("%s, %s: %v", elemName(elem), name, err)
			}
			if got := element(g.Constants[g.Outputs[0].Value]); got != want[elem] {
				t.Errorf("%s, %s: %s, expected %s", elemName(elem), name, got, want[elem])
			}
		}
	}
}

// element spells the first element of a tensor.
func element(t *tensor.Tensor) string {
	switch t.DType() {
	case tensor.Float32:
		return fmt.Sprint(tensor.Data[float32](t)[0])
	case tensor.Float64:
		return fmt.Sprint(tensor.Data[float64](t)[0])
	case tensor.Int32:
		return fmt.Sprint(tensor.Data[int32](t)[0])
	case tensor.Int64:
		return fmt.Sprint(tensor.Data[int64](t)[0])
	case tensor.Bool:
		return fmt.Sprint(tensor.Data[bool](t)[0])
	default:
		return tensor.Data[string](t)[0]
	}
}

// Weights that are most of a model are used where they lie in it, wherever that is.
func TestInPlace(t *testing.T) {
	for shift := range 9 {
		for _, elem := range []int{elemFloat, elemDouble, elemInt32, elemInt64, elemFloat16, elemUint32} {
			var raw []byte
			for i := range 256 {
				raw = append(raw, bytes.Repeat([]byte{byte(i)}, elemSize(elem)-1)...)
				raw = append(raw, 0x3f)
			}
			data := modelOf(3, strings.Repeat("a", shift), 5, tensorOf("v", elem, []int{256}, 9, raw), 5, tensorOf("w", elem, []int{256}, 9, raw),
				1, nodeOf("Identity", "w", "z"), 1, nodeOf("Identity", "v", "y"))
			g, err := Read(t.Context(), beside(data), "model.onnx", Limits{})
			if err != nil {
				t.Fatal(err)
			}
			want, err := fromRaw(elem, raw, []int{256}, false)
			if err != nil {
				t.Fatal(err)
			}
			for _, constant := range g.Constants {
				if err := near(constant, want, 0, 0); err != nil {
					t.Errorf("%s, moved by %d: %v", elemName(elem), shift, err)
				}
			}
		}
	}
}
