package model

import (
	"context"
	"errors"
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/features"
	"github.com/ctr-operator/ctr-operator/runtime/format/sklearn"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// TypeLogisticRegression is the model type that can be opened.
const TypeLogisticRegression = "LogisticRegression"

// DefaultMaxBytes is the largest model file that is read where Options does not say otherwise.
const DefaultMaxBytes = 1 << 30

// Options shape an Open. The zero value opens any supported model.
type Options struct {
	// Type is the declared model type; empty accepts whatever the artifact is.
	Type string
	// MaxBytes is the largest model file that is read; 0 means DefaultMaxBytes.
	MaxBytes int64
	// Tokenizer is asked for the tokenizer when, and only when, the model's features need it. nil loads one for this
	// model alone; a process with several models, or one that wants to load it early, shares a source.
	Tokenizer func() (*features.Tokenizer, error)
}

// Model is an opened artifact. It is safe for concurrent use until it is closed.
type Model struct {
	signature Signature
	tabular   *tabular.Model
	// ctr makes the features from the named fields; nil where the model takes a bare vector only.
	ctr    *features.CTR12
	golden string
}

// Open opens the artifact in a directory, which holds the model's file and, if it is a bundle, what belongs to it; or
// an artifact that is a single file. Its errors are *LoadError, or the context's.
func Open(ctx context.Context, location string, options Options) (*Model, error) {
	if options.Type != "" && options.Type != TypeLogisticRegression {
		return nil, loadError(contract.ReasonUnsupportedModel, wholeArtifact,
			fmt.Sprintf("model type %q is not supported; supported is %s", options.Type, TypeLogisticRegression))
	}
	if options.MaxBytes == 0 {
		options.MaxBytes = DefaultMaxBytes
	}
	if options.Tokenizer == nil {
		options.Tokenizer = features.LoadTokenizer
	}
	found, err := openArtifact(ctx, location)
	if err != nil {
		return nil, err
	}
	defer found.close()
	return load(ctx, found, options)
}

func load(ctx context.Context, found *artifact, options Options) (*Model, error) {
	data, err := found.read(options.MaxBytes)
	if err != nil {
		return nil, err
	}
	read, err := sklearn.Read(ctx, data, options.MaxBytes)
	if err != nil {
		return nil, fromReader(found.model, err)
	}
	if read.Mixed || read.Outputs() != 1 {
		return nil, loadError(contract.ReasonUnsupportedModel, found.model,
			"has more than one score, or columns that are not numbers, which is not supported yet")
	}
	model := &Model{
		signature: Signature{Features: read.Features(), Missing: read.Missing},
		tabular:   read.Model,
		golden:    found.path(found.golden),
	}
	// Twelve columns alone do not mean the CTR features: only the form that their training scripts write does.
	if read.Form == sklearn.Parts && read.Features() == features.CTR12Len {
		tokenizer, err := options.Tokenizer()
		if err != nil {
			return nil, &LoadError{contract.ReasonInternal, found.model, "the tokenizer cannot be loaded: " + err.Error(), err}
		}
		model.ctr = features.NewCTR12(tokenizer)
		model.signature.Fields = ctrFields()
	}
	return model, nil
}

// Signature says what the model takes. It must not be changed.
func (m *Model) Signature() Signature { return m.signature }

// Golden is the path of the artifact's golden predictions, empty where it has none.
func (m *Model) Golden() string { return m.golden }

// Close frees what the model holds. No prediction may be under way, or follow.
func (m *Model) Close() error {
	*m = Model{}
	return nil
}

// Predict returns the probability of a click. Its errors are *InputError. It does not allocate, other than for an error.
func (m *Model) Predict(row *Row) (float64, error) {
	if row.Features != nil || m.ctr == nil {
		return m.predictVector(row.Features)
	}
	return m.predictCTR(row.Values)
}

// PredictBatch predicts each row into out, which must be as long as rows. It stops at the first row that cannot be
// predicted, whose *InputError has its index.
func (m *Model) PredictBatch(rows []Row, out []float64) error {
	if len(rows) != len(out) {
		return fmt.Errorf("%d rows, and place for %d predictions", len(rows), len(out))
	}
	for i := range rows {
		p, err := m.Predict(&rows[i])
		if err != nil {
			if input, ok := errors.AsType[*InputError](err); ok {
				input.Index = i
			}
			return err
		}
		out[i] = p
	}
	return nil
}

func (m *Model) predictVector(vector []float64) (float64, error) {
	if vector == nil {
		return 0, &InputError{Field: FieldFeatures, Message: fmt.Sprintf(
			"is missing; the model takes a vector of %d numbers", m.signature.Features)}
	}
	if len(vector) != m.signature.Features {
		return 0, &InputError{Field: FieldFeatures, Message: fmt.Sprintf(
			"must have %d numbers, not %d", m.signature.Features, len(vector))}
	}
	p, err := m.tabular.Predict(vector)
	if err != nil {
		return 0, vectorError(err)
	}
	return p, nil
}

func vectorError(err error) error {
	var feature *tabular.FeatureError
	if !errors.As(err, &feature) {
		return err
	}
	return &InputError{Field: FieldFeatures, Message: fmt.Sprintf(
		"has %v at %d, which is out of the model's range", feature.Value, feature.Index)}
}
