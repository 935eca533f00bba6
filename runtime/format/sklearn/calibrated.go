package sklearn

import (
	"fmt"
	"sort"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// readCalibrated reads a CalibratedClassifierCV: one or more fitted classifiers, each with a calibrator of its decision.
func readCalibrated(r *reader, from step, columns int) (tabular.Classifier, error) {
	attributes, err := from.attributes("calibrated_classifiers_", columns)
	if err != nil {
		return nil, err
	}
	if err := checkClasses(attributes, "classes_"); err != nil {
		return nil, err
	}
	path := from.path + ".calibrated_classifiers_"
	node, _ := attributes.Get("calibrated_classifiers_")
	list, ok := node.(*pickle.List)
	if !ok || len(list.Items) == 0 {
		return nil, broken(path, "is not a list of classifiers")
	}
	calibrated := &tabular.Calibrated{}
	for i, item := range list.Items {
		itemPath := fmt.Sprintf("%s[%d]", path, i)
		object, ok := item.(*pickle.Object)
		if !ok {
			return nil, broken(itemPath, "is %s", article(item))
		}
		member, err := r.member(step{itemPath, object}, columns)
		if err != nil {
			return nil, err
		}
		calibrated.Members = append(calibrated.Members, member)
	}
	return calibrated, nil
}

// member reads a _CalibratedClassifier, whose attributes have had other names.
func (r *reader) member(from step, columns int) (tabular.Member, error) {
	attributes, err := from.attributes("classes", 0)
	if err != nil {
		return tabular.Member{}, err
	}
	if err := checkClasses(attributes, "classes"); err != nil {
		return tabular.Member{}, err
	}
	estimator, err := attributes.object("estimator", "base_estimator")
	if err != nil {
		return tabular.Member{}, err
	}
	chain, decider, columns, err := r.last(estimator, columns)
	if err != nil {
		return tabular.Member{}, err
	}
	if r.roleOf(decider.object).link == nil {
		return tabular.Member{}, unsupported(decider.path, "is %s; CalibratedClassifierCV is supported over "+
			"LogisticRegression, LogisticRegressionCV and SGDClassifier, and Pipelines that end in one", decider.object.Class)
	}
	linear, err := r.readLinear(decider, columns)
	if err != nil {
		return tabular.Member{}, err
	}
	calibration, err := r.calibration(attributes)
	return tabular.Member{Steps: tabular.Join(chain), Linear: linear, Calibration: calibration}, err
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

// calibration reads the only calibrator that there is for two classes.
func (r *reader) calibration(member fitted) (tabular.Calibration, error) {
	if method := member.text("method"); method != "sigmoid" && method != "isotonic" {
		return nil, unsupported(member.path+".method", "is %.32q; supported are 'sigmoid' and 'isotonic'", method)
	}
	var list *pickle.List
	for _, name := range []string{"calibrators", "calibrators_"} {
		if node, ok := member.Get(name); ok && list == nil {
			list, _ = node.(*pickle.List)
		}
	}
	if list == nil || len(list.Items) != 1 {
		return nil, broken(member.path+".calibrators", "is not a list of one calibrator")
	}
	object, ok := list.Items[0].(*pickle.Object)
	if !ok {
		return nil, broken(member.path+".calibrators[0]", "is %s", article(list.Items[0]))
	}
	from := step{member.path + ".calibrators[0]", object}
	switch object.Class.Name {
	case "_SigmoidCalibration":
		return readSigmoid(from)
	case "IsotonicRegression":
		return r.isotonic(from)
	default:
		return nil, unsupported(from.path, "is %s; supported are sigmoid and isotonic calibration", object.Class)
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
