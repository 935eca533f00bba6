package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/split"
)

const (
	example = `{"query":"artificial intelligence","doc_id":"test_doc_001","position":1,"score":0.8,` +
		`"summary":"AI technology introduction"}`
	ctrForm  = `{"inputs":` + example + `}`
	bareForm = `{"inputs":{"features":[1,26,23,26,0.333,0.1,0.1,0.5,3,5,0,0.8]}}`

	// userHeader is what the traffic table sticks to.
	userHeader = "X-User"
	salt       = "bench"
)

func batchOf(n int) string {
	return `{"inputs":[` + strings.TrimSuffix(strings.Repeat(example+",", n), ",") + `]}`
}

// stableUser is one whom a weight of 10 leaves with the stable revision.
func stableUser() string {
	for i := 0; ; i++ {
		if user := fmt.Sprintf("user-%d", i); split.Hash(salt, user) > .5 {
			return user
		}
	}
}

// result is what wrk measured.
type result struct {
	rps float64
	// p50 and p99 are in microseconds.
	p50, p99 float64
	// cpu is the server's processor time in microseconds for each request. Unlike the rest it hardly depends on what else
	// the machine does.
	cpu float64
}

// script makes wrk send one and the same POST, and print what it measured in a form of ours.
const script = `wrk.method = "POST"
local file = io.open(os.getenv("BENCH_BODY"), "rb")
wrk.body = file:read("*a")
file:close()
wrk.headers["Content-Type"] = "application/json"
local user = os.getenv("BENCH_USER")
if user ~= "" then wrk.headers["X-User"] = user end
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %f %f %f %d %d\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout,
    summary.requests))
end
`

// load measures one kind of request to a process.
func (b *bench) load(ctx context.Context, p *process, url, body, user string) (result, error) {
	bodyFile := filepath.Join(b.dir, "body.json")
	if err := os.WriteFile(bodyFile, []byte(body), 0o600); err != nil {
		return result{}, err
	}
	cmd := exec.CommandContext(ctx, b.wrk, "-t1", fmt.Sprintf("-c%d", b.options.connections),
		fmt.Sprintf("-d%ds", max(1, int(b.options.duration.Seconds()))), "-s", b.script, url)
	cmd.Env = append(os.Environ(), "BENCH_BODY="+bodyFile, "BENCH_USER="+user)
	before := p.cpu()
	out, err := cmd.CombinedOutput()
	used := p.cpu() - before
	if err != nil {
		return result{}, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	_, line, found := bytes.Cut(out, []byte("RESULT "))
	var r result
	var requests float64
	var failed int
	if _, err := fmt.Sscan(string(line), &r.rps, &r.p50, &r.p99, &failed, &requests); !found || err != nil || requests == 0 {
		return result{}, fmt.Errorf("wrk did not say what it measured:\n%s", out)
	}
	if failed > 0 {
		return result{}, fmt.Errorf("%d requests failed:\n%s", failed, out)
	}
	r.cpu = float64(used.Microseconds()) / requests
	return r, nil
}
