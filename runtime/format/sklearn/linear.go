package sklearn

import (
	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// readClassifier reads a linear classifier with a link: of two classes, which has one row of weights, or of more.
func readClassifier(r *reader, from step, in table) (scorer, error) {
	linear, attributes, err := r.readLinear(from, in.Columns)
	if err != nil {
		return scorer{}, err
	}
	link, err := r.roleOf(from.object).link(from)
	if err != nil {
		return scorer{}, err
	}
	return r.named(attributes, &tabular.Regression{Linear: linear, Link: link})
}

// discriminantLink is LinearDiscriminantAnalysis's.
func discriminantLink(from step) (tabular.Link, error) {
	attributes, err := from.attributes("", 0)
	if err != nil {
		return 0, err
	}
	if array, ok := attributes.node("classes_").(*pickle.Array); ok && array.Len() > 2 {
		return tabular.Softmax, nil
	}
	return tabular.Sigmoid, nil
}

// noProbability is the link of classifiers that have a decision only; put into a CalibratedClassifierCV they do not need one.
func noProbability(from step) (tabular.Link, error) {
	return 0, unsupported(from.path, "is %s, which has no predict_proba; train LogisticRegression, or put it into a "+
		"CalibratedClassifierCV", from.object.Class.Name)
}

// readLinear reads what all linear classifiers have: coef_ and intercept_.
func (r *reader) readLinear(from step, columns int) (tabular.Linear, fitted, error) {
	none := tabular.Linear{}
	attributes, err := from.attributes("coef_", 0)
	if err != nil {
		return none, attributes, err
	}
	coef, shape, err := attributes.numbers("coef_")
	if err != nil {
		return none, attributes, err
	}
	if len(shape) == 1 {
		shape = []int{1, shape[0]}
	}
	if len(shape) != 2 || shape[0] == 0 || shape[1] == 0 {
		return none, attributes, broken(from.path+".coef_", "has shape %v, not (classes, features)", shape)
	}
	outputs, taken := shape[0], shape[1]
	if n, ok := attributes.Get("n_features_in_"); ok && n != pickle.Int(taken) {
		return none, attributes, broken(from.path+".n_features_in_", "does not agree with the %d columns of coef_", taken)
	}
	if taken != columns {
		return none, attributes, broken(from.path+".coef_", "has %d columns, and %d come in", taken, columns)
	}
	intercept, _, err := attributes.numbers("intercept_")
	if err != nil {
		return none, attributes, err
	}
	if len(intercept) == 1 && outputs > 1 && intercept[0] == 0 {
		// What fit_intercept=False leaves behind.
		intercept = make([]float64, outputs)
	}
	if len(intercept) != outputs {
		return none, attributes, broken(from.path+".intercept_", "has %d numbers for %d rows of coef_", len(intercept), outputs)
	}
	linear := tabular.Linear{Coef: transposed(coef, outputs, taken), Intercept: intercept}
	return linear, attributes, r.spend(from.path, len(coef))
}

// transposed puts the weights of a column next to each other.
func transposed(coef []float64, outputs, columns int) []float64 {
	if outputs == 1 {
		return coef
	}
	turned := make([]float64, len(coef))
	for output := range outputs {
		for column := range columns {
			turned[column*outputs+output] = coef[output*columns+column]
		}
	}
	return turned
}

// logisticLink is LogisticRegression's and LogisticRegressionCV's. What counts is what the version that wrote the file
// does. Those that have the parameter multi_class fit and predict two classes by one sigmoid, unless told "multinomial",
// and more by a softmax, unless the solver is one that fits each class alone. Those that no longer have it are as if told
// nothing, and refuse to fit with such a solver.
func logisticLink(from step) (tabular.Link, error) {
	attributes, err := from.attributes("", 0)
	if err != nil {
		return 0, err
	}
	array, ok := attributes.node("classes_").(*pickle.Array)
	several := ok && array.Len() > 2
	node, present := attributes.Get("multi_class")
	switch {
	case node == pickle.Str("multinomial"), !present && several:
		return tabular.Softmax, nil
	case !present, node == pickle.Str("ovr"), node == pickle.Str("warn"):
		return tabular.Sigmoid, nil
	case node != pickle.Str("auto") && node != pickle.Str("deprecated"):
		return 0, unsupported(from.path+".multi_class", "is not one of 'auto', 'ovr', 'multinomial', 'deprecated'")
	case !several || attributes.text("solver") == "liblinear":
		return tabular.Sigmoid, nil
	case attributes.text("solver") == "newton-cholesky":
		// From 1.6 on this solver fits all classes together.
		if together, err := attributes.since(6); err != nil || !together {
			return tabular.Sigmoid, err
		}
	}
	return tabular.Softmax, nil
}

// sgdLink is SGDClassifier's: of its losses, two have a probability.
func sgdLink(from step) (tabular.Link, error) {
	attributes, err := from.attributes("", 0)
	if err != nil {
		return 0, err
	}
	switch loss := attributes.text("loss"); loss {
	case "log_loss", "log":
		return tabular.Sigmoid, nil
	case "modified_huber":
		return tabular.ModifiedHuber, nil
	default:
		return 0, unsupported(from.path+".loss", "is %.32q, for which SGDClassifier has no predict_proba; train with "+
			"'log_loss' or 'modified_huber', or put it into a CalibratedClassifierCV", loss)
	}
}
