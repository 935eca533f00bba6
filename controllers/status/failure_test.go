package status

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/controllers/revision"
	"github.com/ctr-operator/ctr-operator/controllers/workload"
	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

func testRevision() revision.Revision {
	return revision.Revision{Name: "m--1", Snapshot: revision.Snapshot{
		Number: 1,
		User: revision.User{
			ArtifactURL: "s3://models/1/model.pkl?signature=secret",
			Artifact:    &v1alpha1.Artifact{SecretRef: &v1alpha1.SecretReference{Name: "creds"}},
		},
		Image: revision.Image{Ref: "runtime:1"},
	}}
}

func deployment(replicas int32) *appsv1.Deployment {
	return &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &replicas}}
}

func pod(c corev1.ContainerStatus, conditions ...corev1.PodCondition) corev1.Pod {
	c.Name = workload.Container
	return corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{c}, Conditions: conditions}}
}

func readyPod() corev1.Pod {
	return pod(corev1.ContainerStatus{Ready: true, Started: new(true), State: running},
		corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue})
}

var running = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}

func waiting(reason, message string) corev1.ContainerStatus {
	return corev1.ContainerStatus{State: corev1.ContainerState{
		Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message},
	}}
}

func crashed(restarts int32, t corev1.ContainerStateTerminated) corev1.ContainerStatus {
	c := waiting("CrashLoopBackOff", "back-off")
	c.RestartCount = restarts
	c.LastTerminationState.Terminated = &t
	return c
}

func words(t contract.Termination) corev1.ContainerStateTerminated {
	b, err := json.Marshal(t)
	if err != nil {
		panic(err)
	}
	return corev1.ContainerStateTerminated{ExitCode: 1, Message: string(b)}
}

