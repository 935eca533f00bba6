package sklearn

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// scorer is what ends a model, and the names of its scores: none where there is one score that needs no name.
type scorer struct {
	tabular.Estimator
	scores []string
}

// labels reads a classifier's classes, as texts. clicked says that the second of two plainly is "clicked": then its
// probability is the model's only score.
func (r *reader) labels(from fitted, name string) (texts []string, clicked bool, err error) {
	path := from.path + "." + name
	node, ok := from.Get(name)
	if binarizer, isObject := from.node("_label_binarizer").(*pickle.Object); !ok && isObject {
		// Where RidgeClassifier has them.
		if attributes, err := binarizer.Attributes(); err == nil {
			node, _ = attributes.Get(name)
		}
	}
	array, ok := node.(*pickle.Array)
	if !ok || len(array.Shape) != 1 {
		return nil, false, broken(path, "is missing, or not an array")
	}
	if array.Len() < 2 {
		return nil, false, unsupported(path, "has %d classes; a classifier has two or more", array.Len())
	}
	if err := r.spend(path, array.Len()); err != nil {
		return nil, false, err
	}
	if texts, err := array.Strings(); err == nil {
		return texts, false, distinct(texts, path)
	}
	values, err := labelNumbers(array)
	if err != nil {
		return nil, false, unsupported(path, "%v; labels are numbers, bools or strings", err)
	}
	if err := checkFinite(values, path); err != nil {
		return nil, false, err
	}
	for _, value := range values {
		texts = append(texts, labelText(value, array.DType.Code))
	}
	clicked = len(values) == 2 && values[1] == 1 && (values[0] == 0 || values[0] == -1)
	return texts, clicked, distinct(texts, path)
}

// labelNumbers are those of an array of numbers, or of objects that are numbers or bools.
func labelNumbers(array *pickle.Array) ([]float64, error) {
	if array.DType.Code != 'O' {
		return array.Float64s()
	}
	values := make([]float64, array.Len())
	for i, object := range array.Objects {
		number, ok := numberOf(object)
		if !ok {
			return nil, fmt.Errorf("class %d is %s", i, article(object))
		}
		values[i] = number
	}
	return values, nil
}

// numberOf is a node's that is a number or bool.
func numberOf(node pickle.Node) (float64, bool) {
	switch node := node.(type) {
	case pickle.Bool:
		if node {
			return 1, true
		}
		return 0, true
	case pickle.Int:
		return float64(node), true
	case pickle.Float:
		return float64(node), true
	default:
		return math.NaN(), false
	}
}

// labelText writes a label as Python does, where that is short.
func labelText(value float64, code byte) string {
	switch {
	case code == 'b' && value == 0:
		return "False"
	case code == 'b':
		return "True"
	}
	text := strconv.FormatFloat(value, 'g', -1, 64)
	if code == 'f' && !strings.ContainsAny(text, ".eEIN") {
		text += ".0"
	}
	return text
}

func distinct(texts []string, path string) error {
	seen := make(map[string]bool, len(texts))
	for _, text := range texts {
		if seen[text] {
			return broken(path, "has %.64q twice", text)
		}
		seen[text] = true
	}
	return nil
}

// named gives the scores of an estimator their names. Where a single score does for both classes, and nothing says which
// of them is "clicked", both are made.
func (r *reader) named(from fitted, estimator tabular.Estimator) (scorer, error) {
	texts, clicked, err := r.labels(from, "classes_")
	switch {
	case err != nil:
		return scorer{}, err
	case clicked && estimator.Outputs() == 1:
		return scorer{Estimator: estimator}, nil
	case len(texts) == 2 && estimator.Outputs() == 1:
		return scorer{&tabular.Complement{Of: estimator}, texts}, nil
	case len(texts) != estimator.Outputs():
		return scorer{}, broken(from.path+".classes_", "has %d classes, and there are weights for %d", len(texts), estimator.Outputs())
	}
	return scorer{estimator, texts}, nil
}
