package fetch

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// fakeS3 answers as S3 does, as far as what is told about it goes. The real server is in versitygw_test.go; this one is
// for what a real one does not do on demand.
type fakeS3 struct {
	objects  map[string]string
	pageSize int
	// before may answer instead; it returns whether it has.
	before func(w http.ResponseWriter, r *http.Request) bool
}

type listing struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	Contents              []listingEntry
}

type listingEntry struct {
	Key  string
	Size int
}

func (s fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.before != nil && s.before(w, r) {
		return
	}
	key, ok := strings.CutPrefix(r.URL.Path, "/bucket")
	key = strings.TrimPrefix(key, "/")
	if !ok {
		s3Error(w, http.StatusNotFound, "NoSuchBucket")
		return
	}
	if r.URL.Query().Get("list-type") == "2" {
		s.list(w, r)
		return
	}
	body, ok := s.objects[key]
	if !ok {
		s3Error(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	w.Header().Set("ETag", `"`+sum(body)+`"`)
	http.ServeContent(w, r, "", noTime, strings.NewReader(body))
}

func (s fakeS3) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	keys := sortedKeys(s.objects)
	from, _ := strconv.Atoi(query.Get("continuation-token"))
	var answer listing
	for i, key := range keys {
		if i < from || !strings.HasPrefix(key, query.Get("prefix")) {
			continue
		}
		if s.pageSize > 0 && len(answer.Contents) == s.pageSize {
			answer.IsTruncated, answer.NextContinuationToken = true, strconv.Itoa(i)
			break
		}
		answer.Contents = append(answer.Contents, listingEntry{key, len(s.objects[key])})
	}
	must(xml.NewEncoder(w).Encode(answer))
}

func s3Error(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
}

func keysFor(url string) S3Config {
	return S3Config{AccessKeyID: "AKIA", SecretAccessKey: "s3cr3t", Endpoint: url}
}

func (s fakeS3) options(t *testing.T) Options {
	t.Helper()
	url, _ := serve(t, s.ServeHTTP)
	opts := quick(nil)
	opts.S3 = keysFor(url)
	return opts
}

func TestS3Object(t *testing.T) {
	opts := fakeS3{
		objects: map[string]string{"a b/model?.pkl": "", "a b%20/模型.pkl": "the model"},
		before: func(_ http.ResponseWriter, r *http.Request) bool {
			if auth := r.Header.Get("Authorization"); !strings.Contains(auth, "AKIA") || strings.Contains(auth, "s3cr3t") {
				t.Errorf("Authorization: %s", auth)
			}
			if r.Header.Get("X-Amz-Security-Token") != "session" {
				t.Error("no session token")
			}
			return false
		},
	}.options(t)
	opts.S3.SessionToken = "session"
	a, err := Fetch(t.Context(), "s3://bucket/a b%20/模型.pkl", t.TempDir(), opts)
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, a, map[string]string{"模型.pkl": "the model"})
}

func TestS3Resume(t *testing.T) {
	body := strings.Repeat("0123456789", 100_000)
	var step atomic.Int64
	ranges := make(chan string, 10)
	opts := fakeS3{
		objects: map[string]string{"m": body},
		before: func(w http.ResponseWriter, r *http.Request) bool {
			ranges <- r.Header.Get("Range")
			switch step.Add(1) {
			case 1:
				cutOff(w, body[:100], len(body), http.Header{"Etag": {`"` + sum(body) + `"`}})
			case 2:
				s3Error(w, http.StatusServiceUnavailable, "SlowDown")
			default:
				return false
			}
			return true
		},
	}.options(t)
	a, err := Fetch(t.Context(), "s3://bucket/m", t.TempDir(), opts)
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, a, map[string]string{"m": body})
	for _, want := range []string{"", "bytes=100-", "bytes=100-"} {
		if got := <-ranges; got != want {
			t.Errorf("got range %q, want %q", got, want)
		}
	}
}

