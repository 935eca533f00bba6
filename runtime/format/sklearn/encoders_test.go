package sklearn

import (
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

func list(nodes ...pickle.Node) *pickle.List { return &pickle.List{Items: nodes} }

// objects is an array of any values.
func objectsOf(values ...pickle.Node) *pickle.Array {
	return &pickle.Array{DType: pickle.DType{Code: 'O', Size: 8}, Shape: []int{len(values)}, Objects: values}
}

// texts is an array of text of numpy's own type.
func texts(values ...string) *pickle.Array {
	const width = 4
	array := &pickle.Array{DType: pickle.DType{Code: 'U', Size: 4 * width}, Shape: []int{len(values)}}
	for _, value := range values {
		cell := make([]byte, 4*width)
		for i, r := range []rune(value) {
			binary.LittleEndian.PutUint32(cell[4*i:], uint32(r))
		}
		array.Data = append(array.Data, cell...)
	}
	return array
}

// encoder is a fitted encoder of a column of texts and one of numbers.
func encoderOf(name string, changes ...attributes) *pickle.Object {
	fitted := attributes{
		"categories_":      list(objectsOf(pickle.Str("a"), pickle.Str("b"), pickle.None{}), vector(1, 2)),
		"handle_unknown":   pickle.Str("error"),
		"_sklearn_version": pickle.Str("1.5.2"),
		"dtype":            &pickle.Class{Module: "numpy", Name: "float64"},
	}
	return object("sklearn.preprocessing._encoders", name, append([]attributes{fitted}, changes...)...)
}

func infrequent(mappings ...pickle.Node) attributes {
	return attributes{"_infrequent_enabled": pickle.Bool(true), "_default_to_infrequent_mappings": list(mappings...)}
}

func with(all ...attributes) attributes {
	merged := attributes{}
	for _, one := range all {
		maps.Copy(merged, one)
	}
	return merged
}

// weights is a LogisticRegression of so many columns.
func weights(columns ...float64) *pickle.Object {
	return regression(attributes{"coef_": row(columns...), "n_features_in_": pickle.Int(len(columns)), "intercept_": pickle.Float(0)})
}

func target(changes ...attributes) *pickle.Object {
	encoder := encoderOf("TargetEncoder", append([]attributes{{
		"encodings_": list(vector(0.25, 0.5, 0.75), vector(-1, 1)), "target_mean_": pickle.Float(0.125),
	}}, changes...)...)
	encoder.Class.Module = "sklearn.preprocessing._target_encoder"
	return encoder
}

func TestDecodeEncoders(t *testing.T) {
	ignore := attributes{"handle_unknown": pickle.Str("ignore")}
	a, b, missing := tabular.Cell{Kind: tabular.Text, Str: "a"}, tabular.Cell{Kind: tabular.Text, Str: "b"}, tabular.Cell{Kind: tabular.None}
	other := tabular.Cell{Kind: tabular.Text, Str: "x"}
	one, three := tabular.Cell{Num: 1}, tabular.Cell{Num: 3}
	for name, test := range map[string]struct {
		root     pickle.Node
		cells    []tabular.Cell
		decision float64 // NaN: refused
	}{
		"one-hot":           {pipelineOf(encoderOf("OneHotEncoder"), weights(1, 2, 4, 8, 16)), []tabular.Cell{b, one}, 10},
		"one-hot missing":   {pipelineOf(encoderOf("OneHotEncoder"), weights(1, 2, 4, 8, 16)), []tabular.Cell{missing, one}, 12},
		"one-hot refuses":   {pipelineOf(encoderOf("OneHotEncoder"), weights(1, 2, 4, 8, 16)), []tabular.Cell{other, one}, math.NaN()},
		"one-hot ignores":   {pipelineOf(encoderOf("OneHotEncoder", ignore), weights(1, 2, 4, 8, 16)), []tabular.Cell{other, three}, 0},
		"words of numpy":    {pipelineOf(encoderOf("OneHotEncoder", attributes{"categories_": list(texts("a", "𝒳"), vector(1))}), weights(1, 2, 4)), []tabular.Cell{{Kind: tabular.Text, Str: "𝒳"}, one}, 6},
		"drop":              {pipelineOf(encoderOf("OneHotEncoder", attributes{"drop_idx_": objectsOf(pickle.Int(0), pickle.None{})}), weights(2, 4, 8, 16)), []tabular.Cell{a, one}, 8},
		"drop by int64":     {pipelineOf(encoderOf("OneHotEncoder", attributes{"_drop_idx_after_grouping": ints(1, 1)}), weights(2, 4, 8)), []tabular.Cell{missing, one}, 12},
		"no drop":           {pipelineOf(encoderOf("OneHotEncoder", attributes{"_drop_idx_after_grouping": pickle.None{}}), weights(1, 2, 4, 8, 16)), []tabular.Cell{a, one}, 9},
		"rare":              {pipelineOf(encoderOf("OneHotEncoder", infrequent(ints(1, 0, 1), pickle.None{})), weights(1, 2, 4, 8)), []tabular.Cell{a, one}, 6},
		"unknown is rare":   {pipelineOf(encoderOf("OneHotEncoder", infrequent(ints(1, 0, 1), pickle.None{}), attributes{"handle_unknown": pickle.Str("infrequent_if_exist")}), weights(1, 2, 4, 8)), []tabular.Cell{other, three}, 2},
		"unknown warned of": {pipelineOf(encoderOf("OneHotEncoder", infrequent(ints(1, 0, 1), pickle.None{}), attributes{"handle_unknown": pickle.Str("warn"), "_sklearn_version": pickle.Str("1.8.0")}), weights(1, 2, 4, 8)), []tabular.Cell{other, three}, 2},
		"warned of in vain": {pipelineOf(encoderOf("OneHotEncoder", infrequent(ints(1, 0, 1), pickle.None{}), attributes{"handle_unknown": pickle.Str("warn"), "_sklearn_version": pickle.Str("1.7.2")}), weights(1, 2, 4, 8)), []tabular.Cell{other, three}, 0},
		"ordinal":           {pipelineOf(encoderOf("OrdinalEncoder"), weights(1, 4)), []tabular.Cell{b, {Num: 2}}, 5},
		"ordinal unknown":   {pipelineOf(encoderOf("OrdinalEncoder", attributes{"handle_unknown": pickle.Str("use_encoded_value"), "unknown_value": pickle.Int(-1)}), weights(1, 4)), []tabular.Cell{other, three}, -5},
		"ordinal missing":   {pipelineOf(encoderOf("OrdinalEncoder", attributes{"_missing_indices": &pickle.Dict{Entries: []pickle.Entry{{Key: pickle.Int(0), Value: pickle.Int(2)}}}, "encoded_missing_value": pickle.Int(-7)}), weights(1, 4)), []tabular.Cell{missing, one}, -7},
		"ordinal NaN":       {pipelineOf(encoderOf("OrdinalEncoder", attributes{"_missing_indices": &pickle.Dict{Entries: []pickle.Entry{{Key: pickle.Int(0), Value: pickle.Int(2)}}}}), weights(1, 4)), []tabular.Cell{missing, one}, math.NaN()},
		"target":            {pipelineOf(target(), weights(1, 4)), []tabular.Cell{b, one}, -3.5},
		"target unknown":    {pipelineOf(target(ignore), weights(1, 4)), []tabular.Cell{other, three}, 0.625},
		"target of classes": {pipelineOf(target(attributes{"encodings_": list(vector(1, 2, 3), vector(4, 5, 6), vector(7, 8), vector(9, 10)), "target_mean_": vector(0, 0)}), weights(1, 10, 100, 1000)), []tabular.Cell{b, one}, 9752},
		"in parts":          {parts(attributes{"scaler": encoderOf("OrdinalEncoder"), "model": weights(1, 4)}), []tabular.Cell{b, {Num: 2}}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			model, err := decode(test.root, 1000)
			if err != nil {
				t.Fatal(err)
			}
			if !model.Mixed || model.Columns[0].Kind != tabular.Text || model.Columns[1].Kind != tabular.Number {
				t.Errorf("columns are %+v", model.Columns)
			}
			out := make([]float64, 1)
			err = model.PredictCells(test.cells, out)
			if math.IsNaN(test.decision) {
				if err == nil {
					t.Errorf("got %v, expected a refusal", out)
				}
				return
			}
			if want := sigmoid(test.decision); err != nil || math.Abs(out[0]-want) > 1e-15 {
				t.Errorf("got %v, %v; expected %v", out, err, want)
			}
		})
	}
}

