package ctrmodel

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/controllers/revision"
	"github.com/ctr-operator/ctr-operator/controllers/workload"
)

var image = revision.Image{Ref: "runtime:1"}

// passOver is a pass over a model, some of whose revisions the cache has, and more of which the apiserver has.
func passOver(url string, cached []revision.Revision, live ...client.Object) *pass {
	model := &v1alpha1.CTRModel{
		ObjectMeta: metav1.ObjectMeta{Name: "m", Namespace: "shop", UID: "1"},
		Spec:       v1alpha1.CTRModelSpec{ModelType: v1alpha1.ModelLogisticRegression, ArtifactURL: url},
	}
	return &pass{
		Reconciler: &Reconciler{
			Live:  fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(live...).Build(),
			Image: image,
		},
		model: model,
		known: cached,
		now:   time.Now(),
	}
}

func revisionOf(number int64, url string) revision.Revision {
	user := revision.UserPart(v1alpha1.CTRModelSpec{ModelType: v1alpha1.ModelLogisticRegression, ArtifactURL: url})
	return revision.Revision{
		Name:     revision.Name("m", user, image),
		Snapshot: revision.Snapshot{Number: number, User: user, Image: image},
	}
}

func storedBy(t *testing.T, model string, rev revision.Revision) *appsv1.ControllerRevision {
	t.Helper()
	data, err := rev.Encode()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	cr := &appsv1.ControllerRevision{ObjectMeta: metav1.ObjectMeta{
		Name: rev.Name, Namespace: "shop",
		OwnerReferences: []metav1.OwnerReference{{Kind: v1alpha1.Kind, Name: "m", UID: "1", Controller: new(model == "m")}},
	}}
	cr.Data.Raw, cr.Revision = data, rev.Number
	return cr
}

// TestNumbersAreUniqueThoughTheCacheIsBehind: revision 2 was made a moment ago, by a pass that did not get to the status.
func TestNumbersAreUniqueThoughTheCacheIsBehind(t *testing.T) {
	first, second := revisionOf(1, "https://a/1"), revisionOf(2, "https://a/2")
	for name, c := range map[string]struct {
		url    string
		number int64
	}{
		"a third":            {"https://a/3", 3},
		"the second, again":  {"https://a/2", 2},
		"the first, as ever": {"https://a/1", 1},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			foreign := revisionOf(7, "https://a/7")
			p := passOver(c.url, []revision.Revision{first}, storedBy(t, "m", second), storedBy(t, "other", foreign))
			p.model.Status.LatestRevision = 1
			g.Expect(p.resolveTarget(t.Context())).To(Succeed())
			g.Expect(p.target.Number).To(Equal(c.number))
			g.Expect(p.known).To(ContainElement(p.target))
			g.Expect(p.known).NotTo(ContainElement(HaveField("Number", foreign.Number)))
		})
	}
}

func podThat(condition corev1.PodCondition) corev1.Pod {
	return corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{condition}}}
}

var (
	readyCondition = corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue}
	noRoom         = corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable}
)

// TestACanaryThatLacksRoomKeepsWhatItCarries: who is on the canary stays there while a raised weight waits for a node.
func TestACanaryThatLacksRoomKeepsWhatItCarries(t *testing.T) {
	g := NewWithT(t)
	stable, canary := revisionOf(1, "https://a/1"), revisionOf(2, "https://a/2")
	p := passOver("https://a/2", []revision.Revision{stable, canary})
	p.target = canary
	p.model.Spec.Replicas, p.model.Spec.CanaryWeight = new(int32(4)), new(int32(50))
	p.model.Status = v1alpha1.CTRModelStatus{
		StableRevision: &v1alpha1.RevisionReference{Name: stable.Name, Number: 1},
		Traffic:        []v1alpha1.RevisionTraffic{{Revision: stable.Name}},
	}
	p.have = children{
		deployments: map[string]*appsv1.Deployment{
			stable.Name: {Spec: appsv1.DeploymentSpec{Replicas: new(int32(4))}},
			canary.Name: {Spec: appsv1.DeploymentSpec{Replicas: new(int32(2))}},
		},
		pods: map[string][]corev1.Pod{
			stable.Name: {podThat(readyCondition), podThat(readyCondition), podThat(readyCondition), podThat(readyCondition)},
			canary.Name: {podThat(readyCondition), podThat(noRoom)},
		},
	}
	g.Expect(p.decide(t.Context())).To(Succeed())
	g.Expect(p.decision.CanaryWeight()).To(BeEquivalentTo(25))
	g.Expect(p.failures[canary.Name]).To(HaveField("Reason", v1alpha1.ReasonUnschedulable), "it is told nevertheless")
}

// TestALostStatusIsMadeUpForThoughTheFirstPassWasRefused: what such a pass leaves behind does not know the stable one.
func TestALostStatusIsMadeUpForThoughTheFirstPassWasRefused(t *testing.T) {
	g := NewWithT(t)
	p := passOver("https://a/2", nil)
	p.model.Status.ObservedGeneration = 1
	p.have.services = map[string]*corev1.Service{"m": {Spec: corev1.ServiceSpec{
		Selector: workload.Model{Name: "m"}.Selector("m--1"),
	}}}
	g.Expect(p.stableName()).To(BeEmpty(), "nobody serves")
	p.have.pods = map[string][]corev1.Pod{"m--1": {podThat(readyCondition)}}
	g.Expect(p.stableName()).To(Equal("m--1"))
	p.model.Status.Traffic = []v1alpha1.RevisionTraffic{{Revision: "m--1"}}
	g.Expect(p.stableName()).To(BeEmpty(), "the status knows of none")
}

func TestOtherWordsInAConditionAreNotWorthALook(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*v1alpha1.CTRModel)
		worth  bool
	}{
		"a periodic look":  {func(m *v1alpha1.CTRModel) { m.ResourceVersion = "1" }, true},
		"other words":      {func(m *v1alpha1.CTRModel) { m.Status.Conditions[0].Message = "denied at 12:01" }, false},
		"another reason":   {func(m *v1alpha1.CTRModel) { m.Status.Conditions[0].Reason = "Serving" }, true},
		"a lost status":    {func(m *v1alpha1.CTRModel) { m.Status = v1alpha1.CTRModelStatus{} }, true},
		"the spec":         {func(m *v1alpha1.CTRModel) { m.Spec.ArtifactURL = "https://a/2"; m.Generation++ }, true},
		"its being erased": {func(m *v1alpha1.CTRModel) { m.DeletionTimestamp = new(metav1.Now()) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			before := passOver("https://a/1", nil).model
			before.ResourceVersion = "1"
			before.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionStalled, Reason: "Rejected", Message: "denied at 12:00"}}
			after := before.DeepCopy()
			after.ResourceVersion = "2"
			c.change(after)
			NewWithT(t).Expect(worthALook(event.UpdateEvent{ObjectOld: before, ObjectNew: after})).To(Equal(c.worth))
		})
	}
}

func TestWhatWasInTheWayIsLookedForOftenEnough(t *testing.T) {
	g := NewWithT(t)
	limiter := retries()
	for range 50 {
		g.Expect(limiter.When(reconcile.Request{})).To(BeNumerically("<=", lastRetry))
	}
}
