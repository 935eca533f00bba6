package model

import (
	"context"
	"path"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
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
