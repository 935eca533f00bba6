package tabular

// Each applies a function to every number.
type Each struct {
	Columns  int
	Function func(float64) float64
	// Checks says that the numbers must be finite before.
	Checks bool
}

// Width implements Stage.
func (e *Each) Width() (in, out int) { return e.Columns, e.Columns }

// Scratch implements Stage.
func (e *Each) Scratch() int { return 0 }

// Apply implements Stage.
func (e *Each) Apply(dst, src, _ []float64) bool {
	if e.Checks && !finite(src) {
		return false
	}
	for i, value := range src {
		dst[i] = e.Function(value)
	}
	return true
}

// KeepsZeros implements ValueStage.
func (e *Each) KeepsZeros() bool { return e.Function(0) == 0 }

// ApplyValues implements ValueStage.
func (e *Each) ApplyValues(dst, src []float64, _ []int32) bool { return e.Apply(dst, src, nil) }

// Mapped is an estimator of a single number, of which a function makes the score.
type Mapped struct {
	Of       Estimator
	Function func(float64) float64
}

// Columns implements Estimator.
func (m *Mapped) Columns() int { return m.Of.Columns() }

// Outputs implements Estimator.
func (m *Mapped) Outputs() int { return 1 }

// Bounded implements Estimator.
func (m *Mapped) Bounded() bool { return false }

// Scores implements Estimator.
func (m *Mapped) Scores(dst []float64, row *Row, scratch *Scratch) error {
	err := m.Of.Scores(dst, row, scratch)
	dst[0] = m.Function(dst[0])
	return err
}
