package keras

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/format/hdf5"
)

// Kind is why a model was not read.
type Kind uint8

const (
	// NotKeras is a file that no Keras wrote, or one with weights and no model.
	NotKeras Kind = iota + 1
	// Truncated is a file that ends too early.
	Truncated
	// Malformed is a file that does not hold what its parts claim.
	Malformed
	// Unsupported is something that Keras has and this reader has not.
	Unsupported
	// Unsafe is a file that carries code, or names files outside itself.
	Unsafe
	// TooLarge is a file beyond the limits.
	TooLarge
)

func (k Kind) String() string {
	switch k {
	case NotKeras:
		return "not a Keras model"
	case Truncated:
		return "truncated Keras model"
	case Malformed:
		return "malformed Keras model"
	case Unsupported:
		return "unsupported Keras model"
	case Unsafe:
		return "unsafe Keras model"
	case TooLarge:
		return "Keras model over the limits"
	default:
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
}

// Error says why a model was not read, and where.
type Error struct {
	Kind Kind
	// Layer is the layer's name, after those of the models that it is in; empty where the whole is meant. Class is its class.
	Layer, Class string
	Message      string
	Err          error

	parts []string
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Kind.String())
	if e.Layer != "" {
		fmt.Fprintf(&b, ": layer %s", quoted(e.Layer))
		if e.Class != "" {
			fmt.Fprintf(&b, " (%.100s)", e.Class)
		}
	}
	return b.String() + ": " + e.Message
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

// at adds the layer to an error that has none yet.
func at(layer, class string, err error) error {
	if failure, ok := errors.AsType[*Error](err); ok && failure.Layer == "" {
		failure.Layer, failure.Class = layer, class
	}
	return err
}

// fromHDF5 makes an error of this package of one of the HDF5 reader's; what names the part that was read.
func fromHDF5(what string, err error) error {
	kind := Malformed
	switch hdf5.KindOf(err) {
	case hdf5.Truncated:
		kind = Truncated
	case hdf5.Unsupported:
		kind = Unsupported
	case hdf5.TooLarge:
		kind = TooLarge
	case hdf5.NotHDF5:
		kind = NotKeras
	case hdf5.Malformed, hdf5.NotFound, hdf5.Mismatch:
	default:
		return err
	}
	return &Error{Kind: kind, Message: what + ": " + err.Error(), Err: err}
}

// quoted is a name from the file as messages show it.
func quoted(name string) string {
	const longest = 120
	if len(name) > longest {
		name = name[:longest] + "…"
	}
	return strconv.Quote(name)
}
