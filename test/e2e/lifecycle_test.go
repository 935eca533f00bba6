package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	servingv1alpha1 "github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/test/harness"
)

// Only a real cluster has a garbage collector.
var _ = Describe("A model that is deleted", Label("lifecycle"), func() {
	It("takes all that was made for it with it, and can come again", func(ctx SpecContext) {
		s := newScene(ctx, "deleted")
		s.givenStable(ctx, func(spec *servingv1alpha1.CTRModelSpec) { spec.Replicas = new(int32(2)) })
		s.givenCanary(ctx, 10)
		made := func(ctx SpecContext) map[string]int {
			GinkgoHelper()
			count := map[string]int{}
			for kind, list := range map[string]client.ObjectList{
				"deployments": &appsv1.DeploymentList{}, "revisions": &appsv1.ControllerRevisionList{},
				"services": &corev1.ServiceList{}, "tables": &corev1.ConfigMapList{}, "pods": &corev1.PodList{},
				"budgets": &policyv1.PodDisruptionBudgetList{},
			} {
				Expect(h.Client.List(ctx, list, client.InNamespace(s.key.Namespace),
					client.MatchingLabels{servingv1alpha1.LabelModel: s.key.Name})).To(Succeed())
				if n := meta.LenList(list); n > 0 {
					count[kind] = n
				}
			}
			return count
		}
		Expect(made(ctx)).To(Equal(map[string]int{
			"deployments": 2, "revisions": 2, "services": 3, "tables": 1, "pods": 3, "budgets": 1,
		}))

		By("When it is deleted")
		Expect(h.Client.Delete(ctx, s.model(artifacts[1]))).To(Succeed())
		By("Then nothing is left")
		Eventually(made).WithContext(ctx).WithTimeout(patience).WithPolling(250 * time.Millisecond).Should(BeEmpty())

		By("And a model of the same name serves again, from revision 1 on")
		s.create(ctx, s.model(artifacts[2]))
		s.eventually(ctx, "it is ready", harness.Ready(), harness.Stable(1), harness.NoCanary())
		Expect(s.ask(ctx, 100, 100).Revisions).To(Equal(map[int64]int{1: 100}))
	}, SpecTimeout(4*time.Minute))
})
