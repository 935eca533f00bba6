package sklearn

import (
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
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
	node, _ := attributes.Get("vocabulary_")
	if known, ok := node.(*pickle.Dict); ok && in.origin(0) >= 0 {
		own := &r.columns[in.origin(0)]
		own.Fields = addFields(own.Fields, known, separator)
	}
	var transform tabular.Transform = tabular.NewFieldTable(table, separator, in.origins)
	if !attributes.is("sparse") {
		_, shape := transform.Shapes()
		transform = tabular.Series(transform, tabular.ToDense(shape, nil))
	}
	return made{Transform: transform}, attributes.dtype(doubles)
}

// addFields adds the fields that a table has seen, by their names: text before its separator, numbers without one.
func addFields(fields []tabular.Column, table *pickle.Dict, separator string) []tabular.Column {
	known := make(map[string]int, len(fields)+len(table.Entries))
	for i, field := range fields {
		known[field.Name] = i
	}
	for _, entry := range table.Entries {
		word, _ := entry.Key.(pickle.Str)
		field := tabular.Column{Name: string(word), Kind: tabular.Number}
		if name, _, text := strings.Cut(string(word), separator); text && separator != "" {
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
