package serve

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/fetch"
	"github.com/ctr-operator/ctr-operator/runtime/golden"
	"github.com/ctr-operator/ctr-operator/runtime/model"
)

var errStartupTimeout = errors.New("the time for the start is over")

// explain gives an error from before readiness its place in the closed list of reasons, and says which artifact it is
// about.
func (p *process) explain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errStartupTimeout) {
		return cause // told to stop
	}
	where := fetch.Shown(p.cfg.ArtifactURL)
	t := contract.Termination{Reason: contract.ReasonInternal, Message: where + ": " + err.Error()}
	var (
		fetching *fetch.Error
		loading  *model.LoadError
		mismatch *golden.MismatchError
		invalid  *golden.InvalidError
	)
	switch {
	case context.Cause(ctx) != nil:
		t.Reason = contract.ReasonStartupTimeout
		t.Message = fmt.Sprintf("%s: not ready within %s: check that the artifact can be reached, or allow more time (%v)",
			where, p.cfg.StartupTimeout.Round(time.Millisecond), err)
	case errors.As(err, &fetching):
		t.Reason, t.Message = fetching.Reason, fetching.Error()
	case errors.As(err, &loading):
		t.Reason = loading.Reason
	case errors.As(err, &mismatch):
		t.Reason = contract.ReasonGoldenMismatch
		t.Example, t.Expected, t.Got = mismatch.Line, &mismatch.Expected, &mismatch.Got
	case errors.As(err, &invalid):
		t.Reason = contract.ReasonGoldenInvalid
	}
	return &StartError{Termination: t, Err: err}
}
