package load

import (
	"context"
	"fmt"
	"hash/fnv"
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

func predict(w http.ResponseWriter, revision string, score float64) {
	w.Header().Set(contract.HeaderRevision, revision)
	fmt.Fprintf(w, `{"outputs":{"ctr_score":%v}}`, score)
}

func run(t *testing.T, h http.HandlerFunc, change func(*Config)) Summary {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	cfg := Config{
		URL: server.URL, Model: "m", Requests: 200, Connections: 4, Timeout: 5 * time.Second,
		Inputs: map[string]any{"features": []float64{1, 2}},
	}
	if change != nil {
		change(&cfg)
	}
	sum, err := Run(t.Context(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestRunCountsByRevisionAndKey(t *testing.T) {
	side := func(key string) string {
		h := fnv.New32a()
		io.WriteString(h, key)
		return fmt.Sprint(1 + h.Sum32()%2)
	}
	sum := run(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/v1/models/m:predict" {
			http.Error(w, "wrong request", http.StatusTeapot)
			return
		}
		predict(w, side(r.Header.Get("X-User-Id")), 0.5)
	}, func(c *Config) { c.Keys, c.KeyHeader, c.Assignments = 50, "X-User-Id", true })
	if sum.Requests != 200 || sum.Failed != 0 || sum.Revisions[1]+sum.Revisions[2] != 200 {
		t.Errorf("counts: %+v", sum)
	}
	if sum.Opened != 4 {
		t.Errorf("%d connections were opened for 4 kept alive", sum.Opened)
	}
	if len(sum.Assignments) != 50 {
		t.Errorf("%d keys were seen", len(sum.Assignments))
	}
	for key, revisions := range sum.Assignments {
		if len(revisions) != 1 || fmt.Sprint(revisions[0]) != side(key) {
			t.Errorf("key %s was answered by %v", key, revisions)
		}
	}
	if sum.Latency.P50 <= 0 || sum.Latency.P99 < sum.Latency.P50 || sum.Latency.Max <= 0 {
		t.Errorf("latencies: %+v", sum.Latency)
	}
}

func TestKeyTravelsInAField(t *testing.T) {
	sum := run(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !strings.Contains(string(body), `"doc_id":"user-7"`) || !strings.Contains(string(body), `"features":[1,2]`) {
			http.Error(w, string(body), http.StatusBadRequest)
			return
		}
		predict(w, "1", 0.5)
	}, func(c *Config) { c.Keys, c.FirstKey, c.KeyField = 1, 7, "doc_id" })
	if sum.Failed != 0 {
		t.Errorf("failures: %+v", sum.Examples)
	}
}

func TestWhatCountsAsAFailure(t *testing.T) {
	cases := map[string]struct {
		handler http.HandlerFunc
		kind    string
	}{
		"a status that is not 2xx": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":"no"}`, http.StatusServiceUnavailable)
		}, FailStatus},
		"an answer that is not JSON": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "hello")
		}, FailBody},
		"a JSON answer without a score": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"outputs":{}}`)
		}, FailBody},
		"a score that is no probability": {func(w http.ResponseWriter, _ *http.Request) { predict(w, "1", 1.5) }, FailBody},
		"an answer without its revision": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"outputs":{"ctr_score":0.5}}`)
		}, FailRevision},
		"the score of another revision": {func(w http.ResponseWriter, _ *http.Request) { predict(w, "1", 0.4) }, FailScore},
		"a connection that dies before the answer": {func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}, FailRead},
		"an answer that is cut short": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			predict(w, "1", 0.5)
		}, FailRead},
		"an answer that takes too long": {func(_ http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}, FailRead},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			sum := run(t, c.handler, func(cfg *Config) {
				cfg.Requests, cfg.Connections, cfg.Timeout = 3, 1, 200*time.Millisecond
				cfg.Expect = map[int64]float64{1: 0.5}
			})
			if sum.Requests != 3 || sum.Failed != 3 || sum.FailedBy[c.kind] != 3 || len(sum.Examples) != 3 {
				t.Errorf("wanted 3 failures of kind %s: %+v", c.kind, sum)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	sum, err := Run(t.Context(), Config{URL: "http://" + address, Model: "m", Requests: 2, Connections: 1}, nil)
	if err != nil || sum.FailedBy[FailConnect] != 2 {
		t.Errorf("%+v, %v", sum, err)
	}
}

