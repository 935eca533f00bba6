package sklearn

import (
	"context"
	"fmt"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/format/unpack"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// ReadPreprocessors reads what a training script has put beside a network: a dict of fitted transformers of numbers by name, such
// as {'wide_scaler': StandardScaler, 'deep_scaler': StandardScaler, 'is_trained': True}. Of its other items, those are passed
// over that hold no transformer of numbers. Its errors are Read's.
func ReadPreprocessors(ctx context.Context, data []byte, limit int64) (map[string]tabular.Stage, error) {
	data, err := unpack.Unpack(ctx, data, limit)
	if err != nil {
		return nil, err
	}
	root, err := pickle.Read(ctx, data, pickle.Options{Classes: classes})
	if err != nil {
		return nil, err
	}
	return decodePreprocessors(root, len(data))
}

const preprocessorsText = "beside a network, supported is a dict of fitted scalers by name"

func decodePreprocessors(root pickle.Node, size int) (map[string]tabular.Stage, error) {
	parts, ok := root.(*pickle.Dict)
	if !ok {
		return nil, unsupported("the artifact", "is %s; %s", article(root), preprocessorsText)
	}
	if trained, ok := parts.Get("is_trained"); ok && trained != pickle.Bool(true) {
		return nil, broken("artifact['is_trained']", "is not True: the preprocessing was saved before it was fitted")
	}
	r := &reader{table: supported, budget: numbersPerByte*size + freeNumbers, looks: maxLooks}
	stages := map[string]tabular.Stage{}
	for _, entry := range parts.Entries {
		name, isText := entry.Key.(pickle.Str)
		object, isObject := entry.Value.(*pickle.Object)
		if !isText || !isObject {
			continue
		}
		from := step{fmt.Sprintf("artifact[%.64q]", string(name)), object}
		if r.isEstimator(object) {
			return nil, unsupported(from.path, "is %s, a model of its own; %s", object.Class, preprocessorsText)
		}
		read := r.roleOf(object).stage
		if read == nil {
			continue
		}
		columns, _ := r.columnsOf(object)
		if columns == 0 {
			columns = 1 // reading it says what is missing
		}
		if err := r.spend(from.path, columns); err != nil {
			return nil, err
		}
		stage, err := read(r, from, columns)
		if err != nil {
			return nil, err
		}
		if stage != nil {
			stages[string(name)] = stage
		}
	}
	if len(stages) == 0 {
		return nil, unsupported("the artifact", "has no transformer of numbers in it; %s", preprocessorsText)
	}
	return stages, nil
}
