package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/hack/internal/oci"
)

func TestChoose(t *testing.T) {
	if all, err := choose(targets(), nil); err != nil || len(all) != len(targets()) {
		t.Errorf("nothing asked for: %d, %v", len(all), err)
	}
	some, err := choose(targets(), []string{"testkit", "runtime"})
	if err != nil || strings.Join(keys(some), " ") != "testkit runtime" {
		t.Errorf("%v, %v", keys(some), err)
	}
	if _, err := choose(targets(), []string{"nonesuch"}); err == nil || !strings.Contains(err.Error(), "operatorNext") {
		t.Errorf("the choice is not explained: %v", err)
	}
}

func TestChartVersion(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Chart.yaml")
	for content, want := range map[string]string{
		"appVersion: \"1.2.3\"\nversion: 9.9.9\n": "1.2.3", "version: 9.9.9\n": "", "a: [": "",
	} {
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := chartVersion(file)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", content, got, err)
		}
	}
}

// A runtime image over the limit must fail the build and must not stay there to be used.
func TestImageOverTheLimitFails(t *testing.T) {
	t.Chdir("../..")
	small := target{key: "small", program: "image", path: "./hack/image", limit: 1}
	out := t.TempDir()
	_, err := small.write(t.Context(), options{out: out, version: "1"}, oci.Entry{}, new(bytes.Buffer))
	if err == nil || !strings.Contains(err.Error(), "must not be over") {
		t.Errorf("got %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(out, "*.tar")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestIndexHasWhatScriptsRead(t *testing.T) {
	content, err := json.Marshal(oci.Entry{Ref: "a:b", Tar: "t", CompressedBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{`"ref":"a:b"`, `"tar":"t"`, `"compressedBytes":1`} {
		if !strings.Contains(string(content), field) {
			t.Errorf("%s lacks %s", content, field)
		}
	}
}
