package onnx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// files are the model's own file and those beside it that hold its tensors.
type files struct {
	root fs.FS
	dir  string
	// budget is how many bytes of tensors may still be made; bytes how many may still be in files.
	budget, bytes int64
	open          map[string]*externalFile
	// inPlace says that tensors may be made of the model's own bytes, which nobody else has.
	inPlace bool
}

// externalFile is one that was opened.
type externalFile struct {
	in   io.ReaderAt
	file fs.File
	size int64
}

// Expansion is how many bytes of tensors there may be for each byte of the model's files: a narrow integer becomes one of
// four bytes.
const Expansion = 4

// mostExternalFiles bounds how many files are open at a time.
const mostExternalFiles = 256

func (f *files) charge(n int64) error {
	if n < 0 || n > f.budget {
		return fault(TooLarge, "the tensors take more than %d times the bytes of the model's files", Expansion)
	}
	f.budget -= n
	return nil
}

// grow allows for the tensors of a file of so many bytes.
func (f *files) grow(size int64) error {
	if size > f.bytes {
		return fault(TooLarge, "the model's files have more bytes than are allowed")
	}
	f.bytes -= size
	f.budget += size * Expansion
	return nil
}

// close closes the files of tensors.
func (f *files) close() {
	for _, external := range f.open {
		if external != nil {
			_ = external.file.Close()
		}
	}
}

// piece is how much is read between two looks at the context.
const piece = 4 << 20

// model reads the model's own file.
func (f *files) model(ctx context.Context, name string) ([]byte, error) {
	const longest = 1<<31 - 1 // that of a protocol buffer
	file, err := f.root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening the model: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("opening the model: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fault(Malformed, "not a file")
	}
	if info.Size() > longest {
		return nil, fault(TooLarge, "%d bytes; a model above 2 GiB keeps its tensors in files beside it", info.Size())
	}
	if err := f.grow(info.Size()); err != nil {
		return nil, err
	}
	data := make([]byte, info.Size())
	for begin := 0; begin < len(data); begin += piece {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(file, data[begin:min(begin+piece, len(data))]); err != nil {
			return nil, fmt.Errorf("reading the model: %w", err)
		}
	}
	return data, nil
}

// external reads a tensor's n bytes, which are kept outside of the model.
func (f *files) external(ctx context.Context, e *externalData, n int64) ([]byte, error) {
	if e.wrong != "" {
		return nil, fault(Malformed, "its external data: %s", e.wrong)
	}
	if e.hasLength && e.length != n {
		return nil, fault(Malformed, "%d bytes of external data for %d bytes of elements", e.length, n)
	}
	from, err := f.externalFile(e.location)
	if err != nil {
		return nil, err
	}
	if e.offset > from.size || n > from.size-e.offset {
		return nil, fault(Malformed, "bytes %d to %d of %s, which has %d", e.offset, e.offset+n, quoted(e.location), from.size)
	}
	if err := f.charge(n); err != nil {
		return nil, err
	}
	data := make([]byte, n)
	for begin := int64(0); begin < n; begin += piece {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		part := data[begin:min(begin+piece, n)]
		if read, err := from.in.ReadAt(part, e.offset+begin); read < len(part) {
			return nil, fmt.Errorf("reading %s: %w", quoted(e.location), err)
		}
	}
	return data, nil
}

// externalFile opens a file in the model's own directory or below, once.
func (f *files) externalFile(location string) (*externalFile, error) {
	if external := f.open[location]; external != nil {
		return external, nil
	}
	// ValidPath refuses what is absolute and what has "..". A backslash and a colon are for systems where they mean more.
	if !fs.ValidPath(location) || location == "." || strings.ContainsAny(location, "\\:\x00") {
		return nil, fault(Unsafe, "external data in %s, which is not a path below the model's directory", quoted(location))
	}
	if len(f.open) >= mostExternalFiles {
		return nil, fault(TooLarge, "external data in more than %d files", mostExternalFiles)
	}
	file, err := f.root.Open(path.Join(f.dir, location))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault(Malformed, "external data in %s, which is not there; keep the model's files together", quoted(location))
	}
	if err != nil {
		return nil, fault(Unsafe, "external data in %s: %w", quoted(location), err)
	}
	external, err := f.inspect(file, location)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	f.open[location] = external
	return external, nil
}

func (f *files) inspect(file fs.File, location string) (*externalFile, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", quoted(location), err)
	}
	in, ok := file.(io.ReaderAt)
	if !ok || !info.Mode().IsRegular() {
		return nil, fault(Malformed, "external data in %s, which is no file", quoted(location))
	}
	return &externalFile{in: in, file: file, size: info.Size()}, f.grow(info.Size())
}
