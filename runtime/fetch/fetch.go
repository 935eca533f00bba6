// Package fetch brings an artifact from where its URL points to into a local directory.
//
// In the room: the sources (http and https, s3, data:), one download loop with retries, resumption and limits, the
// unpacking of bundles, and one error type. What comes from outside is untrusted: nothing is written outside the
// directory, no more than the limit is written, links are refused, nothing is interpreted but the archive formats.
// Credentials are passed in; the environment is never read here, except for the proxy settings that net/http honours.
//
// The digest of an artifact is the sha256, in hex, of the single object's bytes (of the archive, for an archive). That
// of an s3 prefix is the sha256 over one line "<sha256 in hex>  <path below the prefix>\n" for each object, the lines
// sorted by bytes. In a copy of the prefix:
//
//	find . -type f -printf '%P\0' | xargs -0 sha256sum | LC_ALL=C sort | sha256sum
package fetch

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// Options are the limits of a fetch, and what it needs to know of the world. The zero value has sensible defaults.
type Options struct {
	// MaxBytes limits the bytes transferred, and again the bytes that an archive unpacks to. Default: DefaultMaxBytes.
	MaxBytes int64
	// MaxFiles limits the number of objects below a prefix, or entries of an archive. Default: DefaultMaxFiles.
	MaxFiles int
	// SHA256 is the expected digest in hex; empty means any.
	SHA256 string
	// S3 says how to reach s3:// URLs.
	S3 S3Config
	// Attempts limits how often a transfer is tried, the first time included. Default: DefaultAttempts.
	Attempts int
	// IdleTimeout ends an attempt that has brought no byte for so long. Default: DefaultIdleTimeout.
	IdleTimeout time.Duration
	// Backoff is how long to wait after the nth failed attempt. Default: doubling from 200 ms to 5 s.
	Backoff func(attempt int) time.Duration
	// Sleep waits, or returns early with the context's error. Tests put something faster here.
	Sleep func(ctx context.Context, d time.Duration) error
	// OnRetry is told before each wait; for logs. The error is an *Error.
	OnRetry func(attempt int, wait time.Duration, err error)
	// Transport replaces the HTTP transport for all sources.
	Transport http.RoundTripper
}

// Defaults of Options.
const (
	DefaultMaxBytes    = 1 << 30
	DefaultMaxFiles    = 1000
	DefaultAttempts    = 6
	DefaultIdleTimeout = 30 * time.Second
)

// Artifact is what has been fetched.
type Artifact struct {
	// Dir holds the artifact and nothing else.
	Dir string
	// Digest is the sha256 as described for the package.
	Digest string
	// Bytes is the size of Files together.
	Bytes int64
	// Files are slash-separated paths below Dir, sorted.
	Files []string
}

// Names below the caller's directory. They are ours: what an earlier run has left there is removed.
const (
	artifactDir = "artifact"
	downloadDir = "download"
)

// Fetch brings the artifact at rawURL into a directory of its own below dir, which is made if need be. A URL of s3 that
// ends in a slash means everything below it. A single object that is a tar, tar.gz or zip archive by its content is
// unpacked; any other is kept under its own name. All errors are of type *Error.
func Fetch(ctx context.Context, rawURL, dir string, opts Options) (Artifact, error) {
	opts = opts.withDefaults()
	where, err := parseURL(rawURL)
	if err != nil {
		return Artifact{}, err
	}
	if err := opts.check(); err != nil {
		return Artifact{}, err.at(where.String())
	}
	f := &fetcher{opts: opts, where: where, budget: opts.MaxBytes}
	artifact, err := f.fetchInto(ctx, dir)
	if err != nil {
		return Artifact{}, asError(err).at(where.String())
	}
	return artifact, nil
}

