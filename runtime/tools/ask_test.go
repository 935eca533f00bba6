package tools

import (
	"bytes"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/serve"
)

const testdata = "../../test/testdata"

// startServer serves the demo model, and returns its address.
func startServer(t *testing.T) string {
	t.Helper()
	artifact, err := os.ReadFile(testdata + "/demo/v1/model.pkl")
	if err != nil {
		t.Fatal(err)
	}
	cfg := serve.Defaults()
	cfg.Model, cfg.ArtifactURL = "m", "data:;base64,"+base64.StdEncoding.EncodeToString(artifact)
	cfg.RESTAddress, cfg.OperationsAddress, cfg.DrainTimeout = "127.0.0.1:0", "127.0.0.1:0", 0
	ready, done := make(chan string, 1), make(chan error, 1)
	cfg.OnReady = func(rest, _ net.Addr) { ready <- "http://" + rest.String() }
	go func() { done <- serve.Run(t.Context(), cfg) }()
	select {
	case url := <-ready:
		t.Cleanup(func() { <-done })
		return url
	case err := <-done:
		t.Fatal(err)
		return ""
	}
}

const oneInputs = `{"query":"人工智能","position":1,"score":0.8,"summary":"人工智能技术介绍"}`

func TestPredictCommand(t *testing.T) {
	url := startServer(t)
	run := func(args ...string) (string, error) {
		var out bytes.Buffer
		cmd := PredictCommand()
		cmd.SetOut(&out)
		cmd.SetErr(io.Discard)
		cmd.SetArgs(args)
		err := cmd.Execute()
		return out.String(), err
	}
	one := oneInputs
	for _, tt := range []struct{ args, want, err string }{
		{"", `{"outputs":{"ctr_score":`, ""},
		{one, `{"outputs":{"ctr_score":0.658`, ""},
		{"[" + one + "," + one + "]", `{"outputs":[{"ctr_score":0.658`, ""},
		{`{"query":1}`, "", "inputs.query: must be a string"},
		{`{`, "", "not JSON"},
	} {
		args := []string{"--url", url + "/", "--model", "m"}
		if tt.args != "" {
			args = append(args, tt.args)
		}
		got, err := run(args...)
		if !strings.HasPrefix(got, tt.want) || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: got %s, %v", tt.args, got, err)
		}
		if tt.err == "" && !strings.HasSuffix(got, " revision=1\n") {
			t.Errorf("%s: got %s", tt.args, got)
		}
	}
	if _, err := run("--url", url); err == nil {
		t.Error("no model is needed")
	}
}

func TestPredictCommandWaits(t *testing.T) {
	var n atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set(contract.HeaderRevision, "4")
		_, _ = io.WriteString(w, `{"outputs":{"ctr_score":0.5}}`)
	}))
	defer s.Close()
	var out bytes.Buffer
	cmd := PredictCommand()
	cmd.SetOut(&out)
	cmd.SetArgs([]string{"--url", s.URL, "--model", "m", "--wait", "30s"})
	if err := cmd.Execute(); err != nil || out.String() != `{"outputs":{"ctr_score":0.5}} revision=4`+"\n" || n.Load() != 3 {
		t.Errorf("%v, %s, %d", err, out.String(), n.Load())
	}
}

// Whoever says 200 to everything is no server of the model.
func TestPredictCommandWantsAPrediction(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }))
	defer s.Close()
	cmd := PredictCommand()
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	cmd.SetArgs([]string{"--url", s.URL, "--model", "m"})
	if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), "not a JSON object: <html>") {
		t.Errorf("got %v", err)
	}
}
