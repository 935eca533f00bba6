package server

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// idSource makes request ids: a random part for the process and a number within it.
type idSource struct {
	prefix string
	next   *atomic.Uint64
}

func newIDSource() idSource {
	var random [6]byte
	_, _ = rand.Read(random[:]) // never fails
	return idSource{prefix: hex.EncodeToString(random[:]) + "-", next: new(atomic.Uint64)}
}

// of takes the id that the request has, if it is fit to be logged, and makes one otherwise.
func (s idSource) of(r *http.Request) string {
	if ids := r.Header[contract.HeaderRequestID]; len(ids) == 1 && sane(ids[0]) {
		return ids[0]
	}
	var buffer [40]byte
	return string(strconv.AppendUint(append(buffer[:0], s.prefix...), s.next.Add(1), 36))
}

// sane says whether an id from outside can be logged and echoed: up to 128 visible ASCII characters.
func sane(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for _, c := range []byte(id) {
		if c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// logLimiter lets one message a second through.
type logLimiter struct {
	last       atomic.Int64
	suppressed atomic.Int64
}

// allow says whether a message may be logged now, and how many were not since the last.
func (l *logLimiter) allow(now time.Time) (suppressed int64, ok bool) {
	last := l.last.Load()
	if now.UnixNano()-last < int64(time.Second) || !l.last.CompareAndSwap(last, now.UnixNano()) {
		l.suppressed.Add(1)
		return 0, false
	}
	return l.suppressed.Swap(0), true
}
