package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ctr-operator/ctr-operator/hack/internal/gobuild"
	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// artifacts are where a model is looked for. The first is test data that is not part of the project.
var artifacts = []string{"../shared/data/seed-lr/ctr_model.pkl", "test/testdata/demo/v1/model.pkl"}

// bench is one run's environment.
type bench struct {
	options  options
	dir      string // temporary
	program  string
	wrk      string
	nginx    string
	script   string
	artifact string // its URL
	store    *http.Server
	started  []interface{ stop() }
}

func newBench(ctx context.Context, o options) (b *bench, err error) {
	b = &bench{options: o}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if err := b.findTools(ctx); err != nil {
		return nil, err
	}
	if b.dir, err = os.MkdirTemp("", "ctr-bench-"); err != nil {
		return nil, err
	}
	b.script = filepath.Join(b.dir, "post.lua")
	if err := os.WriteFile(b.script, []byte(script), 0o600); err != nil {
		return nil, err
	}
	if err := b.serveArtifact(ctx); err != nil {
		return nil, err
	}
	if err := b.build(ctx); err != nil {
		return nil, err
	}
	return b, nil
}

// close ends and removes all that the run has made.
func (b *bench) close() {
	for _, s := range b.started {
		s.stop()
	}
	if b.store != nil {
		_ = b.store.Close()
	}
	if b.dir != "" {
		_ = os.RemoveAll(b.dir)
	}
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}

// findTools finds wrk and nginx, and installs what is missing where that is harmless.
func (b *bench) findTools(ctx context.Context) error {
	look := func() (missing []string) {
		var err error
		if b.wrk, err = exec.LookPath("wrk"); err != nil {
			missing = append(missing, "wrk")
		}
		if b.nginx, err = exec.LookPath("nginx"); err != nil {
			// Debian has it where only root looks.
			if b.nginx, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
				missing = append(missing, "nginx-light")
			}
		}
		return missing
	}
	missing := look()
	if len(missing) == 0 {
		return nil
	}
	install := append([]string{"apt-get", "install", "-y", "--no-install-recommends"}, missing...)
	command := strings.Join(install, " ")
	_, noApt := exec.LookPath("apt-get")
	// Where systemd runs, installing nginx starts it on port 80: that is for the machine's owner to decide.
	_, noSystemd := os.Stat("/run/systemd/system")
	if os.Geteuid() != 0 || noApt != nil || noSystemd == nil {
		return fmt.Errorf("missing: %s; install them (%s) and try again", strings.Join(missing, ", "), command)
	}
	b.say("%s", command)
	cmd := exec.CommandContext(ctx, install[0], install[1:]...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", command, err, out)
	}
	if missing := look(); len(missing) > 0 {
		return fmt.Errorf("still missing: %s", strings.Join(missing, ", "))
	}
	return nil
}

// serveArtifact serves the model file over HTTP, as a store near by would.
func (b *bench) serveArtifact(ctx context.Context) error {
	path := b.options.artifact
	for _, candidate := range artifacts {
		if _, err := os.Stat(candidate); err == nil && path == "" {
			path = candidate
		}
	}
	if path == "" {
		return errors.New("no artifact found; name one with -artifact")
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	b.store = &http.Server{ReadHeaderTimeout: readHeaderTimeout, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content) })}
	go func() { _ = b.store.Serve(listener) }() // ends with close
	b.artifact = "http://" + listener.Addr().String() + "/" + filepath.Base(path)
	return nil
}

// build builds the runtime as the image has it.
func (b *bench) build(ctx context.Context) error {
	b.program = filepath.Join(b.dir, "ctr-runtime")
	return gobuild.Build(ctx, gobuild.Spec{
		Name: "ctr-runtime", Dir: ".", Package: "./cmd/ctr-runtime", Output: b.program, LDFlags: "-s -w",
	}, os.Stderr)
}

// writeTable writes a traffic table that gives a canary 10 %.
func (b *bench) writeTable(canary string) (path string, err error) {
	dir := filepath.Join(b.dir, "traffic")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	content, err := json.Marshal(contract.TrafficTable{
		Model: "bench", Salt: salt, Stickiness: contract.Stickiness{Header: userHeader},
		Revisions: []contract.RevisionTraffic{
			{Name: "stable", Number: 1, Role: contract.RoleStable, Weight: 90, Address: "127.0.0.1:1"},
			{Name: "canary", Number: 2, Role: contract.RoleCanary, Weight: 10, Address: canary},
		},
	})
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, contract.TrafficKey)
	return path, os.WriteFile(path, content, 0o600)
}

// peer is an nginx that returns a constant.
type peer struct {
	name, address string
	process       *process
}

// startNginx starts nginx with one worker, and with one for each core.
func (b *bench) startNginx(ctx context.Context) ([]peer, error) {
	workers := []int{1}
	if n := runtime.NumCPU(); n > 1 {
		workers = append(workers, n)
	}
	var peers []peer
	for _, n := range workers {
		address, err := freeAddress(ctx)
		if err != nil {
			return nil, err
		}
		dir := filepath.Join(b.dir, fmt.Sprintf("nginx-%d", n))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, err
		}
		config := filepath.Join(dir, "nginx.conf")
		if err := os.WriteFile(config, []byte(nginxConfig(dir, address, n)), 0o600); err != nil {
			return nil, err
		}
		p, err := b.spawn(ctx, b.nginx, "-p", dir, "-c", config, "-e", filepath.Join(dir, "error.log"))
		if err != nil {
			return nil, err
		}
		if err := p.waitFor(ctx, address); err != nil {
			return nil, fmt.Errorf("nginx: %w", err)
		}
		name := fmt.Sprintf("nginx, constant of the same size, %d worker", n)
		if n > 1 {
			name += "s"
		}
		peers = append(peers, peer{name, address, p})
	}
	return peers, nil
}

// nginxConfig answers every request as the runtime answers a prediction, without computing one.
func nginxConfig(dir, address string, workers int) string {
	var temp strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temp, "  %s_temp_path %s/%s;\n", kind, dir, kind)
	}
	return fmt.Sprintf(`daemon off;
master_process on;
worker_processes %d;
pid %s/nginx.pid;
events { worker_connections 1024; }
http {
%s  access_log off;
  keepalive_requests 1000000000;
  server {
    listen %s;
    location / {
      default_type application/json;
      add_header X-Ctr-Revision 1;
      add_header X-Request-Id 0123456789ab-1234;
      return 200 '{"outputs":{"ctr_score":1.3551280230711564e-07}}\n';
    }
  }
}
`, workers, dir, temp.String(), address)
}

// freeAddress is a loopback address that was free a moment ago.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
