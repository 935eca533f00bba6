package sklearn

import (
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// readColumns reads a ColumnTransformer, of which transformers_ has all that fitting decided: the remainder as its last
// item, and what callables chose.
func readColumns(r *reader, from step, in table) (made, error) {
	attributes, err := from.attributes("transformers_", in.Columns)
	if err != nil {
		return made{}, err
	}
	items, err := attributes.list("transformers_", 3)
	if err != nil {
		return made{}, err
	}
	names := featureNames(attributes, in.Columns)
	union := &union{reader: r, in: in, from: attributes}
	for _, item := range items {
		if err := r.spend(item.path, in.Columns); err != nil {
			return made{}, err
		}
		if item.node == pickle.Str("drop") {
			continue
		}
		chosen, single, err := chosenBy(item.more[0], in.Columns, names, item.path+"[2]")
		if err != nil {
			return made{}, err
		}
		if len(chosen) == 0 {
			continue
		}
		if err := r.spend(item.path, len(chosen)); err != nil {
			return made{}, err
		}
		if err := union.add(item, chosen, single); err != nil {
			return made{}, err
		}
	}
	result, err := union.made()
	result.sparse = attributes.is("sparse_output_")
	result.dense = !result.sparse
	return result, err
}

// readUnion reads a FeatureUnion, whose transformers all get all columns.
func readUnion(r *reader, from step, in table) (made, error) {
	attributes, err := from.attributes("", in.Columns)
	if err != nil {
		return made{}, err
	}
	items, err := attributes.list("transformer_list", 2)
	if err != nil {
		return made{}, err
	}
	union := &union{reader: r, in: in, from: attributes}
	for _, item := range items {
		if _, none := item.node.(pickle.None); none || item.node == pickle.Str("drop") {
			continue
		}
		if err := union.add(item, nil, in.flat); err != nil {
			return made{}, err
		}
	}
	return union.made()
}

// union is transformers side by side that are being read.
type union struct {
	*reader
	in      table
	from    fitted
	parts   []tabular.UnionPart
	origins []int
	// sparse says that one of the parts makes rows that scikit-learn holds without zeros.
	sparse bool
}

// add reads one of the transformers, and its weight. A single column is given as it is.
func (u *union) add(item named, chosen []int, single bool) error {
	in := u.in.choose(chosen)
	in.flat = single
	part := tabular.UnionPart{Columns: chosen, Weight: 1}
	out := in
	if item.node != pickle.Str("passthrough") {
		from, err := item.step()
		if err != nil {
			return err
		}
		made, err := u.transform(from, in)
		if err != nil {
			return err
		}
		part.Transform, out = made.Transform, in.after(made)
	}
	weight, weighted, err := weightOf(u.from, item.name)
	if err != nil {
		return err
	}
	if weighted {
		part.Weight = weight
		if out.Form == tabular.Mixed {
			dense, err := u.dense(step{path: item.path}, out)
			if err != nil {
				return err
			}
			part.Transform = tabular.Series(part.Transform, dense)
			out = table{Shape: tabular.Shape{Columns: out.Columns}}
		}
	}
	u.parts = append(u.parts, part)
	u.sparse = u.sparse || out.sparse
	for column := range out.Columns {
		u.origins = append(u.origins, out.origin(column))
	}
	return u.spend(item.path, 2*out.Columns+1)
}

func (u *union) made() (made, error) {
	if len(u.origins) == 0 {
		return made{}, broken(u.from.path, "makes no columns")
	}
	return made{tabular.Union(u.in.Shape, u.parts), u.origins, !u.sparse, u.sparse}, nil
}

// weightOf reads what a transformer's columns are multiplied by, if anything.
func weightOf(attributes fitted, name string) (weight float64, weighted bool, err error) {
	node, _ := attributes.Get("transformer_weights")
	weights, ok := node.(*pickle.Dict)
	if !ok {
		return 0, false, nil
	}
	if node, ok = weights.Get(name); !ok {
		return 0, false, nil
	}
	path := attributes.path + ".transformer_weights"
	values, _, err := floats(node, path)
	if err != nil || len(values) != 1 {
		return 0, false, broken(path, "has a weight that is not a number")
	}
	return values[0], true, checkFinite(values, path)
}

// namesIn are the columns' names in training, nil where it had none.
func namesIn(attributes fitted, columns int) []string {
	for _, name := range []string{"feature_names_in_", "_feature_names_in"} {
		node, _ := attributes.Get(name)
		array, ok := node.(*pickle.Array)
		if !ok || array.Len() != columns {
			continue
		}
		if texts, err := array.Strings(); err == nil {
			return texts
		}
	}
	return nil
}

// featureNames are the places of names.
func featureNames(attributes fitted, columns int) map[string]int {
	texts := namesIn(attributes, columns)
	names := make(map[string]int, len(texts))
	for i, text := range texts {
		names[text] = i
	}
	return names
}

// chosenBy reads a ColumnTransformer's choice of columns; single says that it is one column as it is, not a table.
func chosenBy(node pickle.Node, columns int, names map[string]int, path string) (chosen []int, single bool, err error) {
	switch node.(type) {
	case pickle.Str, pickle.Int:
		chosen, err := listed([]pickle.Node{node}, columns, names, path)
		return chosen, true, err
	}
	chosen, err = indexes(node, columns, names, path)
	return chosen, false, err
}

// indexes reads a choice of columns: positions, a mask, names, or a slice of positions. It is never nil without an error.
func indexes(node pickle.Node, columns int, names map[string]int, path string) ([]int, error) {
	switch node := node.(type) {
	case *pickle.List:
		return listed(node.Items, columns, names, path)
	case *pickle.Tuple:
		return listed(node.Items, columns, names, path)
	case *pickle.Array:
		if len(node.Shape) != 1 {
			return nil, broken(path, "has shape %v", node.Shape)
		}
		return listed(items(node), columns, names, path)
	case *pickle.Object:
		if node.Class.Name == "slice" {
			return sliced(node.Args.Items, columns, names, path)
		}
		if within := listWithin(node); within != nil {
			return indexes(within, columns, names, path)
		}
	}
	return nil, unsupported(path, "chooses columns by %s; supported are lists of positions, names or a mask, and slices",
		article(node))
}

// listWithin is what an object holds that stands for a list or an array: a list that warns who looks into it, or an Index of
// pandas, whose texts may be in an array of its own. It is nil for any other.
func listWithin(object *pickle.Object) pickle.Node {
	switch object.Class.Name {
	case "_RemainderColsList":
		if attributes, err := object.Attributes(); err == nil {
			if list, ok := (fitted{attributes, ""}).node("data").(*pickle.List); ok {
				return list
			}
		}
	case "_new_Index":
		if len(object.Args.Items) == 0 {
			return nil
		}
		state, ok := object.Args.Items[len(object.Args.Items)-1].(*pickle.Dict)
		if !ok {
			return nil
		}
		data, _ := state.Get("data")
		if backed, ok := data.(*pickle.Object); ok && backed.Class.Name == "__pyx_unpickle_NDArrayBacked" {
			data = arrayIn(backed.State)
		}
		if array, ok := data.(*pickle.Array); ok {
			return array
		}
	}
	return nil
}

// arrayIn is the first array of a tuple.
func arrayIn(state pickle.Node) pickle.Node {
	tuple, ok := state.(*pickle.Tuple)
	if !ok {
		return nil
	}
	for _, item := range tuple.Items {
		if _, ok := item.(*pickle.Array); ok {
			return item
		}
	}
	return nil
}

// items are an array's elements as nodes.
func items(array *pickle.Array) []pickle.Node {
	if array.DType.Code == 'O' {
		return array.Objects
	}
	nodes := make([]pickle.Node, 0, array.Len())
	if texts, err := array.Strings(); err == nil {
		for _, text := range texts {
			nodes = append(nodes, pickle.Str(text))
		}
		return nodes
	}
	values, err := array.Float64s()
	if err != nil {
		return []pickle.Node{array}
	}
	for _, value := range values {
		if array.DType.Code == 'b' {
			nodes = append(nodes, pickle.Bool(value != 0))
		} else {
			nodes = append(nodes, pickle.Int(value))
		}
	}
	return nodes
}

func listed(items []pickle.Node, columns int, names map[string]int, path string) ([]int, error) {
	chosen := make([]int, 0, min(len(items), columns))
	for i, item := range items {
		switch item := item.(type) {
		case pickle.Bool:
			if len(items) != columns {
				return nil, broken(path, "is a mask of %d, and %d columns come in", len(items), columns)
			}
			if item {
				chosen = append(chosen, i)
			}
		case pickle.Int:
			position := int(item)
			if position < 0 {
				position += columns
			}
			if position < 0 || position >= columns {
				return nil, broken(path, "has %d, and %d columns come in", item, columns)
			}
			chosen = append(chosen, position)
		case pickle.Str:
			position, ok := names[string(item)]
			if !ok {
				return nil, unsupported(path, "has the name %.64q, and the artifact's feature_names_in_ does not", string(item))
			}
			chosen = append(chosen, position)
		default:
			return nil, unsupported(path, "chooses a column by %s", article(item))
		}
	}
	return chosen, nil
}

// slicedByName is a slice of names, of which the last one is in it, and which has no step.
func slicedByName(first, last pickle.Node, columns int, names map[string]int, path string) ([]int, error) {
	bounds := [2]int{0, columns}
	for i, bound := range []pickle.Node{first, last} {
		if _, none := bound.(pickle.None); none {
			continue
		}
		place, err := listed([]pickle.Node{bound}, columns, names, path)
		if err != nil || len(place) != 1 {
			return nil, err
		}
		bounds[i] = place[0] + i
	}
	var chosen []int
	for column := bounds[0]; column < bounds[1]; column++ {
		chosen = append(chosen, column)
	}
	return chosen, nil
}

func isName(node pickle.Node) bool {
	_, ok := node.(pickle.Str)
	return ok
}

// sliced is Python's slice(start, stop, step) of positions, or of names.
func sliced(arguments []pickle.Node, columns int, names map[string]int, path string) ([]int, error) {
	if len(arguments) > 1 && slices.ContainsFunc(arguments[:2], isName) {
		return slicedByName(arguments[0], arguments[1], columns, names, path)
	}
	bounds := [3]int{0, columns, 1}
	for i, argument := range arguments {
		if _, none := argument.(pickle.None); none {
			continue
		}
		position, ok := argument.(pickle.Int)
		if !ok || i > 2 {
			return nil, unsupported(path, "is a slice by %s; supported are slices of positions or names", article(argument))
		}
		bounds[i] = int(position)
		if i < 2 {
			if position < 0 {
				bounds[i] += columns
			}
			bounds[i] = min(max(bounds[i], 0), columns)
		}
	}
	if bounds[2] < 1 {
		return nil, unsupported(path, "is a slice backwards")
	}
	chosen := make([]int, 0, columns)
	for position := bounds[0]; position < bounds[1]; position += bounds[2] {
		chosen = append(chosen, position)
		if bounds[2] > columns {
			break
		}
	}
	return chosen, nil
}