func (o Options) withDefaults() Options {
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.MaxFiles <= 0 {
		o.MaxFiles = DefaultMaxFiles
	}
	if o.Attempts <= 0 {
		o.Attempts = DefaultAttempts
	}
	if o.IdleTimeout <= 0 {
		o.IdleTimeout = DefaultIdleTimeout
	}
	if o.Backoff == nil {
		o.Backoff = exponential
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.OnRetry == nil {
		o.OnRetry = func(int, time.Duration, error) {}
	}
	o.SHA256 = strings.ToLower(o.SHA256)
	return o
}

func (o Options) check() *Error {
	if sum, err := hex.DecodeString(o.SHA256); err != nil || len(sum) != 0 && len(sum) != 32 {
		return newError(contract.ReasonConfigInvalid, nil, "the expected sha256 %q is not 64 hexadecimal digits", o.SHA256)
	}
	return nil
}

// fetcher is one call of Fetch.
type fetcher struct {
	opts   Options
	where  location
	root   *os.Root
	budget int64 // bytes that may still be written
}

// file is one fetched object.
type file struct {
	name   string
	size   int64
	digest string
}

func (f *fetcher) fetchInto(ctx context.Context, dir string) (Artifact, error) {
	if err := f.prepare(dir); err != nil {
		return Artifact{}, newError(contract.ReasonInternal, err, "cannot prepare the directory %s: %v", dir, err)
	}
	defer f.root.Close()

	transport, done := f.transport()
	defer done()
	switch f.where.scheme {
	case "http", "https":
		return f.single(ctx, newHTTPSource(f.where, transport), dir)
	case "s3":
		bucket, err := newBucket(f.where, f.opts.S3, transport)
		if err != nil {
			return Artifact{}, err
		}
		if f.where.isPrefix() {
			return f.prefix(ctx, bucket, dir)
		}
		return f.single(ctx, bucket.object(f.where.key), dir)
	default: // parseURL lets nothing else through
		return f.single(ctx, dataSource(f.where.data), dir)
	}
}

// prepare opens dir and removes what an earlier run has left: a volume outlives the container.
func (f *fetcher) prepare(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	for _, name := range []string{artifactDir, downloadDir} {
		if err = root.RemoveAll(name); err == nil {
			err = root.Mkdir(name, 0o755)
		}
		if err != nil {
			root.Close()
			return err
		}
	}
	f.root = root
	return nil
}

// single fetches one object, and unpacks it if it is an archive.
func (f *fetcher) single(ctx context.Context, src source, dir string) (Artifact, error) {
	name := f.where.baseName()
	download := path.Join(downloadDir, name)
	got, err := f.download(ctx, src, download)
	if err != nil {
		return Artifact{}, err
	}
	if got.size == 0 {
		return Artifact{}, newError(contract.ReasonArtifactMalformed, nil, "is empty (0 bytes): upload the artifact again")
	}
	if err := f.checkDigest(got.digest); err != nil {
		return Artifact{}, err
	}
	artifact := Artifact{Dir: filepath.Join(dir, artifactDir), Digest: got.digest, Bytes: got.size, Files: []string{name}}
	unpacked, err := f.unpack(ctx, download)
	if err != nil {
		return Artifact{}, err
	}
	if unpacked == nil {
		err = f.root.Rename(download, path.Join(artifactDir, name))
	} else {
		artifact.Bytes, artifact.Files = unpacked.bytes, unpacked.files
		artifact.Dir = filepath.Join(artifact.Dir, filepath.FromSlash(unpacked.top))
		err = f.root.Remove(download)
	}
	if err != nil {
		return Artifact{}, diskError(err)
	}
	return artifact, nil
}

func (f *fetcher) checkDigest(got string) error {
	if f.opts.SHA256 == "" || f.opts.SHA256 == got {
		return nil
	}
	return newError(contract.ReasonDigestMismatch, nil,
		"the sha256 is %s, expected %s: either the artifact has been overwritten, or the expected digest is that of another",
		got, f.opts.SHA256)
}

// transport returns the HTTP transport, and what to do when it is no longer needed.
func (f *fetcher) transport() (http.RoundTripper, func()) {
	if f.opts.Transport != nil {
		return f.opts.Transport, func() {}
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	// What is stored is what is hashed: nothing on the way may decompress it.
	t.DisableCompression = true
	t.ResponseHeaderTimeout = f.opts.IdleTimeout
	return t, t.CloseIdleConnections
}

func exponential(attempt int) time.Duration {
	return min(5*time.Second, 100*time.Millisecond<<min(attempt, 10))
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// plural is for messages: "1 file", "2 files".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
