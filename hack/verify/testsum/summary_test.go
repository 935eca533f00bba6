package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// stream writes the events of one test (or, with an empty name, one package) as go test -json does.
func stream(t *testing.T, action, pkg, test string, output ...string) string {
	t.Helper()
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	for _, text := range output {
		if err := encoder.Encode(event{Action: "output", Package: pkg, Test: test, Output: text + "\n"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := encoder.Encode(event{Action: action, Package: pkg, Test: test}); err != nil {
		t.Fatal(err)
	}
	return lines.String()
}

func TestSummary(t *testing.T) {
	const ginkgo = "\x1b[1mFAIL!\x1b[0m -- \x1b[1m1 Passed\x1b[0m | 1 Failed | 1 Pending | 1 Skipped"
	cases := map[string]struct {
		events string
		last   string
		wants  []string
		failed bool
	}{
		"passes are counted, their output is not shown": {
			events: stream(t, "pass", "p", "TestA", "noise") + stream(t, "pass", "p", ""),
			last:   "1 passed, 0 failed, 0 skipped",
			wants:  []string{"ok    p"},
		},
		"a skip is named with its reason": {
			events: stream(t, "skip", "p", "TestA", "=== RUN   TestA", "    a_test.go:10: no data here", "--- SKIP: TestA"),
			last:   "0 passed, 0 failed, 1 skipped",
			wants:  []string{"p TestA: no data here"},
		},
		"a skip without words says so": {
			events: stream(t, "skip", "p", "TestA", "--- SKIP: TestA"),
			last:   "0 passed, 0 failed, 1 skipped",
			wants:  []string{"no reason given"},
		},
		"a failure shows what the test said": {
			events: stream(t, "fail", "p", "TestA", "a_test.go:1: one is two") + stream(t, "fail", "p", "", "FAIL p"),
			last:   "0 passed, 1 failed, 0 skipped",
			wants:  []string{"--- FAIL p TestA", "one is two", "FAIL  p"},
			failed: true,
		},
		"a package that fails without a failed test counts": {
			events: stream(t, "output", "p", "TestHangs", "was here") + stream(t, "fail", "p", "", "panic: test timed out"),
			last:   "0 passed, 1 failed, 0 skipped",
			wants:  []string{"panic: test timed out", "was here"},
			failed: true,
		},
		"a failed build is shown": {
			events: `{"ImportPath":"p","Action":"build-output","Output":"x.go:1: no such thing\n"}` + "\n" +
				stream(t, "fail", "p", ""),
			last:   "0 passed, 1 failed, 0 skipped",
			wants:  []string{"no such thing"},
			failed: true,
		},
		"a suite counts by its specs": {
			events: stream(t, "fail", "p", "TestSuite",
				"P [PENDING]", "a thing is pending", "x_test.go:7",
				"  [SKIPPED] in [It] - x_test.go:6",
				"S [SKIPPED] [0.000 seconds]", "a thing is skipped", "x_test.go:6", "", "  [SKIPPED] no data here",
				"  In [It] at: x_test.go:6", ginkgo),
			last:   "1 passed, 1 failed, 2 skipped",
			wants:  []string{"p a thing is pending: pending", "p a thing is skipped: no data here"},
			failed: true,
		},
		"specs skipped without a word are not lost": {
			events: stream(t, "pass", "p", "TestSuite", "SUCCESS! -- 3 Passed | 0 Failed | 0 Pending | 2 Skipped"),
			last:   "3 passed, 0 failed, 2 skipped",
			wants:  []string{"2 specs, unexplained"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			sum := newSummary(&out, false)
			for line := range strings.Lines(tc.events) {
				sum.line([]byte(line))
			}
			sum.finish()
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if got := lines[len(lines)-1]; got != tc.last {
				t.Errorf("last line %q, want %q", got, tc.last)
			}
			for _, want := range tc.wants {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in:\n%s", want, out.String())
				}
			}
			if (sum.failed > 0) != tc.failed {
				t.Errorf("failed = %d, want failure: %v", sum.failed, tc.failed)
			}
			if strings.Contains(out.String(), "noise") {
				t.Error("the output of a passing test is shown")
			}
		})
	}
}

func TestHeartbeatBreaksSilenceOnly(t *testing.T) {
	var out bytes.Buffer
	sum := newSummary(&out, false)
	for range 2 {
		sum.line(nil)
	}
	if got := strings.Count(out.String(), "compiling or running"); got == 0 {
		t.Error("silence is not broken")
	}
	out.Reset()
	sum.line([]byte(stream(t, "pass", "p", "")))
	sum.line(nil)
	if strings.Contains(out.String(), "compiling or running") {
		t.Error("a heartbeat although a package has just ended")
	}
}
