package fetch

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestHTTPObject(t *testing.T) {
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "identity" || r.URL.RawQuery != "v=1" {
			t.Errorf("request %v %v", r.URL, r.Header)
		}
		content("the model")(w, r)
	})
	dir := t.TempDir()
	opts := quick(nil)
	opts.SHA256 = strings.ToUpper(sum("the model"))
	a, err := Fetch(t.Context(), url+"/some/model.pkl?v=1", dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, a, map[string]string{"model.pkl": "the model"})
	if a.Digest != sum("the model") {
		t.Errorf("digest %s", a.Digest)
	}
	if entries := readAll(t, dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestHTTPNames(t *testing.T) {
	url, _ := serve(t, content("x"))
	for path, want := range map[string]string{
		"":                                 "artifact",
		"/":                                "artifact",
		"/a/b.pkl":                         "b.pkl",
		"/a/%2e%2e":                        "artifact",
		"/a%2Fb.pkl":                       "b.pkl",
		"/a%5Cb":                           "artifact",
		"/a%00b":                           "artifact",
		"/" + strings.Repeat("n", 256):     "artifact",
		"/%E6%A8%A1%E5%9E%8B.pkl?sig=s#f%": "模型.pkl",
	} {
		a, err := Fetch(t.Context(), strings.TrimSuffix(url+path, "#f%"), t.TempDir(), quick(nil))
		if err != nil {
			t.Errorf("%q: %v", path, err)
			continue
		}
		if len(a.Files) != 1 || a.Files[0] != want {
			t.Errorf("%q: got %q, want %q", path, a.Files, want)
		}
	}
}

func TestHTTPStatus(t *testing.T) {
	for _, c := range []struct {
		status   int
		reason   contract.Reason
		attempts int64
		says     string
	}{
		{401, contract.ReasonArtifactForbidden, 1, "presigned"},
		{403, contract.ReasonArtifactForbidden, 1, "access denied (403)"},
		{404, contract.ReasonArtifactNotFound, 1, "check the URL"},
		{410, contract.ReasonArtifactNotFound, 1, "check the URL"},
		{400, contract.ReasonArtifactUnreachable, 1, "answers 400"},
		{204, contract.ReasonArtifactUnreachable, 1, "answers 204"},
		{429, contract.ReasonArtifactUnreachable, 4, "answers 429"},
		{500, contract.ReasonArtifactUnreachable, 4, "answers 500"},
		{503, contract.ReasonArtifactUnreachable, 4, "answers 503"},
	} {
		t.Run(itoa(c.status), func(t *testing.T) {
			url, requests := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(c.status) })
			opts := quick(nil)
			opts.Attempts = 4
			_, err := Fetch(t.Context(), url+"/model.pkl?X-Amz-Signature=s3cr3t", t.TempDir(), opts)
			wantReason(t, err, c.reason, url+"/model.pkl: ", c.says)
			if n := requests.Load(); n != c.attempts {
				t.Errorf("%d requests, want %d", n, c.attempts)
			}
		})
	}
}

func TestHTTPTransientErrors(t *testing.T) {
	var url string
	var step atomic.Int64
	url, _ = serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch step.Add(1) {
		case 1:
			w.Header().Set("Connection", "close") // else net/http tries the next one again by itself
			w.WriteHeader(http.StatusInternalServerError)
		case 2: // the connection goes before an answer
			conn, _, _ := w.(http.Hijacker).Hijack()
			conn.Close()
		default:
			content("at last")(w, r)
		}
	})
	waits := 0
	opts := quick(&waits)
	var told []string
	opts.OnRetry = func(attempt int, wait time.Duration, err error) {
		told = append(told, fmt.Sprint(attempt, " ", wait, " ", strings.HasPrefix(err.Error(), url+"/m: ")))
	}
	a, err := Fetch(t.Context(), url+"/m", t.TempDir(), opts)
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, a, map[string]string{"m": "at last"})
	if fmt.Sprint(told) != "[1 200ms true 2 400ms true]" || waits != 2 {
		t.Errorf("told %v, %d waits", told, waits)
	}
}

