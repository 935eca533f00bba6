package wire

import (
	"errors"
	"fmt"
)

// Kind is why a message was not read.
type Kind uint8

const (
	// Malformed is data that is not in the wire format, or not what the reader's schema says of the field.
	Malformed Kind = iota + 1
	// TooLarge is a message beyond the limits.
	TooLarge
)

func (k Kind) String() string {
	switch k {
	case Malformed:
		return "malformed protocol buffer"
	case TooLarge:
		return "protocol buffer over the limits"
	default:
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
}

// Error says why a message was not read, and where.
type Error struct {
	Kind Kind
	// Offset is where in the input the offending field begins, counted in bytes from the first.
	Offset  int64
	Message string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s (at byte %d)", e.Kind, e.Message, e.Offset)
}

// KindOf is why a message was not read, or 0 for errors that are not of this package.
func KindOf(err error) Kind {
	if failure, ok := errors.AsType[*Error](err); ok {
		return failure.Kind
	}
	return 0
}
