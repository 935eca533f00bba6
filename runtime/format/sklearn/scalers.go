package sklearn

import (
	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// readStandardScaler reads mean_ and scale_. The options decide, as in transform: mean_ is there even where it is not used.
func readStandardScaler(_ *reader, from step, columns int) (tabular.Stage, error) {
	return readStandardise(from, columns, "with_mean", "mean_", "with_std")
}

func readRobustScaler(_ *reader, from step, columns int) (tabular.Stage, error) {
	return readStandardise(from, columns, "with_centering", "center_", "with_scaling")
}

func readStandardise(from step, columns int, withCenter, center, withScale string) (tabular.Stage, error) {
	attributes, err := from.attributes("scale_", columns)
	if err != nil {
		return nil, err
	}
	stage := &tabular.Standardise{Columns: columns}
	if attributes.is(withCenter) {
		if stage.Center, err = attributes.vector(center, columns); err != nil {
			return nil, err
		}
	}
	if attributes.is(withScale) {
		if stage.Scale, err = attributes.divisors("scale_", columns); err != nil {
			return nil, err
		}
	}
	return stage, nil
}

func readMaxAbsScaler(_ *reader, from step, columns int) (tabular.Stage, error) {
	attributes, err := from.attributes("scale_", columns)
	if err != nil {
		return nil, err
	}
	scale, err := attributes.divisors("scale_", columns)
	return &tabular.Standardise{Columns: columns, Scale: scale, Clip: attributes.is("clip")}, err
}

func readMinMaxScaler(_ *reader, from step, columns int) (tabular.Stage, error) {
	attributes, err := from.attributes("scale_", columns)
	if err != nil {
		return nil, err
	}
	stage := &tabular.Range{Clip: attributes.is("clip")}
	if stage.Factor, err = attributes.vector("scale_", columns); err != nil {
		return nil, err
	}
	if stage.Offset, err = attributes.vector("min_", columns); err != nil || !stage.Clip {
		return stage, err
	}
	node, _ := attributes.Get("feature_range")
	path := from.path + ".feature_range"
	limits, ok := node.(*pickle.Tuple)
	if !ok || len(limits.Items) != 2 {
		return nil, broken(path, "is not a pair of numbers")
	}
	for i, limit := range []*float64{&stage.Low, &stage.High} {
		values, _, err := floats(limits.Items[i], path)
		if err != nil || len(values) != 1 {
			return nil, broken(path, "is not a pair of numbers")
		}
		*limit = values[0]
	}
	return stage, checkFinite([]float64{stage.Low, stage.High}, path)
}
