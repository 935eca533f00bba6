package savedmodel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/format/tensorbundle"
	"github.com/ctr-operator/ctr-operator/runtime/format/wire"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
)

// The files of a model.
const (
	graphFile = "saved_model.pb"
	variables = "variables/variables"
)

// The limits.
const (
	// MaxGraph is how many bytes saved_model.pb has at most; TensorFlow itself cannot write more.
	MaxGraph = 2 << 30
	// MemoryFactor is how many bytes of memory the graph may take for each byte of saved_model.pb, and MemoryConstant what it may
	// take beside that.
	MemoryFactor   = 64
	MemoryConstant = 16 << 20
)

// Options say what of a model is read.
type Options struct {
	// Signature is the name of the signature; empty means the one that is served by default.
	Signature string
}

// Model is a signature of a SavedModel, and what there is beside it.
type Model struct {
	Graph *graph.Graph
	// Signature is the name of the signature that was read, Signatures those of all that there are.
	Signature  string
	Signatures []string
	// Version is that of the TensorFlow that wrote the model, as it says.
	Version string
}

// Is says whether there is a SavedModel in a folder.
func Is(files fs.FS) bool {
	info, err := fs.Stat(files, graphFile)
	return err == nil && info.Mode().IsRegular()
}

// Read reads a signature of the SavedModel in a folder. Files may have to be opened outside of it by name, so it is to be of a
// kind that does not follow names out of the folder, as that of os.Root. Errors are *Error, the context's, or the file system's.
func Read(ctx context.Context, files fs.FS, options Options) (*Model, error) {
	data, err := readGraph(files)
	if err != nil {
		return nil, err
	}
	message := wire.New(data, wire.Limits{MaxMemory: int64(len(data))*MemoryFactor + MemoryConstant})
	metas := readSavedModel(message)
	if err := message.Err(); err != nil {
		return nil, wrapped(err)
	}
	meta := serving(metas)
	if meta == nil {
		return nil, fault(NotSavedModel, "it has no graph")
	}
	l := &lowering{
		ctx: ctx, files: files, message: message, meta: meta, b: graph.NewBuilder(), operators: operators(),
		structural: structural(), effects: effects(), resources: map[string]*resource{}, loaded: map[string]graph.Value{},
		made: map[graph.Value]*made{},
	}
	if err := l.openVariables(); err != nil {
		return nil, err
	}
	if err := l.initialise(); err != nil {
		return nil, wrapped(err)
	}
	model, err := l.model(options.Signature)
	if err != nil {
		return nil, l.surveyed(err)
	}
	return model, nil
}

func readGraph(files fs.FS) ([]byte, error) {
	file, err := files.Open(graphFile)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := fs.Stat(files, graphFile+"txt"); err == nil {
			return nil, fault(Unsupported, "there is only its text form, saved_model.pbtxt; save it with as_text=False")
		}
		return nil, fault(NotSavedModel, "there is no such file")
	}
	if err != nil {
		return nil, fmt.Errorf("opening the graph: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("opening the graph: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fault(NotSavedModel, "it is no file")
	}
	if info.Size() > MaxGraph {
		return nil, fault(TooLarge, "a graph has %d bytes at most", MaxGraph)
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(file, data); err != nil {
		return nil, fmt.Errorf("reading the graph: %w", err)
	}
	return data, nil
}

// serving is the graph for serving, among several the one without other tags, which are of special hardware.
func serving(metas []*metaGraph) *metaGraph {
	var best *metaGraph
	for _, m := range metas {
		if slices.Contains(m.tags, "serve") && (best == nil || len(m.tags) < len(best.tags)) {
			best = m
		}
	}
	if best == nil && len(metas) == 1 {
		return metas[0]
	}
	return best
}

// openVariables reads the index of variables, where there is one: frozen graphs have none.
func (l *lowering) openVariables() error {
	if _, err := fs.Stat(l.files, variables+".index"); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	bundle, err := tensorbundle.Open(l.ctx, l.files, variables)
	if err != nil {
		return wrapped(err)
	}
	l.bundle = bundle
	return nil
}

// The names under which signatures are served.
const (
	defaultSignature = "serving_default"
	predictSignature = "predict"
)

// signature chooses one. Exports of classifiers that take tensors have none by default, and one for "predict".
func (l *lowering) signature(name string) (string, []string, error) {
	var names []string
	for _, n := range slices.Sorted(maps.Keys(l.meta.signatures)) {
		if !strings.HasPrefix(n, "__saved_model_") {
			names = append(names, n)
		}
	}
	listed := strings.Join(names, ", ")
	switch {
	case name != "" && slices.Contains(names, name):
		return name, names, nil
	case name != "":
		return "", nil, fault(Malformed, "there is no signature %.100q, but %.300s", name, listed)
	case slices.Contains(names, defaultSignature):
		return defaultSignature, names, nil
	case slices.Contains(names, predictSignature):
		return predictSignature, names, nil
	case len(names) == 1:
		return names[0], names, nil
	case len(names) == 0:
		return "", nil, fault(Unsupported, "it has no signature; save it with one, as with tf.saved_model.save(…, signatures=…)")
	default:
		return "", nil, fault(Unsupported, "none of its signatures is %s: %.300s", defaultSignature, listed)
	}
}

// model lowers a signature.
func (l *lowering) model(signature string) (*Model, error) {
	name, all, err := l.signature(signature)
	if err != nil {
		return nil, err
	}
	chosen := l.meta.signatures[name]
	s := l.scope("", l.meta.nodes, 0, false)
	l.feedFiles(s)
	if err := l.giveInputs(s, chosen); err != nil {
		return nil, wrapped(err)
	}
	if err := l.takeOutputs(s, chosen); err != nil {
		return nil, wrapped(err)
	}
	if l.example != nil {
		l.b.Example(*l.example)
	}
	g, err := l.b.Build()
	if err != nil {
		return nil, fault(Malformed, "%v", err)
	}
	return &Model{Graph: g, Signature: name, Signatures: all, Version: l.meta.version}, nil
}
