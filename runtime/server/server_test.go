package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

func TestPredictions(t *testing.T) {
	r := start(t, nil)
	good, batch := predictBody(goodInputs), predictBody("["+goodInputs+`,{"features":[1e-9,0]},{"query":"","position":2,"score":1}]`)
	tests := []struct {
		path, body string
		code       int
		want       string // the answer; for errors its beginning
	}{
		{"/v1/models/m:predict", good, 200, `{"outputs":{"ctr_score":0.25}}`},
		{"/v1/models/m/predict", good, 200, `{"outputs":{"ctr_score":0.25}}`},
		{"/V1/Models/m:Predict", good, 200, `{"outputs":{"ctr_score":0.25}}`},
		{"/v1/models/m%3Apredict", good, 200, `{"outputs":{"ctr_score":0.25}}`},
		{"/v1/models/m:predict?x=y", good, 200, `{"outputs":{"ctr_score":0.25}}`},
		{"/v1/models/m:predict", predictBody(`{"features":[0.1,7]}`), 200, `{"outputs":{"ctr_score":0.1}}`},
		{"/v1/models/m:predict", predictBody(`{"features":[0,7]}`), 200, `{"outputs":{"ctr_score":0}}`},
		{"/v1/models/m:predict", predictBody(`{"features":[1,7]}`), 200, `{"outputs":{"ctr_score":1}}`},
		{"/v1/models/m:predict", predictBody(`{"features":[1.197346395977595e-07,7]}`), 200, `{"outputs":{"ctr_score":1.197346395977595e-07}}`},
		{"/v1/models/m:predict", predictBody(`{"features":[0.30000000000000004,7]}`), 200, `{"outputs":{"ctr_score":0.30000000000000004}}`},
		{"/v1/models/m:batch_predict", batch, 200, `{"outputs":[{"ctr_score":0.25},{"ctr_score":1e-09},{"ctr_score":1}]}`},
		{"/v1/models/m/batch_predict", batch, 200, `{"outputs":[{"ctr_score":0.25},{"ctr_score":1e-09},{"ctr_score":1}]}`},
		{"/v1/MODELS/m/BATCH_predict", batch, 200, `{"outputs":[{"ctr_score":0.25},{"ctr_score":1e-09},{"ctr_score":1}]}`},

		{"/v1/models/m:predict", "", 400, `the body is empty`},
		{"/v1/models/m:predict", "{", 400, `an object's name must be a string`},
		{"/v1/models/m:predict", "{}", 400, `inputs: is required`},
		{"/v1/models/m:predict", batch, 400, `inputs: must be an object`},
		{"/v1/models/m:batch_predict", good, 400, `inputs: must be an array`},
		{"/v1/models/m:predict", predictBody(`{"query":"q","position":"1","score":1}`), 400, `inputs.position: must be a number`},
		{"/v1/models/m:predict", predictBody(`{"query":"q","position":NaN,"score":1}`), 400, `inputs.position: must be a finite number`},
		{"/v1/models/m:predict", predictBody(`{"query":"q","score":1}`), 400, `inputs.position: is required`},
		{"/v1/models/m:predict", predictBody(`{"query":"q","position":-1,"score":1}`), 400, `inputs.position: must not be -1`},
		{"/v1/models/m:predict", predictBody(`{"query":"q","position":97,"score":1}`), 400, `inputs: has values so large`},
		{"/v1/models/m:predict", predictBody(`{"features":[1.5,0]}`), 400, `inputs: has values so large`},
		{"/v1/models/m:batch_predict", predictBody("[" + goodInputs + `,{"query":"q","position":-1,"score":1}]`), 400, `inputs[1].position: must not be -1`},
		{"/v1/models/m:batch_predict", predictBody("[" + goodInputs + `,{"query":"q","position":97,"score":1}]`), 400, `inputs[1]: has values so large`},
		{"/v1/models/m:batch_predict", predictBody("[" + goodInputs + `,{"query":"q"}]`), 400, `inputs[1].position: is required`},
		{"/v1/models/m:batch_predict", predictBody("[" + strings.Repeat(goodInputs+",", 5) + goodInputs + "]"), 413, `inputs: must have at most 5 examples`},
		{"/v1/models/m:predict", strings.Repeat(" ", 10_001), 413, `the body is larger than 10000 bytes`},

		{"/v1/models/other:predict", good, 404, `there is no model "other" here, only "m"`},
		{"/v1/models/M:predict", good, 404, `there is no model "M" here`},
		{"/v1/models/m:classify", good, 404, `there is nothing at this path`},
		{"/v1/models/m:predict/", good, 404, `there is nothing at this path`},
		{"/v1/models/m:predict:predict", good, 404, `there is nothing at this path`},
		{"/v1/models/:predict", good, 404, `there is nothing at this path`},
		{"/v1/models/m", good, 404, `there is nothing at this path`},
		{"/v1/models/", good, 404, `there is nothing at this path`},
		{"/v1/modelsm:predict", good, 404, `there is nothing at this path`},
		{"/", good, 404, `there is nothing at this path`},
		{"/v2/models/m/infer", good, 404, `there is nothing at this path`},
		{"/v1/models/m:predict", predictBody(`{"query":"q","position":98,"score":1}`), 500, `internal error; the log has it under the request id`},
		{"/v1/models/m:batch_predict", predictBody(`[{"query":"q","position":98,"score":1}]`), 500, `internal error; the log has it under`},
		{"/v1/models/m:predict", predictBody(`{"query":"q","position":99,"score":1}`), 500, `internal error; the log has it under`},
	}
	for _, tt := range tests {
		t.Run(tt.path+" "+tt.want, func(t *testing.T) {
			got := r.do("POST", tt.path, tt.body)
			if got.code != tt.code || got.header.Get("Content-Type") != "application/json" || got.header.Get("X-Request-Id") == "" {
				t.Errorf("got %d %s %v", got.code, got.body, got.header)
			}
			if tt.code == 200 {
				if got.body != tt.want+"\n" || got.header.Get(contract.HeaderRevision) != "1" {
					t.Errorf("got  %s of revision %s\nwant %s", got.body, got.header.Get(contract.HeaderRevision), tt.want)
				}
				return
			}
			var e struct{ Error string }
			if err := json.Unmarshal([]byte(got.body), &e); err != nil || !strings.HasPrefix(e.Error, tt.want) {
				t.Errorf("got  %s\nwant %s", got.body, tt.want)
			}
		})
	}
	if n := r.sum("ctr_requests_in_flight"); n != 0 {
		t.Errorf("%v requests are still in flight", n)
	}
}

