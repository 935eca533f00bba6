package tabular

import (
	"math"
	"sort"
)

// Calibrated is the mean of models whose decisions were fitted to probabilities afterwards.
type Calibrated struct{ Members []Member }

// Member is one of a Calibrated's: Steps, which may be nil, then Linear, then Calibration.
type Member struct {
	Steps       Stage
	Linear      Linear
	Calibration Calibration
}

// Calibration makes a probability of a decision. It returns false where it is not defined.
type Calibration interface {
	Calibrate(decision float64) (float64, bool)
}

// Width is the number of columns that the member takes.
func (m *Member) Width() int {
	if m.Steps == nil {
		return len(m.Linear.Coef)
	}
	in, _ := m.Steps.Width()
	return in
}

// Width implements Classifier.
func (c *Calibrated) Width() int { return c.Members[0].Width() }

// Scratch implements Classifier.
func (c *Calibrated) Scratch() int {
	most := 0
	for i := range c.Members {
		member := &c.Members[i]
		if member.Steps != nil {
			most = max(most, len(member.Linear.Coef)+member.Steps.Scratch())
		}
	}
	return most
}

// Probability implements Classifier.
func (c *Calibrated) Probability(row, scratch []float64) (float64, bool) {
	sum := 0.0
	for i := range c.Members {
		p, ok := c.Members[i].probability(row, scratch)
		if !ok {
			return 0, false
		}
		sum += p
	}
	return sum / float64(len(c.Members)), true
}

func (m *Member) probability(row, scratch []float64) (float64, bool) {
	if m.Steps != nil {
		made := scratch[:len(m.Linear.Coef)]
		if !m.Steps.Apply(made, row, scratch[len(made):]) {
			return 0, false
		}
		row = made
	}
	decision, ok := m.Linear.decision(row)
	if !ok {
		return 0, false
	}
	p, ok := m.Calibration.Calibrate(decision)
	if p > 1 && p <= 1+1e-5 {
		p = 1
	}
	return p, ok
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
