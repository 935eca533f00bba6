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

// columnsOf finds how many columns an object was fitted on, and their names, where it or what it begins with says so; 0 if
// nothing does.
func (r *reader) columnsOf(object *pickle.Object) (columns int, names []string) {
	attributes, err := object.Attributes()
	if err != nil || r.looks == 0 || r.roleOf(object).flat {
		return 0, nil
	}
	r.looks--
	from := fitted{attributes, ""}
	if n, ok := attributes.Get("n_features_in_"); ok {
		if n, ok := n.(pickle.Int); ok && n > 0 && int64(n) == int64(int(n)) {
			return int(n), namesIn(from, int(n))
		}
	}
	if categories, ok := attributes.Get("categories_"); ok {
		if list, ok := categories.(*pickle.List); ok {
			return len(list.Items), nil
		}
	}
	for _, within := range []string{"steps", "transformer_list"} {
		items, err := from.list(within, 2)
		if err != nil {
			continue
		}
		for _, item := range items {
			if inner, ok := item.node.(*pickle.Object); ok {
				if r.takesFlat(inner) {
					return 0, nil
				}
				// One that does not say keeps the columns as they are, and the next one may say.
				if columns, names := r.columnsOf(inner); columns > 0 || within != "steps" {
					return columns, names
				}
			}
		}
	}
	for _, within := range []string{r.roleOf(object).inner, "regressor_", "estimator", "base_estimator"} {
		if inner, ok := attributes.Get(within); ok {
			if inner, ok := inner.(*pickle.Object); ok {
				return r.columnsOf(inner)
			}
		}
	}
	return columnsOfArrays(attributes), nil
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

// takesFlat says that an object, or what it begins with, takes one column as it is.
func (r *reader) takesFlat(object *pickle.Object) bool {
	role := r.roleOf(object)
	if role.flat || r.looks == 0 {
		return role.flat
	}
	r.looks--
	attributes, err := object.Attributes()
	if err != nil {
		return false
	}
	from := fitted{attributes, ""}
	for _, within := range []string{"steps", "transformer_list"} {
		items, err := from.list(within, 2)
		if err != nil {
			continue
		}
		for _, item := range items {
			if inner, ok := item.node.(*pickle.Object); ok {
				return r.takesFlat(inner)
			}
		}
	}
	for _, within := range []string{role.inner, "regressor_", "estimator", "base_estimator"} {
		if inner, ok := attributes.Get(within); ok {
			if inner, ok := inner.(*pickle.Object); ok {
				return r.takesFlat(inner)
			}
		}
	}
	return false
}

// transform reads a transformer of a table.
func (r *reader) transform(from step, in table) (made, error) {
	role := r.roleOf(from.object)
	switch {
	case role.stage == nil && role.transform == nil:
		return made{}, unsupported(from.path, "is %s, which is not supported at this place; %s", from.object.Class, supportedText)
	case in.flat != role.flat && !role.steps && !role.union:
		return made{}, broken(from.path, "takes a table of columns where a single one is given, or the other way round")
	case role.transform != nil:
		result, err := role.transform(r, from, in)
		if err != nil || result.Transform == nil {
			return made{}, r.or(err, from.path, 1)
		}
		_, out := result.Shapes()
		return result, r.spend(from.path, out.Columns+1)
	}
	stage, err := role.stage(r, from, in.Columns)
	if err != nil || stage == nil {
		return made{}, r.or(err, from.path, 1)
	}
	transform, err := r.numeric(from, in, stage)
	return made{Transform: transform, sparse: in.sparse, dense: !in.sparse}, err
}

// or spends, unless there is an error already.
func (r *reader) or(err error, path string, numbers int) error {
	if err != nil {
		return err
	}
	return r.spend(path, numbers)
}

// chain reads steps that all transform.
func (r *reader) chain(items []named, in table) (tabular.Transform, table, error) {
	var chain []tabular.Transform
	if len(items) > 0 {
		if err := r.spend(items[0].path, len(items)); err != nil {
			return nil, in, err
		}
	}
	for _, item := range items {
		if isPassthrough(item.node) {
			continue
		}
		from, err := item.step()
		if err != nil {
			return nil, in, err
		}
		made, err := r.transform(from, in)
		if err != nil {
			return nil, in, err
		}
		if made.Transform != nil {
			chain = append(chain, made.Transform)
		}
		in = in.after(made)
	}
	return tabular.Series(chain...), in, nil
}

// readSteps reads a Pipeline that is a transformer.
func readSteps(r *reader, from step, in table) (made, error) {
	attributes, err := from.attributes("", 0)
	if err != nil {
		return made{}, err
	}
	items, err := attributes.list("steps", 2)
	if err != nil {
		return made{}, err
	}
	chain, out, err := r.chain(items, in)
	return made{chain, out.origins, !out.sparse, out.sparse}, err
}

// last unwraps an estimator, of Pipelines whose last step it is, until the one that decides; and returns what comes
// before, which is nil for nothing, and what that makes.
func (r *reader) last(from step, in table) (tabular.Transform, step, table, error) {
	role := r.roleOf(from.object)
	if !role.steps && role.inner == "" {
		return nil, from, in, nil
	}
	attributes, err := from.attributes("", 0)
	if err != nil {
		return nil, step{}, in, err
	}
	if role.inner != "" {
		node, _ := attributes.Get(role.inner)
		inner, err := named{path: from.path + "." + role.inner, node: node}.step()
		if err != nil {
			return nil, step{}, in, err
		}
		return r.last(inner, in)
	}
	items, err := attributes.list("steps", 2)
	if err != nil {
		return nil, step{}, in, err
	}
	chain, in, err := r.chain(items[:len(items)-1], in)
	if err != nil {
		return nil, step{}, in, err
	}
	inner, err := items[len(items)-1].step()
	if err != nil {
		return nil, step{}, in, err
	}
	more, inner, in, err := r.last(inner, in)
	return tabular.Series(chain, more), inner, in, err
}

// decider is last; of a Mixed table it makes numbers, unless the estimator takes it as it is.
func (r *reader) decider(from step, in table) (tabular.Transform, step, table, error) {
	before, from, in, err := r.last(from, in)
	if err != nil || in.Form == tabular.Sparse || r.roleOf(from.object).whole {
		return before, from, in, err
	}
	dense, err := r.dense(from, in)
	in = table{Shape: tabular.Shape{Columns: in.Columns}}
	return tabular.Series(before, dense), from, in, err
}

// estimator reads a classifier or regressor, and the steps before it.
func (r *reader) estimator(from step, in table) (tabular.Transform, scorer, error) {
	before, from, in, err := r.decider(from, in)
	if err != nil {
		return nil, scorer{}, err
	}
	role := r.roleOf(from.object)
	if role.estimator == nil {
		return nil, scorer{}, unsupported(from.path, "is %s, which is not supported at this place; %s",
			from.object.Class, supportedText)
	}
	estimator, err := role.estimator(r, from, in)
	return before, estimator, err
}