func TestDiagnose(t *testing.T) {
	forbidden := words(contract.Termination{Reason: contract.ReasonArtifactForbidden, Message: "s3://models/1 answered 403. Check the Secret."})
	restarted := crashed(1, forbidden)
	restarted.State = running
	started := restarted
	started.Started = new(true)
	evicted := pod(corev1.ContainerStatus{})
	evicted.Status.Phase, evicted.Status.Reason, evicted.Status.Message = corev1.PodFailed, "Evicted", "disk\nfull"
	going := pod(crashed(3, forbidden))
	going.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	unschedulable := corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes.",
	}}}}
	golden := words(contract.Termination{
		Reason: contract.ReasonGoldenMismatch, Message: "x", Example: 2, Expected: new(0.31), Got: new(0.1234567),
	})

	cases := map[string]struct {
		pods   []corev1.Pod
		reason string // empty: no failure
		what   string
	}{
		"no pods yet":        {nil, "", ""},
		"starting":           {[]corev1.Pod{pod(waiting("ContainerCreating", ""))}, "", ""},
		"running, not ready": {[]corev1.Pod{pod(corev1.ContainerStatus{State: running})}, "", ""},
		"its own words": {[]corev1.Pod{pod(crashed(1, forbidden))}, "ArtifactForbidden",
			"s3://models/1 answered 403. Check the Secret"},
		"its own words, first time": {[]corev1.Pod{pod(corev1.ContainerStatus{
			State: corev1.ContainerState{Terminated: &forbidden}})}, "ArtifactForbidden", "403"},
		"starting again after them": {[]corev1.Pod{pod(restarted)}, "ArtifactForbidden", "403"},
		"started since":             {[]corev1.Pod{pod(started)}, "", ""},
		"going away":                {[]corev1.Pod{going}, "", ""},
		"golden": {[]corev1.Pod{pod(crashed(1, golden))}, "GoldenMismatch",
			"golden example 2 expected ctr_score 0.31, got 0.123457 (s3://models/1/model.pkl)"},
		"a reason that is not on the list": {[]corev1.Pod{pod(crashed(3, corev1.ContainerStateTerminated{
			ExitCode: 1, Message: `{"reason":"Ready","message":"all is well"}`}))}, v1alpha1.ReasonCrashLooping, "exit code 1"},
		"one crash":     {[]corev1.Pod{pod(crashed(1, corev1.ContainerStateTerminated{ExitCode: 137}))}, "", ""},
		"crashes":       {[]corev1.Pod{pod(crashed(2, corev1.ContainerStateTerminated{ExitCode: 2, Message: "a\npanic: b\n"}))}, v1alpha1.ReasonCrashLooping, "exit code 2: panic: b"},
		"out of memory": {[]corev1.Pod{pod(crashed(1, corev1.ContainerStateTerminated{Reason: "OOMKilled"}))}, v1alpha1.ReasonOutOfMemory, "memory"},
		"no secret":     {[]corev1.Pod{pod(waiting("CreateContainerConfigError", `secret "creds" not found`))}, v1alpha1.ReasonSecretNotFound, `"creds" of artifact.secretRef does not exist`},
		"no key":        {[]corev1.Pod{pod(waiting("CreateContainerConfigError", "couldn't find key A in Secret x"))}, v1alpha1.ReasonSecretKeyMissing, "lacks a key"},
		"other config":  {[]corev1.Pod{pod(waiting("CreateContainerConfigError", "runAsNonRoot"))}, v1alpha1.ReasonContainerStartFailed, "runAsNonRoot"},
		"no image":      {[]corev1.Pod{pod(waiting("ErrImagePull", "no such host"))}, v1alpha1.ReasonImagePullFailed, "the image runtime:1 (no such host)"},
		"no image, again": {[]corev1.Pod{pod(waiting("ImagePullBackOff", `Back-off pulling image "runtime:1": ErrImagePull: no such host`))},
			v1alpha1.ReasonImagePullFailed, "the image runtime:1 (no such host)"},
		"no start":      {[]corev1.Pod{pod(waiting("RunContainerError", "exec format"))}, v1alpha1.ReasonContainerStartFailed, "exec format"},
		"evicted":       {[]corev1.Pod{evicted}, v1alpha1.ReasonEvicted, "disk full"},
		"unschedulable": {[]corev1.Pod{unschedulable}, v1alpha1.ReasonUnschedulable, "0/3 nodes"},
		"the most telling": {[]corev1.Pod{unschedulable, evicted, pod(crashed(1, forbidden)), pod(waiting("ErrImagePull", ""))},
			"ArtifactForbidden", ""},
		"enough ready": {[]corev1.Pod{readyPod(), readyPod(), pod(crashed(1, forbidden))}, "", ""},
		"not enough":   {[]corev1.Pod{readyPod(), pod(crashed(1, forbidden))}, "ArtifactForbidden", ""},
	}
	blameless := []string{v1alpha1.ReasonUnschedulable, v1alpha1.ReasonImagePullFailed, v1alpha1.ReasonEvicted}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			f := Diagnose(testRevision(), deployment(2), c.pods)
			if c.reason == "" {
				g.Expect(f).To(BeNil())
				return
			}
			g.Expect(f).NotTo(BeNil())
			g.Expect(f.Reason).To(Equal(c.reason))
			g.Expect(f.What).To(ContainSubstring(c.what))
			g.Expect(f.OfTheCluster()).To(Equal(slices.Contains(blameless, c.reason)))
			g.Expect(f.What).NotTo(HaveSuffix("."))
			g.Expect(f.What).NotTo(ContainSubstring("signature"))
			g.Expect(f.What+f.Advice).To(Or(ContainSubstring(". "), HaveSuffix(".")), "it says what to do")
		})
	}
}

func TestPodsThatAreNotCreated(t *testing.T) {
	g := NewWithT(t)
	d := deployment(1)
	d.Status.Conditions = []appsv1.DeploymentCondition{{
		Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Message: `serviceaccount "x" not found`,
	}}
	g.Expect(Diagnose(testRevision(), d, nil)).To(And(
		HaveField("Reason", v1alpha1.ReasonPodsNotCreated), HaveField("What", ContainSubstring(`"x" not found`))))
	g.Expect(Diagnose(testRevision(), d, []corev1.Pod{readyPod()})).To(BeNil())
	g.Expect(Diagnose(testRevision(), nil, nil)).To(BeNil())
}

