package server

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/metrics"
	"github.com/ctr-operator/ctr-operator/runtime/split"
)

// decide finds out whose a request is. Where it cannot be anybody else's, nobody looks for a key.
func (s *Server) decide(x *exchange, in *inputs, c *scratch) split.Target {
	table := s.table(x.r)
	if table == nil {
		return split.Target{Local: true}
	}
	key, hasKey := s.key(table.Stickiness, x.r, in, c)
	return split.Decide(table, s.cfg.Revision, key, hasKey, rand.Float64())
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

// key is what keeps a user on one side. In a batch the first example's counts. An empty one is none: it would put all
// users that are not known on the same side.
func (s *Server) key(sticky contract.Stickiness, r *http.Request, in *inputs, c *scratch) (key string, ok bool) {
	switch {
	case sticky.Header != "":
		key = r.Header.Get(sticky.Header)
		return key, key != ""
	case sticky.Field == "":
		return "", false
	case in.decode(sticky.Field) == nil:
		return in.request.Key, in.request.HasKey
	case s.keys.Decode(in.body, in.shape, sticky.Field, &c.keys) == nil:
		// The other revision may take what this one does not; the user's side is the same either way.
		return c.keys.Key, c.keys.HasKey
	default:
		return "", false
	}
}

// forward asks another revision and relays its answer. Where that fails, the failure is charged to that revision, and
// the result is false: the request is then answered here.
func (s *Server) forward(x *exchange, to contract.RevisionTraffic, in *inputs) (answered bool) {
	answer, err := s.forwarder.Forward(to, x.r, x.id, in.body)
	if err == nil && answer.Status != http.StatusOK && to.Role == contract.RoleCanary && s.takes(in) {
		// A canary that refuses what the stable revision takes would fail users that were served before.
		err = &split.Failure{Reason: split.ReasonStatus, Err: fmt.Errorf("status %d for inputs that are good here", answer.Status)}
	}
	var failure *split.Failure
	switch {
	case errors.As(err, &failure):
		s.cfg.Metrics.ForwardFailure(to.Number, failure.Reason)
		s.logForwardFailure(x, to, failure)
		x.served = metrics.Fallback
		x.w.Header()[contract.HeaderFallback] = []string{failure.Reason}
		return false
	case err != nil:
		// Who has asked has left, or has only closed their side of the connection and still waits. Answering costs nearly
		// nothing, and silence would arrive as an empty 200.
		x.served, x.gone = metrics.Fallback, true
		return false
	}
	s.cfg.Metrics.Forward(to.Number)
	x.relay(answer)
	return true
}

// takes says whether this model has an answer to the inputs.
func (s *Server) takes(in *inputs) bool {
	if in.decode("") != nil {
		return false
	}
	for i := range in.request.Rows {
		if score, err := s.cfg.Model.Predict(&in.request.Rows[i]); err != nil || !s.isScore(score) {
			return false
		}
	}
	return true
}

// relay answers with another revision's answer.
func (x *exchange) relay(answer *split.Answer) {
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
}
