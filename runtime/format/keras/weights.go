package keras

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/format/hdf5"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// attach finds every layer's weights in the file.
func (r *reader) attach(root *layer) error {
	if r.source.archive {
		_, err := r.source.weights.Group(dependencies)
		r.dependencies = err == nil
		r.place(root, "")
		return r.attachArchive(root)
	}
	return r.attachLegacy(root)
}

// expected are the weights that a layer has by its configuration.
func (l *layer) expected() []weight {
	if l.spec == nil || l.spec.weights == nil {
		return nil
	}
	return l.spec.weights(l)
}

// attachLegacy finds weights in an .h5: a group for each of the model's layers, with the weights of a whole model if it is
// one.
func (r *reader) attachLegacy(root *layer) error {
	if root.network.premade != nil {
		return fault(Unsupported, "Keras does not write this class to .h5; save it as .keras")
	}
	for _, l := range root.network.layers {
		if err := r.attachGroup(l); err != nil {
			return at(l.path, l.class, err)
		}
	}
	return nil
}

func (r *reader) attachGroup(l *layer) error {
	trainable, frozen := l.gather()
	order := slices.Concat(trainable, frozen)
	if len(order) == 0 && l.network == nil {
		r.list(l)
		return nil
	}
	group, err := r.source.weights.Group(l.name)
	if err != nil {
		return fromHDF5("its weights", err)
	}
	names, err := stringList(group, "weight_names")
	if err != nil {
		return fromHDF5("its weights", err)
	}
	if len(names) == 0 && len(order) > 0 && l.optionalWeights() {
		r.list(l)
		return nil
	}
	if len(names) != len(order) {
		return fault(Malformed, "the file has %d weights, expected %d", len(names), len(order))
	}
	for i, name := range names {
		data, err := group.Dataset(name)
		if err != nil {
			return fromHDF5("the weight "+quoted(name), err)
		}
		order[i].data = data
	}
	r.list(l)
	return nil
}

// gather are pointers to all weights below a layer, in the order in which Keras lists them: those that training changes,
// then the others. All of a layer or model that is not trainable are others.
func (l *layer) gather() (trainable, frozen []*weight) {
	if l.network == nil {
		l.weights = l.expected()
		for i := range l.weights {
			w := &l.weights[i]
			if w.trainable && l.trainable {
				trainable = append(trainable, w)
			} else {
				frozen = append(frozen, w)
			}
		}
	} else {
		for _, child := range l.network.layers {
			t, f := child.gather()
			if l.trainable {
				trainable, frozen = append(trainable, t...), append(frozen, f...)
			} else {
				frozen = append(append(frozen, t...), f...)
			}
		}
	}
	return trainable, frozen
}

// optionalWeights says whether a layer of its class may be without weights in the file.
func (l *layer) optionalWeights() bool { return strings.HasSuffix(l.class, "Lookup") }

// list adds a layer to what people see of the model.
func (r *reader) list(l *layer) {
	if l.network != nil {
		for _, child := range l.network.layers {
			r.list(child)
		}
		return
	}
	parameters := 0
	for _, w := range l.weights {
		if w.data != nil {
			parameters += w.data.Len()
		}
	}
	r.layers = append(r.layers, Layer{Name: l.path, Class: l.class, Parameters: parameters})
}

// stringList reads an attribute that is a list of names; a long one is in several attributes, numbered from 0.
func stringList(group *hdf5.Group, name string) ([]string, error) {
	attribute, err := group.Attribute(name)
	if err == nil {
		return attribute.Strings()
	}
	var all []string
	for i := 0; ; i++ {
		part, next := group.Attribute(name + strconv.Itoa(i))
		if hdf5.KindOf(next) == hdf5.NotFound && i > 0 {
			return all, nil
		}
		if next != nil {
			return nil, err
		}
		items, next := part.Strings()
		if next != nil {
			return nil, next
		}
		all = append(all, items...)
	}
}

// dependencies is the folder in which Keras 2.12 keeps a model's layers. It counts each layer twice that has weights.
const dependencies = "_layer_checkpoint_dependencies"

