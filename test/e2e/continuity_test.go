package e2e

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	servingv1alpha1 "github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/test/harness"
)

// The specs are chapters in the life of one model, each under a load of its own that begins before the change and ends
// when the pods that it replaced are gone.
var _ = Describe("Under continuous load no request is lost", Ordered, Serial, Label("continuity"), func() {
	const rate = 200
	var s *scene
	// What each revision of this model answers: revisions 3 and 5 are version 1 with other resources, 4 is version 2 with
	// those of 3.
	expect := map[int64]float64{1: scores[1], 2: scores[2], 3: scores[1], 4: scores[2], 5: scores[1]}

	BeforeAll(func(ctx SpecContext) {
		s = newScene(ctx, "continuity")
		s.givenStable(ctx, func(spec *servingv1alpha1.CTRModelSpec) { spec.Replicas = new(int32(2)) })
	}, NodeTimeout(3*time.Minute))

	// under runs a change with users asking before, during and after it.
	under := func(ctx SpecContext, change func()) {
		GinkgoHelper()
		u := s.givenUsers(ctx, rate, expect)
		before := u.load.Now().Requests
		change()
		Expect(u.load.Now().Requests-before).To(BeNumerically(">=", 100), "hardly anybody asked while it changed")
		u.keepAsking(ctx, 200)
		By("And the replaced pods are gone")
		s.onlyLivePods(ctx)
		u.keepAsking(ctx, 200)
		u.thenNoneFailed(ctx)
	}

	It("when a new revision comes as a canary", func(ctx SpecContext) {
		under(ctx, func() {
			By("When version 2 comes at 30 %")
			s.change(ctx, func(spec *servingv1alpha1.CTRModelSpec) {
				spec.ArtifactURL, spec.CanaryWeight = artifacts[2], new(int32(30))
			})
			s.eventually(ctx, "the canary has 30 %", harness.Ready(), harness.Stable(1), harness.Canary(2, 30))
		})
	}, SpecTimeout(3*time.Minute))

	It("when it is promoted", func(ctx SpecContext) {
		under(ctx, func() {
			By("When the weight is unset")
			s.change(ctx, func(spec *servingv1alpha1.CTRModelSpec) { spec.CanaryWeight = nil })
			s.eventually(ctx, "version 2 is stable", harness.Ready(), harness.Stable(2), harness.NoCanary())
		})
	}, SpecTimeout(3*time.Minute))

	It("when it is rolled back", func(ctx SpecContext) {
		under(ctx, func() {
			By("When the URL is set back to version 1")
			s.change(ctx, func(spec *servingv1alpha1.CTRModelSpec) { spec.ArtifactURL = artifacts[1] })
			s.eventually(ctx, "version 1 is stable", harness.Ready(), harness.Stable(1), harness.NoCanary())
		})
	}, SpecTimeout(3*time.Minute))

	It("when the resources change", func(ctx SpecContext) {
		under(ctx, func() {
			By("When the memory limit is raised")
			s.change(ctx, func(spec *servingv1alpha1.CTRModelSpec) { spec.Resources.Limits = memoryLimit("300Mi") })
			s.eventually(ctx, "revision 3 is stable", harness.Ready(), harness.Stable(3), harness.NoCanary())
		})
	}, SpecTimeout(3*time.Minute))

	It("when it is scaled up and down", func(ctx SpecContext) {
		under(ctx, func() {
			for _, replicas := range []int32{3, 1, 2} {
				By(fmt.Sprintf("When it is scaled to %d", replicas))
				s.change(ctx, func(spec *servingv1alpha1.CTRModelSpec) { spec.Replicas = &replicas })
				s.eventually(ctx, "it has the pods", harness.Ready(), replicasReady(replicas))
			}
		})
	}, SpecTimeout(3*time.Minute))

	It("when a node drain evicts its pods", func(ctx SpecContext) {
		under(ctx, func() {
			By("When each pod is evicted, as soon as the PodDisruptionBudget allows it")
			pods, err := h.RevisionPods(ctx, s.key.Namespace, s.status(ctx).StableRevision.Name)
			Expect(err).NotTo(HaveOccurred())
			Expect(pods).To(HaveLen(2))
			for _, pod := range pods {
				Eventually(h.Evict).WithContext(ctx).WithArguments(&pod).WithTimeout(patience).Should(Succeed())
			}
		})
	}, SpecTimeout(3*time.Minute))

	It("when the operator's pod is deleted in the middle of a rollout", func(ctx SpecContext) {
		under(ctx, func() {
			By("When version 2 comes, and the operator's pod is deleted at once")
			s.change(ctx, func(spec *servingv1alpha1.CTRModelSpec) { spec.ArtifactURL = artifacts[2] })
			Expect(h.DeleteOperatorPods(ctx)).To(Succeed())
			By("Then another one completes the rollout")
			s.eventually(ctx, "revision 4 is stable", harness.Ready(), harness.Stable(4), harness.NoCanary())
		})
	}, SpecTimeout(3*time.Minute))

	It("when the operator is uninstalled and comes back", func(ctx SpecContext) {
		under(ctx, func() {
			By("When the release is uninstalled")
			before := s.livePods(ctx)
			DeferCleanup(func(ctx SpecContext) {
				Expect(h.InstallOperator(ctx, harness.InstallOptions{})).To(Succeed())
			}, NodeTimeout(3*time.Minute))
			Expect(h.UninstallOperator(ctx)).To(Succeed())
			By("Then the model is still there, and so are its pods")
			Expect(s.status(ctx).StableRevision.Number).To(BeEquivalentTo(4))
			Expect(s.livePods(ctx)).To(Equal(before))
			By("And an operator that is installed again changes nothing")
			Expect(h.InstallOperator(ctx, harness.InstallOptions{})).To(Succeed())
			s.eventually(ctx, "revision 4 is still stable", harness.Ready(), harness.Stable(4), harness.NoCanary())
			Expect(s.livePods(ctx)).To(Equal(before))
		})
	}, SpecTimeout(4*time.Minute))

	It("when the operator is upgraded with Helm in the middle of a rollout", func(ctx SpecContext) {
		DeferCleanup(func(ctx SpecContext) {
			Expect(h.InstallOperator(ctx, harness.InstallOptions{})).To(Succeed())
		}, NodeTimeout(3*time.Minute))
		under(ctx, func() {
			s.change(ctx, func(spec *servingv1alpha1.CTRModelSpec) {
				spec.ArtifactURL, spec.CanaryWeight = artifacts[1], new(int32(50))
				spec.Resources.Limits = memoryLimit("301Mi")
			})
			s.eventually(ctx, "the canary has 50 %", harness.Ready(), harness.Stable(4), harness.Canary(5, 50))
			before := s.livePods(ctx)

			By("When the next version of the operator is installed")
			Expect(h.InstallOperator(ctx, harness.InstallOptions{Operator: h.Images.OperatorNext})).To(Succeed())
			pods, err := h.OperatorPods(ctx)
			Expect(err).NotTo(HaveOccurred())
			Expect(pods).To(HaveEach(HaveField("Spec.Containers", ContainElement(HaveField("Image", h.Images.OperatorNext.Ref)))))

			By("Then no model pod was restarted, and the new operator completes the rollout")
			Expect(s.livePods(ctx)).To(Equal(before))
			s.change(ctx, func(spec *servingv1alpha1.CTRModelSpec) { spec.CanaryWeight = nil })
			s.eventually(ctx, "revision 5 is stable", harness.Ready(), harness.Stable(5), harness.NoCanary())
		})
	}, SpecTimeout(5*time.Minute))
})

// replicasReady wants so many pods behind the model's Service.
func replicasReady(n int32) harness.Want {
	return func(m *servingv1alpha1.CTRModel) string {
		if m.Status.Replicas != n {
			return fmt.Sprintf("%d pods are ready, wanted are %d", m.Status.Replicas, n)
		}
		return ""
	}
}

func memoryLimit(quantity string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(quantity)}
}

// livePods are the model's pods that are not going away, and how often their containers were restarted.
func (s *scene) livePods(ctx context.Context) map[types.UID]int32 {
	GinkgoHelper()
	pods, err := h.Pods(ctx, s.key.Namespace, client.MatchingLabels{servingv1alpha1.LabelModel: s.key.Name})
	Expect(err).NotTo(HaveOccurred())
	live := map[types.UID]int32{}
	for _, pod := range pods {
		for _, c := range pod.Status.ContainerStatuses {
			live[pod.UID] += c.RestartCount
		}
	}
	return live
}

// onlyLivePods waits until every pod of the model belongs to the stable revision or the canary, and none is going away.
func (s *scene) onlyLivePods(ctx context.Context) {
	GinkgoHelper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	Expect(h.WaitOnlyLivePods(ctx, s.key)).To(Succeed())
}