func TestMethods(t *testing.T) {
	r := start(t, nil)
	for path, allow := range map[string]string{
		"/v1/models/m:predict": "POST", "/v1/models/m/batch_predict": "POST", "/health": "GET, HEAD", "/v1/models": "GET, HEAD",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "XYZ"} {
			got := r.do(method, path, predictBody(goodInputs))
			allowed := strings.Contains(allow, method)
			if (got.code == 405) == allowed || !allowed && got.header.Get("Allow") != allow {
				t.Errorf("%s %s: %d %v", method, path, got.code, got.header)
			}
		}
	}
}

func TestContentTypesAreNotAskedFor(t *testing.T) {
	r := start(t, nil)
	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8"} {
		if got := r.do("POST", "/v1/models/m:predict", predictBody(goodInputs), "Content-Type", contentType); got.code != 200 {
			t.Errorf("%s: %d", contentType, got.code)
		}
	}
}

func TestHealthAndModels(t *testing.T) {
	r := start(t, nil)
	var health struct {
		Status       string
		ModelType    string `json:"model_type"`
		ModelTrained bool   `json:"model_trained"`
		Uptime       float64
		MemoryUsage  struct{ RSS, VMS, Percent float64 } `json:"memory_usage"`
	}
	got := r.do("GET", "/Health", "")
	if err := json.Unmarshal([]byte(got.body), &health); err != nil || got.code != 200 {
		t.Fatal(err, got)
	}
	m := health.MemoryUsage
	if health.Status != "healthy" || health.ModelType != "logistic_regression" || !health.ModelTrained || health.Uptime <= 0 ||
		m.RSS < 1 || m.RSS > 1000 || m.VMS < m.RSS || m.Percent <= 0 || m.Percent > 100 {
		t.Errorf("got %s", got.body)
	}
	if got := r.do("GET", "/v1/models", ""); got.body != `{"model":[{"name":"m","status":"loaded","type":"pickle"}]}`+"\n" {
		t.Errorf("got %s", got.body)
	}
}

