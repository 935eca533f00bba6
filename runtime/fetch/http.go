package fetch

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// maxRedirects bounds a chain of redirections.
const maxRedirects = 5

// httpSource is an object behind an http or https URL.
type httpSource struct {
	url    string
	client *http.Client
}

func newHTTPSource(where location, transport http.RoundTripper) *httpSource {
	return &httpSource{
		url:    where.http.String(),
		client: &http.Client{Transport: readableRedirects{transport}, CheckRedirect: checkRedirect},
	}
}

// readableRedirects stops at a redirection to what is no URL. net/http's own error would repeat it, and a signature in it.
type readableRedirects struct{ http.RoundTripper }

func (t readableRedirects) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(req)
	if err != nil || resp.StatusCode < 300 || resp.StatusCode > 399 {
		return resp, err
	}
	if _, err := url.Parse(resp.Header.Get("Location")); err != nil {
		resp.Body.Close()
		return nil, newError(contract.ReasonArtifactUnreachable, nil, "redirects to a malformed URL: use the final URL")
	}
	return resp, nil
}

// checkRedirect lets through what is http or https, and never from the protected to the unprotected.
func checkRedirect(next *http.Request, via []*http.Request) error {
	last := via[len(via)-1]
	switch {
	case len(via) > maxRedirects:
		return newError(contract.ReasonArtifactUnreachable, nil, "redirects more than %s: use the final URL",
			plural(maxRedirects, "time"))
	case next.URL.Scheme != "http" && next.URL.Scheme != "https":
		return newError(contract.ReasonArtifactUnreachable, nil, "redirects to a %q URL: only http and https are followed",
			next.URL.Scheme)
	case last.URL.Scheme == "https" && next.URL.Scheme == "http":
		return newError(contract.ReasonArtifactUnreachable, nil,
			"redirects from https to http, which is not followed: use an http URL if that is what you want")
	}
	return nil
}

func (s *httpSource) open(ctx context.Context, offset int64, tag string) (*stream, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", "ctr-runtime")
	if offset > 0 && tag != "" {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
		req.Header.Set("If-Range", tag)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	in, err := streamOf(resp, offset)
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	return in, nil
}

// streamOf reads an answer's header. offset is what was asked for.
func streamOf(resp *http.Response, offset int64) (*stream, error) {
	in := &stream{body: resp.Body, size: resp.ContentLength, tag: resumeTag(resp.Header)}
	switch resp.StatusCode {
	case http.StatusOK:
		return in, nil
	case http.StatusPartialContent:
		start, size, ok := contentRange(resp.Header.Get("Content-Range"))
		if !ok || start != offset || offset == 0 {
			return nil, unusableRange(resp.StatusCode)
		}
		in.offset, in.size = start, size
		return in, nil
	case http.StatusRequestedRangeNotSatisfiable:
		return nil, unusableRange(resp.StatusCode)
	}
	return nil, statusError(resp.StatusCode, nil, "http(s) artifacts are fetched without credentials: "+
		"allow anonymous reading, use a presigned URL, or use s3:// with a Secret")
}

// unusableRange is transient: pull starts over once the tag is gone.
func unusableRange(status int) *Error {
	e := newError(contract.ReasonArtifactUnreachable, errUnusableRange, "the server answers a range request wrongly (%d)", status)
	e.transient = true
	return e
}

// resumeTag returns what If-Range accepts, if the server does ranges at all: a strong entity tag, or a date.
func resumeTag(h http.Header) string {
	if h.Get("Accept-Ranges") == "none" {
		return ""
	}
	if tag := h.Get("ETag"); strings.HasPrefix(tag, `"`) {
		return tag
	}
	return h.Get("Last-Modified")
}

// contentRange reads "bytes 10-19/20"; the size is negative if it is not told.
func contentRange(header string) (start, size int64, ok bool) {
	spec, found := strings.CutPrefix(header, "bytes ")
	limits, total, found2 := strings.Cut(spec, "/")
	first, _, found3 := strings.Cut(limits, "-")
	start, err := strconv.ParseInt(first, 10, 64)
	if !found || !found2 || !found3 || err != nil || start < 0 {
		return 0, 0, false
	}
	if total == "*" {
		return start, -1, true
	}
	size, err = strconv.ParseInt(total, 10, 64)
	return start, size, err == nil && size > start
}
