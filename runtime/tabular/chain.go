package tabular

// Chain is stages that are applied one after the other.
type Chain struct {
	stages []Stage
	// outs is how many columns each stage makes, widest the most that lie between two of them.
	outs            []int
	in, widest, own int
}

// NewChain makes a chain of at least one stage, whose widths must fit.
func NewChain(stages ...Stage) *Chain {
	c := &Chain{stages: stages, outs: make([]int, len(stages))}
	c.in, _ = stages[0].Width()
	for i, stage := range stages {
		_, c.outs[i] = stage.Width()
		if i < len(stages)-1 {
			c.widest = max(c.widest, c.outs[i])
		}
		c.own = max(c.own, stage.Scratch())
	}
	return c
}

// Width is the first stage's, and the last one's.
func (c *Chain) Width() (in, out int) { return c.in, c.outs[len(c.outs)-1] }

// Scratch is two rows, between which the stages go back and forth, and a stage's own.
func (c *Chain) Scratch() int { return 2*c.widest + c.own }

// Apply implements Stage.
func (c *Chain) Apply(dst, src, scratch []float64) bool {
	last := len(c.stages) - 1
	from, to, own := scratch[:c.widest], scratch[c.widest:2*c.widest], scratch[2*c.widest:]
	for i, stage := range c.stages[:last] {
		made := to[:c.outs[i]]
		if !stage.Apply(made, src, own) {
			return false
		}
		src, from, to = made, to, from
	}
	return c.stages[last].Apply(dst, src, own)
}
