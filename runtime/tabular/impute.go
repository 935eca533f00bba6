package tabular

import "math"

// Impute puts values in the place of missing ones.
type Impute struct {
	// Fill has a value for each column.
	Fill []float64
	// Keep are the columns that are passed on, all of them if it is nil.
	Keep []int
	// Indicators are columns after which a column of 0 and 1 follows at the end, 1 for a missing value.
	Indicators []int
	// Missing is what stands for a missing value: NaN, or a number, beside which there must be no NaN.
	Missing float64
}

// Width implements Stage.
func (m *Impute) Width() (in, out int) {
	kept := len(m.Fill)
	if m.Keep != nil {
		kept = len(m.Keep)
	}
	return len(m.Fill), kept + len(m.Indicators)
}

// Scratch implements Stage.
func (m *Impute) Scratch() int { return 0 }

// Apply implements Stage.
func (m *Impute) Apply(dst, src, _ []float64) bool {
	if !finiteOrMissing(src) || (!math.IsNaN(m.Missing) && !finite(src)) {
		return false
	}
	if m.Keep == nil {
		for i, value := range src {
			dst[i] = m.filled(i, value)
		}
		dst = dst[len(src):]
	} else {
		for i, column := range m.Keep {
			dst[i] = m.filled(column, src[column])
		}
		dst = dst[len(m.Keep):]
	}
	for i, column := range m.Indicators {
		dst[i] = 0
		if m.isMissing(src[column]) {
			dst[i] = 1
		}
	}
	return true
}

func (m *Impute) filled(column int, value float64) float64 {
	if m.isMissing(value) {
		return m.Fill[column]
	}
	return value
}

func (m *Impute) isMissing(value float64) bool {
	return value == m.Missing || (math.IsNaN(value) && math.IsNaN(m.Missing))
}

// ImputeCells puts cells in the place of missing ones.
type ImputeCells struct {
	// Fill has a cell for each column.
	Fill []Cell
	// Keep are the columns that are passed on.
	Keep []int
	// Indicators are columns after which a column of 0 and 1 follows at the end, 1 for a missing value.
	Indicators []int
	// Missing is what stands for a missing value: None, for which NaN may stand, too, or a text or number.
	Missing Cell
}

// Shapes implements Transform.
func (m *ImputeCells) Shapes() (in, out Shape) {
	return Shape{Mixed, len(m.Fill)}, Shape{Mixed, len(m.Keep) + len(m.Indicators)}
}

// Apply implements Transform.
func (m *ImputeCells) Apply(dst, src *Row, _ *Scratch) error {
	dst.Clear(Mixed)
	for _, column := range m.Keep {
		cell := src.Cells[column]
		if m.isMissing(&cell) {
			cell = m.Fill[column]
		}
		dst.Cells = append(dst.Cells, cell)
	}
	for _, column := range m.Indicators {
		indicator := Cell{}
		if m.isMissing(&src.Cells[column]) {
			indicator.Num = 1
		}
		dst.Cells = append(dst.Cells, indicator)
	}
	return nil
}

func (m *ImputeCells) isMissing(cell *Cell) bool {
	if m.Missing.Kind == None {
		return cell.IsMissing()
	}
	return *cell == m.Missing
}
