package text

import (
	_ "embed" // for the list
	"strings"
)

// english is written by hack/fixtures/text_classes.py.
//
//go:embed english.txt
var english string

// EnglishStopWords are those of stop_words="english", which scikit-learn has not changed since before 0.24.
func EnglishStopWords() []string { return strings.Fields(english) }
