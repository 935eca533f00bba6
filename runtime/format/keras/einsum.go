package keras

import (
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
)

// einsumShape is the shape of an einsum's result. The equation names all dimensions, and the result's.
func einsumShape(equation string, in []value) ([]int, error) {
	equation = strings.ReplaceAll(equation, " ", "")
	left, right, ok := strings.Cut(equation, "->")
	terms := strings.Split(left, ",")
	if !ok || strings.Contains(equation, ".") || len(terms) != len(in) {
		return nil, fault(Unsupported, "the equation %s is not supported; supported are letters for all dimensions, and ->",
			quoted(equation))
	}
	sizes := map[rune]int{}
	for i, term := range terms {
		if len(term) != in[i].rank() {
			return nil, fault(Malformed, "the equation %s names %d of %d dimensions", quoted(equation), len(term), in[i].rank())
		}
		for d, letter := range term {
			if size := in[i].shape[d]; size != graph.Any || sizes[letter] == 0 {
				sizes[letter] = size
			}
		}
	}
	shape := []int{}
	for _, letter := range right {
		size, ok := sizes[letter]
		if !ok {
			return nil, fault(Malformed, "the equation %s has no %s on its left side", quoted(equation), quoted(string(letter)))
		}
		shape = append(shape, size)
	}
	return shape, nil
}
