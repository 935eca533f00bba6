package model

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/format/unpack"
)

// The files of a bundle that are not the model.
const (
	goldenFile    = "golden.jsonl"
	featuresFile  = "features.yaml"
	referenceFile = "reference.json"
)

// wholeArtifact is the path in errors that are about the directory.
const wholeArtifact = "artifact"

// packedHead is enough of a compressed file to tell what is in it, for methods that compress large blocks, too.
const packedHead = 1 << 20

// maxFiles bounds the size of a bundle.
const maxFiles = 1000

// artifact is a directory in which the model's file has been found. Nothing is opened outside of it, links included.
type artifact struct {
	root *os.Root
	// model and golden are paths within; golden is empty where the bundle has none.
	model, golden string
}

// openArtifact finds the model's file by content, in a directory, or takes the file that location names.
func openArtifact(ctx context.Context, location string) (*artifact, error) {
	info, err := os.Stat(location)
	if err != nil {
		return nil, &LoadError{contract.ReasonArtifactNotFound, location, "there is no such artifact: " + err.Error(), err}
	}
	dir := location
	if !info.IsDir() {
		dir = filepath.Dir(location)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, &LoadError{contract.ReasonInternal, location, "cannot be opened: " + err.Error(), err}
	}
	a := &artifact{root: root}
	if info.IsDir() {
		err = a.find(ctx)
	} else {
		a.model = filepath.Base(location)
	}
	if err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// close cannot lose anything: the directory is only read.
func (a *artifact) close() { _ = a.root.Close() }

// find looks at every file, and takes the only one that begins like a model.
func (a *artifact) find(ctx context.Context) error {
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	if len(files) == 1 {
		// Whatever it is called: if it is none, reading it says so best.
		a.model = files[0]
		return nil
	}
	var models, others []string
	for _, name := range files {
		switch base := path.Base(name); {
		case base == goldenFile && a.golden != "":
			return loadError(contract.ReasonGoldenInvalid, wholeArtifact,
				fmt.Sprintf("there are two %s: %s and %s; keep one", goldenFile, a.golden, name))
		case base == goldenFile:
			a.golden = name
		case likeGolden(name):
			return loadError(contract.ReasonGoldenInvalid, name, "is not read: the golden predictions must be a file named "+
				goldenFile+"; rename it")
		case base == featuresFile:
			return loadError(contract.ReasonUnsupportedModel, name, "is not supported yet, and leaving it out of account "+
				"would change the predictions; publish the artifact without it, and send features")
		case a.looksLikeModel(name):
			models = append(models, name)
		case isSidecar(base):
		default:
			others = append(others, name)
		}
	}
	switch {
	case len(models) == 1:
		a.model = models[0]
	case len(models) > 1:
		return loadError(contract.ReasonArtifactMalformed, wholeArtifact, fmt.Sprintf(
			"more than one file could be the model: %s; keep one, or let the URL end in its name", list(models)))
	case len(others) == 1:
		// A format without a mark of its own, or none; reading it tells.
		a.model = others[0]
	case len(others) == 0:
		return loadError(contract.ReasonArtifactNotFound, wholeArtifact, "there is no model file in the artifact")
	default:
		return loadError(contract.ReasonArtifactMalformed, wholeArtifact, fmt.Sprintf(
			"none of %s is a model; publish the file that pickle.dump or joblib.dump wrote", list(others)))
	}
	return nil
}

// likeGolden says whether a name was probably meant to be that of the golden predictions, which would then not be replayed.
func likeGolden(name string) bool {
	return slices.ContainsFunc(strings.Split(strings.ToLower(name), "/"), func(part string) bool {
		return part == goldenFile || part == "golden.json"
	})
}

// list names a few files in a message.
func list(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// files lists the regular files, sorted.
func (a *artifact) files(ctx context.Context) ([]string, error) {
	var files []string
	err := fs.WalkDir(a.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case name != "." && strings.HasPrefix(entry.Name(), ".") && entry.IsDir():
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		case len(files) == maxFiles:
			return loadError(contract.ReasonArtifactTooLarge, wholeArtifact, fmt.Sprintf(
				"there are more than %d files; let the URL name the model's own directory", maxFiles))
		}
		files = append(files, name)
		return nil
	})
	var load *LoadError
	switch {
	case errors.As(err, &load):
		return nil, load
	case err != nil && ctx.Err() != nil:
		return nil, fmt.Errorf("listing the artifact: %w", err)
	case err != nil:
		return nil, &LoadError{contract.ReasonInternal, wholeArtifact, "cannot be listed: " + err.Error(), err}
	}
	slices.Sort(files)
	return files, nil
}

// isSidecar says that a file is none of a model's, by names that people and tools agree on.
func isSidecar(base string) bool {
	lower := strings.ToLower(base)
	return base == referenceFile || strings.HasPrefix(lower, ".") || strings.HasPrefix(lower, "readme") ||
		strings.HasPrefix(lower, "license") || strings.HasPrefix(lower, "sha256sum") ||
		strings.HasSuffix(lower, ".md") || strings.HasSuffix(lower, ".txt") || strings.HasSuffix(lower, ".sha256")
}

// looksLikeModel reads a file's first bytes, and unpacks them if need be: a compressed log is no model. A file that cannot
// be read does not look like one.
func (a *artifact) looksLikeModel(name string) bool {
	file, err := a.root.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	packed := make([]byte, packedHead)
	n, err := io.ReadFull(file, packed)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false
	}
	head := make([]byte, 2)
	return pickle.IsPickle(head[:unpack.Head(packed[:n], head)])
}

// read returns the model's bytes.
func (a *artifact) read(maxBytes int64) ([]byte, error) {
	file, err := a.root.Open(a.model)
	if err != nil {
		return nil, &LoadError{contract.ReasonInternal, a.model, "cannot be opened: " + err.Error(), err}
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, &LoadError{contract.ReasonInternal, a.model, "cannot be read: " + err.Error(), err}
	}
	if !info.Mode().IsRegular() {
		return nil, loadError(contract.ReasonArtifactMalformed, a.model, "is not a regular file")
	}
	if info.Size() > maxBytes {
		return nil, loadError(contract.ReasonArtifactTooLarge, a.model,
			fmt.Sprintf("has %d bytes, and at most %d are loaded", info.Size(), maxBytes))
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(file, data); err != nil {
		return nil, &LoadError{contract.ReasonInternal, a.model, "cannot be read: " + err.Error(), err}
	}
	return data, nil
}

func (a *artifact) path(name string) string {
	if name == "" {
		return ""
	}
	return filepath.Join(a.root.Name(), filepath.FromSlash(name))
}
