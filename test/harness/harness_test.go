package harness

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ctr-operator/ctr-operator/test/testkit/load"
)

func TestParseExports(t *testing.T) {
	t.Setenv("HERE", "/here")
	got, err := parseExports("export A=1\nB='two words'\n\n# a comment\nexport PATH=\"/bin:$HERE\"\n")
	if err != nil || !slices.Equal(got, []string{"A=1", "B=two words", "PATH=/bin:/here"}) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := parseExports("building …"); err == nil {
		t.Error("a line that sets nothing was accepted")
	}
}

func TestReadImages(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "images.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"operator": {"ref": "a/o:1", "tar": "o.tar"}, "operatorNext": {"ref": "a/o:2"}, "runtime": {"ref": "a/r:1"},
		"testkit": {"ref": "a/t:1"}, "versitygw": {"ref": "a/s:1", "tar": "/x/s.tar"}}`)
	images, err := readImages(file)
	if err != nil {
		t.Fatal(err)
	}
	if o := images.Operator; o.Tar != filepath.Join(dir, "o.tar") || o.Repository() != "a/o" || o.Tag() != "1" {
		t.Errorf("operator: %+v", o)
	}
	if images.S3.Tar != "/x/s.tar" || images.Runtime.Tar != "" {
		t.Errorf("%+v", images)
	}
	write(`{"operator": {"ref": "a/o:1"}}`)
	if _, err := readImages(file); err == nil {
		t.Error("a list without most images was accepted")
	}
}

func TestLoadArguments(t *testing.T) {
	got, err := loadArguments(load.Config{
		URL: "http://h:1", Model: "m", Connections: 2, Rate: 12.5, Keys: 3, KeyHeader: "K",
		Inputs: map[string]any{"features": []int{1}}, Expect: map[int64]float64{2: 0.25}, Timeout: time.Second,
	})
	want := `/testkit load --progress --url http://h:1 --model m --connections 2 --until-eof --rate 12.5 --keys 3 --key-header K ` +
		`--timeout 1s --inputs {"features":[1]} --expect 2=0.25`
	if err != nil || strings.Join(got, " ") != want {
		t.Errorf("%q, %v", got, err)
	}
	if got, _ := loadArguments(load.Config{Requests: 5}); !slices.Contains(got, "--requests") || slices.Contains(got, "--until-eof") {
		t.Errorf("a load with an end: %q", got)
	}
}

// A load is followed by what testkit prints, in whatever pieces that arrives.
func TestLoadIsFollowed(t *testing.T) {
	l := &Load{done: make(chan struct{}), changed: make(chan struct{})}
	out := &lineWriter{line: l.read}
	more := l.more(10)
	waited := make(chan error, 1)
	go func() { waited <- l.Until(t.Context(), "ten", more) }()
	for _, piece := range []string{
		"{\"progress\":{\"requests\":9", ",\"failed\":1}}\nnot a report\n{\"progr", "ess\":{\"requests\":10}}\n",
	} {
		if _, err := out.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-waited; err != nil {
		t.Error(err)
	}
	out.Write([]byte("{\"summary\":{\"requests\":12,\"revisions\":{\"1\":12}}}\n"))
	close(l.done)
	if sum, err := l.wait(t.Context()); err != nil || sum.Requests != 12 || sum.Revisions[1] != 12 {
		t.Errorf("%+v, %v", sum, err)
	}
	if err := l.Until(t.Context(), "more", l.more(1)); err == nil || !strings.Contains(err.Error(), "ended early") {
		t.Errorf("waiting for more of a load that has ended: %v", err)
	}
}

func TestALoadThatDoesNotFlowIsGivenUp(t *testing.T) {
	l := &Load{done: make(chan struct{}), changed: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Until(ctx, "any", l.more(1)); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "0 requests") {
		t.Errorf("%v", err)
	}
}
