package sklearn

import (
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
)

// assemble reads the fitted attributes of an estimator and its scaler, and checks that they fit each other.
func assemble(form Form, estimator step, scaler *step) (*Model, error) {
	model := &Model{Form: form, Factor: 1}
	if err := readLogisticRegression(model, estimator); err != nil {
		return nil, err
	}
	if scaler != nil {
		if err := readStandardScaler(model, *scaler); err != nil {
			return nil, err
		}
	}
	return model, nil
}

func readLogisticRegression(model *Model, from step) error {
	attributes, err := from.object.Attributes()
	if err != nil {
		return broken(from.path, "%v", err)
	}
	if _, fitted := attributes.Get("coef_"); !fitted {
		return broken(from.path, "has no coef_: the estimator was saved before it was fitted")
	}
	if err := checkClasses(attributes, from.path); err != nil {
		return err
	}
	coef, shape, err := numbers(attributes, from.path, "coef_")
	if err != nil {
		return err
	}
	if len(shape) != 2 || shape[0] != 1 || shape[1] == 0 {
		return broken(from.path+".coef_", "has shape %v, not (1, number of features)", shape)
	}
	intercept, shape, err := numbers(attributes, from.path, "intercept_")
	if err != nil {
		return err
	}
	if len(intercept) != 1 {
		return broken(from.path+".intercept_", "has shape %v, not (1,)", shape)
	}
	if n, ok := attributes.Get("n_features_in_"); ok && n != pickle.Int(len(coef)) {
		return broken(from.path+".n_features_in_", "does not agree with the %d columns of coef_", len(coef))
	}
	model.Coef, model.Intercept = coef, intercept[0]
	return readMultiClass(model, attributes, from.path)
}

// checkClasses accepts the labels of which the second one plainly is "clicked", the one whose probability is served.
func checkClasses(attributes *pickle.Dict, path string) error {
	path += ".classes_"
	node, _ := attributes.Get("classes_")
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

// readMultiClass sets how the probability follows from the decision. What counts is what the version that wrote the file
// does: versions that have the parameter fit and predict two classes by one sigmoid, unless told "multinomial"; those
// that no longer have it always do.
func readMultiClass(model *Model, attributes *pickle.Dict, path string) error {
	node, present := attributes.Get("multi_class")
	if !present {
		return nil
	}
	switch node {
	case pickle.Str("ovr"), pickle.Str("auto"), pickle.Str("warn"), pickle.Str("deprecated"):
		return nil
	case pickle.Str("multinomial"):
		model.Factor = 2
		return nil
	default:
		return unsupported(path+".multi_class", "is not one of 'auto', 'ovr', 'multinomial', 'deprecated'")
	}
}

func readStandardScaler(model *Model, from step) error {
	attributes, err := from.object.Attributes()
	if err != nil {
		return broken(from.path, "%v", err)
	}
	if _, fitted := attributes.Get("scale_"); !fitted {
		return broken(from.path, "has no scale_: the scaler was saved before it was fitted")
	}
	for _, part := range []struct {
		option, attribute string
		target            *[]float64
	}{
		{"with_mean", "mean_", &model.Mean},
		{"with_std", "scale_", &model.Scale},
	} {
		// The option decides, as in transform: mean_ is computed even where it is not used.
		if enabled, ok := attributes.Get(part.option); !ok || !isTrue(enabled) {
			continue
		}
		values, shape, err := numbers(attributes, from.path, part.attribute)
		if err != nil {
			return err
		}
		if len(shape) != 1 || len(values) != len(model.Coef) {
			return broken(from.path+"."+part.attribute, "has shape %v, but the model has %d features", shape, len(model.Coef))
		}
		*part.target = values
	}
	for i, scale := range model.Scale {
		if scale == 0 {
			return broken(from.path+".scale_", "has a zero at %d, by which it would divide", i)
		}
	}
	return nil
}

// isTrue is Python's truth of a flag.
func isTrue(n pickle.Node) bool {
	switch n := n.(type) {
	case pickle.Bool:
		return bool(n)
	case pickle.Int:
		return n != 0
	default:
		return false
	}
}

// numbers reads an attribute that is an array, or a scalar, of finite numbers.
func numbers(attributes *pickle.Dict, path, name string) ([]float64, []int, error) {
	path += "." + name
	node, _ := attributes.Get(name)
	var values []float64
	var shape []int
	switch node := node.(type) {
	case *pickle.Array:
		var err error
		if values, err = node.Float64s(); err != nil {
			return nil, nil, broken(path, "%v", err)
		}
		shape = node.Shape
	case pickle.Float:
		values = []float64{float64(node)}
	case pickle.Int:
		values = []float64{float64(node)}
	default:
		return nil, nil, broken(path, "is missing, or not an array of numbers")
	}
	for i, value := range values {
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return nil, nil, broken(path, "has %v at %d", value, i)
		}
	}
	return values, shape, nil
}
