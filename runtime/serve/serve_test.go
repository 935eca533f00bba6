package serve

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

const testdata = "../../test/testdata/"

const inputs = `{"inputs":{"query":"人工智能","doc_id":"doc-1","position":1,"score":0.8,"summary":"人工智能技术介绍"}}`

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// bundle is a directory of the test data as a tar archive, with more files put into it or in the place of its own.
func bundle(t *testing.T, dir string, more map[string]string) []byte {
	t.Helper()
	files := map[string]string{}
	root := os.DirFS(testdata + dir)
	if err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(root, name)
		files[name] = string(content)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	maps.Copy(files, more)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, content := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// store serves one artifact at /artifact, and 404 at other paths.
func store(t *testing.T, content []byte) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/artifact" {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}))
	t.Cleanup(s.Close)
	return s.URL + "/artifact"
}

// config serves an artifact on free ports of the loopback interface.
func config(t *testing.T, url string) Config {
	t.Helper()
	cfg := Defaults()
	cfg.Model, cfg.ArtifactURL, cfg.Revision = "m", url, "rev-1"
	cfg.RESTAddress, cfg.OperationsAddress = "127.0.0.1:0", "127.0.0.1:0"
	cfg.ArtifactDir = t.TempDir()
	cfg.TerminationLog = filepath.Join(t.TempDir(), "termination")
	cfg.DrainTimeout, cfg.DrainQuiet = 100*time.Millisecond, time.Millisecond
	cfg.Logger = slog.New(slog.DiscardHandler)
	return cfg
}

// process is a Run.
type running struct {
	rest, operations string
	stop             context.CancelFunc
	done             chan error
}

// start runs until the model is ready.
func start(t *testing.T, cfg Config) *running {
	t.Helper()
	r := &running{done: make(chan error, 1)}
	ready := make(chan struct{})
	cfg.OnReady = func(rest, operations net.Addr) {
		r.rest, r.operations = "http://"+rest.String(), "http://"+operations.String()
		close(ready)
	}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() {
		r.done <- Run(ctx, cfg)
		close(r.done)
	}()
	t.Cleanup(func() {
		stop()
		<-r.done
	})
	select {
	case <-ready:
	case err := <-r.done:
		t.Fatalf("did not become ready: %v", err)
	case <-time.After(30 * time.Second):
		t.Fatal("did not become ready")
	}
	return r
}

func get(t *testing.T, url string) (code int, body string) {
	t.Helper()
	return ask(t, http.MethodGet, url, "")
}

