package load

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// maxAnswer bounds what is read of an answer; a single prediction is far smaller.
const maxAnswer = 1 << 20

// backoff is the pause after a connection could not be opened, so that a service that is away is not asked thousands of
// times a second. Each try still counts as a failed request.
const backoff = 20 * time.Millisecond

// worker owns one connection at a time.
type worker struct {
	cfg     Config
	address string
	rec     *recorder

	conn    net.Conn
	answers *bufio.Reader
	out     []byte
}

// ask sends one request and records how it went.
func (w *worker) ask(n int) {
	key, hasKey := w.cfg.key(n)
	begin := time.Now()
	deadline := begin.Add(w.cfg.Timeout)
	w.dropIfClosed()
	if w.conn == nil {
		conn, err := dial(w.address, deadline)
		if err != nil {
			w.rec.failed(begin, FailConnect, err.Error())
			time.Sleep(backoff)
			return
		}
		w.rec.opened()
		w.conn, w.answers = conn, bufio.NewReader(conn)
	}
	a, failure := w.roundTrip(key, hasKey, deadline)
	if failure != nil {
		w.hangUp()
		w.rec.failed(begin, failure.kind, failure.detail)
		return
	}
	if a.close {
		w.hangUp()
		w.rec.closedPolitely()
	}
	if failure := w.check(a); failure != nil {
		w.rec.failed(begin, failure.kind, failure.detail)
		return
	}
	w.rec.answered(time.Since(begin), key, a)
}

// answer is what came back, as far as it is looked at.
type answer struct {
	status   int
	revision int64
	marked   bool // the answer named its revision
	fallback string
	body     []byte
	close    bool
}

type failure struct{ kind, detail string }

func (w *worker) roundTrip(key string, hasKey bool, deadline time.Time) (answer, *failure) {
	body, err := w.cfg.body(key, hasKey)
	if err != nil {
		return answer{}, &failure{FailRequest, err.Error()}
	}
	w.out = append(w.out[:0], "POST "+w.cfg.path()+" HTTP/1.1\r\nHost: "+w.address+
		"\r\nContent-Type: application/json\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n"...)
	if hasKey && w.cfg.KeyHeader != "" {
		w.out = append(w.out, w.cfg.KeyHeader+": "+key+"\r\n"...)
	}
	w.out = append(append(w.out, "\r\n"...), body...)
	if err := w.conn.SetDeadline(deadline); err != nil {
		return answer{}, &failure{FailWrite, err.Error()}
	}
	if _, err := w.conn.Write(w.out); err != nil {
		return answer{}, &failure{FailWrite, err.Error()}
	}
	resp, err := http.ReadResponse(w.answers, nil)
	if err != nil {
		return answer{}, &failure{FailRead, err.Error()}
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return answer{}, &failure{FailRead, "the answer's body: " + err.Error()}
	}
	a := answer{status: resp.StatusCode, body: content, close: resp.Close, fallback: resp.Header.Get(contract.HeaderFallback)}
	a.revision, err = strconv.ParseInt(resp.Header.Get(contract.HeaderRevision), 10, 64)
	a.marked = err == nil
	return a, nil
}

// check says why an answer is not a valid prediction, or nil.
func (w *worker) check(a answer) *failure {
	if a.status < 200 || a.status > 299 {
		return &failure{FailStatus, fmt.Sprintf("status %d: %s", a.status, excerpt(a.body))}
	}
	var got struct {
		Outputs *struct {
			Score *float64 `json:"ctr_score"`
		} `json:"outputs"`
	}
	if err := json.Unmarshal(a.body, &got); err != nil {
		return &failure{FailBody, err.Error() + ": " + excerpt(a.body)}
	}
	if got.Outputs == nil || got.Outputs.Score == nil || *got.Outputs.Score < 0 || *got.Outputs.Score > 1 {
		return &failure{FailBody, "no prediction in " + excerpt(a.body)}
	}
	if !a.marked {
		return &failure{FailRevision, "the answer does not name its revision"}
	}
	if want, ok := w.cfg.Expect[a.revision]; ok && math.Abs(*got.Outputs.Score-want) > 1e-9 {
		return &failure{FailScore, fmt.Sprintf("revision %d answered %v instead of %v", a.revision, *got.Outputs.Score, want)}
	}
	return nil
}

func excerpt(body []byte) string {
	const most = 200
	if len(body) > most {
		return string(body[:most]) + "…"
	}
	return string(body)
}

// dropIfClosed lets go of a connection that the server closed while nothing was asked on it, as every pooled client does.
// It looks at the socket without waiting; what happens after this look is a failed request.
func (w *worker) dropIfClosed() {
	if w.conn == nil || stillOpen(w.conn) {
		return
	}
	w.hangUp()
	w.rec.closedIdle()
}

func stillOpen(conn net.Conn) bool {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	open := true
	err = raw.Control(func(fd uintptr) {
		var one [1]byte
		n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		// Nothing to read is what an idle connection looks like; an end of file, a reset or bytes nobody asked for are not.
		open = n <= 0 && (errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR))
	})
	return open && err == nil
}

func (w *worker) hangUp() {
	if w.conn != nil {
		w.conn.Close() // the connection is being given up; there is nothing to do about it
		w.conn, w.answers = nil, nil
	}
}
