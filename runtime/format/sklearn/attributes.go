package sklearn

import (
	"fmt"
	"math"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
)

// fitted is an estimator's attributes, and where they are in the artifact.
type fitted struct {
	*pickle.Dict
	path string
}

// attributes returns an object's, if it has the one that fitting leaves behind, and was fitted on so many columns; 0 leaves
// the columns unchecked, an empty name the attribute.
func (s step) attributes(proof string, columns int) (fitted, error) {
	attributes, err := s.object.Attributes()
	if err != nil {
		return fitted{}, broken(s.path, "%v", err)
	}
	from := fitted{attributes, s.path}
	if _, ok := attributes.Get(proof); proof != "" && !ok {
		return fitted{}, broken(s.path, "has no %s: the %s was saved before it was fitted", proof, s.object.Class.Name)
	}
	if n, ok := attributes.Get("n_features_in_"); ok && columns != 0 && n != pickle.Int(columns) {
		return fitted{}, broken(s.path+".n_features_in_", "does not agree with the %d columns that come in", columns)
	}
	return from, nil
}

// is is Python's truth of a flag; an absent one is false.
func (f fitted) is(name string) bool {
	node, _ := f.Get(name)
	switch node := node.(type) {
	case pickle.Bool:
		return bool(node)
	case pickle.Int:
		return node != 0
	default:
		return false
	}
}

// text is an attribute that is a string, empty if it is none.
func (f fitted) text(name string) string {
	node, _ := f.Get(name)
	text, _ := node.(pickle.Str)
	return string(text)
}

// isNone says that an attribute is None, or absent.
func (f fitted) isNone(name string) bool {
	node, ok := f.Get(name)
	_, none := node.(pickle.None)
	return !ok || none
}

// since says that the artifact was written by that minor version of scikit-learn 1 or a later one. A class that has changed what
// it does needs to be told; so an artifact that does not say is an error.
func (f fitted) since(minor int) (bool, error) {
	var gotMajor, gotMinor int
	text := f.text("_sklearn_version")
	if _, err := fmt.Sscanf(text, "%d.%d", &gotMajor, &gotMinor); err != nil {
		return false, unsupported(f.path+"._sklearn_version", "is %.32q, and what this class does depends on the version", text)
	}
	return gotMajor > 1 || (gotMajor == 1 && gotMinor >= minor), nil
}

// vector reads an attribute that is an array of so many finite numbers.
func (f fitted) vector(name string, columns int) ([]float64, error) {
	values, shape, err := f.numbers(name)
	if err != nil {
		return nil, err
	}
	if len(shape) != 1 || len(values) != columns {
		return nil, broken(f.path+"."+name, "has shape %v, and %d columns come in", shape, columns)
	}
	return values, nil
}

// divisors reads a vector that something is divided by.
func (f fitted) divisors(name string, columns int) ([]float64, error) {
	values, err := f.vector(name, columns)
	if i := slices.Index(values, 0); err == nil && i >= 0 {
		return nil, broken(f.path+"."+name, "has a zero at %d, by which it would divide", i)
	}
	return values, err
}

// number reads an attribute that is one finite number.
func (f fitted) number(name string) (float64, error) {
	values, shape, err := f.numbers(name)
	if err == nil && len(values) != 1 {
		return 0, broken(f.path+"."+name, "has shape %v, not (1,)", shape)
	}
	if err != nil {
		return 0, err
	}
	return values[0], nil
}

// numbers reads an attribute that is an array, or a scalar, of finite numbers.
func (f fitted) numbers(name string) ([]float64, []int, error) {
	node, _ := f.Get(name)
	values, shape, err := floats(node, f.path+"."+name)
	if err != nil {
		return nil, nil, err
	}
	return values, shape, checkFinite(values, f.path+"."+name)
}

func checkFinite(values []float64, path string) error {
	for i, value := range values {
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return broken(path, "has %v at %d", value, i)
		}
	}
	return nil
}

// floats reads an array, or a scalar, of numbers.
func floats(node pickle.Node, path string) ([]float64, []int, error) {
	switch node := node.(type) {
	case *pickle.Array:
		if node.DType.Code == 'O' {
			return objects(node, path)
		}
		values, err := node.Float64s()
		if err != nil {
			return nil, nil, broken(path, "%v", err)
		}
		return values, node.Shape, nil
	case pickle.Float:
		return []float64{float64(node)}, nil, nil
	case pickle.Int:
		return []float64{float64(node)}, nil, nil
	default:
		return nil, nil, broken(path, "is missing, or not an array of numbers")
	}
}

// objects reads an array of objects that are numbers.
func objects(array *pickle.Array, path string) ([]float64, []int, error) {
	if len(array.Shape) != 1 {
		return nil, nil, broken(path, "has shape %v", array.Shape)
	}
	values := make([]float64, 0, len(array.Objects))
	for i, object := range array.Objects {
		switch object := object.(type) {
		case pickle.Float:
			values = append(values, float64(object))
		case pickle.Int:
			values = append(values, float64(object))
		default:
			return nil, nil, broken(path, "has %s at %d, not a number", article(object), i)
		}
	}
	return values, array.Shape, nil
}
