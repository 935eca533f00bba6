// Package fault makes a serving process fail on command, so that tests can see what its users notice.
//
// In the room: a Switch that stands in front of the process's handler, and the loopback endpoint that moves it. It may
// end the process, which is what it is for; it is linked into test images only.
package fault

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
)

// Mode is how the process answers.
type Mode string

const (
	// None lets everything through.
	None Mode = "none"
	// Error answers every request with status 500.
	Error Mode = "500"
	// Hang takes every request and never answers.
	Hang Mode = "hang"
	// Crash ends the process at the next request, without a word to anyone.
	Crash Mode = "crash"
)

// modes are all of them, as a person may type them.
var modes = []Mode{None, Error, Hang, Crash}

// ParseMode reads a mode's name.
func ParseMode(s string) (Mode, error) {
	if m := Mode(strings.TrimSpace(s)); slices.Contains(modes, m) {
		return m, nil
	}
	return "", fmt.Errorf("unknown fault %q: known are %v", s, modes)
}

// Switch holds the mode. Its zero value lets everything through.
type Switch struct {
	mode atomic.Value
	// Exit ends the process; tests replace it.
	Exit func(code int)
}

// Mode is the present one.
func (s *Switch) Mode() Mode {
	if m, ok := s.mode.Load().(Mode); ok {
		return m
	}
	return None
}

// Set moves the switch. Requests that hang already go on hanging until their caller gives up.
func (s *Switch) Set(m Mode) { s.mode.Store(m) }

// Wrap puts the switch in front of a handler.
func (s *Switch) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch s.Mode() {
		case Error:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprintln(w, `{"error":"a fault was asked for"}`) // whoever has gone does not need the answer
		case Hang:
			// The body is read first: only then does the server notice that the caller has gone, and ends the context.
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		case Crash:
			s.Exit(137)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// Control is the endpoint that `testkit fault` calls: PUT moves the switch to the mode in the body, and every method
// answers with the present mode.
func (s *Switch) Control() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			name, err := io.ReadAll(io.LimitReader(r.Body, 64))
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			m, err := ParseMode(string(name))
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			s.Set(m)
		}
		fmt.Fprintln(w, s.Mode()) // whoever has gone does not need the answer
	})
}
