// Package load is a keep-alive HTTP/1.1 load generator for the CTR API that hides nothing: it opens its own connections,
// sends every request exactly once, and calls a request failed if anything but one valid prediction came back.
//
// In the room: a Config, one goroutine per connection, a recorder that all of them write to, and a Summary that is
// printed as JSON by testkit and read by test/harness. It may touch the network addresses it is told and nothing else.
//
// Why not net/http's client: its transport silently sends a request again when a kept-alive connection turns out to be
// closed, and that is exactly the failure that a drain which loses requests would show. Here a connection that dies
// under a request is a failed request. What is not a failure is what every pooled client copes with: an answer that says
// `Connection: close`, and a connection that the server closed while nothing was asked on it.
package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// Config says what to send. The zero value of a field means what its comment says.
type Config struct {
	// URL is http://host:port of the service; Model the name in the path.
	URL   string
	Model string
	// Path replaces /v1/models/<Model>:predict where it is set.
	Path string
	// Requests is how many to send; 0 means until the context ends.
	Requests int
	// Connections is how many keep-alive connections send at the same time.
	Connections int
	// Rate is requests per second over all connections; 0 means as fast as the answers come.
	Rate float64
	// Keys is how many different keys are used, in turn, beginning with FirstKey; 0 sends no key.
	Keys     int
	FirstKey int
	// KeyHeader and KeyField say where the key goes: a request header, a field of the inputs, or both.
	KeyHeader string
	KeyField  string
	// Inputs is the JSON object under "inputs".
	Inputs map[string]any
	// Timeout is for one request, from connecting to the last byte; 0 means 10 s.
	Timeout time.Duration
	// Expect maps a revision to the score that its model gives for Inputs. An answer with another score is a failure.
	Expect map[int64]float64
	// Assignments records which revisions answered each key.
	Assignments bool
}

func (c Config) validate() (*url.URL, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("the service's URL: %w", err)
	}
	if u.Scheme != "http" || u.Port() == "" {
		return nil, fmt.Errorf("the service's URL %q must be http://host:port", c.URL)
	}
	switch {
	case c.Model == "" && c.Path == "":
		return nil, errors.New("a model or a path is needed")
	case c.Connections < 1:
		return nil, errors.New("at least one connection is needed")
	case c.Keys > 0 && c.KeyHeader == "" && c.KeyField == "":
		return nil, errors.New("keys need a header or a field to travel in")
	case c.Requests < 0 || c.Keys < 0 || c.Rate < 0:
		return nil, errors.New("requests, keys and rate cannot be negative")
	}
	return u, nil
}

// Run sends the load and returns what happened. When ctx ends no further request is begun; those under way are finished.
// progress, where it is not nil, is called about twice a second from one goroutine.
func Run(ctx context.Context, cfg Config, progress func(Summary)) (Summary, error) {
	target, err := cfg.validate()
	if err != nil {
		return Summary{}, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	start := time.Now()
	rec := newRecorder(start, cfg.Assignments)
	tickets := &ticketer{limit: cfg.Requests, next: start}
	if cfg.Rate > 0 {
		tickets.interval = time.Duration(float64(time.Second) / cfg.Rate)
	}

	var workers sync.WaitGroup
	for range cfg.Connections {
		workers.Go(func() {
			w := &worker{cfg: cfg, address: target.Host, rec: rec}
			defer w.hangUp()
			for {
				n, ok := tickets.take(ctx)
				if !ok {
					return
				}
				w.ask(n)
			}
		})
	}
	done := make(chan struct{})
	go func() { workers.Wait(); close(done) }()
	report(rec, done, progress)
	return rec.summary(time.Now()), nil
}

// report calls progress until done is closed.
func report(rec *recorder, done <-chan struct{}, progress func(Summary)) {
	if progress == nil {
		<-done
		return
	}
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case now := <-tick.C:
			progress(rec.summary(now).brief())
		}
	}
}

// ticketer hands out the numbers of requests, at the asked pace.
type ticketer struct {
	mu       sync.Mutex
	taken    int
	limit    int
	interval time.Duration
	next     time.Time
}

// maxBurst is how far the pace may fall behind before what was missed is let go, so that a pause of the service is not
// followed by a storm.
const maxBurst = 100 * time.Millisecond

func (t *ticketer) take(ctx context.Context) (int, bool) {
	if ctx.Err() != nil {
		return 0, false
	}
	n, at, ok := t.reserve(time.Now())
	if !ok {
		return 0, false
	}
	wait := time.Until(at)
	if wait <= 0 {
		return n, true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return 0, false
	case <-timer.C:
		return n, true
	}
}

func (t *ticketer) reserve(now time.Time) (n int, at time.Time, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.limit > 0 && t.taken >= t.limit {
		return 0, time.Time{}, false
	}
	n = t.taken
	t.taken++
	if t.interval == 0 {
		return n, now, true
	}
	if earliest := now.Add(-maxBurst); t.next.Before(earliest) {
		t.next = earliest
	}
	at = t.next
	t.next = t.next.Add(t.interval)
	return n, at, true
}

// key is the n-th request's key, and whether there is one.
func (c Config) key(n int) (string, bool) {
	if c.Keys == 0 {
		return "", false
	}
	return "user-" + strconv.Itoa(c.FirstKey+n%c.Keys), true
}

func (c Config) path() string {
	if c.Path != "" {
		return c.Path
	}
	return "/v1/models/" + c.Model + ":predict"
}

// body is the JSON of the request for a key.
func (c Config) body(key string, hasKey bool) ([]byte, error) {
	inputs := c.Inputs
	if hasKey && c.KeyField != "" {
		inputs = make(map[string]any, len(c.Inputs)+1)
		maps.Copy(inputs, c.Inputs)
		inputs[c.KeyField] = key
	}
	return json.Marshal(map[string]any{"inputs": inputs})
}

// dial is apart so that the one place that opens connections is easy to find.
func dial(address string, deadline time.Time) (net.Conn, error) {
	d := net.Dialer{Deadline: deadline}
	return d.Dial("tcp", address)
}
