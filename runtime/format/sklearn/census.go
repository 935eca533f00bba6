package sklearn

import (
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
)

// Census is what an artifact consists of, for people.
type Census struct {
	// Classes are scikit-learn's that take part in a prediction, with how many objects there are of each.
	Classes map[string]int
	// Parameters are the numbers that fitting has left behind, and Bytes what those and the texts take.
	Parameters, Bytes int64
}

// censusOf goes through a pickle's tree, of which a part may be in several places and counts once.
func censusOf(root pickle.Node) Census {
	c := Census{Classes: map[string]int{}}
	seen := map[pickle.Node]bool{}
	waiting := []pickle.Node{root}
	for len(waiting) > 0 {
		node := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		switch n := node.(type) {
		case pickle.Str:
			c.Bytes += int64(len(n))
		case *pickle.Array, *pickle.Object, *pickle.Dict, *pickle.List, *pickle.Tuple:
			if !seen[n] {
				seen[n] = true
				waiting = append(waiting, c.count(n)...)
			}
		}
	}
	return c
}

// count counts a node, and returns what is in it.
func (c *Census) count(node pickle.Node) []pickle.Node {
	switch n := node.(type) {
	case *pickle.Array:
		if n.DType.Code == 'f' {
			c.Parameters += int64(n.Len())
		}
		c.Bytes += int64(len(n.Data))
		return n.Objects
	case *pickle.Object:
		role := supported[n.Class.Name]
		if role.stage != nil || role.transform != nil || role.estimator != nil || role.steps || role.inner != "" {
			c.Classes[n.Class.Name]++
		}
		if state, ok := n.State.(*pickle.Dict); ok {
			return c.fitted(state)
		}
		if n.State != nil {
			return []pickle.Node{n.State}
		}
	case *pickle.Dict:
		var inner []pickle.Node
		for _, entry := range n.Entries {
			inner = append(inner, entry.Key, entry.Value)
		}
		return inner
	case *pickle.List:
		return n.Items
	case *pickle.Tuple:
		return n.Items
	}
	return nil
}

// replaced are the attributes that hold what an object was made of, where another holds the same, fitted.
var replaced = map[pickle.Str][]pickle.Str{
	"transformers": {"transformers_"},
	"estimator":    {"calibrated_classifiers_", "best_estimator_", "estimators_", "estimator_"},
	"regressor":    {"regressor_"},
	"transformer":  {"transformer_"},
}

// fitted are the attributes of an object that count, which is none that only training looked at.
func (c *Census) fitted(state *pickle.Dict) []pickle.Node {
	has := map[pickle.Str]bool{}
	for _, entry := range state.Entries {
		if name, ok := entry.Key.(pickle.Str); ok {
			has[name] = true
		}
	}
	var inner []pickle.Node
	for _, entry := range state.Entries {
		name, _ := entry.Key.(pickle.Str)
		if !slices.ContainsFunc(replaced[name], func(by pickle.Str) bool { return has[by] }) {
			inner = append(inner, entry.Value)
		}
	}
	return inner
}