// A body beyond the limit is refused without being read, whether its length is announced or not.
func TestHugeBodies(t *testing.T) {
	r := start(t, nil)
	for name, head := range map[string]string{
		"announced": "POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n",
		"chunked":   "POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6400000\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, r.address)
			write(t, conn, head+strings.Repeat("x", 20_000))
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != 413 || !res.Close {
				t.Errorf("got %s, close %t", res.Status, res.Close)
			}
		})
	}
}

// Over HTTP/2 the refusal costs nobody the connection, nor the client its answer.
func TestHugeBodiesOverHTTP2(t *testing.T) {
	r := start(t, nil)
	r.client = http2Client(t)
	for range 5 {
		if got := r.do("POST", "/v1/models/m:predict", strings.Repeat("x", 5_000_000)); got.code != 413 {
			t.Errorf("got %d %s", got.code, got.body)
		}
		if got := r.do("POST", "/v1/models/m:predict", predictBody(goodInputs)); got.code != 200 {
			t.Errorf("got %d %s", got.code, got.body)
		}
	}
	if n := r.server.drain.accepted.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// A client that has closed its own side of the connection is answered, and never with an empty 200.
func TestHalfClosedConnections(t *testing.T) {
	r := start(t, nil)
	body := predictBody(goodInputs)
	for _, tt := range []struct{ announced, code int }{{len(body), 200}, {len(body) + 1, 400}} {
		conn := dial(t, r.address)
		write(t, conn, fmt.Sprintf("POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", tt.announced, body))
		_ = conn.(*net.TCPConn).CloseWrite()
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != tt.code || len(answer) == 0 {
			t.Errorf("%d bytes of %d: got %s, %q, %v", len(body), tt.announced, res.Status, answer, err)
		}
		_ = res.Body.Close()
	}
}

// Many large bodies at a time are not all in memory, and small ones do not wait for them.
func TestLargeBodiesTakeTurns(t *testing.T) {
	r := start(t, func(c *Config) { c.MaxRequestBytes = 1 << 20 })
	r.server.large.wait = 50 * time.Millisecond
	turns := cap(r.server.large.slots)
	if turns > 32 {
		t.Fatalf("%d bodies of 1 MiB are taken at a time", turns)
	}
	large := predictBody(`{"query":"` + strings.Repeat("q", 2*smallBody) + `","position":1,"score":0.25}`)
	slow := make([]net.Conn, turns)
	for i := range slow {
		slow[i] = dial(t, r.address)
		write(t, slow[i], fmt.Sprintf("POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", len(large)))
		write(t, slow[i], large[:len(large)-1])
	}
	eventually(t, "the large ones are on their way", func() bool { return len(r.server.large.slots) == turns })
	if got := r.do("POST", "/v1/models/m:predict", large); got.code != 429 {
		t.Errorf("one too many: got %d %.100s", got.code, got.body)
	}
	if got := r.do("POST", "/v1/models/m:predict", predictBody(goodInputs)); got.code != 200 {
		t.Errorf("a small one: got %d %s", got.code, got.body)
	}
	for _, conn := range slow {
		write(t, conn, large[len(large)-1:])
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("got %v, %v", res, err)
		}
		_ = res.Body.Close()
	}
	eventually(t, "all turns are given back", func() bool { return len(r.server.large.slots) == 0 })
	if got := r.do("POST", "/v1/models/m:predict", large); got.code != 200 {
		t.Errorf("afterwards: got %d %.100s", got.code, got.body)
	}
}

