package model

import (
	"errors"

	"github.com/ctr-operator/ctr-operator/runtime/features"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// The fields of the CTR feature set, in the order of the signature.
const (
	fieldQuery = iota
	fieldDocID
	fieldPosition
	fieldScore
	fieldSummary
)

func ctrFields() []Field {
	return []Field{
		fieldQuery:    {Name: "query", Kind: String, Required: true},
		fieldDocID:    {Name: "doc_id", Kind: String},
		fieldPosition: {Name: "position", Kind: Number, Required: true},
		fieldScore:    {Name: "score", Kind: Number, Required: true},
		fieldSummary:  {Name: "summary", Kind: String, Required: true},
	}
}

func (m *Model) predictCTR(values []Value) (float64, error) {
	for i, field := range m.signature.Fields {
		if field.Required && (i >= len(values) || !values[i].Set) {
			return 0, &InputError{Field: field.Name, Message: "is missing"}
		}
	}
	var vector [features.CTR12Len]float64
	m.ctr.Fill(vector[:], features.CTR12Input{
		Query:    values[fieldQuery].Str,
		Summary:  values[fieldSummary].Str,
		Position: values[fieldPosition].Num,
		Score:    values[fieldScore].Num,
	})
	p, err := m.tabular.Predict(vector[:])
	if err != nil {
		return 0, ctrError(err, values)
	}
	return p, nil
}

// ctrError names the field of which an offending feature was made.
func ctrError(err error, values []Value) error {
	var feature *tabular.FeatureError
	if !errors.As(err, &feature) {
		return err
	}
	const scoreFeature = features.CTR12Len - 1
	switch {
	case feature.Index == scoreFeature:
		return &InputError{Field: "score", Message: "is out of the model's range"}
	case values[fieldPosition].Num == -1:
		return &InputError{Field: "position", Message: "must not be -1: 1/(position+1) is one of the model's features"}
	default:
		return &InputError{Field: "position", Message: "is out of the model's range"}
	}
}
