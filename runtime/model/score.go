package model

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/features"
)

// score is one number that a model predicts: the index-th of an output's numbers.
type score struct {
	output, index int
	// outputName is that of the output it is in, name the score's own.
	outputName, name string
}

// nameScores gives scores of one output their names: those of the classes, or the output's, numbered where there are several.
func nameScores(output int, name string, count int, labels []string) []score {
	scores := make([]score, count)
	for i := range scores {
		scores[i] = score{output, i, name, name}
		switch {
		case len(labels) == count:
			scores[i].name = labels[i]
		case count > 1:
			scores[i].name = name + "[" + strconv.Itoa(i) + "]"
		}
	}
	return scores
}

// choose finds the one that a feature file asks for; -1 where it asks for none.
func choose(scores []score, want features.Score, file string) (int, error) {
	if want.Output == "" {
		return -1, nil
	}
	var names, fitting []string
	found := -1
	for i, s := range scores {
		names = append(names, s.name)
		if !fits(s, want) {
			continue
		}
		found = i
		fitting = append(fitting, s.name)
	}
	if len(fitting) == 1 {
		return found, nil
	}
	said := want.Output
	if want.Index >= 0 {
		said += fmt.Sprintf(", index %d", want.Index)
	}
	if len(fitting) > 1 {
		return -1, loadError(contract.ReasonUnsupportedModel, file, fmt.Sprintf(
			"the output %q has %d scores (%s); add an index, as in \"output: {name: %s, index: 1}\"", said, len(fitting), list(fitting),
			want.Output))
	}
	return -1, loadError(contract.ReasonUnsupportedModel, file, fmt.Sprintf(
		"the model has no output %q; it has: %s", said, list(slices.Compact(names))))
}

// fits says whether a score may be the one that is meant: by its output, and there by index or class; or by its own name.
func fits(s score, want features.Score) bool {
	switch {
	case s.outputName != want.Output:
		return want.Index < 0 && want.Label == "" && s.name == want.Output
	case want.Index >= 0:
		return s.index == want.Index
	default:
		return want.Label == "" || s.name == want.Label
	}
}
