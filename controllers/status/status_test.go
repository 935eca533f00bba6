package status

import (
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/controllers/rollout"
	"github.com/ctr-operator/ctr-operator/controllers/workload"
)

var (
	one = rollout.ID{Name: "m--1", Number: 1}
	two = rollout.ID{Name: "m--2", Number: 2}
)

// situation is what Step makes of a model with a target, and so many ready pods of revisions 1 and 2.
func situation(target rollout.ID, stable string, replicas, weight, ready1, ready2 int32, failures ...*Failure) Situation {
	s := Situation{
		Generation: 7,
		Plan:       rollout.Plan{Target: target, Replicas: replicas, Weight: weight},
		Seen: rollout.Observed{Stable: stable, Revisions: []rollout.Revision{
			{ID: one, Ready: ready1, Deployed: true, Replicas: replicas},
			{ID: two, Ready: ready2, Deployed: true, Replicas: replicas},
		}},
	}
	if len(failures) > 0 {
		s.Failure = failures[0]
	}
	if len(failures) > 1 {
		s.StableFailure = failures[1]
	}
	s.Seen.Revisions[target.Number-1].Failed = s.Failure != nil
	s.Decision = rollout.Step(s.Plan, s.Seen, metav1.Now().Time)
	return s
}

func spreading(s Situation) Situation {
	s.Spreading = true
	return s
}

func TestConditions(t *testing.T) {
	golden := &Failure{Reason: "GoldenMismatch", What: "golden example 2 expected ctr_score 0.31, got 0.12 (s3://m)", Advice: "Fix it."}
	const (
		yes, no, unknown = metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown
	)
	cases := map[string]struct {
		situation                   Situation
		ready, reconciling, stalled metav1.ConditionStatus
		revision                    metav1.ConditionStatus
		canary                      metav1.ConditionStatus // empty: no such condition
		reason, message             string
	}{
		"first, starting": {situation(one, "", 1, 100, 0, 0), unknown, yes, no, unknown, "",
			v1alpha1.ReasonRevisionStarting, "revision 1 is starting; no revision serves."},
		"first, failing": {situation(one, "", 1, 100, 0, 0, golden), no, no, yes, no, "",
			"GoldenMismatch", "revision 1 gets no traffic: golden example 2 expected ctr_score 0.31, got 0.12 (s3://m); no revision serves. Fix it."},
		"alone": {situation(one, "m--1", 2, 100, 2, 0), yes, no, no, yes, "",
			v1alpha1.ReasonServing, "revision 1 serves 100 %."},
		"alone, short of a pod": {situation(one, "m--1", 2, 100, 1, 0), unknown, yes, no, unknown, "",
			v1alpha1.ReasonScaling, "revision 1 has 1 of 2 pods; revision 1 serves 100 %."},
		"alone, no pod": {situation(one, "m--1", 2, 100, 0, 0), no, yes, no, unknown, "",
			v1alpha1.ReasonStableUnavailable, "no pod of revision 1, the stable one, is ready; no revision serves."},
		"canary, starting": {situation(two, "m--1", 2, 10, 2, 0), unknown, yes, no, unknown, unknown,
			v1alpha1.ReasonRevisionStarting, "revision 2 is starting; revision 1 serves 100 %."},
		"canary, holding": {situation(two, "m--1", 2, 10, 2, 1), yes, no, no, yes, yes,
			v1alpha1.ReasonServing, "revision 1 serves 90 %, revision 2 serves 10 %."},
		"canary, the pods learn its weight": {spreading(situation(two, "m--1", 2, 10, 2, 1)), unknown, yes, no, yes, yes,
			v1alpha1.ReasonTrafficShifting, "the pods are learning their new shares; revision 1 serves 90 %, revision 2 serves 10 %."},
		"canary at 0": {situation(two, "m--1", 2, 0, 2, 1), yes, no, no, yes, yes,
			v1alpha1.ReasonServing, "revision 1 serves 100 %."},
		"canary, short of pods": {situation(two, "m--1", 4, 50, 4, 1), unknown, yes, no, unknown, unknown,
			v1alpha1.ReasonScaling, "revision 1 has 4 of 4 pods, revision 2 has 1 of 2 pods; revision 1 serves 75 %, revision 2 serves 25 %."},
		"canary, on the way to all": {situation(two, "m--1", 4, 100, 4, 3), unknown, yes, no, unknown, unknown,
			v1alpha1.ReasonScaling, "revision 1 has 4 of 4 pods, revision 2 has 3 of 4 pods; revision 1 serves 25 %, revision 2 serves 75 %."},
		"canary, failing": {situation(two, "m--1", 2, 10, 2, 0, golden), no, no, yes, no, no,
			"GoldenMismatch", "revision 2 gets no traffic: golden example 2 expected ctr_score 0.31, got 0.12 (s3://m); revision 1 keeps serving 100 %. Fix it."},
		"stable down, canary stands in": {situation(two, "m--1", 2, 10, 0, 2), no, yes, no, yes, yes,
			v1alpha1.ReasonStableUnavailable, "no pod of revision 1, the stable one, is ready; revision 2 serves 100 %."},
		"stable down for a reason": {situation(two, "m--1", 2, 10, 0, 2, nil, golden), no, no, yes, yes, yes,
			v1alpha1.ReasonStableUnavailable, "no pod of revision 1, the stable one, is ready: golden example 2 expected ctr_score 0.31, got 0.12 (s3://m); revision 2 serves 100 %. Fix it."},
		"stable, new pods failing": {situation(one, "m--1", 2, 100, 2, 0, golden), no, no, yes, no, "",
			"GoldenMismatch", "revision 1 cannot replace its pods: golden example 2 expected ctr_score 0.31, got 0.12 (s3://m); revision 1 serves 100 %. Fix it."},
		"stable, some pods failing": {situation(one, "m--1", 2, 100, 1, 0, golden), no, no, yes, no, "",
			"GoldenMismatch", "revision 1 has 1 of 2 pods: golden example 2 expected ctr_score 0.31, got 0.12 (s3://m); revision 1 serves 100 %. Fix it."},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			list := []metav1.Condition{{Type: v1alpha1.ConditionCanaryHealthy, Status: yes}}
			Mark(&list, c.situation)
			status := func(kind string) metav1.ConditionStatus {
				if found := meta.FindStatusCondition(list, kind); found != nil {
					g.Expect(found.ObservedGeneration).To(BeEquivalentTo(7))
					g.Expect(found.Reason).NotTo(BeEmpty())
					return found.Status
				}
				return ""
			}
			g.Expect(status(v1alpha1.ConditionReady)).To(Equal(c.ready), "Ready")
			g.Expect(status(v1alpha1.ConditionReconciling)).To(Equal(c.reconciling), "Reconciling")
			g.Expect(status(v1alpha1.ConditionStalled)).To(Equal(c.stalled), "Stalled")
			g.Expect(status(v1alpha1.ConditionRevisionReady)).To(Equal(c.revision), "RevisionReady")
			g.Expect(status(v1alpha1.ConditionCanaryHealthy)).To(Equal(c.canary), "CanaryHealthy")
			ready := meta.FindStatusCondition(list, v1alpha1.ConditionReady)
			g.Expect(ready.Reason).To(Equal(c.reason))
			g.Expect(ready.Message).To(Equal(c.message))
			// kstatus: at most one of the two abnormal conditions, and neither on a model that is ready.
			g.Expect(c.reconciling == yes && c.stalled == yes).To(BeFalse())
		})
	}
}

