package sklearn

import (
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// named is an item of a list of steps: a tuple of a name, an estimator or a word for one, and for some a third thing.
type named struct {
	path, name string
	node       pickle.Node
	more       []pickle.Node
}

// list reads an attribute that is a list of named steps of so many items each.
func (f fitted) list(name string, items int) ([]named, error) {
	path := f.path + "." + name
	node, _ := f.Get(name)
	list, ok := node.(*pickle.List)
	if !ok || len(list.Items) == 0 {
		return nil, broken(path, "is not a list of steps")
	}
	steps := make([]named, len(list.Items))
	for i, item := range list.Items {
		itemPath := fmt.Sprintf("%s[%d]", path, i)
		tuple, ok := item.(*pickle.Tuple)
		if !ok || len(tuple.Items) != items {
			return nil, broken(itemPath, "is not a tuple of name and estimator")
		}
		label, ok := tuple.Items[0].(pickle.Str)
		if !ok {
			return nil, broken(itemPath, "has a name that is %s", article(tuple.Items[0]))
		}
		steps[i] = named{itemPath, string(label), tuple.Items[1], tuple.Items[2:]}
	}
	return steps, nil
}

// step is the item's estimator.
func (n named) step() (step, error) {
	object, ok := n.node.(*pickle.Object)
	if !ok {
		return step{}, unsupported(n.path, "is %s; %s", article(n.node), supportedText)
	}
	return step{n.path, object}, nil
}

// isPassthrough says that a step of a Pipeline does nothing.
func isPassthrough(n pickle.Node) bool {
	_, none := n.(pickle.None)
	return none || n == pickle.Str("passthrough")
}

// columnsOf finds how many columns an object was fitted on, where it or what it begins with says so; 0 if nothing does.
func (r *reader) columnsOf(object *pickle.Object) int {
	attributes, err := object.Attributes()
	if err != nil || r.looks == 0 {
		return 0
	}
	r.looks--
	if n, ok := attributes.Get("n_features_in_"); ok {
		if n, ok := n.(pickle.Int); ok && n > 0 && int64(n) == int64(int(n)) {
			return int(n)
		}
	}
	from := fitted{attributes, ""}
	for _, within := range []string{"steps", "transformer_list"} {
		items, err := from.list(within, 2)
		if err != nil {
			continue
		}
		for _, item := range items {
			if inner, ok := item.node.(*pickle.Object); ok {
				// One that does not say keeps the columns as they are, and the next one may say.
				if columns := r.columnsOf(inner); columns > 0 || within != "steps" {
					return columns
				}
			}
		}
	}
	for _, within := range []string{r.roleOf(object).inner, "estimator", "base_estimator"} {
		if inner, ok := attributes.Get(within); ok {
			if inner, ok := inner.(*pickle.Object); ok {
				return r.columnsOf(inner)
			}
		}
	}
	return columnsOfArrays(attributes)
}

// columnsOfArrays is for artifacts of estimators that have been put together by hand.
func columnsOfArrays(attributes *pickle.Dict) int {
	for _, name := range []string{"coef_", "scale_", "mean_"} {
		node, _ := attributes.Get(name)
		if array, ok := node.(*pickle.Array); ok && len(array.Shape) > 0 {
			return array.Shape[len(array.Shape)-1]
		}
	}
	return 0
}

// stage reads a transformer of so many columns, and returns how many it makes. The stage is nil if it changes nothing.
func (r *reader) stage(from step, columns int) (tabular.Stage, int, error) {
	read := r.roleOf(from.object).stage
	if read == nil {
		return nil, 0, unsupported(from.path, "is %s, which is not supported at this place; %s", from.object.Class, supportedText)
	}
	stage, err := read(r, from, columns)
	if err != nil || stage == nil {
		return nil, columns, r.or(err, from.path, 1)
	}
	taken, made := stage.Width()
	if taken != columns {
		return nil, 0, broken(from.path, "takes %d columns, and %d come in", taken, columns)
	}
	return stage, made, r.spend(from.path, made+1)
}

// or spends, unless there is an error already.
func (r *reader) or(err error, path string, numbers int) error {
	if err != nil {
		return err
	}
	return r.spend(path, numbers)
}

// chain reads steps that all transform.
func (r *reader) chain(items []named, columns int) ([]tabular.Stage, int, error) {
	var chain []tabular.Stage
	if len(items) > 0 {
		if err := r.spend(items[0].path, len(items)); err != nil {
			return nil, 0, err
		}
	}
	for _, item := range items {
		if isPassthrough(item.node) {
			continue
		}
		from, err := item.step()
		if err != nil {
			return nil, 0, err
		}
		stage, made, err := r.stage(from, columns)
		if err != nil {
			return nil, 0, err
		}
		if stage != nil {
			chain = append(chain, stage)
		}
		columns = made
	}
	return chain, columns, nil
}

// readSteps reads a Pipeline that is a transformer.
func readSteps(r *reader, from step, columns int) (tabular.Stage, error) {
	attributes, err := from.attributes("", 0)
	if err != nil {
		return nil, err
	}
	items, err := attributes.list("steps", 2)
	if err != nil {
		return nil, err
	}
	chain, _, err := r.chain(items, columns)
	return tabular.Join(chain), err
}

// last unwraps an estimator, of Pipelines whose last step it is, until the one that decides; and returns what comes before.
func (r *reader) last(from step, columns int) ([]tabular.Stage, step, int, error) {
	role := r.roleOf(from.object)
	if !role.steps && role.inner == "" {
		return nil, from, columns, nil
	}
	attributes, err := from.attributes("", 0)
	if err != nil {
		return nil, step{}, 0, err
	}
	if role.inner != "" {
		node, _ := attributes.Get(role.inner)
		inner, err := named{path: from.path + "." + role.inner, node: node}.step()
		if err != nil {
			return nil, step{}, 0, err
		}
		return r.last(inner, columns)
	}
	items, err := attributes.list("steps", 2)
	if err != nil {
		return nil, step{}, 0, err
	}
	chain, columns, err := r.chain(items[:len(items)-1], columns)
	if err != nil {
		return nil, step{}, 0, err
	}
	inner, err := items[len(items)-1].step()
	if err != nil {
		return nil, step{}, 0, err
	}
	more, inner, columns, err := r.last(inner, columns)
	return append(chain, more...), inner, columns, err
}

// estimator reads a classifier, and the steps before it.
func (r *reader) estimator(from step, columns int) ([]tabular.Stage, tabular.Classifier, error) {
	chain, from, columns, err := r.last(from, columns)
	if err != nil {
		return nil, nil, err
	}
	role := r.roleOf(from.object)
	switch {
	case role.classifier != nil:
		classifier, err := role.classifier(r, from, columns)
		return chain, classifier, err
	case role.link != nil:
		linear, err := r.readLinear(from, columns)
		if err != nil {
			return nil, nil, err
		}
		link, err := role.link(from)
		return chain, &tabular.Regression{Linear: linear, Link: link}, err
	default:
		return nil, nil, unsupported(from.path, "is %s, which is not supported at this place; %s", from.object.Class, supportedText)
	}
}
