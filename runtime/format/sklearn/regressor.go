package sklearn

import "github.com/ctr-operator/ctr-operator/runtime/tabular"

// readRegressor reads a linear regressor of one target: coef_ is a row of weights, or a table of one.
func readRegressor(r *reader, from step, in table) (scorer, error) {
	attributes, err := from.attributes("coef_", in.Columns)
	if err != nil {
		return scorer{}, err
	}
	coef, shape, err := attributes.numbers("coef_")
	if err != nil {
		return scorer{}, err
	}
	if len(shape) == 2 && shape[0] > 1 {
		return scorer{}, unsupported(from.path+".coef_", "is of %d targets; supported is one", shape[0])
	}
	if len(shape) == 0 || shape[len(shape)-1] != len(coef) || len(coef) != in.Columns {
		return scorer{}, broken(from.path+".coef_", "has shape %v, and %d columns come in", shape, in.Columns)
	}
	intercept, err := attributes.number("intercept_")
	if err != nil {
		return scorer{}, err
	}
	link, err := r.roleOf(from.object).link(from)
	if err != nil {
		return scorer{}, err
	}
	linear := tabular.Linear{Coef: coef, Intercept: []float64{intercept}}
	return scorer{Estimator: &tabular.Regression{Linear: linear, Link: link}}, r.spend(from.path, len(coef))
}

func identityLink(step) (tabular.Link, error) { return tabular.Identity, nil }

func logLink(step) (tabular.Link, error) { return tabular.Exp, nil }

// tweedieLink is TweedieRegressor's, which by itself is the logarithm for a power above zero.
func tweedieLink(from step) (tabular.Link, error) {
	attributes, err := from.attributes("", 0)
	if err != nil {
		return 0, err
	}
	switch link := attributes.text("link"); link {
	case "identity":
		return tabular.Identity, nil
	case "log":
		return tabular.Exp, nil
	case "auto":
		power, err := attributes.number("power")
		if err != nil || power > 0 {
			return tabular.Exp, err
		}
		return tabular.Identity, nil
	default:
		return 0, unsupported(from.path+".link", "is %.32q; supported are 'auto', 'identity' and 'log'", link)
	}
}
