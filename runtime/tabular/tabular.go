// Package tabular predicts from rows of a table: transforms turn a row into the columns that a linear model was fitted
// on, and an estimator makes the scores. It knows no framework; what it does is done with the operations, and in the
// order, that scikit-learn does them in, so that the answers agree to the last digits.
//
// # Rows
//
// A Row is Dense (a number for every column), Sparse (places and numbers of the columns that need not be zero) or Mixed (a
// Cell for every column: a number, text, or what has no value). Which of them comes to a Transform, and with how many
// columns, is known when the model is made: Shapes says it.
//
//	Stage        numbers of numbers: scaling, products, bins. The fast path: nothing but slices of numbers.
//	ValueStage   a Stage that leaves zeros zero, and so has nothing to do for what is not there in a Sparse row.
//	SparseStage  a Stage that has another way for Sparse rows. Before any other Stage they are made Dense.
//	Transform    a row of a row: encoders of categories, text, and Stages, of which Numeric makes one.
//	Estimator    scores of a row.
//
// Series and Union put transforms together; runs of stages become one. To add a kind of column, write a Transform that
// takes Mixed rows and makes Dense or Sparse ones.
//
// All of these are immutable, and hold no buffers: a prediction works in a Scratch, which is pooled, so that it allocates
// nothing. One file per kind.
package tabular

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
)

// Stage makes columns of columns.
type Stage interface {
	// Width is the number of columns that are taken and made.
	Width() (in, out int)
	// Scratch is how many numbers of scratch Apply needs.
	Scratch() int
	// Apply makes dst of src, which do not overlap, and have the widths' lengths. It returns false where the row has a
	// value that the stage is not defined for.
	Apply(dst, src, scratch []float64) bool
}

// Estimator makes scores of columns.
type Estimator interface {
	// Columns is how many it takes.
	Columns() int
	// Outputs is how many scores it makes.
	Outputs() int
	// Bounded says that the scores are probabilities.
	Bounded() bool
	// Scores makes dst, which is as long as Outputs, of a row of the form that it was made for. The
	// error is ErrRange or a *CellError.
	Scores(dst []float64, row *Row, scratch *Scratch) error
}

// Column is one of a model's inputs.
type Column struct {
	// Name is what it was called in training; empty where it had no name.
	Name string
	// Kind is what its cells must be, beside None where Missing.
	Kind Kind
	// Missing says that a cell may be None, or NaN: the model knows what to do with it.
	Missing bool
	// Ignored columns do not count, and need not be given: their cells may be anything.
	Ignored bool
	// Fields are, where Kind is Fields, the names that the model knows, each with the kind that its values had in training.
	// None of them needs to be there, others do not count, and a value of another kind is one that was not seen in training.
	// Where such a column is the model's only one, and has no name, its fields are the row itself.
	Fields []Column
	// Open says that there are no such names: any field counts, whatever its name, by a hash of it.
	Open bool
}

// Model is an estimator and what comes before it. It is immutable, and safe for concurrent use.
type Model struct {
	in      Shape
	columns []Column
	// steps is nil where the estimator takes the columns as they are.
	steps     Transform
	estimator Estimator
	// regression is the estimator, and stage all that comes before it, where the one makes a single score, and the other
	// is numbers only; size is what that needs of scratch.
	regression *Regression
	stage      Stage
	size       int
	scratch    sync.Pool
}

// New makes a model of an estimator and what comes before it, which may be nil, for rows of that form and those columns. It
// panics where their shapes do not fit, which is the maker's to have checked.
func New(form Form, columns []Column, steps Transform, estimator Estimator) *Model {
	in := Shape{form, len(columns)}
	m := &Model{in: in, columns: columns, steps: steps, estimator: estimator}
	last := in
	if steps != nil {
		var first Shape
		if first, last = steps.Shapes(); first != in {
			panic(fmt.Sprintf("tabular: the steps take %v, and %v comes in", first, in))
		}
	}
	if last.Columns != estimator.Columns() {
		panic(fmt.Sprintf("tabular: the steps make %v, and the estimator takes %d columns", last, estimator.Columns()))
	}
	step, isNumeric := steps.(*numeric)
	regression, ok := estimator.(*Regression)
	if ok && regression.Outputs() == 1 && (isNumeric || (steps == nil && in.Form == Dense)) {
		m.regression = regression
		if isNumeric {
			m.stage, m.size = step.Stage, last.Columns+step.Scratch()
		}
	}
	m.scratch.New = func() any { return &Scratch{numbers: make([]float64, m.size)} }
	return m
}

// Features is the number of columns.
func (m *Model) Features() int { return m.in.Columns }

// Outputs is the number of scores.
func (m *Model) Outputs() int { return m.estimator.Outputs() }

// Bounded says that the scores are probabilities.
func (m *Model) Bounded() bool { return m.estimator.Bounded() }

// FeatureError says that a row is out of the model's range: a feature is not finite, or something made of it is not.
type FeatureError struct {
	// Index is the first feature that is not finite; where all are, the largest one, of which that must have come.
	Index int
	Value float64
}

func (e *FeatureError) Error() string {
	return fmt.Sprintf("feature %d is out of range: %v", e.Index, e.Value)
}

// Predict returns the only score of a row of numbers, of which there must be Features. The error is *FeatureError, or, of
// a model whose columns are not all numbers, *CellError. A model of more scores is an error. It does not allocate, but for
// an error.
func (m *Model) Predict(features []float64) (float64, error) {
	features = features[:m.in.Columns]
	scratch := m.scratch.Get().(*Scratch)
	if m.regression != nil {
		p, ok := m.predict(features, scratch.Numbers(m.size))
		m.scratch.Put(scratch)
		if !ok {
			return 0, blame(features)
		}
		return p, nil
	}
	if outputs := m.estimator.Outputs(); outputs != 1 {
		return 0, fmt.Errorf("the model makes %d scores, and a single one was asked for", outputs)
	}
	err := m.predictInto(features, scratch.score[:], scratch)
	p := scratch.score[0]
	m.scratch.Put(scratch)
	return p, err
}

