// Package story is the demo: five steps in the life of a model, from its first version to a bad one that is kept out,
// with users asking for predictions all the while. `make demo` tells it on a terminal and the end-to-end suite runs it as
// a spec; what is claimed is checked here, once, for both.
//
// In the room: the steps, the claims they make, and a Teller who passes them on. It touches the cluster through the
// harness, and there only one namespace.
package story

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	servingv1alpha1 "github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/test/harness"
	"github.com/ctr-operator/ctr-operator/test/testkit/load"
)

// Teller passes the story on.
type Teller interface {
	// Step begins a numbered step.
	Step(number int, title string)
	// Note is a sentence about what happens now.
	Note(format string, args ...any)
	// Show is a block of text: a manifest that is applied, an answer that came back.
	Show(title, text string)
	// Claim is something that holds, or does not.
	Claim(Claim)
}

// Claim is a statement and whether it held.
type Claim struct {
	Step   int
	Text   string
	Held   bool
	Detail string
}

// Row is a line of the table at the end: who answered how many.
type Row struct {
	Step      int
	What      string
	Requests  int
	Revisions map[int64]int
	Failed    int
	// Expected is the interval in which the canary's count should lie, or empty.
	Expected string
	Took     time.Duration
}

// Result is what is left when the story is over.
type Result struct {
	Rows   []Row
	Claims []Claim
	// Background is what became of the users' requests that went on through all of the steps.
	Background load.Summary
	// StepTook is how long each step took.
	StepTook map[int]time.Duration
}

// TotalRequests and TotalFailed count every request that the story sent.
func (r Result) TotalRequests() int { return r.total(func(row Row) int { return row.Requests }) }

// TotalFailed is the number that the whole story is about.
func (r Result) TotalFailed() int { return r.total(func(row Row) int { return row.Failed }) }

func (r Result) total(of func(Row) int) int {
	sum := 0
	for _, row := range r.Rows {
		sum += of(row)
	}
	return sum
}

// Broken are the claims that did not hold.
func (r Result) Broken() []Claim {
	var broken []Claim
	for _, c := range r.Claims {
		if !c.Held {
			broken = append(broken, c)
		}
	}
	return broken
}

// Users is how many different users ask for predictions; Connections over how many kept-alive connections.
const (
	Users       = 2000
	Connections = 8
)

// keyHeader carries the user's name.
const keyHeader = "X-User-Id"

// Scores of each version for testkit's default inputs, from the first golden prediction of test/testdata/demo.
var scores = map[int64]float64{1: 0.6584274620546415, 2: 0.9005137070522018}

// Run tells the story with the model of the given name. An error means that it could not be told to its end; what was
// claimed until then is in the result.
func Run(ctx context.Context, h *harness.Harness, key client.ObjectKey, tell Teller) (Result, error) {
	s := &story{h: h, key: key, tell: tell, result: Result{StepTook: map[int]time.Duration{}}}
	steps := []struct {
		title string
		run   func(context.Context) error
	}{
		{"Version 1: from a bucket to predictions", s.firstVersion},
		{"Version 2 as a canary: 10 % of the users", s.canary},
		{"50 %, then everybody: nobody changes sides", s.promote},
		{"Version 3 does not do what it promised", s.badVersion},
		{"Back to version 2", s.setBack},
	}
	for i, step := range steps {
		s.step = i + 1
		tell.Step(s.step, step.title)
		begin := time.Now()
		if err := step.run(ctx); err != nil {
			s.abandon(context.WithoutCancel(ctx))
			return s.result, fmt.Errorf("step %d: %w", s.step, err)
		}
		s.result.StepTook[s.step] = time.Since(begin)
	}
	return s.result, nil
}

type story struct {
	h          *harness.Harness
	key        client.ObjectKey
	tell       Teller
	step       int
	background *harness.Load
	result     Result
	// applied is the manifest that was applied last.
	applied string
	// onCanary are the users who were on version 2 at 10 %.
	onCanary map[string]bool
}

func (s *story) url() string {
	return fmt.Sprintf("http://%s.%s.svc:%d", s.key.Name, s.key.Namespace, contract.PortREST)
}

func (s *story) claim(held bool, text, detail string) {
	c := Claim{Step: s.step, Text: text, Held: held, Detail: detail}
	s.result.Claims = append(s.result.Claims, c)
	s.tell.Claim(c)
}

