package onnx

import (
	"context"

	"github.com/ctr-operator/ctr-operator/runtime/format/wire"
)

// The messages of onnx.proto, with the fields that matter for inference. The numbers of the fields are the schema's:
// https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

type modelProto struct {
	irVersion int64
	producer  string
	opsets    map[string]int64
	graph     *graphProto
	functions []*functionProto
	inPlace   bool
}

type graphProto struct {
	nodes        []*nodeProto
	initializers []*tensorProto
	sparse       int
	inputs       []valueInfo
	outputs      []valueInfo
}

type functionProto struct {
	domain, name, overload string
	inputs, outputs        []string
	// defaults are attributes that have one.
	defaults []*attributeProto
	nodes    []*nodeProto
	opsets   map[string]int64
}

type nodeProto struct {
	domain, op, overload, name string
	inputs, outputs            []string
	attributes                 []*attributeProto
}

type attributeProto struct {
	name    string
	kind    int
	ref     string
	f       float32
	i       int64
	s       string
	t       *tensorProto
	g       *graphProto
	floats  []float32
	ints    []int64
	strings []string
	// others counts what is not supported in any attribute: lists of tensors and graphs, sparse tensors.
	others int
}

// The types of attributes.
const (
	attributeFloat   = 1
	attributeInt     = 2
	attributeString  = 3
	attributeTensor  = 4
	attributeGraph   = 5
	attributeFloats  = 6
	attributeInts    = 7
	attributeStrings = 8
)

// valueInfo is the type of an input or output.
type valueInfo struct {
	name string
	// class is what the value is.
	class valueClass
	// elem is a tensor's type of elements, shape its sizes, with -1 for those that are not known. ranked says whether there
	// is a shape.
	elem   int
	shape  []int
	ranked bool
	// key is the type of a map's keys; elem then is that of its values.
	key int
}

type valueClass uint8

const (
	classNone valueClass = iota
	classTensor
	classSequence
	classMap
	classOther
)

// Costs of what is kept, as charged for each.
const (
	nodeCost      = 256
	attributeCost = 256
	tensorCost    = 256
	valueCost     = 128
	nameCost      = 16
)

// decoder reads a model's messages.
type decoder struct {
	ctx   context.Context //nolint:containedctx // that of one call of Read, for as long as it lasts
	err   error
	count int
	// raw is how many bytes of elements there are.
	raw int
}

// decode reads a whole model.
func decode(ctx context.Context, data []byte) (*modelProto, error) {
	d := &decoder{ctx: ctx}
	root := wire.New(data, wire.Limits{})
	model := d.model(root)
	if d.err != nil {
		return nil, d.err
	}
	if err := root.Err(); err != nil {
		kind := Malformed
		if wire.KindOf(err) == wire.TooLarge {
			kind = TooLarge
		}
		return nil, &Error{Kind: kind, Message: err.Error(), Err: err}
	}
	// A model that is elements for the most part is kept as it is, and they are used where they lie.
	model.inPlace = d.raw > len(data)-len(data)/4
	return model, nil
}

// next goes to a message's next field, unless the context has ended.
func (d *decoder) next(m *wire.Message) bool {
	const often = 1 << 10
	if d.count++; d.count%often == 0 && d.err == nil {
		d.err = d.ctx.Err()
	}
	return d.err == nil && m.Next()
}

func (d *decoder) model(m *wire.Message) *modelProto {
	model := &modelProto{opsets: map[string]int64{}}
	for d.next(m) {
		switch m.Field() {
		case 1:
			model.irVersion = m.Int64()
		case 2:
			model.producer = m.String()
		case 7:
			model.graph = d.graph(m.Message())
		case 8:
			d.opset(m.Message(), model.opsets)
		case 25:
			if m.Charge(nodeCost) {
				model.functions = append(model.functions, d.function(m.Message()))
			}
		}
	}
	return model
}

// opset reads an OperatorSetIdProto. The default domain has two names.
func (d *decoder) opset(m *wire.Message, into map[string]int64) {
	var domain string
	var version int64
	if !m.Charge(valueCost) {
		return
	}
	for d.next(m) {
		switch m.Field() {
		case 1:
			domain = m.String()
		case 2:
			version = m.Int64()
		}
	}
	into[plainDomain(domain)] = version
}

func plainDomain(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}

func (d *decoder) graph(m *wire.Message) *graphProto {
	g := &graphProto{}
	for d.next(m) {
		switch m.Field() {
		case 1:
			g.nodes = d.appendNode(m, g.nodes)
		case 5:
			if m.Charge(tensorCost) {
				g.initializers = append(g.initializers, d.tensor(m.Message()))
			}
		case 11:
			g.inputs = d.appendValue(m, g.inputs)
		case 12:
			g.outputs = d.appendValue(m, g.outputs)
		case 15:
			g.sparse++
		}
	}
	return g
}

