package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// keepAlive is a client that takes nothing for granted: one connection, kept for as long as the server does not say
// otherwise, and no request sent twice. Every error is a lost request.
type keepAlive struct {
	// address is where a new connection goes.
	address *atomic.Pointer[string]
	conn    net.Conn
	reader  *bufio.Reader
	on      string
}

func (k *keepAlive) ask() error {
	if k.conn == nil {
		k.on = *k.address.Load()
		conn, err := net.DialTimeout("tcp", k.on, 5*time.Second)
		if err != nil {
			return fmt.Errorf("connecting: %w", err)
		}
		k.conn, k.reader = conn, bufio.NewReader(conn)
	}
	_ = k.conn.SetDeadline(time.Now().Add(5 * time.Second))
	body := predictBody(goodInputs)
	if _, err := fmt.Fprintf(k.conn, "POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		return fmt.Errorf("asking: %w", err)
	}
	res, err := http.ReadResponse(k.reader, nil)
	if err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	_, err = io.Copy(io.Discard, res.Body)
	if err != nil || res.StatusCode != 200 {
		return fmt.Errorf("a bad answer: %s, %w", res.Status, err)
	}
	if res.Close {
		_ = k.conn.Close()
		k.conn = nil
	}
	return nil
}

// drained drains a server and shuts it down, as serve does.
func (r *running) drained(timeout, quiet time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	r.server.Drain(ctx, quiet)
	last, cancelLast := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancelLast()
	return r.http.Shutdown(last)
}

// Servers are replaced under load, one after another. Not one request is lost, and every client ends up at the last.
func TestDrainLosesNothing(t *testing.T) {
	var address atomic.Pointer[string]
	now := start(t, nil)
	address.Store(&now.address)

	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	var asked atomic.Int64
	failed := make(chan error, 100)
	t.Cleanup(func() {
		for len(failed) > 0 {
			t.Error(<-failed)
		}
	})
	last := make([]*keepAlive, 8)
	for i := range last {
		k := &keepAlive{address: &address}
		last[i] = k
		clients.Go(func() {
			for ctx.Err() == nil {
				if err := k.ask(); err != nil {
					failed <- fmt.Errorf("client %d, of %s: %w", i, k.on, err)
					return
				}
				asked.Add(1)
				// Some clients are busy, and some leave their connections alone for longer than a request takes.
				if i%2 == 1 {
					select {
					case <-ctx.Done():
					case <-time.After(time.Duration(i) * 3 * time.Millisecond):
					}
				}
			}
		})
	}
	for round := range 4 {
		old := now
		before := asked.Load()
		eventually(t, "clients ask", func() bool { return asked.Load() > before+200 })
		now = start(t, nil)
		drained := make(chan error)
		go func() { drained <- old.drained(20*time.Second, 500*time.Millisecond) }()
		// The word that the old server goes gets around late.
		eventually(t, "clients ask the draining server", func() bool { return asked.Load() > before+400 })
		address.Store(&now.address)
		if err := <-drained; err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		if open := old.server.drain.open.Load(); open != 0 {
			t.Errorf("round %d: %d connections were cut off", round, open)
		}
	}
	before := asked.Load()
	eventually(t, "clients ask the last server", func() bool { return asked.Load() > before+200 })
	stop()
	clients.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	for i, k := range last {
		if k.on != now.address {
			t.Errorf("client %d is still with an old server", i)
		}
	}
}

// A connection that has been idle since before the drain can be used once more.
func TestDrainServesIdleConnections(t *testing.T) {
	r := start(t, nil)
	var address atomic.Pointer[string]
	address.Store(&r.address)
	k := &keepAlive{address: &address}
	if err := k.ask(); err != nil || k.conn == nil {
		t.Fatal(err, k.conn)
	}
	drained := make(chan error)
	go func() { drained <- r.drained(10*time.Second, time.Millisecond) }()
	eventually(t, "draining", func() bool { return r.server.drain.draining.Load() })
	select {
	case <-drained:
		t.Fatal("the drain is over while a client is connected")
	case <-time.After(100 * time.Millisecond): // nothing to wait for: the point is that nothing happens
	}
	if err := k.ask(); err != nil {
		t.Fatal(err)
	}
	if k.conn != nil {
		t.Error("the client was not asked to leave")
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

func TestDrainEndsWithItsTime(t *testing.T) {
	r := start(t, nil)
	r.do("GET", "/health", "") // leaves an idle connection
	if err := r.drained(50*time.Millisecond, time.Millisecond); err != nil {
		t.Error(err)
	}
}

// Nobody is connected at first, but not everybody has heard yet.
func TestDrainWaitsForQuiet(t *testing.T) {
	r := start(t, nil)
	drained := make(chan time.Time)
	go func() {
		r.server.Drain(t.Context(), 200*time.Millisecond)
		drained <- time.Now()
	}()
	eventually(t, "draining", func() bool { return r.server.drain.draining.Load() })
	var lastAsked time.Time
	for range 3 {
		time.Sleep(100 * time.Millisecond) // less than quiet
		lastAsked = time.Now()
		if got := r.do("POST", "/v1/models/m:predict", predictBody(goodInputs)); got.code != 200 {
			t.Fatalf("got %d", got.code)
		}
	}
	if end := <-drained; end.Sub(lastAsked) < 190*time.Millisecond {
		t.Errorf("the drain was over %s after the last request", end.Sub(lastAsked))
	}
}

// HTTP/2 clients are sent away too, and lose nothing.
func TestDrainHTTP2(t *testing.T) {
	var address atomic.Pointer[string]
	old, next := start(t, nil), start(t, nil)
	address.Store(&old.address)
	client := http2Client(t)
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, *address.Load())
	}
	old.client, old.url = client, "http://model.example"

	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	var asked atomic.Int64
	failed := make(chan error, 10)
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				a, err := old.try(context.Background(), "POST", "/v1/models/m:predict", predictBody(goodInputs))
				if err != nil || a.code != 200 {
					failed <- fmt.Errorf("%d, %w", a.code, err)
					return
				}
				asked.Add(1)
			}
		})
	}
	eventually(t, "clients ask", func() bool { return asked.Load() > 200 })
	drained := make(chan error)
	go func() { drained <- old.drained(20*time.Second, 500*time.Millisecond) }()
	eventually(t, "draining", func() bool { return old.server.drain.draining.Load() })
	address.Store(&next.address)
	if err := <-drained; err != nil {
		t.Error(err)
	}
	before := asked.Load()
	eventually(t, "clients ask the other server", func() bool { return asked.Load() > before+200 })
	stop()
	clients.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	if next.server.drain.accepted.Load() == 0 {
		t.Error("nobody came to the other server")
	}
}
