// Package oci makes container images from files, without a daemon: one layer on an empty base, written as an archive that
// docker load, kind load and ctr images import all read. Equal inputs give an equal archive.
package oci

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// NonRoot is the user that images run as where nothing else is asked for.
const NonRoot = 65532

// Image says what is in an image and how it starts.
type Image struct {
	Files      []File
	Entrypoint []string
	User       string // "uid:gid"; empty is root
	Ports      []string
	Labels     map[string]string
}

// File is one regular file of an image: Content, or the bytes of the file at Source.
type File struct {
	Path    string
	Source  string
	Content []byte
	Mode    int64
}

// Entry is what the rest of the tools have to know about a written image.
type Entry struct {
	Ref             string `json:"ref"`
	Tar             string `json:"tar"`
	CompressedBytes int64  `json:"compressedBytes"`
	// Content is the fingerprint of what went into the image.
	Content string `json:"content"`
}

// Static is the image of one static binary at /<base name>, started by that name as a user without rights.
func Static(binary, title, version string, ports ...string) Image {
	target := "/" + filepath.Base(binary)
	account := fmt.Sprintf("nonroot:x:%d:%d:nonroot:/:/sbin/nologin\n", NonRoot, NonRoot)
	return Image{
		Files: []File{
			{Path: target, Source: binary, Mode: 0o755},
			{Path: "/etc/passwd", Content: []byte("root:x:0:0:root:/:/sbin/nologin\n" + account), Mode: 0o644},
			{Path: "/etc/group", Content: fmt.Appendf(nil, "root:x:0:\nnonroot:x:%d:\n", NonRoot), Mode: 0o644},
		},
		Entrypoint: []string{target},
		User:       fmt.Sprintf("%d:%d", NonRoot, NonRoot),
		Ports:      ports,
		Labels: map[string]string{
			"org.opencontainers.image.title":   title,
			"org.opencontainers.image.version": version,
		},
	}
}

// Write writes the image below dir as <file>.tar under repository:tag. Where tag is empty, it is dev- and the first twelve hex
// digits of the content's fingerprint, so that an equal image keeps its name and another gets another one. Where earlier (the
// entry of the last run, or none) is the same image and its archive is there, that is kept.
func Write(dir, file, repository, tag string, image Image, earlier Entry) (Entry, error) {
	content, err := image.fingerprint()
	if err != nil {
		return Entry{}, fmt.Errorf("image %s: %w", repository, err)
	}
	if tag == "" {
		tag = "dev-" + content[:12]
	}
	entry := Entry{Ref: repository + ":" + tag, Tar: filepath.Join(dir, file+".tar"), Content: content}
	if earlier.Ref == entry.Ref && earlier.Tar == entry.Tar && earlier.Content == content {
		if _, err := os.Stat(entry.Tar); err == nil {
			return earlier, nil
		}
	}
	ref, err := name.NewTag(entry.Ref)
	if err != nil {
		return Entry{}, err
	}
	built, size, err := build(image)
	if err != nil {
		return Entry{}, fmt.Errorf("image %s: %w", repository, err)
	}
	entry.CompressedBytes = size
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Entry{}, err
	}
	if err := writeAtomically(entry.Tar, ref, built); err != nil {
		return Entry{}, fmt.Errorf("write %s: %w", entry.Tar, err)
	}
	return entry, nil
}

// format changes with the way in which build makes an image from the same input.
const format = 1

// fingerprint names everything that decides the image.
func (i Image) fingerprint() (string, error) {
	described := i
	described.Files = append([]File(nil), i.Files...)
	for n, file := range described.Files {
		if file.Source == "" {
			continue
		}
		digest, err := fileDigest(file.Source)
		if err != nil {
			return "", err
		}
		described.Files[n].Source, described.Files[n].Content = "", digest
	}
	content, err := json.Marshal(struct {
		Format       int
		Architecture string
		Image        Image
	}{format, runtime.GOARCH, described})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), nil
}

