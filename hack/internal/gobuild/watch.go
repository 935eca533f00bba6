package gobuild

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

const (
	progressEvery = 9 * time.Second
	tailLines     = 40
)

// watch reads the go command's output, counts what passes and tells about it from time to time.
type watch struct {
	log   io.Writer
	name  string
	begun time.Time

	mu         sync.Mutex
	partial    []byte
	downloads  int
	packages   int
	diagnostic []string
}

func newWatch(log io.Writer, name string) *watch {
	return &watch{log: log, name: name, begun: time.Now()}
}

// start begins telling and returns what ends it.
func (w *watch) start() (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(progressEvery)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				_, _ = fmt.Fprintf(w.log, "building %s … %s\n", w.name, w.state())
			}
		}
	}()
	return func() { close(done); <-ended }
}

func (w *watch) elapsed() string { return roundElapsed(time.Since(w.begun)) }

func (w *watch) state() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	state := time.Since(w.begun).Round(time.Second).String()
	if w.downloads > 0 {
		state += fmt.Sprintf(", %d modules downloaded", w.downloads)
	}
	if w.packages > 0 {
		state += fmt.Sprintf(", %d packages compiled", w.packages)
	}
	return state
}

// Write takes the go command's output line by line: with -v a line without a blank is the path of a compiled package.
func (w *watch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.partial = append(w.partial, p...)
	for {
		line, rest, found := bytes.Cut(w.partial, []byte("\n"))
		if !found {
			return len(p), nil
		}
		w.take(string(line))
		w.partial = rest
	}
}

func (w *watch) take(line string) {
	switch {
	case strings.HasPrefix(line, "go: downloading "):
		w.downloads++
	case line != "" && !strings.ContainsAny(line, " \t:"):
		w.packages++
	default:
		w.diagnostic = append(w.diagnostic, line)
		if len(w.diagnostic) > tailLines {
			w.diagnostic = w.diagnostic[1:]
		}
	}
}

func (w *watch) tail() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(append(w.diagnostic, string(w.partial)), "\n")
}