func ask(t *testing.T, method, url, body string) (code int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// goldenScore is the first prediction of a bundle's golden.jsonl, which is that of inputs.
func goldenScore(t *testing.T, dir string) float64 {
	t.Helper()
	line, _, _ := bytes.Cut(readFile(t, testdata+dir+"/golden.jsonl"), []byte("\n"))
	var example struct {
		Outputs struct {
			Score float64 `json:"ctr_score"`
		}
	}
	if err := json.Unmarshal(line, &example); err != nil {
		t.Fatal(err)
	}
	return example.Outputs.Score
}

func TestServe(t *testing.T) {
	r := start(t, config(t, store(t, bundle(t, "demo/v1", nil))))
	code, answer := ask(t, http.MethodPost, r.rest+"/v1/models/m:predict", inputs)
	var got struct {
		Outputs struct {
			Score float64 `json:"ctr_score"`
		}
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil || code != 200 {
		t.Fatal(code, answer)
	}
	if want := goldenScore(t, "demo/v1"); got.Outputs.Score < want-1e-12 || got.Outputs.Score > want+1e-12 {
		t.Errorf("got %v, want %v", got.Outputs.Score, want)
	}
	for path, want := range map[string]string{"/livez": "ok", "/readyz": "ok"} {
		if code, body := get(t, r.operations+path); code != 200 || !strings.HasPrefix(body, want) {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	_, exposed := get(t, r.operations+"/metrics")
	for _, want := range []string{
		`ctr_requests_total{code="200",endpoint="predict",served="local"} 1`, `ctr_predictions_total 1`,
		`ctr_model_info{digest="`, `ctr_model_load_seconds{phase="golden"}`, `ctr_model_load_seconds{phase="dictionary"}`,
		"go_goroutines", "process_resident_memory_bytes",
	} {
		if !strings.Contains(exposed, want) {
			t.Errorf("/metrics has not %s", want)
		}
	}
	// What is for operators is not on the port that users reach, and the other way round.
	for _, url := range []string{
		r.rest + "/metrics", r.rest + "/readyz", r.rest + "/livez", r.operations + "/v1/models", r.operations + "/debug/pprof/",
	} {
		if code, _ := get(t, url); code != 404 {
			t.Errorf("%s: %d", url, code)
		}
	}
	r.stop()
	if err := <-r.done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// The artifact of the seed data answers as its README says, to 1e-12.
func TestServeTheSeed(t *testing.T) {
	content, err := os.ReadFile("../../../shared/data/seed-lr/ctr_model.pkl")
	if err != nil {
		t.Skipf("the seed artifact is not here: %v", err)
	}
	r := start(t, config(t, "data:;base64,"+base64.StdEncoding.EncodeToString(content)))
	examples := []struct {
		query           string
		position, score float64
		summary         string
		want            float64
	}{
		{"人工智能", 1, .8, "人工智能技术介绍", 1.197346395977595e-07},
		{"artificial intelligence", 1, .8, "AI technology introduction", 1.3551280230711564e-07},
		{"deep learning", 2, .7, "DL introduction", 7.779922883376329e-07},
		{"", 1, 0, "", 5.5257607306555905e-05},
	}
	for _, e := range examples {
		body := fmt.Sprintf(`{"inputs":{"query":%q,"position":%v,"score":%v,"summary":%q}}`, e.query, e.position, e.score, e.summary)
		code, answer := ask(t, http.MethodPost, r.rest+"/v1/models/m:predict", body)
		var got struct {
			Outputs struct {
				Score float64 `json:"ctr_score"`
			}
		}
		if err := json.Unmarshal([]byte(answer), &got); err != nil || code != 200 {
			t.Fatal(code, answer)
		}
		if d := got.Outputs.Score - e.want; d > 1e-12 || d < -1e-12 || got.Outputs.Score == 0 {
			t.Errorf("%s: got %v, want %v", e.query, got.Outputs.Score, e.want)
		}
	}
}

// While the artifact is on its way, the process is alive and not ready, and says why.
func TestNotReadyUntilLoaded(t *testing.T) {
	asked, goOn := make(chan struct{}), make(chan struct{})
	content := bundle(t, "demo/v1", nil)
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-goOn
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}))
	defer slow.Close()
	cfg := config(t, slow.URL)
	listening, ready := make(chan string, 1), make(chan struct{})
	cfg.OnListening = func(operations net.Addr) { listening <- "http://" + operations.String() }
	cfg.OnReady = func(net.Addr, net.Addr) { close(ready) }
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- Run(ctx, cfg) }()
	operations := <-listening
	<-asked
	if code, _ := get(t, operations+"/livez"); code != 200 {
		t.Errorf("/livez: %d", code)
	}
	if code, body := get(t, operations+"/readyz"); code != 503 || !strings.Contains(body, "artifact is being fetched") {
		t.Errorf("/readyz: %d %s", code, body)
	}
	close(goOn)
	<-ready
	if code, body := get(t, operations+"/readyz"); code != 200 {
		t.Errorf("/readyz: %d %s", code, body)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// fail runs a process that cannot come to serve, and returns its last words.
func fail(t *testing.T, cfg Config) contract.Termination {
	t.Helper()
	var logged bytes.Buffer
	cfg.Logger = slog.New(slog.NewJSONHandler(&logged, nil))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := Run(ctx, cfg)
	var start *StartError
	if !errors.As(err, &start) {
		t.Fatalf("Run: %v", err)
	}
	line := readFile(t, cfg.TerminationLog)
	var got contract.Termination
	if err := json.Unmarshal(line, &got); err != nil || len(line) > contract.TerminationLimit || bytes.Count(line, []byte("\n")) != 1 {
		t.Fatalf("%v in the termination log: %s", err, line)
	}
	if got.Reason != start.Reason {
		t.Errorf("the error says %s, the log %s", start.Reason, got.Reason)
	}
	if n := strings.Count(logged.String(), `"level":"ERROR"`); n != 1 {
		t.Errorf("logged %d times: %s", n, logged.String())
	}
	return got
}

func TestReasons(t *testing.T) {
	v1 := bundle(t, "demo/v1", nil)
	hostile := func(name string) func(*Config) {
		return func(c *Config) { c.ArtifactURL = store(t, readFile(t, testdata+"hostile/"+name)) }
	}
	tests := map[string]struct {
		change  func(*Config)
		reason  contract.Reason
		message string // part of it
	}{
		"no model":        {func(c *Config) { c.Model = "" }, contract.ReasonConfigInvalid, "--model is required"},
		"no URL":          {func(c *Config) { c.ArtifactURL = "" }, contract.ReasonConfigInvalid, "--artifact-url is required"},
		"unknown scheme":  {func(c *Config) { c.ArtifactURL = "ftp://x/y" }, contract.ReasonConfigInvalid, "scheme"},
		"bad digest flag": {func(c *Config) { c.SHA256 = "xyz" }, contract.ReasonConfigInvalid, "sha256"},
		"bad addresses":   {func(c *Config) { c.OperationsAddress = "nowhere" }, contract.ReasonConfigInvalid, "port"},
		"bad REST port":   {func(c *Config) { c.RESTAddress = "127.0.0.1:99999" }, contract.ReasonConfigInvalid, "port"},
		"no table directory": {func(c *Config) { c.TrafficFile = "/does/not/exist/traffic.json" },
			contract.ReasonConfigInvalid, "/does/not/exist/traffic.json"},
		"unknown type":  {func(c *Config) { c.ModelType = "WideAndDeep" }, contract.ReasonUnsupportedModel, "WideAndDeep"},
		"not found":     {func(c *Config) { c.ArtifactURL += "-no" }, contract.ReasonArtifactNotFound, "/artifact-no: not found"},
		"too large":     {func(c *Config) { c.MaxArtifactBytes = 100 }, contract.ReasonArtifactTooLarge, "100 bytes"},
		"wrong digest":  {func(c *Config) { c.SHA256 = strings.Repeat("0", 64) }, contract.ReasonDigestMismatch, "expected 000"},
		"not a pickle":  {hostile("not-a-pickle.pkl"), contract.ReasonArtifactMalformed, "/artifact: "},
		"truncated":     {hostile("truncated.pkl"), contract.ReasonArtifactTruncated, "/artifact: "},
		"runs code":     {hostile("os-system.pkl"), contract.ReasonArtifactUnsafe, "/artifact: "},
		"random forest": {hostile("random-forest.pkl"), contract.ReasonUnsupportedModel, "/artifact: "},
		"golden mismatch": {func(c *Config) { c.ArtifactURL = store(t, bundle(t, "demo/v3", nil)) },
			contract.ReasonGoldenMismatch, "/artifact: "},
		"golden invalid": {func(c *Config) {
			c.ArtifactURL = store(t, bundle(t, "demo/v1", map[string]string{"golden.jsonl": "{"}))
		},
			contract.ReasonGoldenInvalid, "golden.jsonl"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := config(t, store(t, v1))
			tt.change(&cfg)
			got := fail(t, cfg)
			if got.Reason != tt.reason || !strings.Contains(got.Message, tt.message) {
				t.Errorf("got %s: %s", got.Reason, got.Message)
			}
			mismatch := tt.reason == contract.ReasonGoldenMismatch
			if mismatch != (got.Example > 0 && got.Expected != nil && got.Got != nil && *got.Expected != *got.Got) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestPortInUse(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, change := range []func(*Config){
		func(c *Config) { c.RESTAddress = listener.Addr().String() },
		func(c *Config) { c.OperationsAddress = listener.Addr().String() },
	} {
		cfg := config(t, store(t, bundle(t, "demo/v1", nil)))
		change(&cfg)
		if got := fail(t, cfg); got.Reason != contract.ReasonConfigInvalid || !strings.Contains(got.Message, "in use") {
			t.Errorf("got %+v", got)
		}
	}
}

func TestStartupTimeout(t *testing.T) {
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer hanging.Close()
	cfg := config(t, hanging.URL+"/a?signature=secret")
	cfg.StartupTimeout = 50 * time.Millisecond
	got := fail(t, cfg)
	if got.Reason != contract.ReasonStartupTimeout || !strings.Contains(got.Message, hanging.URL+"/a") || !strings.Contains(got.Message, "50ms") {
		t.Errorf("got %+v", got)
	}
	if strings.Contains(got.Message, "secret") {
		t.Errorf("the message has the signature: %s", got.Message)
	}
}

// Being told to stop while starting is not a failure to start.
func TestStoppedWhileStarting(t *testing.T) {
	asked := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}))
	defer hanging.Close()
	cfg := config(t, hanging.URL)
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		<-asked
		stop()
	}()
	if err := Run(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(cfg.TerminationLog); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a termination log: %v", err)
	}
}

func TestTemporaryArtifactIsRemoved(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	cfg := config(t, store(t, bundle(t, "demo/v1", nil)))
	cfg.ArtifactDir = ""
	r := start(t, cfg)
	if entries, _ := os.ReadDir(tmp); len(entries) != 1 {
		t.Errorf("%d entries while serving", len(entries))
	}
	r.stop()
	<-r.done
	cfg.ArtifactURL += "-no"
	_ = fail(t, cfg)
	if entries, _ := os.ReadDir(tmp); len(entries) != 0 {
		t.Errorf("%v is left", entries)
	}
}

// Two processes share the traffic as a table says that changes while they run.
func TestTrafficTable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, contract.TrafficKey)
	cfg := config(t, store(t, bundle(t, "demo/v2", nil)))
	cfg.Revision, cfg.RevisionNumber = "rev-2", 2
	canary := start(t, cfg)
	cfg = config(t, store(t, bundle(t, "demo/v1", nil)))
	cfg.TrafficFile = file
	stable := start(t, cfg)

	asks := func() string {
		res, err := http.Post(stable.rest+"/v1/models/m:predict", "application/json", strings.NewReader(inputs))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		_, _ = io.Copy(io.Discard, res.Body)
		return res.Header.Get(contract.HeaderRevision)
	}
	if got := asks(); got != "1" {
		t.Errorf("without a table, %s answers", got)
	}
	for _, weight := range []int32{100, 0, 100} {
		content, err := json.Marshal(contract.TrafficTable{Model: "m", Revisions: []contract.RevisionTraffic{
			{Name: "rev-1", Number: 1, Role: contract.RoleStable, Weight: 100 - weight, Address: "127.0.0.1:1"},
			{Name: "rev-2", Number: 2, Role: contract.RoleCanary, Weight: weight, Address: strings.TrimPrefix(canary.rest, "http://")},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.WriteFile(file+".new", content, 0o600), os.Rename(file+".new", file)); err != nil {
			t.Fatal(err)
		}
		want := map[int32]string{0: "1", 100: "2"}[weight]
		deadline := time.Now().Add(10 * time.Second)
		for asks() != want {
			if time.Now().After(deadline) {
				t.Fatalf("weight %d: %s does not answer", weight, want)
			}
		}
	}
	_, exposed := get(t, stable.operations+"/metrics")
	if !strings.Contains(exposed, `ctr_traffic_weight_percent{revision="2",role="canary"} 100`) {
		t.Error("the weight is not exposed")
	}
}

func TestDrain(t *testing.T) {
	cfg := config(t, store(t, bundle(t, "demo/v1", nil)))
	inside, goOn := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	cfg.Wrap = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if first.CompareAndSwap(false, true) {
				close(inside)
				<-goOn
			}
			next.ServeHTTP(w, r)
		})
	}
	cfg.DrainTimeout = 20 * time.Second
	r := start(t, cfg)
	slow := make(chan string)
	go func() {
		res, err := http.Post(r.rest+"/v1/models/m:predict", "", strings.NewReader(inputs))
		if err != nil {
			slow <- err.Error()
			return
		}
		res.Body.Close()
		slow <- fmt.Sprint(res.Status, res.Close)
	}()
	<-inside
	r.stop()
	deadline := time.Now().Add(10 * time.Second)
	for {
		code, body := get(t, r.operations+"/readyz")
		if code == 503 && strings.Contains(body, "draining") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("/readyz: %d %s", code, body)
		}
	}
	if code, _ := get(t, r.operations+"/livez"); code != 200 {
		t.Errorf("/livez: %d", code)
	}
	// Who comes now is still answered.
	if code, answer := ask(t, http.MethodPost, r.rest+"/v1/models/m:predict", inputs); code != 200 {
		t.Errorf("%d %s", code, answer)
	}
	close(goOn)
	if got := <-slow; got != "200 OKtrue" && got != "200 OK true" {
		t.Errorf("the request that was under way: %s", got)
	}
	if err := <-r.done; err != nil {
		t.Error(err)
	}
}
