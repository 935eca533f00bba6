package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/split"
)

// canary runs a server of revision 2, named canary.
func canary(t *testing.T, wrap func(http.Handler) http.Handler) *running {
	t.Helper()
	return start(t, func(c *Config) { c.Revision, c.Number, c.Wrap = "canary", 2, wrap })
}

// tableFor gives the canary at an address a weight.
func tableFor(address string, weight int32, stickiness contract.Stickiness) *contract.TrafficTable {
	return &contract.TrafficTable{
		Model: "m", Salt: "s", Stickiness: stickiness,
		Revisions: []contract.RevisionTraffic{
			{Name: "stable", Number: 1, Role: contract.RoleStable, Weight: 100 - weight, Address: "127.0.0.1:1"},
			{Name: "canary", Number: 2, Role: contract.RoleCanary, Weight: weight, Address: address},
		},
	}
}

func stableWith(t *testing.T, table *contract.TrafficTable) *running {
	t.Helper()
	return start(t, func(c *Config) { c.Table = fixed{table} })
}

var byHeader, byField = contract.Stickiness{Header: "X-User"}, contract.Stickiness{Field: "user"}

// Over one keep-alive connection the shares are the weights.
func TestSplitShares(t *testing.T) {
	b := canary(t, nil)
	const n = 3000
	for _, weight := range []int32{0, 1, 10, 50, 100} {
		t.Run(fmt.Sprint(weight), func(t *testing.T) {
			a := stableWith(t, tableFor(b.address, weight, byHeader))
			onCanary := 0
			for i := range n {
				got := a.do("POST", "/v1/models/m:predict", predictBody(goodInputs), "X-User", fmt.Sprint(i))
				want := "1"
				if split.Hash("s", fmt.Sprint(i)) < float64(weight)/100 {
					want = "2"
					onCanary++
				}
				if got.code != 200 || got.header.Get(contract.HeaderRevision) != want || got.header.Get(contract.HeaderFallback) != "" {
					t.Fatalf("user %d: %d of revision %s, want %s", i, got.code, got.header.Get(contract.HeaderRevision), want)
				}
			}
			p := float64(weight) / 100
			if margin := 3.2905 * math.Sqrt(n*p*(1-p)); math.Abs(float64(onCanary)-n*p) > margin {
				t.Errorf("%d of %d", onCanary, n)
			}
			if got := a.sum("ctr_forward_requests_total", "2"); got != float64(onCanary) {
				t.Errorf("%v forwards are counted, not %d", got, onCanary)
			}
			if got := a.sum("ctr_requests_total", "predict", "200", "forwarded"); got != float64(onCanary) {
				t.Errorf("%v forwarded requests are counted, not %d", got, onCanary)
			}
			a.keptConnections()
		})
	}
	// What is forwarded arrives over connections that are kept.
	b.keptConnections()
}

// Users that the hash puts on each side at a weight of 50.
func users(t *testing.T) (onStable, onCanary string) {
	t.Helper()
	for i := 0; onStable == "" || onCanary == ""; i++ {
		if user := fmt.Sprintf("user-%d", i); split.Hash("s", user) < .5 {
			onCanary = user
		} else {
			onStable = user
		}
	}
	return onStable, onCanary
}

func TestStickiness(t *testing.T) {
	b := canary(t, nil)
	onStable, onCanary := users(t)
	with := func(user string) string { return strings.Replace(goodInputs, "{", `{"user":"`+user+`",`, 1) }
	tests := []struct {
		name       string
		stickiness contract.Stickiness
		path, body string
		header     []string
		want       string
	}{
		{"header, stable", byHeader, "predict", predictBody(goodInputs), []string{"X-User", onStable}, "1"},
		{"header, canary", byHeader, "predict", predictBody(goodInputs), []string{"x-user", onCanary}, "2"},
		{"header, batch", byHeader, "batch_predict", predictBody("[" + goodInputs + "]"), []string{"X-User", onCanary}, "2"},
		{"field, stable", byField, "predict", predictBody(with(onStable)), nil, "1"},
		{"field, canary", byField, "predict", predictBody(with(onCanary)), nil, "2"},
		{"field, not the header", byField, "predict", predictBody(with(onStable)), []string{"X-User", onCanary}, "1"},
		{"field, batch: the first counts", byField, "batch_predict", predictBody("[" + with(onStable) + "," + with(onCanary) + "]"), nil, "1"},
		{"field, batch: the first counts again", byField, "batch_predict", predictBody("[" + with(onCanary) + "," + with(onStable) + "]"), nil, "2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := stableWith(t, tableFor(b.address, 50, tt.stickiness))
			for range 5 {
				got := a.do("POST", "/v1/models/m:"+tt.path, tt.body, tt.header...)
				if got.code != 200 || got.header.Get(contract.HeaderRevision) != tt.want {
					t.Fatalf("%d %s of revision %s", got.code, got.body, got.header.Get(contract.HeaderRevision))
				}
			}
		})
	}
}

