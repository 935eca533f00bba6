package status

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/controllers/rollout"
)

// Situation is what conditions are about.
type Situation struct {
	Generation int64
	Plan       rollout.Plan
	Seen       rollout.Observed
	Decision   rollout.Decision
	// Spreading says that the shares have changed so recently that not every pod may know.
	Spreading bool
	// Failure is why the newest revision does not come up; StableFailure is the stable one's, where that is another.
	Failure, StableFailure *Failure
}

// conditions is the only way in which conditions are changed.
type conditions struct {
	list       *[]metav1.Condition
	generation int64
}

func (c conditions) mark(kind string, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(c.list, metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: message, ObservedGeneration: c.generation,
	})
}

func (c conditions) markServing(message string) {
	c.mark(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonServing, message)
	c.markIdle()
	c.markNotStalled()
}

// markProgressing is for what time brings; ready is Unknown, or False where nobody serves who did.
func (c conditions) markProgressing(ready metav1.ConditionStatus, reason, message string) {
	c.mark(v1alpha1.ConditionReady, ready, reason, message)
	c.mark(v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonProgressing, message)
	c.markNotStalled()
}

// markStalled is for what somebody has to do something about.
func (c conditions) markStalled(reason, message string) {
	c.mark(v1alpha1.ConditionReady, metav1.ConditionFalse, reason, message)
	c.markIdle()
	c.mark(v1alpha1.ConditionStalled, metav1.ConditionTrue, reason, message)
}

func (c conditions) markIdle() {
	c.mark(v1alpha1.ConditionReconciling, metav1.ConditionFalse, v1alpha1.ReasonIdle, "Nothing is left to do.")
}

func (c conditions) markNotStalled() {
	c.mark(v1alpha1.ConditionStalled, metav1.ConditionFalse, v1alpha1.ReasonNotStalled, "Nothing is in the way.")
}

// MarkBlocked is for a model for which the operator cannot even make the objects.
func MarkBlocked(list *[]metav1.Condition, generation int64, reason, message string) {
	conditions{list, generation}.markStalled(reason, message)
}

// MarkWaiting is for a model whose objects can be made once something is gone that is on its way out.
func MarkWaiting(list *[]metav1.Condition, generation int64, message string) {
	conditions{list, generation}.markProgressing(metav1.ConditionUnknown, v1alpha1.ReasonProgressing, message)
}

// Mark brings a model's conditions up to date.
func Mark(list *[]metav1.Condition, s Situation) {
	c := conditions{list, s.Generation}
	s.markReady(c)
	s.markRevision(c)
	s.markCanary(c)
}

func (s Situation) markReady(c conditions) {
	switch {
	case s.Failure != nil:
		c.markStalled(s.Failure.Reason, s.failing(*s.Failure))
	case s.stableDown() && s.StableFailure != nil:
		c.markStalled(v1alpha1.ReasonStableUnavailable, s.stableDownMessage())
	case s.stableDown():
		c.markProgressing(metav1.ConditionFalse, v1alpha1.ReasonStableUnavailable, s.stableDownMessage())
	case s.ready(s.Plan.Target) == 0:
		c.markProgressing(metav1.ConditionUnknown, v1alpha1.ReasonRevisionStarting,
			fmt.Sprintf("revision %d is starting; %s.", s.Plan.Target.Number, s.Serving()))
	case !s.complete():
		c.markProgressing(metav1.ConditionUnknown, v1alpha1.ReasonScaling,
			fmt.Sprintf("%s; %s.", s.pods(), s.Serving()))
	case s.Spreading:
		c.markProgressing(metav1.ConditionUnknown, v1alpha1.ReasonTrafficShifting,
			fmt.Sprintf("the pods are learning their new shares; %s.", s.Serving()))
	default:
		c.markServing(s.Serving() + ".")
	}
}

func (s Situation) markRevision(c conditions) {
	target := s.Plan.Target
	ready, wanted := s.ready(target), s.wanted(target)
	count := fmt.Sprintf("%d of %d pods of revision %d are ready.", ready, wanted, target.Number)
	switch {
	case s.Failure != nil:
		c.mark(v1alpha1.ConditionRevisionReady, metav1.ConditionFalse, s.Failure.Reason, s.failing(*s.Failure))
	case ready >= wanted:
		c.mark(v1alpha1.ConditionRevisionReady, metav1.ConditionTrue, v1alpha1.ReasonPodsReady, count)
	case ready == 0:
		c.mark(v1alpha1.ConditionRevisionReady, metav1.ConditionUnknown, v1alpha1.ReasonRevisionStarting, count)
	default:
		c.mark(v1alpha1.ConditionRevisionReady, metav1.ConditionUnknown, v1alpha1.ReasonScaling, count)
	}
}

