package savedmodel

import (
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/format/wire"
)

// The messages of TensorFlow's saved_model.proto and what it includes, as far as they are needed here.

// metaGraph is a MetaGraphDef: a graph for one purpose, of which serving is one.
type metaGraph struct {
	tags       []string
	version    string
	nodes      map[string]*node
	functions  map[string]*function
	signatures map[string]*signature
	saver      saver
	// assets maps the tensors that are to hold the names of asset files to those.
	assets map[string]string
	// initialiser is the node that fills the tables, empty where there is none.
	initialiser string
}

// node is a NodeDef.
type node struct {
	name, op string
	inputs   []string
	// after are the control inputs: nodes that are to run before, for their effects.
	after []string
	attrs []attribute
}

// attribute is one of a node's; its value is read when it is asked for.
type attribute struct {
	name  string
	value wire.Message
}

// function is a FunctionDef.
type function struct {
	name string
	args []string
	// results are what the function returns, in order; returned and effects say which tensors and nodes of the body those are.
	results  []string
	returned map[string]string
	effects  []string
	nodes    map[string]*node
}

// signature is a SignatureDef.
type signature struct {
	method          string
	inputs, outputs []tensorInfo
}

// tensorInfo is a TensorInfo: which tensor of the graph goes by a name in a signature.
type tensorInfo struct {
	name, tensor string
	dtype        int
	shape        []int
	unknown      bool
	composite    bool
}

// saver is a SaverDef: the tensor that takes the name of the variables' files, and the node that restores them.
type saver struct{ filename, restore string }

// nodeSize is about how much memory a node takes.
const nodeSize = 256

// MaxNodes is how many nodes a graph, and each of its functions, has at most.
const MaxNodes = 1 << 20

// readSavedModel reads a SavedModel's graphs, of which there must be one at least.
func readSavedModel(m *wire.Message) []*metaGraph {
	var graphs []*metaGraph
	for m.Next() {
		if m.Field() == 2 && m.Charge(nodeSize) {
			graphs = append(graphs, readMetaGraph(m.Message()))
		}
	}
	return graphs
}

func readMetaGraph(m *wire.Message) *metaGraph {
	g := &metaGraph{
		nodes: map[string]*node{}, functions: map[string]*function{}, signatures: map[string]*signature{},
		assets: map[string]string{},
	}
	for m.Next() {
		switch m.Field() {
		case 1:
			g.readInfo(m.Message())
		case 2:
			g.readGraph(m.Message())
		case 3:
			g.saver = readSaver(m.Message())
		case 4:
			g.readCollection(m.Message())
		case 5:
			name, value := readPair(m.Message())
			g.signatures[name] = readSignature(value)
		case 6:
			g.readAsset(m.Message())
		}
	}
	return g
}

// readPair reads an entry of a map. A value that is missing is an empty message.
func readPair(m *wire.Message) (key string, value *wire.Message) {
	value = &wire.Message{}
	for m.Next() {
		switch m.Field() {
		case 1:
			key = m.String()
		case 2:
			value = m.Message()
		}
	}
	return key, value
}

func (g *metaGraph) readInfo(m *wire.Message) {
	for m.Next() {
		switch m.Field() {
		case 4:
			g.tags = m.AppendString(g.tags)
		case 5:
			g.version = m.String()
		}
	}
}

// readGraph reads a GraphDef.
func (g *metaGraph) readGraph(m *wire.Message) {
	for m.Next() {
		switch m.Field() {
		case 1:
			addNode(g.nodes, m)
		case 2:
			for library := m.Message(); library.Next(); {
				if library.Field() == 1 && library.Charge(nodeSize) {
					f := readFunction(library.Message())
					if g.functions[f.name] != nil {
						library.Fail("there are two functions %.200q", f.name)
					}
					g.functions[f.name] = f
				}
			}
		}
	}
}

// addNode reads the NodeDef that is the current field.
func addNode(nodes map[string]*node, parent *wire.Message) {
	if !parent.Charge(nodeSize) {
		return
	}
	m := parent.Message()
	n := &node{}
	for m.Next() {
		switch m.Field() {
		case 1:
			n.name = m.String()
		case 2:
			n.op = m.String()
		case 3:
			input := m.String()
			if !m.Charge(int64(len(input)) + 16) {
				return
			}
			if name, control := strings.CutPrefix(input, "^"); control {
				n.after = append(n.after, name)
			} else {
				n.inputs = append(n.inputs, input)
			}
		case 5:
			if name, value := readPair(m.Message()); m.Charge(nodeSize) {
				n.attrs = append(n.attrs, attribute{name, *value})
			}
		}
	}
	if len(nodes) >= MaxNodes {
		parent.Exceed("more than %d nodes", MaxNodes)
	}
	if nodes[n.name] != nil {
		parent.Fail("there are two nodes %.200q", n.name)
	}
	nodes[n.name] = n
}

