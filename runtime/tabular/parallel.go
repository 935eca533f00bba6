package tabular

// Parallel applies stages to the same row, each to columns of its own choice, and puts what they make side by side.
type Parallel struct {
	Columns int
	Parts   []Part
}

// Part is one of a Parallel's.
type Part struct {
	// Columns are those that are taken, in that order; nil takes all.
	Columns []int
	// Stage is applied to them; nil passes them on.
	Stage Stage
}

// made is how many columns a part makes, in a row of so many.
func (p *Part) made(columns int) int {
	switch {
	case p.Stage != nil:
		_, made := p.Stage.Width()
		return made
	case p.Columns != nil:
		return len(p.Columns)
	default:
		return columns
	}
}

// Width implements Stage.
func (p *Parallel) Width() (in, out int) {
	for i := range p.Parts {
		out += p.Parts[i].made(p.Columns)
	}
	return p.Columns, out
}

// Scratch is a part's selected columns, and its stage's own.
func (p *Parallel) Scratch() int {
	most := 0
	for i := range p.Parts {
		part := &p.Parts[i]
		if part.Stage != nil {
			most = max(most, len(part.Columns)+part.Stage.Scratch())
		}
	}
	return most
}

// Apply implements Stage.
func (p *Parallel) Apply(dst, src, scratch []float64) bool {
	for i := range p.Parts {
		part := &p.Parts[i]
		made := part.made(p.Columns)
		if !part.apply(dst[:made], src, scratch) {
			return false
		}
		dst = dst[made:]
	}
	return true
}

func (p *Part) apply(dst, src, scratch []float64) bool {
	if p.Columns != nil {
		selected := dst
		if p.Stage != nil {
			selected, scratch = scratch[:len(p.Columns)], scratch[len(p.Columns):]
		}
		for i, column := range p.Columns {
			selected[i] = src[column]
		}
		src = selected
	}
	if p.Stage == nil {
		if p.Columns == nil {
			copy(dst, src)
		}
		return true
	}
	return p.Stage.Apply(dst, src, scratch)
}
