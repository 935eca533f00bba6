package model

import (
	"context"
	"path"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/format/keras"
	"github.com/ctr-operator/ctr-operator/runtime/format/onnx"
	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/format/savedmodel"
	"github.com/ctr-operator/ctr-operator/runtime/format/unpack"
)

// format is one that artifacts have. Adding one takes a line in the table below, and its reader.
type format struct {
	name string
	// head says whether a file that begins so is of the format; nil for a format of directories.
	head func(head []byte) bool
	// extensions are what files of the format are usually called. They count only for the error about a file that is of no format.
	extensions []string
	// directory says that the model is the file's whole directory.
	directory bool
	// what is its kind in GET /v1/models.
	what string
	open func(ctx context.Context, l *loading) error
}

// savedModelFile is what makes a directory a SavedModel.
const savedModelFile = "saved_model.pb"

// publishText is what to do about an artifact that is none.
const publishText = "the file that pickle.dump, joblib.dump, Keras or an ONNX exporter wrote, or a SavedModel's directory"

// longestHead is enough of a compressed file to tell what is in it, for methods that compress large blocks, too.
const longestHead = 1 << 20

// formats is the table, in the order in which a beginning is compared.
func formats() []format {
	return []format{
		{
			name: contract.FormatSklearn, head: isPickle, extensions: []string{".pkl", ".pickle", ".joblib"},
			what: "pickle", open: openSklearn,
		},
		{
			name: contract.FormatKeras, head: keras.Detect, extensions: []string{".h5", ".hdf5", ".keras"},
			what: "tensorflow", open: openKeras,
		},
		{
			name: contract.FormatSavedModel, directory: true, extensions: []string{".pb", ".pbtxt"},
			what: "tensorflow", open: openSavedModel,
		},
		{
			name: contract.FormatONNX, head: onnx.Detect, extensions: []string{".onnx"},
			what: "onnx", open: openONNX,
		},
	}
}

// Formats are the names of the formats.
func Formats() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return names
}

// formatNamed is nil for a name that is none.
func formatNamed(name string) *format {
	for _, f := range formats() {
		if f.name == name {
			return &f
		}
	}
	return nil
}

func formatByHead(head []byte) *format {
	for _, f := range formats() {
		if f.head != nil && f.head(head) {
			return &f
		}
	}
	return nil
}

// formatByName guesses by a file's name, for the sake of the error; the first format where the name says nothing.
func formatByName(name string) *format {
	all := formats()
	for i := range all {
		for _, extension := range all[i].extensions {
			if strings.EqualFold(path.Ext(name), extension) {
				return &all[i]
			}
		}
	}
	return &all[0]
}

// isPickle looks into compressed files: a compressed log is no model.
func isPickle(head []byte) bool {
	plain := make([]byte, 2)
	return pickle.IsPickle(plain[:unpack.Head(head, plain)])
}

// openKeras opens an .h5 or .keras file.
func openKeras(ctx context.Context, l *loading) error {
	file, size, err := l.open(l.name, l.options.MaxBytes)
	if err != nil {
		return err
	}
	defer file.Close()
	read, err := keras.Read(ctx, file, size, keras.Limits{})
	if err != nil {
		return fromReader(l.name, err)
	}
	for _, layer := range read.Layers {
		l.model.description.Layers = append(l.model.description.Layers, Layer{
			Name: layer.Name, Operator: layer.Class, Parameters: int64(layer.Parameters),
		})
	}
	return l.openGraph(ctx, read.Graph)
}

// openSavedModel opens a SavedModel's directory.
func openSavedModel(ctx context.Context, l *loading) error {
	within, err := l.root.OpenRoot(l.name)
	if err != nil {
		return &LoadError{contract.ReasonInternal, l.name, "cannot be opened: " + err.Error(), err}
	}
	defer within.Close()
	if err := l.checkSize(within); err != nil {
		return err
	}
	read, err := savedmodel.Read(ctx, within.FS(), savedmodel.Options{})
	if err != nil {
		return fromReader(l.name, err)
	}
	return l.openGraph(ctx, read.Graph)
}

// openONNX opens an ONNX file, and those beside it that hold its tensors.
func openONNX(ctx context.Context, l *loading) error {
	file, _, err := l.open(l.name, l.options.MaxBytes)
	if err != nil {
		return err
	}
	_ = file.Close() // only looked at
	read, err := onnx.Read(ctx, l.root.FS(), l.name, onnx.Limits{MaxBytes: l.options.MaxBytes})
	if err != nil {
		return fromReader(l.name, err)
	}
	return l.openGraph(ctx, read)
}
