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
	"strconv"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// The files of a bundle that are not the model.
const (
	goldenFile    = "golden.jsonl"
	featuresFile  = "features.yaml"
	referenceFile = "reference.json"
)

// wholeArtifact is the path in errors that are about the directory.
const wholeArtifact = "artifact"

// maxFiles bounds the size of a bundle.
const maxFiles = 1000

// artifact is a directory in which the model has been found. Nothing is opened outside of it, links included.
type artifact struct {
	root   *os.Root
	format *format
	// name is the model's file, or its directory where the format is one of directories; the others are empty where the
	// bundle has none. beside are pickles that stand beside a network: its preprocessing, if anything.
	name, golden, features string
	besides                []string
}

// openArtifact finds the model by content, in a directory, or takes the file that location names. A format that is given is
// the only one that is looked for.
func openArtifact(ctx context.Context, location, format string) (*artifact, error) {
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
	a := &artifact{root: root, format: formatNamed(format)}
	if info.IsDir() {
		err = a.find(ctx)
	} else {
		a.take(filepath.Base(location), a.formatOf(filepath.Base(location)))
	}
	if err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// close cannot lose anything: the directory is only read.
func (a *artifact) close() { _ = a.root.Close() }

// take makes a file the model's. Where its format is not known, that of its name is tried: reading it says best what is wrong.
func (a *artifact) take(name string, is *format) {
	if a.format == nil {
		a.format = is
	}
	if a.format == nil {
		a.format = formatByName(name)
	}
	a.name = name
	if a.format.directory {
		a.name = path.Dir(name)
	}
}

// candidate is a file that could be the model.
type candidate struct {
	name   string
	format *format
}

// find looks at every file, and takes the only one that begins like a model.
func (a *artifact) find(ctx context.Context) error {
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	if len(files) == 1 {
		// Whatever it is called: if it is none, reading it says so best.
		a.take(files[0], a.formatOf(files[0]))
		return nil
	}
	found, others, err := a.sort(files)
	if err != nil {
		return err
	}
	wanted := a.wanted(found)
	switch {
	case len(wanted) == 1:
		a.take(wanted[0].name, wanted[0].format)
	case len(wanted) > 1:
		return loadError(contract.ReasonArtifactMalformed, wholeArtifact, fmt.Sprintf(
			"more than one file could be the model: %s; keep one, or let the URL end in its name", named(wanted)))
	case len(found) > 0:
		return loadError(contract.ReasonArtifactMalformed, wholeArtifact, fmt.Sprintf(
			"there is no model of the format %s in it, but %s; declare that format, or none", a.format.name, named(found)))
	case len(others) == 1:
		// A format without a mark of its own, or none; reading it tells.
		a.take(others[0], nil)
	case len(others) == 0:
		return loadError(contract.ReasonArtifactNotFound, wholeArtifact, "there is no model file in the artifact")
	default:
		return loadError(contract.ReasonArtifactMalformed, wholeArtifact, fmt.Sprintf(
			"none of %s is a model; publish %s", list(others), publishText))
	}
	return nil
}

// sort tells the files apart: those that could be the model, and those of which nothing is known.
func (a *artifact) sort(files []string) (found []candidate, others []string, err error) {
	directories := modelDirectories(files)
	for _, name := range files {
		base := path.Base(name)
		switch {
		case base == goldenFile && a.golden != "":
			return nil, nil, loadError(contract.ReasonGoldenInvalid, wholeArtifact,
				fmt.Sprintf("there are two %s: %s and %s; keep one", goldenFile, a.golden, name))
		case base == goldenFile:
			a.golden = name
		case base == featuresFile && a.features != "":
			return nil, nil, loadError(contract.ReasonArtifactMalformed, wholeArtifact,
				fmt.Sprintf("there are two %s: %s and %s; keep one", featuresFile, a.features, name))
		case base == featuresFile:
			a.features = name
		case within(name, directories):
			// Whatever is in a model's own directory is the model's.
		case likeGolden(name):
			return nil, nil, loadError(contract.ReasonGoldenInvalid, name, "is not read: the golden predictions must be a file named "+
				goldenFile+"; rename it")
		case likeFeatures(base):
			return nil, nil, loadError(contract.ReasonArtifactMalformed, name, "is not read: the features must be in a file named "+
				featuresFile+"; rename it")
		default:
			if is := a.formatOf(name); is != nil {
				found = append(found, candidate{name, is})
			} else if !isSidecar(base) {
				others = append(others, name)
			}
		}
	}
	for _, directory := range directories {
		found = append(found, candidate{path.Join(directory, savedModelFile), formatNamed(contract.FormatSavedModel)})
	}
	return found, others, nil
}

// wanted are the candidates that may be the model: those of the declared format, and of the others no pickle beside a network,
// which has its preprocessing.
func (a *artifact) wanted(found []candidate) []candidate {
	var networks, pickles []candidate
	for _, c := range found {
		if c.format.name == contract.FormatSklearn {
			pickles = append(pickles, c)
		} else if a.format == nil || a.format.name == c.format.name {
			networks = append(networks, c)
		}
	}
	if len(networks) == 0 {
		if a.format != nil && a.format.name != contract.FormatSklearn {
			return nil
		}
		return pickles
	}
	if a.format != nil && a.format.name == contract.FormatSklearn {
		return pickles
	}
	for _, c := range pickles {
		a.besides = append(a.besides, c.name)
	}
	return networks
}

func named(found []candidate) string {
	names := make([]string, len(found))
	for i, c := range found {
		names[i] = c.name
	}
	return list(names)
}

// modelDirectories are the directories of SavedModels. Of versions beside each other, 1/ and 2/, the highest counts.
func modelDirectories(files []string) []string {
	var directories []string
	newest := map[string]int{}
	for _, name := range files {
		if path.Base(name) != savedModelFile {
			continue
		}
		directory := path.Dir(name)
		if version, err := strconv.Atoi(path.Base(directory)); err == nil && version >= 0 {
			parent := path.Dir(directory)
			if known, ok := newest[parent]; !ok || version > known {
				newest[parent] = version
			}
		}
		directories = append(directories, directory)
	}
	return slices.DeleteFunc(directories, func(directory string) bool {
		version, err := strconv.Atoi(path.Base(directory))
		known, ok := newest[path.Dir(directory)]
		return err == nil && ok && version < known
	})
}

// within says whether a file is in one of the directories, or in a version beside one of them.
func within(name string, directories []string) bool {
	for _, directory := range directories {
		if directory == "." || strings.HasPrefix(name, directory+"/") {
			return true
		}
		if _, err := strconv.Atoi(path.Base(directory)); err == nil {
			rest := strings.TrimPrefix(name, path.Dir(directory)+"/")
			if path.Dir(directory) == "." {
				rest = name
			}
			version, _, _ := strings.Cut(rest, "/")
			if _, err := strconv.Atoi(version); err == nil && rest != version {
				return true
			}
		}
	}
	return false
}

// likeGolden says whether a name was probably meant to be that of the golden predictions, which would then not be replayed.
func likeGolden(name string) bool {
	return slices.ContainsFunc(strings.Split(strings.ToLower(name), "/"), func(part string) bool {
		return part == goldenFile || part == "golden.json"
	})
}

// likeFeatures says whether a name was probably meant to be that of the feature file, which would then not count.
func likeFeatures(base string) bool {
	lower := strings.ToLower(base)
	return lower == featuresFile || lower == "features.yml" || lower == "feature.yaml"
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

// formatOf tells a file's format by its name, where the format is one of directories, or by its beginning; nil where it has
// none. A file that cannot be read has none.
func (a *artifact) formatOf(name string) *format {
	if path.Base(name) == savedModelFile {
		return formatNamed(contract.FormatSavedModel)
	}
	file, err := a.root.Open(name)
	if err != nil {
		return nil
	}
	defer file.Close()
	head := make([]byte, longestHead)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return formatByHead(head[:n])
}

// open opens a regular file within the artifact, of at most so many bytes.
func (a *artifact) open(name string, maxBytes int64) (file *os.File, size int64, err error) {
	file, err = a.root.Open(name)
	if err != nil {
		return nil, 0, &LoadError{contract.ReasonInternal, name, "cannot be opened: " + err.Error(), err}
	}
	info, err := file.Stat()
	switch {
	case err != nil:
		err = &LoadError{contract.ReasonInternal, name, "cannot be read: " + err.Error(), err}
	case !info.Mode().IsRegular():
		err = loadError(contract.ReasonArtifactMalformed, name, "is not a regular file")
	case info.Size() > maxBytes:
		err = loadError(contract.ReasonArtifactTooLarge, name,
			fmt.Sprintf("has %d bytes, and at most %d are loaded", info.Size(), maxBytes))
	}
	if err != nil {
		_ = file.Close() // only read
		return nil, 0, err
	}
	return file, info.Size(), nil
}

// read returns a file's bytes.
func (a *artifact) read(name string, maxBytes int64) ([]byte, error) {
	file, size, err := a.open(name, maxBytes)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data := make([]byte, size)
	if _, err := io.ReadFull(file, data); err != nil {
		return nil, &LoadError{contract.ReasonInternal, name, "cannot be read: " + err.Error(), err}
	}
	return data, nil
}

// checkSize holds all files of a model's directory together to the largest model that is read.
func (l *loading) checkSize(within *os.Root) error {
	total := int64(0)
	err := fs.WalkDir(within.FS(), ".", func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	if err != nil {
		return &LoadError{contract.ReasonInternal, l.name, "cannot be listed: " + err.Error(), err}
	}
	if total > l.options.MaxBytes {
		return loadError(contract.ReasonArtifactTooLarge, l.name,
			fmt.Sprintf("has %d bytes in all, and at most %d are loaded", total, l.options.MaxBytes))
	}
	return nil
}

// maxBeside is the largest file that a feature file may name.
const maxBeside = 64 << 20

// beside reads a file that stands beside another one, or below.
func (a *artifact) beside(file, name string) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, errors.New("it is not the name of a file beside or below this one")
	}
	return a.read(path.Join(path.Dir(file), name), maxBeside)
}

func (a *artifact) path(name string) string {
	if name == "" {
		return ""
	}
	return filepath.Join(a.root.Name(), filepath.FromSlash(name))
}
