package fetch

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// unpacked is the content of an archive.
type unpacked struct {
	top   string   // the one directory that everything is in; "" if there is none
	files []string // below top
	bytes int64
}

// unpack writes the content of an archive into the artifact's directory. It returns nil if the file is none.
func (f *fetcher) unpack(ctx context.Context, name string) (*unpacked, error) {
	in, err := f.root.Open(name)
	if err != nil {
		return nil, diskError(err)
	}
	defer in.Close()
	x := &unpacker{ctx: ctx, root: f.root, budget: f.opts.MaxBytes, limits: f.opts}
	found, err := x.detect(in)
	if err != nil || !found {
		return nil, err
	}
	if len(x.files) == 0 {
		return nil, newError(contract.ReasonArtifactMalformed, nil, "is an archive without any file")
	}
	return x.result(), nil
}

// unpacker writes entries below the artifact's directory, within the limits.
type unpacker struct {
	ctx    context.Context
	root   *os.Root
	limits Options
	budget int64 // bytes that may still be written
	count  int   // entries seen
	files  []string
	bytes  int64 // written
}

// detect finds out by the first bytes what the file is, and unpacks it if it is an archive.
func (x *unpacker) detect(in *os.File) (bool, error) {
	r := bufio.NewReader(in)
	head, _ := r.Peek(4)
	if len(head) < 4 { // shorter than any archive
		return false, nil
	}
	switch {
	case head[0] == 0x1f && head[1] == 0x8b:
		z, err := gzip.NewReader(r)
		if err != nil {
			return false, nil //nolint:nilerr // it may be another format; its reader will say what is wrong with it
		}
		return x.tar(z)
	case string(head) == "PK\x03\x04" || string(head) == "PK\x05\x06":
		return x.zip(in)
	default:
		return x.tar(r)
	}
}

// tar unpacks what is a tar archive by its first header, whose checksum nothing else has by chance.
func (x *unpacker) tar(r io.Reader) (bool, error) {
	t := tar.NewReader(r)
	header, err := t.Next()
	if err != nil {
		return false, nil //nolint:nilerr // that it is none is what this was to find out
	}
	for err == nil {
		if err := x.tarEntry(header, t); err != nil {
			return true, err
		}
		header, err = t.Next()
	}
	if err != io.EOF {
		return true, archiveError(err)
	}
	return true, nil
}

func (x *unpacker) tarEntry(header *tar.Header, content io.Reader) error {
	switch header.Typeflag {
	case tar.TypeReg:
		return x.entry(header.Name, header.Size, func() (io.ReadCloser, error) { return io.NopCloser(content), nil })
	case tar.TypeDir, tar.TypeXGlobalHeader:
		return x.counted()
	default:
		return notAFile(header.Name)
	}
}

// zip unpacks a zip archive, unless it is one of the formats that are a zip file themselves.
func (x *unpacker) zip(in *os.File) (bool, error) {
	info, err := in.Stat()
	if err != nil {
		return false, diskError(err)
	}
	directory := &boundedReaderAt{in: in, left: maxZipTail + int64(x.limits.MaxFiles)*maxZipEntry, files: x.limits.MaxFiles}
	z, err := zip.NewReader(directory, info.Size())
	if err != nil {
		return false, archiveError(err)
	}
	directory.left = math.MaxInt64
	if isModelZip(z) {
		return false, nil
	}
	for _, entry := range z.File {
		switch mode := entry.Mode(); {
		case mode.IsDir():
			err = x.counted()
		case mode.IsRegular():
			err = x.entry(entry.Name, int64(min(entry.UncompressedSize64, 1<<62)), entry.Open)
		default:
			err = notAFile(entry.Name)
		}
		if err != nil {
			return true, err
		}
	}
	return true, nil
}

// Reading a zip's directory takes a multiple of its size in memory, so that is bounded by what MaxFiles entries need.
const (
	maxZipTail  = 1 << 20
	maxZipEntry = 1 << 10
)

// boundedReaderAt gives at most left bytes.
type boundedReaderAt struct {
	in    io.ReaderAt
	left  int64
	files int
}

func (r *boundedReaderAt) ReadAt(b []byte, at int64) (int, error) {
	if r.left -= int64(len(b)); r.left < 0 {
		return 0, tooManyFiles(r.files)
	}
	return r.in.ReadAt(b, at)
}

