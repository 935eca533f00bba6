package sklearn

import "github.com/ctr-operator/ctr-operator/runtime/tabular"

// readWeights reads a TfidfTransformer.
func readWeights(r *reader, from step, in table) (made, error) {
	weights, err := r.weights(from, in.Columns)
	if err != nil {
		return made{}, err
	}
	if in.Form == tabular.Sparse {
		return made{Transform: weights}, nil
	}
	dense, err := r.dense(from, in)
	return made{Transform: tabular.Series(dense, &tabular.Sparsify{Columns: in.Columns}, weights)}, err
}

// weights reads what a TfidfTransformer does to counts in so many columns.
func (r *reader) weights(from step, columns int) (*tabular.Weights, error) {
	attributes, err := from.attributes("", columns)
	if err != nil {
		return nil, err
	}
	weights := &tabular.Weights{Columns: columns, Sublinear: attributes.is("sublinear_tf")}
	if err := attributes.norm(weights); err != nil {
		return nil, err
	}
	if _, ok := attributes.Get("idf_"); ok {
		weights.Factors, err = attributes.vector("idf_", columns)
	} else if attributes.is("use_idf") {
		weights.Factors, err = attributes.diagonal("_idf_diag", columns)
	}
	if err != nil {
		return nil, err
	}
	return weights, r.spend(from.path, columns)
}

// norm reads a vectorizer's.
func (f fitted) norm(into *tabular.Weights) error {
	if f.isNone("norm") {
		return nil
	}
	into.Normed = true
	switch norm := f.text("norm"); norm {
	case "l1":
		into.Norm = tabular.L1
	case "l2":
		into.Norm = tabular.L2
	default:
		return unsupported(f.path+".norm", "is %.32q; supported are 'l1', 'l2' and None", norm)
	}
	return nil
}

// diagonal reads the numbers of a sparse matrix that has them on its diagonal, and nothing else: that is how scikit-learn
// kept the weights until 1.4.
func (f fitted) diagonal(name string, columns int) ([]float64, error) {
	if _, ok := f.Get(name); !ok {
		return nil, broken(f.path, "has no idf_: it was saved before it was fitted")
	}
	from, err := f.object(name)
	if err != nil {
		return nil, err
	}
	matrix, err := from.attributes("data", 0)
	if err != nil {
		return nil, err
	}
	if from.object.Class.Name != "csr_matrix" {
		return nil, unsupported(from.path, "is %s; supported are arrays of rows (csr_matrix)", article(from.object))
	}
	if err := matrix.counting("indices", columns); err != nil {
		return nil, err
	}
	if err := matrix.counting("indptr", columns+1); err != nil {
		return nil, err
	}
	return matrix.vector("data", columns)
}

// counting checks that an attribute is the numbers from zero on.
func (f fitted) counting(name string, size int) error {
	places, err := f.vector(name, size)
	for i, place := range places {
		if place != float64(i) {
			return broken(f.path+"."+name, "is not that of a diagonal")
		}
	}
	return err
}
