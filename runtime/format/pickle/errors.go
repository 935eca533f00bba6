package pickle

import "fmt"

// Kind is why an input was not read.
type Kind uint8

const (
	// NotPickle is a file of another format.
	NotPickle Kind = iota + 1
	// Truncated is a pickle that ends too early.
	Truncated
	// Malformed is a pickle that CPython would refuse too, or that does not hold what its parts claim.
	Malformed
	// Unsafe is a pickle that names something outside the closed list: unpickling it would run that.
	Unsafe
	// Unsupported is a pickle of something known that cannot be served.
	Unsupported
	// TooLarge is a pickle beyond the limits.
	TooLarge
)

func (k Kind) String() string {
	switch k {
	case NotPickle:
		return "not a pickle"
	case Truncated:
		return "truncated pickle"
	case Malformed:
		return "malformed pickle"
	case Unsafe:
		return "unsafe pickle"
	case Unsupported:
		return "unsupported pickle"
	case TooLarge:
		return "pickle over the limits"
	default:
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
}

// Error says why an input was not read, and where.
type Error struct {
	Kind Kind
	// Offset is the byte at which the offending opcode begins.
	Offset int
	// Global is module.name where the error is about one, empty otherwise.
	Global  string
	Message string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s (at byte %d)", e.Kind, e.Message, e.Offset)
}
