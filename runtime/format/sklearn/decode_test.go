package sklearn

import (
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"slices"
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

func floats(shape []int, values ...float64) *pickle.Array {
	array := &pickle.Array{DType: pickle.DType{Code: 'f', Size: 8}, Shape: shape}
	for _, value := range values {
		array.Data = binary.LittleEndian.AppendUint64(array.Data, math.Float64bits(value))
	}
	return array
}

func vector(values ...float64) *pickle.Array { return floats([]int{len(values)}, values...) }

func row(values ...float64) *pickle.Array { return floats([]int{1, len(values)}, values...) }

// regression is a fitted LogisticRegression of two features, but for the changes.
func regression(changes ...attributes) *pickle.Object {
	fitted := attributes{
		"coef_": row(0.5, -2), "intercept_": vector(0.25), "classes_": vector(0, 1), "n_features_in_": pickle.Int(2),
	}
	return object("sklearn.linear_model._logistic", "LogisticRegression", append([]attributes{fitted}, changes...)...)
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

func TestDecode(t *testing.T) {
	plain := Model{Coef: []float64{0.5, -2}, Intercept: 0.25, Factor: 1}
	with := func(change func(*Model)) Model {
		changed := plain
		change(&changed)
		return changed
	}
	scaled := func(form Form) Model {
		return with(func(m *Model) { m.Form, m.Mean, m.Scale = form, []float64{1, 2}, []float64{4, 8} })
	}
	bare := with(func(m *Model) { m.Form = Bare })
	for name, test := range map[string]struct {
		root     pickle.Node
		expected Model
	}{
		"parts":            {parts(nil), scaled(Parts)},
		"no scaler":        {parts(attributes{"scaler": pickle.None{}}), with(func(m *Model) { m.Form = Parts })},
		"absent parts":     {dict(attributes{"model": regression()}), with(func(m *Model) { m.Form = Parts })},
		"remarks":          {parts(attributes{"trained_at": pickle.Str("today")}), scaled(Parts)},
		"bare":             {regression(), bare},
		"pipeline":         {pipelineOf(scaler(), regression()), scaled(Pipeline)},
		"skipped steps":    {pipelineOf(pickle.None{}, scaler(), pickle.Str("passthrough"), regression()), scaled(Pipeline)},
		"only a regressor": {pipelineOf(regression()), with(func(m *Model) { m.Form = Pipeline })},
		"no mean": {
			parts(attributes{"scaler": scaler(attributes{"with_mean": pickle.Bool(false)})}),
			with(func(m *Model) { m.Form, m.Scale = Parts, []float64{4, 8} }),
		},
		"no deviation": {
			parts(attributes{"scaler": scaler(attributes{"with_std": pickle.Bool(false), "scale_": pickle.None{}})}),
			with(func(m *Model) { m.Form, m.Mean = Parts, []float64{1, 2} }),
		},
		"flags as ints": {
			parts(attributes{"scaler": scaler(attributes{"with_mean": pickle.Int(0), "with_std": pickle.Int(1)})}),
			with(func(m *Model) { m.Form, m.Scale = Parts, []float64{4, 8} }),
		},
		"scalar intercept":  {regression(attributes{"intercept_": pickle.Float(0.25)}), bare},
		"integer intercept": {regression(attributes{"intercept_": pickle.Int(3)}), with(func(m *Model) { m.Form, m.Intercept = Bare, 3 })},
		"signs":             {regression(attributes{"classes_": vector(-1, 1)}), bare},
		"ovr":               {regression(attributes{"multi_class": pickle.Str("ovr")}), bare},
		"auto":              {regression(attributes{"multi_class": pickle.Str("auto")}), bare},
		"deprecated":        {regression(attributes{"multi_class": pickle.Str("deprecated")}), bare},
		"multinomial":       {regression(attributes{"multi_class": pickle.Str("multinomial")}), with(func(m *Model) { m.Form, m.Factor = Bare, 2 })},
		"without count":     {regression(attributes{"n_features_in_": nil}), bare},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decode(test.root)
			if err != nil {
				t.Fatal(err)
			}
			want := test.expected
			if got.Form != want.Form || got.Intercept != want.Intercept || got.Factor != want.Factor ||
				!slices.Equal(got.Coef, want.Coef) || !slices.Equal(got.Mean, want.Mean) || !slices.Equal(got.Scale, want.Scale) {
				t.Errorf("got %+v, expected %+v", *got, want)
			}
		})
	}
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
		"model is text":    {parts(attributes{"model": pickle.Str("x")}), true, "artifact['model']", "is a str"},
		"another scaler":   {parts(attributes{"scaler": regression()}), true, "artifact['scaler']", "LogisticRegression"},
		"scaler is text":   {parts(attributes{"scaler": pickle.Str("x")}), true, "artifact['scaler']", "is a str"},
		"not trained":      {parts(attributes{"is_trained": pickle.Bool(false)}), false, "artifact['is_trained']", "before it was trained"},
		"trained is bytes": {parts(attributes{"is_trained": pickle.Bytes("x")}), false, "artifact['is_trained']", "not True"},

		"no steps":           {object("sklearn.pipeline", "Pipeline"), false, "pipeline.steps", "not a list"},
		"empty steps":        {pipelineOf(), false, "pipeline.steps", "not a list"},
		"step is no pair":    {object("sklearn.pipeline", "Pipeline", attributes{"steps": &pickle.List{Items: []pickle.Node{pickle.Int(1)}}}), false, "pipeline.steps[0]", "not a pair"},
		"another step":       {pipelineOf(other, regression()), true, "pipeline.steps[0]", "_other.Other"},
		"ends in a scaler":   {pipelineOf(scaler()), true, "pipeline.steps[0]", "not supported at this place"},
		"ends in nothing":    {pipelineOf(scaler(), pickle.None{}), true, "pipeline.steps[1]", "is None"},
		"two scalers":        {pipelineOf(scaler(), scaler(), regression()), true, "pipeline.steps[1]", "at this place"},
		"regressor first":    {pipelineOf(regression(), regression()), true, "pipeline.steps[0]", "at this place"},
		"pipeline in itself": {pipelineOf(pipelineOf(scaler()), regression()), true, "pipeline.steps[0]", "Pipeline"},

		"not fitted":           {regression(attributes{"coef_": nil}), false, "model", "before it was fitted"},
		"no classes":           {regression(attributes{"classes_": nil}), false, "model.classes_", "missing"},
		"one class":            {regression(attributes{"classes_": vector(1)}), true, "model.classes_", "has 1 classes"},
		"three classes":        {regression(attributes{"classes_": vector(0, 1, 2)}), true, "model.classes_", "has 3 classes"},
		"classes 1 and 2":      {regression(attributes{"classes_": vector(1, 2)}), true, "model.classes_", "[1 2]"},
		"classes 1 and 0":      {regression(attributes{"classes_": vector(1, 0)}), true, "model.classes_", "[1 0]"},
		"classes NaN and 1":    {regression(attributes{"classes_": vector(math.NaN(), 1)}), true, "model.classes_", "NaN"},
		"coef is text":         {regression(attributes{"coef_": pickle.Str("x")}), false, "model.coef_", "not an array"},
		"coef is flat":         {regression(attributes{"coef_": vector(1, 2)}), false, "model.coef_", "has shape [2]"},
		"coef has two rows":    {regression(attributes{"coef_": floats([]int{2, 1}, 1, 2)}), false, "model.coef_", "has shape [2 1]"},
		"coef is empty":        {regression(attributes{"coef_": floats([]int{1, 0})}), false, "model.coef_", "has shape [1 0]"},
		"coef NaN":             {regression(attributes{"coef_": row(1, math.NaN())}), false, "model.coef_", "has NaN at 1"},
		"intercept infinite":   {regression(attributes{"intercept_": vector(math.Inf(-1))}), false, "model.intercept_", "has -Inf"},
		"two intercepts":       {regression(attributes{"intercept_": vector(1, 2)}), false, "model.intercept_", "has shape [2]"},
		"no intercept":         {regression(attributes{"intercept_": nil}), false, "model.intercept_", "missing"},
		"features do not fit":  {regression(attributes{"n_features_in_": pickle.Int(3)}), false, "model.n_features_in_", "2 columns"},
		"another multi_class":  {regression(attributes{"multi_class": pickle.Str("x")}), true, "model.multi_class", "not one of"},
		"state is no dict":     {&pickle.Object{Class: regression().Class, Args: &pickle.Tuple{}, State: pickle.Int(1)}, false, "model", "is int, not dict"},
		"scaler not fitted":    {parts(attributes{"scaler": scaler(attributes{"scale_": nil})}), false, "artifact['scaler']", "before it was fitted"},
		"mean is None":         {parts(attributes{"scaler": scaler(attributes{"mean_": pickle.None{}})}), false, "artifact['scaler'].mean_", "missing"},
		"mean does not fit":    {parts(attributes{"scaler": scaler(attributes{"mean_": vector(1, 2, 3)})}), false, "artifact['scaler'].mean_", "2 features"},
		"scale does not fit":   {parts(attributes{"scaler": scaler(attributes{"scale_": row(1, 2)})}), false, "artifact['scaler'].scale_", "has shape [1 2]"},
		"scale has a zero":     {parts(attributes{"scaler": scaler(attributes{"scale_": vector(1, 0)})}), false, "artifact['scaler'].scale_", "zero at 1"},
		"scale infinite":       {parts(attributes{"scaler": scaler(attributes{"scale_": vector(1, math.Inf(1))})}), false, "artifact['scaler'].scale_", "+Inf at 1"},
		"scaler of objects":    {parts(attributes{"scaler": scaler(attributes{"mean_": &pickle.Array{DType: pickle.DType{Code: 'O', Size: 8}}})}), false, "artifact['scaler'].mean_", "O8"},
		"state of a scaler":    {parts(attributes{"scaler": &pickle.Object{Class: scaler().Class, Args: &pickle.Tuple{}, State: pickle.Int(1)}}), false, "artifact['scaler']", "not dict"},
		"state of a pipeline":  {&pickle.Object{Class: pipelineOf().Class, Args: &pickle.Tuple{}, State: pickle.Int(1)}, false, "pipeline", "not dict"},
		"an unfitted pipeline": {pipelineOf(scaler(), regression(attributes{"coef_": nil})), false, "pipeline.steps[1]", "before it was fitted"},
	} {
		t.Run(name, func(t *testing.T) {
			model, err := decode(test.root)
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
		"at another place":    {"sklearn.linear_model", "LogisticRegression", pickle.Known, "supported are"},
		"estimator":           {"sklearn.svm._classes", "SVC", pickle.Known, "supported are"},
		"private class":       {"sklearn.tree._tree", "_Tree", pickle.Known, "supported are"},
		"other library":       {"lightgbm.sklearn", "LGBMClassifier", pickle.Known, "supported are"},
		"joblib":              {"joblib.numpy_pickle", "NumpyArrayWrapper", pickle.Known, "pickle.dump"},
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