func TestDecodeRefusesEncoders(t *testing.T) {
	hot := func(changes ...attributes) *pickle.Object {
		return pipelineOf(encoderOf("OneHotEncoder", changes...), weights(1, 2))
	}
	ordinal := func(changes ...attributes) *pickle.Object {
		return pipelineOf(encoderOf("OrdinalEncoder", changes...), weights(1, 2))
	}
	categories := func(second *pickle.Array) attributes {
		return attributes{"categories_": list(objectsOf(pickle.Str("a")), second)}
	}
	const first, inCategories = "pipeline.steps[0]", "pipeline.steps[0].categories_[1]"
	for name, test := range map[string]struct {
		root        pickle.Node
		unsupported bool
		path, words string
	}{
		"not fitted":            {hot(attributes{"categories_": nil}), false, first, "before it was fitted"},
		"categories of one":     {hot(attributes{"categories_": list(vector(1)), "n_features_in_": pickle.Int(2)}), false, first + ".categories_", "2 columns"},
		"categories are text":   {hot(attributes{"categories_": list(pickle.Str("a"), pickle.Str("b"))}), false, first + ".categories_[0]", "not an array"},
		"no categories":         {hot(categories(vector())), false, inCategories, "0 categories"},
		"categories twice":      {hot(categories(vector(1, 2, 1))), false, inCategories, "2 twice"},
		"texts twice":           {hot(categories(texts("a", "b", "a"))), false, inCategories, "2 twice"},
		"NaN twice":             {hot(categories(vector(math.NaN(), math.NaN()))), false, inCategories, "1 twice"},
		"category is a tuple":   {hot(categories(objectsOf(&pickle.Tuple{}))), true, inCategories, "a tuple"},
		"category of bytes":     {hot(categories(&pickle.Array{DType: pickle.DType{Code: 'S', Size: 1}, Shape: []int{1}, Data: []byte("a")})), true, inCategories, "supported are strings"},
		"large integers":        {hot(categories(ints(1, 1<<53+1))), true, inCategories, "use strings"},
		"handle_unknown":        {hot(attributes{"handle_unknown": pickle.Str("x")}), true, first + ".handle_unknown", `"x"`},
		"drop is none":          {hot(attributes{"drop_idx_": ints(0, 9)}), false, first + ".drop_idx_[1]", "not a category"},
		"drop is short":         {hot(attributes{"drop_idx_": ints(0)}), false, first + ".drop_idx_[0]", "missing"},
		"all are dropped":       {pipelineOf(encoderOf("OneHotEncoder", attributes{"categories_": list(objectsOf(pickle.Str("a")), vector(1)), "drop_idx_": ints(0, 0)}), weights(1)), false, first, "makes no columns"},
		"groups of fewer":       {hot(infrequent(ints(0, 0), pickle.None{})), false, first + "._default_to_infrequent_mappings", "leaves out category 2"},
		"groups of more":        {hot(infrequent(ints(0, 0, 0, 0), pickle.None{})), false, first + "._default_to_infrequent_mappings[0]", "3 categories"},
		"group beyond":          {hot(infrequent(ints(0, 3, 0), pickle.None{})), false, first + "._default_to_infrequent_mappings[0]", "has 3 at 1"},
		"group below":           {hot(infrequent(ints(0, -1, 0), pickle.None{})), false, first + "._default_to_infrequent_mappings[0]", "has -1 at 1"},
		"groups missing":        {hot(attributes{"_infrequent_enabled": pickle.Bool(true), "_default_to_infrequent_mappings": pickle.None{}}), false, first + "._default_to_infrequent_mappings[0]", "missing"},
		"widths differ":         {hot(), false, "pipeline.steps[1].coef_", "has 2 columns, and 5 come in"},
		"unknown_value":         {ordinal(attributes{"handle_unknown": pickle.Str("use_encoded_value"), "unknown_value": pickle.Str("x")}), false, first + ".unknown_value", "not a number"},
		"dtype":                 {ordinal(attributes{"dtype": &pickle.Class{Module: "numpy", Name: "float16"}}), true, first + ".dtype", "float16"},
		"missing index":         {ordinal(attributes{"_missing_indices": &pickle.Dict{Entries: []pickle.Entry{{Key: pickle.Int(0), Value: pickle.Int(3)}}}}), false, first + "._missing_indices", "no category"},
		"encoded_missing_value": {ordinal(attributes{"_missing_indices": &pickle.Dict{Entries: []pickle.Entry{{Key: pickle.Int(0), Value: pickle.Int(2)}}}, "encoded_missing_value": pickle.Str("x")}), false, first + ".encoded_missing_value", "not a number"},
		"few encodings":         {pipelineOf(target(attributes{"encodings_": list(vector(1, 2, 3))}), weights(1, 2)), false, first + ".encodings_", "2 columns"},
		"short encoding":        {pipelineOf(target(attributes{"encodings_": list(vector(1, 2), vector(1, 2))}), weights(1, 2)), false, first + ".encodings_[0]", "2 numbers for 3"},
		"no mean":               {pipelineOf(target(attributes{"target_mean_": vector()}), weights(1, 2)), false, first + ".encodings_", "2 columns"},
		"text after a scaler":   {pipelineOf(scaler(), encoderOf("OneHotEncoder"), weights(1, 2)), false, "pipeline.steps[1]", "numbers come in"},
		"text is scaled, too": {
			pipelineOf(object("sklearn.pipeline", "FeatureUnion", attributes{"transformer_list": list(
				&pickle.Tuple{Items: []pickle.Node{pickle.Str("a"), encoderOf("OrdinalEncoder", attributes{"n_features_in_": pickle.Int(2)})}},
				&pickle.Tuple{Items: []pickle.Node{pickle.Str("b"), scaler()}},
			)}), weights(1, 2, 3, 4)), true, "pipeline.steps[0].transformer_list[1]", "takes column 0 for a number, and another takes it for a string",
		},
		"several regressors":  {object("sklearn.linear_model._ridge", "Ridge", attributes{"coef_": matrix([]int{2, 1}, 1, 2), "intercept_": vector(1, 2)}), true, "model.coef_", "2 targets"},
		"regressor's width":   {pipelineOf(scaler(), object("sklearn.linear_model._ridge", "Ridge", attributes{"coef_": vector(1), "intercept_": vector(1)})), false, "pipeline.steps[1].coef_", "2 columns"},
		"no probabilities":    {object("sklearn.svm._classes", "LinearSVC", fittedState), true, "model", "no predict_proba"},
		"a function by name":  {pipelineOf(object("sklearn.preprocessing._function_transformer", "FunctionTransformer", attributes{"func": &pickle.Class{Module: "numpy", Name: "sin"}}), regression()), true, "pipeline.steps[0].func", "log1p"},
		"keyword arguments":   {pipelineOf(object("sklearn.preprocessing._function_transformer", "FunctionTransformer", attributes{"func": &pickle.Class{Module: "numpy", Name: "log1p"}, "kw_args": dict(attributes{"out": pickle.None{}})}), regression()), true, "pipeline.steps[0].kw_args", "none"},
		"weights of one more": {regression(attributes{"classes_": texts("a", "b", "c"), "coef_": matrix([]int{2, 2}, 1, 2, 3, 4), "intercept_": vector(1, 2)}), false, "model.classes_", "weights for 2"},
		"members differ": {calibrated(attributes{"calibrated_classifiers_": list(
			object("sklearn.calibration", "_CalibratedClassifier", with(attributes{
				"estimator": regression(), "classes": vector(0, 1), "method": pickle.Str("isotonic"),
			}, isotonic(vector(-1, 1), vector(0.25, 0.75)))),
			object("sklearn.calibration", "_CalibratedClassifier", with(attributes{
				"estimator": regression(attributes{"coef_": matrix([]int{2, 2}, 1, 2, 3, 4), "intercept_": vector(1, 2)}),
				"classes":   vector(0, 1), "method": pickle.Str("isotonic"),
			}, isotonic(vector(-1, 1), vector(0.25, 0.75)))),
		)}), false, "model.calibrated_classifiers_[1].estimator.coef_", "2 rows of weights for 2 classes"},
	} {
		t.Run(name, func(t *testing.T) {
			model, err := decode(test.root, 1000)
			var failure *Error
			if !errors.As(err, &failure) {
				t.Fatalf("got %v, %v; expected an Error", model, err)
			}
			if failure.Unsupported != test.unsupported || failure.Path != test.path || !strings.Contains(failure.Message, test.words) {
				t.Errorf("got %+v, expected unsupported: %v, %s: …%s…", *failure, test.unsupported, test.path, test.words)
			}
		})
	}
}

