package fetch

import (
	"io"
	"log"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

func TestInvalidURLs(t *testing.T) {
	for url, says := range map[string]string{
		"":                                 "no scheme",
		"model.pkl":                        "no scheme",
		"/models/model.pkl":                "no scheme",
		"ftp://host/model.pkl":             "ftp",
		"file:///etc/passwd":               "file",
		"gs://bucket/model":                "gs",
		"http://":                          "malformed",
		"http:///path":                     "malformed",
		"http://host:s3cr3t/m":             "malformed",
		"http://host/%zz?s3cr3t":           "malformed",
		"https://user:s3cr3t@host/m":       "Secret",
		"s3:bucket/key":                    "s3://BUCKET/KEY",
		"s3://":                            "s3://BUCKET/KEY",
		"s3:///key":                        "s3://BUCKET/KEY",
		"s3://user:s3cr3t@bucket/key":      "s3://BUCKET/KEY",
		"s3://bucket/../other/key":         "'..'",
		"s3://bucket/a//b":                 "empty",
		"s3://bucket/key?versionId=s3cr3t": "'?'",
	} {
		_, err := Fetch(t.Context(), url, t.TempDir(), quick(nil))
		wantReason(t, err, contract.ReasonConfigInvalid, says)
	}
}

func TestLocationString(t *testing.T) {
	for url, want := range map[string]string{
		"https://host:8443/a/b.pkl?X-Amz-Signature=1#f": "https://host:8443/a/b.pkl",
		"http://host":                            "http://host",
		"S3://bucket/a b%20/c.pkl":               "s3://bucket/a b%20/c.pkl",
		"s3://bucket":                            "s3://bucket/",
		"data:;base64," + strings.Repeat("A", 9): "data:… (17 characters)",
	} {
		l, err := parseURL(url)
		if err != nil || l.String() != want {
			t.Errorf("%q: got %q, %v, want %q", url, l, err, want)
		}
	}
}

func TestData(t *testing.T) {
	for url, want := range map[string]string{
		"data:,hello%20world":                          "hello world",
		"data:text/plain;charset=utf-8,%E6%A8%A1":      "模",
		"data:;base64,aGVsbG8=":                        "hello",
		"data:application/octet-stream;base64,aGVsbG8": "hello",
		"data:;BASE64,aGVs%0AbG8%3D":                   "hello",
		"data:;base64,aGVs\nbG8=\n":                    "hello",
		"data:;base64,-_-_":                            "\xfb\xff\xbf",
		"DATA:;base64,%2B/+/":                          "\xfb\xff\xbf",
		"data:text/plain;x=base64,aGVsbG8=":            "aGVsbG8=",
	} {
		a, err := Fetch(t.Context(), url, t.TempDir(), quick(nil))
		if err != nil {
			t.Errorf("%q: %v", url, err)
			continue
		}
		wantFiles(t, a, map[string]string{"artifact": want})
	}
	for url, says := range map[string]string{
		"data:":              "comma",
		"data:;base64":       "comma",
		"data:;base64,@@@@":  "base64",
		"data:;base64,aGV5a": "base64",
		"data:,%zz":          "escape",
		"data:,":             "empty",
	} {
		waits := 0
		_, err := Fetch(t.Context(), url, t.TempDir(), quick(&waits))
		wantReason(t, err, contract.ReasonArtifactMalformed, says)
		if waits != 0 {
			t.Errorf("%q: tried again", url)
		}
	}
	opts := quick(nil)
	opts.MaxBytes = 4
	_, err := Fetch(t.Context(), "data:,12345", t.TempDir(), opts)
	wantReason(t, err, contract.ReasonArtifactTooLarge)
}

func FuzzDecodeData(f *testing.F) {
	for _, s := range []string{"", ",", ";base64,", ";base64,aGVsbG8=", "text/plain;charset=utf-8;base64,%3D", ",%zz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := decodeData(s)
		if err == nil && len(b) > len(s) {
			t.Errorf("%q became longer: %q", s, b)
		}
		if err != nil && b != nil {
			t.Errorf("%q: both %q and %v", s, b, err)
		}
	})
}

func FuzzParseURL(f *testing.F) {
	for _, s := range []string{"http://h/p?q#f", "s3://bucket/k/", "data:,x", "https://u:p@h/", "s3://b/../x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := parseURL(s)
		if err != nil {
			return
		}
		if name := l.baseName(); !usableName(name) {
			t.Errorf("%q would be kept as %q", s, name)
		}
		if l.http != nil && strings.ContainsAny(l.String(), "?#") {
			t.Errorf("%q is shown as %q", s, l)
		}
	})
}