// object is a body that is served in pieces: every answer but a Range's is cut off after half.
func object(body string, header http.Header, ranges func(w http.ResponseWriter, r *http.Request, from int)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if spec, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok {
			from, _ := strconv.Atoi(strings.TrimSuffix(spec, "-"))
			ranges(w, r, from)
			return
		}
		cutOff(w, body[:len(body)/2], len(body), header)
	}
}

func TestHTTPResume(t *testing.T) {
	body := strings.Repeat("0123456789", 100_000)
	tagged := http.Header{"Etag": {`"v1"`}}
	partial := func(w http.ResponseWriter, body string, from int) {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(body)-1, len(body)))
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write([]byte(body[from:]))
	}
	for _, c := range []struct {
		name     string
		header   http.Header
		ranges   func(w http.ResponseWriter, r *http.Request, from int)
		requests int64
	}{
		{"by entity tag", tagged, func(w http.ResponseWriter, r *http.Request, from int) {
			if r.Header.Get("If-Range") != `"v1"` || from == 0 || from > len(body)/2 {
				t.Errorf("range from %d, header %v", from, r.Header)
			}
			partial(w, body, from)
		}, 2},
		{"by date", http.Header{"Last-Modified": {"Wed, 21 Oct 2015 07:28:00 GMT"}}, func(
			w http.ResponseWriter, _ *http.Request, from int,
		) {
			partial(w, body, from)
		}, 2},
		{"content has changed", tagged, func(w http.ResponseWriter, _ *http.Request, _ int) {
			_, _ = w.Write([]byte(body))
		}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, requests := serve(t, object(body, c.header, c.ranges))
			a, err := Fetch(t.Context(), url+"/m", t.TempDir(), quick(nil))
			if err != nil {
				t.Fatal(err)
			}
			wantFiles(t, a, map[string]string{"m": body})
			if a.Digest != sum(body) || requests.Load() != c.requests {
				t.Errorf("digest %s, %d requests", a.Digest, requests.Load())
			}
		})
	}
}

// TestHTTPResumeRefused has servers that offer ranges and answer them with something else: the transfer starts over.
func TestHTTPResumeRefused(t *testing.T) {
	body := strings.Repeat("0123456789", 10_000)
	for name, answer := range map[string]func(w http.ResponseWriter){
		"another range": func(w http.ResponseWriter) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 7-%d/%d", len(body)-1, len(body)))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write([]byte(body[7:]))
		},
		"no range":        func(w http.ResponseWriter) { w.WriteHeader(http.StatusPartialContent) },
		"not satisfiable": func(w http.ResponseWriter) { w.WriteHeader(http.StatusRequestedRangeNotSatisfiable) },
	} {
		t.Run(name, func(t *testing.T) {
			var step atomic.Int64
			url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
				switch step.Add(1) {
				case 1:
					cutOff(w, body[:len(body)/2], len(body), http.Header{"Etag": {`"v1"`}})
				case 2:
					answer(w)
				default:
					if r.Header.Get("Range") != "" {
						t.Errorf("asked for %s again", r.Header.Get("Range"))
					}
					content(body)(w, r)
				}
			})
			a, err := Fetch(t.Context(), url+"/m", t.TempDir(), quick(nil))
			if err != nil {
				t.Fatal(err)
			}
			wantFiles(t, a, map[string]string{"m": body})
		})
	}
}

func TestHTTPTruncated(t *testing.T) {
	for name, header := range map[string]http.Header{
		"length":  nil,
		"chunked": {"Transfer-Encoding": {"chunked"}},
	} {
		t.Run(name, func(t *testing.T) {
			url, requests := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if header != nil {
					cutOff(w, "4\r\nhalf\r\n", 0, http.Header{"Transfer-Encoding": {"chunked"}, "Content-Length": nil})
					return
				}
				cutOff(w, "half", 8, nil)
			})
			_, err := Fetch(t.Context(), url+"/m", t.TempDir(), quick(nil))
			wantReason(t, err, contract.ReasonArtifactTruncated, "ends before")
			if requests.Load() != DefaultAttempts {
				t.Errorf("%d requests", requests.Load())
			}
		})
	}
}

