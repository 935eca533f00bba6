package sklearn

import (
	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// readPolynomial reads the options, from which all follows. The degree is the highest, or a pair of lowest and highest.
func readPolynomial(r *reader, from step, columns int) (tabular.Stage, error) {
	attributes, err := from.attributes("", columns)
	if err != nil {
		return nil, err
	}
	node, _ := attributes.Get("degree")
	lowest, highest := pickle.Int(0), pickle.Int(0)
	switch degree := node.(type) {
	case pickle.Int:
		highest = degree
	case *pickle.Tuple:
		if len(degree.Items) == 2 {
			lowest, _ = degree.Items[0].(pickle.Int)
			highest, _ = degree.Items[1].(pickle.Int)
		}
	}
	const most = 1000
	if lowest < 0 || highest < max(lowest, 1) || highest > most {
		return nil, unsupported(from.path+".degree", "is not a degree, or a pair of degrees, from 1 to %d", most)
	}
	stage := tabular.NewPolynomial(columns, int(lowest), int(highest), attributes.is("interaction_only"),
		attributes.is("include_bias"), min(r.budget, 1<<30))
	if stage == nil {
		return nil, broken(from.path, "makes no features of %d columns, or more than an artifact of this size can have", columns)
	}
	// What is made on the way is paid for, too.
	return stage, r.spend(from.path, stage.Scratch())
}
