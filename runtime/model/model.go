package model

import (
	"context"
	"errors"
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/features"
)

// The model types.
const (
	// TypeLogisticRegression is a model with one layer of weights: a scikit-learn artifact, or a network that has no more
	// than one on any way from its inputs to its score.
	TypeLogisticRegression = "LogisticRegression"
	// TypeWideAndDeep is any network.
	TypeWideAndDeep = "WideAndDeep"
)

// DefaultMaxBytes is the largest model file that is read where Options does not say otherwise.
const DefaultMaxBytes = 1 << 30

// Options shape an Open. The zero value opens any supported model.
type Options struct {
	// Type is the declared model type; empty accepts whatever the artifact is.
	Type string
	// Format is what wrote the artifact, one of Formats; empty means that the content tells.
	Format string
	// MaxBytes is the largest model file that is read; 0 means DefaultMaxBytes.
	MaxBytes int64
	// Tokenizer is asked for the tokenizer when, and only when, the model's features need it. nil loads one for this
	// model alone; a process with several models, or one that wants to load it early, shares a source.
	Tokenizer func() (*features.Tokenizer, error)
}

// Model is an opened artifact. It is safe for concurrent use until it is closed.
type Model struct {
	signature   Signature
	description Description
	predictor   predictor
	golden      string
}

// predictor is what of a model is particular to how it computes. It is safe for concurrent use.
type predictor interface {
	// one is a row's chosen score.
	one(row *Row) (float64, error)
	// row is all scores of one.
	row(row *Row, out []float64) error
	// batch are the chosen scores of rows, in out; all are all scores, row by row.
	batch(rows []Row, out []float64) error
	all(rows []Row, out []float64) error
}

// Open opens the artifact in a directory, which holds the model's file and, if it is a bundle, what belongs to it; or
// an artifact that is a single file. It ends early where the context does. Its errors are *LoadError, or the context's.
func Open(ctx context.Context, location string, options Options) (*Model, error) {
	if err := options.complete(); err != nil {
		return nil, err
	}
	found, err := openArtifact(ctx, location, options.Format)
	if err != nil {
		return nil, err
	}
	defer found.close()
	l := &loading{artifact: found, options: options, model: &Model{}}
	if err := l.readFeatures(); err != nil {
		return nil, err
	}
	if err := found.format.open(ctx, l); err != nil {
		return nil, err
	}
	l.model.golden = found.path(found.golden)
	l.describe()
	if options.Type != "" {
		l.model.description.Type = options.Type
	}
	return l.model, nil
}

