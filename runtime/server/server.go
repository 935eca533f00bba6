// Package server answers on the two ports of a runtime pod: the CTR API on the REST port, and probes and metrics on the
// operations port. It turns HTTP into calls of request, split and model, and their results into HTTP; what a prediction
// is, and whose request it is, is decided there and not here.
//
// Whatever a caller sends is answered with a status below 500 and a JSON object with "error"; a 500 is a defect here. No
// input is ever answered with a score that the model did not compute, and nothing of an input is ever logged.
package server

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/metrics"
	"github.com/ctr-operator/ctr-operator/runtime/model"
	"github.com/ctr-operator/ctr-operator/runtime/request"
	"github.com/ctr-operator/ctr-operator/runtime/split"
)

// Model is what is served.
type Model interface {
	Signature() model.Signature
	Predict(row *model.Row) (float64, error)
	PredictBatch(rows []model.Row, out []float64) error
}

// Table is where the traffic table in use comes from.
type Table interface {
	Table() *contract.TrafficTable
}

// Config is what a Server needs to know and to have.
type Config struct {
	// Name is the model's in paths; Type and Format are what /health and /v1/models call it.
	Name, Type, Format string
	// Revision and Number are this process's place in the table.
	Revision string
	Number   int64

	Model   Model
	Metrics *metrics.Metrics
	Log     *slog.Logger
	Started time.Time

	MaxRequestBytes int64
	MaxBatchSize    int

	// Table and ForwardTimeout are for the split; a nil Table means that there is none.
	Table          Table
	ForwardTimeout time.Duration

	// Wrap is put around everything but the drain; nil means nothing.
	Wrap func(http.Handler) http.Handler
}

// Server is the REST port's handler and its state.
type Server struct {
	cfg     Config
	decoder *request.Decoder
	// bounded says that the model's scores are probabilities.
	bounded bool
	// keys reads the sticky field of requests that this model's signature does not fit.
	keys      *request.Decoder
	forwarder *split.Forwarder
	revision  []string
	ids       idSource
	drain     drainState
	failures  logLimiter
	large     *turns
}

// New makes a Server. Close it.
func New(cfg Config) *Server {
	return &Server{
		cfg:       cfg,
		decoder:   request.NewDecoder(cfg.Model.Signature(), cfg.MaxBatchSize),
		bounded:   cfg.Model.Signature().Bounded,
		keys:      request.NewKeyDecoder(cfg.MaxBatchSize),
		forwarder: newForwarder(cfg),
		revision:  []string{formatInt(cfg.Number)},
		ids:       newIDSource(),
		large:     newTurns(cfg.MaxRequestBytes),
	}
}

func newForwarder(cfg Config) *split.Forwarder {
	// Where this model's scores are probabilities, its callers rely on it, whoever answers.
	bounded := cfg.Model.Signature().Bounded
	return split.NewForwarder(split.ForwarderConfig{
		Self:      cfg.Revision,
		Timeout:   cfg.ForwardTimeout,
		MaxAnswer: maxAnswer(cfg.MaxBatchSize),
		Valid: func(path string, body []byte) error {
			return request.CheckAnswer(string(body), parseRoute(path).shape(), bounded)
		},
	})
}

// maxAnswer is the largest answer of another revision that is relayed: many times what a batch needs.
func maxAnswer(maxBatch int) int64 { return 64<<10 + 256*int64(maxBatch) }

// Close gives up what the server keeps open to other revisions.
func (s *Server) Close() { s.forwarder.Close() }

// TableChanged gives up the idle connections to other revisions: one that is no longer in the table is on its way out,
// and must not have to wait for them.
func (s *Server) TableChanged() { s.forwarder.Close() }

// Handler is everything that a request passes through, from the outside in.
func (s *Server) Handler() http.Handler {
	var h http.Handler = http.HandlerFunc(s.serve) // one answer: id, panics, counting, routing
	if s.cfg.Wrap != nil {
		h = s.cfg.Wrap(h) // the embedder's
	}
	return s.drain.handler(h) // while draining, tells each client to leave, whatever is inside
}

// exchange is one request and what is known about its answer.
type exchange struct {
	w  http.ResponseWriter
	r  *http.Request
	id string

	drain  *drainState
	route  route
	served metrics.Served
	code   int
	// gone means that the client seems to have left, whatever it was answered.
	gone bool
}

// serve gives the request an id, answers it, and counts and logs what came of it.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	x := exchange{w: w, r: r, id: s.ids.of(r), route: parseRoute(r.URL.Path), drain: &s.drain}
	s.cfg.Metrics.Begin()
	w.Header()[contract.HeaderRequestID] = []string{x.id}
	defer func() {
		if cause := recover(); cause != nil {
			s.panicked(&x, cause)
		}
		if x.gone {
			x.code = metrics.ClientGone
		}
		s.cfg.Metrics.Request(x.route.endpoint, x.served, x.code, time.Since(begin))
		s.logRequest(&x, begin)
	}()
	s.answer(&x)
}

// answer passes the request to its endpoint.
func (s *Server) answer(x *exchange) {
	switch {
	case x.route.endpoint == metrics.Other:
		x.fail(http.StatusNotFound, "there is nothing at this path")
	case x.route.model != "" && x.route.model != s.cfg.Name:
		x.fail(http.StatusNotFound, "there is no model "+quote(x.route.model)+" here, only "+quote(s.cfg.Name))
	case !x.route.allows(x.r.Method):
		x.w.Header()["Allow"] = x.route.allow()
		x.fail(http.StatusMethodNotAllowed, "the method must be "+x.route.allow()[0])
	case x.route.endpoint == metrics.Health:
		s.health(x)
	case x.route.endpoint == metrics.Models:
		s.models(x)
	default:
		s.predict(x)
	}
}
