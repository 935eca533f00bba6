package envtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/controllers/ctrmodel"
	"github.com/ctr-operator/ctr-operator/controllers/operator"
	"github.com/ctr-operator/ctr-operator/controllers/revision"
	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// stepper runs the reconciler by hand, without caches and with its own clock, so that a history can be repeated exactly.
type stepper struct {
	*world
	reconciler *ctrmodel.Reconciler
	now        time.Time
}

func newStepper(ctx context.Context, api *recorder) *stepper {
	GinkgoHelper()
	namespace := newNamespace(ctx)
	s := &stepper{
		world: &world{namespace: namespace, node: newNode(namespace)},
		now:   time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC),
	}
	s.newOperator(api)
	return s
}

// newOperator replaces the operator by one that knows nothing of what the one before it did.
func (s *stepper) newOperator(api *recorder) {
	GinkgoHelper()
	s.api = api
	cfg := rest.CopyConfig(operatorKube)
	cfg.Wrap(api.wrap)
	scheme, err := operator.Scheme()
	Expect(err).NotTo(HaveOccurred())
	c, err := client.New(cfg, client.Options{Scheme: scheme, Mapper: direct.RESTMapper()})
	Expect(err).NotTo(HaveOccurred())
	metrics, err := ctrmodel.NewMetrics(prometheus.NewRegistry(), c)
	Expect(err).NotTo(HaveOccurred())
	s.reconciler = &ctrmodel.Reconciler{
		Client: c, Live: c, Metrics: metrics,
		Events: &events.FakeRecorder{},
		Image:  revision.Image{Ref: "ctr-operator/ctr-runtime:test"},
		Now:    func() time.Time { return s.now },
	}
}

// settle reconciles, and lets pods and time pass, until nothing changes any more. It returns the error of an operator
// that has died.
func (s *stepper) settle(ctx context.Context) error {
	GinkgoHelper()
	request := reconcile.Request{NamespacedName: types.NamespacedName{Namespace: s.namespace, Name: modelName}}
	for range 60 {
		writes, changes := s.api.count(), s.node.changes
		result, err := s.reconciler.Reconcile(ctx, request)
		if err != nil {
			return err
		}
		for last := -1; last != s.node.changes; {
			last = s.node.changes
			Expect(s.node.sync(ctx)).To(Succeed())
		}
		if s.api.count() == writes && s.node.changes == changes {
			if result.RequeueAfter == 0 {
				return nil
			}
			s.now = s.now.Add(result.RequeueAfter)
		}
	}
	Fail("does not come to rest")
	return nil
}

// step is something that a user does.
type step func(context.Context, *world)

var (
	// short is a first revision and its replacement.
	short = []step{
		func(ctx context.Context, w *world) { w.apply(ctx, v1) },
		func(ctx context.Context, w *world) { w.apply(ctx, v2) },
	}
	// long has more of a model's life: two pods, a canary, its promotion, and a broken third revision that is set back.
	long = []step{
		func(ctx context.Context, w *world) { w.apply(ctx, v1, replicas(2)) },
		func(ctx context.Context, w *world) { w.apply(ctx, v2, weight(50)) },
		func(ctx context.Context, w *world) { w.apply(ctx, v2, allWeight) },
		func(ctx context.Context, w *world) {
			w.node.set(v3, terminated(contract.Termination{Reason: contract.ReasonArtifactMalformed, Message: "not a pickle"}))
			w.apply(ctx, v3)
		},
		func(ctx context.Context, w *world) { w.apply(ctx, v2) },
	}
)

// live goes through a history and returns the state after each step. An operator that dies is followed by the next.
func (s *stepper) live(ctx context.Context, history []step, next func() *recorder) (states []string) {
	GinkgoHelper()
	for _, change := range history {
		change(ctx, s.world)
		for s.settle(ctx) != nil {
			s.expectServing(ctx)
			s.newOperator(next())
		}
		states = append(states, s.state(ctx))
	}
	return states
}

// mortal dies at its n-th write (from 0).
func mortal(n int) *recorder { return &recorder{refuse: func(i int) bool { return i >= n }} }

func immortal() *recorder { return &recorder{} }

// expectServing holds that whatever was interrupted, the users of a model that once served are served.
func (s *stepper) expectServing(ctx context.Context) {
	GinkgoHelper()
	if s.model(ctx).Status.StableRevision == nil {
		return
	}
	ready := map[string]int32{}
	var pods corev1.PodList
	Expect(direct.List(ctx, &pods, client.InNamespace(s.namespace))).To(Succeed())
	for _, pod := range pods.Items {
		if pod.Status.ContainerStatuses[0].Ready {
			ready[pod.Labels[v1alpha1.LabelRevision]]++
		}
	}
	Expect(ready[s.entry(ctx)]).To(BeNumerically(">", 0), "the Service selects pods that are ready")
	sum := int32(0)
	for _, r := range s.table(ctx).Revisions {
		sum += r.Weight
		if r.Weight > 0 {
			Expect(ready[r.Name]).To(BeNumerically(">", 0), "revision %d has weight %d", r.Number, r.Weight)
		}
	}
	Expect(sum).To(BeEquivalentTo(100))
}

// state is all that should not depend on what was interrupted.
func (s *stepper) state(ctx context.Context) string {
	GinkgoHelper()
	status := s.model(ctx).Status
	out := []string{fmt.Sprintf("stable %v canary %v weight %v latest %d table %v entry %s",
		status.StableRevision, status.CanaryRevision, status.CanaryWeight != nil, status.LatestRevision,
		s.weights(ctx), s.entry(ctx))}
	for _, c := range status.Conditions {
		out = append(out, fmt.Sprintf("%s %s %s %s", c.Type, c.Status, c.Reason, c.Message))
	}
	for name, d := range s.deployments(ctx) {
		out = append(out, fmt.Sprintf("deployment %s %d %s", name, *d.Spec.Replicas, d.Annotations[v1alpha1.AnnotationRetireAt]))
	}
	out = append(out, s.names(ctx, &corev1.ServiceList{})...)
	out = append(out, s.names(ctx, &policyv1.PodDisruptionBudgetList{})...)
	out = append(out, s.names(ctx, &appsv1.ControllerRevisionList{})...)
	out = append(out, fmt.Sprint("numbers ", slices.Sorted(slices.Values(s.stored(ctx)))))
	slices.Sort(out[1:])
	return strings.Join(out, "\n")
}

var _ = Describe("An operator that dies", func() {
	It("at any of its writes leaves nothing that the next one does not put right", func(ctx SpecContext) {
		undisturbed := newStepper(ctx, immortal())
		want := undisturbed.live(ctx, short, immortal)
		total := undisturbed.api.count()
		Expect(total).To(BeNumerically(">", 15))
		for k := range total {
			By(fmt.Sprintf("dying at write %d of %d", k, total))
			Expect(newStepper(ctx, mortal(k)).live(ctx, short, immortal)).To(Equal(want))
		}
	})

	It("again and again, every few writes, gets there too", func(ctx SpecContext) {
		want := newStepper(ctx, immortal()).live(ctx, long, immortal)
		for _, n := range []int{1, 2, 3, 5, 8} {
			By(fmt.Sprintf("living for %d writes at a time", n))
			Expect(newStepper(ctx, mortal(n)).live(ctx, long, func() *recorder { return mortal(n) })).To(Equal(want))
		}
	})
})
