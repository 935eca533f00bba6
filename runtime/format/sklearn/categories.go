package sklearn

import (
	"fmt"
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// encoder is what OneHotEncoder, OrdinalEncoder and TargetEncoder have in common, while one is being read.
type encoder struct {
	*reader
	fitted
	from      step
	in        table
	encodings []tabular.Encoding
	// unknown is handle_unknown.
	unknown string
}

// encoder reads categories_, and says of each column what it is.
func (r *reader) encoder(from step, in table) (*encoder, error) {
	attributes, err := from.attributes("categories_", in.Columns)
	if err != nil {
		return nil, err
	}
	e := &encoder{reader: r, from: from, fitted: attributes, in: in, unknown: attributes.text("handle_unknown")}
	path := from.path + ".categories_"
	node, _ := attributes.Get("categories_")
	list, ok := node.(*pickle.List)
	if !ok || len(list.Items) != in.Columns {
		return nil, broken(path, "is not a list of the categories of %d columns", in.Columns)
	}
	for column, item := range list.Items {
		itemPath := fmt.Sprintf("%s[%d]", path, column)
		array, ok := item.(*pickle.Array)
		if !ok || len(array.Shape) != 1 {
			return nil, broken(itemPath, "is not an array of categories")
		}
		categories, err := r.categories(array, itemPath)
		if err != nil {
			return nil, err
		}
		e.encodings = append(e.encodings, tabular.Encoding{
			Categories: categories, Origin: in.origin(column), Refuses: e.refuses(),
		})
	}
	return e, nil
}

// refuses says that a category that was not there in training cannot be predicted with.
func (e *encoder) refuses() bool { return e.unknown == "error" }

// markAll says of each column what it is: text, if a category is.
func (e *encoder) markAll() error {
	for column, encoding := range e.encodings {
		kind := tabular.Number
		if encoding.HasText() {
			kind = tabular.Text
			if err := e.cells(e.from, e.in, column); err != nil {
				return err
			}
		}
		missing := !encoding.RefusesNaN && (encoding.HasMissing() || !encoding.Refuses)
		if err := e.mark(e.from, e.in, column, kind, missing); err != nil {
			return err
		}
	}
	return nil
}

// form is that of the rows that the encoder takes, and before what makes it of the table's: Sparse rows are none.
func (e *encoder) form() (form tabular.Form, before tabular.Transform, err error) {
	if e.in.Form != tabular.Sparse {
		return e.in.Form, nil, nil
	}
	before, err = e.dense(e.from, e.in)
	return tabular.Dense, before, err
}

// categories reads a column's.
func (r *reader) categories(array *pickle.Array, path string) (*tabular.Categories, error) {
	const words = 8 // what a category takes, in numbers
	if array.Len() == 0 || array.Len() > math.MaxInt32 {
		return nil, broken(path, "has %d categories", array.Len())
	}
	if err := r.spend(path, words*array.Len()); err != nil {
		return nil, err
	}
	cells, err := cellsOf(array)
	if err != nil {
		return nil, unsupported(path, "%v; supported are strings, numbers, bools, None and NaN", err)
	}
	categories := tabular.NewCategories(len(cells))
	for i, cell := range cells {
		const exact = 1 << 53
		if cell.Kind == tabular.Number && array.DType.Code != 'f' && math.Abs(cell.Num) >= exact {
			return nil, unsupported(path, "has an integer at %d that is too large to be told from its neighbours; use strings", i)
		}
		if !categories.Add(cell) {
			return nil, broken(path, "has %d twice", i)
		}
	}
	return categories, nil
}

// cellsOf are an array's elements.
func cellsOf(array *pickle.Array) ([]tabular.Cell, error) {
	cells := make([]tabular.Cell, array.Len())
	switch array.DType.Code {
	case 'O':
		for i, object := range array.Objects {
			cell, ok := cellOf(object)
			if !ok {
				return nil, fmt.Errorf("has %s at %d", article(object), i)
			}
			cells[i] = cell
		}
		return cells, nil
	case 'U':
		texts, err := array.Strings()
		if err != nil {
			return nil, err
		}
		for i, text := range texts {
			cells[i] = tabular.Cell{Kind: tabular.Text, Str: text}
		}
		return cells, nil
	}
	numbers, err := array.Float64s()
	if err != nil {
		return nil, err
	}
	for i, number := range numbers {
		cells[i].Num = number
	}
	return cells, nil
}

// cellOf is a value that a table's column may have.
func cellOf(node pickle.Node) (tabular.Cell, bool) {
	switch node := node.(type) {
	case pickle.Str:
		return tabular.Cell{Kind: tabular.Text, Str: string(node)}, true
	case pickle.None:
		return tabular.Cell{Kind: tabular.None}, true
	default:
		number, ok := numberOf(node)
		return tabular.Cell{Num: number}, ok
	}
}

// grouping is how a column's categories are grouped: each one's group, and how many groups there are. The rare ones are one
// group together, the last.
type grouping struct {
	groups []int
	count  int
	// rare is the group of the rare ones, −1 if there is none.
	rare int
}

// grouping reads a column's, of which an attribute has an array, or None, for each column. Of an encoder without rare
// categories each is a group of its own.
func (e *encoder) grouping(column int) (grouping, error) {
	count := e.encodings[column].Len()
	single := grouping{groups: make([]int, count), count: count, rare: -1}
	for i := range single.groups {
		single.groups[i] = i
	}
	const name = "_default_to_infrequent_mappings"
	node, ok := e.Get(name)
	if enabled, _ := e.Get("_infrequent_enabled"); !ok || enabled != pickle.Bool(true) {
		return single, nil
	}
	path := fmt.Sprintf("%s.%s[%d]", e.path, name, column)
	list, ok := node.(*pickle.List)
	if !ok || len(list.Items) != len(e.encodings) {
		return single, broken(path, "is missing")
	}
	array, ok := list.Items[column].(*pickle.Array)
	if !ok {
		return single, nil
	}
	mapped, err := array.Float64s()
	if err != nil || (len(mapped) != count && len(mapped) != count-1) {
		return single, broken(path, "is not a group for each of %d categories", count)
	}
	grouped := grouping{groups: single.groups}
	for i, group := range mapped {
		if !(group >= 0 && group < float64(count)) {
			return single, broken(path, "has %v at %d", group, i)
		}
		grouped.groups[i] = int(group)
		grouped.count = max(grouped.count, int(group)+1)
	}
	grouped.rare = grouped.count - 1
	return grouped, nil
}
