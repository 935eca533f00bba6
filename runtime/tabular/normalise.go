package tabular

import "math"

// Norm is how long a row is.
type Norm uint8

// The norms: the sum of magnitudes, the root of the sum of squares, the largest magnitude.
const (
	L1 Norm = iota
	L2
	Max
)

// Normalise divides a row by its norm.
type Normalise struct {
	Columns int
	Norm    Norm
	// Least is the smallest norm that is divided by. A row with a smaller one, or of zeros, stays as it is.
	Least float64
}

// Width implements Stage.
func (n *Normalise) Width() (in, out int) { return n.Columns, n.Columns }

// Scratch implements Stage.
func (n *Normalise) Scratch() int { return 0 }

// Apply implements Stage.
func (n *Normalise) Apply(dst, src, _ []float64) bool {
	if !finite(src) {
		return false
	}
	norm := n.Norm.of(src)
	if norm == 0 || norm < n.Least {
		norm = 1
	}
	for i, value := range src {
		dst[i] = value / norm
	}
	return true
}

// KeepsZeros implements ValueStage.
func (n *Normalise) KeepsZeros() bool { return true }

// ApplyValues implements ValueStage.
func (n *Normalise) ApplyValues(dst, src []float64, _ []int32) bool { return n.Apply(dst, src, nil) }

func (n Norm) of(row []float64) float64 {
	norm := 0.0
	for _, value := range row {
		switch n {
		case L1:
			norm += math.Abs(value)
		case L2:
			norm += float64(value * value)
		case Max:
			norm = max(norm, math.Abs(value))
		}
	}
	if n == L2 {
		norm = math.Sqrt(norm)
	}
	return norm
}
