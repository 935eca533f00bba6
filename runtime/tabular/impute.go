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
