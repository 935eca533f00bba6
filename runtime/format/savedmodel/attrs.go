package savedmodel

import (
	"github.com/ctr-operator/ctr-operator/runtime/format/tftype"
	"github.com/ctr-operator/ctr-operator/runtime/format/wire"
)

// The fields of an AttrValue.
const (
	attrList   = 1
	attrString = 2
	attrInt    = 3
	attrFloat  = 4
	attrBool   = 5
	attrType   = 6
	attrShape  = 7
	attrTensor = 8
	attrFunc   = 10
)

// attr is a cursor over an attribute's value, an empty one where the node has none: attributes that have their default
// are left out.
func (n *node) attr(name string) *wire.Message {
	for i := range n.attrs {
		if n.attrs[i].name == name {
			m := n.attrs[i].value
			return &m
		}
	}
	return &wire.Message{}
}

// field goes to a field of an attribute, and says whether it is there.
func (n *node) field(name string, field int) (*wire.Message, bool) {
	m := n.attr(name)
	for m.Next() {
		if m.Field() == field {
			return m, true
		}
	}
	return m, false
}

func (n *node) intAttr(name string, otherwise int) int {
	if m, ok := n.field(name, attrInt); ok {
		return int(m.Int64())
	}
	return otherwise
}

func (n *node) floatAttr(name string, otherwise float32) float32 {
	if m, ok := n.field(name, attrFloat); ok {
		return m.Float32()
	}
	return otherwise
}

func (n *node) boolAttr(name string, otherwise bool) bool {
	if m, ok := n.field(name, attrBool); ok {
		return m.Bool()
	}
	return otherwise
}

func (n *node) stringAttr(name, otherwise string) string {
	if m, ok := n.field(name, attrString); ok {
		return m.String()
	}
	return otherwise
}

func (n *node) typeAttr(name string, otherwise int) int {
	if m, ok := n.field(name, attrType); ok {
		return m.Int()
	}
	return otherwise
}

// funcAttr is the name of a function.
func (n *node) funcAttr(name string) string {
	if m, ok := n.field(name, attrFunc); ok {
		return readArg(m.Message())
	}
	return ""
}

// list calls add at each field of a list's that has the number.
func (n *node) list(name string, field int, add func(m *wire.Message)) {
	m, ok := n.field(name, attrList)
	if !ok {
		return
	}
	for list := m.Message(); list.Next(); {
		if list.Field() == field {
			add(list)
		}
	}
}

func (n *node) intsAttr(name string) []int {
	var wide []int64
	n.list(name, attrInt, func(m *wire.Message) { wide = m.AppendInt64(wide) })
	values := make([]int, len(wide))
	for i, v := range wide {
		values[i] = int(v)
	}
	return values
}

func (n *node) floatsAttr(name string) []float32 {
	var values []float32
	n.list(name, attrFloat, func(m *wire.Message) { values = m.AppendFloat32(values) })
	return values
}

func (n *node) typesAttr(name string) []int {
	var wide []int64
	n.list(name, attrType, func(m *wire.Message) { wide = m.AppendInt64(wide) })
	values := make([]int, len(wide))
	for i, v := range wide {
		values[i] = int(v)
	}
	return values
}

// shapesAttr is a list of shapes; one that is not known is nil.
func (n *node) shapesAttr(name string) [][]int {
	var shapes [][]int
	n.list(name, attrShape, func(m *wire.Message) {
		if !m.Charge(32) {
			return
		}
		shape, unknown := readShape(m.Message())
		if unknown {
			shape = nil
		}
		shapes = append(shapes, shape)
	})
	return shapes
}

// inexact is an attribute that says that the node computes with a type that the engine has no arithmetic of.
func (n *node) inexact() (name string, found bool) {
	for _, key := range []string{"T", "dtype", "Tparams", "DstT", "out_type", "output_type"} {
		if number := n.typeAttr(key, 0); number != 0 && number < tftype.RefOffset && !tftype.Exact(number) {
			if number != tftype.Resource && number != tftype.Variant {
				return tftype.Name(number), true
			}
		}
	}
	return "", false
}

// movesOnly says whether an operator only moves elements, so that a wider type than the model's does not matter.
func movesOnly(op string) bool {
	switch op {
	case "Reshape", "ExpandDims", "Squeeze", "Transpose", "ConcatV2", "Pack", "Unpack", "Split", "SplitV", "Tile", "BroadcastTo",
		"StridedSlice", "Slice", "GatherV2", "Gather", "GatherNd", "ResourceGather", "Shape", "Size", "Rank", "Fill",
		"LookupTableFindV2", "RestoreV2":
		return true
	default:
		return false
	}
}
