package tabular

import "math"

// Weights is what text counts are multiplied by, and divided by after that: term frequency times inverse document
// frequency, in a row of a certain length. It is a Transform of Sparse rows, and a part of Terms.
type Weights struct {
	Columns int
	// Sublinear takes the logarithm of a count, plus one.
	Sublinear bool
	// Factors has one for each column; nil for none.
	Factors []float64
	// Normed says that the row is divided by its Norm, unless that is zero.
	Normed bool
	Norm   Norm
}

// Shapes implements Transform.
func (w *Weights) Shapes() (in, out Shape) { return Shape{Sparse, w.Columns}, Shape{Sparse, w.Columns} }

// Apply implements Transform.
func (w *Weights) Apply(dst, src *Row, _ *Scratch) error {
	dst.Form = Sparse
	dst.Index = append(dst.Index[:0], src.Index...)
	dst.Numbers = append(dst.Numbers[:0], src.Numbers...)
	return w.weigh(dst.Numbers, dst.Index)
}

// weigh weighs numbers, of the columns that index has, in their place.
func (w *Weights) weigh(numbers []float64, index []int32) error {
	if !finite(numbers) {
		return ErrRange
	}
	if w.Sublinear {
		for i, number := range numbers {
			numbers[i] = math.Log(number) + 1
		}
	}
	if w.Factors != nil {
		for i, column := range index {
			numbers[i] *= w.Factors[column]
		}
	}
	if !w.Normed {
		return nil
	}
	if norm := w.Norm.of(numbers); norm != 0 {
		for i, number := range numbers {
			numbers[i] = number / norm
		}
	}
	return nil
}

// Sparsify makes a Sparse row of a Dense one of so many columns: what is not zero.
type Sparsify struct{ Columns int }

// Shapes implements Transform.
func (s *Sparsify) Shapes() (in, out Shape) { return Shape{Dense, s.Columns}, Shape{Sparse, s.Columns} }

// Apply implements Transform.
func (s *Sparsify) Apply(dst, src *Row, _ *Scratch) error {
	dst.Clear(Sparse)
	for column, number := range src.Numbers {
		if number != 0 {
			dst.Put(column, number)
		}
	}
	return nil
}
