package main

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// event is one line of `go test -json`.
type event struct {
	Action  string
	Package string
	Test    string
	Elapsed float64
	Output  string
	// ImportPath and FailedBuild are set on build events, which carry no Package.
	ImportPath  string
	FailedBuild string
}

// skip is a test that did not run, and why.
type skip struct{ name, reason string }

// summary keeps the output of tests that are still running, and counts those that ended.
type summary struct {
	out                     *counter
	printed                 int                 // out.count at the last heartbeat
	packages                int                 // that have ended
	live                    bool                // print what tests say as they say it
	output                  map[string][]string // by package and test
	suites                  map[string]bool     // tests that turned out to be Ginkgo suites, by package and test
	skips                   []skip
	failures                []string
	passed, failed, skipped int
}

func newSummary(out io.Writer, live bool) *summary {
	return &summary{out: &counter{Writer: out}, live: live, output: map[string][]string{}, suites: map[string]bool{}}
}

// line takes one line of the stream. What is not JSON (a broken build's message) is passed on. No line at all means that
// time has passed.
func (s *summary) line(line []byte) {
	if len(line) == 0 {
		s.heartbeat()
		return
	}
	var ev event
	if err := json.Unmarshal(line, &ev); err != nil {
		fmt.Fprint(s.out, string(line))
		return
	}
	switch {
	case ev.Action == "build-output":
		fmt.Fprint(s.out, ev.Output)
	case ev.Action == "output":
		s.keep(ev)
	case ev.Test == "":
		s.packageEnded(ev)
	default:
		s.testEnded(ev)
	}
}

// heartbeat says that something goes on, where nothing has been printed since the last one.
func (s *summary) heartbeat() {
	if s.printed == s.out.count {
		fmt.Fprintf(s.out, "      … compiling or running; %d packages are done\n", s.packages)
	}
	s.printed = s.out.count
}

// counter notices that something is printed.
type counter struct {
	io.Writer
	count int
}

func (c *counter) Write(b []byte) (int, error) {
	c.count++
	return c.Writer.Write(b)
}

func (s *summary) keep(ev event) {
	id := key(ev.Package, ev.Test)
	text := ansi.ReplaceAllString(ev.Output, "")
	s.output[id] = append(s.output[id], text)
	if ev.Test == "" {
		return
	}
	if s.live {
		fmt.Fprint(s.out, text)
	}
	if counts := specCounts.FindStringSubmatch(text); counts != nil {
		s.suiteEnded(ev, counts)
	}
}

// suiteEnded counts a Ginkgo suite's specs in place of the one test that ran them.
func (s *summary) suiteEnded(ev event, counts []string) {
	id := key(ev.Package, ev.Test)
	s.suites[id] = true
	s.passed += number(counts[1])
	s.failed += number(counts[2])
	left := number(counts[3]) + number(counts[4])
	s.skipped += left
	skips := specSkips(ev.Package, s.output[id])
	if unexplained := left - len(skips); unexplained > 0 {
		skips = append(skips, skip{
			name:   ev.Package + " " + ev.Test,
			reason: fmt.Sprintf("%d specs, unexplained (filtered out, or the suite's reporter is not verbose)", unexplained),
		})
	}
	s.skips = append(s.skips, skips...)
}

func (s *summary) testEnded(ev event) {
	id := key(ev.Package, ev.Test)
	defer delete(s.output, id)
	suite := s.suites[id]
	switch ev.Action {
	case "pass":
		if !suite {
			s.passed++
		}
	case "fail":
		if !suite {
			s.failed++
		}
		s.failures = append(s.failures, ev.Package+" "+ev.Test)
		fmt.Fprintf(s.out, "--- FAIL %s %s\n", ev.Package, ev.Test)
		if !s.live {
			fmt.Fprint(s.out, strings.Join(s.output[id], ""))
		}
	case "skip":
		s.skipped++
		s.skips = append(s.skips, skip{name: ev.Package + " " + ev.Test, reason: skipReason(s.output[id])})
	default:
		return
	}
}