// TestPodsThatCannotBeReplaced: a changed template (of a newer operator, say) whose pods do not come up beside the old ones.
func TestPodsThatCannotBeReplaced(t *testing.T) {
	g := NewWithT(t)
	d := deployment(1)
	crashing := pod(crashed(2, corev1.ContainerStateTerminated{ExitCode: 2}))
	g.Expect(Diagnose(testRevision(), d, []corev1.Pod{readyPod(), crashing})).To(BeNil(), "nobody waits for it")
	d.Status.UnavailableReplicas = 1
	g.Expect(Diagnose(testRevision(), d, []corev1.Pod{readyPod(), crashing})).To(HaveField("Reason", v1alpha1.ReasonCrashLooping))
	g.Expect(Diagnose(testRevision(), d, []corev1.Pod{readyPod(), pod(waiting("ContainerCreating", ""))})).To(BeNil())
}

func TestTheAnswerDoesNotDependOnTheOrderOfPods(t *testing.T) {
	g := NewWithT(t)
	a := pod(crashed(1, words(contract.Termination{Reason: contract.ReasonDigestMismatch, Message: "a"})))
	b := pod(crashed(1, words(contract.Termination{Reason: contract.ReasonDigestMismatch, Message: "b"})))
	g.Expect(Diagnose(testRevision(), deployment(2), []corev1.Pod{a, b})).
		To(Equal(Diagnose(testRevision(), deployment(2), []corev1.Pod{b, a})))
}

func TestEveryReasonOfTheContractIsKnown(t *testing.T) {
	g := NewWithT(t)
	g.Expect(podReasons).To(HaveLen(14), "a new reason in runtime/contract must be added to podReasons")
}

func FuzzTextFromPodsIsHarmless(f *testing.F) {
	for _, seed := range []string{"", "plain", "a\x00b\x1b[31mred", "\u202egnp.exe", strings.Repeat("ü", 5000), "\xff\xfe", "a\n\n b\t"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		g := NewWithT(t)
		got := clean(text)
		g.Expect(utf8.ValidString(got)).To(BeTrue())
		g.Expect(utf8.RuneCountInString(got)).To(BeNumerically("<=", maxText))
		g.Expect(strings.IndexFunc(got, func(r rune) bool { return r < ' ' || r == 0x202e || r == 0x7f })).To(Equal(-1))
		g.Expect(clean(got)).To(Equal(got))
	})
}

func TestShortURL(t *testing.T) {
	g := NewWithT(t)
	g.Expect(shortURL("https://h/p?sig=x")).To(Equal("https://h/p"))
	g.Expect(shortURL("data:;base64,AAAA")).To(Equal("the data: URL"))
	g.Expect(utf8.RuneCountInString(shortURL("s3://b/" + strings.Repeat("x", 2000)))).To(Equal(200))
}

// TestAPodIsCountedOnBeforeTheOneThatItReplacesGoes: else a restart of a single pod would look like an outage.
func TestAPodIsCountedOnBeforeTheOneThatItReplacesGoes(t *testing.T) {
	NewWithT(t).Expect(workload.MinReady).To(BeNumerically(">", Reachable))
}

func TestAPodCountsOnlyWhenItCanBeReached(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	pod := func(ready corev1.ConditionStatus, since time.Time) *corev1.Pod {
		return &corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{
			{Type: corev1.PodReady, Status: ready, LastTransitionTime: metav1.NewTime(since)},
		}}}
	}
	leaving := pod(corev1.ConditionTrue, now.Add(-time.Hour))
	leaving.DeletionTimestamp = &metav1.Time{Time: now}
	for name, c := range map[string]struct {
		pod   *corev1.Pod
		left  time.Duration
		ready bool
	}{
		"ready just now":               {pod(corev1.ConditionTrue, now), Reachable, true},
		"ready for half of the time":   {pod(corev1.ConditionTrue, now.Add(-Reachable/2)), Reachable / 2, true},
		"ready for long enough":        {pod(corev1.ConditionTrue, now.Add(-Reachable)), 0, true},
		"ready since nobody knows":     {pod(corev1.ConditionTrue, time.Time{}), 0, true},
		"ready in the node's tomorrow": {pod(corev1.ConditionTrue, now.Add(time.Hour)), 0, true},
		"not ready":                    {pod(corev1.ConditionFalse, now.Add(-time.Hour)), 0, false},
		"without a condition":          {&corev1.Pod{}, 0, false},
		"on its way out":               {leaving, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			left, ready := CountsIn(c.pod, now)
			g.Expect(left).To(Equal(c.left))
			g.Expect(ready).To(Equal(c.ready))
		})
	}
}
