package pickle

import (
	"bytes"
	"context"
	"fmt"
)

// Options bound a reading. The zero value has the defaults and welcomes no class.
type Options struct {
	// MaxValues is how many values may be pushed; 0 means DefaultMaxValues, or more in a larger file: see manyValues.
	MaxValues int
	// MaxDepth is how deep containers may be nested; 0 means DefaultMaxDepth.
	MaxDepth int
	// Classes decides about classes; nil means that all are foreign.
	Classes Classes
}

// Default limits. They bound the memory of the worst small input to some 150 MB, and of the worst large one to 64 times its
// size; estimators nest about ten deep.
const (
	DefaultMaxValues = 1 << 19
	DefaultMaxDepth  = 64
)

// A large vocabulary has two values for each word. A file may have a value for every so many of its bytes, which are those
// of a short word and its number, up to the most.
const (
	bytesPerValue = 4
	mostValues    = 1 << 23
)

// manyValues is the limit for a file of so many bytes.
func manyValues(size int) int { return max(DefaultMaxValues, min(size/bytesPerValue, mostValues)) }

// minValues is what every input may make, however short.
const minValues = 1 << 10

// Read turns a pickle into its tree. The tree aliases data, which must not be changed as long as it is used. An error is
// an *Error, or the context's.
func Read(ctx context.Context, data []byte, options Options) (Node, error) {
	if options.MaxValues == 0 {
		options.MaxValues = manyValues(len(data))
	}
	if options.MaxDepth == 0 {
		options.MaxDepth = DefaultMaxDepth
	}
	if err := sniff(data); err != nil {
		return nil, err
	}
	// No honest pickle makes more than a value for each byte, but for copies, of which the reader makes one at most. So
	// the bound on values becomes one on memory, relative to the input.
	options.MaxValues = min(options.MaxValues, 2*len(data)+minValues)
	m := &machine{in: cursor{data: data}, options: options}
	root, err := m.run(ctx)
	if err != nil {
		return nil, err
	}
	if left := m.in.left(); left > 0 {
		return nil, &Error{Kind: Malformed, Offset: m.in.at, Message: fmt.Sprintf("%d bytes after the pickle's end", left)}
	}
	if kind, message := checkNesting(root, options.MaxDepth); kind != 0 {
		return nil, &Error{Kind: kind, Offset: m.at, Message: message}
	}
	return root, nil
}

// highestProtocol is the newest protocol there is; it has not changed since Python 3.8.
const highestProtocol = 5

// IsPickle says whether data begins like a pickle of protocol 2 or later, which is all that anybody has written without
// asking for less since Python 3.0.
func IsPickle(data []byte) bool {
	return len(data) >= 2 && data[0] == opProto && data[1] >= 2 && data[1] <= highestProtocol
}

// sniff refuses what cannot be a pickle from its first bytes, with the name of what it is where that is plain.
func sniff(data []byte) error {
	if len(data) == 0 {
		return &Error{Kind: Truncated, Message: "the file is empty"}
	}
	for _, other := range []struct{ magic, name string }{
		{"\x89HDF\r\n\x1a\n", "an HDF5 file"},
		{"PK\x03\x04", "a zip archive (if torch.save wrote it: export the model with torch.onnx)"},
		{"\x1f\x8b", "gzip-compressed data"},
		{"\x78\x9c", "zlib-compressed data (joblib.dump with compress)"},
		{"\x78\x01", "zlib-compressed data (joblib.dump with compress)"},
		{"\x78\xda", "zlib-compressed data (joblib.dump with compress)"},
		{"BZh", "bzip2-compressed data"},
		{"\xfd7zXZ\x00", "xz-compressed data"},
		{"\x28\xb5\x2f\xfd", "zstd-compressed data"},
		{"ZF0x", "a compressed file of joblib before 0.10 (load it with that joblib, and write it with a newer one)"},
		{"\x93NUMPY", "a numpy .npy file"},
		{"version https://git-lfs", "a git-lfs pointer, not the file itself"},
		{"<", "HTML or XML"},
		{"{", "JSON"},
	} {
		if bytes.HasPrefix(data, []byte(other.magic)) {
			return &Error{Kind: NotPickle, Message: "found " + other.name}
		}
	}
	if data[0] == opProto && len(data) >= 2 && !IsPickle(data) && data[1] > highestProtocol {
		return &Error{Kind: NotPickle, Message: fmt.Sprintf("found protocol %d; the highest is 5", data[1])}
	}
	if operations[data[0]].run == nil {
		return &Error{Kind: NotPickle, Message: fmt.Sprintf("found 0x%02x, which no pickle begins with", data[0])}
	}
	return nil
}

// checkNesting walks the tree without recursion, and returns what is wrong with it: a container within itself, or too
// deep a nesting. A container that is shared is walked once.
func checkNesting(root Node, limit int) (Kind, string) {
	type frame struct {
		node     Node
		children []Node
		height   int
	}
	const onPath = -1
	heights := map[Node]int{}
	var path []frame
	enter := func(n Node) {
		heights[n] = onPath
		path = append(path, frame{node: n, children: children(n)})
	}
	if !isContainer(root) {
		return 0, ""
	}
	enter(root)
	for len(path) > 0 {
		top := &path[len(path)-1]
		if len(top.children) == 0 {
			height := top.height + 1
			heights[top.node] = height
			path = path[:len(path)-1]
			if len(path) > 0 {
				above := &path[len(path)-1]
				above.height = max(above.height, height)
			}
			continue
		}
		child := top.children[0]
		top.children = top.children[1:]
		if !isContainer(child) {
			continue
		}
		height, seen := heights[child]
		switch {
		case seen && height == onPath:
			return Malformed, "a container that contains itself"
		case len(path)+max(height, 1) > limit:
			return TooLarge, fmt.Sprintf("containers nested more than %d deep", limit)
		case seen:
			top.height = max(top.height, height)
		default:
			enter(child)
		}
	}
	return 0, ""
}

func isContainer(n Node) bool {
	switch n.(type) {
	case *List, *Tuple, *Set, *Dict, *Object, *Array:
		return true
	default:
		return false
	}
}

// children are the nodes directly within a container.
func children(n Node) []Node {
	switch n := n.(type) {
	case *List:
		return n.Items
	case *Tuple:
		return n.Items
	case *Set:
		return n.Items
	case *Array:
		return n.Objects
	case *Dict:
		flat := make([]Node, 0, 2*len(n.Entries))
		for _, entry := range n.Entries {
			flat = append(flat, entry.Key, entry.Value)
		}
		return flat
	case *Object:
		if n.State == nil {
			return []Node{n.Args}
		}
		return []Node{n.Args, n.State}
	default:
		return nil
	}
}
