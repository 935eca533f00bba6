package onnx

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"path"

	"github.com/ctr-operator/ctr-operator/runtime/format/wire"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
)

// Limits bound what a model may ask for. The zero value has the defaults.
type Limits struct {
	// MaxBytes is how many bytes the model's files may have, all together; 0 means no limit.
	MaxBytes int64
}

// Read reads the model in a file of root, and the files beside it that hold its tensors. Errors that are not of reading
// files, nor the context's, are *Error. Links that lead out of root are root's to refuse, as that of os.Root.FS does.
func Read(ctx context.Context, root fs.FS, name string, limits Limits) (*graph.Graph, error) {
	g, err := read(ctx, root, name, limits)
	if failure, ok := errors.AsType[*Error](err); ok && failure.File == "" {
		failure.File = name
	}
	return g, err
}

func read(ctx context.Context, root fs.FS, name string, limits Limits) (*graph.Graph, error) {
	const least = 1 << 20
	if limits.MaxBytes == 0 {
		limits.MaxBytes = math.MaxInt64 / (2 * Expansion)
	}
	f := &files{root: root, dir: path.Dir(name), budget: least, bytes: limits.MaxBytes, open: map[string]*externalFile{}}
	defer f.close()
	data, err := f.model(ctx, name)
	if err != nil {
		return nil, err
	}
	model, err := decode(ctx, data)
	if err != nil {
		return nil, err
	}
	f.inPlace = model.inPlace
	g, err := lower(ctx, f, model)
	if err != nil {
		return nil, surveyed(err, model)
	}
	return g, nil
}

// Detect says whether a file that begins with these bytes may be an ONNX model: whether its first fields are those of a
// ModelProto.
func Detect(prefix []byte) bool {
	m := wire.New(prefix, wire.Limits{MaxFields: 100})
	seen := map[int]bool{}
	for m.Next() {
		switch m.Field() {
		case 1, 5:
			m.Int64()
		case 2, 3, 4, 6, 7, 8, 14, 20, 25, 26:
			m.Bytes()
		default:
			return false
		}
		if m.Err() != nil {
			return false
		}
		seen[m.Field()] = true
	}
	return detected(m, seen, prefix)
}

// detected decides by the fields that are whole; the one that the prefix cuts off may be the graph.
func detected(m *wire.Message, seen map[int]bool, prefix []byte) bool {
	const graphTag = 7<<3 | 2
	if !seen[1] {
		return false
	}
	if seen[7] {
		return true
	}
	at := m.Offset()
	return m.Err() != nil && at < int64(len(prefix)) && prefix[at] == graphTag
}