// complete fills in the defaults.
func (o *Options) complete() error {
	if o.Type != "" && o.Type != TypeLogisticRegression && o.Type != TypeWideAndDeep {
		return loadError(contract.ReasonUnsupportedModel, wholeArtifact, fmt.Sprintf(
			"model type %q is not supported; supported are %s and %s", o.Type, TypeLogisticRegression, TypeWideAndDeep))
	}
	if o.Format != "" && formatNamed(o.Format) == nil {
		return loadError(contract.ReasonUnsupportedModel, wholeArtifact, fmt.Sprintf(
			"format %q is not supported; supported are %s", o.Format, list(Formats())))
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Tokenizer == nil {
		o.Tokenizer = features.LoadTokenizer
	}
	return nil
}

// loading is an Open under way.
type loading struct {
	*artifact

	options Options
	// text is the bundle's feature file; nil where it has none, in which case the format may have one of its own.
	text  []byte
	model *Model
	// preset is the one that the artifact implies.
	preset string
}

// implied is the feature file that says nothing but to take a preset, for artifacts of which it is known without one.
func (l *loading) implied(preset string) (file string, text []byte) {
	l.preset = preset
	return featuresFile, features.Preset(preset)
}

// readFeatures reads the bundle's feature file, if it has one.
func (l *loading) readFeatures() error {
	if l.features == "" {
		return nil
	}
	var err error
	l.text, err = l.read(l.features, features.MaxBytes)
	if l.text == nil {
		l.text = []byte{}
	}
	return err
}

// compileFeatures makes a feature set of a feature file.
func (l *loading) compileFeatures(file string, text []byte, scalers map[string]features.Scaler) (*features.Set, error) {
	set, err := features.Read(file, text, features.Options{
		Tokenizer: l.options.Tokenizer,
		Scalers:   scalers,
		File:      func(name string) ([]byte, error) { return l.beside(file, name) },
	})
	if bad, ok := errors.AsType[*features.Error](err); ok {
		return nil, &LoadError{contract.ReasonArtifactMalformed, file, trimmed(file, bad), err}
	}
	if err != nil {
		return nil, &LoadError{contract.ReasonInternal, l.name, err.Error(), err}
	}
	return set, nil
}

// trimmed is a feature file's error without the file's name, which a LoadError has already.
func trimmed(file string, err *features.Error) string {
	if err.File != file || err.Line == 0 {
		return err.Message
	}
	return fmt.Sprintf("line %d: %s", err.Line, err.Message)
}

// Signature says what the model takes and gives. It must not be changed.
func (m *Model) Signature() Signature { return m.signature }

// Type is the model's: the declared one, or that which fits what the artifact is.
func (m *Model) Type() string { return m.description.Type }

// Golden is the path of the artifact's golden predictions, empty where it has none.
func (m *Model) Golden() string { return m.golden }

// OneScore is nil where Predict has a score to return, and else says what to do: a server asks before it serves.
func (m *Model) OneScore() error {
	if m.signature.Score >= 0 {
		return nil
	}
	return loadError(contract.ReasonUnsupportedModel, m.description.File, fmt.Sprintf(
		"has %d scores (%s), and one is served; say which in a features.yaml beside it, as in \"output: %s\"",
		len(m.signature.Scores), list(m.signature.Scores), m.signature.Scores[0]))
}

// Close frees what the model holds. No prediction may be under way, or follow.
func (m *Model) Close() error {
	*m = Model{}
	return nil
}

// errNoScore is for callers that did not look at the signature.
var errNoScore = errors.New("the model has several scores, of which none was chosen: ask for all, or choose one in features.yaml")

// Predict returns the score: the probability of a click, or a regressor's value. Its errors are *InputError, but for a
// model whose Signature has no single Score. It does not allocate, other than for an error.
func (m *Model) Predict(row *Row) (float64, error) {
	if m.signature.Score < 0 {
		return 0, errNoScore
	}
	return m.predictor.one(row)
}

// PredictBatch predicts each row's score into out, which must be as long as rows. It stops at the first row that cannot be
// predicted, whose *InputError has its index.
func (m *Model) PredictBatch(rows []Row, out []float64) error {
	switch {
	case m.signature.Score < 0:
		return errNoScore
	case len(rows) != len(out):
		return fmt.Errorf("%d rows, and place for %d predictions", len(rows), len(out))
	}
	return m.predictor.batch(rows, out)
}

// PredictInto predicts all scores of a row, in the order of Signature.Scores, into out, which must be as long as those.
// It does not allocate, other than for an error.
func (m *Model) PredictInto(row *Row, out []float64) error {
	if scores := len(m.signature.Scores); len(out) != scores {
		return fmt.Errorf("%d scores, and place for %d", scores, len(out))
	}
	return m.predictor.row(row, out)
}

// PredictAll predicts all scores of each row, one row after the other, into out.
func (m *Model) PredictAll(rows []Row, out []float64) error {
	if scores := len(m.signature.Scores); len(out) != scores*len(rows) {
		return fmt.Errorf("%d rows of %d scores, and place for %d", len(rows), scores, len(out))
	}
	return m.predictor.all(rows, out)
}

// shaped runs a feature set on a row's fields.
type shaped struct {
	set    *features.Set
	fields []Field
}

// newShaped gives a feature set's fields their place in the signature.
func newShaped(set *features.Set) *shaped {
	s := &shaped{set: set}
	kinds := map[features.Kind]Kind{features.String: String, features.Number: Number, features.Integer: Integer}
	for _, field := range set.Fields() {
		s.fields = append(s.fields, Field{Name: field.Name, Kind: kinds[field.Kind], Required: field.Required})
	}
	return s
}

// run sets a frame's fields to a row's values, and computes the features.
func (s *shaped) run(f *features.Frame, values []Value) error {
	for i := range s.fields {
		field := &s.fields[i]
		switch {
		case i >= len(values) || !values[i].Set:
			if field.Required {
				return missing(field)
			}
			f.SetDefault(i)
		case field.Kind == String:
			f.SetString(i, values[i].Str)
		case field.Kind == Number:
			f.SetNumber(i, values[i].Num)
		default:
			f.SetInteger(i, values[i].Int)
		}
	}
	return fromFeatures(f.Run())
}

func missing(field *Field) error { return &InputError{Field: field.Name, Message: "is missing"} }

// fromFeatures makes a feature set's error one of this package.
func fromFeatures(err error) error {
	if err == nil {
		return nil
	}
	if input, ok := errors.AsType[*features.InputError](err); ok {
		return &InputError{Field: input.Field, Message: input.Message}
	}
	return err
}

// atRow gives an error its row's place in a batch.
func atRow(err error, index int) error {
	if input, ok := errors.AsType[*InputError](err); ok {
		input.Index = index
	}
	return err
}
