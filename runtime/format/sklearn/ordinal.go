package sklearn

import (
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// readOrdinal reads an OrdinalEncoder. Before 1.0 it refuses NaN.
func readOrdinal(r *reader, from step, in table) (made, error) {
	e, err := r.encoder(from, in)
	if err != nil {
		return made{}, err
	}
	round, err := roundingOf(e.fitted)
	if err != nil {
		return made{}, err
	}
	unknown := []float64{math.NaN()}
	switch e.unknown {
	case "error":
	case "use_encoded_value":
		value, ok := numberOf(e.node("unknown_value"))
		if !ok {
			return made{}, broken(from.path+".unknown_value", "is not a number")
		}
		unknown[0] = round(value)
	default:
		return made{}, unsupported(from.path+".handle_unknown", "is %.32q", e.unknown)
	}
	takesNaN, err := e.since(0)
	if err != nil {
		return made{}, err
	}
	for i := range e.encodings {
		e.encodings[i].RefusesNaN = !takesNaN
	}
	if err := e.markAll(); err != nil {
		return made{}, err
	}
	form, before, err := e.form()
	if err != nil {
		return made{}, err
	}
	stage := &tabular.Recode{Form: form, Encodings: e.encodings, Width: 1}
	for column := range e.encodings {
		numbers, err := e.ordinals(column)
		if err != nil {
			return made{}, err
		}
		for i := range numbers {
			numbers[i] = round(numbers[i])
		}
		stage.Numbers = append(stage.Numbers, numbers)
		stage.Unknown = append(stage.Unknown, unknown)
	}
	return made{Transform: tabular.Series(before, stage)}, nil
}

// node is an attribute, nil if it is absent.
func (f fitted) node(name string) pickle.Node {
	node, _ := f.Get(name)
	return node
}

// ordinals are the numbers of a column's categories: their groups', but for a missing one.
func (e *encoder) ordinals(column int) ([]float64, error) {
	grouped, err := e.grouping(column)
	if err != nil {
		return nil, err
	}
	numbers := make([]float64, len(grouped.groups))
	for i, group := range grouped.groups {
		numbers[i] = float64(group)
	}
	if missing, ok := e.node("_missing_indices").(*pickle.Dict); ok {
		for _, entry := range missing.Entries {
			index, isIndex := entry.Value.(pickle.Int)
			if entry.Key != pickle.Int(column) {
				continue
			}
			if !isIndex || index < 0 || int(index) >= len(numbers) {
				return nil, broken(e.path+"._missing_indices", "has one of column %d that is no category", column)
			}
			numbers[index] = math.NaN()
			if node, ok := e.Get("encoded_missing_value"); ok {
				if numbers[index], ok = numberOf(node); !ok {
					return nil, broken(e.path+".encoded_missing_value", "is not a number")
				}
			}
		}
	}
	return numbers, e.spend(e.path, 2*len(numbers))
}

// roundingOf reads the type of the numbers that are made.
func roundingOf(from fitted) (func(float64) float64, error) {
	class, ok := from.node("dtype").(*pickle.Class)
	if !ok {
		return nil, unsupported(from.path+".dtype", "is not a type of numpy's; supported are float64, float32 and integers")
	}
	switch class.Name {
	case "float64", "float", "int64", "int32", "int16", "int8", "int", "uint64", "uint32", "uint16", "uint8":
		return func(value float64) float64 { return value }, nil
	case "float32":
		return func(value float64) float64 { return float64(float32(value)) }, nil
	default:
		return nil, unsupported(from.path+".dtype", "is %s; supported are float64, float32 and integers", class)
	}
}
