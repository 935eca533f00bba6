package model

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/features"
	"github.com/ctr-operator/ctr-operator/runtime/format/sklearn"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// ctr12Columns is how many columns a dict of parts has that was trained on the preset of that many.
const ctr12Columns = 12

// table predicts with a scikit-learn model: from a vector of numbers, or from cells.
type table struct {
	model *sklearn.Model
	// shaped makes the columns of the fields; nil where the fields are the columns. outputs has each column's place among
	// the set's outputs, where the columns are cells.
	shaped  *shaped
	outputs []int
	// fields are the signature's, and places the columns that they are, where no features are made of them.
	fields  []Field
	places  []int
	columns []tabular.Column
	score   int
	scores  int
	scratch sync.Pool // of *tableScratch
}

type tableScratch struct {
	vector []float64
	cells  []tabular.Cell
	many   []tabular.Many
	// lists are those of members, of which so many are used.
	lists []*tabular.Many
	used  int
	out   []float64
}

// openSklearn opens a pickle or joblib file.
func openSklearn(ctx context.Context, l *loading) error {
	data, err := l.read(l.name, l.options.MaxBytes)
	if err != nil {
		return err
	}
	read, err := sklearn.Read(ctx, data, l.options.MaxBytes)
	if err != nil {
		return fromReader(l.name, err)
	}
	if l.options.Type == TypeWideAndDeep {
		return loadError(contract.ReasonUnsupportedModel, l.name, fmt.Sprintf(
			"is a scikit-learn model, and model type %s is for networks: Keras, SavedModel or ONNX; declare %s",
			TypeWideAndDeep, TypeLogisticRegression))
	}
	t := &table{model: read, columns: read.Columns, scores: read.Outputs(), score: -1}
	if t.scores == 1 {
		t.score = 0
	}
	if err := l.bindTable(t); err != nil {
		return err
	}
	t.scratch.New = func() any {
		return &tableScratch{
			vector: make([]float64, read.Features()), cells: make([]tabular.Cell, read.Features()),
			many: make([]tabular.Many, read.Features()), out: make([]float64, t.scores),
		}
	}
	l.model.predictor = t
	s := &l.model.signature
	s.Missing, s.Scores, s.Score, s.Bounded = read.Missing, []string{ScoreName}, t.score, read.Bounded()
	if t.scores > 1 {
		s.Scores = read.Scores
	}
	if !read.Mixed {
		s.Features = read.Features()
	}
	s.Fields = t.fields
	s.Open = len(t.fields) == 1 && t.fields[0].Kind == Object && t.columns[0].Name == ""
	d := &l.model.description
	d.Type, d.Parameters, d.Bytes = TypeLogisticRegression, read.Census.Parameters, read.Census.Bytes
	d.Operators = counts(read.Census.Classes)
	return nil
}

// bindTable finds out which fields the columns are made of.
func (l *loading) bindTable(t *table) error {
	file, text := l.features, l.text
	if text == nil && t.model.Form == sklearn.Parts && t.model.Features() == ctr12Columns && !t.model.Mixed {
		// Twelve columns alone do not mean the CTR features: only the form that their training scripts write does.
		file, text = l.implied(features.PresetCTR12)
	}
	if text == nil {
		t.fields, t.places = columnFields(t.columns)
		return nil
	}
	set, err := l.compileFeatures(file, text, nil)
	if err != nil {
		return err
	}
	if t.scores > 1 {
		scores := nameScores(0, ScoreName, t.scores, t.model.Scores)
		if t.score, err = choose(scores, set.Score(), file); err != nil {
			return err
		}
	}
	if len(set.Outputs()) == 0 { // only the score is chosen
		t.fields, t.places = columnFields(t.columns)
		return nil
	}
	if t.model.Mixed {
		err = t.bindCells(set, file)
	} else {
		err = t.bindVector(set, file)
	}
	if err != nil {
		return err
	}
	t.shaped = newShaped(set)
	t.fields = t.shaped.fields
	return nil
}

// bindVector holds a feature set against a model of numbers.
func (t *table) bindVector(set *features.Set, file string) error {
	outputs := set.Outputs()
	if outputs[0].Name != "" {
		return loadError(contract.ReasonArtifactMalformed, file, fmt.Sprintf(
			"has inputs by name, and the model takes one vector of %d numbers; list them under 'features'", t.model.Features()))
	}
	if width := outputs[0].Width; width != t.model.Features() {
		return loadError(contract.ReasonArtifactMalformed, file, fmt.Sprintf(
			"makes %d features, and the model takes %d", width, t.model.Features()))
	}
	return nil
}

