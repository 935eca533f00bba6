package server

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/metrics"
	"github.com/ctr-operator/ctr-operator/runtime/model"
	"github.com/ctr-operator/ctr-operator/runtime/request"
	"github.com/ctr-operator/ctr-operator/runtime/split"
)

// scratch is the memory of one prediction, used again for the next.
type scratch struct {
	body    []byte
	answer  []byte
	scores  []float64
	request request.Request
	keys    request.Request
}

// maxScratch is the largest buffer that is kept for the next request.
const maxScratch = 256 << 10

var scratches = sync.Pool{New: func() any { return &scratch{body: make([]byte, 0, 4<<10)} }}

func (c *scratch) release() {
	if cap(c.body) > maxScratch || cap(c.answer) > maxScratch {
		return
	}
	scratches.Put(c)
}

// predict answers a prediction: it reads the request, finds out whose it is, and asks this model or the other revision.
func (s *Server) predict(x *exchange) {
	x.w.Header()[contract.HeaderRevision] = s.revision
	c := scratches.Get().(*scratch)
	defer c.release()

	raw, err := readBody(x.r, s.cfg.MaxRequestBytes, c.body[:0])
	c.body = raw
	if err != nil {
		s.unreadable(x, err)
		return
	}
	// The rows point into the body, which is why it becomes a string of its own.
	body := string(raw)

	table := s.table(x.r)
	if table == nil {
		s.predictHere(x, c, s.decoder.Decode(body, x.route.shape(), "", &c.request))
		return
	}
	key, hasKey := "", false
	if name := table.Stickiness.Header; name != "" {
		key = x.r.Header.Get(name)
		hasKey = key != ""
	}
	var decodeErr error
	decoded := false
	if field := table.Stickiness.Field; field != "" {
		decodeErr = s.decoder.Decode(body, x.route.shape(), field, &c.request)
		decoded = true
		key, hasKey = c.request.Key, c.request.HasKey
		if decodeErr != nil && s.keys.Decode(body, x.route.shape(), field, &c.keys) == nil {
			// The other revision may take what this one does not; the user's side is the same either way.
			key, hasKey = c.keys.Key, c.keys.HasKey
		}
	}
	target := split.Decide(table, s.cfg.Revision, key, hasKey, rand.Float64())
	if !target.Local && s.forward(x, target.Revision, body) {
		return
	}
	if !decoded {
		decodeErr = s.decoder.Decode(body, x.route.shape(), "", &c.request)
	}
	s.predictHere(x, c, decodeErr)
}

// table is the traffic table for a request, nil where it is answered here in any case.
func (s *Server) table(r *http.Request) *contract.TrafficTable {
	if s.cfg.Table == nil {
		return nil
	}
	// Looked up without canonicalising: net/http has done that.
	if _, forwarded := r.Header[contract.HeaderForwardedBy]; forwarded {
		return nil
	}
	if table := s.cfg.Table.Table(); split.Forwards(table, s.cfg.Revision) {
		return table
	}
	return nil
}

// forward asks the other revision and relays its answer. Where that fails, the failure is charged to that revision, and
// the answer is false: the request is then answered here.
func (s *Server) forward(x *exchange, to contract.RevisionTraffic, body string) (answered bool) {
	answer, err := s.forwarder.Forward(to, x.r, x.id, body)
	var failure *split.Failure
	switch {
	case errors.As(err, &failure):
		s.cfg.Metrics.ForwardFailure(to.Number, failure.Reason)
		s.logForwardFailure(x, to, failure)
		x.served = metrics.Fallback
		x.w.Header()[contract.HeaderFallback] = []string{failure.Reason}
		return false
	case err != nil:
		// Nobody is left to be answered.
		x.served, x.code = metrics.Forwarded, metrics.ClientGone
		return true
	}
	s.cfg.Metrics.Forward(to.Number)
	x.served, x.code = metrics.Forwarded, answer.Status
	header := x.w.Header()
	for name, values := range answer.Header {
		// This connection's own state is not the other's to say.
		if name != "Date" && name != "Content-Length" {
			header[name] = values
		}
	}
	header["Content-Length"] = []string{strconv.Itoa(len(answer.Body))}
	x.drain.tell(header)
	x.w.WriteHeader(answer.Status)
	_, _ = x.w.Write(answer.Body) // the client may leave at any time
	return true
}

// predictHere answers with this model.
func (s *Server) predictHere(x *exchange, c *scratch, err error) {
	if err == nil {
		if x.route.endpoint == metrics.BatchPredict {
			err = s.predictBatch(x, c)
		} else {
			err = s.predictOne(x, c)
		}
	}
	if err != nil {
		s.refuse(x, err)
	}
}

func (s *Server) predictOne(x *exchange, c *scratch) error {
	score, err := s.cfg.Model.Predict(&c.request.Rows[0])
	if err != nil {
		return err
	}
	if !isRate(score) {
		return noAnswer(x.route.shape(), 0)
	}
	s.cfg.Metrics.Prediction(score)
	c.answer = appendScore(append(c.answer[:0], `{"outputs":`...), score)
	c.answer = append(c.answer, '}', '\n')
	x.json(http.StatusOK, c.answer)
	return nil
}

func (s *Server) predictBatch(x *exchange, c *scratch) error {
	n := len(c.request.Rows)
	if cap(c.scores) < n {
		c.scores = make([]float64, n)
	}
	scores := c.scores[:n]
	if err := s.cfg.Model.PredictBatch(c.request.Rows, scores); err != nil {
		return err
	}
	for i, score := range scores {
		if !isRate(score) {
			return noAnswer(x.route.shape(), i)
		}
	}
	s.cfg.Metrics.Predictions(scores)
	c.answer = append(c.answer[:0], `{"outputs":[`...)
	for i, score := range scores {
		if i > 0 {
			c.answer = append(c.answer, ',')
		}
		c.answer = appendScore(c.answer, score)
	}
	c.answer = append(c.answer, ']', '}', '\n')
	x.json(http.StatusOK, c.answer)
	return nil
}

// isRate is false for NaN too.
func isRate(score float64) bool { return score >= 0 && score <= 1 }

// noAnswer refuses an input that is so far out that the model's arithmetic overflows.
func noAnswer(shape request.Shape, index int) error {
	path := "inputs"
	if shape == request.Batch {
		path = "inputs[" + strconv.Itoa(index) + "]"
	}
	return &request.Error{Path: path, Message: "has values so large that the model has no answer to them"}
}

// appendScore writes one output, in the fewest digits that give the same float64 back.
func appendScore(b []byte, score float64) []byte {
	b = append(b, `{"ctr_score":`...)
	return append(strconv.AppendFloat(b, score, 'g', -1, 64), '}')
}

// refuse answers a request that cannot be predicted.
func (s *Server) refuse(x *exchange, err error) {
	var bad *request.Error
	var input *model.InputError
	switch {
	case errors.As(err, &input):
		x.fail(http.StatusBadRequest, request.FromInputError(input, x.route.shape()).Error())
	case !errors.As(err, &bad):
		s.internal(x, err)
	case bad.Problem == request.TooLarge:
		x.fail(http.StatusRequestEntityTooLarge, bad.Error())
	default:
		x.fail(http.StatusBadRequest, bad.Error())
	}
}