// TestS3Overwritten has an object that is overwritten while it is fetched: the new one is taken, and nothing of the old.
func TestS3Overwritten(t *testing.T) {
	var step atomic.Int64
	opts := fakeS3{
		objects: map[string]string{"m": "the new model"},
		before: func(w http.ResponseWriter, _ *http.Request) bool {
			if step.Add(1) == 1 {
				cutOff(w, "the old", 13, http.Header{"Etag": {`"old"`}})
			}
			return step.Load() == 1
		},
	}.options(t)
	a, err := Fetch(t.Context(), "s3://bucket/m", t.TempDir(), opts)
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, a, map[string]string{"m": "the new model"})
	if a.Digest != sum("the new model") || step.Load() != 3 {
		t.Errorf("digest %s after %d requests", a.Digest, step.Load())
	}
}

func TestS3Prefix(t *testing.T) {
	server := fakeS3{pageSize: 2, objects: map[string]string{
		"v1/":                 "",
		"v1/model.pkl":        "the model",
		"v1/golden.jsonl":     "{}",
		"v1/assets/":          "",
		"v1/assets/words.txt": "人工智能",
		"v1/assets/empty":     "",
		"v10/model.pkl":       "another",
		"v1.pkl":              "another",
	}}
	opts := server.options(t)
	// What sha256sum prints for the files, sorted, hashed.
	opts.SHA256 = digestOf([]file{
		{name: "model.pkl", digest: sum("the model")}, {name: "golden.jsonl", digest: sum("{}")},
		{name: "assets/words.txt", digest: sum("人工智能")}, {name: "assets/empty", digest: sum("")},
	})
	a, err := Fetch(t.Context(), "s3://bucket/v1/", t.TempDir(), opts)
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, a, map[string]string{
		"model.pkl": "the model", "golden.jsonl": "{}", "assets/words.txt": "人工智能", "assets/empty": "",
	})

	opts.SHA256 = sum("the model")
	_, err = Fetch(t.Context(), "s3://bucket/v1/", t.TempDir(), opts)
	wantReason(t, err, contract.ReasonDigestMismatch, a.Digest)

	opts.SHA256 = ""
	opts.MaxFiles = 3
	_, err = Fetch(t.Context(), "s3://bucket/v1/", t.TempDir(), opts)
	wantReason(t, err, contract.ReasonArtifactTooLarge, "3 files")

	opts.MaxFiles, opts.MaxBytes = 100, 15
	_, err = Fetch(t.Context(), "s3://bucket/v1/", t.TempDir(), opts)
	wantReason(t, err, contract.ReasonArtifactTooLarge, "15 bytes")

	_, err = Fetch(t.Context(), "s3://bucket/v2/", t.TempDir(), opts)
	wantReason(t, err, contract.ReasonArtifactNotFound, "s3://bucket/v2/: ", "no object below")
}

// TestBundleDigest has the number that the documented command line prints.
func TestBundleDigest(t *testing.T) {
	files := []file{{name: "b/c.txt", digest: sum("c\n")}, {name: "a.txt", digest: sum("a\n")}}
	const want = "17114156f2cc484af9aca36b842ee3714af635d9f4408bae30ea46152e5e7760"
	if got := digestOf(files); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestS3HostileListing(t *testing.T) {
	for name, c := range map[string]struct {
		key    string
		reason contract.Reason
	}{
		"parent":             {"v1/../../../evil", contract.ReasonArtifactUnsafe},
		"absolute":           {"v1//etc/evil", contract.ReasonArtifactUnsafe},
		"another prefix":     {"/etc/evil", contract.ReasonArtifactUnsafe},
		"backslash":          {`v1/..\evil`, contract.ReasonArtifactUnsafe},
		"long":               {"v1/" + strings.Repeat("x", 256), contract.ReasonArtifactUnsafe},
		"file and directory": {"v1/model.pkl/x", contract.ReasonArtifactMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			opts := fakeS3{objects: map[string]string{"v1/model.pkl": "x", c.key: "x"}, before: func(
				_ http.ResponseWriter, r *http.Request,
			) bool {
				r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "prefix=v1%2F", "", 1) // it lists what it likes
				return false
			}}.options(t)
			_, err := Fetch(t.Context(), "s3://bucket/v1/", t.TempDir(), opts)
			wantReason(t, err, c.reason)
		})
	}
}

