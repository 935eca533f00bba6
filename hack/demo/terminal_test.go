package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ctr-operator/ctr-operator/test/harness/story"
)

func TestProgramsAreIndentedLineByLine(t *testing.T) {
	var out strings.Builder
	w := newTerminal(&out, false).programs()
	for _, piece := range []string{"build", "ing\n\n", "built\nhalf"} {
		if _, err := w.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := out.String(), "      building\n      built\n"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestColourOnlyWhereItIsWanted(t *testing.T) {
	for _, color := range []bool{false, true} {
		var out strings.Builder
		term := newTerminal(&out, color)
		term.Step(1, "one")
		term.Claim(story.Claim{Text: "it holds", Held: true, Detail: "why"})
		term.Claim(story.Claim{Text: "it does not", Detail: "why not"})
		if got := strings.Contains(out.String(), "\x1b["); got != color {
			t.Errorf("colour %v: %q", color, out.String())
		}
		for _, want := range []string{"1. one", "✓ it holds", "✗ it does not", "why not"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%q lacks %q", out.String(), want)
			}
		}
	}
}

// heard closes itself when a text has been written.
type heard struct {
	text string
	done chan struct{}
}

func (h *heard) Write(p []byte) (int, error) {
	if strings.Contains(string(p), h.text) {
		close(h.done)
	}
	return len(p), nil
}

func TestSilenceIsBroken(t *testing.T) {
	out := &heard{text: "still at it", done: make(chan struct{})}
	term := newTerminal(out, false)
	term.last = time.Now().Add(-silence)
	broke := errors.New("broke")
	err := term.patiently(t.Context(), func(ctx context.Context) error {
		select {
		case <-out.done:
			return broke
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if !errors.Is(err, broke) {
		t.Error(err)
	}
}

func TestTable(t *testing.T) {
	var out strings.Builder
	newTerminal(&out, false).table(story.Result{Rows: []story.Row{
		{Step: 2, What: "canary at 10 %", Requests: 2000, Revisions: map[int64]int{1: 1800, 2: 200}, Expected: "157 to 245"},
		{What: "in the background", Requests: 100, Revisions: map[int64]int{1: 99}, Failed: 1},
	}})
	for _, want := range []string{"canary at 10 %", "1800", "157 to 245", "2100 requests, 1 failed."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}
