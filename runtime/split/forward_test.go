package split

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

const goodAnswer = `{"outputs":{"ctr_score":0.5}}`

// good answers as revision 2 does.
func good(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set(contract.HeaderRevision, "2")
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, goodAnswer)
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(contract.HeaderRevision, "2")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, `{"error":"x"}`)
	}
}

func newForwarder(t *testing.T, timeout time.Duration) *Forwarder {
	t.Helper()
	f := NewForwarder(ForwarderConfig{Self: "a", Timeout: timeout, MaxAnswer: 1000, Valid: func(path string, body []byte) error {
		if path != "/v1/models/m:predict" || string(body) != goodAnswer {
			return fmt.Errorf("not a prediction: %s of %s", body, path)
		}
		return nil
	}})
	t.Cleanup(f.Close)
	return f
}

func incoming(ctx context.Context, body string) *http.Request {
	return httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/models/m:predict?x=1", strings.NewReader(body))
}

func canaryAt(address string) contract.RevisionTraffic {
	return contract.RevisionTraffic{Name: "b", Number: 2, Address: address}
}

func addressOf(s *httptest.Server) string { return s.Listener.Addr().String() }

func TestForwardRelays(t *testing.T) {
	seen := make(chan *http.Request, 1)
	body := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		body <- string(b)
		seen <- r
		w.Header().Set("Keep-Alive", "timeout=5")
		w.Header().Set("X-Private", "1")
		w.Header().Set("Connection", "X-Private")
		w.Header().Set("X-Public", "1")
		w.Header().Set(contract.HeaderFallback, "status")
		good(w, r)
	}))
	defer server.Close()
	in := incoming(t.Context(), "")
	in.Host = "search.example"
	for name, value := range map[string]string{
		"Connection": "close, X-Mine", "X-Mine": "1", "Te": "trailers", "Upgrade": "h2c", "Accept-Encoding": "br",
		"User-Agent": "agent", "X-User": "u", "Expect": "100-continue", "Content-Type": "application/json",
	} {
		in.Header.Set(name, value)
	}
	answer, err := newForwarder(t, 5*time.Second).Forward(canaryAt(addressOf(server)), in, "id-1", "the body")
	if err != nil {
		t.Fatal(err)
	}
	if answer.Status != 200 || string(answer.Body) != goodAnswer || answer.Header.Get("X-Public") != "1" {
		t.Errorf("got %d %s %v", answer.Status, answer.Body, answer.Header)
	}
	for _, name := range []string{"Connection", "Keep-Alive", "X-Private", contract.HeaderFallback} {
		if answer.Header.Get(name) != "" {
			t.Errorf("the answer has %s", name)
		}
	}
	got := <-seen
	if got.Method != "POST" || got.URL.String() != "/v1/models/m:predict?x=1" || got.Host != "search.example" || <-body != "the body" {
		t.Errorf("got %s %s of %s", got.Method, got.URL, got.Host)
	}
	want := map[string]string{
		contract.HeaderForwardedBy: "a", contract.HeaderRequestID: "id-1", "User-Agent": "agent", "X-User": "u",
		"Content-Type": "application/json",
		"Connection":   "", "X-Mine": "", "Te": "", "Upgrade": "", "Expect": "", "Accept-Encoding": "", "Idempotency-Key": "",
	}
	for name, value := range want {
		if got.Header.Get(name) != value {
			t.Errorf("%s is %q, want %q", name, got.Header.Get(name), value)
		}
	}
	if in.Header.Get("Connection") == "" {
		t.Error("the incoming request has been changed")
	}
}

func TestForwardJudgesAnswers(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the other side leaves
		<-r.Context().Done()
	}
	tests := map[string]struct {
		handler http.HandlerFunc
		reason  string // empty: relayed
	}{
		"prediction":        {good, ""},
		"bad input":         {status(400), ""},
		"too large input":   {status(413), ""},
		"unprocessable":     {status(422), ""},
		"not found":         {status(404), ReasonStatus},
		"forbidden":         {status(403), ReasonStatus},
		"request timeout":   {status(408), ReasonStatus},
		"too many requests": {status(429), ReasonStatus},
		"redirect":          {status(307), ReasonStatus},
		"no content":        {status(204), ReasonStatus},
		"internal error":    {status(500), ReasonStatus},
		"unavailable":       {status(503), ReasonStatus},
		"switches protocols, and hangs": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
			_, _ = io.Copy(io.Discard, conn) // until the other side leaves
		}, ReasonStatus},
		"hangs": {hang, ReasonTimeout},
		"hangs in its answer": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(contract.HeaderRevision, "2")
			_, _ = io.WriteString(w, goodAnswer[:5])
			w.(http.Flusher).Flush()
			hang(w, r)
		}, ReasonTimeout},
		"hangs up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ReasonConnect},
		"breaks off": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			good(w, r)
		}, ReasonBody},
		"too large": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(contract.HeaderRevision, "2")
			_, _ = w.Write(make([]byte, 1001))
		}, ReasonBody},
		"other revision": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(contract.HeaderRevision, "3")
			_, _ = io.WriteString(w, goodAnswer)
		}, ReasonBody},
		"no revision":                  {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, goodAnswer) }, ReasonBody},
		"no prediction":                {status(200), ReasonBody},
		"bad input, of something else": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400) }, ReasonBody},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(tt.handler)
			server.Config.ErrorLog = nil
			server.Start()
			defer server.Close()
			timeout := 5 * time.Second
			if tt.reason == ReasonTimeout {
				timeout = 50 * time.Millisecond
			}
			answer, err := newForwarder(t, timeout).Forward(canaryAt(addressOf(server)), incoming(t.Context(), ""), "id", "")
			var failure *Failure
			switch {
			case tt.reason == "":
				if err != nil || answer == nil {
					t.Errorf("got %v", err)
				}
			case !errors.As(err, &failure) || failure.Reason != tt.reason || answer != nil:
				t.Errorf("got %v, want %s", err, tt.reason)
			}
		})
	}
}

func TestForwardToNobody(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	_, err = newForwarder(t, time.Second).Forward(canaryAt(address), incoming(t.Context(), ""), "id", "")
	var failure *Failure
	if !errors.As(err, &failure) || failure.Reason != ReasonConnect {
		t.Errorf("got %v", err)
	}
}

// A client that has gone is not the other revision's failure.
func TestForwardForAClientThatLeaves(t *testing.T) {
	arrived := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(arrived)
		<-r.Context().Done()
	}))
	defer server.Close()
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		<-arrived
		leave()
	}()
	_, err := newForwarder(t, 10*time.Second).Forward(canaryAt(addressOf(server)), incoming(ctx, "body"), "id", "body")
	if !errors.Is(err, ErrClientGone) {
		t.Errorf("got %v", err)
	}
}

func TestForwardKeepsConnections(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(good))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	f := newForwarder(t, 5*time.Second)
	for range 20 {
		if _, err := f.Forward(canaryAt(addressOf(server)), incoming(t.Context(), ""), "id", "body"); err != nil {
			t.Fatal(err)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// A kept connection that the other side has given up meanwhile is no failure: the request is sent again.
func TestForwardOutlivesDeadConnections(t *testing.T) {
	var served atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		// Every second request, the first on its kept connection, finds that nobody answers.
		if served.Add(1)%2 == 0 {
			panic(http.ErrAbortHandler)
		}
		if string(body) != "body" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		good(w, r)
	}))
	defer server.Close()
	f := newForwarder(t, 5*time.Second)
	for i := range 10 {
		if _, err := f.Forward(canaryAt(addressOf(server)), incoming(t.Context(), ""), "id", "body"); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
}
