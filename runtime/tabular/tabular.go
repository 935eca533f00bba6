// Package tabular predicts from rows of numbers: a list of stages turns a row into the columns that a linear model was
// fitted on, and a classifier makes the probability. It knows no framework; what it does is done with the operations, and
// in the order, that scikit-learn does them in, so that the answers agree to the last digits.
//
// Stages are immutable, and hold no buffers: whoever applies one gives it scratch, which is pooled, so that a prediction
// allocates nothing. One file per kind of stage.
package tabular

import (
	"fmt"
	"math"
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

// Classifier makes a probability of columns.
type Classifier interface {
	// Width is the number of columns.
	Width() int
	Scratch() int
	// Probability returns false where the row has a value that the classifier is not defined for.
	Probability(row, scratch []float64) (float64, bool)
}

// Model is a classifier and what comes before it. It is immutable, and safe for concurrent use.
type Model struct {
	// steps is nil where the classifier takes the features as they are.
	steps      Stage
	classifier Classifier
	// columns is how many the classifier takes.
	features, columns int
	scratch           sync.Pool
}

// New makes a model of a classifier and the stages before it. It panics where their widths do not fit, which is the
// maker's to have checked.
func New(steps []Stage, classifier Classifier) *Model {
	m := &Model{steps: Join(steps), classifier: classifier, features: classifier.Width(), columns: classifier.Width()}
	size := classifier.Scratch()
	if m.steps != nil {
		in, out := m.steps.Width()
		if out != m.columns {
			panic(fmt.Sprintf("tabular: the steps make %d columns, the classifier takes %d", out, m.columns))
		}
		m.features = in
		size = m.columns + max(size, m.steps.Scratch())
	}
	m.scratch.New = func() any {
		scratch := make([]float64, size)
		return &scratch
	}
	return m
}

// Join makes one stage of some; it returns nil for none.
func Join(stages []Stage) Stage {
	switch len(stages) {
	case 0:
		return nil
	case 1:
		return stages[0]
	default:
		return NewChain(stages...)
	}
}

// Features is the number of features.
func (m *Model) Features() int { return m.features }

// FeatureError says that a row is out of the model's range: a feature is not finite, or something made of it is not.
type FeatureError struct {
	// Index is the first feature that is not finite; where all are, the largest one, of which that must have come.
	Index int
	Value float64
}

func (e *FeatureError) Error() string {
	return fmt.Sprintf("feature %d is out of range: %v", e.Index, e.Value)
}

// Predict returns the probability of a click. There must be Features features. It does not allocate, but for an error.
func (m *Model) Predict(features []float64) (float64, error) {
	pooled := m.scratch.Get().(*[]float64)
	p, ok := m.predict(features[:m.features], *pooled)
	m.scratch.Put(pooled)
	if !ok {
		index := blame(features[:m.features])
		return 0, &FeatureError{Index: index, Value: features[index]}
	}
	return p, nil
}

func (m *Model) predict(features, scratch []float64) (float64, bool) {
	row := features
	if m.steps != nil {
		row, scratch = scratch[:m.columns], scratch[m.columns:]
		if !m.steps.Apply(row, features, scratch) {
			return 0, false
		}
	}
	p, ok := m.classifier.Probability(row, scratch)
	return p, ok && p >= 0 && p <= 1
}

// blame finds the feature that a refusal is about. A missing value is blamed last: where it may be, it is not the reason.
func blame(features []float64) int {
	index, largest := 0, -1.0
	for i, value := range features {
		if size := math.Abs(value); size > largest {
			index, largest = i, size
		}
	}
	if !math.IsInf(largest, 0) {
		for i, value := range features {
			if math.IsNaN(value) {
				return i
			}
		}
	}
	return index
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
