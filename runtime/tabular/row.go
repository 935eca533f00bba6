package tabular

import (
	"errors"
	"fmt"
	"math"
	"sort"
)

// Kind is the type of a Cell.
type Kind uint8

// The kinds of cells. The zero value is a number.
const (
	// Number is Num, of which NaN stands for a missing one. Booleans are 0 and 1.
	Number Kind = iota
	// Text is Str.
	Text
	// None is a missing value of either type: Python's None, JSON's null.
	None
	// Texts are Many's texts, in any number: what scikit-learn calls an iterable of strings.
	Texts
	// Fields are Many's texts as names, each with a cell: what scikit-learn calls a dict, or an iterable of pairs. The cells
	// are of the kinds above.
	Fields
)

// String names the kind as error messages do ("must be a string").
func (k Kind) String() string {
	switch k {
	case Number:
		return "number"
	case Text:
		return "string"
	case None:
		return "null"
	case Texts:
		return "list of strings"
	case Fields:
		return "object"
	default:
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
}

// Cell is a value in a row whose columns are of several types.
type Cell struct {
	Kind Kind
	Num  float64
	Str  string
	Many *Many
}

// Many is what a cell of many values holds.
type Many struct {
	Texts []string
	// Cells are as long as Texts where the cell's kind is Fields.
	Cells []Cell
}

// IsMissing says that a cell has no value.
func (c *Cell) IsMissing() bool { return c.Kind == None || (c.Kind == Number && math.IsNaN(c.Num)) }

// number is a cell's, NaN where it has no value.
func (c *Cell) number() (float64, bool) {
	switch c.Kind {
	case Number:
		return c.Num, true
	case None:
		return math.NaN(), true
	default:
		return 0, false
	}
}

// Form is how a row holds its columns.
type Form uint8

// The forms.
const (
	// Dense is a number for every column, in Numbers.
	Dense Form = iota
	// Sparse is only columns that need not be zero: their places in Index, which ascends, and has none twice, and their
	// numbers in Numbers.
	Sparse
	// Mixed is a cell for every column, in Cells.
	Mixed
)

// Shape is the form of a row, and how many columns it has.
type Shape struct {
	Form    Form
	Columns int
}

// Row is a row on its way through a model. Its slices keep their capacity from prediction to prediction.
type Row struct {
	Form    Form
	Numbers []float64
	Index   []int32
	Cells   []Cell
	// sorting is what Settle sorts.
	sorting columnsAndNumbers
}

// dense makes the row one of so many numbers, which are to be set.
func (r *Row) dense(columns int) []float64 {
	r.Form = Dense
	if cap(r.Numbers) < columns {
		r.Numbers = make([]float64, columns)
	}
	r.Numbers = r.Numbers[:columns]
	return r.Numbers
}

// Clear makes the row one of that form without anything in it, to be appended to.
func (r *Row) Clear(form Form) {
	r.Form = form
	r.Numbers, r.Index, r.Cells = r.Numbers[:0], r.Index[:0], r.Cells[:0]
}

// Put appends a column to a Sparse row. Columns must ascend; see Settle for those that do not.
func (r *Row) Put(column int, number float64) {
	r.Index = append(r.Index, int32(column))
	r.Numbers = append(r.Numbers, number)
}

// Settle puts the columns of a Sparse row in order from that place on, and adds up those that are there more than once, in
// the order in which they were put.
func (r *Row) Settle(from int) {
	places := &r.sorting
	*places = columnsAndNumbers{r.Index[from:], r.Numbers[from:]}
	if len(places.index) < 2 {
		return
	}
	if !sort.IsSorted(places) {
		sort.Stable(places)
	}
	last := 0
	for i := 1; i < len(places.index); i++ {
		if places.index[i] == places.index[last] {
			places.numbers[last] += places.numbers[i]
			continue
		}
		last++
		places.index[last], places.numbers[last] = places.index[i], places.numbers[i]
	}
	r.Index, r.Numbers = r.Index[:from+last+1], r.Numbers[:from+last+1]
}

type columnsAndNumbers struct {
	index   []int32
	numbers []float64
}

func (c *columnsAndNumbers) Len() int           { return len(c.index) }
func (c *columnsAndNumbers) Less(i, j int) bool { return c.index[i] < c.index[j] }
func (c *columnsAndNumbers) Swap(i, j int) {
	c.index[i], c.index[j] = c.index[j], c.index[i]
	c.numbers[i], c.numbers[j] = c.numbers[j], c.numbers[i]
}

// Scratch is what a prediction works in. It is pooled, and used by one prediction at a time.
type Scratch struct {
	numbers []float64
	rows    []*Row
	used    int
	score   [1]float64
}

// Row lends a row until the Transform returns that asked for it.
func (s *Scratch) Row() *Row {
	if s.used == len(s.rows) {
		s.rows = append(s.rows, &Row{})
	}
	row := s.rows[s.used]
	s.used++
	return row
}

// Numbers lends so many numbers until the next call.
func (s *Scratch) Numbers(n int) []float64 {
	if cap(s.numbers) < n {
		s.numbers = make([]float64, n)
	}
	return s.numbers[:n]
}

// ErrRange says that a row has a number that a stage is not defined for, or makes one.
var ErrRange = errors.New("a number is out of range")

// CellError says that a row's cell cannot be predicted with.
type CellError struct {
	// Column is the model's own, −1 where it is not known.
	Column int
	// Message completes the sentence that the column's name begins: "must be a number".
	Message string
}

func (e *CellError) Error() string { return fmt.Sprintf("column %d: %s", e.Column, e.Message) }

// Refuse makes the error of a stage whose column is the model's own of origins, if that is known.
func Refuse(origins []int, column int, format string, args ...any) error {
	origin := -1
	if column < len(origins) {
		origin = origins[column]
	}
	return &CellError{Column: origin, Message: fmt.Sprintf(format, args...)}
}

// shown writes a cell into a message.
func (c *Cell) shown() string {
	switch c.Kind {
	case Number:
		return fmt.Sprint(c.Num)
	case Text:
		return fmt.Sprintf("%.64q", c.Str)
	case None:
		return "missing"
	default:
		return "a " + c.Kind.String()
	}
}
