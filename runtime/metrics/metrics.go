// Package metrics is what a runtime pod counts about itself. Every series is made here, in one table, with labels from
// closed lists, so that no request can make a series; those of the request path are resolved once, when the process
// starts.
package metrics

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Endpoint is which of the API's endpoints a request was for.
type Endpoint uint8

// Endpoints.
const (
	Predict Endpoint = iota
	BatchPredict
	Health
	Models
	Other
	endpoints
)

func (e Endpoint) String() string {
	return [endpoints]string{"predict", "batch_predict", "health", "models", "other"}[e]
}

// Served is who computed an answer.
type Served uint8

const (
	// Local is this revision.
	Local Served = iota
	// Forwarded is the other one, to which the request was forwarded.
	Forwarded
	// Fallback is this revision, because the other one did not answer.
	Fallback
	served
)

func (s Served) String() string { return [served]string{"local", "forwarded", "fallback"}[s] }

// codes are the statuses that are counted each by itself; others are counted as their hundred ("5xx").
var codes = [...]int{200, 400, 404, 405, 408, 413, 429, 499, 500, 503, 504}

// ClientGone is the code under which a request is counted whose client left before it was answered.
const ClientGone = 499

// requestSeries are the resolved counters of one endpoint and one way of serving.
type requestSeries struct {
	byCode  [600]prometheus.Counter
	latency prometheus.Observer
}

// Model is what is known about the served model once it is loaded.
type Model struct {
	Name, Revision, Type, Digest, Version string
}

// Metrics is the set of series of one process.
type Metrics struct {
	requests    [endpoints][served]requestSeries
	inFlight    atomic.Int64
	connections atomic.Int64
	predictions prometheus.Counter
	scores      prometheus.Observer

	forwards        *prometheus.CounterVec
	forwardFailures *prometheus.CounterVec

	tableInfo    *prometheus.GaugeVec
	tableReloads *prometheus.CounterVec
	weights      *prometheus.GaugeVec

	modelInfo *prometheus.GaugeVec
	modelLoad *prometheus.GaugeVec
	panics    prometheus.Counter
}

// latencyBuckets reach from a local answer without waiting to the longest forward timeout that makes sense.
var latencyBuckets = []float64{
	.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1,
}

// scoreBuckets divide predicted rates, most of which are small, so that two revisions' distributions can be compared.
// Pods of all revisions must have the same ones.
var scoreBuckets = []float64{
	1e-7, 1e-6, 1e-5, 1e-4, 3e-4, .001, .002, .005, .01, .02, .03, .05, .1, .15, .2, .3, .5, .7, .9, 1,
}

// New makes the series and registers them.
func New(registry prometheus.Registerer) *Metrics {
	b := builder{registry}
	m := &Metrics{
		predictions: b.counter("ctr_predictions_total", "Examples predicted by this revision."),
		scores: b.histogram("ctr_prediction", "Click-through rates predicted by this revision.",
			scoreBuckets).WithLabelValues(),
		forwards: b.counters("ctr_forward_requests_total",
			"Requests forwarded to another revision and answered by it.", "revision"),
		forwardFailures: b.counters("ctr_forward_failures_total",
			"Requests that another revision did not answer and this one answered instead.", "revision", "reason"),
		tableInfo: b.gauges("ctr_traffic_table_info",
			"1 for the traffic table in use, by the first 12 hex digits of its SHA-256.", "hash"),
		tableReloads: b.counters("ctr_traffic_table_reloads_total", "Traffic tables read, by result.", "result"),
		weights: b.gauges("ctr_traffic_weight_percent",
			"Weights in the traffic table in use.", "revision", "role"),
		modelInfo: b.gauges("ctr_model_info", "1 for the model that is served.",
			"model", "revision", "type", "digest", "version"),
		modelLoad: b.gauges("ctr_model_load_seconds", "Time taken by each phase of the start.", "phase"),
		panics:    b.counter("ctr_panics_total", "Requests that ended in a panic."),
	}
	b.gauge("ctr_requests_in_flight", "Requests being answered.", &m.inFlight)
	b.gauge("ctr_connections", "Open connections on the REST port.", &m.connections)
	requests := b.counters("ctr_requests_total", "Requests answered.", "endpoint", "code", "served")
	latency := b.histogram("ctr_request_duration_seconds", "Time from a request's header to its answer.",
		latencyBuckets, "endpoint", "served")
	for e := range endpoints {
		for s := range served {
			if s != Local && e != Predict && e != BatchPredict {
				continue
			}
			m.requests[e][s] = resolve(requests, latency, e, s)
		}
	}
	for _, result := range []string{tableOK, tableInvalid, tableMissing} {
		m.tableReloads.WithLabelValues(result)
	}
	return m
}

