package tabular

// Chain is stages that are applied one after the other. It must not be empty where it is applied.
type Chain []Stage

// Width is the first stage's, and the last one's.
func (c Chain) Width() (in, out int) {
	in, _ = c[0].Width()
	_, out = c[len(c)-1].Width()
	return in, out
}

// Scratch is two rows, between which the stages go back and forth, and a stage's own.
func (c Chain) Scratch() int {
	own := 0
	for _, stage := range c {
		own = max(own, stage.Scratch())
	}
	return 2*c.widest() + own
}

// widest is the most columns that lie between two stages.
func (c Chain) widest() int {
	widest := 0
	for i, stage := range c {
		if _, out := stage.Width(); i < len(c)-1 {
			widest = max(widest, out)
		}
	}
	return widest
}

// Apply implements Stage.
func (c Chain) Apply(dst, src, scratch []float64) bool {
	widest := c.widest()
	from, to, own := scratch[:widest], scratch[widest:2*widest], scratch[2*widest:]
	for i, stage := range c {
		_, out := stage.Width()
		into := to[:min(out, widest)]
		if i == len(c)-1 {
			into = dst
		}
		if !stage.Apply(into, src, own) {
			return false
		}
		src, from, to = into, to, from
	}
	return true
}
