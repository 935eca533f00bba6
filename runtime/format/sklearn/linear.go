package sklearn

import (
	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// readLinear reads what all linear classifiers of two classes have: coef_, intercept_ and classes_.
func (r *reader) readLinear(from step, columns int) (tabular.Linear, error) {
	attributes, err := from.attributes("coef_", 0)
	if err != nil {
		return tabular.Linear{}, err
	}
	if err := checkClasses(attributes, "classes_"); err != nil {
		return tabular.Linear{}, err
	}
	coef, shape, err := attributes.numbers("coef_")
	if err != nil {
		return tabular.Linear{}, err
	}
	if len(shape) != 2 || shape[0] != 1 || shape[1] == 0 {
		return tabular.Linear{}, broken(from.path+".coef_", "has shape %v, not (1, number of features)", shape)
	}
	if n, ok := attributes.Get("n_features_in_"); ok && n != pickle.Int(len(coef)) {
		return tabular.Linear{}, broken(from.path+".n_features_in_", "does not agree with the %d columns of coef_", len(coef))
	}
	if len(coef) != columns {
		return tabular.Linear{}, broken(from.path+".coef_", "has %d columns, and %d come in", len(coef), columns)
	}
	intercept, err := attributes.number("intercept_")
	if err != nil {
		return tabular.Linear{}, err
	}
	return tabular.Linear{Coef: coef, Intercept: intercept}, r.spend(from.path, len(coef))
}

// checkClasses accepts the labels of which the second one plainly is "clicked", the one whose probability is served.
func checkClasses(attributes fitted, name string) error {
	path := attributes.path + "." + name
	node, _ := attributes.Get(name)
	array, ok := node.(*pickle.Array)
	if !ok {
		return broken(path, "is missing, or not an array")
	}
	if array.Len() != 2 {
		return unsupported(path, "has %d classes; a click model has two, 0 and 1", array.Len())
	}
	labels, err := array.Float64s()
	if err != nil {
		return unsupported(path, "%v; which of the classes is a click is known of 0 and 1, False and True, −1 and 1", err)
	}
	if labels[1] != 1 || (labels[0] != 0 && labels[0] != -1) {
		return unsupported(path, "is %v; which of the classes is a click is known of 0 and 1, False and True, −1 and 1",
			labels)
	}
	return nil
}

// logisticLink is LogisticRegression's and LogisticRegressionCV's. What counts is what the version that wrote the file
// does: versions that have the parameter fit and predict two classes by one sigmoid, unless told "multinomial"; those
// that no longer have it always do.
func logisticLink(from step) (tabular.Link, error) {
	attributes, err := from.attributes("", 0)
	if err != nil {
		return 0, err
	}
	node, present := attributes.Get("multi_class")
	if !present {
		return tabular.Sigmoid, nil
	}
	switch node {
	case pickle.Str("ovr"), pickle.Str("auto"), pickle.Str("warn"), pickle.Str("deprecated"):
		return tabular.Sigmoid, nil
	case pickle.Str("multinomial"):
		return tabular.Softmax, nil
	default:
		return 0, unsupported(from.path+".multi_class", "is not one of 'auto', 'ovr', 'multinomial', 'deprecated'")
	}
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
