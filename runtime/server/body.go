package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

var (
	// errBodyTooLarge is a body beyond the limit.
	errBodyTooLarge = errors.New("the body is too large")
	// errBusy is a large body that would be one too many.
	errBusy = errors.New("too many large bodies at once")
)

const (
	// smallBody is up to where a body's memory is nobody's concern.
	smallBody = 64 << 10
	// largeBodies is how many bytes all larger bodies may have at a time. To predict one takes several times its size,
	// and all of it must fit into a container's memory.
	largeBodies = 8 << 20
	// largeWait is how long a large body waits for its turn, at most.
	largeWait = 2 * time.Second
)

// turns are taken by large bodies, so that a number of them is in memory at a time: strangers who send many get in the
// way of each other, and of nobody else.
type turns struct {
	slots chan struct{}
	wait  time.Duration
}

func newTurns(limit int64) *turns {
	return &turns{slots: make(chan struct{}, max(2, largeBodies/max(limit, smallBody))), wait: largeWait}
}

// take waits for a turn. Whoever gets one gives it back.
func (t *turns) take(ctx context.Context) error {
	select {
	case t.slots <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(t.wait)
	defer timer.Stop()
	select {
	case t.slots <- struct{}{}:
		return nil
	case <-timer.C:
		return errBusy
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *turns) giveBack() { <-t.slots }

// readBody appends a request's body to the scratch's buffer, up to the limit. Memory is taken as bytes arrive, not as
// they are announced.
func (s *Server) readBody(r *http.Request, c *scratch) error {
	limit, buffer := s.cfg.MaxRequestBytes, c.body[:0]
	if r.ContentLength > limit {
		return errBodyTooLarge
	}
	defer func() { c.body = buffer }()
	for {
		if len(buffer) > smallBody && c.turn == nil {
			if err := s.large.take(r.Context()); err != nil {
				return err
			}
			c.turn = s.large
		}
		if len(buffer) == cap(buffer) {
			buffer = append(buffer, 0)[:len(buffer)]
		}
		n, err := r.Body.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		switch {
		case int64(len(buffer)) > limit:
			return errBodyTooLarge
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
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
	case errors.Is(err, errBusy):
		x.fail(http.StatusTooManyRequests, fmt.Sprintf("there are too many bodies of more than %d bytes at once; "+
			"send smaller ones, or try again", smallBody))
	case errors.Is(err, os.ErrDeadlineExceeded):
		x.fail(http.StatusRequestTimeout, "the body did not arrive in time")
	default:
		// Said even to clients that seem to have gone: those that have only closed their own side still listen, and would
		// take silence for an empty 200.
		x.fail(http.StatusBadRequest, "the body could not be read, or is shorter than announced")
		x.gone = x.r.Context().Err() != nil
	}
}
