package envtest

import (
	"context"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
)

// deleteAll deletes the listed kind's objects that bear a model's label.
func (w *world) deleteAll(ctx context.Context, list client.ObjectList) {
	GinkgoHelper()
	Expect(direct.List(ctx, list, client.InNamespace(w.namespace), client.HasLabels{v1alpha1.LabelModel})).To(Succeed())
	objects, err := meta.ExtractList(list)
	Expect(err).NotTo(HaveOccurred())
	for _, object := range objects {
		o, ok := object.(client.Object)
		Expect(ok).To(BeTrue())
		Expect(client.IgnoreNotFound(direct.Delete(ctx, o))).To(Succeed())
	}
}

var _ = Describe("An idle operator", func() {
	It("writes nothing, however often it looks", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.apply(ctx, v1, replicas(2))
		w.isReady(ctx)
		w.apply(ctx, v2, weight(50), func(s *v1alpha1.CTRModelSpec) {
			s.PodTemplate = &v1alpha1.PodTemplate{
				Labels:       map[string]string{"team": "search"},
				Annotations:  map[string]string{"note": "x"},
				NodeSelector: map[string]string{"disk": "ssd"},
				Tolerations:  []corev1.Toleration{{Key: "dedicated", Operator: corev1.TolerationOpExists}},
				TopologySpreadConstraints: []corev1.TopologySpreadConstraint{
					{MaxSkew: 1, TopologyKey: "zone", WhenUnsatisfiable: corev1.ScheduleAnyway},
				},
				Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
					PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{
						Weight: 1, PodAffinityTerm: corev1.PodAffinityTerm{TopologyKey: "zone"},
					}},
				}},
				ImagePullSecrets: []corev1.LocalObjectReference{{Name: "registry"}},
			}
			s.Resources = &v1alpha1.Resources{Requests: corev1.ResourceList{"cpu": quantity("1500m"), "memory": quantity("1024Mi")}}
		})
		w.isReady(ctx)
		w.quiet(ctx)

		n := w.api.count()
		looks := 0
		By("forcing it to look: each change of an annotation is an event for it")
		for range 10 {
			model := w.model(ctx)
			before := model.DeepCopy()
			looks++
			model.Annotations = map[string]string{"look": fmt.Sprint(looks)}
			Expect(direct.Patch(ctx, model, client.MergeFrom(before))).To(Succeed())
		}
		By("the last of the looks being seen to have happened")
		w.poke(ctx)
		writes := w.api.since(n)
		Expect(writes).To(HaveLen(1), "the answer to the poke, and nothing else: %v", writes)
		Expect(writes[0].path).To(HaveSuffix("/status"))
		Consistently(func() []write { return w.api.since(n) }).Should(HaveLen(1))
	})

	It("has nothing to write after a restart", func(ctx SpecContext) {
		w := &world{namespace: newNamespace(ctx), api: &recorder{}}
		w.node = startNode(w.namespace)
		stop := startOperator(w.namespace, w.api)
		w.apply(ctx, v1, replicas(2))
		w.isReady(ctx)
		w.apply(ctx, v2, weight(50))
		w.isReady(ctx)
		w.quiet(ctx)
		stop()

		again := &recorder{}
		startOperator(w.namespace, again)
		w.api = again
		w.poke(ctx)
		Expect(again.since(0)).To(HaveLen(1))
	})
})

// quiet waits until the operator has written nothing for a while: events arrive late.
func (w *world) quiet(ctx context.Context) {
	GinkgoHelper()
	last := -1
	Eventually(func() bool {
		n := w.api.count()
		same := n == last
		last = n
		return same
	}).WithContext(ctx).WithPolling(quietFor).Should(BeTrue())
}

var _ = Describe("Long names that differ late", func() {
	It("make models that do not get into each other's way", func(ctx SpecContext) {
		w := newWorld(ctx)
		long := strings.Repeat("a", 62)
		names := []string{long + "b", long + "c", long[:51], long[:52]}
		for _, name := range names {
			model := &v1alpha1.CTRModel{
				ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace},
				Spec:       v1alpha1.CTRModelSpec{ModelType: v1alpha1.ModelLogisticRegression, ArtifactURL: v1},
			}
			Expect(direct.Create(ctx, model)).To(Succeed())
		}
		seen := map[string]bool{}
		for _, name := range names {
			model := &v1alpha1.CTRModel{}
			Eventually(func() metav1.ConditionStatus {
				Expect(direct.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: name}, model)).To(Succeed())
				return condition(model, v1alpha1.ConditionReady).Status
			}).Should(Equal(metav1.ConditionTrue))
			revision := model.Status.StableRevision.Name
			Expect(len(revision)).To(BeNumerically("<=", 63))
			Expect(seen).NotTo(HaveKey(revision))
			seen[revision] = true
		}
	})
})

// names are the names of the listed kind's objects.
func (w *world) names(ctx context.Context, list client.ObjectList) []string {
	GinkgoHelper()
	Expect(direct.List(ctx, list, client.InNamespace(w.namespace))).To(Succeed())
	objects, err := meta.ExtractList(list)
	Expect(err).NotTo(HaveOccurred())
	var out []string
	for _, object := range objects {
		o, ok := object.(client.Object)
		Expect(ok).To(BeTrue())
		out = append(out, fmt.Sprintf("%T %s", o, o.GetName()))
	}
	return out
}