// bindCells holds a feature set against a model whose columns have types of their own: each is an input by its name.
func (t *table) bindCells(set *features.Set, file string) error {
	names := cellNames(t.columns)
	places := map[string]int{}
	for i, output := range set.Outputs() {
		places[output.Name] = i
	}
	for i, column := range t.columns {
		place, ok := places[names[i]]
		if !ok {
			if column.Ignored || column.Missing {
				t.outputs = append(t.outputs, -1)
				continue
			}
			return loadError(contract.ReasonArtifactMalformed, file, fmt.Sprintf(
				"lacks the input %q; the model's columns are: %s", names[i], list(names)))
		}
		output := &set.Outputs()[place]
		isText := output.Kind == features.String
		if !output.Scalar || isText != (column.Kind == tabular.Text) {
			return loadError(contract.ReasonArtifactMalformed, file, fmt.Sprintf(
				"makes the input %q other than the model takes it: it must be a single %s", names[i], column.Kind))
		}
		delete(places, names[i])
		t.outputs = append(t.outputs, place)
	}
	for name := range places {
		return loadError(contract.ReasonArtifactMalformed, file, fmt.Sprintf(
			"makes the input %q, which the model has not; its columns are: %s", name, list(names)))
	}
	return nil
}

// columnFields makes fields of columns that have names, or types that a bare vector has no place for; nil for a model
// that takes a bare vector only. Columns that do not count are no fields. places are the columns that the fields are.
func columnFields(columns []tabular.Column) (fields []Field, places []int) {
	numbers, named := true, true
	for _, column := range columns {
		numbers = numbers && (column.Kind == tabular.Number || column.Kind == tabular.None)
		named = named && column.Name != "" && column.Name != FieldFeatures
	}
	if numbers && !named {
		return nil, nil
	}
	names := cellNames(columns)
	for i, column := range columns {
		if column.Ignored {
			continue
		}
		field := Field{Name: names[i], Kind: Number, Required: !column.Missing}
		switch column.Kind {
		case tabular.Text:
			field.Kind = String
		case tabular.Texts:
			field.Kind, field.Shape = String, []int{-1}
		case tabular.Fields:
			field.Kind = Object
		default:
			field.Bools = true
		}
		fields, places = append(fields, field), append(places, i)
	}
	return fields, places
}

// cellNames are the columns' names; where they have none, as scikit-learn names them: x0, x1, and so on. A single column of text
// is "text".
func cellNames(columns []tabular.Column) []string {
	names := make([]string, len(columns))
	used := map[string]bool{}
	for i, column := range columns {
		names[i] = column.Name
		if column.Name == "" || used[column.Name] {
			names[i] = "x" + strconv.Itoa(i)
			if len(columns) == 1 && column.Kind != tabular.Number {
				names[i] = "text"
			}
		}
		used[names[i]] = true
	}
	return names
}

// one implements predictor.
func (t *table) one(row *Row) (float64, error) {
	if row.Features != nil && t.scores == 1 && !t.model.Mixed {
		return t.vector(row.Features)
	}
	scratch := t.scratch.Get().(*tableScratch)
	defer t.scratch.Put(scratch)
	if t.scores == 1 && !t.model.Mixed {
		if err := t.fill(row, scratch); err != nil {
			return 0, err
		}
		p, err := t.model.Predict(scratch.vector)
		return p, t.fieldError(err)
	}
	if err := t.into(row, scratch.out, scratch); err != nil {
		return 0, err
	}
	return scratch.out[t.score], nil
}

// batch implements predictor.
func (t *table) batch(rows []Row, out []float64) error {
	for i := range rows {
		var err error
		if out[i], err = t.one(&rows[i]); err != nil {
			return atRow(err, i)
		}
	}
	return nil
}

// row implements predictor.
func (t *table) row(row *Row, out []float64) error {
	scratch := t.scratch.Get().(*tableScratch)
	defer t.scratch.Put(scratch)
	return t.into(row, out, scratch)
}

// all implements predictor.
func (t *table) all(rows []Row, out []float64) error {
	scratch := t.scratch.Get().(*tableScratch)
	defer t.scratch.Put(scratch)
	for i := range rows {
		if err := t.into(&rows[i], out[i*t.scores:(i+1)*t.scores], scratch); err != nil {
			return atRow(err, i)
		}
	}
	return nil
}

// vector predicts a bare one.
func (t *table) vector(vector []float64) (float64, error) {
	if len(vector) != t.model.Features() {
		return 0, t.wrongLength(vector)
	}
	p, err := t.model.Predict(vector)
	if err != nil {
		return 0, vectorError(err)
	}
	return p, nil
}

func (t *table) wrongLength(vector []float64) error {
	return &InputError{Field: FieldFeatures, Message: fmt.Sprintf("must have %d numbers, not %d", t.model.Features(), len(vector))}
}

// into predicts all scores of a row.
func (t *table) into(row *Row, out []float64, scratch *tableScratch) error {
	switch {
	case t.model.Mixed:
		if err := t.fillCells(row, scratch); err != nil {
			return err
		}
		return t.fieldError(t.model.PredictCells(scratch.cells, out))
	case row.Features != nil && len(row.Features) != t.model.Features():
		return t.wrongLength(row.Features)
	case row.Features != nil:
		return vectorError(t.model.PredictInto(row.Features, out))
	}
	if err := t.fill(row, scratch); err != nil {
		return err
	}
	return t.fieldError(t.model.PredictInto(scratch.vector, out))
}

