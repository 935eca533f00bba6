package serve

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"unicode/utf8"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// StartError is why the process could not come to serve.
type StartError struct {
	contract.Termination
	Err error
}

func (e *StartError) Error() string { return string(e.Reason) + ": " + e.Message }
func (e *StartError) Unwrap() error { return e.Err }

// died logs why the process ends, leaves it in the termination log, and returns it.
func (p *process) died(ctx context.Context, err error) error {
	var start *StartError
	if !errors.As(err, &start) {
		start = &StartError{contract.Termination{Reason: contract.ReasonInternal, Message: err.Error()}, err}
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		// Told to stop before it was ready: nobody's failure.
		p.log.Info("stopped before it was ready")
		return err
	}
	line := terminationLine(start.Termination)
	p.log.Error("cannot serve", "reason", start.Reason, "error", start.Message, "termination", json.RawMessage(line))
	if p.cfg.TerminationLog != "" {
		writeErr := os.WriteFile(p.cfg.TerminationLog, append(line, '\n'), 0o644)
		if writeErr != nil {
			p.log.Error("the termination log cannot be written", "path", p.cfg.TerminationLog, "error", writeErr)
		}
	}
	return start
}

// terminationLine is a Termination as JSON that fits where Kubernetes keeps it, newline included.
func terminationLine(t contract.Termination) []byte {
	for limit := contract.TerminationLimit; ; limit -= limit/8 + 1 {
		t.Message = truncate(t.Message, limit)
		// A Termination has nothing in it that cannot be marshalled.
		line, err := json.Marshal(t)
		if err == nil && len(line) < contract.TerminationLimit {
			return line
		}
		if limit <= 0 {
			return []byte(`{"reason":"` + string(contract.ReasonInternal) + `","message":"unreportable"}`)
		}
	}
}

// truncate shortens a text to a number of bytes, without cutting a character in two.
func truncate(s string, most int) string {
	if len(s) <= most {
		return s
	}
	const mark = "…"
	most = max(most-len(mark), 0)
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + mark
}
