package hdf5

import (
	"errors"
	"fmt"
)

// Kind is why something was not read.
type Kind uint8

const (
	// NotHDF5 is a file of another format.
	NotHDF5 Kind = iota + 1
	// Truncated is a file that ends before the size its superblock states.
	Truncated
	// Malformed is a file that does not hold what its parts claim, or whose checksums do not match.
	Malformed
	// Unsupported is something the format allows and this reader does not read.
	Unsupported
	// TooLarge is a file beyond the limits.
	TooLarge
	// NotFound is a link or an attribute that is not there.
	NotFound
	// Mismatch is a question that does not fit what is stored: a number asked of text, a slice of another length.
	Mismatch
)

func (k Kind) String() string {
	switch k {
	case NotHDF5:
		return "not an HDF5 file"
	case Truncated:
		return "truncated HDF5 file"
	case Malformed:
		return "malformed HDF5 file"
	case Unsupported:
		return "unsupported HDF5 feature"
	case TooLarge:
		return "HDF5 file over the limits"
	case NotFound:
		return "not in the HDF5 file"
	case Mismatch:
		return "not what the HDF5 file holds"
	default:
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
}

// Error says why something was not read, and where.
type Error struct {
	Kind Kind
	// Offset is where in the file the offending structure begins, counted in bytes from the file's first.
	Offset int64
	// Path is the object that was being read, empty where none was.
	Path    string
	Message string
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s", e.Kind, e.Message)
	if e.Path != "" {
		text += " (" + printable(e.Path) + ")"
	}
	switch e.Kind {
	case NotFound, Mismatch:
		return text
	default:
		return fmt.Sprintf("%s (at byte %d)", text, e.Offset)
	}
}

func fault(kind Kind, offset int64, format string, args ...any) error {
	return &Error{Kind: kind, Offset: offset, Message: fmt.Sprintf(format, args...)}
}

// at adds the path to an error that has none yet.
func at(path string, err error) error {
	var failure *Error
	if errors.As(err, &failure) && failure.Path == "" {
		failure.Path = path
	}
	return err
}

// printable shortens and quotes text from the file where it would spoil a message.
func printable(text string) string {
	const longest = 200
	if len(text) > longest {
		text = text[:longest] + "…"
	}
	for _, r := range text {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return fmt.Sprintf("%q", text)
		}
	}
	return text
}

// KindOf is why something was not read, or 0 for errors that are not of this package.
func KindOf(err error) Kind {
	if failure, ok := errors.AsType[*Error](err); ok {
		return failure.Kind
	}
	return 0
}