// manifest is what a user would write for a version of the model.
func (s *story) manifest(version int, weight *int32) string {
	var b strings.Builder
	fmt.Fprintf(&b, `apiVersion: serving.ctr-operator.dev/v1alpha1
kind: CTRModel
metadata:
  name: %s
  namespace: %s
spec:
  modelType: LogisticRegression
  artifactURL: %s
  artifact:
    secretRef: {name: %s}
  traffic:
    stickiness: {header: %s}
`, s.key.Name, s.key.Namespace, s.artifact(version), harness.S3Secret, keyHeader)
	if weight != nil {
		fmt.Fprintf(&b, "  canaryWeight: %d\n", *weight)
	}
	return b.String()
}

func (s *story) prefix(version int) string {
	return path.Join(s.key.Namespace, s.key.Name, fmt.Sprintf("v%d", version))
}

func (s *story) artifact(version int) string {
	return "s3://" + harness.Bucket + "/" + s.prefix(version) + "/"
}

func (s *story) upload(ctx context.Context, version int) error {
	url, err := s.h.PutBundle(ctx, s.prefix(version), fmt.Sprintf("test/testdata/demo/v%d", version))
	if err == nil {
		s.tell.Note("uploaded %s (model.pkl, golden.jsonl)", url)
	}
	return err
}

// apply applies a manifest as `kubectl apply --server-side` would, and shows it: whole the first time, then what is new.
func (s *story) apply(ctx context.Context, manifest string) error {
	if s.applied == "" {
		s.tell.Show("kubectl apply", manifest)
	} else {
		s.tell.Show("kubectl apply, with", changed(s.applied, manifest))
	}
	s.applied = manifest
	return s.h.Apply(ctx, manifest)
}

// changed are the lines of a manifest that were not in the one before.
func changed(before, manifest string) string {
	known := strings.Split(before, "\n")
	var lines []string
	for line := range strings.Lines(manifest) {
		if !slices.Contains(known, strings.TrimRight(line, "\n")) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

func (s *story) wait(ctx context.Context, limit time.Duration, goal string, wants ...harness.Want) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	begin := time.Now()
	err := s.h.WaitModel(ctx, s.key, goal, wants...)
	if err == nil {
		s.tell.Note("%s after %.1f s", goal, time.Since(begin).Seconds())
	}
	return err
}

// users lets every user ask once and adds a row to the table.
func (s *story) users(ctx context.Context, what string, expected string) (load.Summary, error) {
	begin := time.Now()
	sum, err := s.h.Load(ctx, load.Config{
		URL: s.url(), Model: s.key.Name, Requests: Users, Connections: Connections,
		Keys: Users, KeyHeader: keyHeader, Expect: scores, Assignments: true,
	})
	if err != nil {
		return sum, err
	}
	s.result.Rows = append(s.result.Rows, Row{
		Step: s.step, What: what, Requests: sum.Requests, Revisions: sum.Revisions, Failed: sum.Failed,
		Expected: expected, Took: time.Since(begin),
	})
	s.claim(sum.Failed == 0, fmt.Sprintf("none of %d requests failed", sum.Requests), failures(sum))
	return sum, nil
}

func failures(sum load.Summary) string {
	if sum.Failed == 0 {
		return ""
	}
	return harness.Brief(sum)
}

// abandon ends the background load of a story that cannot go on.
func (s *story) abandon(ctx context.Context) {
	if s.background == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if sum, err := s.background.Stop(ctx); err == nil {
		s.result.Background = sum
	}
}

// condition finds a condition's text in the model's status.
func (s *story) condition(ctx context.Context, name string) (metav1.Condition, error) {
	m, err := s.h.Model(ctx, s.key)
	if err != nil {
		return metav1.Condition{}, err
	}
	for _, c := range m.Status.Conditions {
		if c.Type == name {
			return c, nil
		}
	}
	return metav1.Condition{}, fmt.Errorf("CTRModel %s has no condition %s", s.key, name)
}

// share is the weight that the status reports for a revision.
func share(m *servingv1alpha1.CTRModel, number int64) int32 {
	for _, t := range m.Status.Traffic {
		if t.Number == number {
			return t.Weight
		}
	}
	return 0
}
