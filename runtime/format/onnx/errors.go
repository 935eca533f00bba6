package onnx

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Kind is why a model was not read.
type Kind uint8

const (
	// Malformed is a file that is no ONNX model, or one that does not hold what its parts claim.
	Malformed Kind = iota + 1
	// Unsupported is something that ONNX allows, and this reader or the engine does not have.
	Unsupported
	// TooLarge is a model beyond the limits.
	TooLarge
	// Unsafe is a model that names files outside its own directory.
	Unsafe
)

func (k Kind) String() string {
	switch k {
	case Malformed:
		return "malformed ONNX model"
	case Unsupported:
		return "unsupported ONNX model"
	case TooLarge:
		return "ONNX model over the limits"
	case Unsafe:
		return "unsafe ONNX model"
	default:
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
}

// Error says why a model was not read, and where.
type Error struct {
	Kind Kind
	// File is the one that was being read.
	File string
	// Place is the node, tensor or input within the model, empty where the whole is meant.
	Place   string
	Message string
	// Err is what went wrong below, or nil.
	Err error

	parts []string
}

func (e *Error) Error() string {
	parts := []string{e.Kind.String()}
	for _, part := range []string{e.File, e.Place, e.Message} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf is why a model was not read, or 0 for errors that are not of this package.
func KindOf(err error) Kind {
	if failure, ok := errors.AsType[*Error](err); ok {
		return failure.Kind
	}
	return 0
}

func fault(kind Kind, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Message: err.Error(), Err: errors.Unwrap(err)}
}

// at adds the place to an error of this package that has none yet, and makes others malformed models there.
func at(place string, err error) error {
	if err == nil {
		return nil
	}
	failure, ok := errors.AsType[*Error](err)
	if !ok {
		failure = &Error{Kind: Malformed, Message: err.Error(), Err: err}
		err = failure
	}
	if failure.Place == "" {
		failure.Place = place
	}
	return err
}

// quoted is a name from the file as messages show it.
func quoted(name string) string {
	const longest = 100
	if len(name) > longest {
		name = name[:longest] + "…"
	}
	return strconv.Quote(name)
}
