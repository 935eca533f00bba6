package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// quick are options whose waits take no time; waits counts them.
func quick(waits *int) Options {
	return Options{
		Sleep: func(ctx context.Context, _ time.Duration) error {
			if waits != nil {
				*waits++
			}
			return ctx.Err()
		},
	}
}

// serve starts an HTTP server that counts its requests.
func serve(t *testing.T, handler http.HandlerFunc) (url string, requests *atomic.Int64) {
	t.Helper()
	requests = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

// content answers with a fixed body.
func content(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}

// cutOff announces more than it sends, and closes the connection.
func cutOff(w http.ResponseWriter, sent string, announced int, header http.Header) {
	conn, buf, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	head := http.Header{"Content-Length": {itoa(announced)}}
	maps.Copy(head, header)
	_, _ = buf.WriteString("HTTP/1.1 200 OK\r\n")
	_ = head.Write(buf)
	_, _ = buf.WriteString("\r\n" + sent)
	_ = buf.Flush()
}

func sum(s string) string {
	b := sha256.Sum256([]byte(s))
	return hex.EncodeToString(b[:])
}

// wantReason checks an error's type, reason and the parts of its text, and that no secret is anywhere in its chain.
func wantReason(t *testing.T, err error, reason contract.Reason, parts ...string) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got error %v (%T), want *Error with %s", err, err, reason)
	}
	if e.Reason != reason {
		t.Errorf("got reason %s (%v), want %s", e.Reason, err, reason)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("the chain contains a secret: %q", err)
		}
	}
}

// wantFiles compares the artifact's files, on disk and as reported, with name → content.
func wantFiles(t *testing.T, a Artifact, want map[string]string) {
	t.Helper()
	got := readAll(t, a.Dir)
	var names []string
	var size int64
	for name, content := range want {
		names = append(names, name)
		size += int64(len(content))
		if got[name] != content {
			t.Errorf("%s: got %.60q, want %.60q", name, got[name], content)
		}
	}
	slices.Sort(names)
	if !slices.Equal(a.Files, names) || len(got) != len(want) || a.Bytes != size {
		t.Errorf("got files %q (%d on disk, %d bytes), want %q (%d bytes)", a.Files, len(got), a.Bytes, names, size)
	}
}

// readAll returns the files below dir.
func readAll(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		got[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// noTime keeps http.ServeContent from sending a date.
var noTime time.Time

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// breakOnce is a transport whose first answer breaks off after some bytes.
type breakOnce struct {
	http.RoundTripper
	after  int64
	ranges []string
}

func (b *breakOnce) RoundTrip(r *http.Request) (*http.Response, error) {
	b.ranges = append(b.ranges, r.Header.Get("Range"))
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil && len(b.ranges) == 1 {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(resp.Body, b.after), brokenReader{}), resp.Body}
	}
	return resp, err
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, syscall.ECONNRESET }
