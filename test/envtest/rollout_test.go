package envtest

import (
	"context"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

var _ = Describe("Rollout", func() {
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(ctx) })

	It("gives a first revision everything once it is ready", func(ctx SpecContext) {
		w.node.set(v1, pending)
		w.apply(ctx, v1, weight(10))
		Eventually(func(g Gomega) {
			model := w.model(ctx)
			g.Expect(model.Status.StableRevision).To(BeNil())
			g.Expect(condition(model, v1alpha1.ConditionReady).Reason).To(Equal(v1alpha1.ReasonRevisionStarting))
			g.Expect(condition(model, v1alpha1.ConditionReconciling).Status).To(Equal(metav1.ConditionTrue))
		}).Should(Succeed())

		w.node.set(v1, ready)
		model := w.isReady(ctx)
		Expect(model.Status.StableRevision.Number).To(BeEquivalentTo(1))
		Expect(model.Status.CanaryRevision).To(BeNil())
		Expect(model.Status.CanaryWeight).To(BeNil())
		Expect(model.Status.URL).To(Equal("http://search-ctr." + w.namespace + ".svc:8501"))
		Expect(w.weights(ctx)).To(Equal(map[int64]int32{1: 100}))
		Expect(w.entry(ctx)).To(Equal(model.Status.StableRevision.Name))
		Eventually(w.events(ctx)).Should(ContainElements(v1alpha1.EventRevisionCreated, v1alpha1.EventPromoted))
	})

	It("holds a canary at 0, 10 and 50 per cent and promotes it at 100", func(ctx SpecContext) {
		w.apply(ctx, v1, replicas(4))
		first := w.isReady(ctx).Status.StableRevision.Name

		w.apply(ctx, v2, weight(0))
		model := w.isReady(ctx)
		canary := model.Status.CanaryRevision.Name
		Expect(model.Status.StableRevision.Name).To(Equal(first))
		Expect(*model.Status.CanaryWeight).To(BeZero())
		Expect(w.weights(ctx)).To(Equal(map[int64]int32{1: 100, 2: 0}))
		Expect(*w.deployments(ctx)[canary].Spec.Replicas).To(BeEquivalentTo(1))
		Expect(condition(model, v1alpha1.ConditionCanaryHealthy).Status).To(Equal(metav1.ConditionTrue))
		salt := w.table(ctx).Salt

		for _, step := range []struct{ asked, pods int32 }{{10, 1}, {50, 2}, {25, 1}} {
			asked, pods := step.asked, step.pods
			w.apply(ctx, v2, weight(asked))
			model = w.isReady(ctx)
			Expect(*model.Status.CanaryWeight).To(Equal(asked))
			Expect(w.weights(ctx)).To(Equal(map[int64]int32{1: 100 - asked, 2: asked}))
			Eventually(func() int32 { return *w.deployments(ctx)[canary].Spec.Replicas }).Should(Equal(pods))
			Expect(*w.deployments(ctx)[first].Spec.Replicas).To(BeEquivalentTo(4))
			Expect(w.entry(ctx)).To(Equal(first))
			Expect(w.table(ctx).Salt).To(Equal(salt), "the same users all through a rollout")
			Expect(condition(model, v1alpha1.ConditionReady).Message).To(
				Equal(fmt.Sprintf("revision 1 serves %d %%, revision 2 serves %d %%.", 100-asked, asked)))
		}

		w.apply(ctx, v2, weight(100))
		model = w.isReady(ctx)
		Expect(model.Status.StableRevision.Name).To(Equal(canary))
		Expect(model.Status.CanaryRevision).To(BeNil())
		Expect(w.weights(ctx)).To(Equal(map[int64]int32{2: 100}))
		Expect(w.entry(ctx)).To(Equal(canary))
		Expect(condition(model, v1alpha1.ConditionCanaryHealthy).Type).To(BeEmpty())
		By("the old pods staying for a grace, and then going")
		Expect(w.deployments(ctx)[first].Annotations).To(HaveKey(v1alpha1.AnnotationRetireAt))
		Eventually(func() map[string]appsv1.Deployment { return w.deployments(ctx) }).WithTimeout(15 * time.Second).
			Should(And(HaveKey(canary), Not(HaveKey(first))))
		var services corev1.ServiceList
		Eventually(func() []corev1.Service {
			Expect(direct.List(ctx, &services, client.InNamespace(w.namespace))).To(Succeed())
			return services.Items
		}).Should(HaveLen(2), "the model's and the revision's")
		Eventually(w.events(ctx)).Should(ContainElements(v1alpha1.EventCanaryStarted, v1alpha1.EventWeightChanged,
			v1alpha1.EventPromoted))
	})

	It("gives a canary no more weight than its ready pods carry", func(ctx SpecContext) {
		w.apply(ctx, v1, replicas(10))
		w.isReady(ctx)
		w.node.limit(v2, 0)
		w.apply(ctx, v2, weight(50))
		for _, step := range []struct{ ready, carried int32 }{{0, 0}, {1, 10}, {3, 30}, {5, 50}} {
			carried := step.carried
			w.node.limit(v2, step.ready)
			Eventually(func() map[int64]int32 { return w.weights(ctx) }).
				Should(Equal(map[int64]int32{1: 100 - carried, 2: carried}))
		}
		w.isReady(ctx)
		w.node.limit(v2, 2)
		Eventually(func() map[int64]int32 { return w.weights(ctx) }).Should(Equal(map[int64]int32{1: 80, 2: 20}))
	})

	It("promotes in the order table, pods, Service, status", func(ctx SpecContext) {
		w.apply(ctx, v1)
		w.isReady(ctx)
		w.apply(ctx, v2, weight(50))
		model := w.isReady(ctx)
		stable, canary := model.Status.StableRevision.Name, model.Status.CanaryRevision.Name
		n := w.api.count()

		w.apply(ctx, v2, allWeight)
		w.isReady(ctx)
		writes := w.api.since(n)
		table := index(writes, "/configmaps/", `\"weight\": 100`)
		touched := index(writes, "/pods/"+stable, v1alpha1.AnnotationTraffic)
		service := index(writes, "/services/"+modelName, canary)
		status := index(writes, "/ctrmodels/"+modelName+"/status", `"stableRevision":{"name":"`+canary)
		Expect([]int{table, touched, service, status}).To(HaveEach(BeNumerically(">=", 0)), "%v", writes)
		Expect(table).To(BeNumerically("<", touched))
		Expect(touched).To(BeNumerically("<", service))
		Expect(service).To(BeNumerically("<", status))
	})

	It("touches all pods with each new table, and with no table twice", func(ctx SpecContext) {
		w.apply(ctx, v1, replicas(3))
		stable := w.isReady(ctx).Status.StableRevision.Name
		w.apply(ctx, v2, weight(10))
		canary := w.isReady(ctx).Status.CanaryRevision.Name
		Eventually(func(g Gomega) {
			all := append(touches(ctx, w.namespace, stable), touches(ctx, w.namespace, canary)...)
			g.Expect(all).To(HaveLen(4))
			g.Expect(all).To(HaveEach(And(Not(BeEmpty()), Equal(all[0]))))
		}).Should(Succeed())
	})

	It("takes a canary away when the URL is set back, and at once where it was just promoted", func(ctx SpecContext) {
		w.apply(ctx, v1)
		first := w.isReady(ctx).Status.StableRevision.Name
		w.apply(ctx, v2, weight(50))
		canary := w.isReady(ctx).Status.CanaryRevision.Name

		w.apply(ctx, v1)
		model := w.isReady(ctx)
		Expect(model.Status.StableRevision.Name).To(Equal(first))
		Expect(model.Status.CanaryRevision).To(BeNil())
		Expect(w.weights(ctx)).To(Equal(map[int64]int32{1: 100}))
		Expect(w.deployments(ctx)[canary].Annotations).To(HaveKey(v1alpha1.AnnotationRetireAt))
		Eventually(w.events(ctx)).Should(ContainElement(v1alpha1.EventSetBack))

		By("coming back with the same number, and its pods still there")
		w.apply(ctx, v2, allWeight)
		model = w.isReady(ctx)
		Expect(model.Status.StableRevision.Name).To(Equal(canary))
		Expect(model.Status.StableRevision.Number).To(BeEquivalentTo(2))
		Expect(w.deployments(ctx)[canary].Annotations).NotTo(HaveKey(v1alpha1.AnnotationRetireAt))
		w.apply(ctx, v1, allWeight)
		model = w.isReady(ctx)
		Expect(model.Status.StableRevision.Name).To(Equal(first))
	})

	It("replaces a canary by a third revision", func(ctx SpecContext) {
		w.apply(ctx, v1)
		w.isReady(ctx)
		w.apply(ctx, v2, weight(50))
		second := w.isReady(ctx).Status.CanaryRevision.Name
		w.node.set(v3, pending)
		w.apply(ctx, v3)
		Eventually(func() map[int64]int32 { return w.weights(ctx) }).Should(Equal(map[int64]int32{1: 100, 3: 0}))
		Eventually(func() map[string]string { return w.deployments(ctx)[second].Annotations }).
			Should(HaveKey(v1alpha1.AnnotationRetireAt))
		w.node.set(v3, ready)
		Expect(w.isReady(ctx).Status.CanaryRevision.Number).To(BeEquivalentTo(3))
		Expect(w.weights(ctx)).To(Equal(map[int64]int32{1: 50, 3: 50}))
	})

	It("lets a canary stand in for a stable revision without ready pods", func(ctx SpecContext) {
		w.apply(ctx, v1, replicas(3))
		stable := w.isReady(ctx).Status.StableRevision.Name
		w.apply(ctx, v2, weight(10))
		canary := w.isReady(ctx).Status.CanaryRevision.Name

		w.node.set(v1, ended(corev1.ContainerStateTerminated{ExitCode: 2, Message: "panic: out of luck"}, 5))
		Eventually(func() string { return w.entry(ctx) }).Should(Equal(canary))
		Eventually(func() map[int64]int32 { return w.weights(ctx) }).Should(Equal(map[int64]int32{1: 0, 2: 100}))
		model := w.settled(ctx, v1alpha1.ConditionReady, metav1.ConditionFalse)
		Expect(condition(model, v1alpha1.ConditionReady).Reason).To(Equal(v1alpha1.ReasonStableUnavailable))
		Expect(condition(model, v1alpha1.ConditionReady).Message).To(And(
			ContainSubstring("revision 2 serves 100 %"), ContainSubstring("panic: out of luck")))
		Expect(model.Status.StableRevision.Name).To(Equal(stable), "the roles stay")
		Eventually(func() int32 { return *w.deployments(ctx)[canary].Spec.Replicas }).Should(BeEquivalentTo(3))

		w.node.set(v1, ready)
		w.isReady(ctx)
		Expect(w.entry(ctx)).To(Equal(stable))
		Expect(w.weights(ctx)).To(Equal(map[int64]int32{1: 90, 2: 10}))
		Eventually(w.events(ctx)).Should(ContainElements(v1alpha1.EventStandInStarted, v1alpha1.EventStandInEnded))
	})

	It("makes a first revision's replacement stable, where the first never came up", func(ctx SpecContext) {
		w.node.set(v1, terminated(contract.Termination{Reason: contract.ReasonArtifactNotFound, Message: "no such file"}))
		w.apply(ctx, v1)
		w.settled(ctx, v1alpha1.ConditionStalled, metav1.ConditionTrue)
		w.apply(ctx, v2, weight(10))
		model := w.isReady(ctx)
		Expect(model.Status.StableRevision.Number).To(BeEquivalentTo(2))
		Expect(w.weights(ctx)).To(Equal(map[int64]int32{2: 100}))
	})

	It("makes no new revision of a change that shapes no pod", func(ctx SpecContext) {
		w.apply(ctx, v1)
		w.isReady(ctx)
		w.apply(ctx, v1, weight(7), replicas(2), func(s *v1alpha1.CTRModelSpec) {
			s.Traffic = &v1alpha1.Traffic{Stickiness: &v1alpha1.Stickiness{Header: "X-User-Id"}}
		})
		model := w.isReady(ctx)
		Expect(model.Status.LatestRevision).To(BeEquivalentTo(1))
		Expect(w.table(ctx).Stickiness.Header).To(Equal("X-User-Id"))
		w.apply(ctx, v1, func(s *v1alpha1.CTRModelSpec) { s.Server.MaxBatchSize = new(int32(8)) })
		Expect(w.isReady(ctx).Status.LatestRevision).To(BeEquivalentTo(2))
	})

	It("keeps a disruption budget where there are several pods", func(ctx SpecContext) {
		w.apply(ctx, v1, replicas(2))
		name := w.isReady(ctx).Status.StableRevision.Name
		budget := &policyv1.PodDisruptionBudget{}
		key := client.ObjectKey{Namespace: w.namespace, Name: name}
		Expect(direct.Get(ctx, key, budget)).To(Succeed())
		Expect(budget.Spec.MaxUnavailable.IntValue()).To(Equal(1))
		w.apply(ctx, v1, replicas(1))
		Eventually(func() error { return direct.Get(ctx, key, budget) }).Should(MatchError(ContainSubstring("not found")))
	})

	It("remembers ten revisions beside those in use, and never gives a number twice", func(ctx SpecContext) {
		url := func(i int) string { return fmt.Sprintf("https://models.example.com/%d", i) }
		w.apply(ctx, url(1))
		w.isReady(ctx)
		for i := 2; i <= 14; i++ {
			w.apply(ctx, url(i), weight(0))
			Expect(w.isReady(ctx).Status.LatestRevision).To(BeEquivalentTo(i))
		}
		// Retired ones are in use until their grace is over; end it.
		w.endGrace(ctx)
		Eventually(func() []int64 { return w.stored(ctx) }).
			Should(ConsistOf(numbers(1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)))

		By("making a forgotten one anew, with a new number")
		w.apply(ctx, url(2), weight(0))
		Expect(w.isReady(ctx).Status.CanaryRevision.Number).To(BeEquivalentTo(15))
		By("finding a remembered one by its number")
		w.apply(ctx, url(9), weight(0))
		Expect(w.isReady(ctx).Status.CanaryRevision.Number).To(BeEquivalentTo(9))
	})
})

