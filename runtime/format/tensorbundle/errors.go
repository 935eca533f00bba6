package tensorbundle

import (
	"errors"
	"fmt"
)

// Kind is why something was not read.
type Kind uint8

const (
	// Malformed is a file that does not hold what its parts claim, or whose checksums do not match.
	Malformed Kind = iota + 1
	// Unsupported is something the format allows and this reader does not read.
	Unsupported
	// TooLarge is a file beyond the limits.
	TooLarge
	// NotFound is a file or a tensor that is not there.
	NotFound
)

func (k Kind) String() string {
	switch k {
	case Malformed:
		return "malformed variables"
	case Unsupported:
		return "unsupported variables"
	case TooLarge:
		return "variables over the limits"
	case NotFound:
		return "missing variables"
	default:
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
}

// Error says why something was not read, and where.
type Error struct {
	Kind Kind
	// File is the name of the file, as it was opened.
	File string
	// Key is the variable, empty where the index itself is wrong.
	Key string
	// Offset is where in the file the offending structure begins, counted in bytes from the first.
	Offset  int64
	Message string
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s", e.Kind, e.Message)
	if e.Key != "" {
		text += fmt.Sprintf(" (variable %.200q)", e.Key)
	}
	if e.Kind == NotFound {
		return fmt.Sprintf("%s (%s)", text, e.File)
	}
	return fmt.Sprintf("%s (%s, at byte %d)", text, e.File, e.Offset)
}

// KindOf is why something was not read, or 0 for errors that are not of this package.
func KindOf(err error) Kind {
	if failure, ok := errors.AsType[*Error](err); ok {
		return failure.Kind
	}
	return 0
}