func TestS3ListingWithoutEnd(t *testing.T) {
	opts := fakeS3{before: func(w http.ResponseWriter, _ *http.Request) bool {
		must(xml.NewEncoder(w).Encode(listing{IsTruncated: true, NextContinuationToken: "more"}))
		return true
	}}.options(t)
	opts.MaxFiles = 3
	_, err := Fetch(t.Context(), "s3://bucket/v1/", t.TempDir(), opts)
	wantReason(t, err, contract.ReasonArtifactTooLarge, "3 files")
}

// What is read into memory is bounded, whoever answers.
func TestS3AnswersThatAreNone(t *testing.T) {
	const secret = "http://user:s3cr3t@%zz/?token=s3cr3t"
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter)
		reason contract.Reason
		says   string
	}{
		"a web page": {func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>")) },
			contract.ReasonArtifactUnreachable, "no S3 server"},
		"a listing without end": {func(w http.ResponseWriter) { writeXML(w, http.StatusOK, "<ListBucketResult>") },
			contract.ReasonArtifactUnreachable, "bytes of XML"},
		"an error without end": {func(w http.ResponseWriter) { writeXML(w, http.StatusForbidden, "<Error>") },
			contract.ReasonArtifactUnreachable, "bytes of XML"},
		"the same object twice": {func(w http.ResponseWriter) {
			must(xml.NewEncoder(w).Encode(listing{Contents: []listingEntry{{"v1/a", 1}, {"v1/a", 1}}}))
		}, contract.ReasonArtifactMalformed, "twice"},
		"a malformed redirection": {func(w http.ResponseWriter) {
			w.Header().Set("Location", secret)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, contract.ReasonArtifactUnreachable, "redirects to a malformed URL"},
		"half a listing": {func(w http.ResponseWriter) { cutOff(w, "<ListBucketResult>", 100, nil) },
			contract.ReasonArtifactTruncated, "ends before"},
	} {
		t.Run(name, func(t *testing.T) {
			opts := fakeS3{before: func(w http.ResponseWriter, _ *http.Request) bool {
				c.answer(w)
				return true
			}}.options(t)
			_, err := Fetch(t.Context(), "s3://bucket/v1/", t.TempDir(), opts)
			wantReason(t, err, c.reason, c.says)
		})
	}
}

// writeXML writes XML that does not end before its reader has had enough.
func writeXML(w http.ResponseWriter, status int, begin string) {
	w.WriteHeader(status)
	_, _ = w.Write([]byte(begin))
	entry := []byte(strings.Repeat("<Contents><Key>"+strings.Repeat("k", 1000)+"</Key></Contents>", 100))
	for range 1000 {
		if _, err := w.Write(entry); err != nil {
			return
		}
	}
}