func fileDigest(file string) ([]byte, error) {
	opened, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer opened.Close() // read only: there is nothing that closing could lose
	sum := sha256.New()
	if _, err := io.Copy(sum, opened); err != nil {
		return nil, err
	}
	return sum.Sum(nil), nil
}

func writeAtomically(target string, ref name.Tag, image v1.Image) error {
	fresh := target + ".new"
	if err := tarball.WriteToFile(fresh, ref, image); err != nil {
		return errors.Join(err, os.Remove(fresh))
	}
	return os.Rename(fresh, target)
}

// build is the image and the compressed size of its layer.
func build(image Image) (v1.Image, int64, error) {
	content, err := layerContent(image.Files)
	if err != nil {
		return nil, 0, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}, tarball.WithCompressionLevel(gzip.DefaultCompression), tarball.WithCompressedCaching)
	if err != nil {
		return nil, 0, err
	}
	size, err := layer.Size()
	if err != nil {
		return nil, 0, err
	}
	withLayer, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, 0, err
	}
	file, err := withLayer.ConfigFile()
	if err != nil {
		return nil, 0, err
	}
	file = file.DeepCopy()
	file.Architecture, file.OS = runtime.GOARCH, "linux" // they run on this machine
	file.Config = v1.Config{
		Entrypoint: image.Entrypoint, User: image.User, WorkingDir: "/", Labels: image.Labels,
		Env: []string{"PATH=/"}, ExposedPorts: map[string]struct{}{},
	}
	for _, port := range image.Ports {
		file.Config.ExposedPorts[port] = struct{}{}
	}
	built, err := mutate.ConfigFile(withLayer, file)
	return built, size, err
}

// layerContent is the layer's tar stream: sorted, with every folder on the way, owned by root, dated at the epoch.
func layerContent(files []File) ([]byte, error) {
	sorted := append([]File(nil), files...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].Path < sorted[j].Path })
	var buffer bytes.Buffer
	archive := tar.NewWriter(&buffer)
	folders := map[string]bool{"tmp": true}
	if err := archive.WriteHeader(header(tar.TypeDir, "tmp/", 0o1777, 0)); err != nil {
		return nil, err
	}
	for _, file := range sorted {
		if err := addFile(archive, file, folders); err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}

func addFile(archive *tar.Writer, file File, folders map[string]bool) error {
	content := file.Content
	if file.Source != "" {
		read, err := os.ReadFile(file.Source)
		if err != nil {
			return err
		}
		content = read
	}
	target := strings.TrimPrefix(path.Clean("/"+file.Path), "/")
	for _, folder := range parents(target) {
		if folders[folder] {
			continue
		}
		folders[folder] = true
		if err := archive.WriteHeader(header(tar.TypeDir, folder+"/", 0o755, 0)); err != nil {
			return err
		}
	}
	if err := archive.WriteHeader(header(tar.TypeReg, target, file.Mode, int64(len(content)))); err != nil {
		return err
	}
	_, err := archive.Write(content)
	return err
}

// parents lists the folders above a path, outermost first.
func parents(target string) []string {
	var folders []string
	for i, char := range target {
		if char == '/' {
			folders = append(folders, target[:i])
		}
	}
	return folders
}

func header(kind byte, target string, mode, size int64) *tar.Header {
	return &tar.Header{Typeflag: kind, Name: target, Mode: mode, Size: size, ModTime: time.Unix(0, 0).UTC(), Format: tar.FormatPAX}
}

// ReadIndex reads an images.json; a file that is not there is an empty index.
func ReadIndex(file string) (map[string]Entry, error) {
	index := map[string]Entry{}
	content, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return index, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(content, &index); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return index, nil
}

// WriteIndex writes an images.json.
func WriteIndex(file string, index map[string]Entry) error {
	content, err := json.MarshalIndent(index, "", "  ")
	if err != nil {
		return err
	}
	fresh := file + ".new"
	if err := os.WriteFile(fresh, append(content, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(fresh, file)
}
