package tabular

import "math"

// Linear is a weighted sum of columns.
type Linear struct {
	Coef      []float64
	Intercept float64
}

// decision adds up first, and the intercept last. Every column must be finite, one of weight zero, too.
func (l *Linear) decision(row []float64) (float64, bool) {
	row = row[:len(l.Coef)]
	decision, check := 0.0, 0.0
	for i, coef := range l.Coef {
		// Zero, or NaN once a column is not finite.
		check += row[i] * 0
		decision += float64(coef * row[i])
	}
	decision += l.Intercept
	// Products may have overflowed to infinities of both signs.
	return decision, check == 0 && !math.IsNaN(decision)
}

// Link is how a probability follows from a decision.
type Link uint8

// The links: 1/(1+e^−z); that of 2z, which is the softmax of (−z, z); and (clip(z) + 1) / 2.
const (
	Sigmoid Link = iota
	Softmax
	ModifiedHuber
)

func (l Link) probability(decision float64) float64 {
	switch l {
	case Softmax:
		return sigmoid(2 * decision)
	case ModifiedHuber:
		return (min(max(decision, -1), 1) + 1) / 2
	default:
		return sigmoid(decision)
	}
}

// Regression is a linear model with a link.
type Regression struct {
	Linear
	Link Link
}

// Width implements Classifier.
func (r *Regression) Width() int { return len(r.Coef) }

// Scratch implements Classifier.
func (r *Regression) Scratch() int { return 0 }

// Probability implements Classifier.
func (r *Regression) Probability(row, _ []float64) (float64, bool) {
	decision, ok := r.decision(row)
	return r.Link.probability(decision), ok
}

// sigmoid is 1/(1+e^−z), computed so that the exponential never overflows.
func sigmoid(z float64) float64 {
	if z >= 0 {
		return 1 / (1 + math.Exp(-z))
	}
	e := math.Exp(z)
	return e / (1 + e)
}
