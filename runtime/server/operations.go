package server

import (
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// Operations answers on the operations port. It is there before there is a model.
type Operations struct {
	handler http.Handler
	// notReady is why the process does not serve; nil when it does.
	notReady atomic.Pointer[string]
}

// NewOperations makes the operations port's handler, not ready for the given reason.
func NewOperations(gatherer prometheus.Gatherer, notReady string) *Operations {
	o := &Operations{}
	o.NotReady(notReady)
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+contract.PathLive, func(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET "+contract.PathReady, o.ready)
	mux.Handle("GET "+contract.PathMetrics, promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{}))
	o.handler = mux
	return o
}

func (o *Operations) ServeHTTP(w http.ResponseWriter, r *http.Request) { o.handler.ServeHTTP(w, r) }

// Ready says that the process serves.
func (o *Operations) Ready() { o.notReady.Store(nil) }

// NotReady says that it does not, and why.
func (o *Operations) NotReady(reason string) { o.notReady.Store(&reason) }

func (o *Operations) ready(w http.ResponseWriter, _ *http.Request) {
	if reason := o.notReady.Load(); reason != nil {
		text(w, http.StatusServiceUnavailable, *reason+"\n")
		return
	}
	text(w, http.StatusOK, "ok\n")
}

func text(w http.ResponseWriter, code int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(body)) // the client may leave at any time
}
