package sklearn

import (
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// readImputer reads a SimpleImputer. A column that was all missing in training has no statistic, and is dropped, unless
// keep_empty_features.
func readImputer(r *reader, from step, columns int) (tabular.Stage, error) {
	attributes, err := from.attributes("statistics_", columns)
	if err != nil {
		return nil, err
	}
	node, _ := attributes.Get("missing_values")
	missing, _, err := floats(node, from.path+".missing_values")
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
	if math.IsNaN(stage.Missing) {
		r.missing = true
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
