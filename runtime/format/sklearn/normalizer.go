package sklearn

import "github.com/ctr-operator/ctr-operator/runtime/tabular"

// readNormalizer reads the norm, for a table.
func readNormalizer(r *reader, from step, in table) (made, error) {
	stage, err := readNorm(from, in.Columns, !in.sparse)
	if err != nil {
		return made{}, err
	}
	transform, err := r.numeric(from, in, stage)
	return made{Transform: transform, sparse: in.sparse, dense: !in.sparse}, err
}

// readDenseNormalizer reads the norm, for rows of numbers.
func readDenseNormalizer(_ *reader, from step, columns int) (tabular.Stage, error) {
	return readNorm(from, columns, true)
}

// readNorm reads the norm. From 1.0 on scikit-learn leaves rows alone whose norm is next to nothing; before, and where
// zeros are left out, only those of zeros.
func readNorm(from step, columns int, dense bool) (tabular.Stage, error) {
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
	if lenient && dense {
		const epsilon = 2.220446049250313e-16
		stage.Least = 10 * epsilon
	}
	return stage, err
}
