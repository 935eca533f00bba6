package sklearn

import (
	"strings"
	"unicode"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
)

type class struct{ module, name string }

// kind is what a supported class is to a model.
type kind uint8

const (
	logisticRegression kind = iota + 1
	standardScaler
	pipeline
)

// supported lists the classes under all the modules that scikit-learn has kept them in. Adding one means a line here and
// a case in decode.go.
var supported = map[class]kind{
	{"sklearn.linear_model._logistic", "LogisticRegression"}: logisticRegression,
	{"sklearn.linear_model.logistic", "LogisticRegression"}:  logisticRegression,
	{"sklearn.preprocessing._data", "StandardScaler"}:        standardScaler,
	{"sklearn.preprocessing.data", "StandardScaler"}:         standardScaler,
	{"sklearn.pipeline", "Pipeline"}:                         pipeline,
}

const supportedText = "supported are LogisticRegression, alone, in a Pipeline after a StandardScaler, " +
	"or as {'model': LogisticRegression, 'scaler': StandardScaler or None}"

// libraries are the packages whose classes teams really put into artifacts. They are as little resolved as any other,
// but who meets one has the wrong model, not an attack.
var libraries = []string{
	"sklearn.", "scipy.", "numpy.", "pandas.", "xgboost.", "lightgbm.", "catboost.", "imblearn.", "category_encoders.",
	"keras.", "tensorflow.", "torch.",
}

// classes implements pickle.Classes.
func classes(module, name string) (pickle.Standing, string) {
	if _, ok := supported[class{module, name}]; ok {
		return pickle.Welcome, ""
	}
	if module == "joblib.numpy_pickle" {
		return pickle.Known, ": the file was written by joblib.dump; write it with pickle.dump"
	}
	for _, library := range libraries {
		if strings.HasPrefix(module, library) && isClassName(name) {
			return pickle.Known, "; " + supportedText
		}
	}
	return pickle.Foreign, ""
}

// isClassName tells a class from a function by the convention that all of these libraries keep.
func isClassName(name string) bool {
	for _, r := range strings.TrimLeft(name, "_") {
		return unicode.IsUpper(r)
	}
	return false
}
