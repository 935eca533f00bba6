package tabular

import "slices"

// Transform makes a row of a row. It is immutable: what it works in is the Scratch, or pooled.
type Transform interface {
	// Shapes are those of the rows that are taken and made. They do not change.
	Shapes() (in, out Shape)
	// Apply makes dst of src, which are not the same row; src is not changed. The error is ErrRange or a *CellError.
	Apply(dst, src *Row, scratch *Scratch) error
}

// ValueStage is a Stage that makes as many columns as it takes, and of zeros zeros, so that of a Sparse row only the
// numbers that are there need be looked at.
type ValueStage interface {
	Stage
	// ApplyValues makes dst of src, the numbers of the columns that index has.
	ApplyValues(dst, src []float64, index []int32) bool
	// KeepsZeros says that the stage, with its options, makes zeros of zeros.
	KeepsZeros() bool
}

// SparseStage is a Stage that has another way to do the same for Sparse rows.
type SparseStage interface {
	Stage
	// OfSparse is that way; nil if the stage, with its options, has none.
	OfSparse() Transform
}

// Numeric makes a Transform of a stage, for rows of that form; origins say which of the model's own columns those of a
// Mixed row are, and may be nil.
func Numeric(stage Stage, form Form, origins []int) Transform {
	in, _ := stage.Width()
	switch form {
	case Mixed:
		return &series{[]Transform{&numbers{in, origins}, &numeric{stage}}}
	case Sparse:
		if values, ok := stage.(ValueStage); ok && values.KeepsZeros() {
			return &sparseValues{values, in}
		}
		if sparse, ok := stage.(SparseStage); ok {
			if transform := sparse.OfSparse(); transform != nil {
				return transform
			}
		}
		return &series{[]Transform{&densify{in}, &numeric{stage}}}
	default:
		return &numeric{stage}
	}
}

// ToDense makes numbers of a row of another form; it is nil for a Dense one.
func ToDense(in Shape, origins []int) Transform {
	switch in.Form {
	case Mixed:
		return &numbers{in.Columns, origins}
	case Sparse:
		return &densify{in.Columns}
	default:
		return nil
	}
}

// numeric is a Stage of Dense rows.
type numeric struct{ Stage }

func (n *numeric) Shapes() (in, out Shape) {
	taken, made := n.Width()
	return Shape{Dense, taken}, Shape{Dense, made}
}

func (n *numeric) Apply(dst, src *Row, scratch *Scratch) error {
	_, made := n.Width()
	if !n.Stage.Apply(dst.dense(made), src.Numbers, scratch.Numbers(n.Scratch())) {
		return ErrRange
	}
	return nil
}

// sparseValues is a ValueStage of Sparse rows.
type sparseValues struct {
	ValueStage
	columns int
}

func (s *sparseValues) Shapes() (in, out Shape) {
	return Shape{Sparse, s.columns}, Shape{Sparse, s.columns}
}

func (s *sparseValues) Apply(dst, src *Row, _ *Scratch) error {
	values := dst.dense(len(src.Numbers))
	dst.Form = Sparse
	dst.Index = append(dst.Index[:0], src.Index...)
	if !s.ApplyValues(values, src.Numbers, src.Index) {
		return ErrRange
	}
	return nil
}

// densify makes a number for every column of a Sparse row.
type densify struct{ columns int }

func (d *densify) Shapes() (in, out Shape) { return Shape{Sparse, d.columns}, Shape{Dense, d.columns} }

func (d *densify) Apply(dst, src *Row, _ *Scratch) error {
	made := dst.dense(d.columns)
	clear(made)
	for i, column := range src.Index {
		made[column] = src.Numbers[i]
	}
	return nil
}

// numbers makes numbers of cells.
type numbers struct {
	columns int
	origins []int
}

func (n *numbers) Shapes() (in, out Shape) { return Shape{Mixed, n.columns}, Shape{Dense, n.columns} }

func (n *numbers) Apply(dst, src *Row, _ *Scratch) error {
	made := dst.dense(n.columns)
	for i := range made {
		number, ok := src.Cells[i].number()
		if !ok {
			return Refuse(n.origins, i, "must be a number, not a %s", src.Cells[i].Kind)
		}
		made[i] = number
	}
	return nil
}

// series is transforms that are applied one after the other.
type series struct{ steps []Transform }

// Series makes one Transform of some whose shapes fit; it is nil for none. Stages of numbers become one.
func Series(steps ...Transform) Transform {
	var flat []Transform
	for _, step := range steps {
		switch step := step.(type) {
		case nil:
		case *series:
			flat = append(flat, step.steps...)
		default:
			flat = append(flat, step)
		}
	}
	flat = joined(flat)
	switch len(flat) {
	case 0:
		return nil
	case 1:
		return flat[0]
	default:
		return &series{flat}
	}
}

// joined makes one stage of numbers of those that follow each other.
func joined(steps []Transform) []Transform {
	var made []Transform
	for len(steps) > 0 {
		run := slices.IndexFunc(steps, func(step Transform) bool {
			_, ok := step.(*numeric)
			return !ok
		})
		if run < 0 {
			run = len(steps)
		}
		if run < 2 {
			made, steps = append(made, steps[0]), steps[1:]
			continue
		}
		stages := make([]Stage, run)
		for i, step := range steps[:run] {
			stages[i] = step.(*numeric).Stage
		}
		made, steps = append(made, &numeric{NewChain(stages...)}), steps[run:]
	}
	return made
}

func (s *series) Shapes() (in, out Shape) {
	in, _ = s.steps[0].Shapes()
	_, out = s.steps[len(s.steps)-1].Shapes()
	return in, out
}

func (s *series) Apply(dst, src *Row, scratch *Scratch) error {
	used := scratch.used
	last := len(s.steps) - 1
	for _, step := range s.steps[:last] {
		made := scratch.Row()
		if err := step.Apply(made, src, scratch); err != nil {
			return err
		}
		src = made
	}
	err := s.steps[last].Apply(dst, src, scratch)
	scratch.used = used
	return err
}
