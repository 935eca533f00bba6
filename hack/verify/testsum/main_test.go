package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestRunExitsAsGoTest runs go test for real, on a module of one file.
func TestRunExitsAsGoTest(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		code int
		last string
	}{
		"passes":           {`func TestA(t *testing.T) {}`, 0, "1 passed, 0 failed, 0 skipped"},
		"fails":            {`func TestA(t *testing.T) { t.Fail() }`, 1, "0 passed, 1 failed, 0 skipped"},
		"panics":           {`func TestA(t *testing.T) { panic("x") }`, 1, "0 passed, 1 failed, 0 skipped"},
		"does not compile": {`func TestA(t *testing.T) { nonsense }`, 1, "0 passed, 1 failed, 0 skipped"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for file, text := range map[string]string{
				"go.mod":    "module example.com/m\n\ngo 1.26\n",
				"a_test.go": "package m\n\nimport \"testing\"\n\n" + tc.body + "\n",
			} {
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var out, errs bytes.Buffer
			code, err := run(t.Context(), []string{"./..."}, &out, &errs)
			if err != nil {
				t.Fatal(err)
			}
			if code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if got := lines[len(lines)-1]; got != tc.last {
				t.Errorf("the last line is %q, want %q; all:\n%s%s", got, tc.last, out.String(), errs.String())
			}
		})
	}
}