func TestS3Errors(t *testing.T) {
	for _, c := range []struct {
		status    int
		code      string
		anonymous bool
		reason    contract.Reason
		says      string
	}{
		{403, "AccessDenied", false, contract.ReasonArtifactForbidden, "access denied (403): check the keys in the Secret"},
		{403, "AccessDenied", true, contract.ReasonArtifactForbidden, "no keys are set"},
		{403, "InvalidAccessKeyId", false, contract.ReasonArtifactForbidden, "AWS_ACCESS_KEY_ID"},
		{403, "SignatureDoesNotMatch", false, contract.ReasonArtifactForbidden, "AWS_SECRET_ACCESS_KEY"},
		{400, "ExpiredToken", false, contract.ReasonArtifactForbidden, "expired"},
		{404, "NoSuchKey", false, contract.ReasonArtifactNotFound, "not found (404)"},
		{404, "NoSuchBucket", false, contract.ReasonArtifactNotFound, "the bucket bucket does not exist"},
		{301, "PermanentRedirect", false, contract.ReasonConfigInvalid, "AWS_REGION"},
		{400, "AuthorizationHeaderMalformed", false, contract.ReasonConfigInvalid, "AWS_REGION"},
		{503, "SlowDown", false, contract.ReasonArtifactUnreachable, "answers 503"},
		{500, "InternalError", false, contract.ReasonArtifactUnreachable, "answers 500"},
	} {
		for _, url := range []string{"s3://bucket/model.pkl", "s3://bucket/v1/"} {
			t.Run(fmt.Sprint(c.code, c.anonymous, url), func(t *testing.T) {
				opts := fakeS3{before: func(w http.ResponseWriter, r *http.Request) bool {
					if c.anonymous && r.Header.Get("Authorization") != "" {
						t.Error("signed without keys")
					}
					s3Error(w, c.status, c.code)
					return true
				}}.options(t)
				if c.anonymous {
					opts.S3.AccessKeyID, opts.S3.SecretAccessKey = "", ""
				}
				_, err := Fetch(t.Context(), url, t.TempDir(), opts)
				wantReason(t, err, c.reason, url+": ", c.says)
			})
		}
	}
}

func TestS3ForgottenSlash(t *testing.T) {
	opts := fakeS3{objects: map[string]string{"v1/model.pkl": "x"}}.options(t)
	_, err := Fetch(t.Context(), "s3://bucket/v1", t.TempDir(), opts)
	wantReason(t, err, contract.ReasonArtifactNotFound, "s3://bucket/v1/", "add the /")
}

func TestS3Unreachable(t *testing.T) {
	opts := quick(nil)
	opts.S3 = keysFor("http://127.0.0.1:1")
	_, err := Fetch(t.Context(), "s3://bucket/m", t.TempDir(), opts)
	wantReason(t, err, contract.ReasonArtifactUnreachable, "connection refused")
}

func TestS3Config(t *testing.T) {
	env := map[string]string{
		contract.EnvAccessKeyID: "id\n", contract.EnvSecretAccessKey: " key ", contract.EnvSessionToken: "token",
		contract.EnvRegion: "eu-west-1", contract.EnvEndpoint: "https://s3:9000", contract.EnvAddressing: "virtual",
	}
	got := S3ConfigFrom(func(name string) string { return env[name] })
	if want := (S3Config{"id", "key", "token", "eu-west-1", "https://s3:9000", "virtual"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for says, config := range map[string]S3Config{
		contract.EnvAccessKeyID:                  {SecretAccessKey: "s3cr3t"},
		contract.EnvSecretAccessKey:              {AccessKeyID: "id"},
		"AWS_ENDPOINT_URL must be":               {Endpoint: "s3.local:9000"},
		"AWS_ENDPOINT_URL must be an http":       {Endpoint: "https://u:s3cr3t@s3"},
		"without a user, a query":                {Endpoint: "https://s3/?token=s3cr3t"},
		"AWS_ACCESS_KEY_ID has a space":          {AccessKeyID: "s3cr3t\nx", SecretAccessKey: "s3cr3t"},
		"AWS_SESSION_TOKEN has a space":          {AccessKeyID: "id", SecretAccessKey: "s3cr3t", SessionToken: "s3cr3t\u00e9"},
		"AWS_REGION has a space":                 {Region: "eu west"},
		`AWS_S3_ADDRESSING_STYLE must be "path"`: {Addressing: "dns"},
	} {
		opts := quick(nil)
		opts.S3 = config
		_, err := Fetch(t.Context(), "s3://bucket/m", t.TempDir(), opts)
		wantReason(t, err, contract.ReasonConfigInvalid, says)
	}
	for _, c := range []struct {
		config S3Config
		want   bool
	}{
		{S3Config{}, false},
		{S3Config{Endpoint: "http://s3"}, true},
		{S3Config{Endpoint: "http://s3", Addressing: "virtual"}, false},
		{S3Config{Addressing: "path"}, true},
	} {
		if c.config.pathStyle() != c.want {
			t.Errorf("%+v: path style %v", c.config, !c.want)
		}
	}
}
