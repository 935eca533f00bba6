package story

import "testing"

func TestChanged(t *testing.T) {
	before := "spec:\n  artifactURL: v1\n  canaryWeight: 10\n"
	if got := changed(before, "spec:\n  artifactURL: v2\n  canaryWeight: 10\n"); got != "  artifactURL: v2\n" {
		t.Errorf("%q", got)
	}
	if got := changed(before, before); got != "" {
		t.Errorf("nothing has changed, but %q", got)
	}
}

func TestSaysWhatDiffered(t *testing.T) {
	for message, want := range map[string]bool{
		"revision 3 gets no traffic: golden example 1 expected ctr_score 0.900514, got 0.310413 (s3://b/k/); …": true,
		"golden example 12 expected ctr_score 1.2e-07, got 3e-09":                                               true,
		"golden examples differ":                  false,
		"golden example 1 expected ctr_score 0.9": false,
	} {
		if got := saysWhatDiffered(message); got != want {
			t.Errorf("%q: %v", message, got)
		}
	}
}

func TestTotals(t *testing.T) {
	r := Result{
		Rows:   []Row{{Requests: 3, Failed: 1}, {Requests: 4}},
		Claims: []Claim{{Text: "a", Held: true}, {Text: "b"}},
	}
	if r.TotalRequests() != 7 || r.TotalFailed() != 1 {
		t.Errorf("%d requests, %d failed", r.TotalRequests(), r.TotalFailed())
	}
	if broken := r.Broken(); len(broken) != 1 || broken[0].Text != "b" {
		t.Errorf("broken: %v", broken)
	}
}
