package features

import "fmt"

// Error says what is wrong with a feature file.
type Error struct {
	// File is the feature file's name, or the preset's.
	File string
	// Line is 1-based; 0 where the file as a whole is meant.
	Line int
	// Message names the feature or field, and says what to do.
	Message string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Message
	}
	return fmt.Sprintf("%s, line %d: %s", e.File, e.Line, e.Message)
}

// InputError says that no features can be made of a field's value.
type InputError struct {
	// Field is empty where no field is at fault.
	Field string
	// Message completes the sentence that the field's name begins: "must not be -1".
	Message string
}

func (e *InputError) Error() string { return e.Field + ": " + e.Message }

// outOfRange is the message about a value for which nothing better is known.
const outOfRange = "is out of the model's range"