func TestExpectContinueIsNotInvitedToSendTooMuch(t *testing.T) {
	r := start(t, nil)
	conn := dial(t, r.address)
	write(t, conn, "POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 104857600\r\n\r\n")
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "413") {
		t.Errorf("got %q, %v", line, err)
	}
}

// A client that sends its body by and by is answered when its time is over.
func TestSlowBodies(t *testing.T) {
	r := start(t, nil)
	r.http.ReadTimeout = 100 * time.Millisecond
	conn := dial(t, r.address)
	write(t, conn, "POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 408 {
		t.Errorf("got %s", res.Status)
	}
}

func TestServerIsNotPatientForEver(t *testing.T) {
	h := NewHTTP(nil, start(t, nil).server.cfg.Log)
	if h.ReadHeaderTimeout <= 0 || h.ReadTimeout <= 0 || h.WriteTimeout <= 0 || h.IdleTimeout <= 0 || h.MaxHeaderBytes > 1<<20 {
		t.Errorf("%+v", h)
	}
}

func TestHugeHeaders(t *testing.T) {
	r := start(t, nil)
	if got := r.do("POST", "/v1/models/m:predict", "", "X-Large", strings.Repeat("x", 100_000)); got.code != 431 {
		t.Errorf("got %d", got.code)
	}
}

// Errors do not cost the client its connection.
func TestConnectionOutlivesErrors(t *testing.T) {
	r := start(t, nil)
	for i := range 20 {
		r.do("POST", "/v1/models/m:predict", predictBody(fmt.Sprintf(`{"position":%d}`, i)))
		r.do("POST", "/v1/models/m:predict", predictBody(`{"query":"q","position":99,"score":1}`))
		r.do("GET", "/nothing", "")
	}
	r.keptConnections()
}

func TestRequestIDs(t *testing.T) {
	r := start(t, nil)
	made := map[string]bool{}
	for in, taken := range map[string]bool{
		"":                       false,
		"abc-123":                true,
		"a/b:c.d=e":              true,
		"two words":              false,
		`quo"te`:                 false,
		"é":                      false,
		strings.Repeat("x", 128): true,
		strings.Repeat("x", 129): false,
	} {
		var header []string
		if in != "" {
			header = []string{"X-Request-Id", in}
		}
		got := r.do("POST", "/v1/models/m:predict", "", header...).header.Get("X-Request-Id")
		if taken != (got == in) || got == "" || made[got] {
			t.Errorf("%q became %q", in, got)
		}
		made[got] = true
	}
}

// A regressor's value need not be a rate, but it is a number.
func TestRegressor(t *testing.T) {
	inputs := `{"query":"q","position":1,"score":-17.5}`
	r := start(t, func(c *Config) { c.Model = regressor{} })
	if got := r.do("POST", "/v1/models/m:predict", predictBody(inputs)); got.code != 200 || got.body != `{"outputs":{"ctr_score":-17.5}}`+"\n" {
		t.Errorf("got %d %s", got.code, got.body)
	}
	if got := r.do("POST", "/v1/models/m:batch_predict", predictBody("["+inputs+"]")); got.code != 200 || !strings.Contains(got.body, "-17.5") {
		t.Errorf("got %d %s", got.code, got.body)
	}
	if got := r.do("POST", "/v1/models/m:predict", predictBody(`{"query":"q","position":97,"score":1}`)); got.code != 400 {
		t.Errorf("NaN: got %d %s", got.code, got.body)
	}
	// A model of rates never answers so.
	if got := start(t, nil).do("POST", "/v1/models/m:predict", predictBody(inputs)); got.code != 400 {
		t.Errorf("a model of rates: got %d %s", got.code, got.body)
	}
}

