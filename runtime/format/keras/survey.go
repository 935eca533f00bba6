package keras

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Unsupported are all layers of a model that was refused because of some, as "layer NAME (CLASS)"; nil where something else
// was the reason.
func (e *Error) Unsupported() []string { return e.parts }

// surveyed adds to the error about a layer what else in the model is not supported, so that nobody has to find out one by
// one.
func surveyed(err error, config []byte) error {
	failure, ok := errors.AsType[*Error](err)
	if !ok || failure.Kind != Unsupported && failure.Kind != Unsafe {
		return err
	}
	var root any
	if plain, scrubErr := scrub(config); scrubErr != nil || json.Unmarshal(plain, &root) != nil {
		return err
	}
	s := survey{table: layerTable(), operators: operators()}
	s.walk(root, 0)
	slices.Sort(s.found)
	failure.parts = slices.Compact(s.found)
	return err
}

// survey looks through a configuration for layers that are in no table.
type survey struct {
	table     map[string]layerSpec
	operators map[string]operator
	found     []string
}

func (s *survey) walk(value any, depth int) {
	if depth > 4*MaxModels || len(s.found) > MaxLayers {
		return
	}
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			s.walk(item, depth+1)
		}
	case map[string]any:
		layers, ok := value["layers"].([]any)
		for _, layer := range layers {
			s.layer(layer)
		}
		for name, item := range value {
			if name == "config" || name == "layer" || name == "layers" && ok {
				s.walk(item, depth+1)
			}
		}
	}
}

// layer looks at one of a model's layers.
func (s *survey) layer(value any) {
	fields, ok := value.(map[string]any)
	if !ok {
		return
	}
	text := func(name string) string {
		value, _ := fields[name].(string)
		return value
	}
	o := &object{Module: text("module"), Class: text("class_name"), RegisteredName: text("registered_name"), Name: text("name")}
	if config, ok := fields["config"].(map[string]any); ok && o.Name == "" {
		o.Name, _ = config["name"].(string)
	}
	_, isLayer := s.table[o.Class]
	_, isOperator := s.operators[o.Class]
	isModel := slices.Contains([]string{"Sequential", "Functional", "Model", "WideDeepModel", "LinearModel"}, o.Class)
	if known(o) != nil || !isLayer && !isOperator && !isModel {
		s.found = append(s.found, fmt.Sprintf("layer %s (%.100s)", quoted(o.Name), o.Class))
	}
}
