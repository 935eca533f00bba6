package tabular

import (
	"math"
	"slices"
)

// Linear is weighted sums of columns: one, or one for each class.
type Linear struct {
	// Coef has as many weights for each column as there are sums, one column's next to each other.
	Coef []float64
	// Intercept has a number for each sum.
	Intercept []float64
}

// Columns is how many are summed up.
func (l *Linear) Columns() int { return len(l.Coef) / len(l.Intercept) }

// decision adds up a Dense row first, and the only intercept last. Every column must be finite, one of weight zero, too.
func (l *Linear) decision(row []float64) (float64, bool) {
	row = row[:len(l.Coef)]
	decision, check := 0.0, 0.0
	for i, coef := range l.Coef {
		// Zero, or NaN once a column is not finite.
		check += row[i] * 0
		decision += float64(coef * row[i])
	}
	decision += l.Intercept[0]
	// Products may have overflowed to infinities of both signs.
	return decision, check == 0 && !math.IsNaN(decision)
}

// sparseDecision is the decision of a Sparse row.
func (l *Linear) sparseDecision(index []int32, numbers []float64) (float64, bool) {
	decision, check := 0.0, 0.0
	for i, column := range index {
		check += numbers[i] * 0
		decision += float64(l.Coef[column] * numbers[i])
	}
	decision += l.Intercept[0]
	return decision, check == 0 && !math.IsNaN(decision)
}

// decide makes dst, as long as Intercept, of a row that is not Mixed.
func (l *Linear) decide(dst []float64, row *Row) bool {
	if len(dst) > 1 {
		return l.decisions(dst, row)
	}
	decision, ok := l.only(row)
	dst[0] = decision
	return ok
}

// only is the decision of a model of one.
func (l *Linear) only(row *Row) (float64, bool) {
	if row.Form == Sparse {
		return l.sparseDecision(row.Index, row.Numbers)
	}
	return l.decision(row.Numbers)
}

func (l *Linear) decisions(dst []float64, row *Row) bool {
	clear(dst)
	check := 0.0
	for i, number := range row.Numbers {
		column := i
		if row.Form == Sparse {
			column = int(row.Index[i])
		}
		check += number * 0
		for k, coef := range l.Coef[column*len(dst):][:len(dst)] {
			dst[k] += float64(coef * number)
		}
	}
	for k, intercept := range l.Intercept {
		dst[k] += intercept
	}
	return check == 0 && !slices.ContainsFunc(dst, math.IsNaN)
}

// Link is how scores follow from decisions.
type Link uint8

// The links. Of one decision z: Sigmoid is 1/(1+e^−z); Softmax that of 2z, which is the softmax of (−z, z);
// ModifiedHuber (clip(z) + 1) / 2. Of more than one: Sigmoid and ModifiedHuber of each, divided by their sum; Softmax of
// all together. Identity and Exp are those of regressors.
const (
	Sigmoid Link = iota
	Softmax
	ModifiedHuber
	Identity
	Exp
)

// bounded says that the scores are probabilities.
func (l Link) bounded() bool { return l < Identity }

// allows says that a score is one: a probability, or a regressor's finite number.
func (l Link) allows(score float64) bool {
	if l.bounded() {
		return score >= 0 && score <= 1
	}
	return score*0 == 0
}

// score is a single decision's.
func (l Link) score(decision float64) float64 {
	switch l {
	case Softmax:
		return sigmoid(2 * decision)
	case ModifiedHuber:
		return huber(decision)
	case Identity:
		return decision
	case Exp:
		return math.Exp(decision)
	default:
		return sigmoid(decision)
	}
}

// scores makes the scores of several decisions in their place.
func (l Link) scores(row []float64) {
	switch l {
	case Softmax:
		softmax(row)
	case ModifiedHuber:
		for i, decision := range row {
			row[i] = huber(decision)
		}
		shares(row)
	default:
		for i, decision := range row {
			row[i] = l.score(decision)
		}
		if l == Sigmoid {
			divide(row, sum(row))
		}
	}
}

func huber(decision float64) float64 { return (min(max(decision, -1), 1) + 1) / 2 }

func softmax(row []float64) {
	most := row[0]
	for _, decision := range row {
		most = max(most, decision)
	}
	for i, decision := range row {
		row[i] = math.Exp(decision - most)
	}
	divide(row, sum(row))
}

// shares divides by the sum; where that is zero, all are given the same.
func shares(row []float64) {
	total := sum(row)
	if total == 0 {
		for i := range row {
			row[i] = 1
		}
		total = float64(len(row))
	}
	divide(row, total)
}

func sum(row []float64) float64 {
	total := 0.0
	for _, value := range row {
		total += value
	}
	return total
}

func divide(row []float64, by float64) {
	for i := range row {
		row[i] /= by
	}
}

// Regression is a linear model with a link: a classifier of a score for the second of two classes, or of one for each of
// more; or a regressor.
type Regression struct {
	Linear
	Link Link
}

// Outputs implements Estimator.
func (r *Regression) Outputs() int { return len(r.Intercept) }

// Bounded implements Estimator.
func (r *Regression) Bounded() bool { return r.Link.bounded() }

// Scores implements Estimator.
func (r *Regression) Scores(dst []float64, row *Row, _ *Scratch) error {
	if !r.decide(dst, row) {
		return ErrRange
	}
	if len(dst) == 1 {
		dst[0] = r.Link.score(dst[0])
	} else {
		r.Link.scores(dst)
	}
	return nil
}

// Complement is an estimator of one probability that has that of the other class before it.
type Complement struct{ Of Estimator }

// Columns implements Estimator.
func (c *Complement) Columns() int { return c.Of.Columns() }

// Outputs implements Estimator.
func (c *Complement) Outputs() int { return 2 }

// Bounded implements Estimator.
func (c *Complement) Bounded() bool { return true }

// Scores implements Estimator.
func (c *Complement) Scores(dst []float64, row *Row, scratch *Scratch) error {
	err := c.Of.Scores(dst[1:], row, scratch)
	dst[0] = 1 - dst[1]
	return err
}

// sigmoid is 1/(1+e^−z), computed so that the exponential never overflows.
func sigmoid(z float64) float64 {
	if z >= 0 {
		return 1 / (1 + math.Exp(-z))
	}
	e := math.Exp(z)
	return e / (1 + e)
}
