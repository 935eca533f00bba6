package sklearn

import (
	"math"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// readImputer reads a SimpleImputer. A column that was all missing in training has no statistic, and is dropped, unless
// keep_empty_features.
func readImputer(r *reader, from step, in table) (made, error) {
	attributes, err := from.attributes("statistics_", in.Columns)
	if err != nil {
		return made{}, err
	}
	if array, ok := attributes.node("statistics_").(*pickle.Array); ok && hasText(array) {
		return r.cellImputer(from, attributes, in, array)
	}
	stage, err := r.numberImputer(from, attributes, in.Columns)
	if err != nil {
		return made{}, err
	}
	if math.IsNaN(stage.Missing) {
		if err := r.numbers(from, in, true); err != nil {
			return made{}, err
		}
		r.missing = r.missing || in.origins == nil
	}
	transform, err := r.numeric(from, in, stage)
	return made{Transform: transform, sparse: in.sparse, dense: !in.sparse}, err
}

// hasText says that an array has text in it.
func hasText(array *pickle.Array) bool {
	return array.DType.Code == 'U' || slices.ContainsFunc(array.Objects, func(object pickle.Node) bool {
		_, ok := object.(pickle.Str)
		return ok
	})
}

// cellImputer reads a SimpleImputer of texts.
func (r *reader) cellImputer(from step, attributes fitted, in table, statistics *pickle.Array) (made, error) {
	path := from.path + ".statistics_"
	fill, err := cellsOf(statistics)
	if err != nil || len(fill) != in.Columns || len(statistics.Shape) != 1 {
		return made{}, broken(path, "is not an array of a value for each of %d columns", in.Columns)
	}
	missing, ok := cellOf(attributes.node("missing_values"))
	if !ok {
		return made{}, unsupported(from.path+".missing_values", "is %s; supported are NaN, None, numbers and strings",
			article(attributes.node("missing_values")))
	}
	if missing.IsMissing() {
		missing = tabular.Cell{Kind: tabular.None}
	}
	stage := &tabular.ImputeCells{Fill: fill, Missing: missing}
	result := made{Transform: stage}
	for column, value := range fill {
		if value.IsMissing() && !attributes.is("keep_empty_features") {
			continue
		}
		if err := r.imputes(from, in, column, value, missing); err != nil {
			return made{}, err
		}
		stage.Keep = append(stage.Keep, column)
		result.origins = append(result.origins, in.origin(column))
	}
	if stage.Indicators, err = indicators(attributes, in.Columns); err != nil {
		return made{}, err
	}
	for range stage.Indicators {
		result.origins = append(result.origins, -1)
	}
	if len(result.origins) == 0 {
		return made{}, broken(path, "keeps no column")
	}
	return result, r.spend(from.path, 8*in.Columns)
}

// imputes says what a column is whose missing cells are filled in.
func (r *reader) imputes(from step, in table, column int, fill, missing tabular.Cell) error {
	if err := r.cells(from, in, column); err != nil {
		return err
	}
	return r.mark(from, in, column, fill.Kind, missing.Kind == tabular.None)
}

// numberImputer reads a SimpleImputer of numbers.
func (r *reader) numberImputer(from step, attributes fitted, columns int) (*tabular.Impute, error) {
	node, _ := attributes.Get("missing_values")
	missing, _, err := floats(node, from.path+".missing_values")
	if _, none := node.(pickle.None); none {
		missing, err = []float64{math.NaN()}, nil
	}
	if err != nil || len(missing) != 1 {
		return nil, unsupported(from.path+".missing_values", "is %s; supported are NaN and numbers", article(node))
	}
	path := from.path + ".statistics_"
	node, _ = attributes.Get("statistics_")
	fill, shape, err := floats(node, path)
	if err != nil {
		return nil, err
	}
	if len(shape) != 1 || len(fill) != columns {
		return nil, broken(path, "has shape %v, and %d columns come in", shape, columns)
	}
	stage := &tabular.Impute{Fill: fill, Missing: missing[0]}
	keep := make([]int, 0, columns) // not nil, which keeps all
	for column, value := range fill {
		if !math.IsNaN(value) {
			keep = append(keep, column)
		}
	}
	if len(keep) < columns && !attributes.is("keep_empty_features") {
		if attributes.text("strategy") == "constant" {
			return nil, unsupported(path, "has NaN; whether such a column is dropped depends on the version")
		}
		stage.Keep = keep
	}
	if stage.Indicators, err = indicators(attributes, columns); err != nil {
		return nil, err
	}
	if _, made := stage.Width(); made == 0 {
		return nil, broken(path, "keeps no column")
	}
	return stage, r.spend(from.path, columns)
}

// indicators reads the columns that a MissingIndicator makes columns of.
func indicators(imputer fitted, columns int) ([]int, error) {
	if !imputer.is("add_indicator") {
		return nil, nil
	}
	from, err := imputer.object("indicator_")
	if err != nil {
		return nil, err
	}
	attributes, err := from.attributes("features_", 0)
	if err != nil {
		return nil, err
	}
	node, _ := attributes.Get("features_")
	array, ok := node.(*pickle.Array)
	if !ok {
		return nil, broken(from.path+".features_", "is not an array of columns")
	}
	return indexes(array, columns, nil, from.path+".features_")
}
