package serve

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// argsVariable makes the test binary the program: its value is the command line.
const argsVariable = "SERVE_TEST_ARGS"

func TestMain(m *testing.M) {
	args := os.Getenv(argsVariable)
	if args == "" {
		os.Exit(m.Run())
	}
	cmd := Command(WithVersion("v0"))
	cmd.SetArgs(strings.Split(args, "\x1f"))
	if cmd.Execute() != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// program is `serve` in a process of its own.
type program struct {
	cmd  *exec.Cmd
	logs *bufio.Scanner
}

func startProgram(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{cmd: exec.CommandContext(t.Context(), os.Args[0])}
	p.cmd.Env = append(os.Environ(), argsVariable+"="+strings.Join(args, "\x1f"))
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.logs = bufio.NewScanner(stderr)
	return p
}

// log waits for a message in the program's log.
func (p *program) log(t *testing.T, message string) map[string]any {
	t.Helper()
	var seen []string
	for p.logs.Scan() {
		var line map[string]any
		if err := json.Unmarshal(p.logs.Bytes(), &line); err != nil {
			t.Fatalf("not a line of a JSON log: %s", p.logs.Text())
		}
		if line["msg"] == message {
			return line
		}
		seen = append(seen, p.logs.Text())
	}
	t.Fatalf("%q was not logged, but\n%s", message, strings.Join(seen, "\n"))
	return nil
}

// Terminated under load, the program loses no request of clients that keep their connections, and exits with 0.
func TestProgramDrainsOnSIGTERM(t *testing.T) {
	url := store(t, bundle(t, "demo/v1", nil))
	args := []string{"--model=m", "--artifact-url=" + url, "--rest-address=127.0.0.1:0", "--operations-address=127.0.0.1:0"}
	var address atomic.Value
	run := func() *program {
		p := startProgram(t, args...)
		address.Store(p.log(t, "ready")["rest"].(string))
		return p
	}
	now := run()
	stop := make(chan struct{})
	var clients sync.WaitGroup
	var asked atomic.Int64
	failed := make(chan error, 10)
	for range 4 {
		clients.Go(func() {
			n, err := askUntil(stop, &address, &asked)
			if err != nil {
				failed <- fmt.Errorf("after %d requests: %w", n, err)
			}
		})
	}
	for deadline := time.Now().Add(20 * time.Second); asked.Load() < 500; time.Sleep(time.Millisecond) {
		if len(failed) > 0 || time.Now().After(deadline) {
			t.Fatal("clients do not get on")
		}
	}
	old := now
	now = run()
	if err := old.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	old.log(t, "draining")
	old.log(t, "stopped")
	if err := old.cmd.Wait(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
	close(stop)
	clients.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	_ = now.cmd.Process.Kill()
	_ = now.cmd.Wait()
}

// askUntil asks over one connection for as long as the server keeps it, and then over a new one.
func askUntil(stop chan struct{}, address *atomic.Value, asked *atomic.Int64) (n int, err error) {
	request := fmt.Sprintf("POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(inputs), inputs)
	for {
		conn, err := net.Dial("tcp", address.Load().(string))
		if err != nil {
			return n, err
		}
		reader := bufio.NewReader(conn)
		for kept := true; kept; n++ {
			select {
			case <-stop:
				return n, conn.Close()
			default:
			}
			if _, err := io.WriteString(conn, request); err != nil {
				return n, err
			}
			res, err := http.ReadResponse(reader, nil)
			if err != nil {
				return n, err
			}
			if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != 200 {
				return n, fmt.Errorf("%s, %w", res.Status, err)
			}
			asked.Add(1)
			kept = !res.Close
		}
		_ = conn.Close()
	}
}

func TestProgramSaysWhyItFails(t *testing.T) {
	log := t.TempDir() + "/termination"
	p := startProgram(t, "--model=m", "--artifact-url="+store(t, nil)+"-no", "--termination-log="+log,
		"--rest-address=127.0.0.1:0", "--operations-address=127.0.0.1:0")
	line := p.log(t, "cannot serve")
	if line["reason"] != string(contract.ReasonArtifactNotFound) {
		t.Errorf("got %v", line)
	}
	if err := p.cmd.Wait(); err == nil || p.cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("got %v", err)
	}
	if got := string(readFile(t, log)); !strings.HasPrefix(got, `{"reason":"ArtifactNotFound","message":"http://`) {
		t.Errorf("got %s", got)
	}
}

func TestFlagErrorsAreSaid(t *testing.T) {
	var out bytes.Buffer
	cmd := Command()
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs([]string{"--no-such-flag"})
	if err := cmd.Execute(); err == nil || !strings.Contains(out.String(), "no-such-flag") {
		t.Errorf("%v, %s", err, out.String())
	}
}

// The operator writes these flags.
func TestFlags(t *testing.T) {
	var cfg Config
	cmd := Command(func(c *Config) { cfg = *c })
	args := map[string]string{
		"model": "m", "model-type": "T", "artifact-url": "s3://b/k", "sha256": "ab", "revision": "r", "revision-number": "7",
		"traffic-file": "/t", "rest-address": ":1", "operations-address": ":2", "artifact-dir": "/a", "max-artifact-bytes": "3",
		"startup-timeout": "4s", "max-request-bytes": "5", "max-batch-size": "6", "forward-timeout": "7ms", "drain-timeout": "8s",
		"termination-log": "/l", "log-level": "warn",
	}
	for name, value := range args {
		if err := cmd.Flags().Set(name, value); err != nil {
			t.Errorf("--%s %s: %v", name, value, err)
		}
	}
	if cfg.RESTAddress != ":8501" || cfg.OperationsAddress != ":8502" || cfg.ForwardTimeout != 500*time.Millisecond ||
		cfg.DrainTimeout != 20*time.Second || cfg.MaxRequestBytes != 1<<20 || cfg.MaxBatchSize != 1024 || cfg.MaxArtifactBytes != 1<<30 {
		t.Errorf("defaults are %+v", cfg)
	}
}

func TestValidate(t *testing.T) {
	cfg := Defaults()
	cfg.Model, cfg.ArtifactURL = "m", "s3://b/k"
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
	cfg = Config{Model: "a/b", TrafficFile: "/t", DrainTimeout: -1}
	err := cfg.Validate()
	for _, flag := range []string{
		"--model must", "--artifact-url", "--revision-number", "--revision is", "--max-artifact-bytes", "--max-request-bytes",
		"--max-batch-size", "--startup-timeout", "--forward-timeout", "--drain-timeout",
	} {
		if err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s is not named: %v", flag, err)
		}
	}
}

func TestTerminationLine(t *testing.T) {
	expected := 0.25
	for name, message := range map[string]string{
		"short":   "s3://b/k: not found",
		"long":    strings.Repeat("long ", 2000),
		"runes":   strings.Repeat("人工智能", 2000),
		"quotes":  strings.Repeat(`"\`+"\n\x00", 2000),
		"invalid": strings.Repeat("\xff", 5000),
	} {
		line := terminationLine(contract.Termination{Reason: contract.ReasonGoldenMismatch, Message: message, Example: 3, Expected: &expected})
		var got contract.Termination
		if err := json.Unmarshal(line, &got); err != nil || len(line) >= contract.TerminationLimit || bytes.ContainsRune(line, '\n') {
			t.Errorf("%s: %v, %d bytes", name, err, len(line))
		}
		if got.Reason != contract.ReasonGoldenMismatch || got.Example != 3 || *got.Expected != expected || len(got.Message) < 15 {
			t.Errorf("%s: %+v", name, got)
		}
		if name == "long" && len(line) < contract.TerminationLimit*3/4 {
			t.Errorf("only %d bytes are used", len(line))
		}
	}
}

func TestGoLimit(t *testing.T) {
	for content, want := range map[string]int64{
		"1000\n": 900, "max\n": 0, "": 0, "9223372036854771712\n": 0, "-1": 0, "268435456": 241591905,
	} {
		if got, ok := goLimit([]byte(content)); ok != (want != 0) || ok && (got > want || got < want-10) {
			t.Errorf("%q: got %d, %t", content, got, ok)
		}
	}
}

func TestGarbageCollectionIsRareOnlyWhereTheHeapIsSmall(t *testing.T) {
	for live, want := range map[uint64]int{0: 1600, 1 << 20: 1600, 8 << 20: 200, 16 << 20: 100, 1 << 30: 100} {
		if got := gcPercent(live); got != want {
			t.Errorf("%d live bytes: %d %%, not %d %%", live, got, want)
		}
	}
}