func TestFill(t *testing.T) {
	g := NewWithT(t)
	m := workload.Model{Name: "m", Namespace: "shop"}
	var status v1alpha1.CTRModelStatus
	Fill(&status, m, 2, situation(two, "m--1", 2, 10, 2, 1))
	g.Expect(status.ObservedGeneration).To(BeEquivalentTo(7))
	g.Expect(status.URL).To(Equal("http://m.shop.svc:8501"))
	g.Expect(*status.StableRevision).To(Equal(v1alpha1.RevisionReference{Name: "m--1", Number: 1}))
	g.Expect(*status.CanaryRevision).To(Equal(v1alpha1.RevisionReference{Name: "m--2", Number: 2}))
	g.Expect(*status.CanaryWeight).To(BeEquivalentTo(10))
	g.Expect(status.Traffic).To(Equal([]v1alpha1.RevisionTraffic{
		{Revision: "m--1", Number: 1, Role: v1alpha1.RoleStable, Weight: 90, URL: "http://m--1.shop.svc:8501"},
		{Revision: "m--2", Number: 2, Role: v1alpha1.RoleCanary, Weight: 10, URL: "http://m--2.shop.svc:8501"},
	}))
	g.Expect(status.LatestRevision).To(BeEquivalentTo(2))
	g.Expect(status.Replicas).To(BeEquivalentTo(2))
	g.Expect(status.Selector).To(Equal("serving.ctr-operator.dev/model=m,serving.ctr-operator.dev/revision=m--1"))

	Fill(&status, m, 1, situation(one, "m--1", 2, 10, 2, 1))
	g.Expect(status.CanaryRevision).To(BeNil())
	g.Expect(status.CanaryWeight).To(BeNil())
	g.Expect(status.LatestRevision).To(BeEquivalentTo(2), "it never falls")
}

func TestMarkBlocked(t *testing.T) {
	g := NewWithT(t)
	var list []metav1.Condition
	MarkBlocked(&list, 3, v1alpha1.ReasonNameConflict, "Service a/b is somebody else's.")
	g.Expect(meta.IsStatusConditionTrue(list, v1alpha1.ConditionStalled)).To(BeTrue())
	g.Expect(meta.FindStatusCondition(list, v1alpha1.ConditionReady).Reason).To(Equal(v1alpha1.ReasonNameConflict))
}
