package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/ctr-operator/ctr-operator/test/testkit/answer"
	"github.com/ctr-operator/ctr-operator/test/testkit/load"
)

// Load runs a load with an end inside the cluster and returns what happened.
func (h *Harness) Load(ctx context.Context, cfg load.Config) (load.Summary, error) {
	l, err := h.StartLoad(ctx, cfg)
	if err != nil {
		return load.Summary{}, err
	}
	return l.wait(ctx)
}

// StartLoad begins a load inside the cluster. Without a number of requests it goes on until Stop.
func (h *Harness) StartLoad(ctx context.Context, cfg load.Config) (*Load, error) {
	args, err := loadArguments(cfg)
	if err != nil {
		return nil, err
	}
	pod, err := h.testkitPod(ctx)
	if err != nil {
		return nil, err
	}
	l := &Load{done: make(chan struct{}), changed: make(chan struct{})}
	var stdin io.Reader
	if cfg.Requests == 0 {
		stdin, l.stdin = io.Pipe()
	}
	go func() {
		defer close(l.done)
		lines := &lineWriter{line: l.read}
		l.err = h.stream(ctx, pod, stdin, lines, args...)
	}()
	return l, nil
}

func loadArguments(cfg load.Config) ([]string, error) {
	args := []string{"/testkit", "load", "--progress", "--url", cfg.URL, "--model", cfg.Model,
		"--connections", strconv.Itoa(max(1, cfg.Connections))}
	add := func(wanted bool, flag string, values ...string) {
		if wanted {
			args = append(append(args, flag), values...)
		}
	}
	add(cfg.Path != "", "--path", cfg.Path)
	add(cfg.Requests > 0, "--requests", strconv.Itoa(cfg.Requests))
	add(cfg.Requests == 0, "--until-eof")
	add(cfg.Rate > 0, "--rate", strconv.FormatFloat(cfg.Rate, 'f', -1, 64))
	add(cfg.Keys > 0, "--keys", strconv.Itoa(cfg.Keys))
	add(cfg.FirstKey > 0, "--first-key", strconv.Itoa(cfg.FirstKey))
	add(cfg.KeyHeader != "", "--key-header", cfg.KeyHeader)
	add(cfg.KeyField != "", "--key-field", cfg.KeyField)
	add(cfg.Assignments, "--assignments")
	add(cfg.Timeout > 0, "--timeout", cfg.Timeout.String())
	if cfg.Inputs != nil {
		inputs, err := json.Marshal(cfg.Inputs)
		if err != nil {
			return nil, err
		}
		args = append(args, "--inputs", string(inputs))
	}
	for revision, score := range cfg.Expect {
		args = append(args, "--expect", fmt.Sprintf("%d=%s", revision, strconv.FormatFloat(score, 'g', -1, 64)))
	}
	return args, nil
}

// Load is a load that is under way in the cluster.
type Load struct {
	stdin io.WriteCloser
	done  chan struct{}
	err   error // valid once done is closed

	mu       sync.Mutex
	progress load.Summary
	summary  *load.Summary
	changed  chan struct{} // closed and replaced when there is news
}

// read takes one line of testkit's output.
func (l *Load) read(line []byte) {
	var report struct{ Progress, Summary *load.Summary }
	if err := json.Unmarshal(line, &report); err != nil {
		return // not a report; testkit prints nothing else on standard output
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if report.Progress != nil {
		l.progress = *report.Progress
	}
	if report.Summary != nil {
		l.progress, l.summary = *report.Summary, report.Summary
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// Now is what happened up to about half a second ago.
func (l *Load) Now() load.Summary {
	now, _ := l.watch()
	return now
}

func (l *Load) watch() (load.Summary, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.progress, l.changed
}

// Flow waits until so many more requests have been answered or have failed, counted from now.
func (l *Load) Flow(ctx context.Context, more int) error {
	return l.Until(ctx, fmt.Sprintf("%d more requests", more), l.more(more))
}

func (l *Load) more(n int) func(load.Summary) bool {
	from := l.Now().Requests
	return func(s load.Summary) bool { return s.Requests >= from+n }
}

// Until waits until what happened so far satisfies enough.
func (l *Load) Until(ctx context.Context, what string, enough func(load.Summary) bool) error {
	for {
		now, changed := l.watch()
		if enough(now) {
			return nil
		}
		select {
		case <-changed:
		case <-l.done:
			return fmt.Errorf("waiting for %s: the load has ended early: %w", what, l.ended())
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s, having seen %s: %w", what, Brief(now), context.Cause(ctx))
		}
	}
}

// ended is why the load is over; valid once done is closed.
func (l *Load) ended() error {
	if l.err != nil {
		return l.err
	}
	return errors.New("no requests are left to send")
}

// Stop lets the requests under way finish and returns what happened.
func (l *Load) Stop(ctx context.Context) (load.Summary, error) {
	if l.stdin != nil {
		if err := l.stdin.Close(); err != nil {
			return load.Summary{}, err
		}
	}
	return l.wait(ctx)
}

func (l *Load) wait(ctx context.Context) (load.Summary, error) {
	select {
	case <-l.done:
	case <-ctx.Done():
		return load.Summary{}, fmt.Errorf("waiting for the load's end: %w", context.Cause(ctx))
	}
	if l.err != nil {
		return load.Summary{}, l.err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.summary == nil {
		return load.Summary{}, errors.New("the load ended without a summary")
	}
	return *l.summary, nil
}

// Brief is a summary on one line.
func Brief(s load.Summary) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d requests, %d failed, by revision %v, %d fallbacks", s.Requests, s.Failed, s.Revisions, s.Fallback())
	for _, f := range s.Examples {
		fmt.Fprintf(&text, "\n  at %.2f s: %s: %s", f.Seconds, f.Kind, f.Detail)
	}
	return text.String()
}

// Request is one HTTP request sent from inside the cluster.
type Request struct {
	Method string
	URL    string
	Header map[string]string
	Body   string
	// Fill sends a JSON body of about so many bytes instead.
	Fill int64
}

// HTTP sends one request from inside the cluster.
func (h *Harness) HTTP(ctx context.Context, r Request) (answer.Answer, error) {
	argv := []string{"http", "--method", r.Method}
	for name, value := range r.Header {
		argv = append(argv, "--header", name+": "+value)
	}
	var stdin io.Reader
	switch {
	case r.Fill > 0:
		argv = append(argv, "--fill", strconv.FormatInt(r.Fill, 10))
	case r.Body != "":
		argv, stdin = append(argv, "--body", "-"), strings.NewReader(r.Body)
	}
	out, err := h.testkit(ctx, stdin, append(argv, r.URL)...)
	if err != nil {
		return answer.Answer{}, err
	}
	var got answer.Answer
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		return answer.Answer{}, fmt.Errorf("what testkit printed: %w: %s", err, out)
	}
	return got, nil
}

// lineWriter calls line for each whole line written to it.
type lineWriter struct {
	line func([]byte)
	rest []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		end := bytes.IndexByte(w.rest, '\n')
		if end < 0 {
			return len(p), nil
		}
		w.line(w.rest[:end])
		w.rest = w.rest[end+1:]
	}
}