// fill makes the vector of a row's fields.
func (t *table) fill(row *Row, scratch *tableScratch) error {
	if t.shaped != nil {
		f := t.shaped.set.Acquire()
		defer f.Release()
		if err := t.shaped.run(f, row.Values); err != nil {
			return err
		}
		return fromFeatures(features.Numbers(f, 0, scratch.vector))
	}
	if t.fields == nil {
		return &InputError{Field: FieldFeatures, Message: fmt.Sprintf(
			"is missing; the model takes a vector of %d numbers", t.model.Features())}
	}
	// Columns that are no fields do not count.
	clear(scratch.vector)
	for i, place := range t.places {
		switch {
		case i < len(row.Values) && row.Values[i].Set:
			scratch.vector[place] = row.Values[i].Num
		case t.fields[i].Required:
			return missing(&t.fields[i])
		default:
			scratch.vector[place] = math.NaN()
		}
	}
	return nil
}

// fillCells makes the cells of a row's fields.
func (t *table) fillCells(row *Row, scratch *tableScratch) error {
	if row.Features != nil {
		return &InputError{Field: FieldFeatures, Message: "cannot be a bare vector: the columns have types of their own"}
	}
	if t.shaped != nil {
		return t.shapeCells(row, scratch)
	}
	scratch.used = 0
	for i, place := range t.places {
		field, cell := &t.fields[i], &scratch.cells[place]
		if i >= len(row.Values) || !row.Values[i].Set {
			if field.Required {
				return missing(field)
			}
			*cell = tabular.Cell{Kind: tabular.None}
			continue
		}
		v := &row.Values[i]
		many := &scratch.many[place]
		switch {
		case field.Kind == Object:
			many.Texts, many.Cells = many.Texts[:0], many.Cells[:0]
			for k := range v.Members {
				many.Texts = append(many.Texts, v.Members[k].Name)
				many.Cells = append(many.Cells, scratch.member(&v.Members[k]))
			}
			*cell = tabular.Cell{Kind: tabular.Fields, Many: many}
		case field.Kind == String && field.Shape != nil:
			many.Texts = append(many.Texts[:0], v.Strs...)
			*cell = tabular.Cell{Kind: tabular.Texts, Many: many}
		case field.Kind == String:
			*cell = tabular.Cell{Kind: tabular.Text, Str: v.Str}
		default:
			*cell = tabular.Cell{Num: v.Num}
		}
	}
	return nil
}

// member is the cell of a member's value.
func (s *tableScratch) member(m *Member) tabular.Cell {
	switch {
	case m.Kind == String && m.Strs != nil:
		if s.used == len(s.lists) {
			s.lists = append(s.lists, &tabular.Many{})
		}
		list := s.lists[s.used]
		s.used++
		list.Texts = append(list.Texts[:0], m.Strs...)
		return tabular.Cell{Kind: tabular.Texts, Many: list}
	case m.Kind == String:
		return tabular.Cell{Kind: tabular.Text, Str: m.Str}
	case m.Kind == Number:
		return tabular.Cell{Num: m.Num}
	default:
		return tabular.Cell{Kind: tabular.None}
	}
}

// shapeCells makes the cells with the feature set.
func (t *table) shapeCells(row *Row, scratch *tableScratch) error {
	f := t.shaped.set.Acquire()
	defer f.Release()
	if err := t.shaped.run(f, row.Values); err != nil {
		return err
	}
	for i, output := range t.outputs {
		cell := &scratch.cells[i]
		switch {
		case output < 0:
			*cell = tabular.Cell{Kind: tabular.None}
		case t.columns[i].Kind == tabular.Text:
			*cell = tabular.Cell{Kind: tabular.Text, Str: f.String(output)}
		default:
			x, err := f.Number(output)
			if err != nil {
				return fromFeatures(err)
			}
			*cell = tabular.Cell{Num: x}
		}
	}
	return nil
}

// vectorError is about a bare vector.
func vectorError(err error) error {
	feature, ok := errors.AsType[*tabular.FeatureError](err)
	if !ok {
		return err
	}
	return &InputError{Field: FieldFeatures, Message: fmt.Sprintf(
		"has %v at %d, which is out of the model's range", feature.Value, feature.Index)}
}

// fieldError names the field that an offending column came from.
func (t *table) fieldError(err error) error {
	if err == nil {
		return nil
	}
	var column int
	message := "is out of the model's range"
	if cell, ok := errors.AsType[*tabular.CellError](err); ok {
		column, message = cell.Column, cell.Message
	} else if feature, ok := errors.AsType[*tabular.FeatureError](err); ok {
		column = feature.Index
		if math.IsNaN(feature.Value) {
			message = "is missing, and the model does not fill it in"
		}
	} else {
		return err
	}
	input := &InputError{Message: message}
	switch {
	case column < 0 || column >= len(t.columns):
	case t.shaped == nil:
		if place := slices.Index(t.places, column); place >= 0 {
			input.Field = t.fields[place].Name
		}
	case t.outputs == nil:
		input.Field = t.shaped.set.Blame(0, column).Field
	case t.outputs[column] >= 0:
		input.Field = t.shaped.set.Blame(t.outputs[column], 0).Field
	}
	return input
}
