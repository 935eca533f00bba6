package text

import "unicode/utf8"

// Terms are the terms of a text, and the scratch to make them. The zero value is ready for Analyze.
type Terms struct {
	prepared, stripped []byte
	// text has the units, words or characters, as they lie in terms; unit i is text[from[i]:to[i]].
	text     []byte
	from, to []int32
	// groups is where each group of units ends. No term goes beyond its group.
	groups []int32
	match  matcher

	// The next term is units at … at+gram-1 of the group that goes from first to last.
	at, gram, first, last, group int
	min, max                     int
	padding                      bool
}

func (t *Terms) reset() {
	t.prepared, t.stripped, t.text = t.prepared[:0], t.stripped[:0], t.text[:0]
	t.from, t.to, t.groups = t.from[:0], t.to[:0], t.groups[:0]
}

// close ends a group.
func (t *Terms) close() { t.groups = append(t.groups, int32(len(t.from))) }

// characters makes a unit of each character of the text after an offset.
func (t *Terms) characters(offset int) {
	for at := offset; at < len(t.text); {
		size := 1
		if t.text[at] >= utf8.RuneSelf {
			_, size = utf8.DecodeRune(t.text[at:])
		}
		t.from = append(t.from, int32(at))
		at += size
		t.to = append(t.to, int32(at))
	}
}

// padded makes a group of each word between spaces, with a space before and after it.
func (t *Terms) padded(text []byte) {
	for at := 0; at < len(text); {
		class, size := classAt(text, at)
		if class&classSpace != 0 {
			at += size
			continue
		}
		begin := len(t.text)
		t.text = append(t.text, ' ')
		for at < len(text) && class&classSpace == 0 {
			t.text = append(t.text, text[at:at+size]...)
			at += size
			class, size = classAt(text, at)
		}
		t.text = append(t.text, ' ')
		t.characters(begin)
		t.close()
	}
}

// appendSingleSpaces makes one space of two or more of any kind; one alone stays what it is.
func appendSingleSpaces(dst, text []byte) []byte {
	for at := 0; at < len(text); {
		class, size := classAt(text, at)
		end := at + size
		if class&classSpace == 0 {
			dst = append(dst, text[at:end]...)
			at = end
			continue
		}
		spaces := 1
		for class, size = classAt(text, end); class&classSpace != 0; class, size = classAt(text, end) {
			end += size
			spaces++
		}
		if spaces > 1 {
			dst = append(dst, ' ')
		} else {
			dst = append(dst, text[at:end]...)
		}
		at = end
	}
	return dst
}

func (t *Terms) begin(minimum, maximum int, padding bool) {
	t.min, t.max, t.padding = minimum, maximum, padding
	t.at, t.gram, t.first, t.last, t.group = 0, 1, 0, 0, 0
}

// Next returns the next term, which is valid until the next Analyze, or false after the last one.
func (t *Terms) Next() (term []byte, ok bool) {
	for t.at+t.gram > t.last {
		if !t.longer() {
			return nil, false
		}
	}
	term = t.text[t.from[t.at]:t.to[t.at+t.gram-1]]
	t.at++
	return term, true
}

// longer goes on to the n-grams one longer of the group, or to the next group.
func (t *Terms) longer() bool {
	if t.gram < t.max && t.gram < t.last-t.first {
		t.gram++
		t.at = t.first
		return true
	}
	if t.group == len(t.groups) {
		return false
	}
	t.first, t.last, t.gram = t.last, int(t.groups[t.group]), t.min
	t.at = t.first
	t.group++
	if t.padding {
		// A short word is a term as it is.
		t.gram = min(t.gram, t.last-t.first)
	}
	return true
}
