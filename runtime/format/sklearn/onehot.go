package sklearn

import (
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// readOneHot reads a OneHotEncoder.
func readOneHot(r *reader, from step, in table) (made, error) {
	e, err := r.encoder(from, in)
	if err != nil {
		return made{}, err
	}
	switch e.unknown {
	case "error", "ignore", "infrequent_if_exist":
	case "warn":
		// Before 1.8 it did not do what it said, but what 'ignore' does.
		meant, err := e.since(8)
		if err != nil {
			return made{}, err
		}
		e.unknown = "ignore"
		if meant {
			e.unknown = "infrequent_if_exist"
		}
	default:
		return made{}, unsupported(from.path+".handle_unknown", "is %.32q", e.unknown)
	}
	if err := e.markAll(); err != nil {
		return made{}, err
	}
	form, before, err := e.form()
	if err != nil {
		return made{}, err
	}
	stage := &tabular.OneHot{Form: form, Encodings: e.encodings}
	for column := range e.encodings {
		if err := e.oneHot(stage, column); err != nil {
			return made{}, err
		}
	}
	if stage.Columns == 0 {
		return made{}, broken(from.path, "makes no columns")
	}
	option := "sparse_output"
	if _, ok := e.Get(option); !ok {
		option = "sparse"
	}
	return made{Transform: tabular.Series(before, stage), dense: !e.is(option)}, nil
}

// oneHot places a column's categories, after what the columns before it make.
func (e *encoder) oneHot(stage *tabular.OneHot, column int) error {
	grouped, err := e.grouping(column)
	if err != nil {
		return err
	}
	dropped, err := e.dropped(column)
	if err != nil {
		return err
	}
	place := func(group int) int32 {
		switch {
		case group == dropped || group < 0:
			return -1
		case group > dropped && dropped >= 0:
			group--
		}
		return int32(stage.Columns + group)
	}
	places := make([]int32, len(grouped.groups))
	for i, group := range grouped.groups {
		if group >= grouped.count {
			return broken(e.path+"._default_to_infrequent_mappings", "leaves out category %d of column %d", i, column)
		}
		places[i] = place(group)
	}
	unknown := int32(-1)
	if e.unknown == "infrequent_if_exist" {
		unknown = place(grouped.rare)
	}
	stage.Places = append(stage.Places, places)
	stage.Unknown = append(stage.Unknown, unknown)
	stage.Columns += grouped.count
	if dropped >= 0 && dropped < grouped.count {
		stage.Columns--
	}
	return e.spend(e.path, len(places)+grouped.count)
}

// dropped is the group of a column that is left out, −1 for none.
func (e *encoder) dropped(column int) (int, error) {
	name := "_drop_idx_after_grouping"
	node, ok := e.Get(name)
	if !ok {
		name = "drop_idx_"
		node, ok = e.Get(name)
	}
	if _, none := node.(pickle.None); none || !ok {
		return -1, nil
	}
	path := fmt.Sprintf("%s.%s[%d]", e.path, name, column)
	array, ok := node.(*pickle.Array)
	if !ok || len(array.Shape) != 1 || array.Len() != len(e.encodings) {
		return -1, broken(path, "is missing")
	}
	item := items(array)[column]
	if _, none := item.(pickle.None); none {
		return -1, nil
	}
	index, ok := item.(pickle.Int)
	if !ok || index < 0 || int(index) >= e.encodings[column].Len() {
		return -1, broken(path, "is not a category")
	}
	return int(index), nil
}