// Selections keep the columns that scikit-learn keeps: of (3, 1) the first decides with 0.5·3, the second with 0.5.
func TestDecodeSelections(t *testing.T) {
	one := regression(attributes{"coef_": row(0.5), "n_features_in_": nil, "intercept_": pickle.Float(0)})
	const univariate = "sklearn.feature_selection._univariate_selection"
	nan := math.NaN()
	for name, test := range map[string]struct {
		selection *pickle.Object
		decision  float64 // NaN: the artifact is refused
	}{
		"variance":      {object("x", "VarianceThreshold", attributes{"variances_": vector(0.5, 0.2), "threshold": pickle.Float(0.2)}), 1.5},
		"variance NaN":  {object("x", "VarianceThreshold", attributes{"variances_": vector(nan, 0.2), "threshold": pickle.Float(0)}), 0.5},
		"none varies":   {object("x", "VarianceThreshold", attributes{"variances_": vector(0, 0), "threshold": pickle.Float(0)}), nan},
		"best":          {object(univariate, "SelectKBest", attributes{"scores_": vector(2, 3), "k": pickle.Int(1)}), 0.5},
		"best of equal": {object(univariate, "SelectKBest", attributes{"scores_": vector(2, 2), "k": pickle.Int(1)}), 0.5},
		"best of NaN":   {object(univariate, "SelectKBest", attributes{"scores_": vector(-9, nan), "k": pickle.Int(1)}), 1.5},
		"more than all": {object(univariate, "SelectKBest", attributes{"scores_": vector(1, 2), "k": pickle.Int(7)}), nan},
		"none":          {object(univariate, "SelectKBest", attributes{"scores_": vector(1, 2), "k": pickle.Int(0)}), nan},
		"no k":          {object(univariate, "SelectKBest", attributes{"scores_": vector(1, 2)}), nan},
		"scores short":  {object(univariate, "SelectKBest", attributes{"scores_": vector(1), "k": pickle.Int(1)}), nan},
		"likely":        {object(univariate, "SelectFpr", attributes{"pvalues_": vector(0.01, 0.05), "alpha": pickle.Float(0.05)}), 1.5},
		"likely of two": {object(univariate, "SelectFwe", attributes{"pvalues_": vector(0.026, 0.024), "alpha": pickle.Float(0.05)}), 0.5},
		"eliminated":    {object("x", "RFE", attributes{"support_": ints(0, 1)}), 0.5},
		"not fitted":    {object("x", "RFE", attributes{}), nan},
	} {
		model, err := decode(pipelineOf(scaler(attributes{"with_mean": pickle.Bool(false), "with_std": pickle.Bool(false)}), test.selection, one), 1000)
		if math.IsNaN(test.decision) {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Errorf("%s: got %v, %v; expected an Error", name, model, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		p, err := model.Predict([]float64{3, 1})
		if want := sigmoid(test.decision); err != nil || math.Abs(p-want) > 1e-15 {
			t.Errorf("%s: got %v, %v; expected %v", name, p, err, want)
		}
		if _, err := model.Predict([]float64{math.Inf(1), math.Inf(1)}); err == nil {
			t.Errorf("%s: takes infinities", name)
		}
	}
}

// A score for each class has the class's name, unless there is one score, that of a click.
func TestLabels(t *testing.T) {
	for name, test := range map[string]struct {
		classes *pickle.Array
		scores  string
	}{
		"0 and 1":      {vector(0, 1), ""},
		"signs":        {ints(-1, 1), ""},
		"bools":        {&pickle.Array{DType: pickle.DType{Code: 'b', Size: 1}, Shape: []int{2}, Data: []byte{0, 1}}, ""},
		"objects":      {objectsOf(pickle.Bool(false), pickle.Bool(true)), ""},
		"integers":     {ints(1, 2), "1 2"},
		"floats":       {vector(0.5, 2), "0.5 2.0"},
		"words":        {texts("no", "yes"), "no yes"},
		"object words": {objectsOf(pickle.Str("n"), pickle.Str("𝒳")), "n 𝒳"},
	} {
		model, err := decode(regression(attributes{"classes_": test.classes}), 1000)
		if err != nil || strings.Join(model.Scores, " ") != test.scores {
			t.Errorf("%s: got %q (%v), expected %q", name, model.Scores, err, test.scores)
		}
	}
}