// resolve fills the table from which a request's counter is taken by its code.
func resolve(requests *prometheus.CounterVec, latency *prometheus.HistogramVec, e Endpoint, s Served) requestSeries {
	series := requestSeries{latency: latency.WithLabelValues(e.String(), s.String())}
	for hundred := range 6 {
		label := strconv.Itoa(hundred) + "xx"
		counter := &lazyCounter{vec: requests, labels: []string{e.String(), label, s.String()}}
		for i := range 100 {
			series.byCode[hundred*100+i] = counter
		}
	}
	for _, code := range codes {
		labels := []string{e.String(), strconv.Itoa(code), s.String()}
		if code == 200 {
			series.byCode[code] = requests.WithLabelValues(labels...)
		} else {
			series.byCode[code] = &lazyCounter{vec: requests, labels: labels}
		}
	}
	return series
}

// lazyCounter resolves a rare series when it is first counted, so that zeros nobody asked for are not exported.
type lazyCounter struct {
	prometheus.Counter
	vec    *prometheus.CounterVec
	labels []string
}

func (l *lazyCounter) Inc() { l.vec.WithLabelValues(l.labels...).Inc() }

// Begin counts a request that has come in; its end is Request's.
func (m *Metrics) Begin() { m.inFlight.Add(1) }

// Request counts a request that has been answered.
func (m *Metrics) Request(e Endpoint, s Served, code int, took time.Duration) {
	m.inFlight.Add(-1)
	if code < 0 || code > 599 {
		code = 0
	}
	series := &m.requests[e][s]
	series.byCode[code].Inc()
	series.latency.Observe(took.Seconds())
}

// Prediction counts one predicted example.
func (m *Metrics) Prediction(p float64) {
	m.predictions.Inc()
	m.scores.Observe(p)
}

// Predictions counts a batch of predicted examples.
func (m *Metrics) Predictions(ps []float64) {
	m.predictions.Add(float64(len(ps)))
	for _, p := range ps {
		m.scores.Observe(p)
	}
}

// Panic counts a request that ended in a panic.
func (m *Metrics) Panic() { m.panics.Inc() }

// Connections sets the number of open connections.
func (m *Metrics) Connections(n int64) { m.connections.Store(n) }

// Phase records how long a phase of the start took.
func (m *Metrics) Phase(name string, took time.Duration) {
	m.modelLoad.WithLabelValues(name).Set(took.Seconds())
}

// Loaded records which model is served.
func (m *Metrics) Loaded(model Model) {
	m.modelInfo.Reset()
	m.modelInfo.WithLabelValues(model.Name, model.Revision, model.Type, model.Digest, model.Version).Set(1)
}

// builder makes and registers series.
type builder struct{ registry prometheus.Registerer }

func (b builder) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	b.registry.MustRegister(c)
	return c
}

func (b builder) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	b.registry.MustRegister(c)
	return c
}

// gauge exports a number that changes with every request, which an atomic integer does more cheaply than a Gauge.
func (b builder) gauge(name, help string, value *atomic.Int64) {
	b.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help},
		func() float64 { return float64(value.Load()) }))
}

func (b builder) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	b.registry.MustRegister(g)
	return g
}

func (b builder) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	b.registry.MustRegister(h)
	return h
}
