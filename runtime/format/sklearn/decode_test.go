package sklearn

import (
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
)

// attributes are an object's state in a test; nil removes one.
type attributes map[string]pickle.Node

func object(module, name string, states ...attributes) *pickle.Object {
	merged := attributes{}
	for _, state := range states {
		maps.Copy(merged, state)
	}
	return &pickle.Object{
		Class: &pickle.Class{Module: module, Name: name}, Args: &pickle.Tuple{}, State: dict(merged),
	}
}

func dict(entries attributes) *pickle.Dict {
	d := &pickle.Dict{}
	for key, value := range entries {
		if value != nil {
			d.Entries = append(d.Entries, pickle.Entry{Key: pickle.Str(key), Value: value})
		}
	}
	return d
}

func matrix(shape []int, values ...float64) *pickle.Array {
	array := &pickle.Array{DType: pickle.DType{Code: 'f', Size: 8}, Shape: shape}
	for _, value := range values {
		array.Data = binary.LittleEndian.AppendUint64(array.Data, math.Float64bits(value))
	}
	return array
}

func vector(values ...float64) *pickle.Array { return matrix([]int{len(values)}, values...) }

func row(values ...float64) *pickle.Array { return matrix([]int{1, len(values)}, values...) }

// fittedState is that of a linear classifier of two features.
var fittedState = attributes{
	"coef_": row(0.5, -2), "intercept_": vector(0.25), "classes_": vector(0, 1), "n_features_in_": pickle.Int(2),
}

// regression is a fitted LogisticRegression of two features, but for the changes.
func regression(changes ...attributes) *pickle.Object {
	return object("sklearn.linear_model._logistic", "LogisticRegression", append([]attributes{fittedState}, changes...)...)
}

// calibrated is a fitted CalibratedClassifierCV, but for the changes.
func calibrated(changes attributes) *pickle.Object {
	return object("sklearn.calibration", "CalibratedClassifierCV", attributes{
		"classes_": vector(0, 1), "n_features_in_": pickle.Int(2),
	}, changes)
}

// member is the attributes of a CalibratedClassifierCV with one classifier.
func member(changes attributes) attributes {
	return attributes{"calibrated_classifiers_": &pickle.List{Items: []pickle.Node{
		object("sklearn.calibration", "_CalibratedClassifier", attributes{
			"estimator": regression(), "classes": vector(0, 1), "method": pickle.Str("isotonic"),
		}, isotonic(vector(-1, 1), vector(0.25, 0.75)), changes),
	}}}
}

func isotonic(x, y *pickle.Array) attributes {
	return attributes{"calibrators": &pickle.List{Items: []pickle.Node{object("sklearn.isotonic", "IsotonicRegression", attributes{
		"X_thresholds_": x, "y_thresholds_": y, "out_of_bounds": pickle.Str("clip"),
	})}}}
}

func bins(changes attributes) *pickle.Object {
	return object("sklearn.preprocessing._discretization", "KBinsDiscretizer", attributes{
		"bin_edges_": &pickle.Array{Shape: []int{2}, Objects: []pickle.Node{vector(0, 1, 2), vector(0, 1)}},
		"encode":     pickle.Str("ordinal"), "_sklearn_version": pickle.Str("1.5.2"), "n_features_in_": pickle.Int(2),
	}, changes)
}

func imputer(changes attributes) *pickle.Object {
	return object("sklearn.impute._base", "SimpleImputer", attributes{
		"statistics_": vector(1, 2), "missing_values": pickle.Float(math.NaN()), "strategy": pickle.Str("mean"),
	}, changes)
}

// chosen is a ColumnTransformer that passes on a choice of two columns.
func chosen(choice pickle.Node) *pickle.Object {
	return columnsOf(attributes{"transformers_": &pickle.List{Items: []pickle.Node{
		&pickle.Tuple{Items: []pickle.Node{pickle.Str("a"), pickle.Str("passthrough"), choice}},
	}}})
}

