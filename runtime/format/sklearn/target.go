package sklearn

import (
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// readTarget reads a TargetEncoder: for each column, or for each column and class, a number for each category.
func readTarget(r *reader, from step, in table) (made, error) {
	e, err := r.encoder(from, in)
	if err != nil {
		return made{}, err
	}
	if err := e.markAll(); err != nil {
		return made{}, err
	}
	form, before, err := e.form()
	if err != nil {
		return made{}, err
	}
	means, _, err := e.fitted.numbers("target_mean_")
	if err != nil {
		return made{}, err
	}
	list, ok := e.node("encodings_").(*pickle.List)
	path := from.path + ".encodings_"
	if !ok || len(means) == 0 || len(list.Items) != len(means)*in.Columns {
		return made{}, broken(path, "is not a list of the encodings of %d columns", in.Columns)
	}
	stage := &tabular.Recode{Form: form, Encodings: e.encodings, Width: len(means)}
	for column, encoding := range e.encodings {
		numbers := make([]float64, len(means)*encoding.Len())
		if err := r.spend(path, 2*len(numbers)); err != nil {
			return made{}, err
		}
		for class := range means {
			itemPath := fmt.Sprintf("%s[%d]", path, column*len(means)+class)
			values, _, err := floats(list.Items[column*len(means)+class], itemPath)
			if err != nil {
				return made{}, err
			}
			if len(values) != encoding.Len() {
				return made{}, broken(itemPath, "has %d numbers for %d categories", len(values), encoding.Len())
			}
			for code, value := range values {
				numbers[code*len(means)+class] = value
			}
		}
		stage.Numbers = append(stage.Numbers, numbers)
		stage.Unknown = append(stage.Unknown, means)
	}
	return made{Transform: tabular.Series(before, stage)}, nil
}