func TestHTTPTooLarge(t *testing.T) {
	body := strings.Repeat("x", 100_000)
	for name, handler := range map[string]http.HandlerFunc{
		"announced": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "99999999999")
			w.(http.Flusher).Flush()
			<-r.Context().Done() // it must be refused without a byte of the body
		},
		"not announced": func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			_, _ = w.Write([]byte(body))
		},
		"announced smaller for the rest": object(body[:900], http.Header{"Etag": {`"v"`}}, func(
			w http.ResponseWriter, _ *http.Request, from int,
		) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/900", from, 899))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write([]byte(body))
		}),
	} {
		t.Run(name, func(t *testing.T) {
			url, requests := serve(t, handler)
			dir := t.TempDir()
			opts := quick(nil)
			opts.MaxBytes = 1000
			_, err := Fetch(t.Context(), url+"/m", dir, opts)
			wantReason(t, err, contract.ReasonArtifactTooLarge, "1000 bytes")
			for name, content := range readAll(t, dir) {
				if len(content) > 1000 {
					t.Errorf("%s: %d bytes were written", name, len(content))
				}
			}
			if requests.Load() > 2 {
				t.Errorf("%d requests", requests.Load())
			}
		})
	}
	t.Run("exactly the limit", func(t *testing.T) {
		url, _ := serve(t, content(body[:1000]))
		opts := quick(nil)
		opts.MaxBytes = 1000
		if _, err := Fetch(t.Context(), url+"/m", t.TempDir(), opts); err != nil {
			t.Error(err)
		}
	})
}

func TestHTTPTime(t *testing.T) {
	hang := func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("some"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	t.Run("deadline", func(t *testing.T) {
		url, _ := serve(t, hang)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := Fetch(ctx, url+"/m", t.TempDir(), quick(nil))
		wantReason(t, err, contract.ReasonStartupTimeout, "in time")
	})
	t.Run("deadline between attempts", func(t *testing.T) {
		url, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := Fetch(ctx, url+"/m", t.TempDir(), Options{Backoff: func(int) time.Duration { return time.Hour }})
		wantReason(t, err, contract.ReasonArtifactUnreachable, "502")
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		url, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		})
		_, err := Fetch(ctx, url+"/m", t.TempDir(), quick(nil))
		wantReason(t, err, contract.ReasonInternal, "interrupted")
	})
	t.Run("an attempt that stands still", func(t *testing.T) {
		var step atomic.Int64
		url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if step.Add(1) == 1 {
				hang(w, r)
				return
			}
			content("some more")(w, r)
		})
		opts := quick(nil)
		opts.IdleTimeout = 100 * time.Millisecond
		a, err := Fetch(t.Context(), url+"/m", t.TempDir(), opts)
		if err != nil {
			t.Fatal(err)
		}
		wantFiles(t, a, map[string]string{"m": "some more"})
	})
}

func TestHTTPRedirects(t *testing.T) {
	plain, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/once":
			http.Redirect(w, r, "/model.pkl?token=s3cr3t", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop?token=s3cr3t", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/malformed":
			w.Header().Set("Location", "http://user:s3cr3t@%zz/?token=s3cr3t")
			w.WriteHeader(http.StatusFound)
		default:
			content("the model")(w, r)
		}
	})
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain+"/model.pkl?token=s3cr3t", http.StatusFound)
	}))
	defer secure.Close()
	secure.Config.ErrorLog = nil

	a, err := Fetch(t.Context(), plain+"/once", t.TempDir(), quick(nil))
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, a, map[string]string{"once": "the model"})

	opts := quick(nil)
	opts.Transport = secure.Client().Transport
	for url, says := range map[string]string{
		plain + "/loop":      "redirects more than 5 times",
		plain + "/file":      "only http and https",
		plain + "/malformed": "redirects to a malformed URL",
		secure.URL + "/":     "from https to http",
	} {
		waits := 0
		opts.Sleep = func(context.Context, time.Duration) error { waits++; return nil }
		_, err := Fetch(t.Context(), url, t.TempDir(), opts)
		wantReason(t, err, contract.ReasonArtifactUnreachable, says)
		if waits > 0 {
			t.Errorf("%s: tried again", url)
		}
	}
}

