package model

import "fmt"

// Kind is the JSON type of an input field.
type Kind uint8

// Kinds of input fields.
const (
	String Kind = iota + 1
	Number
)

// String names the kind as error messages do ("must be a string").
func (k Kind) String() string {
	switch k {
	case String:
		return "string"
	case Number:
		return "number"
	default:
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
}

// Field is one named input of a model.
type Field struct {
	Name     string
	Kind     Kind
	Required bool
}

// FieldFeatures is the input's name under which every model takes its bare feature vector.
const FieldFeatures = "features"

// Signature says what a model takes: named fields (none where the artifact does not say how features are made from
// them), or a bare vector of Features numbers under the name FieldFeatures.
type Signature struct {
	Fields   []Field
	Features int
	// Missing says that a feature may be NaN, which stands for a missing value: the model was trained to fill it in. A
	// model may do so for some of its features only; predicting tells.
	Missing bool
}

// Value is one field's value. Which of Str and Num counts is the field's Kind.
type Value struct {
	Set bool
	Str string
	Num float64
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
	// Field is the input's name.
	Field string
	// Message completes the sentence that the field's path begins: "must be a number".
	Message string
}

func (e *InputError) Error() string { return e.Field + ": " + e.Message }
