package sklearn

import (
	"cmp"
	"math"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// readSelection reads a transformer that keeps some of the columns. All of them must be finite; VarianceThreshold lets
// missing ones pass.
func readSelection(r *reader, from step, in table) (made, error) {
	attributes, err := from.attributes("", in.Columns)
	if err != nil {
		return made{}, err
	}
	if err := r.spend(from.path, in.Columns); err != nil {
		return made{}, err
	}
	kept, err := selected(attributes, from.object.Class.Name, in.Columns)
	if err != nil {
		return made{}, err
	}
	part := tabular.UnionPart{Columns: make([]int, 0, in.Columns), Weight: 1}
	for column, keep := range kept {
		if keep {
			part.Columns = append(part.Columns, column)
		}
	}
	if len(part.Columns) == 0 {
		return made{}, broken(from.path, "keeps no column")
	}
	var stage tabular.Stage = &tabular.Check{Columns: in.Columns}
	if from.object.Class.Name == "VarianceThreshold" {
		stage = &tabular.Standardise{Columns: in.Columns}
	}
	check, err := r.numeric(from, in, stage)
	if err != nil {
		return made{}, err
	}
	_, checked := check.Shapes()
	return made{
		Transform: tabular.Series(check, tabular.Union(checked, []tabular.UnionPart{part})), sparse: in.sparse, dense: !in.sparse,
	}, r.spend(from.path, in.Columns)
}

// selected says which columns are kept.
func selected(from fitted, class string, columns int) ([]bool, error) {
	switch class {
	case "VarianceThreshold":
		threshold, err := from.number("threshold")
		if err != nil {
			return nil, err
		}
		return from.which("variances_", columns, func(variance float64) bool { return variance > threshold })
	case "SelectFpr", "SelectFwe":
		alpha, err := from.number("alpha")
		if err != nil {
			return nil, err
		}
		if class == "SelectFwe" {
			alpha /= float64(columns)
		}
		return from.which("pvalues_", columns, func(p float64) bool { return p < alpha })
	case "RFE", "RFECV":
		return from.which("support_", columns, func(keep float64) bool { return keep != 0 })
	default:
		return from.best(columns)
	}
}

// scores reads an attribute that has a number for each column, which may be NaN.
func (f fitted) scores(name string, columns int) ([]float64, error) {
	values, shape, err := floats(f.node(name), f.path+"."+name)
	if err == nil && (len(shape) != 1 || len(values) != columns) {
		return nil, broken(f.path+"."+name, "has shape %v, and %d columns come in", shape, columns)
	}
	return values, err
}

// which says of which columns a condition holds.
func (f fitted) which(name string, columns int, holds func(float64) bool) ([]bool, error) {
	values, err := f.scores(name, columns)
	kept := make([]bool, len(values))
	for column, value := range values {
		kept[column] = holds(value)
	}
	return kept, err
}

// best says which columns have the k highest scores; of equal ones those that come last.
func (f fitted) best(columns int) ([]bool, error) {
	scores, err := f.scores("scores_", columns)
	if err != nil {
		return nil, err
	}
	kept := make([]bool, columns)
	k, ok := f.node("k").(pickle.Int)
	switch {
	case f.text("k") == "all":
		k = pickle.Int(columns)
	case !ok || k < 0:
		return nil, broken(f.path+".k", "is not a number, or 'all'")
	}
	order := make([]int, columns)
	for column, score := range scores {
		order[column] = column
		if math.IsNaN(score) {
			scores[column] = -math.MaxFloat64
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
	for _, column := range order[columns-int(min(k, pickle.Int(columns))):] {
		kept[column] = true
	}
	return kept, nil
}

// readBinarizer reads a Binarizer.
func readBinarizer(_ *reader, from step, columns int) (tabular.Stage, error) {
	attributes, err := from.attributes("threshold", columns)
	if err != nil {
		return nil, err
	}
	threshold, err := attributes.number("threshold")
	return &tabular.Each{Columns: columns, Checks: true, Function: func(x float64) float64 {
		if x > threshold {
			return 1
		}
		return 0
	}}, err
}
