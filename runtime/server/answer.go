package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/split"
)

// Header values that are the same for every answer, and must not be changed.
var (
	jsonType        = []string{"application/json"}
	connectionClose = []string{"close"}
)

// json answers with a body that is JSON already.
func (x *exchange) json(code int, body []byte) {
	x.code = code
	header := x.w.Header()
	header["Content-Type"] = jsonType
	x.drain.tell(header)
	if len(body) > 2<<10 { // below that net/http does it
		header["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	if code != http.StatusOK {
		x.w.WriteHeader(code)
	}
	_, _ = x.w.Write(body) // the client may leave at any time
}

// fail answers with an error.
func (x *exchange) fail(code int, message string) {
	x.marshal(code, struct {
		Error string `json:"error"`
	}{message})
}

func (x *exchange) marshal(code int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		// All that comes here is made of strings and finite numbers.
		panic(err)
	}
	x.json(code, append(body, '\n'))
}

// internal answers an error that is not the caller's.
func (s *Server) internal(x *exchange, err error) {
	s.cfg.Log.Error("a request could not be answered", "requestID", x.id, "path", x.r.URL.Path, "error", err)
	x.fail(http.StatusInternalServerError, "internal error; the log has it under the request id "+x.id)
}

// panicked answers a request that ended in a panic.
func (s *Server) panicked(x *exchange, cause any) {
	s.cfg.Metrics.Panic()
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		x.code = http.StatusInternalServerError
		panic(cause)
	}
	s.cfg.Log.Error("a request ended in a panic", "requestID", x.id, "path", x.r.URL.Path,
		"panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
	x.fail(http.StatusInternalServerError, "internal error; the log has it under the request id "+x.id)
}

func (s *Server) logRequest(x *exchange, begin time.Time) {
	ctx := x.r.Context()
	if !s.cfg.Log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	s.cfg.Log.LogAttrs(ctx, slog.LevelDebug, "request",
		slog.String("requestID", x.id), slog.String("method", x.r.Method), slog.String("path", x.r.URL.Path),
		slog.Int("code", x.code), slog.String("served", x.served.String()), slog.Duration("took", time.Since(begin)))
}

// logForwardFailure logs that another revision failed, at most once a second: a broken one under load must not turn into
// a broken log. The metric has every one.
func (s *Server) logForwardFailure(x *exchange, to contract.RevisionTraffic, failure *split.Failure) {
	if suppressed, ok := s.failures.allow(time.Now()); ok {
		s.cfg.Log.Warn("a revision did not answer a forwarded request, which was answered here",
			"requestID", x.id, "revision", to.Name, "address", to.Address, "reason", failure.Reason,
			"error", failure.Err, "notLogged", suppressed)
	}
}

func quote(s string) string {
	if len(s) > 64 {
		s = s[:64] + "…"
	}
	return strconv.Quote(s)
}

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }
