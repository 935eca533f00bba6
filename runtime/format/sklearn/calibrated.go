package sklearn

import (
	"fmt"
	"slices"
	"sort"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// readCalibrated reads a CalibratedClassifierCV: one or more fitted classifiers, each with calibrators of its decisions.
func readCalibrated(r *reader, from step, in table) (scorer, error) {
	attributes, err := from.attributes("calibrated_classifiers_", in.Columns)
	if err != nil {
		return scorer{}, err
	}
	path := from.path + ".calibrated_classifiers_"
	node, _ := attributes.Get("calibrated_classifiers_")
	list, ok := node.(*pickle.List)
	if !ok || len(list.Items) == 0 {
		return scorer{}, broken(path, "is not a list of classifiers")
	}
	classes, _, err := r.labels(attributes, "classes_")
	if err != nil {
		return scorer{}, err
	}
	// Before 1.0 a probability that cannot be computed counts as if nothing was known.
	defined, err := attributes.since(0)
	if err != nil {
		defined = true
	}
	calibrated := &tabular.Calibrated{}
	for i, item := range list.Items {
		itemPath := fmt.Sprintf("%s[%d]", path, i)
		object, ok := item.(*pickle.Object)
		if !ok {
			return scorer{}, broken(itemPath, "is %s", article(item))
		}
		member, err := r.member(step{itemPath, object}, in, classes)
		if err != nil {
			return scorer{}, err
		}
		member.Evens = !defined
		calibrated.Members = append(calibrated.Members, member)
	}
	return r.named(attributes, calibrated)
}

// member reads a _CalibratedClassifier, whose attributes have had other names.
func (r *reader) member(from step, in table, classes []string) (tabular.Member, error) {
	none := tabular.Member{}
	attributes, err := from.attributes("classes", 0)
	if err != nil {
		return none, err
	}
	estimator, err := attributes.object("estimator", "base_estimator")
	if err != nil {
		return none, err
	}
	before, decider, in, err := r.decider(estimator, in)
	if err != nil {
		return none, err
	}
	if r.roleOf(decider.object).link == nil {
		return none, unsupported(decider.path, "is %s; CalibratedClassifierCV is supported over "+
			"LogisticRegression, LogisticRegressionCV and SGDClassifier, and Pipelines that end in one", decider.object.Class)
	}
	linear, decides, err := r.readLinear(decider, in.Columns)
	if err != nil {
		return none, err
	}
	member := tabular.Member{Steps: before, Linear: linear}
	expected := len(classes)
	if expected == 2 {
		expected = 1
	}
	if outputs := len(linear.Intercept); outputs != expected {
		return none, broken(decider.path+".coef_", "has %d rows of weights for %d classes", outputs, len(classes))
	}
	if attributes.text("method") == "temperature" {
		// The classifiers of this method are given the classes' numbers for labels.
		member.Scale, err = r.temperature(attributes)
		return member, err
	}
	if err := r.sameClasses(classes, attributes, decides); err != nil {
		return none, err
	}
	member.Calibrations, err = r.calibrations(attributes, len(linear.Intercept))
	return member, err
}

// object reads the first of some attributes that is an object.
func (f fitted) object(names ...string) (step, error) {
	for _, name := range names {
		node, _ := f.Get(name)
		if object, ok := node.(*pickle.Object); ok {
			return step{f.path + "." + name, object}, nil
		}
	}
	return step{}, broken(f.path+"."+names[0], "is missing, or not an estimator")
}

// sameClasses checks that a member, and the classifier in it, knows all of the classes.
func (r *reader) sameClasses(classes []string, member, classifier fitted) error {
	for _, labelled := range []struct {
		fitted
		name string
	}{{member, "classes"}, {classifier, "classes_"}} {
		own, _, err := r.labels(labelled.fitted, labelled.name)
		if err != nil {
			return err
		}
		if !slices.Equal(own, classes) {
			return unsupported(labelled.path+"."+labelled.name,
				"is not all of the classes; fit with folds that have examples of each")
		}
	}
	return nil
}

// temperature reads the only calibrator of that method. That it takes decisions for probabilities if they look like some is
// left out: of decisions that happens by chance, and depends on the other rows.
func (r *reader) temperature(member fitted) (float64, error) {
	list, ok := member.node("calibrators").(*pickle.List)
	if !ok || len(list.Items) != 1 {
		return 0, broken(member.path+".calibrators", "is not a list of one calibrator")
	}
	from, err := named{path: member.path + ".calibrators[0]", node: list.Items[0]}.step()
	if err != nil {
		return 0, err
	}
	attributes, err := from.attributes("beta_", 0)
	if err != nil {
		return 0, err
	}
	return attributes.number("beta_")
}

// calibrations reads a calibrator for each decision.
func (r *reader) calibrations(member fitted, decisions int) ([]tabular.Calibration, error) {
	if method := member.text("method"); method != "sigmoid" && method != "isotonic" {
		return nil, unsupported(member.path+".method", "is %.32q; supported are 'sigmoid', 'isotonic' and 'temperature'", method)
	}
	var list *pickle.List
	for _, name := range []string{"calibrators", "calibrators_"} {
		if node, ok := member.Get(name); ok && list == nil {
			list, _ = node.(*pickle.List)
		}
	}
	path := member.path + ".calibrators"
	if list == nil || len(list.Items) != decisions {
		return nil, broken(path, "is not a list of a calibrator for each of %d decisions", decisions)
	}
	all := make([]tabular.Calibration, decisions)
	for i, item := range list.Items {
		object, ok := item.(*pickle.Object)
		if !ok {
			return nil, broken(fmt.Sprintf("%s[%d]", path, i), "is %s", article(item))
		}
		var err error
		if all[i], err = r.calibration(step{fmt.Sprintf("%s[%d]", path, i), object}); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (r *reader) calibration(from step) (tabular.Calibration, error) {
	switch from.object.Class.Name {
	case "_SigmoidCalibration":
		return readSigmoid(from)
	case "IsotonicRegression":
		return r.isotonic(from)
	default:
		return nil, unsupported(from.path, "is %s; supported are sigmoid and isotonic calibration", from.object.Class)
	}
}

func readSigmoid(from step) (tabular.Calibration, error) {
	attributes, err := from.attributes("a_", 0)
	if err != nil {
		return nil, err
	}
	a, err := attributes.number("a_")
	if err != nil {
		return nil, err
	}
	b, err := attributes.number("b_")
	return &tabular.Platt{A: a, B: b}, err
}

func (r *reader) isotonic(from step) (tabular.Calibration, error) {
	attributes, err := from.attributes("X_thresholds_", 0)
	if err != nil {
		return nil, err
	}
	if rule := attributes.text("out_of_bounds"); rule != "clip" {
		return nil, unsupported(from.path+".out_of_bounds", "is %.32q; supported is 'clip'", rule)
	}
	x, _, err := attributes.numbers("X_thresholds_")
	if err != nil {
		return nil, err
	}
	y, err := attributes.vector("y_thresholds_", len(x))
	if err != nil {
		return nil, err
	}
	if len(x) == 0 || !sort.Float64sAreSorted(x) {
		return nil, broken(from.path+".X_thresholds_", "does not ascend")
	}
	for i, p := range y {
		if p < 0 || p > 1 {
			return nil, broken(from.path+".y_thresholds_", "has %v at %d, which is no probability", p, i)
		}
	}
	return &tabular.Isotonic{X: x, Y: y}, r.spend(from.path, 2*len(x))
}
