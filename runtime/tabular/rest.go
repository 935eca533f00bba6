package tabular

// Whole is an estimator together with what comes before it, which may be nil.
type Whole struct {
	Steps     Transform
	Estimator Estimator
}

// Columns implements Estimator.
func (w *Whole) Columns() int {
	if w.Steps == nil {
		return w.Estimator.Columns()
	}
	in, _ := w.Steps.Shapes()
	return in.Columns
}

// Outputs implements Estimator.
func (w *Whole) Outputs() int { return w.Estimator.Outputs() }

// Bounded implements Estimator.
func (w *Whole) Bounded() bool { return w.Estimator.Bounded() }

// Scores implements Estimator.
func (w *Whole) Scores(dst []float64, row *Row, scratch *Scratch) error {
	used := scratch.used
	if w.Steps != nil {
		made := scratch.Row()
		if err := w.Steps.Apply(made, row, scratch); err != nil {
			return err
		}
		row = made
	}
	err := w.Estimator.Scores(dst, row, scratch)
	scratch.used = used
	return err
}

// OneVsRest is a classifier for each class, each of a single probability; these are divided by their sum.
type OneVsRest struct{ Classes []Whole }

// Columns implements Estimator.
func (o *OneVsRest) Columns() int { return o.Classes[0].Columns() }

// Outputs implements Estimator.
func (o *OneVsRest) Outputs() int { return len(o.Classes) }

// Bounded implements Estimator.
func (o *OneVsRest) Bounded() bool { return true }

// Scores implements Estimator.
func (o *OneVsRest) Scores(dst []float64, row *Row, scratch *Scratch) error {
	for i := range o.Classes {
		if err := o.Classes[i].Scores(dst[i:i+1], row, scratch); err != nil {
			return err
		}
	}
	if total := sum(dst); total != 0 {
		divide(dst, total)
	}
	return nil
}
