package tabular

// Standardise is (x − Center) / Scale, in that order. Either may be nil, and then is not done. Missing values stay
// missing. Without a Scale, Columns must say how many there are.
type Standardise struct {
	Columns       int
	Center, Scale []float64
	// Clip limits the result to ±1.
	Clip bool
}

// Width implements Stage.
func (s *Standardise) Width() (in, out int) { return s.Columns, s.Columns }

// Scratch implements Stage.
func (s *Standardise) Scratch() int { return 0 }

// Apply implements Stage.
func (s *Standardise) Apply(dst, src, _ []float64) bool {
	if !finiteOrMissing(src) {
		return false
	}
	dst = dst[:len(src)]
	switch center, scale := s.Center, s.Scale; {
	case center != nil && scale != nil:
		center, scale = center[:len(src)], scale[:len(src)]
		for i, value := range src {
			dst[i] = (value - center[i]) / scale[i]
		}
	case center != nil:
		for i, value := range src {
			dst[i] = value - center[i]
		}
	case scale != nil:
		for i, value := range src {
			dst[i] = value / scale[i]
		}
	default:
		copy(dst, src)
	}
	if s.Clip {
		clip(dst, -1, 1)
	}
	return true
}

// KeepsZeros implements ValueStage.
func (s *Standardise) KeepsZeros() bool { return s.Center == nil }

// ApplyValues implements ValueStage.
func (s *Standardise) ApplyValues(dst, src []float64, index []int32) bool {
	if !finiteOrMissing(src) {
		return false
	}
	for i, value := range src {
		dst[i] = value
		if s.Scale != nil {
			dst[i] = value / s.Scale[index[i]]
		}
	}
	if s.Clip {
		clip(dst, -1, 1)
	}
	return true
}

// Range is x · Factor + Offset. Missing values stay missing.
type Range struct {
	Factor, Offset []float64
	// Clip limits the result to Low and High.
	Clip      bool
	Low, High float64
}

// Width implements Stage.
func (r *Range) Width() (in, out int) { return len(r.Factor), len(r.Factor) }

// Scratch implements Stage.
func (r *Range) Scratch() int { return 0 }

// Apply implements Stage.
func (r *Range) Apply(dst, src, _ []float64) bool {
	if !finiteOrMissing(src) {
		return false
	}
	for i, factor := range r.Factor {
		// The conversion keeps the two operations two, where a processor could fuse them.
		dst[i] = float64(src[i]*factor) + r.Offset[i]
	}
	if r.Clip {
		clip(dst, r.Low, r.High)
	}
	return true
}

// clip leaves missing values missing.
func clip(row []float64, low, high float64) {
	for i, value := range row {
		switch {
		case value < low:
			row[i] = low
		case value > high:
			row[i] = high
		}
	}
}

// Times multiplies every column by the same weight.
type Times struct {
	Columns int
	Weight  float64
}

// Width implements Stage.
func (t *Times) Width() (in, out int) { return t.Columns, t.Columns }

// Scratch implements Stage.
func (t *Times) Scratch() int { return 0 }

// Apply implements Stage.
func (t *Times) Apply(dst, src, _ []float64) bool {
	for i, value := range src {
		dst[i] = value * t.Weight
	}
	return true
}

// KeepsZeros implements ValueStage.
func (t *Times) KeepsZeros() bool { return true }

// ApplyValues implements ValueStage.
func (t *Times) ApplyValues(dst, src []float64, _ []int32) bool { return t.Apply(dst, src, nil) }

// Check passes on what is finite.
type Check struct{ Columns int }

// Width implements Stage.
func (c *Check) Width() (in, out int) { return c.Columns, c.Columns }

// Scratch implements Stage.
func (c *Check) Scratch() int { return 0 }

// Apply implements Stage.
func (c *Check) Apply(dst, src, _ []float64) bool {
	copy(dst, src)
	return finite(src)
}

// KeepsZeros implements ValueStage.
func (c *Check) KeepsZeros() bool { return true }

// ApplyValues implements ValueStage.
func (c *Check) ApplyValues(dst, src []float64, _ []int32) bool { return c.Apply(dst, src, nil) }
