package tabular

import (
	"math"
	"sort"
)

// Calibrated is the mean of models whose decisions were fitted to probabilities afterwards.
type Calibrated struct{ Members []Member }

// Member is one of a Calibrated's: Steps, which may be nil, then Linear, then a Calibration of each of its decisions. Of
// more than one, the probabilities are divided by their sum. Instead of Calibrations there may be a Scale, that all
// decisions are multiplied by before their softmax; that of a single one, z, is of (−z, z).
type Member struct {
	Steps        Transform
	Linear       Linear
	Calibrations []Calibration
	Scale        float64
	// Evens says that where a calibration is not defined all classes are equally likely.
	Evens bool
}

// Calibration makes a probability of a decision. It returns false where it is not defined: with NaN where that is what comes
// of computing it.
type Calibration interface {
	Calibrate(decision float64) (float64, bool)
}

// Columns is how many the member takes.
func (m *Member) Columns() int {
	if m.Steps == nil {
		return m.Linear.Columns()
	}
	in, _ := m.Steps.Shapes()
	return in.Columns
}

// Columns implements Estimator.
func (c *Calibrated) Columns() int { return c.Members[0].Columns() }

// Outputs implements Estimator.
func (c *Calibrated) Outputs() int { return len(c.Members[0].Linear.Intercept) }

// Bounded implements Estimator.
func (c *Calibrated) Bounded() bool { return true }

// Scores implements Estimator.
func (c *Calibrated) Scores(dst []float64, row *Row, scratch *Scratch) error {
	clear(dst)
	own := scratch.Row()
	for i := range c.Members {
		scores := own.dense(len(dst))
		if err := c.Members[i].scores(scores, row, scratch); err != nil {
			return err
		}
		for k, score := range scores {
			dst[k] += score
		}
	}
	divide(dst, float64(len(c.Members)))
	return nil
}

func (m *Member) scores(dst []float64, row *Row, scratch *Scratch) error {
	if m.Steps != nil {
		used, made := scratch.used, scratch.Row()
		if err := m.Steps.Apply(made, row, scratch); err != nil {
			return err
		}
		row, scratch.used = made, used
	}
	if !m.Linear.decide(dst, row) {
		return ErrRange
	}
	if m.Calibrations == nil {
		m.scale(dst)
		return nil
	}
	for i, calibration := range m.Calibrations {
		p, ok := calibration.Calibrate(dst[i])
		if !ok && m.Evens && math.IsNaN(p) {
			even(dst)
			return nil
		}
		if !ok {
			return ErrRange
		}
		dst[i] = p
	}
	if len(dst) > 1 {
		shares(dst)
	}
	for i, p := range dst {
		if p > 1 && p <= 1+1e-5 {
			dst[i] = 1
		}
	}
	return nil
}

// even gives all classes the same probability; a single one is one of two.
func even(dst []float64) {
	for i := range dst {
		dst[i] = 1 / float64(max(len(dst), 2))
	}
}

func (m *Member) scale(dst []float64) {
	for i := range dst {
		dst[i] *= m.Scale
	}
	if len(dst) == 1 {
		dst[0] = Softmax.score(dst[0])
	} else {
		softmax(dst)
	}
}

// Platt is the sigmoid of −(A·z + B).
type Platt struct{ A, B float64 }

// Calibrate implements Calibration.
func (p *Platt) Calibrate(decision float64) (float64, bool) {
	z := float64(p.A*decision) + p.B
	return sigmoid(-z), !math.IsNaN(z)
}

// Isotonic goes from point to point, and stays level before the first and after the last.
type Isotonic struct {
	// X ascends, and is as long as Y, which is not empty.
	X, Y []float64
}

// Calibrate implements Calibration.
func (s *Isotonic) Calibrate(decision float64) (float64, bool) {
	if decision*0 != 0 {
		return 0, false
	}
	last := len(s.X) - 1
	if decision <= s.X[0] {
		return s.Y[0], true
	}
	if decision >= s.X[last] {
		return s.Y[last], true
	}
	// The interval from i to i+1 has the decision in it.
	i := sort.Search(len(s.X), func(i int) bool { return s.X[i] > decision }) - 1
	if decision == s.X[i] {
		return s.Y[i], true
	}
	slope := (s.Y[i+1] - s.Y[i]) / (s.X[i+1] - s.X[i])
	return float64(slope*(decision-s.X[i])) + s.Y[i], true
}