func scaler(changes ...attributes) *pickle.Object {
	fitted := attributes{
		"with_mean": pickle.Bool(true), "with_std": pickle.Bool(true), "mean_": vector(1, 2), "scale_": vector(4, 8),
	}
	return object("sklearn.preprocessing._data", "StandardScaler", append([]attributes{fitted}, changes...)...)
}

func parts(changes attributes) *pickle.Dict {
	merged := attributes{
		"model": regression(), "vectorizer": pickle.None{}, "scaler": scaler(), "is_trained": pickle.Bool(true),
	}
	maps.Copy(merged, changes)
	return dict(merged)
}

func pipelineOf(steps ...pickle.Node) *pickle.Object {
	list := &pickle.List{}
	for _, step := range steps {
		list.Items = append(list.Items, &pickle.Tuple{Items: []pickle.Node{pickle.Str("name"), step}})
	}
	return object("sklearn.pipeline", "Pipeline", attributes{"steps": list})
}

// The features (3, 1) decide with 0.25 + 0.5·3 − 2·1; scaled, they are (0.5, −0.125).
const (
	plain  = -0.25
	scaled = 0.75
)

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

func TestDecode(t *testing.T) {
	list := func(nodes ...pickle.Node) *pickle.List { return &pickle.List{Items: nodes} }
	tuple := func(nodes ...pickle.Node) *pickle.Tuple { return &pickle.Tuple{Items: nodes} }
	same := object("sklearn.preprocessing._function_transformer", "FunctionTransformer", attributes{"func": pickle.None{}})
	for name, test := range map[string]struct {
		root     pickle.Node
		form     Form
		decision float64
	}{
		"parts":             {parts(nil), Parts, scaled},
		"no scaler":         {parts(attributes{"scaler": pickle.None{}}), Parts, plain},
		"absent parts":      {dict(attributes{"model": regression()}), Parts, plain},
		"remarks":           {parts(attributes{"trained_at": pickle.Str("today")}), Parts, scaled},
		"pipeline in parts": {parts(attributes{"model": pipelineOf(scaler(), regression()), "scaler": pickle.None{}}), Parts, scaled},
		"bare":              {regression(), Bare, plain},
		"pipeline":          {pipelineOf(scaler(), regression()), Pipeline, scaled},
		"nested":            {pipelineOf(pipelineOf(scaler()), pipelineOf(pickle.None{}, pipelineOf(regression()))), Pipeline, scaled},
		"skipped steps":     {pipelineOf(pickle.None{}, scaler(), pickle.Str("passthrough"), regression()), Pipeline, scaled},
		"only a regressor":  {pipelineOf(regression()), Pipeline, plain},
		"no function":       {pipelineOf(same, pipelineOf(same), regression()), Pipeline, plain},
		"no mean":           {parts(attributes{"scaler": scaler(attributes{"with_mean": pickle.Bool(false)})}), Parts, 0.375},
		"no deviation": {
			parts(attributes{"scaler": scaler(attributes{"with_std": pickle.Bool(false), "scale_": pickle.None{}})}), Parts, 3.25,
		},
		"flags as ints": {
			parts(attributes{"scaler": scaler(attributes{"with_mean": pickle.Int(0), "with_std": pickle.Int(1)})}), Parts, 0.375,
		},
		"scalar intercept":  {regression(attributes{"intercept_": pickle.Float(0.25)}), Bare, plain},
		"integer intercept": {regression(attributes{"intercept_": pickle.Int(3)}), Bare, 2.5},
		"signs":             {regression(attributes{"classes_": vector(-1, 1)}), Bare, plain},
		"ovr":               {regression(attributes{"multi_class": pickle.Str("ovr")}), Bare, plain},
		"auto":              {regression(attributes{"multi_class": pickle.Str("auto")}), Bare, plain},
		"deprecated":        {regression(attributes{"multi_class": pickle.Str("deprecated")}), Bare, plain},
		"multinomial":       {regression(attributes{"multi_class": pickle.Str("multinomial")}), Bare, 2 * plain},
		"without count":     {regression(attributes{"n_features_in_": nil}), Bare, plain},

		// The columns in another order decide with 0.25 + 0.5·1 − 2·3.
		"list":           {pipelineOf(chosen(list(pickle.Int(1), pickle.Int(-2))), regression()), Pipeline, -5.25},
		"array":          {pipelineOf(chosen(ints(1, 0)), regression()), Pipeline, -5.25},
		"names":          {pipelineOf(chosen(list(pickle.Str("second"), pickle.Str("first"))), regression()), Pipeline, -5.25},
		"mask":           {pipelineOf(chosen(list(pickle.Bool(true), pickle.Bool(true))), regression()), Pipeline, plain},
		"slice":          {pipelineOf(chosen(slice(pickle.None{}, pickle.None{}, pickle.None{})), regression()), Pipeline, plain},
		"slice from end": {pipelineOf(chosen(slice(pickle.Int(-9), pickle.Int(9), pickle.Int(1))), regression()), Pipeline, plain},
		"dropped": {
			pipelineOf(columnsOf(attributes{"transformers_": list(
				tuple(pickle.Str("a"), pickle.Str("drop"), list(pickle.Int(0))),
				tuple(pickle.Str("b"), scaler(), list()),
				tuple(pickle.Str("c"), scaler(), slice(pickle.Int(0), pickle.Int(2), pickle.None{})),
			)}), regression()), Pipeline, scaled,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decode(test.root, 1000)
			if err != nil {
				t.Fatal(err)
			}
			if got.Form != test.form || got.Features() != 2 || got.Missing {
				t.Errorf("got form %d, %d features", got.Form, got.Features())
			}
			p, err := got.Predict([]float64{3, 1})
			if want := sigmoid(test.decision); err != nil || math.Abs(p-want) > 1e-15 {
				t.Errorf("got %v, %v; expected %v", p, err, want)
			}
		})
	}
}