// isModelZip recognises Keras' .keras and numpy's .npz, which are artifacts and no bundles.
func isModelZip(z *zip.Reader) bool {
	names := make([]string, 0, len(z.File))
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	keras := slices.Contains(names, "metadata.json") && slices.Contains(names, "config.json")
	npz := len(names) > 0 && !slices.ContainsFunc(names, func(n string) bool { return !strings.HasSuffix(n, ".npy") })
	return keras || npz
}

// entry writes one file. What the archive says of its size is only good for failing early.
func (x *unpacker) entry(name string, size int64, open func() (io.ReadCloser, error)) error {
	if err := x.counted(); err != nil {
		return err
	}
	clean := path.Clean(name)
	if slices.Contains(strings.Split(name, "/"), "..") || path.IsAbs(name) {
		return newError(contract.ReasonArtifactUnsafe, nil, "the archive's entry %.100q leads out of its directory", name)
	}
	if !usablePath(clean) {
		return newError(contract.ReasonArtifactUnsafe, nil, "the archive's entry %.100q cannot be a file below a directory", name)
	}
	if size > x.budget {
		return tooLarge(x.limits.MaxBytes)
	}
	if isLitter(clean) {
		x.budget -= size // passing over it is work too
		return nil
	}
	content, err := open()
	if err != nil {
		return archiveError(err)
	}
	defer content.Close()
	if err := x.write(clean, content); err != nil {
		return err
	}
	x.files = append(x.files, clean)
	return nil
}

func (x *unpacker) write(name string, content io.Reader) error {
	target := path.Join(artifactDir, name)
	if err := x.root.MkdirAll(path.Dir(target), 0o755); err != nil {
		return entryError(name, err)
	}
	out, err := x.root.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return entryError(name, err)
	}
	defer out.Close()
	n, err := io.Copy(onlyWriter{out}, &boundedReader{ctx: x.ctx, in: content, left: x.budget, limit: x.limits.MaxBytes})
	if err != nil {
		return archiveError(err)
	}
	x.budget -= n
	x.bytes += n
	if err := out.Close(); err != nil {
		return diskError(err)
	}
	return nil
}

// onlyWriter reports errors of the disk as such.
type onlyWriter struct{ out *os.File }

func (w onlyWriter) Write(b []byte) (int, error) {
	n, err := w.out.Write(b)
	if err != nil {
		return n, diskError(err)
	}
	return n, nil
}

// boundedReader fails where the limit is passed or the time is over.
type boundedReader struct {
	ctx   context.Context
	in    io.Reader
	left  int64
	limit int64
}

func (r *boundedReader) Read(b []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, contextError(context.Cause(r.ctx))
	}
	n, err := r.in.Read(b)
	if r.left -= int64(n); r.left < 0 {
		return 0, tooLarge(r.limit)
	}
	return n, err
}

func (x *unpacker) counted() error {
	if x.count++; x.count > x.limits.MaxFiles {
		return tooManyFiles(x.limits.MaxFiles)
	}
	return nil
}

// result looks for the one directory that people like to put everything in.
func (x *unpacker) result() *unpacked {
	slices.Sort(x.files)
	out := &unpacked{files: x.files, bytes: x.bytes}
	top, _, nested := strings.Cut(x.files[0], "/")
	outside := func(name string) bool { return !strings.HasPrefix(name, top+"/") }
	if !nested || slices.ContainsFunc(x.files, outside) {
		return out
	}
	out.top = top
	for i, name := range out.files {
		out.files[i] = strings.TrimPrefix(name, top+"/")
	}
	return out
}

// isLitter recognises what macOS adds to archives.
func isLitter(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(name, "__MACOSX/") || strings.HasPrefix(base, "._") || base == ".DS_Store"
}

func notAFile(name string) error {
	return newError(contract.ReasonArtifactUnsafe, nil,
		"the archive's entry %.100q is neither a file nor a directory: links and devices are refused", name)
}

func entryError(name string, err error) error {
	if errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTDIR) {
		return newError(contract.ReasonArtifactMalformed, err, "two of the archive's entries want the place of %.100q", name)
	}
	return diskError(err)
}

// archiveError explains an error of unpacking.
func archiveError(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return newError(contract.ReasonArtifactTruncated, err, "the archive ends in the middle: upload it again")
	}
	return newError(contract.ReasonArtifactMalformed, err, "the archive is damaged (%v): upload it again", err)
}
