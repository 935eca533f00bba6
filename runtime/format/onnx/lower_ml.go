package onnx

import (
	"math"
	"slices"
	"strconv"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

func (c *call) postTransform() (op.PostTransform, error) {
	return op.PostTransformOf(c.string("post_transform", "NONE"))
}

// linear makes the scores of a linear model: float(x)·coefficientsᵀ + intercepts.
func (c *call) linear(coefficients, intercepts []float32, targets int) (graph.Value, error) {
	if err := c.arity(1, 1); err != nil {
		return 0, err
	}
	if targets < 1 || len(coefficients)%targets != 0 {
		return 0, fault(Malformed, "%d coefficients for %d targets", len(coefficients), targets)
	}
	x := c.add(op.Cast{To: tensor.Float32}, c.input(0))
	w := c.constant(tensor.Of(coefficients, targets, len(coefficients)/targets))
	bias := graph.None
	if len(intercepts) > 0 {
		if len(intercepts) != targets {
			return 0, fault(Malformed, "%d intercepts for %d targets", len(intercepts), targets)
		}
		bias = c.constant(tensor.Of(intercepts, targets))
	}
	// A vector is a row.
	x = c.add(op.Reshape{}, x, c.int64s(-1, int64(len(coefficients)/targets)))
	return c.add(op.Gemm{Alpha: 1, Beta: 1, TransB: true}, x, w, bias), nil
}

func linearRegressor(c *call) error {
	post, err := c.postTransform()
	if err != nil {
		return err
	}
	scores, err := c.linear(c.floats("coefficients"), c.floats("intercepts"), c.int("targets", 1))
	if err != nil {
		return err
	}
	return c.bind(c.add(op.LinearScores{Post: post}, scores))
}

func linearClassifier(c *call) error {
	c.ignore("multi_class")
	post, err := c.postTransform()
	if err != nil {
		return err
	}
	labels, names, err := c.classLabels("classlabels_strings", "classlabels_ints")
	if err != nil {
		return err
	}
	coefficients, intercepts := c.floats("coefficients"), c.floats("intercepts")
	targets := len(intercepts)
	if targets == 0 {
		targets = labels.Len()
	}
	if targets != labels.Len() && (targets != 1 || labels.Len() != 2) {
		return fault(Malformed, "%d intercepts for %d classes", targets, labels.Len())
	}
	scores, err := c.linear(coefficients, intercepts, targets)
	if err != nil {
		return err
	}
	return c.classifier(op.LinearScores{Post: post, Labels: labels}, names, scores)
}

// classifier makes a node of a classifier, whose second output are scores of the classes.
func (c *call) classifier(o graph.Op, names []string, in ...graph.Value) error {
	out := c.addN(o, 2, in...)
	c.l.made[out[0]].labels = names
	return c.bind(out...)
}

// classLabels are the labels of classes, and their names.
func (c *call) classLabels(strings, ints string) (*tensor.Tensor, []string, error) {
	texts, numbers := c.strings(strings), c.ints(ints)
	switch {
	case len(texts) > 0:
		return tensor.Of(texts, len(texts)), texts, nil
	case len(numbers) > 0:
		return tensor.Of(numbers, len(numbers)), mapped(numbers, func(v int64) string { return strconv.FormatInt(v, 10) }), nil
	default:
		return nil, nil, fault(Malformed, "it has no labels of classes")
	}
}

func normalizer(c *call) error {
	norm := slices.Index([]string{"MAX", "L1", "L2"}, c.string("norm", "MAX"))
	if norm < 0 {
		return fault(Malformed, "there is no norm %s", quoted(c.string("norm", "")))
	}
	return c.plain(op.Normalizer{Norm: op.Norm(norm)}, 1, 1)
}

func scaler(c *call) error {
	o := op.Scaler{Offset: c.floats("offset"), Scale: c.floats("scale")}
	if len(o.Offset) == 0 || len(o.Scale) == 0 {
		return fault(Malformed, "it has no offset, or no scale")
	}
	return c.plain(o, 1, 1)
}

func binarizer(c *call) error { return c.plain(op.Binarizer{Threshold: c.float("threshold", 0)}, 1, 1) }

func imputer(c *call) error {
	o := op.Imputer{
		Floats: c.floats("imputed_value_floats"), Replaced: c.float("replaced_value_float", 0),
		Ints: c.ints("imputed_value_int64s"),
	}
	if a := c.attribute("replaced_value_int64", attributeInt); a != nil {
		o.ReplacedInt = a.i
	}
	return c.plain(o, 1, 1)
}

func featureVectorizer(c *call) error {
	if err := c.arity(len(c.in), len(c.in)); err != nil {
		return err
	}
	var o op.FeatureVectorizer
	for _, n := range c.ints("inputdimensions") {
		o.Dimensions = append(o.Dimensions, int(n))
	}
	return c.bind(c.add(o, c.in...))
}

func categoryMapper(c *call) error {
	a := c.attribute("default_int64", attributeInt)
	otherInt := int64(-1)
	if a != nil {
		otherInt = a.i
	}
	o, err := op.NewCategoryMapper(c.strings("cats_strings"), c.ints("cats_int64s"), c.string("default_string", "_Unused"), otherInt)
	if err != nil {
		return err
	}
	return c.plain(o, 1, 1)
}

func oneHotEncoder(c *call) error {
	categories, _, err := c.classLabels("cats_strings", "cats_int64s")
	if err != nil {
		return err
	}
	o, err := op.NewCategoryOneHot(categories, !c.bool("zeros", true))
	if err != nil {
		return err
	}
	return c.plain(o, 1, 1)
}

// labelEncoder was a list of strings in its first version; since then it has keys and values, each in one of several
// attributes.
func labelEncoder(c *call) error {
	if c.has("classes_strings") {
		names := c.strings("classes_strings")
		numbers := make([]int64, len(names))
		for i := range numbers {
			numbers[i] = int64(i)
		}
		o, err := op.NewCategoryMapper(names, numbers, c.string("default_string", "_Unused"), int64(c.int("default_int64", -1)))
		if err != nil {
			return err
		}
		return c.plain(o, 1, 1)
	}
	keys, err := c.list("keys")
	if err != nil {
		return err
	}
	values, err := c.list("values")
	if err != nil {
		return err
	}
	otherwise, err := c.labelDefault(values.DType())
	if err != nil {
		return err
	}
	o, err := op.NewLabelEncoder(keys, values, otherwise)
	if err != nil {
		return err
	}
	return c.plain(o, 1, 1)
}

// list is what one of the attributes prefix_strings, _int64s, _floats and _tensor has.
func (c *call) list(prefix string) (*tensor.Tensor, error) {
	switch {
	case c.has(prefix + "_strings"):
		values := c.strings(prefix + "_strings")
		return tensor.Of(values, len(values)), nil
	case c.has(prefix + "_int64s"):
		values := c.ints(prefix + "_int64s")
		return tensor.Of(values, len(values)), nil
	case c.has(prefix + "_floats"):
		values := c.floats(prefix + "_floats")
		return tensor.Of(values, len(values)), nil
	}
	t, err := c.tensor(prefix + "_tensor")
	if err == nil && t == nil {
		err = fault(Malformed, "it has no %s", prefix)
	}
	return t, err
}

// labelDefault is what elements become that are no key.
func (c *call) labelDefault(dtype tensor.DType) (*tensor.Tensor, error) {
	c.ignore("default_string", "default_int64", "default_float")
	given, err := c.tensor("default_tensor")
	if given != nil || err != nil {
		return given, err
	}
	switch dtype {
	case tensor.String:
		return tensor.Of([]string{c.string("default_string", "_Unused")}, 1), nil
	case tensor.Int64:
		return tensor.Of([]int64{int64(c.int("default_int64", -1))}, 1), nil
	case tensor.Int32:
		return tensor.Of([]int32{-1}, 1), nil
	case tensor.Float32:
		return tensor.Of([]float32{c.float("default_float", float32(math.Copysign(0, -1)))}, 1), nil
	case tensor.Float64:
		return tensor.Of([]float64{math.Copysign(0, -1)}, 1), nil
	default:
		return nil, fault(Unsupported, "values of %v", dtype)
	}
}

// zipMap only says what the columns of its input are called.
func zipMap(c *call) error {
	if err := c.arity(1, 1); err != nil {
		return err
	}
	_, names, err := c.classLabels("classlabels_strings", "classlabels_int64s")
	if err != nil {
		return err
	}
	if len(c.node.outputs) != 1 {
		return fault(Malformed, "%d outputs", len(c.node.outputs))
	}
	return c.l.define(c.s, c.node.outputs[0], value{v: c.input(0), class: classMap, labels: names})
}

// dictVectorizer makes a row of an input that is a map: the engine has an input for each key instead, which is zero where it is
// not given.
func dictVectorizer(c *call) error {
	const most = 4096
	if err := c.arity(0, 1); err != nil {
		return err
	}
	if len(c.values) != 1 || c.values[0].class != classMap || c.values[0].v != graph.None {
		return fault(Unsupported, "its input is not one of the model's that is a map")
	}
	input := c.values[0].input
	_, names, err := c.classLabels("string_vocabulary", "int64_vocabulary")
	if err != nil {
		return err
	}
	if len(names) > most {
		return fault(TooLarge, "a vocabulary of %d keys, of which %d are possible", len(names), most)
	}
	dtype, err := dtypeOf(input.elem)
	if err != nil {
		return err
	}
	if dtype == tensor.String || dtype == tensor.Bool {
		return fault(Unsupported, "a map whose values are %v", dtype)
	}
	columns := make([]graph.Value, len(names))
	for i, name := range names {
		columns[i], err = c.l.input(graph.Input{
			Name: name, DType: dtype, Shape: []int{graph.Any, 1}, Default: tensor.New(dtype, 1),
		})
		if err != nil {
			return err
		}
	}
	return c.bind(c.add(op.Concat{Axis: 1}, columns...))
}
