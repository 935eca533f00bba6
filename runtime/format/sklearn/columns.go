package sklearn

import (
	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// readColumns reads a ColumnTransformer, of which transformers_ has all that fitting decided: the remainder as its last
// item, and what callables chose.
func readColumns(r *reader, from step, columns int) (tabular.Stage, error) {
	attributes, err := from.attributes("transformers_", columns)
	if err != nil {
		return nil, err
	}
	items, err := attributes.list("transformers_", 3)
	if err != nil {
		return nil, err
	}
	names := featureNames(attributes, columns)
	stage := &tabular.Parallel{Columns: columns}
	for _, item := range items {
		if err := r.spend(item.path, columns); err != nil {
			return nil, err
		}
		if item.node == pickle.Str("drop") {
			continue
		}
		chosen, err := indexes(item.more[0], columns, names, item.path+"[2]")
		if err != nil {
			return nil, err
		}
		if len(chosen) == 0 {
			continue
		}
		if err := r.spend(item.path, len(chosen)); err != nil {
			return nil, err
		}
		if err := r.part(stage, attributes, item, chosen); err != nil {
			return nil, err
		}
	}
	return parallel(stage, attributes.path)
}

// readUnion reads a FeatureUnion, whose transformers all get all columns.
func readUnion(r *reader, from step, columns int) (tabular.Stage, error) {
	attributes, err := from.attributes("", columns)
	if err != nil {
		return nil, err
	}
	items, err := attributes.list("transformer_list", 2)
	if err != nil {
		return nil, err
	}
	stage := &tabular.Parallel{Columns: columns}
	for _, item := range items {
		if _, none := item.node.(pickle.None); none || item.node == pickle.Str("drop") {
			continue
		}
		if err := r.part(stage, attributes, item, nil); err != nil {
			return nil, err
		}
	}
	return parallel(stage, attributes.path)
}

func parallel(stage *tabular.Parallel, path string) (tabular.Stage, error) {
	if _, made := stage.Width(); made == 0 {
		return nil, broken(path, "makes no columns")
	}
	return stage, nil
}

// part reads one of the transformers side by side, and its weight.
func (r *reader) part(into *tabular.Parallel, attributes fitted, item named, chosen []int) error {
	part := tabular.Part{Columns: chosen}
	made := into.Columns
	if chosen != nil {
		made = len(chosen)
	}
	if item.node != pickle.Str("passthrough") {
		from, err := item.step()
		if err != nil {
			return err
		}
		if part.Stage, made, err = r.stage(from, made); err != nil {
			return err
		}
	}
	weight, weighted, err := weightOf(attributes, item.name)
	if err != nil {
		return err
	}
	if weighted {
		times := &tabular.Times{Columns: made, Weight: weight}
		if part.Stage == nil {
			part.Stage = times
		} else {
			part.Stage = tabular.NewChain(part.Stage, times)
		}
	}
	into.Parts = append(into.Parts, part)
	return r.spend(item.path, made+1)
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

// featureNames are the columns' names in training, nil where it had none.
func featureNames(attributes fitted, columns int) map[string]int {
	node, _ := attributes.Get("feature_names_in_")
	array, ok := node.(*pickle.Array)
	if !ok || array.Len() != columns {
		return nil
	}
	texts, err := array.Strings()
	if err != nil {
		return nil
	}
	names := make(map[string]int, len(texts))
	for i, text := range texts {
		names[text] = i
	}
	return names
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
			return sliced(node.Args.Items, columns, path)
		}
		// A list that warns who looks into it.
		if attributes, err := node.Attributes(); err == nil && node.Class.Name == "_RemainderColsList" {
			data, _ := attributes.Get("data")
			if list, ok := data.(*pickle.List); ok {
				return listed(list.Items, columns, names, path)
			}
		}
	}
	return nil, unsupported(path, "chooses columns by %s; supported are lists of positions, names or a mask, and slices",
		article(node))
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

// sliced is Python's slice(start, stop, step) of positions.
func sliced(arguments []pickle.Node, columns int, path string) ([]int, error) {
	bounds := [3]int{0, columns, 1}
	for i, argument := range arguments {
		if _, none := argument.(pickle.None); none {
			continue
		}
		position, ok := argument.(pickle.Int)
		if !ok || i > 2 {
			return nil, unsupported(path, "is a slice by %s; supported are slices of positions", article(argument))
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