// A kept-alive connection that the server closes when the next request arrives is what a careless drain does. The
// generator must show it, where net/http's client would try again.
func TestARequestIsNeverSentTwice(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var requests atomic.Int32
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			buf := make([]byte, 4096)
			for i := range 2 {
				if n, err := conn.Read(buf); n == 0 || err != nil {
					break
				}
				requests.Add(1)
				if i == 0 {
					answer := `{"outputs":{"ctr_score":0.5}}`
					fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n%s: 1\r\nContent-Length: %d\r\n\r\n%s",
						contract.HeaderRevision, len(answer), answer)
				}
			}
			conn.Close()
		}
	}()
	cfg := Config{URL: "http://" + l.Addr().String(), Model: "m", Requests: 10, Connections: 1, Timeout: 5 * time.Second}
	sum, err := Run(t.Context(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Failed != 5 || sum.FailedBy[FailRead] != 5 || requests.Load() != 10 {
		t.Errorf("%d requests arrived; %+v", requests.Load(), sum)
	}
}

func TestAPoliteCloseIsNoFailure(t *testing.T) {
	sum := run(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		predict(w, "1", 0.5)
	}, func(c *Config) { c.Requests, c.Connections = 10, 1 })
	if sum.Failed != 0 || sum.Opened != 10 || sum.ClosedPolitely != 10 {
		t.Errorf("%+v", sum)
	}
}

func TestAConnectionClosedWhileIdleIsReplaced(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { predict(w, "1", 0.5) }))
	server.Config.IdleTimeout = 5 * time.Millisecond
	server.Start()
	defer server.Close()
	cfg := Config{URL: server.URL, Model: "m", Requests: 4, Connections: 1, Rate: 10}
	sum, err := Run(t.Context(), cfg, nil)
	if err != nil || sum.Failed != 0 || sum.ClosedIdle == 0 {
		t.Errorf("%+v, %v", sum, err)
	}
}

func TestRateAndEnd(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 1200*time.Millisecond)
	defer cancel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { predict(w, "1", 0.5) }))
	defer server.Close()
	var reports []Summary
	cfg := Config{URL: server.URL, Model: "m", Connections: 2, Rate: 100}
	sum, err := Run(ctx, cfg, func(s Summary) { reports = append(reports, s) })
	if err != nil {
		t.Fatal(err)
	}
	if sum.Requests < 60 || sum.Requests > 135 || sum.Failed != 0 {
		t.Errorf("100 requests a second for 1.2 s: %+v", sum)
	}
	if len(reports) == 0 || reports[0].Requests == 0 {
		t.Errorf("no progress was reported: %+v", reports)
	}
}

func TestTicketsForgetALongPause(t *testing.T) {
	start := time.Unix(1000, 0)
	tickets := &ticketer{interval: 10 * time.Millisecond, next: start}
	_, first, _ := tickets.reserve(start)
	later := start.Add(time.Minute)
	_, second, _ := tickets.reserve(later)
	if !first.Equal(start) || !second.Equal(later.Add(-maxBurst)) {
		t.Errorf("first %v, second %v", first, second)
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := Config{URL: "http://h:1", Model: "m", Connections: 1}
	cases := map[string]func(*Config){
		"https":                func(c *Config) { c.URL = "https://h:1" },
		"no port":              func(c *Config) { c.URL = "http://h" },
		"no model":             func(c *Config) { c.Model = "" },
		"no connection":        func(c *Config) { c.Connections = 0 },
		"keys without a place": func(c *Config) { c.Keys = 3 },
		"negative rate":        func(c *Config) { c.Rate = -1 },
	}
	if _, err := good.validate(); err != nil {
		t.Errorf("a good configuration: %v", err)
	}
	for name, change := range cases {
		bad := good
		change(&bad)
		if _, err := bad.validate(); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
