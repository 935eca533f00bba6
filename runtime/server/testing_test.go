package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/metrics"
	"github.com/ctr-operator/ctr-operator/runtime/model"
)

// fake is a model whose prediction is the input's score; some positions are special.
type fake struct{}

const (
	posRefused = -1
	posNaN     = 97
	posBroken  = 98
	posPanic   = 99
)

func (fake) Signature() model.Signature {
	return model.Signature{Features: 2, Bounded: true, Fields: []model.Field{
		{Name: "query", Kind: model.String, Required: true},
		{Name: "position", Kind: model.Number, Required: true},
		{Name: "score", Kind: model.Number, Required: true},
	}}
}

func (fake) Predict(row *model.Row) (float64, error) {
	if row.Features != nil {
		return row.Features[0], nil
	}
	switch row.Values[1].Num {
	case posRefused:
		return 0, &model.InputError{Field: "position", Message: "must not be -1"}
	case posNaN:
		return math.NaN(), nil
	case posBroken:
		return 0, errors.New("out of order")
	case posPanic:
		panic("out of bounds")
	}
	return row.Values[2].Num, nil
}

func (f fake) PredictBatch(rows []model.Row, out []float64) error {
	for i := range rows {
		p, err := f.Predict(&rows[i])
		if input, ok := errors.AsType[*model.InputError](err); ok {
			input.Index = i
		}
		if err != nil {
			return err
		}
		out[i] = p
	}
	return nil
}

// regressor is a model whose scores are any numbers.
type regressor struct{ fake }

func (r regressor) Signature() model.Signature {
	s := r.fake.Signature()
	s.Bounded = false
	return s
}

// lockedBuffer takes a log from several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// running is a server on a port of its own.
type running struct {
	t        *testing.T
	server   *Server
	http     *http.Server
	url      string
	address  string
	log      *lockedBuffer
	registry *prometheus.Registry
	client   *http.Client
}

// start runs a server of revision 1, named stable, changed as the caller wants.
func start(t *testing.T, change func(*Config)) *running {
	t.Helper()
	r := &running{t: t, log: &lockedBuffer{}, registry: prometheus.NewRegistry()}
	cfg := Config{
		Name: "m", Type: "logistic_regression", Format: "pickle", Revision: "stable", Number: 1,
		Model: fake{}, Metrics: metrics.New(r.registry), Started: time.Now(),
		Log:             slog.New(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		MaxRequestBytes: 10_000, MaxBatchSize: 5, ForwardTimeout: 5 * time.Second,
	}
	if change != nil {
		change(&cfg)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.server = New(cfg)
	r.http = NewHTTP(r.server.Handler(), cfg.Log)
	r.http.ConnState = r.server.Track
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.http.Serve(listener)
	}()
	r.client = &http.Client{Transport: &http.Transport{}}
	t.Cleanup(func() {
		r.client.CloseIdleConnections()
		_ = r.http.Close()
		<-done
		r.server.Close()
	})
	r.address = listener.Addr().String()
	r.url = "http://" + r.address
	return r
}

type answer struct {
	code   int
	body   string
	header http.Header
}

// do sends a request; pairs of headers follow the body.
func (r *running) do(method, path, body string, header ...string) answer {
	r.t.Helper()
	a, err := r.try(context.Background(), method, path, body, header...)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

func (r *running) try(ctx context.Context, method, path, body string, header ...string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, r.url+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := r.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, string(b), res.Header}, err
}

// sum adds up the series of a counter that have all the given label values.
func (r *running) sum(name string, values ...string) float64 {
	r.t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	total := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			has := map[string]bool{}
			for _, l := range m.GetLabel() {
				has[l.GetValue()] = true
			}
			match := true
			for _, v := range values {
				match = match && has[v]
			}
			if match {
				total += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return total
}

// keptConnections fails the test where clients have not kept their connections. A few more than are needed are no fault:
// net/http opens one while another is on its way back to the pool.
func (r *running) keptConnections() {
	r.t.Helper()
	if n := r.server.drain.accepted.Load(); n < 1 || n > 10 {
		r.t.Errorf("%d connections", n)
	}
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 10 s: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// fixed is a traffic table that does not change.
type fixed struct{ table *contract.TrafficTable }

func (f fixed) Table() *contract.TrafficTable { return f.table }

const goodInputs = `{"query":"q","position":1,"score":0.25}`

func predictBody(inputs string) string { return `{"inputs":` + inputs + `}` }
