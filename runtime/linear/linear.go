// Package linear evaluates logistic regressions in double precision, with the operations and in the order in which
// scikit-learn does them: first every feature is standardised, then the dot product, then the sigmoid. Folding the
// scaler into the coefficients would be faster by a few nanoseconds, and not exact.
package linear

import (
	"fmt"
	"math"
)

// Model is a logistic regression. It is immutable, and safe for concurrent use.
type Model struct {
	coef      []float64
	intercept float64
	// mean and scale always have an element for each feature; 0 and 1 leave a feature as it is, exactly.
	mean, scale []float64
	factor      float64
}

// New makes a model from parameters of equal length; mean and scale may be nil. The slices must not be changed afterwards.
// The factor multiplies the decision before the sigmoid.
func New(coef []float64, intercept float64, mean, scale []float64, factor float64) *Model {
	if mean == nil {
		mean = make([]float64, len(coef))
	}
	if scale == nil {
		scale = make([]float64, len(coef))
		for i := range scale {
			scale[i] = 1
		}
	}
	if len(mean) != len(coef) || len(scale) != len(coef) {
		panic(fmt.Sprintf("linear: %d coefficients, %d means, %d scales", len(coef), len(mean), len(scale)))
	}
	return &Model{coef: coef, intercept: intercept, mean: mean, scale: scale, factor: factor}
}

// Features is the number of features.
func (m *Model) Features() int { return len(m.coef) }

// FeatureError says that a feature is not finite, or is not once it is standardised.
type FeatureError struct {
	Index int
	Value float64
}

func (e *FeatureError) Error() string {
	return fmt.Sprintf("feature %d is out of range: %v", e.Index, e.Value)
}

// Predict returns the probability of a click. There must be Features features. It does not allocate, but for an error.
func (m *Model) Predict(features []float64) (float64, error) {
	features, mean, scale := features[:len(m.coef)], m.mean[:len(m.coef)], m.scale[:len(m.coef)]
	decision := 0.0
	for i, coef := range m.coef {
		standardised := (features[i] - mean[i]) / scale[i]
		// The product of NaN or an infinity with zero is NaN, so that one comparison finds them all.
		if standardised*0 != 0 {
			return 0, &FeatureError{Index: i, Value: features[i]}
		}
		decision += coef * standardised
	}
	decision = m.factor * (decision + m.intercept)
	if math.IsNaN(decision) {
		// Products overflowed to infinities of both signs.
		index := largest(features)
		return 0, &FeatureError{Index: index, Value: features[index]}
	}
	return sigmoid(decision), nil
}

// sigmoid is 1/(1+e^−z), computed so that the exponential never overflows.
func sigmoid(z float64) float64 {
	if z >= 0 {
		return 1 / (1 + math.Exp(-z))
	}
	e := math.Exp(z)
	return e / (1 + e)
}

func largest(features []float64) int {
	index := 0
	for i, value := range features {
		if math.Abs(value) > math.Abs(features[index]) {
			index = i
		}
	}
	return index
}
