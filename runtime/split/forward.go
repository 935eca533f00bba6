package split

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// Reasons why another revision's answer was not relayed; they are a metric's label and HeaderFallback's value.
const (
	// ReasonConnect: no connection, or it broke before an answer began.
	ReasonConnect = "connect"
	// ReasonTimeout: no whole answer in time.
	ReasonTimeout = "timeout"
	// ReasonStatus: an answer whose status is not for the user.
	ReasonStatus = "status"
	// ReasonBody: an answer that broke off, is too large, or is not a prediction of that revision.
	ReasonBody = "body"
)

// Failure is why another revision did not answer a request. It is charged to that revision; the user gets an answer all
// the same.
type Failure struct {
	Reason string
	Err    error
}

func (f *Failure) Error() string { return f.Reason + ": " + f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

// ErrClientGone means that whoever asked has left; it is nobody's failure.
var ErrClientGone = errors.New("the client has gone")

// Answer is another revision's, whole.
type Answer struct {
	Status int
	// Header has the end-to-end headers.
	Header http.Header
	Body   []byte
}

// ForwarderConfig shapes a Forwarder.
type ForwarderConfig struct {
	// Self is the name of the revision that forwards.
	Self    string
	Timeout time.Duration
	// MaxAnswer is the largest answer that is relayed, in bytes.
	MaxAnswer int64
	// Valid looks at the body of a 200 answer to the given path; nil takes any.
	Valid func(path string, body []byte) error
}

// Forwarder passes requests on to other revisions over connections that are kept.
type Forwarder struct {
	cfg       ForwarderConfig
	transport *http.Transport
	self      []string
}

// NewForwarder makes a forwarder. Close it.
func NewForwarder(cfg ForwarderConfig) *Forwarder {
	dialer := &net.Dialer{Timeout: cfg.Timeout, KeepAlive: 15 * time.Second}
	return &Forwarder{
		cfg:  cfg,
		self: []string{cfg.Self},
		transport: &http.Transport{
			DialContext:         dialer.DialContext,
			MaxIdleConnsPerHost: 256,
			// A revision that hangs must not cost this one a connection for each of its requests.
			MaxConnsPerHost: 512,
			// Below the server's own, so that this side closes first.
			IdleConnTimeout:        60 * time.Second,
			DisableCompression:     true,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
}

// Close gives up the idle connections.
func (f *Forwarder) Close() { f.transport.CloseIdleConnections() }

// Forward passes a request, whose body has been read, on to a revision, and returns its answer if it is one that the
// user may see. The error is a *Failure or ErrClientGone.
func (f *Forwarder) Forward(to contract.RevisionTraffic, r *http.Request, requestID, body string) (*Answer, error) {
	ctx, cancel := context.WithTimeout(r.Context(), f.cfg.Timeout)
	defer cancel()
	response, err := f.transport.RoundTrip(f.outgoing(ctx, to, r, requestID, body))
	if err != nil {
		return nil, judge(r.Context(), ctx, ReasonConnect, err)
	}
	defer response.Body.Close() // only read
	if !relayed(response.StatusCode) {
		// A small rest is read so that the connection can be used again. What follows a 101 is no body, and no timeout
		// ends it.
		if response.StatusCode != http.StatusSwitchingProtocols {
			_, _ = io.CopyN(io.Discard, response.Body, 4<<10)
		}
		return nil, &Failure{ReasonStatus, fmt.Errorf("status %d", response.StatusCode)}
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, f.cfg.MaxAnswer+1))
	if err != nil {
		return nil, judge(r.Context(), ctx, ReasonBody, err)
	}
	if err := f.check(to, r.URL.Path, response, content); err != nil {
		return nil, &Failure{ReasonBody, err}
	}
	removeHopByHop(response.Header)
	response.Header.Del(contract.HeaderFallback) // not the other revision's to say
	return &Answer{Status: response.StatusCode, Header: response.Header, Body: content}, nil
}

// check makes sure that an answer is that revision's: an address that is reused must not answer for it, and neither may
// a server that says 200 to everything.
func (f *Forwarder) check(to contract.RevisionTraffic, path string, response *http.Response, body []byte) error {
	if int64(len(body)) > f.cfg.MaxAnswer {
		return fmt.Errorf("the answer is larger than %d bytes", f.cfg.MaxAnswer)
	}
	if got := response.Header.Get(contract.HeaderRevision); got != strconv.FormatInt(to.Number, 10) {
		return fmt.Errorf("the answer is of revision %.20q, not of %d", got, to.Number)
	}
	if response.StatusCode == http.StatusOK && f.cfg.Valid != nil {
		return f.cfg.Valid(path, body)
	}
	return nil
}

// relayed says whether a status is an answer to the user: a prediction, or that the input is at fault. Everything else
// says that the revision, or what stands at its address, did not do its work.
func relayed(status int) bool {
	switch status {
	case http.StatusOK, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	default:
		return false
	}
}

// judge tells whose failure an error is.
func judge(client, ours context.Context, reason string, err error) error {
	switch {
	case client.Err() != nil:
		return ErrClientGone
	case ours.Err() != nil:
		return &Failure{ReasonTimeout, err}
	default:
		return &Failure{reason, err}
	}
}

// outgoing makes the request to the other revision.
func (f *Forwarder) outgoing(ctx context.Context, to contract.RevisionTraffic, r *http.Request, id, body string) *http.Request {
	header := r.Header.Clone()
	removeHopByHop(header)
	for _, name := range []string{"Accept-Encoding", "Expect", "Content-Length"} {
		header.Del(name)
	}
	header[contract.HeaderForwardedBy] = f.self
	header.Set(contract.HeaderRequestID, id)
	// A prediction changes nothing, so it may be repeated when a kept connection turns out to be dead. The header says
	// so to the transport, and is not sent.
	if _, ok := header["Idempotency-Key"]; !ok {
		header["Idempotency-Key"] = []string{}
	}
	getBody := func() (io.ReadCloser, error) {
		if body == "" {
			return http.NoBody, nil // any other body of length 0 is one of unknown length
		}
		return io.NopCloser(strings.NewReader(body)), nil
	}
	reader, _ := getBody()
	outgoing := &http.Request{
		Method: r.Method,
		URL: &url.URL{
			Scheme: "http", Host: to.Address,
			Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery,
		},
		Host:   r.Host,
		Header: header,
		Body:   reader, GetBody: getBody, ContentLength: int64(len(body)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	return outgoing.WithContext(ctx)
}

// hopByHop are the headers that concern one connection only (RFC 9110, 7.6.1).
var hopByHop = [...]string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

func removeHopByHop(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			h.Del(textproto.TrimString(name))
		}
	}
	for _, name := range hopByHop {
		delete(h, name)
	}
}
