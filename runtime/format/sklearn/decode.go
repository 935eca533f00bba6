// Package sklearn turns scikit-learn artifacts into models. It reads the attributes that fitting leaves behind, knows for
// each supported class what its transform or predict_proba would compute from them, and puts that together of the parts
// of runtime/tabular; it computes nothing itself.
//
// An artifact is a pickle, or what joblib.dump writes, of a linear classifier or regressor: a bare estimator, a Pipeline,
// or the dict of parts {'model', 'scaler', 'vectorizer', 'is_trained'} that training scripts write.
//
// Reading goes from what comes in to what is made of it: a table says which form the rows have at a place, and which of
// the model's own columns are in them, so that whoever takes a column says what it is (reader.mark). At first all are
// taken for numbers; if a transformer then asks for cells, the artifact is read again with rows of cells (errCells).
package sklearn

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/format/unpack"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// Form is how an artifact holds its estimator.
type Form uint8

// The forms. Only Parts says that the features are the CTR feature set: it is what that set's training scripts write.
const (
	Bare Form = iota + 1
	Pipeline
	Parts
)

// Model is what an artifact predicts with. Where Mixed is false all columns are numbers, and Predict and PredictInto take
// them; PredictCells always does.
type Model struct {
	*tabular.Model
	Form Form
	// Mixed says that columns are not all numbers.
	Mixed bool
	// Missing says that features may be missing: NaN, or a cell that is None; where in the row, predicting tells.
	Missing bool
	// Columns are what a row consists of. Their names are empty if the artifact has none.
	Columns []tabular.Column
	// Scores are the names of the scores, in their order: the classes. There are none where there is one score, which is
	// the probability of a click, or a regressor's value.
	Scores []string
	Census Census
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

// Read reads a pickle or joblib file, which may be compressed to a limit of so many bytes. Its errors are *unpack.Error,
// *pickle.Error, *Error, or the context's.
func Read(ctx context.Context, data []byte, limit int64) (*Model, error) {
	data, err := unpack.Unpack(ctx, data, limit)
	if err != nil {
		return nil, err
	}
	root, err := pickle.Read(ctx, data, pickle.Options{Classes: classes})
	if err != nil {
		return nil, err
	}
	model, err := decode(root, len(data))
	if err != nil {
		return nil, err
	}
	model.Census = censusOf(root)
	return model, nil
}

// reader holds what the functions that read an artifact share.
type reader struct {
	table map[string]role
	// budget is how many numbers may still be kept or made: see spend. looks is how many objects columnsOf may look at.
	budget, looks int
	// form is that of the rows that come to the model, and columns are what they consist of.
	form    tabular.Form
	columns []tabular.Column
	// missing is set by who takes missing values in columns that are not the model's own.
	missing bool
}

// An artifact may make so many numbers for each of its bytes, and so many in any case.
const (
	numbersPerByte = 8
	freeNumbers    = 1 << 16
	maxLooks       = 1 << 10
)

func decode(root pickle.Node, size int) (*Model, error) {
	model, err := decodeAs(root, size, tabular.Dense)
	if errors.Is(err, errCells) {
		return decodeAs(root, size, tabular.Mixed)
	}
	return model, err
}

func decodeAs(root pickle.Node, size int, form tabular.Form) (*Model, error) {
	r := &reader{table: supported, budget: numbersPerByte*size + freeNumbers, looks: maxLooks, form: form}
	switch root := root.(type) {
	case *pickle.Dict:
		return r.parts(root)
	case *pickle.Object:
		from := step{"model", root}
		form := Bare
		if r.roleOf(root).steps {
			from.path, form = "pipeline", Pipeline
		}
		if !r.isEstimator(root) {
			return nil, unsupported("the artifact", "is %s and not an estimator; %s", root.Class, supportedText)
		}
		return r.model(form, nil, from)
	default:
		return nil, unsupported("the artifact", "is %s; %s", article(root), supportedText)
	}
}

// spend counts numbers that are kept for, or made in, a prediction, and bounds them by the size of the file: an artifact
// whose parts refer to each other so as to be more than that is not one that anybody fitted.
func (r *reader) spend(path string, numbers int) error {
	if numbers > r.budget {
		return broken(path, "makes more numbers than an artifact of this size can have")
	}
	r.budget -= numbers
	return nil
}

// step is one object of an artifact, and what to call it.
type step struct {
	path   string
	object *pickle.Object
}

func (r *reader) roleOf(object *pickle.Object) role { return r.table[object.Class.Name] }

// isEstimator says that an object could be one; what is in a Pipeline or wrapper is seen when it is read.
func (r *reader) isEstimator(object *pickle.Object) bool {
	role := r.roleOf(object)
	return role.estimator != nil || role.steps || role.inner != ""
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

// model puts an artifact's scaler, if there is one, and its estimator together.
func (r *reader) model(form Form, scaler *step, estimator step) (*Model, error) {
	first := estimator
	if scaler != nil {
		first = *scaler
	}
	in, err := r.own(first, estimator)
	if err != nil {
		return nil, err
	}
	var before tabular.Transform
	from := in
	if scaler != nil {
		made, err := r.transform(*scaler, from)
		if err != nil {
			return nil, err
		}
		before, from = made.Transform, from.after(made)
	}
	more, last, err := r.estimator(estimator, from)
	if err != nil {
		return nil, err
	}
	for i := range r.columns {
		column := &r.columns[i]
		column.Missing = column.Missing || (r.missing && column.Kind == tabular.Number)
		r.missing = r.missing || column.Missing
	}
	return &Model{
		Model: tabular.New(r.form, r.columns, tabular.Series(before, more), last.Estimator), Form: form,
		Mixed: r.form == tabular.Mixed, Missing: r.missing, Columns: r.columns, Scores: last.scores,
	}, nil
}

// parts reads the dict of parts. A part that nobody asked for is refused if it could change the prediction.
func (r *reader) parts(parts *pickle.Dict) (*Model, error) {
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
	if !ok || !r.isEstimator(object) {
		return nil, unsupported("artifact['model']", "is %s; %s", article(model), supportedText)
	}
	var scaler *step
	switch part, _ := parts.Get("scaler"); part := part.(type) {
	case nil, pickle.None:
	case *pickle.Object:
		if role := r.roleOf(part); role.stage == nil && role.transform == nil {
			return nil, unsupported("artifact['scaler']", "is %s; %s", part.Class, supportedText)
		}
		scaler = &step{"artifact['scaler']", part}
	default:
		return nil, unsupported("artifact['scaler']", "is %s; %s", article(part), supportedText)
	}
	return r.model(Parts, scaler, step{"artifact['model']", object})
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
