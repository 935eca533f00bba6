package op

import (
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// Einsum is Einstein's summation over one or two tensors of numbers: "bij,bjk->bik". A letter of the Equation names a
// dimension; elements of the same letters are multiplied, and what the result does not name is added up. "..." stands for
// dimensions that are broadcast. Without "->", the result has the letters that are there once, in the alphabet's order.
type Einsum struct{ Equation string }

// Name implements graph.Op.
func (Einsum) Name() string { return "Einsum" }

// Run implements graph.Op.
func (o Einsum) Run(f *graph.Frame, in, out []*tensor.Tensor) error {
	if err := check(in, out, 1, 2); err != nil {
		return err
	}
	if len(in) == 2 {
		if err := check(in, out, 2, 2); err != nil {
			return err
		}
		if err := sameType(in[0], in[1]); err != nil {
			return err
		}
	}
	var s summation
	if err := s.read(o.Equation, in); err != nil {
		return err
	}
	if err := f.Resize(out[0], in[0].DType(), s.shape[:s.rank]...); err != nil {
		return err
	}
	switch in[0].DType() {
	case tensor.Float32:
		return einsum[float32, float64](f, &s, out[0], in)
	case tensor.Float64:
		return einsum[float64, float64](f, &s, out[0], in)
	case tensor.Int32:
		return einsum[int32, int32](f, &s, out[0], in)
	case tensor.Int64:
		return einsum[int64, int64](f, &s, out[0], in)
	default:
		return typeError("numbers", in[0])
	}
}

// labels is how many different dimensions an equation may have: those of two tensors, and those of the result that are
// broadcast.
const labels = 3 * tensor.MaxRank

// dots are the labels of what "..." stands for, counted from the last dimension.
const dots = 128

// summation is an equation for tensors of certain shapes.
type summation struct {
	shape dims
	rank  int
	// Of each label: what it is, its size, and how far apart its elements are in each operand. The first are the result's.
	labels int
	label  [labels]uint8
	size   [labels]int
	step   [2][labels]int
	// ellipsis is how many dimensions "..." stands for.
	ellipsis int
}

// find returns the place of a label, which is added if it is new.
func (s *summation) find(label uint8) int {
	for i := range s.labels {
		if s.label[i] == label {
			return i
		}
	}
	s.label[s.labels], s.size[s.labels] = label, 1
	s.labels++
	return s.labels - 1
}

// read finds the loops of an equation.
func (s *summation) read(equation string, in []*tensor.Tensor) error {
	var terms [3]term
	explicit, err := parseEquation(equation, len(in), &terms)
	if err != nil {
		return err
	}
	for k, t := range in {
		named := terms[k].len
		if terms[k].ellipsis >= 0 {
			s.ellipsis = max(s.ellipsis, t.Rank()-named)
		}
		if t.Rank() < named || t.Rank() > named && terms[k].ellipsis < 0 {
			return fmt.Errorf("the equation %q does not fit %v", equation, t)
		}
	}
	result := &terms[2]
	if !explicit {
		result.infer(&terms, len(in))
	}
	if result.ellipsis < 0 {
		s.ellipsis = min(s.ellipsis, 0)
	}
	if err := s.result(result, equation); err != nil {
		return err
	}
	for k, t := range in {
		if err := s.operand(k, &terms[k], t); err != nil {
			return err
		}
	}
	for i := range s.rank {
		s.shape[i] = s.size[i]
	}
	for i := range result.len {
		if !terms[0].has(result.letters[i]) && (len(in) < 2 || !terms[1].has(result.letters[i])) {
			return fmt.Errorf("the equation %q has a result that no input has", equation)
		}
	}
	return nil
}

// result adds the labels of the result.
func (s *summation) result(t *term, equation string) error {
	if t.len+s.ellipsis > tensor.MaxRank {
		return fmt.Errorf("the result of %q has more than %d dimensions", equation, tensor.MaxRank)
	}
	for i := 0; i <= t.len; i++ {
		if i == t.ellipsis {
			for e := s.ellipsis - 1; e >= 0; e-- {
				s.find(uint8(dots + e))
			}
		}
		if i < t.len {
			s.find(t.letters[i])
		}
	}
	if s.rank = s.labels; s.rank != t.len+s.ellipsis {
		return fmt.Errorf("the result of %q names a dimension twice", equation)
	}
	return nil
}

// operand adds what an operand has of each label.
func (s *summation) operand(k int, t *term, x *tensor.Tensor) error {
	apart := strides(x.Shape())
	extra := x.Rank() - t.len
	for d, size := range x.Shape() {
		var label uint8
		switch {
		case t.ellipsis < 0 || d < t.ellipsis:
			label = t.letters[d]
		case d < t.ellipsis+extra:
			label = uint8(dots + t.ellipsis + extra - 1 - d)
		default:
			label = t.letters[d-extra]
		}
		i := s.find(label)
		if size == 1 {
			continue
		}
		if s.size[i] != 1 && s.size[i] != size {
			return fmt.Errorf("one dimension is of %d and of %d elements", s.size[i], size)
		}
		s.size[i] = size
		s.step[k][i] += apart[d]
	}
	return nil
}

// term is the letters of a tensor, and before which of them "..." is, or -1.
type term struct {
	letters  [tensor.MaxRank]uint8
	len      int
	ellipsis int
}

func (t *term) has(letter uint8) bool {
	for i := range t.len {
		if t.letters[i] == letter {
			return true
		}
	}
	return false
}

// infer makes the result of an equation that has none: what is there once.
func (t *term) infer(terms *[3]term, inputs int) {
	t.len, t.ellipsis = 0, -1
	for letter := uint8('A'); letter <= 'z'; letter++ {
		n := 0
		for k := range inputs {
			for i := range terms[k].len {
				n += bit(terms[k].letters[i] == letter)
			}
		}
		if n == 1 && t.len < len(t.letters) {
			t.letters[t.len] = letter
			t.len++
		}
	}
	for k := range inputs {
		if terms[k].ellipsis >= 0 {
			t.ellipsis = 0
		}
	}
}

// parseEquation reads the terms, and says whether the result was one of them: it is the third.
func parseEquation(equation string, inputs int, terms *[3]term) (explicit bool, err error) {
	for k := range terms {
		terms[k].ellipsis = -1
	}
	at := 0
	for i := 0; i < len(equation); i++ {
		t := &terms[at]
		switch c := equation[i]; {
		case c == ' ':
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			if t.len == len(t.letters) {
				return false, fmt.Errorf("the equation %q names more than %d dimensions", equation, tensor.MaxRank)
			}
			t.letters[t.len] = c
			t.len++
		case c == ',' && !explicit && at+1 < inputs:
			at++
		case c == '.' && t.ellipsis < 0 && i+2 < len(equation) && equation[i:i+3] == "...":
			t.ellipsis = t.len
			i += 2
		case c == '-' && !explicit && at+1 == inputs && i+1 < len(equation) && equation[i+1] == '>':
			explicit = true
			at = 2
			i++
		default:
			return false, fmt.Errorf("cannot read the equation %.100q for %d inputs", equation, inputs)
		}
	}
	if !explicit && at+1 != inputs {
		return false, fmt.Errorf("the equation %.100q is not one for %d inputs", equation, inputs)
	}
	return explicit, nil
}

// einsum adds up, as type A, the products for each place of the result.
func einsum[T, A number](f *graph.Frame, s *summation, out *tensor.Tensor, in []*tensor.Tensor) error {
	y := tensor.Data[T](out)
	a := tensor.Data[T](in[0])
	var b []T
	if len(in) == 2 {
		b = tensor.Data[T](in[1])
	}
	terms := 1
	for i := s.rank; i < s.labels; i++ {
		if s.size[i] == 0 {
			clear(y)
			return nil
		}
		if terms > (1<<50)/s.size[i] {
			return fmt.Errorf("adds up too many products")
		}
		terms *= s.size[i]
	}
	// The last dimension that is added up is a loop of its own.
	last, inner, stepA, stepB := s.labels, 1, 0, 0
	if s.labels > s.rank {
		last--
		inner, stepA, stepB = s.size[last], s.step[0][last], s.step[1][last]
	}
	var count [labels]int
	p, q := 0, 0
	for i := range y {
		if i%rowsAtOnce(terms, 1) == 0 && f.Err() != nil {
			return f.Err()
		}
		total := A(0)
		for range terms / inner {
			if b == nil {
				for k := range inner {
					total += A(a[p+k*stepA])
				}
			} else {
				for k := range inner {
					total += A(a[p+k*stepA]) * A(b[q+k*stepB])
				}
			}
			s.advance(&count, s.rank, last, &p, &q)
		}
		y[i] = T(total)
		s.advance(&count, 0, s.rank, &p, &q)
	}
	return nil
}

// advance counts on in some of the loops, the last first.
func (s *summation) advance(count *[labels]int, from, to int, p, q *int) {
	for i := to - 1; i >= from; i-- {
		*p += s.step[0][i]
		*q += s.step[1][i]
		if count[i]++; count[i] < s.size[i] {
			return
		}
		*p -= s.step[0][i] * s.size[i]
		*q -= s.step[1][i] * s.size[i]
		count[i] = 0
	}
}
