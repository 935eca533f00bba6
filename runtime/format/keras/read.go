package keras

import (
	"context"
	"errors"
	"io"

	"github.com/ctr-operator/ctr-operator/runtime/format/hdf5"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
)

// Bounds of what a file may ask for.
const (
	// MaxConfig is how many bytes the configuration has at most; vocabularies are in it.
	MaxConfig = 128 << 20
	// MaxLayers is how many layers there are at most, in all models together.
	MaxLayers = 1 << 15
	// MaxCalls is how often layers are called at most: a model that is called twice calls all of its layers twice.
	MaxCalls = 1 << 17
	// MaxModels is how deep models are in models.
	MaxModels = 24
	// Expansion is how many bytes of weights there may be for each of the file's: half floats become floats, and chunks may
	// be compressed.
	Expansion = 8
)

// Limits bound what is read. The zero value has the defaults.
type Limits struct {
	// MaxBytes is how many bytes the file, and its weights in memory, may have; 0 means no more than the file's size allows.
	MaxBytes int64
}

// Layer is one of a model's, for people.
type Layer struct {
	// Name is after those of the models that it is in, with slashes between them.
	Name, Class string
	// Parameters are how many numbers it has.
	Parameters int
}

// Model is what was read.
type Model struct {
	Graph *graph.Graph
	// Archive says that it was a .keras file, and not an .h5.
	Archive bool
	// Version is that of the Keras which wrote it; empty where the file does not say.
	Version string
	// Layers are in the order of the configuration.
	Layers []Layer
}

// Parameters are how many numbers all layers have.
func (m *Model) Parameters() int {
	n := 0
	for _, layer := range m.Layers {
		n += layer.Parameters
	}
	return n
}

// Detect says whether a file that begins with these bytes may be a Keras model.
func Detect(head []byte) bool { return hdf5.IsHDF5(head) || isArchive(head) }

// Read reads a model from a file of the given size. An error is an *Error, the context's, or one of the reader's own.
func Read(ctx context.Context, in io.ReaderAt, size int64, limits Limits) (*Model, error) {
	if limits.MaxBytes > 0 && size > limits.MaxBytes {
		return nil, fault(TooLarge, "the file has %d bytes, of which %d are allowed", size, limits.MaxBytes)
	}
	head := make([]byte, min(size, headLen))
	if _, err := in.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	s := &source{size: size, left: size*Expansion + 64<<20}
	if limits.MaxBytes > 0 {
		s.left = min(s.left, limits.MaxBytes)
	}
	var err error
	switch {
	case isArchive(head):
		err = s.openArchive(ctx, in, size)
	default:
		err = s.openLegacy(in, size)
	}
	if err != nil {
		return nil, err
	}
	config := s.config
	model, err := s.model(ctx)
	if err != nil {
		return nil, surveyed(err, config)
	}
	return model, nil
}

// source is an open file: where its configuration and weights are.
type source struct {
	size int64
	// config is the model's: class, configuration and all.
	config  []byte
	version string
	archive bool
	// weights is an HDF5 file: of an .h5 the group model_weights, else the root.
	weights *hdf5.Group
	// assets reads one of an archive's, and is nil for an .h5.
	assets func(name string) ([]byte, bool, error)
	// left is how many bytes of weights may still be read.
	left int64
}

// openLegacy opens an .h5.
func (s *source) openLegacy(in io.ReaderAt, size int64) error {
	file, err := hdf5.Open(in, size, hdf5.Limits{})
	if err != nil {
		return fromHDF5("the file", err)
	}
	root := file.Root()
	config, err := root.Attribute("model_config")
	if hdf5.KindOf(err) == hdf5.NotFound {
		return fault(NotKeras, "it has weights, and no model: there is no attribute model_config; save it whole, with model.save")
	}
	if err != nil {
		return fromHDF5("the attribute model_config", err)
	}
	if s.config, err = config.Bytes(); err != nil {
		return fromHDF5("the attribute model_config", err)
	}
	if len(s.config) > MaxConfig {
		return fault(TooLarge, "the configuration has more than %d bytes", MaxConfig)
	}
	if version, err := root.Attribute("keras_version"); err == nil {
		if text, err := version.Bytes(); err == nil {
			s.version = string(text)
		}
	}
	if s.weights, err = root.Group("model_weights"); err != nil {
		return fromHDF5("the group model_weights", err)
	}
	return nil
}