// Without a key, or with an empty one, the side is drawn for each request: no group of users is stuck to one side.
func TestNoKeyIsRandom(t *testing.T) {
	b := canary(t, nil)
	for name, c := range map[string]struct {
		stickiness contract.Stickiness
		inputs     string
		header     []string
	}{
		"none":         {contract.Stickiness{}, goodInputs, []string{"X-User", "u"}},
		"no header":    {byHeader, goodInputs, nil},
		"empty header": {byHeader, goodInputs, []string{"X-User", ""}},
		"no field":     {byField, goodInputs, nil},
		"empty field":  {byField, strings.Replace(goodInputs, "{", `{"user":"",`, 1), nil},
		"null field":   {byField, strings.Replace(goodInputs, "{", `{"user":null,`, 1), nil},
	} {
		a := stableWith(t, tableFor(b.address, 50, c.stickiness))
		const n = 200
		for range n {
			a.do("POST", "/v1/models/m:predict", predictBody(c.inputs), c.header...)
		}
		if got := a.sum("ctr_forward_requests_total", "2"); got < n/4 || got > n*3/4 {
			t.Errorf("%s: %v of %d are forwarded", name, got, n)
		}
	}
}

// Whatever the canary does, the user gets a prediction, and the canary the blame.
func TestCanaryCannotFailAUser(t *testing.T) {
	wrapped := func(h http.HandlerFunc) func(http.Handler) http.Handler {
		return func(http.Handler) http.Handler { return h }
	}
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	answers := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(contract.HeaderRevision, "2")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	tests := map[string]struct {
		canary http.HandlerFunc
		reason string
	}{
		"internal error":      {answers(500, `{"error":"x"}`), split.ReasonStatus},
		"overloaded":          {answers(429, `{"error":"x"}`), split.ReasonStatus},
		"not found":           {answers(404, `{"error":"x"}`), split.ReasonStatus},
		"refuses good inputs": {answers(400, `{"error":"inputs.age: is required"}`), split.ReasonStatus},
		"hangs":               {hang, split.ReasonTimeout},
		"hangs up":            {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, split.ReasonConnect},
		"no JSON":             {answers(200, `<html>`), split.ReasonBody},
		"nonsense":            {answers(200, `{"outputs":{"ctr_score":NaN}}`), split.ReasonBody},
		"out of range":        {answers(200, `{"outputs":{"ctr_score":17}}`), split.ReasonBody},
		"a batch":             {answers(200, `{"outputs":[{"ctr_score":0.1}]}`), split.ReasonBody},
		"far too much":        {answers(200, strings.Repeat("x", 1<<20)), split.ReasonBody},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := canary(t, wrapped(tt.canary))
			a := start(t, func(c *Config) {
				c.Table = fixed{tableFor(b.address, 100, contract.Stickiness{})}
				if tt.reason == split.ReasonTimeout {
					c.ForwardTimeout = 50 * time.Millisecond
				}
			})
			const n = 3
			for range n {
				got := a.do("POST", "/v1/models/m:predict", predictBody(goodInputs))
				if got.code != 200 || got.body != `{"outputs":{"ctr_score":0.25}}`+"\n" {
					t.Errorf("got %d %s", got.code, got.body)
				}
				if got.header.Get(contract.HeaderRevision) != "1" || got.header.Get(contract.HeaderFallback) != tt.reason {
					t.Errorf("got %v, want %s", got.header, tt.reason)
				}
			}
			if got := a.sum("ctr_forward_failures_total", "2", tt.reason); got != n {
				t.Errorf("%v failures are counted", got)
			}
			if got := a.sum("ctr_requests_total", "predict", "200", "fallback"); got != n {
				t.Errorf("%v fallbacks are counted", got)
			}
			if got := a.sum("ctr_forward_requests_total", "2"); got != 0 {
				t.Errorf("%v successes are counted", got)
			}
			if logged := strings.Count(a.log.String(), "a revision did not answer"); logged != 1 {
				t.Errorf("logged %d times in a moment", logged)
			}
		})
	}
}

