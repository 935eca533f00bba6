package savedmodel_test

import (
	"math"
	"testing/fstest"

	"google.golang.org/protobuf/encoding/protowire"
)

// Messages for graphs that TensorFlow does not write. A message is the concatenation of its fields.

func field(number int, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, protowire.Number(number), protowire.BytesType), value)
}

func text(number int, value string) []byte { return field(number, []byte(value)) }

func num(number int, value int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, protowire.Number(number), protowire.VarintType), uint64(value))
}

func join(parts ...[]byte) (all []byte) {
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

// pairOf is an entry of a map.
func pairOf(key string, value []byte) []byte { return join(text(1, key), field(2, value)) }

// nodeOf is a node of a graph or a function; attrs are fields.
func nodeOf(name, op string, inputs []string, attrs ...[]byte) []byte {
	n := join(text(1, name), text(2, op))
	for _, input := range inputs {
		n = append(n, text(3, input)...)
	}
	return join(append([][]byte{n}, attrs...)...)
}

func attr(name string, value []byte) []byte { return field(5, pairOf(name, value)) }

func typeAttr(name string, dtype int) []byte { return attr(name, num(6, dtype)) }

func shapeProto(sizes ...int) (shape []byte) {
	for _, size := range sizes {
		shape = append(shape, field(2, num(1, size))...)
	}
	return shape
}

// constOf is a node with floats, of which the last one stands for the rest of the shape.
func constOf(name string, values []float32, shape ...int) []byte {
	t := join(num(1, 1), field(2, shapeProto(shape...)))
	for _, v := range values {
		t = protowire.AppendFixed32(protowire.AppendTag(t, 5, protowire.Fixed32Type), math.Float32bits(v))
	}
	return nodeOf(name, "Const", nil, typeAttr("dtype", 1), attr("value", field(8, t)))
}

func info(tensor string, dtype int, shape ...int) []byte {
	return join(text(1, tensor), num(2, dtype), field(3, shapeProto(shape...)))
}

// functionOf is a function of one argument x.
func functionOf(name string, result string, nodes ...[]byte) []byte {
	f := field(1, join(text(1, name), field(2, text(1, "x")), field(3, text(1, "y"))))
	f = append(f, field(4, join(text(1, "y"), text(2, result)))...)
	for _, n := range nodes {
		f = append(f, field(3, n)...)
	}
	return f
}

// model is a graph with an input x, a list of floats, and the output y, a tensor of the graph.
type model struct {
	nodes, functions [][]byte
	output           string
	// more are further fields of the MetaGraphDef.
	more  []byte
	files map[string]string
}

func (m model) fs() fstest.MapFS {
	graph := field(1, nodeOf("x", "Placeholder", nil, typeAttr("dtype", 1)))
	for _, n := range m.nodes {
		graph = append(graph, field(1, n)...)
	}
	var library []byte
	for _, f := range m.functions {
		library = append(library, field(1, f)...)
	}
	graph = append(graph, field(2, library)...)
	output := m.output
	if output == "" {
		output = "y:0"
	}
	signature := join(
		field(1, pairOf("x", info("x:0", 1, -1))),
		field(2, pairOf("y", info(output, 1, -1))),
		text(3, "tensorflow/serving/predict"),
	)
	meta := join(field(1, text(4, "serve")), field(2, graph), field(5, pairOf("serving_default", signature)), m.more)
	files := fstest.MapFS{"saved_model.pb": {Data: field(2, meta), Mode: 0o600}}
	for name, content := range m.files {
		files[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o600}
	}
	return files
}
