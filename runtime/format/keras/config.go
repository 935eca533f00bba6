package keras

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/format/hdf5"
)

// object is how Keras serializes anything: its class and configuration.
type object struct {
	Module         string          `json:"module"`
	Class          string          `json:"class_name"`
	Config         json.RawMessage `json:"config"`
	RegisteredName string          `json:"registered_name"`
	BuildConfig    json.RawMessage `json:"build_config"`
	// Name and Nodes are a layer's in a functional model.
	Name  string            `json:"name"`
	Nodes []json.RawMessage `json:"inbound_nodes"`
}

// layer is a layer, a model within a model, or an operator that a functional model recorded.
type layer struct {
	// path is the layer's name after those of the models that it is in.
	path, name, class string
	config            *fields
	spec              *layerSpec
	// operator is set instead of spec for what Keras 3 records of keras.ops.
	operator func(o *operation) ([]value, error)
	// network is a model's, else nil.
	network   *network
	trainable bool
	// where is its folder in an archive's weights and assets.
	where   string
	weights []weight
	nodes   []json.RawMessage
	unit    unit
}

// weight is one of a layer's, and what is known of it before it is read.
type weight struct {
	name      string
	trainable bool
	data      *hdf5.Dataset
}

// keras3 says whether the model was written by Keras 3. The versions differ in details of layers and masks.
func (r *reader) keras3() bool { return r.since3(0) }

// since3 says whether the model was written by Keras 3 of that minor version or a later one.
func (r *reader) since3(minor int) bool {
	rest, ok := strings.CutPrefix(r.source.version, "3.")
	if !ok {
		return false
	}
	second, _, _ := strings.Cut(rest, ".")
	wrote, err := strconv.Atoi(second)
	return err == nil && wrote >= minor
}

// parse makes the tree of layers.
func (r *reader) parse(data json.RawMessage, above string, depth int) (*layer, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	if depth > MaxModels {
		return nil, fault(TooLarge, "models are in models more than %d deep", MaxModels)
	}
	if r.count++; r.count > MaxLayers {
		return nil, fault(TooLarge, "there are more than %d layers", MaxLayers)
	}
	var o object
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, fault(Malformed, "a layer is %.60s: %w", data, err)
	}
	l := &layer{class: o.Class, nodes: o.Nodes, trainable: true}
	var err error
	if first(o.Config) == '[' {
		// The oldest sequential models are bare lists.
		o.Config = slices.Concat(json.RawMessage(`{"layers":`), o.Config, json.RawMessage(`}`))
	}
	if l.config, err = fieldsOf(o.Config); err != nil {
		return nil, err
	}
	l.name = l.config.text("name", o.Name)
	if o.Name != "" {
		l.name = o.Name
	}
	l.trainable = l.config.bool("trainable", true)
	l.path = strings.TrimPrefix(above+"/"+l.name, "/")
	if err := l.config.err; err != nil {
		return nil, at(l.path, l.class, err)
	}
	if err := r.resolve(l, &o, above, depth); err != nil {
		return nil, at(l.path, l.class, err)
	}
	return l, nil
}

// resolve finds out what a class means.
func (r *reader) resolve(l *layer, o *object, above string, depth int) error {
	if err := known(o); err != nil {
		return err
	}
	if r.isOperator(l, o) {
		if l.operator = operators()[o.Class]; l.operator == nil {
			return unsupportedOperator("keras.ops."+o.Class, operators())
		}
		return nil
	}
	switch o.Class {
	case "Sequential", "Functional", "Model":
		below := l.path
		if depth == 0 {
			below = above
		}
		network, err := r.parseNetwork(l, below, depth)
		l.network = network
		return err
	case "WideDeepModel", "LinearModel":
		network, err := r.parsePremade(l, o, depth)
		l.network = network
		return err
	}
	if spec, ok := r.table[o.Class]; ok {
		l.spec = &spec
		return nil
	}
	return unsupportedLayer(o.Class, r.table)
}

// isOperator says whether a layer of a functional model is one of keras.ops. In .h5 files, which do not name modules,
// operators have no type and no training.
func (r *reader) isOperator(l *layer, o *object) bool {
	if o.Module == "" {
		_, also := r.table[o.Class]
		return operators()[o.Class] != nil && (!also || !l.config.has("dtype") && !l.config.has("trainable"))
	}
	return strings.HasPrefix(o.Module, "keras.src.ops") || strings.HasPrefix(o.Module, "keras.ops")
}

// known refuses what carries code, and classes that are not Keras's own.
func known(o *object) error {
	if o.Class == "Lambda" || o.Class == "__lambda__" || o.Class == "TensorFlowOpLayer" {
		return fault(Unsafe, "the layer carries code, which is not run; write it with Keras's own layers and operators, and save again")
	}
	own := o.Module == "" || o.Module == "builtins"
	for _, root := range []string{"keras", "tf_keras", "tensorflow"} {
		own = own || o.Module == root || strings.HasPrefix(o.Module, root+".")
	}
	if !own || strings.Contains(o.RegisteredName, ">") || strings.Contains(o.Class, ">") {
		return fault(Unsupported, "%s is a class of your own, whose code is not in the file",
			quoted(strings.TrimPrefix(o.Module+"."+o.Class, ".")))
	}
	return nil
}

// names are a table's, in order, for messages.
func names[T any](table map[string]T) string {
	var all []string
	for name := range table {
		all = append(all, name)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func unsupportedLayer(class string, table map[string]layerSpec) error {
	return fault(Unsupported, "the class %s is not supported; supported are Sequential, Functional, WideDeepModel, LinearModel, %s",
		quoted(class), names(table))
}

func unsupportedOperator[T any](name string, table map[string]T) error {
	return fault(Unsupported, "the operator %s is not supported; supported are %s", quoted(name), names(table))
}
