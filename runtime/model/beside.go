package model

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/features"
	"github.com/ctr-operator/ctr-operator/runtime/format/sklearn"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
)

// networkFeatures reads the bundle's feature file, or takes the preset that the artifact itself implies; the set is nil where
// there is neither.
func (l *loading) networkFeatures(ctx context.Context, inputs []graph.Input) (set *features.Set, file string, err error) {
	scalers, err := l.scalers(ctx)
	if err != nil {
		return nil, "", err
	}
	file, text := l.features, l.text
	if text == nil && scalers != nil {
		if !impliesWideDeep(inputs, scalers) {
			return nil, "", loadError(contract.ReasonArtifactMalformed, l.besides[0], fmt.Sprintf(
				"has preprocessing (%s), and nothing says of what it is part; write a features.yaml that does, or leave the file out",
				list(slices.Sorted(maps.Keys(scalers)))))
		}
		file, text = l.implied(features.PresetWideDeep)
	}
	if text == nil {
		return nil, "", nil
	}
	set, err = l.compileFeatures(file, text, scalers)
	return set, file, err
}

// impliesWideDeep says whether a network and its scalers are what the scripts write that the preset is for.
func impliesWideDeep(inputs []graph.Input, scalers map[string]features.Scaler) bool {
	var names []string
	for _, in := range inputs {
		names = append(names, in.Name)
	}
	slices.Sort(names)
	return slices.Equal(names, []string{"deep", "doc_hash", "position_group", "query_hash", "wide"}) &&
		scalers["wide_scaler"] != nil && scalers["deep_scaler"] != nil
}

// scalers reads the pickle of fitted scalers that stands beside a network; nil where there is none.
func (l *loading) scalers(ctx context.Context) (map[string]features.Scaler, error) {
	switch len(l.besides) {
	case 0:
		return nil, nil
	case 1:
	default:
		return nil, loadError(contract.ReasonArtifactMalformed, wholeArtifact, fmt.Sprintf(
			"there is more than one pickle beside %s: %s; keep the one with its preprocessing", l.name, list(l.besides)))
	}
	name := l.besides[0]
	data, err := l.read(name, l.options.MaxBytes)
	if err != nil {
		return nil, err
	}
	stages, err := sklearn.ReadPreprocessors(ctx, data, l.options.MaxBytes)
	if bad, ok := errors.AsType[*sklearn.Error](err); ok && bad.Unsupported {
		return nil, &LoadError{contract.ReasonArtifactMalformed, wholeArtifact, fmt.Sprintf(
			"more than one file could be the model: %s, %s; keep one, or let the URL end in its name (%v)", l.name, name, bad), bad}
	}
	if err != nil {
		return nil, fromReader(name, err)
	}
	scalers := map[string]features.Scaler{}
	for name, stage := range stages {
		scalers[name] = stage
	}
	return scalers, nil
}