func TestCanaryIsNotThere(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	a := stableWith(t, tableFor(address, 100, contract.Stickiness{}))
	got := a.do("POST", "/v1/models/m:batch_predict", predictBody("["+goodInputs+"]"))
	if got.code != 200 || got.header.Get(contract.HeaderFallback) != split.ReasonConnect {
		t.Errorf("got %d %v", got.code, got.header)
	}
}

// What is wrong with an input, the revision says that the request belongs to.
func TestInputErrorsOfTheCanaryAreRelayed(t *testing.T) {
	b := canary(t, nil)
	for _, stickiness := range []contract.Stickiness{{}, byHeader, byField} {
		a := stableWith(t, tableFor(b.address, 100, stickiness))
		got := a.do("POST", "/v1/models/m:predict", predictBody(`{"user":"u","query":5}`), "X-User", "u")
		if got.code != 400 || got.body != `{"error":"inputs.query: must be a string"}`+"\n" || got.header.Get(contract.HeaderRevision) != "2" {
			t.Errorf("%v: got %d %s of %s", stickiness, got.code, got.body, got.header.Get(contract.HeaderRevision))
		}
		// So it is with inputs that can be read, and that no model has an answer to.
		for _, position := range []int{posRefused, posNaN} {
			inputs := fmt.Sprintf(`{"user":"u","query":"q","position":%d,"score":1}`, position)
			if got := a.do("POST", "/v1/models/m:predict", predictBody(inputs), "X-User", "u"); got.code != 400 {
				t.Errorf("%v: got %d %s", stickiness, got.code, got.body)
			}
		}
		// Where not even the key can be found, any side will do.
		if got := a.do("POST", "/v1/models/m:predict", `{"inputs"`, "X-User", "u"); got.code != 400 {
			t.Errorf("%v: got %d %s", stickiness, got.code, got.body)
		}
		if n := a.sum("ctr_forward_failures_total"); n != 0 {
			t.Errorf("%v: %v failures", stickiness, n)
		}
	}
}

func TestForwardedRequestsAreNotForwardedAgain(t *testing.T) {
	var a *running
	b := canary(t, nil)
	a = stableWith(t, tableFor(b.address, 100, contract.Stickiness{}))
	got := a.do("POST", "/v1/models/m:predict", predictBody(goodInputs), contract.HeaderForwardedBy, "old")
	if got.code != 200 || got.header.Get(contract.HeaderRevision) != "1" {
		t.Errorf("got %d of %s", got.code, got.header.Get(contract.HeaderRevision))
	}
	// Two pods that each believe the request to be the other's do not play with it.
	c := start(t, func(c *Config) {
		c.Revision, c.Number, c.Table = "old", 2, fixed{tableFor(a.address, 100, contract.Stickiness{})}
	})
	a.server.cfg.Table = fixed{tableFor(c.address, 100, contract.Stickiness{})}
	got = a.do("POST", "/v1/models/m:predict", predictBody(goodInputs))
	if got.code != 200 || got.header.Get(contract.HeaderRevision) != "2" {
		t.Errorf("got %d of %s", got.code, got.header.Get(contract.HeaderRevision))
	}
}

// What the revision refuses that has replaced this one is refused, whatever this one would say.
func TestReplacedPodRelaysRefusals(t *testing.T) {
	b := canary(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(contract.HeaderRevision, "2")
			w.WriteHeader(http.StatusBadRequest)
		})
	})
	table := tableFor(b.address, 0, contract.Stickiness{})
	table.Revisions = []contract.RevisionTraffic{{Name: "new", Number: 2, Role: contract.RoleStable, Weight: 100, Address: b.address}}
	a := stableWith(t, table)
	if got := a.do("POST", "/v1/models/m:predict", predictBody(goodInputs)); got.code != 400 || got.header.Get(contract.HeaderRevision) != "2" {
		t.Errorf("got %d of %s", got.code, got.header.Get(contract.HeaderRevision))
	}
}

