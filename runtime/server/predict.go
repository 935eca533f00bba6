package server

import (
	"errors"
	"net/http"
	"strconv"
	"sync"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/metrics"
	"github.com/ctr-operator/ctr-operator/runtime/model"
	"github.com/ctr-operator/ctr-operator/runtime/request"
)

// scratch is the memory of one prediction, used again for the next.
type scratch struct {
	body    []byte
	answer  []byte
	scores  []float64
	request request.Request
	keys    request.Request
	// turn is where a large request's turn is to be given back; nil for the others.
	turn *turns
}

// maxScratch is the largest buffer that is kept for the next request.
const maxScratch = 256 << 10

var scratches = sync.Pool{New: func() any { return &scratch{body: make([]byte, 0, 4<<10)} }}

func (c *scratch) release() {
	if c.turn != nil {
		c.turn.giveBack()
		c.turn = nil
	}
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

	if err := s.readBody(x.r, c); err != nil {
		s.unreadable(x, err)
		return
	}
	// The rows point into the body, which is why it becomes a string of its own.
	in := inputs{decoder: s.decoder, request: &c.request, body: string(c.body), shape: x.route.shape()}
	if target := s.decide(x, &in, c); !target.Local && s.forward(x, target.Revision, &in) {
		return
	}
	s.predictHere(x, c, in.decode(""))
}

// inputs are a request's, decoded when they are first needed.
type inputs struct {
	decoder *request.Decoder
	request *request.Request
	body    string
	shape   request.Shape

	decoded bool
	err     error
}

// decode reads the rows, and the key if it is the first to be called.
func (in *inputs) decode(stickyField string) error {
	if !in.decoded {
		in.err = in.decoder.Decode(in.body, in.shape, stickyField, in.request)
		in.decoded = true
	}
	return in.err
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
	if !s.isScore(score) {
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
		if !s.isScore(score) {
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

// isScore says whether a number can be the model's answer. NaN cannot.
func (s *Server) isScore(score float64) bool {
	return score*0 == 0 && (!s.bounded || score >= 0 && score <= 1)
}

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
