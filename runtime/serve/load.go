package serve

import (
	"context"
	"errors"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/server"
)

// kind is what the CTR API calls a model type.
type kind struct {
	name   string // in /health
	format string // in /v1/models
}

// kinds are the model types that can be served.
var kinds = map[string]kind{
	"LogisticRegression": {name: "logistic_regression", format: "pickle"},
}

// loaded is a model that has proved itself.
type loaded struct {
	model  server.Model
	kind   kind
	digest string
	bytes  int64
	close  func()
}

// load fetches, opens and proves the model.
func (p *process) load(_ context.Context) (*loaded, error) {
	if _, ok := kinds[p.cfg.ModelType]; !ok {
		return nil, &StartError{contract.Termination{Reason: contract.ReasonUnsupportedModel,
			Message: "--model-type " + p.cfg.ModelType + " is not supported"}, nil}
	}
	return nil, errors.New("loading is not built yet")
}
