package keras

import (
	"fmt"
	"strings"
)

// lines are those of a lookup's file in the archive, as Python's text mode and Keras split them.
func (r *reader) lines(l *layer) ([]string, error) {
	if r.source.assets == nil {
		return nil, fault(Unsupported, "its vocabulary was learned, and .h5 files have no place for it; save the model as .keras, "+
			"or make the layer with the list of words")
	}
	name := join(l.where, "vocabulary.txt")
	data, ok, err := r.source.assets(name)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fault(Malformed, "its vocabulary is neither in its configuration nor in %s", quoted(assetsEntry+name))
	}
	text := strings.ReplaceAll(strings.ReplaceAll(string(data), "\r\n", "\n"), "\r", "\n")
	if !r.keras3() {
		return strings.Split(text, "\n"), nil
	}
	lines := strings.Split(strings.Map(lineEnd, text), "\n")
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines, nil
}

// lineEnd makes a newline of all that Python's splitlines ends a line at.
func lineEnd(r rune) rune {
	switch r {
	case '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
		return '\n'
	}
	return r
}

func anyText(v any) string { return fmt.Sprint(v) }
