package model

import (
	"context"
	"errors"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/engine"
	"github.com/ctr-operator/ctr-operator/runtime/format/keras"
	"github.com/ctr-operator/ctr-operator/runtime/format/onnx"
	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/format/savedmodel"
	"github.com/ctr-operator/ctr-operator/runtime/format/sklearn"
	"github.com/ctr-operator/ctr-operator/runtime/format/unpack"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
)

// LoadError says why an artifact cannot be served.
type LoadError struct {
	Reason contract.Reason
	// Path is the file within the artifact, or the artifact's directory.
	Path string
	// Message says what was found, and what to do.
	Message string
	Err     error
}

func (e *LoadError) Error() string { return e.Path + ": " + e.Message }

func (e *LoadError) Unwrap() error { return e.Err }

func loadError(reason contract.Reason, path, message string) error {
	return &LoadError{Reason: reason, Path: path, Message: message}
}

// fromReader gives an error of a format's reader its reason, and says what to do about it.
func fromReader(path string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var advice string
	reason := contract.ReasonArtifactMalformed
	var inPacking *unpack.Error
	var inPickle *pickle.Error
	var inModel *sklearn.Error
	switch {
	case errors.As(err, &inPacking) && inPacking.TooLarge:
		reason, advice = reasonOf(pickle.TooLarge)
	case errors.As(err, &inPacking) && inPacking.Truncated:
		reason, advice = reasonOf(pickle.Truncated)
	case errors.As(err, &inPacking):
		advice = "publish the file that pickle.dump or joblib.dump wrote"
	case errors.As(err, &inPickle):
		reason, advice = reasonOf(inPickle.Kind)
	case errors.As(err, &inModel) && inModel.Unsupported:
		reason, advice = contract.ReasonUnsupportedModel, toONNX
	case errors.As(err, &inModel):
		advice = "fit the model and write the artifact again"
	default:
		reason, advice = reasonOfNetwork(err)
	}
	return &LoadError{Reason: reason, Path: path, Message: err.Error() + "; " + advice, Err: err}
}

// toONNX is what to do about a model that is not of scikit-learn's linear family.
const toONNX = "publish a supported model, or convert this one to ONNX, of which trees are supported"

func reasonOf(kind pickle.Kind) (reason contract.Reason, advice string) {
	switch kind {
	case pickle.NotPickle:
		return contract.ReasonArtifactMalformed, "publish the file that pickle.dump or joblib.dump wrote"
	case pickle.Truncated:
		return contract.ReasonArtifactTruncated, "upload the artifact again, completely"
	case pickle.Unsafe:
		return contract.ReasonArtifactUnsafe,
			"nothing was run; find out who wrote this file, and publish one that holds nothing but the model"
	case pickle.Unsupported:
		return contract.ReasonUnsupportedModel, toONNX
	case pickle.TooLarge:
		return contract.ReasonArtifactTooLarge, "publish an artifact that holds nothing but the model"
	default:
		return contract.ReasonArtifactMalformed, "write the artifact again"
	}
}

// reasonOfNetwork is for the errors of the readers of networks; any other is one of reading files.
func reasonOfNetwork(err error) (reason contract.Reason, advice string) {
	switch {
	case keras.KindOf(err) != 0:
		return reasonOfKeras(keras.KindOf(err))
	case savedmodel.KindOf(err) != 0:
		return reasonOfSavedModel(savedmodel.KindOf(err))
	case onnx.KindOf(err) != 0:
		return reasonOfONNX(onnx.KindOf(err))
	default:
		return contract.ReasonInternal, "try again, and look at the disk where that does not help"
	}
}

// What to do about networks of some kinds.
const (
	exportAgain   = "export the model again"
	uploadAgain   = "upload the artifact again, completely"
	leaveOut      = "build the model without it"
	toSavedModel  = "build the model without it, or export it as a SavedModel, of which more is supported"
	smaller       = "publish an artifact that holds nothing but the model"
	findOutAuthor = "nothing was run; find out who wrote this file, and publish one that holds nothing but the model"
)

func reasonOfKeras(kind keras.Kind) (reason contract.Reason, advice string) {
	switch kind {
	case keras.Truncated:
		return contract.ReasonArtifactTruncated, uploadAgain
	case keras.Unsupported:
		return contract.ReasonUnsupportedModel, toSavedModel
	case keras.Unsafe:
		return contract.ReasonArtifactUnsafe, findOutAuthor
	case keras.TooLarge:
		return contract.ReasonArtifactTooLarge, smaller
	default:
		return contract.ReasonArtifactMalformed, "publish the file that Keras's model.save wrote"
	}
}

func reasonOfSavedModel(kind savedmodel.Kind) (reason contract.Reason, advice string) {
	switch kind {
	case savedmodel.Unsupported:
		return contract.ReasonUnsupportedModel, leaveOut
	case savedmodel.Unsafe:
		return contract.ReasonArtifactUnsafe, findOutAuthor
	case savedmodel.TooLarge:
		return contract.ReasonArtifactTooLarge, smaller
	default:
		return contract.ReasonArtifactMalformed, exportAgain
	}
}

func reasonOfONNX(kind onnx.Kind) (reason contract.Reason, advice string) {
	switch kind {
	case onnx.Unsupported:
		return contract.ReasonUnsupportedModel, leaveOut
	case onnx.Unsafe:
		return contract.ReasonArtifactUnsafe, findOutAuthor
	case onnx.TooLarge:
		return contract.ReasonArtifactTooLarge, smaller
	default:
		return contract.ReasonArtifactMalformed, exportAgain
	}
}

// fromEngine gives an error of compiling or of the first run its reason. What a graph says of itself does not fit together then.
func fromEngine(ctx context.Context, path string, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return err
	}
	if large, ok := errors.AsType[*graph.TooLargeError](err); ok {
		return &LoadError{contract.ReasonArtifactTooLarge, path, err.Error() + "; publish a smaller model", large}
	}
	if node, ok := errors.AsType[*engine.NodeError](err); ok {
		return &LoadError{contract.ReasonArtifactMalformed, path, "cannot be run: " + err.Error() + "; export the model again", node}
	}
	return &LoadError{contract.ReasonInternal, path, err.Error(), err}
}

// Unsupported are all parts of the artifact that are not supported, where its reader looked for all; nil where it did not.
func (e *LoadError) Unsupported() []string {
	var lister interface{ Unsupported() []string }
	if errors.As(e.Err, &lister) {
		return lister.Unsupported()
	}
	return nil
}
