package sklearn

import (
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// readOneVsRest reads a OneVsRestClassifier: a classifier for each class, or a single one for the second of two.
func readOneVsRest(r *reader, from step, in table) (scorer, error) {
	attributes, err := from.attributes("estimators_", in.Columns)
	if err != nil {
		return scorer{}, err
	}
	path := from.path + ".estimators_"
	list, ok := attributes.node("estimators_").(*pickle.List)
	if !ok || len(list.Items) == 0 {
		return scorer{}, broken(path, "is not a list of classifiers")
	}
	if attributes.text("multilabel_") != "" || attributes.is("multilabel_") {
		return scorer{}, unsupported(from.path, "was fitted on several labels for each row; supported is one")
	}
	rest := &tabular.OneVsRest{}
	for i, item := range list.Items {
		if err := r.spend(path, 1+len(r.columns)); err != nil {
			return scorer{}, err
		}
		each, err := named{path: fmt.Sprintf("%s[%d]", path, i), node: item}.step()
		if err != nil {
			return scorer{}, err
		}
		before, last, err := r.estimator(each, in)
		if err != nil {
			return scorer{}, err
		}
		if last.Outputs() != 1 || !last.Bounded() {
			return scorer{}, unsupported(each.path, "is no classifier of the classes 0 and 1")
		}
		rest.Classes = append(rest.Classes, tabular.Whole{Steps: before, Estimator: last.Estimator})
	}
	binarizer, err := attributes.object("label_binarizer_")
	if err != nil {
		return scorer{}, err
	}
	classes, err := binarizer.attributes("classes_", 0)
	if err != nil {
		return scorer{}, err
	}
	if len(rest.Classes) == 1 {
		return r.named(classes, &rest.Classes[0])
	}
	return r.named(classes, rest)
}
