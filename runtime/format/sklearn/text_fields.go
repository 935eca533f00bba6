package sklearn

import (
	"maps"
	"slices"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// readFields reads a DictVectorizer.
func readFields(r *reader, from step, in table) (made, error) {
	attributes, err := from.attributes("vocabulary_", 0)
	if err != nil {
		return made{}, err
	}
	if err := r.one(from, in, tabular.Fields); err != nil {
		return made{}, err
	}
	table, err := r.vocabulary(attributes)
	if err != nil {
		return made{}, err
	}
	separator := attributes.text("separator")
	if origin := in.origin(0); origin >= 0 {
		r.columns[origin].Fields = addFields(r.columns[origin].Fields, table, separator)
	}
	var transform tabular.Transform = tabular.NewFieldTable(table, len(table), separator, in.origins)
	if !attributes.is("sparse") {
		_, shape := transform.Shapes()
		transform = tabular.Series(transform, tabular.ToDense(shape, nil))
	}
	return made{Transform: transform}, attributes.dtype(doubles)
}

// addFields adds the fields that a table has seen, by their names: text before its separator, numbers without one.
func addFields(fields []tabular.Column, table map[string]int32, separator string) []tabular.Column {
	known := make(map[string]int, len(fields)+len(table))
	for i, field := range fields {
		known[field.Name] = i
	}
	for _, entry := range slices.Sorted(maps.Keys(table)) {
		field := tabular.Column{Name: entry, Kind: tabular.Number}
		if name, _, text := strings.Cut(entry, separator); text && separator != "" {
			field = tabular.Column{Name: name, Kind: tabular.Text}
		}
		i, ok := known[field.Name]
		switch {
		case !ok:
			known[field.Name] = len(fields)
			fields = append(fields, field)
		case field.Kind == tabular.Text:
			fields[i].Kind = tabular.Text
		}
	}
	return fields
}
