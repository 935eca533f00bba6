package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/test/testkit/answer"
)

func testkit(t *testing.T, stdin io.Reader, args ...string) (string, error) {
	t.Helper()
	cmd := root()
	var out bytes.Buffer
	cmd.SetArgs(args)
	cmd.SetIn(stdin)
	cmd.SetOut(&out)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestLoadUntilEndOfInput(t *testing.T) {
	arrived := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(contract.HeaderRevision, "2")
		fmt.Fprint(w, `{"outputs":{"ctr_score":0.25}}`)
		select {
		case arrived <- struct{}{}:
		default:
		}
	}))
	defer server.Close()
	stdin, closeStdin := io.Pipe()
	go func() {
		<-arrived
		closeStdin.Close()
	}()
	out, err := testkit(t, stdin, "load", "--url", server.URL, "--model", "m", "--until-eof", "--expect", "2=0.25")
	if err != nil {
		t.Fatal(err)
	}
	var got report
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.Summary == nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got.Summary.Failed != 0 || got.Summary.Revisions[2] == 0 {
		t.Errorf("%+v", got.Summary)
	}
}

func TestLoadNeedsAnEnd(t *testing.T) {
	for _, args := range [][]string{{"load"}, {"load", "--requests", "1", "--until-eof"}} {
		if _, err := testkit(t, strings.NewReader(""), args...); err == nil || !strings.Contains(err.Error(), "until-eof") {
			t.Errorf("%v: %v", args, err)
		}
	}
}

func TestHTTP(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Got", r.Header.Get("X-Sent"))
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %d", r.Method, n)
	}))
	defer server.Close()
	cases := map[string]struct {
		args []string
		body string
	}{
		"get":        {nil, "GET 0"},
		"body":       {[]string{"-X", "POST", "-d", "abc"}, "POST 3"},
		"from input": {[]string{"-X", "POST", "-d", "-"}, "POST 5"},
		"filled":     {[]string{"-X", "POST", "--fill", "100000"}, "POST 100023"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"http", server.URL, "-H", "X-Sent: a: b"}, c.args...)
			out, err := testkit(t, strings.NewReader("12345"), args...)
			if err != nil {
				t.Fatal(err)
			}
			var got answer.Answer
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatal(err)
			}
			if got.Status != http.StatusTeapot || got.Headers.Get("X-Got") != "a: b" || got.Body != c.body {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestParseObject(t *testing.T) {
	if got, err := parseObject("s3://b/a/c/"); err != nil || got != (object{"b", "a/c/"}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "b/k", "s3://", "http://b/k"} {
		if _, err := parseObject(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