func numbers(n ...int64) []int64 { return n }

// stored are the numbers of the ControllerRevisions.
func (w *world) stored(ctx context.Context) []int64 {
	GinkgoHelper()
	var list appsv1.ControllerRevisionList
	Expect(direct.List(ctx, &list, client.InNamespace(w.namespace))).To(Succeed())
	var out []int64
	for _, cr := range list.Items {
		out = append(out, cr.Revision)
	}
	return out
}

// endGrace makes the time come at which retired revisions go.
func (w *world) endGrace(ctx context.Context) {
	GinkgoHelper()
	for _, d := range w.deployments(ctx) {
		if d.Annotations[v1alpha1.AnnotationRetireAt] == "" {
			continue
		}
		before := d.DeepCopy()
		d.Annotations[v1alpha1.AnnotationRetireAt] = "2020-01-01T00:00:00Z"
		Expect(direct.Patch(ctx, &d, client.MergeFrom(before))).To(Succeed())
	}
}

// events are the reasons of the model's events, once they have arrived.
func (w *world) events(ctx context.Context) func() []string {
	return func() []string {
		var list eventsv1.EventList
		if err := direct.List(ctx, &list, client.InNamespace(w.namespace)); err != nil {
			return []string{err.Error()}
		}
		var out []string
		for _, e := range list.Items {
			if strings.HasPrefix(e.Regarding.Name, modelName) {
				out = append(out, e.Reason)
			}
		}
		return out
	}
}
