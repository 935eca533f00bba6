// Package serve is the life of a serving process: fetch the artifact, open the model, prove it on its golden
// predictions, become ready, serve, drain. It wires the other runtime packages together and decides nothing that one of
// them could decide. Embedders and tests use Run; command lines use Command.
package serve

import (
	"context"
	"errors"
)

// Run serves until ctx ends and the clients have been drained. An error before readiness has been logged, and written
// to the termination log.
func Run(_ context.Context, cfg Config) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	return errors.New("serving is not built yet")
}
