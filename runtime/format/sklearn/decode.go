// Package sklearn turns scikit-learn artifacts into parameters. It reads the attributes that fitting leaves behind and
// knows, for each supported class, what predict_proba would compute from them; it computes nothing itself.
//
// An artifact is a LogisticRegression for two classes, optionally after one StandardScaler: as a bare estimator, as a
// Pipeline, or as the dict of parts {'model', 'scaler', 'vectorizer', 'is_trained'} that training scripts write.
package sklearn

import (
	"context"
	"fmt"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
)

// Form is how an artifact holds its estimator.
type Form uint8

// The forms. Only Parts says that the features are the CTR feature set: it is what that set's training scripts write.
const (
	Bare Form = iota + 1
	Pipeline
	Parts
)

// Model is the parameters of a logistic regression: p = sigmoid(Factor · (Intercept + Σ Coef_i · (x_i − Mean_i) / Scale_i)).
type Model struct {
	Form Form
	// Coef has one element for each feature.
	Coef      []float64
	Intercept float64
	// Mean is nil where nothing is subtracted, Scale where nothing is divided.
	Mean, Scale []float64
	// Factor is 1, or 2 for a multinomial fit of two classes, which is the softmax of (−z, z).
	Factor float64
}

// Error says why a pickle's content is no model that can be served.
type Error struct {
	// Unsupported tells a sound model of another kind from a broken one.
	Unsupported bool
	// Path is where in the artifact, as Python would write it.
	Path    string
	Message string
}

func (e *Error) Error() string { return e.Path + ": " + e.Message }

func broken(path, format string, args ...any) error {
	return &Error{Path: path, Message: fmt.Sprintf(format, args...)}
}

func unsupported(path, format string, args ...any) error {
	return &Error{Unsupported: true, Path: path, Message: fmt.Sprintf(format, args...)}
}

// Read reads a pickle. Its errors are *pickle.Error, *Error, or the context's.
func Read(ctx context.Context, data []byte) (*Model, error) {
	root, err := pickle.Read(ctx, data, pickle.Options{Classes: classes})
	if err != nil {
		return nil, err
	}
	return decode(root)
}

func decode(root pickle.Node) (*Model, error) {
	switch root := root.(type) {
	case *pickle.Dict:
		return decodeParts(root)
	case *pickle.Object:
		switch kindOf(root) {
		case logisticRegression:
			return assemble(Bare, step{"model", root}, nil)
		case pipeline:
			return decodePipeline(root)
		}
		return nil, unsupported("the artifact", "is %s and not an estimator; %s", root.Class, supportedText)
	default:
		return nil, unsupported("the artifact", "is %s; %s", article(root), supportedText)
	}
}

// step is one object of an artifact, and what to call it.
type step struct {
	path   string
	object *pickle.Object
}

func kindOf(object *pickle.Object) kind {
	return supported[class{object.Class.Module, object.Class.Name}]
}

// article names a node's type in a sentence.
func article(n pickle.Node) string {
	if _, none := n.(pickle.None); none {
		return "None"
	}
	kind := pickle.KindOf(n)
	if strings.ContainsAny(kind[:1], "ai") {
		return "an " + kind
	}
	return "a " + kind
}

// decodeParts reads the dict of parts. A part that nobody asked for is refused if it could change the prediction.
func decodeParts(parts *pickle.Dict) (*Model, error) {
	for _, entry := range parts.Entries {
		name, ok := entry.Key.(pickle.Str)
		if !ok {
			return nil, unsupported("the artifact", "is a dict with a key of type %s; %s", pickle.KindOf(entry.Key), supportedText)
		}
		_, isObject := entry.Value.(*pickle.Object)
		if isObject && name != "model" && name != "scaler" {
			return nil, unsupported(fmt.Sprintf("artifact[%.64q]", string(name)),
				"is %s, of which it is not known how it takes part in a prediction", pickle.KindOf(entry.Value))
		}
	}
	if err := checkParts(parts); err != nil {
		return nil, err
	}
	model, _ := parts.Get("model")
	object, ok := model.(*pickle.Object)
	if !ok || kindOf(object) != logisticRegression {
		return nil, unsupported("artifact['model']", "is %s; %s", article(model), supportedText)
	}
	var scaler *step
	switch part, _ := parts.Get("scaler"); part := part.(type) {
	case nil, pickle.None:
	case *pickle.Object:
		if kindOf(part) != standardScaler {
			return nil, unsupported("artifact['scaler']", "is %s; supported are StandardScaler and None", part.Class)
		}
		scaler = &step{"artifact['scaler']", part}
	default:
		return nil, unsupported("artifact['scaler']", "is %s; supported are StandardScaler and None", article(part))
	}
	return assemble(Parts, step{"artifact['model']", object}, scaler)
}

func checkParts(parts *pickle.Dict) error {
	if _, ok := parts.Get("model"); !ok {
		return unsupported("the artifact", "is a dict without 'model'; %s", supportedText)
	}
	if vectorizer, ok := parts.Get("vectorizer"); ok {
		if _, none := vectorizer.(pickle.None); !none {
			return unsupported("artifact['vectorizer']", "is %s; supported is None", article(vectorizer))
		}
	}
	if trained, ok := parts.Get("is_trained"); ok && trained != pickle.Bool(true) {
		return broken("artifact['is_trained']", "is not True: the model was saved before it was trained")
	}
	return nil
}

// decodePipeline reads the steps, of which all but the last transform the features.
func decodePipeline(object *pickle.Object) (*Model, error) {
	attributes, err := object.Attributes()
	if err != nil {
		return nil, broken("pipeline", "%v", err)
	}
	list, _ := attributes.Get("steps")
	steps, ok := list.(*pickle.List)
	if !ok || len(steps.Items) == 0 {
		return nil, broken("pipeline.steps", "is not a list of steps")
	}
	var scaler *step
	for i, item := range steps.Items {
		path := fmt.Sprintf("pipeline.steps[%d]", i)
		pair, ok := item.(*pickle.Tuple)
		if !ok || len(pair.Items) != 2 {
			return nil, broken(path, "is not a pair of name and estimator")
		}
		if isPassthrough(pair.Items[1]) && i < len(steps.Items)-1 {
			continue
		}
		object, ok := pair.Items[1].(*pickle.Object)
		switch {
		case !ok:
			return nil, unsupported(path, "is %s; %s", article(pair.Items[1]), supportedText)
		case kindOf(object) == logisticRegression && i == len(steps.Items)-1:
			return assemble(Pipeline, step{path, object}, scaler)
		case kindOf(object) == standardScaler && scaler == nil && i < len(steps.Items)-1:
			scaler = &step{path, object}
		default:
			return nil, unsupported(path, "is %s, which is not supported at this place; %s", object.Class, supportedText)
		}
	}
	return nil, unsupported("pipeline", "has no estimator; %s", supportedText)
}

func isPassthrough(n pickle.Node) bool {
	_, none := n.(pickle.None)
	return none || n == pickle.Str("passthrough")
}