// PredictInto makes all scores of a row of numbers, of which there must be Features; out is as long as Outputs.
func (m *Model) PredictInto(features, out []float64) error {
	scratch := m.scratch.Get().(*Scratch)
	err := m.predictInto(features[:m.in.Columns], out, scratch)
	m.scratch.Put(scratch)
	return err
}

// PredictCells makes all scores of a row of cells, of which there must be Features; out is as long as Outputs. The error
// is *FeatureError or *CellError.
func (m *Model) PredictCells(cells []Cell, out []float64) error {
	scratch := m.scratch.Get().(*Scratch)
	err := m.predictCells(cells[:m.in.Columns], out, scratch)
	m.scratch.Put(scratch)
	return err
}

// predict is for numbers of which a linear model makes a single score.
func (m *Model) predict(features, scratch []float64) (float64, bool) {
	row := features
	if m.stage != nil {
		_, made := m.stage.Width()
		row, scratch = scratch[:made], scratch[made:]
		if !m.stage.Apply(row, features, scratch) {
			return 0, false
		}
	}
	decision, ok := m.regression.decision(row)
	p := m.regression.Link.score(decision)
	return p, ok && m.regression.Link.allows(p)
}

func (m *Model) predictInto(features, out []float64, scratch *Scratch) error {
	scratch.used = 0
	row := scratch.Row()
	row.Clear(m.in.Form)
	if m.in.Form == Mixed {
		for _, feature := range features {
			row.Cells = append(row.Cells, Cell{Num: feature})
		}
	} else {
		row.Numbers = append(row.Numbers, features...)
	}
	err := m.scores(out, row, scratch)
	if errors.Is(err, ErrRange) {
		cells := make([]Cell, len(features))
		for i, feature := range features {
			cells[i].Num = feature
		}
		return m.blame(cells, out, scratch)
	}
	return err
}

func (m *Model) predictCells(cells []Cell, out []float64, scratch *Scratch) error {
	err := m.tryCells(cells, out, scratch)
	if errors.Is(err, ErrRange) {
		return m.blame(cells, out, scratch)
	}
	return err
}

// tryCells makes the scores of a row of cells, or says ErrRange.
func (m *Model) tryCells(cells []Cell, out []float64, scratch *Scratch) error {
	scratch.used = 0
	row := scratch.Row()
	row.Clear(m.in.Form)
	if m.in.Form == Mixed {
		row.Cells = append(row.Cells, cells...)
	} else {
		for i := range cells {
			number, ok := cells[i].number()
			if !ok && !m.columns[i].Ignored {
				return Refuse([]int{i}, 0, "must be a number, not a %s", cells[i].Kind)
			}
			row.Numbers = append(row.Numbers, number)
		}
	}
	return m.scores(out, row, scratch)
}

// mostTried bounds how many missing values are tried out one by one, to find the one that may not be missing.
const mostTried = 64

// blame finds the cell that a refusal is about: of several missing values, the first that alone is refused as well, as some
// are filled in.
func (m *Model) blame(cells []Cell, out []float64, scratch *Scratch) error {
	features := make([]float64, len(cells))
	var absent []int
	for i := range cells {
		features[i], _ = cells[i].number()
		if math.IsNaN(features[i]) && !m.columns[i].Ignored {
			absent = append(absent, i)
		}
	}
	err := blame(features)
	if !math.IsNaN(err.Value) || len(absent) < 2 {
		return err
	}
	rest := slices.Clone(cells)
	for _, i := range absent {
		rest[i] = Cell{}
	}
	for _, i := range absent[:min(len(absent), mostTried)] {
		rest[i] = cells[i]
		if errors.Is(m.tryCells(rest, out, scratch), ErrRange) {
			return &FeatureError{i, features[i]}
		}
		rest[i] = Cell{}
	}
	return err
}

// scores is what all forms of prediction come to.
func (m *Model) scores(out []float64, row *Row, scratch *Scratch) error {
	if m.steps != nil {
		made := scratch.Row()
		if err := m.steps.Apply(made, row, scratch); err != nil {
			return err
		}
		row = made
	}
	if err := m.estimator.Scores(out, row, scratch); err != nil {
		return err
	}
	bounded := m.estimator.Bounded()
	for _, p := range out {
		if !(bounded && p >= 0 && p <= 1) && (bounded || p*0 != 0) {
			return ErrRange
		}
	}
	return nil
}

// blame finds the feature that a refusal is about. A missing value is blamed last: where it may be, it is not the reason.
func blame(features []float64) *FeatureError {
	index, largest := 0, -1.0
	for i, value := range features {
		if size := math.Abs(value); size > largest {
			index, largest = i, size
		}
	}
	if !math.IsInf(largest, 0) {
		for i, value := range features {
			if math.IsNaN(value) {
				return &FeatureError{i, value}
			}
		}
	}
	return &FeatureError{index, features[index]}
}

// finite says that no value is NaN or infinite.
func finite(row []float64) bool {
	for _, value := range row {
		// The product of NaN or an infinity with zero is NaN, so that one comparison finds them all.
		if value*0 != 0 {
			return false
		}
	}
	return true
}

// finiteOrMissing says that no value is infinite.
func finiteOrMissing(row []float64) bool {
	for _, value := range row {
		if math.Abs(value) > math.MaxFloat64 {
			return false
		}
	}
	return true
}