// A pod whose revision has been replaced passes on what still reaches it, and answers itself if that fails.
func TestReplacedPodForwards(t *testing.T) {
	b := canary(t, nil)
	table := tableFor(b.address, 0, contract.Stickiness{})
	table.Revisions = []contract.RevisionTraffic{{Name: "canary", Number: 2, Role: contract.RoleStable, Weight: 100, Address: b.address}}
	a := stableWith(t, table)
	if got := a.do("POST", "/v1/models/m:predict", predictBody(goodInputs)); got.header.Get(contract.HeaderRevision) != "2" {
		t.Errorf("answered by %s", got.header.Get(contract.HeaderRevision))
	}
	_ = b.http.Close()
	got := a.do("POST", "/v1/models/m:predict", predictBody(goodInputs))
	if got.code != 200 || got.header.Get(contract.HeaderRevision) != "1" || got.header.Get(contract.HeaderFallback) != split.ReasonConnect {
		t.Errorf("got %d %v", got.code, got.header)
	}
}

// A user who does not wait is not the canary's fault.
func TestClientThatLeavesIsNotCharged(t *testing.T) {
	arrived, left := make(chan struct{}), make(chan struct{})
	b := canary(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			close(arrived)
			<-r.Context().Done()
			close(left)
		})
	})
	a := stableWith(t, tableFor(b.address, 100, contract.Stickiness{}))
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		<-arrived
		leave()
	}()
	if _, err := a.try(ctx, "POST", "/v1/models/m:predict", predictBody(goodInputs)); err == nil {
		t.Fatal("there is an answer")
	}
	<-left
	eventually(t, "the request is over", func() bool { return a.sum("ctr_requests_in_flight") == 0 })
	if n := a.sum("ctr_forward_failures_total"); n != 0 {
		t.Errorf("%v failures are charged", n)
	}
	if n := a.sum("ctr_requests_total", "499"); n != 1 {
		t.Errorf("%v requests are counted as left", n)
	}
}

// A client that has closed its own side of the connection still waits for an answer.
func TestHalfClosedClientOfACanaryThatHangs(t *testing.T) {
	arrived := make(chan struct{})
	b := canary(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			close(arrived)
			<-r.Context().Done()
		})
	})
	a := stableWith(t, tableFor(b.address, 100, contract.Stickiness{}))
	conn := dial(t, a.address)
	body := predictBody(goodInputs)
	write(t, conn, fmt.Sprintf("POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	<-arrived
	_ = conn.(*net.TCPConn).CloseWrite()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 || !strings.Contains(string(answer), "0.25") {
		t.Errorf("got %s, %q, %v", res.Status, answer, err)
	}
	if n := a.sum("ctr_forward_failures_total"); n != 0 {
		t.Errorf("%v failures are charged", n)
	}
}

// Requests that are nobody's to predict stay where they are.
func TestOtherEndpointsAreNotForwarded(t *testing.T) {
	b := canary(t, nil)
	a := stableWith(t, tableFor(b.address, 100, contract.Stickiness{}))
	a.do("GET", "/health", "")
	a.do("GET", "/v1/models", "")
	a.do("GET", "/v1/models/m:predict", "")
	a.do("POST", "/v1/models/x:predict", "")
	a.do("POST", "/v1/models/m:predict", strings.Repeat(" ", 20_000))
	if n := b.server.drain.accepted.Load(); n != 0 {
		t.Errorf("%d connections to the canary", n)
	}
}

func TestForwardedRequestKeepsItsID(t *testing.T) {
	b := canary(t, nil)
	a := stableWith(t, tableFor(b.address, 100, contract.Stickiness{}))
	got := a.do("POST", "/v1/models/m:predict", predictBody(goodInputs), "X-Request-Id", "id-7")
	if ids := got.header.Values("X-Request-Id"); len(ids) != 1 || ids[0] != "id-7" {
		t.Errorf("got %v", ids)
	}
	if !strings.Contains(b.log.String(), `"requestID":"id-7"`) {
		t.Error("the canary does not know it")
	}
	made := a.do("POST", "/v1/models/m:predict", predictBody(goodInputs)).header.Get("X-Request-Id")
	if !strings.Contains(b.log.String(), made) {
		t.Error("the canary made another")
	}
}