func (s Situation) markCanary(c conditions) {
	canary := s.Decision.Canary
	weight := s.Decision.CanaryWeight()
	message := fmt.Sprintf("revision %d gets %d %% of the %d %% asked for; %d of %d pods are ready.",
		canary.Number, weight, s.Plan.Weight, s.ready(canary), s.wanted(canary))
	switch {
	case canary.None():
		meta.RemoveStatusCondition(c.list, v1alpha1.ConditionCanaryHealthy)
	case s.Failure != nil:
		c.mark(v1alpha1.ConditionCanaryHealthy, metav1.ConditionFalse, s.Failure.Reason, s.failing(*s.Failure))
	case s.ready(canary) == 0:
		c.mark(v1alpha1.ConditionCanaryHealthy, metav1.ConditionUnknown, v1alpha1.ReasonRevisionStarting, message)
	case s.ready(canary) < s.wanted(canary):
		c.mark(v1alpha1.ConditionCanaryHealthy, metav1.ConditionUnknown, v1alpha1.ReasonScaling, message)
	default:
		c.mark(v1alpha1.ConditionCanaryHealthy, metav1.ConditionTrue, v1alpha1.ReasonPodsReady, message)
	}
}

// failing is the sentence about a newest revision that does not come up: what it gets, why, who serves, what to do.
func (s Situation) failing(f Failure) string {
	gets := "gets no traffic"
	switch ready, wanted := s.ready(s.Plan.Target), s.wanted(s.Plan.Target); {
	case s.weight(s.Plan.Target) == 0 || ready == 0:
	case ready >= wanted:
		gets = "cannot replace its pods"
	default:
		gets = fmt.Sprintf("has %d of %d pods", ready, wanted)
	}
	message := fmt.Sprintf("revision %d %s: %s; %s.", s.Plan.Target.Number, gets, f.What, s.keepsServing())
	return strings.TrimSpace(message + " " + f.Advice)
}

func (s Situation) stableDown() bool {
	return !s.Decision.Stable.None() && s.ready(s.Decision.Stable) == 0
}

func (s Situation) stableDownMessage() string {
	message := fmt.Sprintf("no pod of revision %d, the stable one, is ready", s.Decision.Stable.Number)
	advice := ""
	if s.StableFailure != nil {
		message += ": " + s.StableFailure.What
		advice = s.StableFailure.Advice
	}
	return strings.TrimSpace(fmt.Sprintf("%s; %s. %s", message, s.Serving(), advice))
}

// Serving says who serves how much.
func (s Situation) Serving() string {
	var parts []string
	for _, share := range s.Decision.Shares {
		if share.Weight > 0 && s.ready(share.ID) > 0 {
			parts = append(parts, fmt.Sprintf("revision %d serves %d %%", share.Number, share.Weight))
		}
	}
	if len(parts) == 0 {
		return "no revision serves"
	}
	return strings.Join(parts, ", ")
}

func (s Situation) keepsServing() string {
	stable := s.Decision.Stable
	if !stable.None() && stable != s.Plan.Target && s.weight(stable) == rollout.All && s.ready(stable) > 0 {
		return fmt.Sprintf("revision %d keeps serving 100 %%", stable.Number)
	}
	return s.Serving()
}

// complete says whether every revision has the pods that it should have, and the canary the weight asked for.
func (s Situation) complete() bool {
	for _, w := range s.Decision.Workloads {
		if w.RetireAt.IsZero() && s.ready(w.ID) < w.Replicas {
			return false
		}
	}
	return s.Decision.Canary.None() ||
		(!s.Decision.StandIn && s.Plan.Weight < rollout.All && s.Decision.CanaryWeight() == s.Plan.Weight)
}

// pods counts the pods of the revisions in use.
func (s Situation) pods() string {
	var parts []string
	for _, w := range s.Decision.Workloads {
		if w.RetireAt.IsZero() {
			parts = append(parts, fmt.Sprintf("revision %d has %d of %d pods", w.Number, s.ready(w.ID), w.Replicas))
		}
	}
	return strings.Join(parts, ", ")
}

func (s Situation) ready(id rollout.ID) int32 {
	for _, r := range s.Seen.Revisions {
		if r.Name == id.Name {
			return r.Ready
		}
	}
	return 0
}

func (s Situation) wanted(id rollout.ID) int32 {
	for _, w := range s.Decision.Workloads {
		if w.Name == id.Name {
			return w.Replicas
		}
	}
	return 0
}

func (s Situation) weight(id rollout.ID) int32 {
	for _, share := range s.Decision.Shares {
		if share.Name == id.Name {
			return share.Weight
		}
	}
	return 0
}
