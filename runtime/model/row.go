package model

import "fmt"

// Kind is the type of an input field.
type Kind uint8

// Kinds of input fields. What JSON calls a number is a Number or an Integer; the latter is exact over 64 bits.
const (
	String Kind = iota + 1
	Number
	Integer
	// Object is a JSON object of any names, with texts, lists of them, and numbers: what DictVectorizer and FeatureHasher take.
	Object
)

// String names the kind as error messages do ("must be a string").
func (k Kind) String() string {
	switch k {
	case String:
		return "string"
	case Number:
		return "number"
	case Integer:
		return "integer"
	case Object:
		return "object"
	default:
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
}

// Field is one named input of a model.
type Field struct {
	Name     string
	Kind     Kind
	Required bool
	// Bools says that a Number may be given as true or false, which are 1 and 0: in tables there are columns of them.
	Bools bool
	// Shape is that of one example's value: nil for a single one; -1 is a size that may differ from example to example, of which
	// there is one at most.
	Shape []int
	// Missing says that a number may be NaN, for JSON's null, which stands for a missing value: the model fills it in.
	Missing bool
}

// Count is how many values an example has; -1 where that may differ.
func (f *Field) Count() int {
	n := 1
	for _, size := range f.Shape {
		if size < 0 {
			return -1
		}
		n *= size
	}
	return n
}

// FieldFeatures is the input's name under which a model that takes one vector takes it bare.
const FieldFeatures = "features"

// ScoreName is the name of a model's score, where it has one.
const ScoreName = "ctr_score"

// Signature says what a model takes and gives: named fields, or a bare vector of numbers under the name FieldFeatures, or
// either of them; and scores.
type Signature struct {
	Fields []Field
	// Features is the length of the bare vector; 0 where the model takes none.
	Features int
	// Missing says that a feature may be NaN, which stands for a missing value: the model was trained to fill it in. A
	// model may do so for some of its features only; predicting tells.
	Missing bool
	// Open says that every input belongs to the only field, which is an Object: its names are the data's.
	Open bool
	// Scores are the names of what the model predicts: ScoreName where there is one score, else classes or outputs.
	Scores []string
	// Score is the place in Scores of the one that Predict returns; -1 where there are several, and none was chosen.
	Score int
	// Bounded says that the scores are probabilities.
	Bounded bool
}

// Value is one field's value. Which of its parts counts is the field's Kind: Str, Num or Int for a single value, and Strs,
// Nums or Ints for a field with a shape, flat and in row-major order; Members of an Object. A field of one value in a shape
// takes it either way.
type Value struct {
	Set  bool
	Str  string
	Num  float64
	Int  int64
	Strs []string
	Nums []float64
	Ints []int64
	// Members are an Object's, whose names differ.
	Members []Member
}

// Member is a name of an Object with its value: Str where Kind is String, or Strs, which is not nil, of a list of them; Num
// where it is Number; 0 is null.
type Member struct {
	Name string
	Kind Kind
	Str  string
	Num  float64
	Strs []string
}

// Row is one example to predict: Values, indexed like Signature.Fields, or the bare vector where Features is not nil.
type Row struct {
	Values   []Value
	Features []float64
}

// InputError says that an input cannot be predicted, and is the caller's fault.
type InputError struct {
	// Index is the row's place in a batch; 0 for a single prediction.
	Index int
	// Field is the input's name; empty where it is not known which it is.
	Field string
	// Message completes the sentence that the field's path begins: "must be a number".
	Message string
}

func (e *InputError) Error() string {
	if e.Field == "" {
		return e.Message
	}
	return e.Field + ": " + e.Message
}
