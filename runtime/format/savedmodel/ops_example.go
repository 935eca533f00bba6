package savedmodel

import (
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/format/tftype"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// features makes features of their names and types, and, where they are dense, shapes.
func features(names []string, types []int, shapes [][]int) ([]op.ExampleFeature, error) {
	if len(types) != len(names) || shapes != nil && len(shapes) != len(names) {
		return nil, fault(Malformed, "has %d features, %d types and %d shapes", len(names), len(types), len(shapes))
	}
	made := make([]op.ExampleFeature, len(names))
	for i, name := range names {
		dtype, _ := tftype.Of(types[i])
		if types[i] != tftype.Float && types[i] != tftype.Int64 && types[i] != tftype.String {
			return nil, fault(Malformed, "the feature %.100q is of the type %s, which no tf.Example has", name, tftype.Name(types[i]))
		}
		made[i] = op.ExampleFeature{Name: name, DType: dtype}
		if shapes == nil {
			continue
		}
		if shapes[i] == nil || len(shapes[i]) >= tensor.MaxRank || slices.Contains(shapes[i][min(1, len(shapes[i])):], -1) {
			return nil, fault(Unsupported, "the feature %.100q has a shape that is not known: %v", name, shapes[i])
		}
		made[i].Shape = shapes[i]
	}
	return made, nil
}

// names are a constant list of the names of features.
func (l *lowering) names(v value) ([]string, error) {
	t, err := l.constant("the names of features", v)
	if err != nil {
		return nil, err
	}
	if t.DType() != tensor.String {
		return nil, fault(Malformed, "the names of features are %v", t)
	}
	return tensor.Data[string](t), nil
}

// denseShapes is an attribute; where there is no dense feature, it is empty.
func denseShapes(n *node) [][]int {
	shapes := n.shapesAttr("dense_shapes")
	if shapes == nil {
		shapes = [][]int{}
	}
	return shapes
}

func parseExampleV2(l *lowering, n *node, in []value) (result, error) {
	const before = 5 // examples, their names, and the three lists of features
	if len(in) < before {
		return result{}, fault(Malformed, "takes %d inputs at least, not %d", before, len(in))
	}
	var names [3][]string
	for i := range names {
		var err error
		if names[i], err = l.names(in[2+i]); err != nil {
			return result{}, err
		}
	}
	splitTypes := n.typesAttr("ragged_split_types")
	splits := make([]tensor.DType, len(splitTypes))
	for i, t := range splitTypes {
		splits[i], _ = tftype.Of(t)
	}
	sparse, err := features(names[0], n.typesAttr("sparse_types"), nil)
	if err != nil {
		return result{}, err
	}
	dense, err := features(names[1], n.typesAttr("Tdense"), denseShapes(n))
	if err != nil {
		return result{}, err
	}
	ragged, err := features(names[2], n.typesAttr("ragged_value_types"), nil)
	if err != nil {
		return result{}, err
	}
	return l.parse(n, op.NewParseExample(sparse, dense, ragged, splits), in[0], in[before:])
}

func parseExample(l *lowering, n *node, in []value) (result, error) {
	sparseCount, denseCount := n.intAttr("Nsparse", 0), n.intAttr("Ndense", 0)
	if sparseCount < 0 || denseCount < 0 || len(in)-2 != sparseCount+2*denseCount {
		return result{}, fault(Malformed, "takes %d inputs for %d sparse and %d dense features", len(in), sparseCount, denseCount)
	}
	var all []string
	for _, v := range in[2 : 2+sparseCount+denseCount] {
		one, err := l.names(v)
		if err != nil {
			return result{}, err
		}
		if len(one) != 1 {
			return result{}, fault(Malformed, "a feature has %d names", len(one))
		}
		all = append(all, one[0])
	}
	sparse, err := features(all[:sparseCount], n.typesAttr("sparse_types"), nil)
	if err != nil {
		return result{}, err
	}
	dense, err := features(all[sparseCount:], n.typesAttr("Tdense"), denseShapes(n))
	if err != nil {
		return result{}, err
	}
	return l.parse(n, op.NewParseExample(sparse, dense, nil, nil), in[0], in[2+sparseCount+denseCount:])
}

// parse adds the operator, and says which features the input takes.
func (l *lowering) parse(n *node, o op.ParseExample, examples value, defaults []value) (result, error) {
	if len(defaults) != len(o.Dense) {
		return result{}, fault(Malformed, "has %d defaults for %d dense features", len(defaults), len(o.Dense))
	}
	vs, err := l.tensors(append([]value{examples}, defaults...))
	if err != nil {
		return result{}, err
	}
	sparse, ragged := len(o.Sparse), len(o.Ragged)
	outputs := 3*sparse + len(o.Dense) + 2*ragged
	if outputs == 0 {
		return result{}, fault(Malformed, "takes no features out of examples")
	}
	l.describe(o, vs[0], vs[1:])
	return result{
		values: tensorValues(l.addN(n, o, outputs, vs...)),
		starts: map[string]int{
			"sparse_indices": 0, "sparse_values": sparse, "sparse_shapes": 2 * sparse, "dense_values": 3 * sparse,
			"ragged_values": 3*sparse + len(o.Dense), "ragged_row_splits": 3*sparse + len(o.Dense) + ragged,
		},
	}, nil
}

// describe adds the features to those of the input that the examples are.
func (l *lowering) describe(o op.ParseExample, examples graph.Value, defaults []graph.Value) {
	at := slices.IndexFunc(l.inputs, func(i graph.Input) bool { return i.Value == examples })
	if at < 0 {
		return
	}
	if l.example == nil {
		l.example = &graph.Example{Input: l.inputs[at].Name}
	}
	if l.example.Input != l.inputs[at].Name {
		return
	}
	for _, f := range slices.Concat(o.Sparse, o.Ragged) {
		l.feature(graph.Feature{Name: f.Name, DType: f.DType, Shape: []int{graph.Any}})
	}
	for i, f := range o.Dense {
		otherwise := l.b.Const(defaults[i])
		required := otherwise != nil && otherwise.Len() == 0
		shape := f.Shape
		// A list of one is one value: so is what numeric columns take.
		if n, ok := elements(shape); ok && n == 1 {
			shape = nil
		}
		padded := slices.Contains(shape, graph.Any)
		l.feature(graph.Feature{Name: f.Name, DType: f.DType, Shape: shape, Required: required, Padded: padded})
	}
}

func (l *lowering) feature(f graph.Feature) {
	if !slices.ContainsFunc(l.example.Features, func(have graph.Feature) bool { return have.Name == f.Name }) {
		l.example.Features = append(l.example.Features, f)
	}
}

// sparseCross crosses columns; older exports hash or join, by an attribute.
func sparseCross(l *lowering, n *node, in []value) (result, error) {
	o := op.SparseCross{
		Sparse: n.intAttr("N", 0), Hashed: n.boolAttr("hashed_output", false), Buckets: int64(n.intAttr("num_buckets", 0)),
		Start: uint64(n.intAttr("hash_key", 0)), Separator: "_X_",
	}
	return crossed(l, n, o, in)
}

func sparseCrossV2(l *lowering, n *node, in []value) (result, error) {
	if len(in) < 1 {
		return result{}, fault(Malformed, "takes no inputs")
	}
	separator, err := l.names(in[len(in)-1])
	if err != nil {
		return result{}, err
	}
	if len(separator) != 1 {
		return result{}, fault(Malformed, "has %d separators", len(separator))
	}
	return crossed(l, n, op.SparseCross{Sparse: n.intAttr("N", 0), Separator: separator[0]}, in[:len(in)-1])
}

func sparseCrossHashed(l *lowering, n *node, in []value) (result, error) {
	const after = 3 // buckets, whether the hash is strong, and its key
	if len(in) < after {
		return result{}, fault(Malformed, "takes %d inputs at least, not %d", after, len(in))
	}
	last := in[len(in)-after:]
	buckets, err := l.constantInt("the number of buckets", last[0])
	if err != nil {
		return result{}, err
	}
	strong, err := l.constant("whether the hash is strong", last[1])
	if err != nil {
		return result{}, err
	}
	key, err := l.constantInts("the key", last[2])
	if err != nil {
		return result{}, err
	}
	if strong.DType() != tensor.Bool || strong.Len() != 1 || len(key) != 2 {
		return result{}, fault(Malformed, "a key of %d numbers, and %v", len(key), strong)
	}
	return crossed(l, n, op.SparseCross{
		Sparse: n.intAttr("N", 0), Hashed: true, Buckets: int64(buckets), Salted: true, Strong: tensor.Data[bool](strong)[0],
		Key0: uint64(key[0]), Key1: uint64(key[1]),
	}, in[:len(in)-after])
}

func crossed(l *lowering, n *node, o op.SparseCross, in []value) (result, error) {
	if o.Sparse < 0 || o.Sparse > len(in)/3 || o.Buckets < 0 {
		return result{}, fault(Malformed, "crosses %d sparse columns of %d inputs", o.Sparse, len(in))
	}
	return several(o, len(in), "output_indices", "output_values", "output_shape")(l, n, in)
}