func columnsOf(changes attributes) *pickle.Object {
	names := &pickle.Array{DType: pickle.DType{Code: 'O'}, Shape: []int{2}, Objects: []pickle.Node{pickle.Str("first"), pickle.Str("second")}}
	return object("sklearn.compose._column_transformer", "ColumnTransformer",
		attributes{"n_features_in_": pickle.Int(2), "feature_names_in_": names}, changes)
}

func ints(values ...int64) *pickle.Array {
	array := &pickle.Array{DType: pickle.DType{Code: 'i', Size: 8}, Shape: []int{len(values)}}
	for _, value := range values {
		array.Data = binary.LittleEndian.AppendUint64(array.Data, uint64(value))
	}
	return array
}

func slice(bounds ...pickle.Node) *pickle.Object {
	return &pickle.Object{Class: &pickle.Class{Module: "builtins", Name: "slice"}, Args: &pickle.Tuple{Items: bounds}}
}

// An artifact whose parts refer to each other many times over ends in an error, and soon.
func TestDecodeBoundsSharing(t *testing.T) {
	var shared pickle.Node = pipelineOf(pickle.None{})
	for range 12 {
		many := make([]pickle.Node, 1000)
		for i := range many {
			many[i] = shared
		}
		shared = pipelineOf(many...)
	}
	wide := polynomial(attributes{"degree": pickle.Int(40)})
	for name, root := range map[string]pickle.Node{
		"pipelines":   pipelineOf(shared, regression()),
		"polynomials": pipelineOf(wide, wide, wide, regression()),
	} {
		_, err := decode(root, 1000)
		var failure *Error
		if !errors.As(err, &failure) || !strings.Contains(failure.Message, "an artifact of this size") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func polynomial(changes attributes) *pickle.Object {
	return object("sklearn.preprocessing._polynomial", "PolynomialFeatures", attributes{
		"degree": pickle.Int(2), "include_bias": pickle.Bool(true), "interaction_only": pickle.Bool(false),
	}, changes)
}

func TestDecodeRefuses(t *testing.T) {
	other := object("sklearn.linear_model._other", "Other")
	for name, test := range map[string]struct {
		root        pickle.Node
		unsupported bool
		path, words string
	}{
		"None":             {pickle.None{}, true, "the artifact", "is None"},
		"list":             {&pickle.List{}, true, "the artifact", "is a list"},
		"array":            {vector(1), true, "the artifact", "is an array"},
		"scaler alone":     {scaler(), true, "the artifact", "not an estimator"},
		"dict of ints":     {&pickle.Dict{Entries: []pickle.Entry{{Key: pickle.Int(1), Value: pickle.Int(1)}}}, true, "the artifact", "key of type int"},
		"empty dict":       {&pickle.Dict{}, true, "the artifact", "without 'model'"},
		"vectorizer":       {parts(attributes{"vectorizer": pickle.Str("x")}), true, "artifact['vectorizer']", "supported is None"},
		"another part":     {parts(attributes{"encoder": scaler()}), true, `artifact["encoder"]`, "StandardScaler"},
		"another model":    {parts(attributes{"model": scaler()}), true, "artifact['model']", "StandardScaler"},
		"another class":    {parts(attributes{"model": other}), true, "artifact['model']", "_other.Other"},
		"model is text":    {parts(attributes{"model": pickle.Str("x")}), true, "artifact['model']", "is a str"},
		"another scaler":   {parts(attributes{"scaler": regression()}), true, "artifact['scaler']", "LogisticRegression"},
		"scaler is text":   {parts(attributes{"scaler": pickle.Str("x")}), true, "artifact['scaler']", "is a str"},
		"not trained":      {parts(attributes{"is_trained": pickle.Bool(false)}), false, "artifact['is_trained']", "before it was trained"},
		"trained is bytes": {parts(attributes{"is_trained": pickle.Bytes("x")}), false, "artifact['is_trained']", "not True"},

		"no steps":           {object("sklearn.pipeline", "Pipeline"), false, "pipeline.steps", "not a list"},
		"empty steps":        {pipelineOf(), false, "pipeline.steps", "not a list"},
		"step is no pair":    {object("sklearn.pipeline", "Pipeline", attributes{"steps": &pickle.List{Items: []pickle.Node{pickle.Int(1)}}}), false, "pipeline.steps[0]", "not a tuple"},
		"step has no name":   {object("sklearn.pipeline", "Pipeline", attributes{"steps": &pickle.List{Items: []pickle.Node{&pickle.Tuple{Items: []pickle.Node{pickle.Int(1), scaler()}}}}}), false, "pipeline.steps[0]", "name"},
		"another step":       {pipelineOf(other, regression()), true, "pipeline.steps[0]", "_other.Other"},
		"ends in a scaler":   {pipelineOf(scaler()), true, "pipeline.steps[0]", "not supported at this place"},
		"ends in nothing":    {pipelineOf(scaler(), pickle.None{}), true, "pipeline.steps[1]", "is None"},
		"regressor first":    {pipelineOf(regression(), regression()), true, "pipeline.steps[0]", "at this place"},
		"widths differ":      {pipelineOf(polynomial(nil), regression(attributes{"n_features_in_": nil})), false, "pipeline.steps[1].coef_", "2 columns, and 6 come in"},
		"scaler after cross": {pipelineOf(polynomial(nil), scaler(), regression()), false, "pipeline.steps[1].mean_", "6 columns"},

		"degree":             {pipelineOf(polynomial(attributes{"degree": pickle.Int(0)}), regression()), true, "pipeline.steps[0].degree", "from 1"},
		"a function":         {pipelineOf(object("sklearn.preprocessing._function_transformer", "FunctionTransformer", attributes{"func": &pickle.Class{}}), regression()), true, "pipeline.steps[0].func", "not run"},
		"another norm":       {pipelineOf(object("sklearn.preprocessing._data", "Normalizer", attributes{"norm": pickle.Str("l3")}), regression()), true, "pipeline.steps[0].norm", "l3"},
		"no version":         {pipelineOf(object("sklearn.preprocessing._data", "Normalizer", attributes{"norm": pickle.Str("l2")}), regression()), true, "pipeline.steps[0]._sklearn_version", "version"},
		"bins of no edges":   {pipelineOf(bins(attributes{"bin_edges_": &pickle.Array{Shape: []int{2}, Objects: []pickle.Node{vector(0), vector(0, 1)}}}), regression()), false, "pipeline.steps[0].bin_edges_[0]", "1 edges"},
		"bins descend":       {pipelineOf(bins(attributes{"bin_edges_": &pickle.Array{Shape: []int{2}, Objects: []pickle.Node{vector(0, 2, 1, 3), vector(0, 1)}}}), regression()), false, "pipeline.steps[0].bin_edges_[0]", "ascend"},
		"bins of one column": {pipelineOf(bins(attributes{"bin_edges_": &pickle.Array{Shape: []int{1}, Objects: []pickle.Node{vector(0, 1)}}}), regression()), false, "pipeline.steps[0].bin_edges_", "array of 2"},
		"bins of singles":    {pipelineOf(bins(attributes{"dtype": &pickle.Class{Module: "numpy", Name: "float32"}}), regression()), true, "pipeline.steps[0].dtype", "float64"},
		"another encoding":   {pipelineOf(bins(attributes{"encode": pickle.Str("x")}), regression()), true, "pipeline.steps[0].encode", "ordinal"},
		"imputes text":       {pipelineOf(imputer(attributes{"missing_values": pickle.Str("x")}), regression()), true, "pipeline.steps[0].missing_values", "NaN"},
		"imputes no column":  {pipelineOf(imputer(attributes{"statistics_": vector(math.NaN(), math.NaN())}), regression()), false, "pipeline.steps[0].statistics_", "no column"},
		"constant NaN":       {pipelineOf(imputer(attributes{"statistics_": vector(math.NaN(), 1), "strategy": pickle.Str("constant")}), regression()), true, "pipeline.steps[0].statistics_", "version"},
		"no indicator":       {pipelineOf(imputer(attributes{"add_indicator": pickle.Bool(true)}), regression()), false, "pipeline.steps[0].indicator_", "missing"},
		"column of None":     {pipelineOf(chosen(pickle.None{}), regression()), true, "pipeline.steps[0].transformers_[0][2]", "by None"},
		"column beyond":      {pipelineOf(chosen(ints(2)), regression()), false, "pipeline.steps[0].transformers_[0][2]", "has 2"},
		"column before":      {pipelineOf(chosen(ints(-3)), regression()), false, "pipeline.steps[0].transformers_[0][2]", "has -3"},
		"unknown name":       {pipelineOf(chosen(&pickle.List{Items: []pickle.Node{pickle.Str("third")}}), regression()), true, "pipeline.steps[0].transformers_[0][2]", "third"},
		"short mask":         {pipelineOf(chosen(&pickle.List{Items: []pickle.Node{pickle.Bool(true)}}), regression()), false, "pipeline.steps[0].transformers_[0][2]", "mask of 1"},
		"slice of names":     {pipelineOf(chosen(slice(pickle.Str("first"))), regression()), true, "pipeline.steps[0].transformers_[0][2]", "slice"},
		"slice backwards":    {pipelineOf(chosen(slice(pickle.None{}, pickle.None{}, pickle.Int(-1))), regression()), true, "pipeline.steps[0].transformers_[0][2]", "backwards"},
		"no columns":         {pipelineOf(chosen(ints()), regression()), false, "pipeline.steps[0]", "no columns"},
		"loss":               {object("sklearn.linear_model._stochastic_gradient", "SGDClassifier", fittedState, attributes{"loss": pickle.Str("hinge")}), true, "model.loss", "modified_huber"},
		"nothing calibrated": {calibrated(attributes{"calibrated_classifiers_": &pickle.List{}}), false, "model.calibrated_classifiers_", "not a list"},
		"no calibrator":      {calibrated(member(attributes{"calibrators": &pickle.List{}})), false, "model.calibrated_classifiers_[0].calibrators", "for each of 1 decisions"},
		"another calibrator": {calibrated(member(attributes{"calibrators": &pickle.List{Items: []pickle.Node{scaler()}}})), true, "model.calibrated_classifiers_[0].calibrators[0]", "StandardScaler"},
		"another method":     {calibrated(member(attributes{"method": pickle.Str("other")})), true, "model.calibrated_classifiers_[0].method", "other"},
		"calibrated scaler":  {calibrated(member(attributes{"estimator": scaler()})), true, "model.calibrated_classifiers_[0].estimator", "LogisticRegression"},
		"calibrated text":    {calibrated(member(attributes{"estimator": pickle.Str("x")})), false, "model.calibrated_classifiers_[0].estimator", "missing"},
		"isotonic descends":  {calibrated(member(isotonic(vector(1, 0), vector(0, 1)))), false, "model.calibrated_classifiers_[0].calibrators[0].X_thresholds_", "ascend"},
		"isotonic beyond 1":  {calibrated(member(isotonic(vector(0, 1), vector(0, 2)))), false, "model.calibrated_classifiers_[0].calibrators[0].y_thresholds_", "no probability"},
		"isotonic lengths":   {calibrated(member(isotonic(vector(0, 1), vector(0)))), false, "model.calibrated_classifiers_[0].calibrators[0].y_thresholds_", "shape"},
		"isotonic empty":     {calibrated(member(isotonic(vector(), vector()))), false, "model.calibrated_classifiers_[0].calibrators[0].X_thresholds_", "ascend"},

		"not fitted":           {regression(attributes{"coef_": nil}), false, "model", "before it was fitted"},
		"no classes":           {regression(attributes{"classes_": nil}), false, "model.classes_", "missing"},
		"one class":            {regression(attributes{"classes_": vector(1)}), true, "model.classes_", "has 1 classes"},
		"three classes":        {regression(attributes{"classes_": vector(0, 1, 2)}), false, "model.classes_", "has 3 classes"},
		"equal classes":        {regression(attributes{"classes_": vector(1, 1)}), false, "model.classes_", "twice"},
		"classes NaN and 1":    {regression(attributes{"classes_": vector(math.NaN(), 1)}), false, "model.classes_", "NaN"},
		"coef is text":         {regression(attributes{"coef_": pickle.Str("x")}), false, "model.coef_", "not an array"},
		"coef is deep":         {regression(attributes{"coef_": matrix([]int{1, 1, 2}, 1, 2)}), false, "model.coef_", "has shape [1 1 2]"},
		"coef has two rows":    {regression(attributes{"coef_": matrix([]int{2, 2}, 1, 2, 3, 4)}), false, "model.intercept_", "1 numbers for 2 rows"},
		"coef is empty":        {regression(attributes{"coef_": matrix([]int{1, 0})}), false, "model.coef_", "has shape [1 0]"},
		"coef NaN":             {regression(attributes{"coef_": row(1, math.NaN())}), false, "model.coef_", "has NaN at 1"},
		"intercept infinite":   {regression(attributes{"intercept_": vector(math.Inf(-1))}), false, "model.intercept_", "has -Inf"},
		"two intercepts":       {regression(attributes{"intercept_": vector(1, 2)}), false, "model.intercept_", "2 numbers for 1 rows"},
		"no intercept":         {regression(attributes{"intercept_": nil}), false, "model.intercept_", "missing"},
		"features do not fit":  {regression(attributes{"n_features_in_": pickle.Int(3)}), false, "model.n_features_in_", "2 columns"},
		"another multi_class":  {regression(attributes{"multi_class": pickle.Str("x")}), true, "model.multi_class", "not one of"},
		"state is no dict":     {&pickle.Object{Class: regression().Class, Args: &pickle.Tuple{}, State: pickle.Int(1)}, false, "model", "is int, not dict"},
		"scaler not fitted":    {parts(attributes{"scaler": scaler(attributes{"scale_": nil})}), false, "artifact['scaler']", "before it was fitted"},
		"mean is None":         {parts(attributes{"scaler": scaler(attributes{"mean_": pickle.None{}})}), false, "artifact['scaler'].mean_", "missing"},
		"mean does not fit":    {parts(attributes{"scaler": scaler(attributes{"mean_": vector(1, 2, 3)})}), false, "artifact['scaler'].mean_", "2 columns"},
		"scale does not fit":   {parts(attributes{"scaler": scaler(attributes{"scale_": row(1, 2)})}), false, "artifact['scaler'].scale_", "has shape [1 2]"},
		"scale has a zero":     {parts(attributes{"scaler": scaler(attributes{"scale_": vector(1, 0)})}), false, "artifact['scaler'].scale_", "zero at 1"},
		"scale infinite":       {parts(attributes{"scaler": scaler(attributes{"scale_": vector(1, math.Inf(1))})}), false, "artifact['scaler'].scale_", "+Inf at 1"},
		"scaler of objects":    {parts(attributes{"scaler": scaler(attributes{"mean_": &pickle.Array{DType: pickle.DType{Code: 'O', Size: 8}}})}), false, "artifact['scaler'].mean_", "has shape"},
		"state of a scaler":    {parts(attributes{"scaler": &pickle.Object{Class: scaler().Class, Args: &pickle.Tuple{}, State: pickle.Int(1)}}), false, "artifact['scaler']", "not dict"},
		"state of a pipeline":  {&pickle.Object{Class: pipelineOf().Class, Args: &pickle.Tuple{}, State: pickle.Int(1)}, false, "pipeline", "not dict"},
		"an unfitted pipeline": {pipelineOf(scaler(), regression(attributes{"coef_": nil})), false, "pipeline.steps[1]", "before it was fitted"},
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

func TestClasses(t *testing.T) {
	for name, test := range map[string]struct {
		module, name string
		standing     pickle.Standing
		advice       string
	}{
		"supported":           {"sklearn.linear_model._logistic", "LogisticRegression", pickle.Welcome, ""},
		"old path":            {"sklearn.linear_model.logistic", "LogisticRegression", pickle.Welcome, ""},
		"loss":                {"sklearn.linear_model._sgd_fast", "Hinge", pickle.Inert, ""},
		"at another place":    {"sklearn.linear_model", "LogisticRegression", pickle.Known, "supported are"},
		"estimator":           {"sklearn.svm._classes", "SVC", pickle.Known, "supported are"},
		"private class":       {"sklearn.tree._tree", "_Tree", pickle.Known, "supported are"},
		"other library":       {"lightgbm.sklearn", "LGBMClassifier", pickle.Known, "supported are"},
		"old joblib":          {"joblib.numpy_pickle", "NDArrayWrapper", pickle.Known, "before 0.10"},
		"old joblib, moved":   {"joblib.numpy_pickle_compat", "ZNDArrayWrapper", pickle.Known, "before 0.10"},
		"joblib's functions":  {"joblib.numpy_pickle", "load", pickle.Foreign, ""},
		"function":            {"sklearn.utils", "check_array", pickle.Foreign, ""},
		"runs code":           {"numpy.testing._private.utils", "runstring", pickle.Foreign, ""},
		"looks like sklearn":  {"sklearnx.svm", "SVC", pickle.Foreign, ""},
		"module of no name":   {"sklearn", "", pickle.Foreign, ""},
		"class of the system": {"subprocess", "Popen", pickle.Foreign, ""},
	} {
		t.Run(name, func(t *testing.T) {
			standing, advice := classes(test.module, test.name)
			if standing != test.standing || !strings.Contains(advice, test.advice) {
				t.Errorf("got %v, %q", standing, advice)
			}
		})
	}
}
