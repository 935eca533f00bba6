package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
)

// errBodyTooLarge is a body beyond the limit.
var errBodyTooLarge = errors.New("the body is too large")

// readBody appends a request's body to buffer, up to limit bytes. Memory is taken as bytes arrive, not as they are
// announced.
func readBody(r *http.Request, limit int64, buffer []byte) ([]byte, error) {
	if r.ContentLength > limit {
		return buffer, errBodyTooLarge
	}
	for {
		if len(buffer) == cap(buffer) {
			buffer = append(buffer, 0)[:len(buffer)]
		}
		n, err := r.Body.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		switch {
		case int64(len(buffer)) > limit:
			return buffer, errBodyTooLarge
		case errors.Is(err, io.EOF):
			return buffer, nil
		case err != nil:
			return buffer, err
		}
	}
}

// unreadable answers a request whose body did not come, or not within the limits.
func (s *Server) unreadable(x *exchange, err error) {
	// Whatever of the body is still to come is not read, so that an HTTP/1 connection is of no more use. One of HTTP/2
	// carries other requests, and closing it would cost the client this answer too.
	if x.r.ProtoMajor == 1 {
		x.w.Header()["Connection"] = connectionClose
	}
	switch {
	case errors.Is(err, errBodyTooLarge):
		x.fail(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", s.cfg.MaxRequestBytes))
	case errors.Is(err, os.ErrDeadlineExceeded):
		x.fail(http.StatusRequestTimeout, "the body did not arrive in time")
	default:
		// Said even to clients that seem to have gone: those that have only closed their own side still listen, and would
		// take silence for an empty 200.
		x.fail(http.StatusBadRequest, "the body could not be read, or is shorter than announced")
		x.gone = x.r.Context().Err() != nil
	}
}
