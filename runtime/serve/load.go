package serve

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/ctr-operator/ctr-operator/runtime/features"
	"github.com/ctr-operator/ctr-operator/runtime/fetch"
	"github.com/ctr-operator/ctr-operator/runtime/golden"
	"github.com/ctr-operator/ctr-operator/runtime/metrics"
	"github.com/ctr-operator/ctr-operator/runtime/model"
)

// kindOf says how the CTR API names a model type.
func kindOf(modelType string) string {
	if modelType == model.TypeWideAndDeep {
		return "wide_and_deep"
	}
	return "logistic_regression"
}

// loaded is a model that has proved itself.
type loaded struct {
	model  *model.Model
	digest string
	bytes  int64
	remove func()
	// idle is set when no prediction is under way, nor will be.
	idle bool
}

// close frees the model, unless somebody may still be asking it, and removes the artifact.
func (l *loaded) close() {
	if l.idle {
		_ = l.model.Close() // has nothing left that could fail
	}
	l.remove()
}

// load fetches, opens and proves the model, all within the time for the start. Its errors are *StartError, or the
// context's where the process is to stop.
func (p *process) load(ctx context.Context) (*loaded, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.cfg.StartupTimeout, errStartupTimeout)
	defer cancel()
	l, err := p.loadWithin(ctx)
	if err != nil {
		return nil, p.explain(ctx, err)
	}
	return l, nil
}

func (p *process) loadWithin(ctx context.Context) (l *loaded, err error) {
	dir, remove, err := p.artifactDir()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			remove()
		}
	}()
	// The dictionary takes longer than anything else here, and is the same for all models: it is unpacked while the
	// artifact is on its way.
	tokenizer := sync.OnceValues(func() (*features.Tokenizer, error) {
		defer p.phase("dictionary")()
		return features.LoadTokenizer()
	})
	p.children.Go(func() { _, _ = tokenizer() }) // who needs it gets the error

	artifact, err := p.fetch(ctx, dir)
	if err != nil {
		return nil, err
	}
	done := p.phase("open")
	m, err := model.Open(ctx, artifact.Dir, model.Options{
		Type: p.cfg.ModelType, Format: p.cfg.ArtifactFormat, MaxBytes: p.cfg.MaxArtifactBytes, Tokenizer: tokenizer,
	})
	if err != nil {
		return nil, err
	}
	done()
	if err := m.OneScore(); err != nil {
		return nil, err
	}
	if err := p.prove(ctx, m); err != nil {
		return nil, err
	}
	p.metrics.Loaded(metrics.Model{
		Name: p.cfg.Model, Revision: fmt.Sprint(p.cfg.RevisionNumber), Type: m.Type(),
		Digest: artifact.Digest, Version: p.cfg.Version,
	})
	return &loaded{
		model: m, digest: artifact.Digest, bytes: artifact.Bytes, remove: remove,
	}, nil
}

// artifactDir is where the artifact goes, and what to do with it at the end.
func (p *process) artifactDir() (dir string, remove func(), err error) {
	if p.cfg.ArtifactDir != "" {
		return p.cfg.ArtifactDir, func() {}, nil
	}
	dir, err = os.MkdirTemp("", "ctr-artifact-")
	if err != nil {
		return "", nil, fmt.Errorf("a directory for the artifact: %w", err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil
}

func (p *process) fetch(ctx context.Context, dir string) (fetch.Artifact, error) {
	defer p.phase("fetch")()
	return fetch.Fetch(ctx, p.cfg.ArtifactURL, dir, fetch.Options{
		MaxBytes: p.cfg.MaxArtifactBytes,
		SHA256:   p.cfg.SHA256,
		S3:       fetch.S3ConfigFrom(os.Getenv),
		OnRetry: func(attempt int, wait time.Duration, err error) {
			p.log.Warn("fetching the artifact is tried again", "attempt", attempt, "wait", wait.String(), "error", err)
			p.operations.NotReady("starting: " + err.Error())
		},
	})
}

// prove replays the bundle's golden predictions, if it has any.
func (p *process) prove(ctx context.Context, m *model.Model) error {
	if m.Golden() == "" {
		p.log.Info("the artifact has no golden.jsonl: its predictions are not checked")
		return nil
	}
	p.operations.NotReady("starting: golden predictions are being replayed")
	defer p.phase("golden")()
	n, err := golden.ReplayFile(ctx, m.Golden(), m)
	if err != nil {
		return err
	}
	p.log.Info("golden predictions came out", "examples", n)
	return nil
}

// phase measures from its call to the call of what it returns.
func (p *process) phase(name string) (end func()) {
	begin := time.Now()
	return func() { p.metrics.Phase(name, time.Since(begin)) }
}