func readFunction(m *wire.Message) *function {
	f := &function{returned: map[string]string{}, nodes: map[string]*node{}}
	for m.Next() {
		switch m.Field() {
		case 1:
			f.readSignature(m.Message())
		case 3:
			addNode(f.nodes, m)
		case 4, 6:
			key, value := "", ""
			for pair := m.Message(); pair.Next(); {
				switch pair.Field() {
				case 1:
					key = pair.String()
				case 2:
					value = pair.String()
				}
			}
			if m.Field() == 4 {
				f.returned[key] = value
			} else {
				f.effects = append(f.effects, value)
			}
		}
	}
	return f
}

// readSignature reads a function's OpDef.
func (f *function) readSignature(m *wire.Message) {
	for m.Next() {
		switch m.Field() {
		case 1:
			f.name = m.String()
		case 2:
			f.args = append(f.args, readArg(m.Message()))
		case 3:
			f.results = append(f.results, readArg(m.Message()))
		}
	}
}

func readArg(m *wire.Message) string {
	name := ""
	for m.Next() {
		if m.Field() == 1 {
			name = m.String()
		}
	}
	return name
}

func readSignature(m *wire.Message) *signature {
	s := &signature{}
	for m.Next() {
		switch m.Field() {
		case 1, 2:
			name, value := readPair(m.Message())
			info := readTensorInfo(value)
			info.name = name
			if m.Field() == 1 {
				s.inputs = append(s.inputs, info)
			} else {
				s.outputs = append(s.outputs, info)
			}
		case 3:
			s.method = m.String()
		}
	}
	return s
}

func readTensorInfo(m *wire.Message) tensorInfo {
	info := tensorInfo{}
	for m.Next() {
		switch m.Field() {
		case 1:
			info.tensor = m.String()
		case 2:
			info.dtype = m.Int()
		case 3:
			info.shape, info.unknown = readShape(m.Message())
		case 4, 5:
			info.composite = true
		}
	}
	return info
}

// readShape reads a TensorShapeProto. Sizes that are not known are negative.
func readShape(m *wire.Message) (shape []int, unknown bool) {
	shape = []int{}
	for m.Next() {
		switch m.Field() {
		case 2:
			size := int64(0)
			for dim := m.Message(); dim.Next(); {
				if dim.Field() == 1 {
					size = dim.Int64()
				}
			}
			if m.Charge(8) {
				shape = append(shape, int(max(size, -1)))
			}
		case 3:
			unknown = m.Bool()
		}
	}
	return shape, unknown
}

func readSaver(m *wire.Message) saver {
	s := saver{}
	for m.Next() {
		switch m.Field() {
		case 1:
			s.filename = m.String()
		case 3:
			s.restore = m.String()
		}
	}
	return s
}

// readCollection looks for the node that initialises the tables, and for the assets, which are kept under these names.
func (g *metaGraph) readCollection(m *wire.Message) {
	const nodeList, anyList = 1, 5
	name, value := readPair(m)
	for value.Next() {
		switch {
		case value.Field() == nodeList && (name == "saved_model_main_op" || name == "legacy_init_op"):
			for list := value.Message(); list.Next(); {
				if list.Field() == 1 {
					g.initialiser = list.String()
				}
			}
		case value.Field() == anyList && name == "saved_model_assets":
			for list := value.Message(); list.Next(); {
				if list.Field() == 1 {
					g.readAnyAsset(list.Message())
				}
			}
		}
	}
}

// readAnyAsset reads an asset within an Any.
func (g *metaGraph) readAnyAsset(m *wire.Message) {
	for m.Next() {
		if m.Field() == 2 {
			g.readAsset(m.Message())
		}
	}
}

func (g *metaGraph) readAsset(m *wire.Message) {
	name, file := "", ""
	for m.Next() {
		switch m.Field() {
		case 1:
			name = readTensorInfo(m.Message()).tensor
		case 2:
			file = m.String()
		}
	}
	if m.Charge(int64(len(name)+len(file)) + 64) {
		g.assets[name] = file
	}
}
