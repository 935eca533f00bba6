package features

// complainer is an operation that can say of which numbers it makes none.
type complainer interface {
	// complaint completes the sentence that the field's name begins. It is asked where the result is not finite and what
	// it was made of is; direct says that it was made of the field itself.
	complaint(f *Frame, direct bool) string
}

// Blame is the error about the field that a column of an output is made of, where the model is not defined for its value.
func (s *Set) Blame(output, column int) *InputError {
	return &InputError{s.fieldOf(s.outputs[output].columns[column]), outOfRange}
}

// fieldOf is the name of the field that a value is made of: the first number's, or else the first one's; empty where it is
// made of none.
func (s *Set) fieldOf(v value) string {
	var text string
	for _, i := range s.fieldsOf(v, map[value]bool{}, nil) {
		if s.fields[i].Kind != String {
			return s.fields[i].Name
		}
		if text == "" {
			text = s.fields[i].Name
		}
	}
	return text
}

// fieldsOf appends the fields that a value is made of, and that were not seen before.
func (s *Set) fieldsOf(v value, seen map[value]bool, to []int) []int {
	if seen[v] {
		return to
	}
	seen[v] = true
	for i, place := range s.places {
		if place == v {
			return append(to, i)
		}
	}
	if in := s.made(v); in != nil {
		for _, from := range in.from() {
			to = s.fieldsOf(from, seen, to)
		}
	}
	return to
}

// made finds the instruction that makes a value; nil for fields and constants. One may make several values in a row.
func (s *Set) made(v value) *instruction {
	var found *instruction
	for i := range s.instructions {
		if in := &s.instructions[i]; in.to.kind == v.kind && in.to.slot <= v.slot && (found == nil || in.to.slot > found.to.slot) {
			found = in
		}
	}
	if found == nil || v.slot >= found.to.slot+width(found.operation) {
		return nil
	}
	return found
}

// explain says why a number is not finite, or not in the type that it is wanted in; nil where it stands for what is missing.
func (f *Frame) explain(v value) error {
	if x := f.number(v); x*0 == 0 {
		return &InputError{f.set.fieldOf(v), outOfRange}
	}
	for i, place := range f.set.places {
		if place == v {
			if f.missing[i] {
				return nil
			}
			return &InputError{f.set.fields[i].Name, outOfRange}
		}
	}
	in := f.set.made(v)
	if in == nil {
		return nil // a constant, which was meant
	}
	direct := false
	for _, from := range in.from() {
		if from.kind != Number && from.kind != Integer {
			continue
		}
		if x := f.number(from); x*0 != 0 {
			return f.explain(from)
		}
		for _, place := range f.set.places {
			direct = direct || place == from
		}
	}
	message := outOfRange
	if c, ok := in.operation.(complainer); ok {
		message = c.complaint(f, direct)
	}
	return &InputError{f.set.fieldOf(v), message}
}
