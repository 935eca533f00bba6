package sklearn

import (
	"math"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// functionOf is what one of numpy's functions does, by its name; nil for one that is not known. The list is closed: any
// other function in an artifact is refused.
func functionOf(name string) func(float64) float64 {
	switch name {
	case "log1p":
		return math.Log1p
	case "log":
		return math.Log
	case "log2":
		return math.Log2
	case "log10":
		return math.Log10
	case "exp":
		return math.Exp
	case "expm1":
		return math.Expm1
	case "sqrt":
		return math.Sqrt
	case "cbrt":
		return math.Cbrt
	case "square":
		return func(x float64) float64 { return x * x }
	case "abs", "absolute":
		return math.Abs
	case "negative":
		return func(x float64) float64 { return -x }
	case "tanh":
		return math.Tanh
	default:
		return nil
	}
}

// isNumpyFunction says that a name is one of the functions that functionOf knows.
func isNumpyFunction(module, name string) bool {
	modules := []string{"numpy", "numpy.core._multiarray_umath", "numpy._core._multiarray_umath"}
	return slices.Contains(modules, module) && functionOf(name) != nil
}

// function reads an attribute that is None, for which nil is returned, or one of numpy's functions.
func (f fitted) function(name string) (func(float64) float64, error) {
	if f.isNone(name) {
		return nil, nil //nolint:nilnil // no function is none
	}
	class, ok := f.node(name).(*pickle.Class)
	if !ok || !isNumpyFunction(class.Module, class.Name) {
		return nil, unsupported(f.path+"."+name, "is a function, which is not run; supported are None and numpy's log1p, log, "+
			"log2, log10, exp, expm1, sqrt, cbrt, square, abs, negative and tanh")
	}
	return functionOf(class.Name), nil
}

// readFunction reads a FunctionTransformer of one of numpy's functions, or of none, which is also how newer versions write
// 'passthrough'.
func readFunction(_ *reader, from step, columns int) (tabular.Stage, error) {
	attributes, err := from.attributes("", columns)
	if err != nil {
		return nil, err
	}
	function, err := attributes.function("func")
	if err != nil {
		return nil, err
	}
	if arguments, ok := attributes.node("kw_args").(*pickle.Dict); ok && len(arguments.Entries) > 0 && function != nil {
		return nil, unsupported(from.path+".kw_args", "are arguments for the function; supported are none")
	}
	validates := attributes.is("validate")
	switch {
	case function != nil:
		return &tabular.Each{Columns: columns, Function: function, Checks: validates}, nil
	case validates:
		return &tabular.Check{Columns: columns}, nil
	default:
		return nil, nil //nolint:nilnil // a stage that changes nothing is none
	}
}

// readMapped reads a TransformedTargetRegressor: a regressor, and what makes the score of its number.
func readMapped(r *reader, from step, in table) (scorer, error) {
	attributes, err := from.attributes("regressor_", in.Columns)
	if err != nil {
		return scorer{}, err
	}
	inner, err := attributes.object("regressor_")
	if err != nil {
		return scorer{}, err
	}
	before, last, err := r.estimator(inner, in)
	if err != nil {
		return scorer{}, err
	}
	if last.Bounded() || last.Outputs() != 1 {
		return scorer{}, broken(inner.path, "is no regressor")
	}
	target, err := attributes.object("transformer_")
	if err != nil {
		return scorer{}, err
	}
	back, err := r.inverse(target)
	if err != nil {
		return scorer{}, err
	}
	var estimator tabular.Estimator = &tabular.Whole{Steps: before, Estimator: last.Estimator}
	if back != nil {
		estimator = &tabular.Mapped{Of: estimator, Function: back}
	}
	return scorer{Estimator: estimator}, nil
}

// inverse reads the way back through a transformer of a target; nil for one that changes nothing.
func (r *reader) inverse(from step) (func(float64) float64, error) {
	switch from.object.Class.Name {
	case "FunctionTransformer":
		attributes, err := from.attributes("", 0)
		if err != nil {
			return nil, err
		}
		return attributes.function("inverse_func")
	case "StandardScaler":
		stage, err := readStandardScaler(r, from, 1)
		if err != nil {
			return nil, err
		}
		scale, center := 1.0, 0.0
		if standardise, ok := stage.(*tabular.Standardise); ok {
			if standardise.Scale != nil {
				scale = standardise.Scale[0]
			}
			if standardise.Center != nil {
				center = standardise.Center[0]
			}
		}
		return func(x float64) float64 { return float64(x*scale) + center }, nil
	default:
		return nil, unsupported(from.path, "is %s; supported are FunctionTransformer and StandardScaler", from.object.Class)
	}
}
