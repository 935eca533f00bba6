package keras

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/format/hdf5"
	"github.com/ctr-operator/ctr-operator/runtime/format/unpack"
)

// The entries of an archive.
const (
	metadataEntry = "metadata.json"
	configEntry   = "config.json"
	weightsEntry  = "model.weights.h5"
	npzEntry      = "model.weights.npz"
	assetsEntry   = "assets/"
)

const (
	// headLen is as much of a file as tells what it is: a zip's first header with its name.
	headLen = 64
	// nameAt is where in it the name begins.
	nameAt = 30
	// maxMetadata is how many bytes the entry has at most that says who wrote the archive.
	maxMetadata = 1 << 20
)

// isArchive says whether a file begins like a zip whose first entry is one of a model's.
func isArchive(head []byte) bool {
	if len(head) < nameAt || !bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return false
	}
	name := head[nameAt:]
	for _, entry := range []string{metadataEntry, configEntry, weightsEntry, npzEntry, assetsEntry} {
		if bytes.HasPrefix(name, []byte(entry)) {
			return true
		}
	}
	return false
}

// openArchive opens a .keras file.
func (s *source) openArchive(ctx context.Context, in io.ReaderAt, size int64) error {
	s.archive = true
	z, err := zip.NewReader(in, size)
	if err != nil {
		return fault(Truncated, "the archive has no whole table of contents: %w", err)
	}
	entries, err := table(z)
	if err != nil {
		return err
	}
	if entries[configEntry] == nil {
		return fault(NotKeras, "the archive has no %s", configEntry)
	}
	if s.config, err = contents(ctx, entries[configEntry], MaxConfig); err != nil {
		return err
	}
	if err := s.readVersion(ctx, entries[metadataEntry]); err != nil {
		return err
	}
	s.assets = func(name string) ([]byte, bool, error) {
		entry := entries[assetsEntry+name]
		if entry == nil {
			return nil, false, nil
		}
		data, err := contents(ctx, entry, MaxConfig)
		return data, true, err
	}
	return s.openWeights(ctx, in, size, entries)
}

// table are an archive's entries by name. None of them is ever unpacked to a disk; but who names one so that it would leave
// the folder means no good.
func table(z *zip.Reader) (map[string]*zip.File, error) {
	entries := make(map[string]*zip.File, len(z.File))
	for _, entry := range z.File {
		name := strings.TrimSuffix(entry.Name, "/")
		if !fs.ValidPath(name) || strings.Contains(name, `\`) {
			return nil, fault(Unsafe, "the archive's entry %s leads out of it", quoted(entry.Name))
		}
		if entries[entry.Name] != nil {
			return nil, fault(Malformed, "the archive has two entries %s", quoted(entry.Name))
		}
		entries[entry.Name] = entry
	}
	return entries, nil
}

func (s *source) readVersion(ctx context.Context, entry *zip.File) error {
	if entry == nil {
		return nil
	}
	data, err := contents(ctx, entry, maxMetadata)
	if err != nil {
		return err
	}
	var metadata struct {
		Version string `json:"keras_version"`
	}
	if err := json.Unmarshal(data, &metadata); err != nil {
		return fault(Malformed, "%s: %w", metadataEntry, err)
	}
	s.version = metadata.Version
	return nil
}

// openWeights opens the HDF5 file within the archive, in its place where it is stored, which is what Keras does.
func (s *source) openWeights(ctx context.Context, in io.ReaderAt, size int64, entries map[string]*zip.File) error {
	entry := entries[weightsEntry]
	if entry == nil {
		if entries[npzEntry] != nil {
			return fault(Unsupported, "its weights are in %s; save it with weights_format=\"h5\", the default", npzEntry)
		}
		return fault(Malformed, "the archive has no %s", weightsEntry)
	}
	var within io.ReaderAt
	length := int64(entry.UncompressedSize64)
	if entry.Method == zip.Store {
		from, err := entry.DataOffset()
		if err != nil {
			return fault(Malformed, "%s: %w", weightsEntry, err)
		}
		if entry.CompressedSize64 != entry.UncompressedSize64 || length < 0 || from > size || length > size-from {
			return fault(Truncated, "%s reaches beyond the archive", weightsEntry)
		}
		within = io.NewSectionReader(in, from, length)
	} else {
		data, err := contents(ctx, entry, s.left)
		if err != nil {
			return err
		}
		within = bytes.NewReader(data)
	}
	file, err := hdf5.Open(within, length, hdf5.Limits{})
	if err != nil {
		return fromHDF5(weightsEntry, err)
	}
	s.weights = file.Root()
	return nil
}

// contents unpacks an entry. Its declared size is held against the limit, and against what deflate can do, before there is
// memory for it.
func contents(ctx context.Context, entry *zip.File, limit int64) ([]byte, error) {
	declared := entry.UncompressedSize64
	if declared > uint64(limit) || declared/unpack.Ratio > entry.CompressedSize64 {
		return nil, fault(TooLarge, "%s declares %d bytes", quoted(entry.Name), declared)
	}
	if entry.Method != zip.Store && entry.Method != zip.Deflate {
		return nil, fault(Unsupported, "%s is packed by method %d; stored and deflated entries are read",
			quoted(entry.Name), entry.Method)
	}
	r, err := entry.Open()
	if err != nil {
		return nil, fault(Malformed, "%s: %w", quoted(entry.Name), err)
	}
	defer r.Close()
	data := make([]byte, declared)
	if _, err := io.ReadFull(&cancelable{ctx, r}, data); err != nil {
		return nil, entryError(ctx, entry, err)
	}
	// What follows must be the end; reading it also compares the checksum.
	if n, err := r.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
		return nil, fault(Malformed, "%s is longer than it declares, or damaged", quoted(entry.Name))
	}
	return data, nil
}

func entryError(ctx context.Context, entry *zip.File, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fault(Malformed, "%s: %w", quoted(entry.Name), err)
}

// cancelable is a reader that stops when nobody waits any more.
type cancelable struct {
	ctx context.Context
	in  io.Reader
}

func (c *cancelable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.in.Read(p)
}