// A server that speaks another protocol does not fill the log with it.
func TestHTTPGarbageIsNotRepeated(t *testing.T) {
	url, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		_, _ = conn.Write([]byte("HTTP/1.1 " + strings.Repeat("garbage", 10_000) + " \r\n\r\n"))
	})
	_, err := Fetch(t.Context(), url, t.TempDir(), quick(nil))
	wantReason(t, err, contract.ReasonArtifactUnreachable, "malformed HTTP", "check the host")
	if n := len(err.Error()); n > 1000 {
		t.Errorf("the message has %d bytes", n)
	}
}

func TestHTTPUnreachable(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	waits := 0
	_, err := Fetch(t.Context(), gone.URL+"/m?sig=s3cr3t", t.TempDir(), quick(&waits))
	wantReason(t, err, contract.ReasonArtifactUnreachable, "connection refused", "check the host")
	if waits != DefaultAttempts-1 {
		t.Errorf("%d waits", waits)
	}

	untrusted := httptest.NewUnstartedServer(content("x"))
	untrusted.Config.ErrorLog = discardLog()
	untrusted.StartTLS()
	defer untrusted.Close()
	waits = 0
	_, err = Fetch(t.Context(), untrusted.URL+"/m?sig=s3cr3t", t.TempDir(), quick(&waits))
	wantReason(t, err, contract.ReasonArtifactUnreachable, "certificate is not trusted")
	if waits != 0 {
		t.Error("a certificate does not become trusted by waiting")
	}
}

func TestDigest(t *testing.T) {
	url, _ := serve(t, content("the model"))
	opts := quick(nil)
	opts.SHA256 = sum("another")
	_, err := Fetch(t.Context(), url+"/m", t.TempDir(), opts)
	wantReason(t, err, contract.ReasonDigestMismatch, sum("another"), sum("the model"))
	for _, invalid := range []string{"abc", "sha256:" + sum("x"), sum("x") + "00", strings.Repeat("x", 64)} {
		opts.SHA256 = invalid
		_, err := Fetch(t.Context(), url+"/m", t.TempDir(), opts)
		wantReason(t, err, contract.ReasonConfigInvalid, "64 hexadecimal digits")
	}
}

func TestEmptyObject(t *testing.T) {
	url, _ := serve(t, content(""))
	_, err := Fetch(t.Context(), url+"/m", t.TempDir(), quick(nil))
	wantReason(t, err, contract.ReasonArtifactMalformed, "empty")
}

// TestDirectory has what a container that was killed leaves in its volume, and what is somebody else's.
func TestDirectory(t *testing.T) {
	url, _ := serve(t, content("new"))
	dir := filepath.Join(t.TempDir(), "made", "if", "missing")
	if _, err := Fetch(t.Context(), url+"/old.pkl", dir, quick(nil)); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"other": "keep", "download/part": "half"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, err := Fetch(t.Context(), url+"/new.pkl", dir, quick(nil))
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, a, map[string]string{"new.pkl": "new"})
	if got := readAll(t, dir); len(got) != 2 || got["other"] != "keep" {
		t.Errorf("directory holds %v", got)
	}

	if _, err := Fetch(t.Context(), url, filepath.Join(dir, "other"), quick(nil)); err == nil {
		t.Error("fetched into a file")
	}
}
