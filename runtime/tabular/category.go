package tabular

import "math"

// Categories are the values of a column that were there in training, each with a code: its place among them. Add all, and
// then only look up.
type Categories struct {
	texts   map[string]int32
	numbers map[float64]int32
	// none and nan are the codes of None and NaN, −1 for one that is no category.
	none, nan int32
	count     int32
}

// NewCategories makes an empty set, with place for so many.
func NewCategories(size int) *Categories {
	return &Categories{texts: make(map[string]int32, size), none: -1, nan: -1}
}

// Add gives a value the next code. It returns false for one that has a code already.
func (c *Categories) Add(value Cell) bool {
	code := c.count
	c.count++
	switch {
	case value.Kind == Text:
		return put(c.texts, value.Str, code)
	case value.Kind == None:
		known := c.none >= 0
		c.none = code
		return !known
	case math.IsNaN(value.Num):
		known := c.nan >= 0
		c.nan = code
		return !known
	default:
		if c.numbers == nil {
			c.numbers = map[float64]int32{}
		}
		return put(c.numbers, value.Num, code)
	}
}

// put sets a key's code, and says that it had none.
func put[K comparable](codes map[K]int32, key K, code int32) bool {
	_, known := codes[key]
	codes[key] = code
	return !known
}

// Len is how many there are.
func (c *Categories) Len() int { return int(c.count) }

// HasText says that a text is among them, HasMissing that None or NaN is.
func (c *Categories) HasText() bool { return len(c.texts) > 0 }

// HasMissing says that None or NaN is among them.
func (c *Categories) HasMissing() bool { return c.none >= 0 || c.nan >= 0 }

// Code is a value's, −1 for one that is not known. A value that is missing has that of None or NaN, whichever was there in
// training; its own, where both were.
func (c *Categories) Code(value *Cell) int32 {
	switch value.Kind {
	case Text:
		if code, ok := c.texts[value.Str]; ok {
			return code
		}
		return -1
	case None:
		if c.none >= 0 {
			return c.none
		}
		return c.nan
	case Number:
		return c.number(value.Num)
	default:
		return -1
	}
}

func (c *Categories) number(value float64) int32 {
	if math.IsNaN(value) {
		if c.nan >= 0 {
			return c.nan
		}
		return c.none
	}
	if code, ok := c.numbers[value]; ok {
		return code
	}
	return -1
}

// Encoding is what an encoder does with a column.
type Encoding struct {
	*Categories
	// Origin is the column's place among the model's own, −1 if it is none of them.
	Origin int
	// Refuses says that a value that is not known cannot be predicted with; RefusesNaN that NaN cannot, known or not.
	Refuses, RefusesNaN bool
}

// outOfRange says that a cell is a number that no encoder takes. In a column of numbers None is NaN.
func (e *Encoding) outOfRange(cell *Cell) bool {
	if cell.Kind == Number && math.IsInf(cell.Num, 0) {
		return true
	}
	return e.RefusesNaN && cell.IsMissing() && (cell.Kind == Number || !e.HasText())
}

// codes looks up a row's values, of a Mixed or Dense row, and gives them to use, column by column.
func codes(encodings []Encoding, src *Row, use func(column int, code int32)) error {
	for i := range encodings {
		encoding, cell := &encodings[i], Cell{}
		if src.Form == Mixed {
			cell = src.Cells[i]
		} else {
			cell.Num = src.Numbers[i]
		}
		if encoding.outOfRange(&cell) {
			return Refuse([]int{encoding.Origin}, 0, "is %s, which is out of the model's range", cell.shown())
		}
		code := encoding.Code(&cell)
		if code < 0 && encoding.Refuses {
			return Refuse([]int{encoding.Origin}, 0, "is %s, which was not there in training", cell.shown())
		}
		use(i, code)
	}
	return nil
}

// OneHot makes a column of 0 and 1 for categories, 1 for the one that is there.
type OneHot struct {
	Form      Form
	Encodings []Encoding
	// Places are, for each column and each of its codes, the column that is 1; −1 for none.
	Places [][]int32
	// Unknown is, for each column, which one is 1 for a value that is not known; −1 for none.
	Unknown []int32
	// Columns is how many are made.
	Columns int
}

// Shapes implements Transform.
func (o *OneHot) Shapes() (in, out Shape) {
	return Shape{o.Form, len(o.Encodings)}, Shape{Sparse, o.Columns}
}

// Apply implements Transform.
func (o *OneHot) Apply(dst, src *Row, _ *Scratch) error {
	dst.Clear(Sparse)
	return codes(o.Encodings, src, func(column int, code int32) {
		place := o.Unknown[column]
		if code >= 0 {
			place = o.Places[column][code]
		}
		if place >= 0 {
			dst.Put(int(place), 1)
		}
	})
}

// Recode makes numbers of categories: some for each column.
type Recode struct {
	Form      Form
	Encodings []Encoding
	// Width is how many numbers a column becomes.
	Width int
	// Numbers are, for each column, those of each of its codes, one code's next to each other.
	Numbers [][]float64
	// Unknown are, for each column, the numbers of a value that is not known.
	Unknown [][]float64
}

// Shapes implements Transform.
func (r *Recode) Shapes() (in, out Shape) {
	return Shape{r.Form, len(r.Encodings)}, Shape{Dense, r.Width * len(r.Encodings)}
}

// Apply implements Transform.
func (r *Recode) Apply(dst, src *Row, _ *Scratch) error {
	made := dst.dense(r.Width * len(r.Encodings))
	return codes(r.Encodings, src, func(column int, code int32) {
		numbers := r.Unknown[column]
		if code >= 0 {
			numbers = r.Numbers[column][int(code)*r.Width:][:r.Width]
		}
		copy(made[column*r.Width:], numbers)
	})
}
