package sklearn

import (
	"errors"
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// table is what comes to a transformer: rows of a shape, and which of the model's own columns they have.
type table struct {
	tabular.Shape
	// origins are the columns' places among the model's own, −1 for one that a transformer made. nil stands for all −1.
	origins []int
	// flat says that there is one column, and that it comes as it is, not as a table of one: it is what the transformers of
	// texts take.
	flat bool
	// sparse says that scikit-learn holds the rows so that zeros are left out, whatever their form is here: some of its
	// transformers then do other things.
	sparse bool
}

// made is what a transformer makes of a table: the rows of the Transform; origins as a table has them. A nil Transform
// passes the rows on. Where scikit-learn holds Sparse rows full of zeros, or others without, dense or sparse says it.
type made struct {
	tabular.Transform
	origins       []int
	dense, sparse bool
}

// origin is a column's place among the model's own, −1 for one that is none of them.
func (t table) origin(column int) int {
	if column < len(t.origins) {
		return t.origins[column]
	}
	return -1
}

// choose is the table of some of the columns; of all for nil.
func (t table) choose(columns []int) table {
	if columns == nil {
		return t
	}
	chosen := table{Shape: tabular.Shape{Form: t.Form, Columns: len(columns)}, origins: make([]int, len(columns)), sparse: t.sparse}
	for i, column := range columns {
		chosen.origins[i] = t.origin(column)
	}
	return chosen
}

// after is the table that a transformer makes of this one.
func (t table) after(m made) table {
	if m.Transform == nil {
		return t
	}
	_, shape := m.Shapes()
	return table{Shape: shape, origins: m.origins, sparse: m.sparse || (shape.Form == tabular.Sparse && !m.dense)}
}

// errCells ends a reading that took all columns for numbers: there is one that is not. The artifact is read again.
var errCells = errors.New("the model takes cells")

// cells is to be called by the reader of a transformer before it takes a column of the table for other than a number. The
// error is to be passed on.
func (r *reader) cells(from step, in table, column int) error {
	switch {
	case in.Form == tabular.Mixed:
		return nil
	case r.form == tabular.Dense && in.origin(column) >= 0:
		return errCells
	default:
		return broken(from.path, "was fitted on text in column %d, and numbers come in", column)
	}
}

// mark notes what one of the model's own columns is, as found by a transformer that takes it. A column that is taken in
// two ways is an error.
func (r *reader) mark(from step, in table, column int, kind tabular.Kind, missing bool) error {
	origin := in.origin(column)
	if origin < 0 {
		return nil
	}
	own := &r.columns[origin]
	if !own.Ignored && own.Kind != kind {
		return unsupported(from.path, "takes column %s for a %s, and another takes it for a %s",
			r.columnName(origin), kind, own.Kind)
	}
	own.Kind, own.Ignored = kind, false
	own.Missing = own.Missing || missing
	return nil
}

// numbers marks all columns as numbers.
func (r *reader) numbers(from step, in table, missing bool) error {
	for column := range in.Columns {
		if err := r.mark(from, in, column, tabular.Number, missing); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) columnName(column int) string {
	if name := r.columns[column].Name; name != "" {
		return fmt.Sprintf("%.64q", name)
	}
	return fmt.Sprintf("%d", column)
}

// dense is what makes numbers of a table of another form; nil for one that is Dense already.
func (r *reader) dense(from step, in table) (tabular.Transform, error) {
	if in.Form == tabular.Dense {
		return nil, r.numbers(from, in, false)
	}
	if err := r.spend(from.path, in.Columns); err != nil {
		return nil, err
	}
	return tabular.ToDense(in.Shape, in.origins), r.numbers(from, in, false)
}

// numeric makes a transform of a stage of numbers.
func (r *reader) numeric(from step, in table, stage tabular.Stage) (tabular.Transform, error) {
	taken, made := stage.Width()
	if taken != in.Columns {
		return nil, broken(from.path, "takes %d columns, and %d come in", taken, in.Columns)
	}
	transform := tabular.Numeric(stage, in.Form, in.origins)
	if in.Form != tabular.Dense {
		if err := r.spend(from.path, taken); err != nil {
			return nil, err
		}
	}
	if err := r.numbers(from, in, false); err != nil {
		return nil, err
	}
	return transform, r.spend(from.path, made+1)
}

// own makes the model's columns, for rows that come to the first of two estimators, or to the second if the first does not
// say how many. Until something takes a column it is ignored.
func (r *reader) own(first, second step) (table, error) {
	columns, names := r.columnsOf(first.object)
	if columns == 0 {
		columns, names = r.columnsOf(second.object)
	}
	in := table{Shape: tabular.Shape{Form: r.form, Columns: max(columns, 1)}}
	if columns == 0 {
		// Of anything else without columns reading says that it was not fitted.
		in.flat = r.takesFlat(first.object)
	}
	if err := r.spend(first.path, in.Columns); err != nil {
		return in, err
	}
	r.columns = make([]tabular.Column, in.Columns)
	in.origins = make([]int, in.Columns)
	for i := range r.columns {
		in.origins[i] = i
		r.columns[i].Ignored = true
		if len(names) == in.Columns {
			r.columns[i].Name = names[i]
		}
	}
	return in, nil
}
