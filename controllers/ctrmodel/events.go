package ctrmodel

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/controllers/rollout"
)

// announce tells, after the status says so, what has become different.
func (p *pass) announce(context.Context) error {
	old, now := p.before, p.model.Status
	if now.LatestRevision > old.LatestRevision {
		p.revisionCreated(now.LatestRevision)
	}
	p.announceRoles(old, now)
	p.announceFailure(old, now)
	return nil
}

func (p *pass) announceRoles(old, now v1alpha1.CTRModelStatus) {
	if nameOf(now.StableRevision) != nameOf(old.StableRevision) && now.StableRevision != nil {
		p.promoted(*now.StableRevision)
	}
	canaryBefore, canary := nameOf(old.CanaryRevision), nameOf(now.CanaryRevision)
	if canaryBefore != "" && canaryBefore != canary && canaryBefore != nameOf(now.StableRevision) {
		p.setBack(*old.CanaryRevision)
	}
	switch {
	case canary != "" && canary != canaryBefore:
		p.canaryStarted(*now.CanaryRevision, weightOf(now))
	case canary != "" && weightOf(now) != weightOf(old):
		p.weightChanged(*now.CanaryRevision, weightOf(old), weightOf(now))
	}
	standsIn, stoodIn := standIn(now), standIn(old)
	switch {
	case standsIn && !stoodIn:
		p.standInStarted(*now.CanaryRevision, *now.StableRevision)
	case stoodIn && !standsIn && nameOf(now.StableRevision) == nameOf(old.StableRevision):
		p.standInEnded(*now.StableRevision)
	}
}

func (p *pass) announceFailure(old, now v1alpha1.CTRModelStatus) {
	condition := meta.FindStatusCondition(now.Conditions, v1alpha1.ConditionRevisionReady)
	before := meta.FindStatusCondition(old.Conditions, v1alpha1.ConditionRevisionReady)
	failed := condition.Status == metav1.ConditionFalse
	didFail := before != nil && before.Status == metav1.ConditionFalse
	sameRevision := newest(now) == newest(old)
	switch {
	case failed && !(didFail && sameRevision && before.Reason == condition.Reason):
		p.revisionFailed(condition.Reason, condition.Message)
	case didFail && !failed && sameRevision:
		p.recovered()
	}
}

// announceBlock tells once, when the status begins to say so, what is in the way.
func (p *pass) announceBlock(reason, message string) {
	before := meta.FindStatusCondition(p.before.Conditions, v1alpha1.ConditionStalled)
	switch {
	case before != nil && before.Message == message:
	case reason == v1alpha1.ReasonNameConflict:
		p.warn(v1alpha1.EventNameConflicted, "Apply", "%s", message)
	default:
		p.warn(v1alpha1.EventRejected, "Apply", "%s", message)
	}
}

// newest is the revision that the condition RevisionReady is about.
func newest(s v1alpha1.CTRModelStatus) string {
	switch {
	case s.CanaryRevision != nil:
		return s.CanaryRevision.Name
	case s.StableRevision != nil:
		return s.StableRevision.Name
	case len(s.Traffic) > 0:
		return s.Traffic[0].Revision
	}
	return ""
}

func standIn(s v1alpha1.CTRModelStatus) bool {
	return s.CanaryRevision != nil && s.StableRevision != nil && weightOf(s) == rollout.All
}

func weightOf(s v1alpha1.CTRModelStatus) int32 {
	if s.CanaryWeight == nil {
		return 0
	}
	return *s.CanaryWeight
}

func (p *pass) revisionCreated(number int64) {
	p.tell(v1alpha1.EventRevisionCreated, "Create", "Created revision %d.", number)
}

func (p *pass) canaryStarted(canary v1alpha1.RevisionReference, weight int32) {
	p.tell(v1alpha1.EventCanaryStarted, "Start", "Started revision %d as canary, at %d %% of the traffic.",
		canary.Number, weight)
}

func (p *pass) weightChanged(canary v1alpha1.RevisionReference, from, to int32) {
	p.tell(v1alpha1.EventWeightChanged, "Shift", "Changed the share of revision %d from %d %% to %d %%.",
		canary.Number, from, to)
}

func (p *pass) promoted(stable v1alpha1.RevisionReference) {
	p.Metrics.promoted()
	p.tell(v1alpha1.EventPromoted, "Promote", "Promoted revision %d: it is stable and serves 100 %%.", stable.Number)
}

func (p *pass) setBack(canary v1alpha1.RevisionReference) {
	p.tell(v1alpha1.EventSetBack, "SetBack", "Took revision %d back.", canary.Number)
}

func (p *pass) revisionFailed(reason, message string) {
	p.Metrics.revisionFailed(reason)
	p.warn(v1alpha1.EventRevisionFailed, "Start", "%s: %s", reason, message)
}

func (p *pass) recovered() {
	p.tell(v1alpha1.EventRecovered, "Start", "Revision %d is not failing any more.", p.target.Number)
}

func (p *pass) standInStarted(canary, stable v1alpha1.RevisionReference) {
	p.warn(v1alpha1.EventStandInStarted, "Shift", "Gave all traffic to revision %d: no pod of revision %d was ready.",
		canary.Number, stable.Number)
}

func (p *pass) standInEnded(stable v1alpha1.RevisionReference) {
	p.tell(v1alpha1.EventStandInEnded, "Shift", "Gave revision %d its traffic back.", stable.Number)
}

func (p *pass) tell(reason, action, note string, args ...any) {
	p.emit(corev1.EventTypeNormal, reason, action, fmt.Sprintf(note, args...))
}

func (p *pass) warn(reason, action, note string, args ...any) {
	p.emit(corev1.EventTypeWarning, reason, action, fmt.Sprintf(note, args...))
}

func (p *pass) emit(kind, reason, action, note string) {
	const most = 1000 // bytes; the apiserver takes 1024
	if len(note) > most {
		note = strings.ToValidUTF8(note[:most], "") + "…"
	}
	p.Events.Eventf(p.model, nil, kind, reason, action, "%s", note)
}
