// Package serve is the life of a serving process: fetch the artifact, open the model, prove it on its golden
// predictions, become ready, serve, drain. It wires the other runtime packages together and decides nothing that one of
// them could decide. Embedders and tests use Run; command lines use Command.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/metrics"
	"github.com/ctr-operator/ctr-operator/runtime/server"
	"github.com/ctr-operator/ctr-operator/runtime/split"
)

// Run serves until ctx ends and the clients have been drained. An error before readiness is a *StartError; it has been
// logged, and written to the termination log.
func Run(ctx context.Context, cfg Config) error {
	started := time.Now()
	p := &process{cfg: cfg, started: started, log: cfg.Logger}
	if p.log == nil {
		p.log = slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.LogLevel}))
	}
	if cfg.Model != "" {
		p.log = p.log.With("model", cfg.Model, "revision", cfg.RevisionNumber)
	}
	if err := p.run(ctx); err != nil {
		return p.died(ctx, err)
	}
	p.log.Info("stopped")
	return nil
}

// process is one Run.
type process struct {
	cfg     Config
	started time.Time
	log     *slog.Logger

	registry   *prometheus.Registry
	metrics    *metrics.Metrics
	operations *server.Operations

	// children are the goroutines that end with the process; failed gets the first error that one could not go on with.
	children sync.WaitGroup
	failed   chan error
}

// run brings the process up, waits for its end, and takes it down.
func (p *process) run(ctx context.Context) error {
	if err := p.cfg.Validate(); err != nil {
		return &StartError{Termination: contract.Termination{Reason: contract.ReasonConfigInvalid, Message: err.Error()}}
	}
	limitMemory(p.log)
	p.failed = make(chan error, 4)
	p.registry = prometheus.NewRegistry()
	p.registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	p.metrics = metrics.New(p.registry)
	p.operations = server.NewOperations(p.registry, "starting: the artifact is being fetched")

	// Whatever happens from here on, children end before run does.
	children, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer p.children.Wait()
	defer stop()

	// The operations port comes first, so that probes are answered while a large artifact is fetched.
	operations, err := p.listen(children, p.cfg.OperationsAddress, "operations", p.operations)
	if err != nil {
		return err
	}
	if p.cfg.OnListening != nil {
		p.cfg.OnListening(operations)
	}
	loaded, err := p.load(ctx)
	if err != nil {
		return err
	}
	defer loaded.close()
	rest, err := p.newREST(children, loaded)
	if err != nil {
		return err
	}
	defer rest.close()
	p.ready(rest.listener.Addr(), operations, loaded)
	relaxCollector(p.log)

	select {
	case <-ctx.Done():
	case err := <-p.failed:
		return err
	}
	loaded.idle = p.drain(rest)
	return nil
}

// rest is the REST port.
type rest struct {
	listener net.Listener
	http     *http.Server
	server   *server.Server
}

func (r *rest) close() {
	_ = r.http.Close() // what is still open then has outlasted the drain
	r.server.Close()
}

// newREST opens the REST port for the loaded model.
func (p *process) newREST(ctx context.Context, l *loaded) (*rest, error) {
	watcher, err := p.watchTable()
	if err != nil {
		return nil, err
	}
	var table server.Table
	if watcher != nil {
		table = watcher
	}
	s := server.New(server.Config{
		Name: p.cfg.Model, Type: kindOf(l.model.Type()), Format: l.model.Kind(),
		Revision: p.cfg.Revision, Number: p.cfg.RevisionNumber,
		Model: l.model, Metrics: p.metrics, Log: p.log, Started: p.started,
		MaxRequestBytes: p.cfg.MaxRequestBytes, MaxBatchSize: p.cfg.MaxBatchSize,
		Table: table, ForwardTimeout: p.cfg.ForwardTimeout,
		Wrap: p.cfg.Wrap,
	})
	if watcher != nil {
		p.children.Go(func() {
			if err := watcher.Run(ctx, s.TableChanged); err != nil {
				p.failed <- err
			}
		})
	}
	listener, err := listenTCP(ctx, p.cfg.RESTAddress)
	if err != nil {
		s.Close()
		return nil, err
	}
	h := server.NewHTTP(s.Handler(), p.log)
	h.ConnState = s.Track
	p.children.Go(func() {
		if err := h.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			p.failed <- fmt.Errorf("the REST port: %w", err)
		}
	})
	return &rest{listener: listener, http: h, server: s}, nil
}

// watchTable reads the traffic table; the result is nil where there is to be none.
func (p *process) watchTable() (*split.Watcher, error) {
	if p.cfg.TrafficFile == "" {
		return nil, nil
	}
	w, err := split.Watch(p.cfg.TrafficFile, p.cfg.Model, p.log, p.metrics)
	if err != nil {
		return nil, &StartError{contract.Termination{Reason: contract.ReasonConfigInvalid, Message: err.Error()}, err}
	}
	return w, nil
}

// listen serves a handler on an address until ctx ends.
func (p *process) listen(ctx context.Context, address, name string, handler http.Handler) (net.Addr, error) {
	listener, err := listenTCP(ctx, address)
	if err != nil {
		return nil, err
	}
	h := server.NewHTTP(handler, p.log)
	p.children.Go(func() {
		if err := h.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			p.failed <- fmt.Errorf("the %s port: %w", name, err)
		}
	})
	p.children.Go(func() {
		<-ctx.Done()
		_ = h.Close() // probes and metrics can be cut off
	})
	return listener.Addr(), nil
}

func listenTCP(ctx context.Context, address string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, &StartError{contract.Termination{Reason: contract.ReasonConfigInvalid,
			Message: "the port cannot be opened: " + err.Error()}, err}
	}
	return listener, nil
}

// ready tells everybody that the model is served.
func (p *process) ready(rest, operations net.Addr, l *loaded) {
	took := time.Since(p.started)
	p.metrics.Phase("total", took)
	p.operations.Ready()
	p.log.Info("ready", "rest", rest.String(), "operations", operations.String(), "digest", l.digest,
		"bytes", l.bytes, "took", took.String(), "version", p.cfg.Version)
	if p.cfg.OnReady != nil {
		p.cfg.OnReady(rest, operations)
	}
}

// drain lets the clients go: readiness first, so that no new ones are sent here, then those that are here.
//
// The result is whether nothing is being answered any more.
func (p *process) drain(r *rest) bool {
	p.log.Info("draining", "timeout", p.cfg.DrainTimeout.String())
	p.operations.NotReady("draining: the process has been asked to stop")
	ctx, cancel := context.WithTimeout(context.Background(), p.cfg.DrainTimeout)
	defer cancel()
	r.server.Drain(ctx, min(p.cfg.DrainQuiet, p.cfg.DrainTimeout))
	// What is being answered now gets to its end.
	last, cancelLast := context.WithTimeout(context.Background(), lastAnswers)
	defer cancelLast()
	if err := r.http.Shutdown(last); err != nil {
		p.log.Warn("requests were cut off at the end of the drain", "error", err)
		return false
	}
	return true
}

// lastAnswers is how long requests may take that were being answered when the drain ended. It is more than the five
// seconds after which net/http gives up a connection on which nothing was ever asked.
const lastAnswers = 6 * time.Second