func (s *summary) packageEnded(ev event) {
	id := key(ev.Package, "")
	switch ev.Action {
	case "pass":
		s.packages++
		fmt.Fprintf(s.out, "ok    %s  %.1fs\n", ev.Package, ev.Elapsed)
	case "fail":
		s.packages++
		s.packageFailed(ev, id)
	case "skip": // no test files
	default:
		return
	}
	delete(s.output, id)
}

// packageFailed prints the package's own output where no test carries it: a panic, a timeout, a build that failed.
func (s *summary) packageFailed(ev event, id string) {
	fmt.Fprintf(s.out, "FAIL  %s  %.1fs\n%s", ev.Package, ev.Elapsed, strings.Join(s.output[id], ""))
	for _, failure := range s.failures {
		if strings.HasPrefix(failure, ev.Package+" ") {
			return
		}
	}
	s.failed++
	s.failures = append(s.failures, ev.Package)
	s.printUnfinished(ev.Package)
}

// printUnfinished shows what the package's tests had said when they were cut off.
func (s *summary) printUnfinished(pkg string) {
	for id, text := range s.output {
		if name, found := strings.CutPrefix(id, pkg+"\n"); found && name != "" {
			fmt.Fprintf(s.out, "--- unfinished %s %s\n%s", pkg, name, strings.Join(text, ""))
		}
	}
}

// finish prints the end of the report; its last line is the sum.
func (s *summary) finish() {
	if len(s.skips) > 0 {
		fmt.Fprintln(s.out, "\nSkipped:")
		for _, skip := range s.skips {
			fmt.Fprintf(s.out, "  %s: %s\n", skip.name, skip.reason)
		}
	}
	if len(s.failures) > 0 {
		fmt.Fprintf(s.out, "\nFailed:\n  %s\n", strings.Join(s.failures, "\n  "))
	}
	fmt.Fprintf(s.out, "\n%d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped)
}

func key(pkg, test string) string { return pkg + "\n" + test }

var (
	ansi = regexp.MustCompile(`\x1b\[[0-9;]*m`)
	// specCounts is the last line of a Ginkgo suite.
	specCounts = regexp.MustCompile(`(\d+) Passed \| (\d+) Failed \| (\d+) Pending \| (\d+) Skipped`)
	specSkip   = regexp.MustCompile(`^\s+\[SKIPPED\]\s*(.*)`)
	// position is the "file_test.go:12: " in front of what a test logs.
	position = regexp.MustCompile(`^\s*\S+\.go:\d+: `)
)

func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}

// skipReason is what the test said before it gave up.
func skipReason(output []string) string {
	var said []string
	for _, line := range output {
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || strings.HasPrefix(trimmed, "===") || strings.HasPrefix(trimmed, "---") {
			continue
		}
		said = append(said, strings.TrimSpace(position.ReplaceAllString(line, "")))
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return strings.Join(said, " ")
}

// specSkips finds the specs that a Ginkgo suite skipped. A verbose reporter prints a header ("S [SKIPPED] [0.1 s]" or
// "P [PENDING]"), the spec's name, its place, and for a skipped one the reason, indented.
func specSkips(pkg string, output []string) []skip {
	var skips []skip
	name := ""
	lines := strings.Split(strings.Join(output, ""), "\n")
	for i, line := range lines {
		switch found := specSkip.FindStringSubmatch(line); {
		case strings.HasPrefix(line, "S [SKIPPED]"):
			name = at(lines, i+1)
		case strings.HasPrefix(line, "P [PENDING]"):
			skips = append(skips, skip{name: pkg + " " + at(lines, i+1), reason: "pending"})
		case found != nil && name != "":
			skips = append(skips, skip{name: pkg + " " + name, reason: found[1]})
			name = ""
		}
	}
	return skips
}

func at(lines []string, i int) string {
	if i >= len(lines) {
		return ""
	}
	return strings.TrimSpace(lines[i])
}
