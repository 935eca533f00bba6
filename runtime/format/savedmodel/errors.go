package savedmodel

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/ctr-operator/ctr-operator/runtime/format/tensorbundle"
	"github.com/ctr-operator/ctr-operator/runtime/format/wire"
)

// Kind is why something was not read.
type Kind uint8

const (
	// NotSavedModel is a folder without a SavedModel.
	NotSavedModel Kind = iota + 1
	// Malformed is a model whose parts do not fit each other.
	Malformed
	// Unsupported is something that TensorFlow can run and this reader cannot.
	Unsupported
	// Unsafe is something that would run code, or touch files outside the model.
	Unsafe
	// TooLarge is a model beyond the limits.
	TooLarge
)

func (k Kind) String() string {
	switch k {
	case NotSavedModel:
		return "not a SavedModel"
	case Malformed:
		return "malformed SavedModel"
	case Unsupported:
		return "unsupported SavedModel"
	case Unsafe:
		return "unsafe SavedModel"
	case TooLarge:
		return "SavedModel over the limits"
	default:
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
}

// Error says why something was not read, and where.
type Error struct {
	Kind Kind
	// File is the file, within the model's folder.
	File string
	// Node is the node of the graph, empty where none was being read; a function's is behind the function's name and a slash.
	Node    string
	Message string
	Err     error

	parts []string
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s", e.Kind, e.Message)
	if e.Err != nil {
		text += e.Err.Error()
	}
	if e.Node != "" {
		return fmt.Sprintf("%s (%s, node %.200q)", text, e.File, e.Node)
	}
	return fmt.Sprintf("%s (%s)", text, e.File)
}

func (e *Error) Unwrap() error { return e.Err }

func fault(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, File: graphFile, Message: fmt.Sprintf(format, args...)}
}

// at adds the node to an error that has none yet.
func at(node string, err error) error {
	var failure *Error
	if errors.As(err, &failure) && failure.Node == "" {
		failure.Node = node
	}
	return err
}

// wrapped makes an error of this package of what its parts return, so that callers decide on one Kind.
func wrapped(err error) error {
	var kind Kind
	switch {
	case err == nil:
		return nil
	case KindOf(err) != 0:
		// It is one already.
		return err
	case wire.KindOf(err) == wire.TooLarge, tensorbundle.KindOf(err) == tensorbundle.TooLarge:
		kind = TooLarge
	case wire.KindOf(err) == wire.Malformed, tensorbundle.KindOf(err) == tensorbundle.Malformed,
		tensorbundle.KindOf(err) == tensorbundle.NotFound:
		kind = Malformed
	case tensorbundle.KindOf(err) == tensorbundle.Unsupported:
		kind = Unsupported
	case errors.Is(err, fs.ErrNotExist):
		kind = Malformed
	default:
		return err
	}
	return &Error{Kind: kind, File: graphFile, Err: err}
}

// KindOf is why something was not read, or 0 for errors that are not of this package.
func KindOf(err error) Kind {
	if failure, ok := errors.AsType[*Error](err); ok {
		return failure.Kind
	}
	return 0
}
