package tabular

// Polynomial makes the products of a row's columns of every degree from 1 to Degree, in the order of the degree, and
// within one in the order of the columns. A product of degree d is one of degree d−1 times one more column, which is also
// how it rounds.
type Polynomial struct {
	columns int
	// highest is the degree, and crosses says that no term has a power.
	highest int
	crosses bool
	// bias puts a 1 first.
	bias bool
	// products are the terms of degree 2 and higher: column Factor times term Of, both counted from the row's first.
	products []product
	// skipped is how many terms of the lower degrees are made, and not passed on.
	skipped int
}

type product struct{ of, factor int32 }

// NewPolynomial makes the terms of degree lowest to highest. crosses leaves the powers of a single column out. It returns
// nil if there would be more than limit terms, or none.
func NewPolynomial(columns, lowest, highest int, crosses, bias bool, limit int) *Polynomial {
	if columns < 1 || highest < 1 || columns > limit {
		return nil
	}
	p := &Polynomial{columns: columns, highest: highest, crosses: crosses, bias: bias}
	if lowest > 1 {
		p.skipped = columns
	}
	// starts[i] is where the terms of the last degree begin whose first column is i.
	starts := make([]int, columns+1)
	for i := range starts {
		starts[i] = i
	}
	terms := columns
	for degree := 2; degree <= highest; degree++ {
		end, next := starts[columns], make([]int, columns+1)
		for column := range columns {
			start := starts[column]
			if crosses {
				start = starts[column+1]
			}
			next[column] = terms
			if end-start > limit-terms {
				return nil
			}
			for of := start; of < end; of++ {
				p.products = append(p.products, product{int32(of), int32(column)})
			}
			terms += end - start
		}
		next[columns] = terms
		starts = next
		if degree < lowest {
			p.skipped = terms
		}
		if starts[0] == terms {
			break
		}
	}
	if _, out := p.Width(); out == 0 {
		return nil
	}
	return p
}

// Width implements Stage.
func (p *Polynomial) Width() (in, out int) {
	out = p.columns + len(p.products) - p.skipped
	if p.bias {
		out++
	}
	return p.columns, out
}

// Scratch implements Stage.
func (p *Polynomial) Scratch() int { return p.columns + len(p.products) }

// Apply implements Stage.
func (p *Polynomial) Apply(dst, src, scratch []float64) bool {
	if !finite(src) {
		return false
	}
	terms := scratch[:p.columns+len(p.products)]
	copy(terms, src)
	for i, product := range p.products {
		terms[p.columns+i] = terms[product.of] * src[product.factor]
	}
	if p.bias {
		dst[0] = 1
		dst = dst[1:]
	}
	copy(dst, terms[p.skipped:])
	return true
}

// OfSparse implements SparseStage: terms up to degree 2 are made of the columns that are there alone.
func (p *Polynomial) OfSparse() Transform {
	if p.highest > 2 {
		return nil
	}
	return &sparsePolynomial{p}
}

// sparsePolynomial makes the terms of a Sparse row, of degree 2 at most.
type sparsePolynomial struct{ *Polynomial }

// Shapes implements Transform.
func (p *sparsePolynomial) Shapes() (in, out Shape) {
	taken, made := p.Width()
	return Shape{Sparse, taken}, Shape{Sparse, made}
}

// Apply implements Transform.
func (p *sparsePolynomial) Apply(dst, src *Row, _ *Scratch) error {
	if !finite(src.Numbers) {
		return ErrRange
	}
	dst.Clear(Sparse)
	first := 0
	if p.bias {
		dst.Put(0, 1)
		first = 1
	}
	if p.skipped == 0 {
		for i, column := range src.Index {
			dst.Put(first+int(column), src.Numbers[i])
		}
	}
	if p.highest == 1 {
		return nil
	}
	first += p.columns - p.skipped
	for i, left := range src.Index {
		for j := i; j < len(src.Index); j++ {
			if p.crosses && j == i {
				continue
			}
			dst.Put(first+p.place(int(left), int(src.Index[j])), src.Numbers[j]*src.Numbers[i])
		}
	}
	return nil
}

// place is a product's among those of degree 2, which are ordered by their first column, and then by their second.
func (p *Polynomial) place(left, right int) int {
	if p.crosses {
		return left*(p.columns-1) - left*(left-1)/2 + right - left - 1
	}
	return left*p.columns - left*(left-1)/2 + right - left
}