// place says where the layers of an archive are: in folders named for their classes, counted where there are several of one.
func (r *reader) place(l *layer, where string) {
	l.where = where
	if l.network == nil {
		return
	}
	if l.network.premade != nil {
		l.network.premade.place(r, where)
		return
	}
	folder := "layers"
	if r.dependencies {
		folder = dependencies
	}
	used := map[string]int{}
	for _, child := range l.network.layers {
		if child.operator != nil {
			continue
		}
		class := snakeCase(child.class)
		name := class
		if count := used[class]; count > 0 {
			name += "_" + strconv.Itoa(count)
		}
		used[class]++
		if r.dependencies && child.hasWeights() {
			used[class]++
		}
		r.place(child, join(where, folder+"/"+name))
	}
}

// hasWeights says whether Keras counts weights of a layer, which a vocabulary that was learned is, too.
func (l *layer) hasWeights() bool {
	trainable, frozen := l.gather()
	return len(trainable)+len(frozen) > 0 || l.optionalWeights() && !l.config.has("vocabulary")
}

func join(a, b string) string { return strings.TrimPrefix(a+"/"+b, "/") }

// snakeCase is what Keras calls a class in paths.
func snakeCase(class string) string {
	class = regexp.MustCompile(`\W+`).ReplaceAllString(class, "")
	class = regexp.MustCompile(`(.)([A-Z][a-z0-9]+)`).ReplaceAllString(class, "${1}_${2}")
	return strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(class, "${1}_${2}"))
}

// attachArchive finds weights in an archive: a folder for each layer.
func (r *reader) attachArchive(l *layer) error {
	if l.network != nil {
		children := l.network.layers
		if l.network.premade != nil {
			children = l.network.premade.children()
		}
		for _, child := range children {
			if err := r.attachArchive(child); err != nil {
				return err
			}
		}
		return nil
	}
	defer func() { r.list(l) }()
	l.weights = l.expected()
	if len(l.weights) == 0 {
		return nil
	}
	return at(l.path, l.class, r.attachFolder(l))
}

func (r *reader) attachFolder(l *layer) error {
	folder, err := r.folder(l.where)
	if err != nil {
		return err
	}
	links, err := folder.Links()
	if err != nil {
		return fromHDF5("its weights", err)
	}
	if len(links) != len(l.weights) {
		return fault(Malformed, "the file has %d weights, expected %d", len(links), len(l.weights))
	}
	for i := range l.weights {
		w := &l.weights[i]
		key := strconv.Itoa(i)
		if l.optionalWeights() {
			key = w.name
		}
		if w.data, err = folder.Dataset(key); err != nil {
			return fromHDF5("the weight "+w.name, err)
		}
	}
	return nil
}

// folder is where a layer's weights are.
func (r *reader) folder(where string) (*hdf5.Group, error) {
	folder, err := r.source.weights.Group(join(where, "vars"))
	if err != nil {
		return nil, fromHDF5(fmt.Sprintf("its weights, %s (a layer that two models share has them in one place only, "+
			"which is not supported)", quoted(where)), err)
	}
	return folder, nil
}

// read reads a weight into a new tensor. Its shape must be the one expected, where graph.Any stands for any size.
func (r *reader) read(l *layer, i int, dtype tensor.DType, expected ...int) (*tensor.Tensor, error) {
	if l.config.err != nil {
		return nil, l.config.err
	}
	w := l.weights[i]
	if w.data == nil {
		return nil, fault(Malformed, "the weight %s is not in the file", w.name)
	}
	shape := w.data.Shape()
	fits := len(shape) == len(expected)
	for d := 0; fits && d < len(shape); d++ {
		fits = expected[d] == graph.Any || expected[d] == shape[d]
	}
	if !fits {
		return nil, fault(Malformed, "the weight %s has the shape %v, expected %v", w.name, shape, expected)
	}
	return r.readAll(w, dtype, shape)
}

func (r *reader) readAll(w weight, dtype tensor.DType, shape []int) (*tensor.Tensor, error) {
	bytes := int64(w.data.Len()) * int64(dtype.Size())
	if bytes > r.source.left {
		return nil, fault(TooLarge, "the weights are larger than the file, and the limits, allow")
	}
	r.source.left -= bytes
	t := tensor.New(dtype, slices.Clone(shape)...)
	var err error
	switch dtype {
	case tensor.Float32:
		err = w.data.ReadFloat32(r.ctx, tensor.Data[float32](t))
	case tensor.Float64:
		err = w.data.ReadFloat64(r.ctx, tensor.Data[float64](t))
	default:
		err = w.data.ReadInt64(r.ctx, tensor.Data[int64](t))
	}
	if err != nil {
		return nil, fromHDF5("the weight "+w.name, err)
	}
	return t, nil
}
