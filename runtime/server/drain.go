package server

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// drainState counts connections, and knows whether clients are being asked to leave.
type drainState struct {
	draining atomic.Bool
	open     atomic.Int64
	// accepted counts all connections there ever were, so that quiet can be told from busy.
	accepted atomic.Int64
}

// handler asks clients to leave while draining.
func (d *drainState) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.tell(w.Header())
		next.ServeHTTP(w, r)
	})
}

// tell asks a client to leave, if it is time: an HTTP/1 one closes the connection after the answer with this header, and
// net/http sends an HTTP/2 one a GOAWAY. It is done once more just before an answer, for those that take long.
func (d *drainState) tell(header http.Header) {
	if d.draining.Load() {
		header["Connection"] = connectionClose
	}
}

// Track is an http.Server's ConnState hook that keeps count of connections.
func (s *Server) Track(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.drain.accepted.Add(1)
		s.cfg.Metrics.Connections(s.drain.open.Add(1))
	case http.StateClosed, http.StateHijacked:
		s.cfg.Metrics.Connections(s.drain.open.Add(-1))
	default:
	}
}

// Drain asks clients to leave, and waits until they have: until there has been no connection for quiet, or ctx ends. New
// connections are accepted all the while, since it takes time until everybody has heard that this pod goes.
//
// Connections on which nothing is asked cannot be told to leave; they are waited for as long as ctx lasts.
func (s *Server) Drain(ctx context.Context, quiet time.Duration) {
	s.drain.draining.Store(true)
	const step = 20 * time.Millisecond
	tick := time.NewTicker(step)
	defer tick.Stop()
	accepted, since := s.drain.accepted.Load(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if n := s.drain.accepted.Load(); n != accepted || s.drain.open.Load() > 0 {
				accepted, since = n, now
			} else if now.Sub(since) >= quiet {
				return
			}
		}
	}
}
