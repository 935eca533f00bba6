package sklearn

import (
	"math"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// readHashedTerms reads a HashingVectorizer.
func readHashedTerms(r *reader, from step, in table) (made, error) {
	attributes, err := r.oneText(from, in)
	if err != nil {
		return made{}, err
	}
	analyzer, err := r.analyzer(attributes)
	if err != nil {
		return made{}, err
	}
	columns, err := attributes.hashColumns()
	if err != nil {
		return made{}, err
	}
	options := tabular.TermOptions{
		Binary: attributes.is("binary"), Weights: &tabular.Weights{Columns: columns}, Origins: in.origins,
	}
	if err := attributes.norm(options.Weights); err != nil {
		return made{}, err
	}
	if !options.Weights.Normed {
		options.Weights = nil
	}
	signed := attributes.is("alternate_sign")
	return made{Transform: tabular.HashedTerms(analyzer, columns, signed, options)}, attributes.dtype(doubles)
}

// hashColumns reads n_features, of which tabular.New checks that the next step takes as many.
func (f fitted) hashColumns() (int, error) {
	node, _ := f.Get("n_features")
	columns, ok := node.(pickle.Int)
	if !ok || columns < 1 || columns >= math.MaxInt32 {
		return 0, broken(f.path+".n_features", "is not a number of columns")
	}
	return int(columns), f.dtype(doubles)
}

// readHashed reads a FeatureHasher: of lists of texts, or of fields.
func readHashed(r *reader, from step, in table) (made, error) {
	attributes, err := from.attributes("", 0)
	if err != nil {
		return made{}, err
	}
	columns, err := attributes.hashColumns()
	if err != nil {
		return made{}, err
	}
	signed := attributes.is("alternate_sign")
	switch input := attributes.text("input_type"); input {
	case "string":
		if err := r.texts(from, in); err != nil {
			return made{}, err
		}
		return made{Transform: tabular.NewHashedTexts(in.Columns, columns, signed, in.origins)}, nil
	case "dict", "pair":
		if err := r.one(from, in, tabular.Fields); err != nil {
			return made{}, err
		}
		if origin := in.origin(0); origin >= 0 {
			r.columns[origin].Open = true
		}
		return made{Transform: tabular.NewHashedFields(columns, signed, in.origins)}, nil
	default:
		return made{}, unsupported(from.path+".input_type", "is %.32q; supported are 'dict', 'pair' and 'string'", input)
	}
}

// texts says of a flat column that it is lists of texts, and of a table's that each is a text.
func (r *reader) texts(from step, in table) error {
	if in.flat {
		return r.one(from, in, tabular.Texts)
	}
	for column := range in.Columns {
		if err := r.cells(from, in, column); err != nil {
			return err
		}
		if err := r.mark(from, in, column, tabular.Text, false); err != nil {
			return err
		}
	}
	return nil
}