func (d *decoder) function(m *wire.Message) *functionProto {
	f := &functionProto{opsets: map[string]int64{}}
	for d.next(m) {
		switch m.Field() {
		case 1:
			f.name = m.String()
		case 4:
			f.inputs = m.AppendString(f.inputs)
		case 5:
			f.outputs = m.AppendString(f.outputs)
		case 7:
			f.nodes = d.appendNode(m, f.nodes)
		case 9:
			d.opset(m.Message(), f.opsets)
		case 10:
			f.domain = plainDomain(m.String())
		case 11:
			f.defaults = d.appendAttribute(m, f.defaults)
		case 13:
			f.overload = m.String()
		}
	}
	return f
}

func (d *decoder) appendNode(m *wire.Message, nodes []*nodeProto) []*nodeProto {
	if !m.Charge(nodeCost) {
		return nodes
	}
	n := &nodeProto{}
	m = m.Message()
	for d.next(m) {
		switch m.Field() {
		case 1:
			n.inputs = m.AppendString(n.inputs)
		case 2:
			n.outputs = m.AppendString(n.outputs)
		case 3:
			n.name = m.String()
		case 4:
			n.op = m.String()
		case 5:
			n.attributes = d.appendAttribute(m, n.attributes)
		case 7:
			n.domain = plainDomain(m.String())
		case 8:
			n.overload = m.String()
		}
	}
	return append(nodes, n)
}

func (d *decoder) appendAttribute(m *wire.Message, attributes []*attributeProto) []*attributeProto {
	if !m.Charge(attributeCost) {
		return attributes
	}
	a := &attributeProto{}
	m = m.Message()
	for d.next(m) {
		d.attributeField(m, a)
	}
	return append(attributes, a)
}

func (d *decoder) attributeField(m *wire.Message, a *attributeProto) {
	switch m.Field() {
	case 1:
		a.name = m.String()
	case 2:
		a.f = m.Float32()
	case 3:
		a.i = m.Int64()
	case 4:
		a.s = m.String()
	case 5:
		if m.Charge(tensorCost) {
			a.t = d.tensor(m.Message())
		}
	case 6:
		a.g = d.graph(m.Message())
	case 7:
		a.floats = m.AppendFloat32(a.floats)
	case 8:
		a.ints = m.AppendInt64(a.ints)
	case 9:
		a.strings = m.AppendString(a.strings)
	case 10, 11, 22, 23:
		a.others++
	case 20:
		a.kind = m.Int()
	case 21:
		a.ref = m.String()
	}
}

func (d *decoder) appendValue(m *wire.Message, values []valueInfo) []valueInfo {
	if !m.Charge(valueCost) {
		return values
	}
	var v valueInfo
	m = m.Message()
	for d.next(m) {
		switch m.Field() {
		case 1:
			v.name = m.String()
		case 2:
			d.valueType(m.Message(), &v)
		}
	}
	return append(values, v)
}

// valueType reads a TypeProto.
func (d *decoder) valueType(m *wire.Message, v *valueInfo) {
	for d.next(m) {
		switch m.Field() {
		case 1:
			v.class = classTensor
			d.tensorType(m.Message(), v)
		case 4:
			v.class = classSequence
		case 5:
			d.mapType(m.Message(), v)
		case 7, 8, 9:
			v.class = classOther
		}
	}
}

// mapType reads a TypeProto.Map, whose values are to be tensors.
func (d *decoder) mapType(m *wire.Message, v *valueInfo) {
	var values valueInfo
	for d.next(m) {
		switch m.Field() {
		case 1:
			v.key = m.Int()
		case 2:
			d.valueType(m.Message(), &values)
		}
	}
	if v.class = classOther; values.class == classTensor {
		v.class, v.elem = classMap, values.elem
	}
}

func (d *decoder) tensorType(m *wire.Message, v *valueInfo) {
	for d.next(m) {
		switch m.Field() {
		case 1:
			v.elem = m.Int()
		case 2:
			v.ranked = true
			shape := m.Message()
			for d.next(shape) {
				if shape.Field() == 1 && shape.Charge(nameCost) {
					v.shape = append(v.shape, d.dimension(shape.Message()))
				}
			}
		}
	}
}

// dimension is a size, or -1 where it has only a name, or not even that.
func (d *decoder) dimension(m *wire.Message) int {
	size := -1
	for d.next(m) {
		if m.Field() == 1 {
			size = m.Int()
		}
	}
	return max(size, -1)
}
