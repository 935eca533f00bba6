package e2e

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	servingv1alpha1 "github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/test/harness"
)

// step is one edit of a rollout, and what the status says when it has been carried out.
type step struct {
	what  string
	edit  func(*servingv1alpha1.CTRModelSpec)
	wants []harness.Want
}

func rolloutSteps() []step {
	edit := func(version int, weight *int32) func(*servingv1alpha1.CTRModelSpec) {
		return func(spec *servingv1alpha1.CTRModelSpec) {
			spec.ArtifactURL, spec.CanaryWeight = artifacts[version], weight
		}
	}
	return []step{
		{"10 %", edit(2, new(int32(10))), []harness.Want{harness.Ready(), harness.Canary(2, 10)}},
		{"50 %", edit(2, new(int32(50))), []harness.Want{harness.Ready(), harness.Canary(2, 50)}},
		{"promotion", edit(2, nil), []harness.Want{harness.Ready(), harness.Stable(2), harness.NoCanary()}},
		{"a version that fails its golden predictions", edit(3, nil), []harness.Want{
			harness.Condition("RevisionReady", metav1.ConditionFalse, string(contract.ReasonGoldenMismatch)), harness.Canary(3, 0)}},
		{"set back", edit(2, nil), []harness.Want{harness.Ready(), harness.Stable(2), harness.NoCanary()}},
	}
}

var _ = Describe("An operator that is restarted at every step of a rollout", Serial, Label("restart"), func() {
	It("comes to the same outcome", func(ctx SpecContext) {
		By("Given the outcomes of an undisturbed rollout")
		undisturbed := newScene(ctx, "rollout")
		undisturbed.givenStable(ctx)
		var outcomes []outcome
		for _, step := range rolloutSteps() {
			undisturbed.change(ctx, step.edit)
			undisturbed.eventually(ctx, step.what, step.wants...)
			outcomes = append(outcomes, undisturbed.outcome(ctx))
		}

		By("When the same rollout's operator is restarted whenever it has done something")
		s := newScene(ctx, "rollout")
		s.givenStable(ctx)
		u := s.givenUsers(ctx, 100, map[int64]float64{1: scores[1], 2: scores[2]})
		saboteur := s.sabotage(ctx)
		for i, step := range rolloutSteps() {
			By("When " + step.what)
			s.change(ctx, step.edit)
			// Once right after the user's edit as well, before the operator can have done much.
			Expect(h.DeleteOperatorPods(ctx)).To(Succeed())
			s.eventually(ctx, step.what, step.wants...)
			By("Then the outcome is the same")
			Expect(s.outcome(ctx)).To(Equal(outcomes[i]), step.what)
		}
		restarts := saboteur()
		AddReportEntry("restarts", fmt.Sprint(restarts))
		Expect(restarts).To(BeNumerically(">=", 3), "beside those right after an edit")
		u.thenNoneFailed(ctx)
	}, SpecTimeout(8*time.Minute))
})

// outcome is what a rollout's step leaves behind, without what differs between two namespaces.
type outcome struct {
	Stable, Canary int64
	Shares         []string
	Conditions     []string
	Revisions      []int64
	Entry          int64
}

func (s *scene) outcome(ctx context.Context) outcome {
	GinkgoHelper()
	status := s.status(ctx)
	o := outcome{Stable: number(status.StableRevision), Canary: number(status.CanaryRevision)}
	for _, t := range status.Traffic {
		o.Shares = append(o.Shares, fmt.Sprintf("%d %s %d", t.Number, t.Role, t.Weight))
	}
	for _, c := range status.Conditions {
		o.Conditions = append(o.Conditions, fmt.Sprintf("%s=%s %s: %s", c.Type, c.Status, c.Reason, c.Message))
	}
	slices.Sort(o.Conditions)

	numbers := map[string]int64{}
	revisions := &appsv1.ControllerRevisionList{}
	Expect(h.Client.List(ctx, revisions, client.InNamespace(s.key.Namespace))).To(Succeed())
	for _, r := range revisions.Items {
		numbers[r.Name] = r.Revision
		o.Revisions = append(o.Revisions, r.Revision)
	}
	slices.Sort(o.Revisions)
	service := &corev1.Service{}
	Expect(h.Client.Get(ctx, s.key, service)).To(Succeed())
	o.Entry = numbers[service.Spec.Selector[servingv1alpha1.LabelRevision]]
	return o
}

func number(r *servingv1alpha1.RevisionReference) int64 {
	if r == nil {
		return 0
	}
	return r.Number
}

// sabotage restarts the operator each time it has written something: the model's status, a revision, a Deployment, the
// traffic table, a Service. The
// function that it returns stops that, and says how often it happened.
func (s *scene) sabotage(ctx context.Context) func() int {
	GinkgoHelper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var (
		watchers sync.WaitGroup
		mu       sync.Mutex
		restarts int
	)
	restart := func() {
		mu.Lock()
		defer mu.Unlock()
		pods, err := h.OperatorPods(ctx)
		if err != nil || len(pods) == 0 || pods[len(pods)-1].Status.Phase != corev1.PodRunning {
			return // it is being restarted already
		}
		if h.Client.Delete(ctx, &pods[len(pods)-1]) == nil {
			restarts++
		}
	}
	for _, list := range []client.ObjectList{
		&servingv1alpha1.CTRModelList{}, &appsv1.ControllerRevisionList{}, &appsv1.DeploymentList{}, &corev1.ConfigMapList{},
		&corev1.ServiceList{},
	} {
		options := []client.ListOption{client.InNamespace(s.key.Namespace)}
		Expect(h.Client.List(ctx, list, options...)).To(Succeed())
		options = append(options, &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.GetResourceVersion()}})
		watcher, err := h.Client.Watch(ctx, list, options...)
		Expect(err).NotTo(HaveOccurred())
		watchers.Go(func() {
			defer watcher.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case _, open := <-watcher.ResultChan():
					if !open {
						return
					}
					restart()
				}
			}
		})
	}
	stop := func() int {
		cancel()
		watchers.Wait()
		return restarts
	}
	DeferCleanup(func() { stop() })
	return stop
}