// Nothing of what users send may get into the log, whatever goes wrong with it; what goes wrong must.
func TestLog(t *testing.T) {
	r := start(t, nil)
	const secret = "s3cr3t"
	for _, position := range []string{"1", "-1", "97", "98", "99", `"s3cr3t"`} {
		r.do("POST", "/v1/models/m:predict", predictBody(`{"query":"s3cr3t","s3cr3t":1,"score":0.5,"position":`+position+`}`),
			"X-Request-Id", "id-"+strings.Trim(position, `"`), "Authorization", "Bearer s3cr3t")
	}
	text := strings.ReplaceAll(r.log.String(), "id-"+secret, "")
	if strings.Contains(text, secret) {
		t.Errorf("the log has an input:\n%s", text)
	}
	for _, want := range []string{
		`"level":"ERROR","msg":"a request could not be answered","requestID":"id-98"`,
		`"level":"ERROR","msg":"a request ended in a panic","requestID":"id-99"`,
		`"level":"DEBUG","msg":"request","requestID":"id-1"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the log has not %s:\n%s", want, text)
		}
	}
	if n := strings.Count(text, `"level":"ERROR"`); n != 2 {
		t.Errorf("%d errors are logged, not 2", n)
	}
	if n := r.sum("ctr_panics_total"); n != 1 {
		t.Errorf("%v panics", n)
	}
}

func TestUnencryptedHTTP2(t *testing.T) {
	r := start(t, nil)
	r.client = http2Client(t)
	got := r.do("POST", "/v1/models/m:predict", predictBody(goodInputs))
	if got.code != 200 || got.body != `{"outputs":{"ctr_score":0.25}}`+"\n" {
		t.Errorf("got %d %s", got.code, got.body)
	}
	for range 10 {
		r.do("POST", "/v1/models/m:predict", predictBody(goodInputs))
	}
	r.keptConnections()
}

func TestWrap(t *testing.T) {
	r := start(t, func(c *Config) {
		c.Wrap = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("X-Fault") != "" {
					w.WriteHeader(http.StatusTeapot)
					return
				}
				next.ServeHTTP(w, r)
			})
		}
	})
	if got := r.do("POST", "/v1/models/m:predict", predictBody(goodInputs), "X-Fault", "1"); got.code != 418 {
		t.Errorf("got %d", got.code)
	}
	if got := r.do("POST", "/v1/models/m:predict", predictBody(goodInputs)); got.code != 200 {
		t.Errorf("got %d", got.code)
	}
}

func TestCounting(t *testing.T) {
	r := start(t, nil)
	for range 3 {
		r.do("POST", "/v1/models/m:predict", predictBody(goodInputs))
	}
	r.do("POST", "/v1/models/m:batch_predict", predictBody("["+goodInputs+","+goodInputs+"]"))
	r.do("POST", "/v1/models/m:predict", "")
	r.do("GET", "/favicon.ico", "")
	r.do("GET", "/v1/models/m:predict", "")
	for want, series := range map[float64][][]string{
		3: {{"predict", "200", "local"}},
		1: {{"batch_predict", "200", "local"}, {"predict", "400"}, {"other", "404"}, {"predict", "405"}},
		0: {{"forwarded"}, {"fallback"}},
	} {
		for _, labels := range series {
			if got := r.sum("ctr_requests_total", labels...); got != want {
				t.Errorf("%v: %v, want %v", labels, got, want)
			}
		}
	}
	if n := r.sum("ctr_predictions_total"); n != 5 {
		t.Errorf("%v predictions", n)
	}
	if n := r.sum("ctr_prediction"); n != 5 {
		t.Errorf("%v scores", n)
	}
	if n := r.sum("ctr_request_duration_seconds", "predict", "local"); n != 5 {
		t.Errorf("%v latencies", n)
	}
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	return conn
}

func write(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

func http2Client(t *testing.T) *http.Client {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}
