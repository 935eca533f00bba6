package sklearn

import "github.com/ctr-operator/ctr-operator/runtime/tabular"

// readNormalizer reads the norm. From 1.0 on scikit-learn leaves rows alone whose norm is next to nothing, before only
// those of zeros.
func readNormalizer(_ *reader, from step, columns int) (tabular.Stage, error) {
	attributes, err := from.attributes("", columns)
	if err != nil {
		return nil, err
	}
	stage := &tabular.Normalise{Columns: columns}
	switch norm := attributes.text("norm"); norm {
	case "l1":
		stage.Norm = tabular.L1
	case "l2":
		stage.Norm = tabular.L2
	case "max":
		stage.Norm = tabular.Max
	default:
		return nil, unsupported(from.path+".norm", "is %.32q; supported are 'l1', 'l2' and 'max'", norm)
	}
	lenient, err := attributes.since(0)
	if lenient {
		const epsilon = 2.220446049250313e-16
		stage.Least = 10 * epsilon
	}
	return stage, err
}
