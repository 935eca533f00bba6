package envtest

import (
	"encoding/json"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
)

var _ = Describe("What kubectl shows", func() {
	It("is the short name and the category all", func() {
		c, err := discovery.NewDiscoveryClientForConfig(kube)
		Expect(err).NotTo(HaveOccurred())
		list, err := c.ServerResourcesForGroupVersion(v1alpha1.GroupVersion.String())
		Expect(err).NotTo(HaveOccurred())
		Expect(list.APIResources).To(ContainElement(And(
			HaveField("Name", "ctrmodels"), HaveField("Kind", "CTRModel"), HaveField("Namespaced", true),
			HaveField("ShortNames", ConsistOf("ctrm")), HaveField("Categories", ConsistOf("all")))))
		Expect(list.APIResources).To(ContainElement(HaveField("Name", "ctrmodels/scale")))
	})

	It("is a line that says who serves", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.apply(ctx, v1)
		w.isReady(ctx)
		w.apply(ctx, v2, weight(10))
		w.isReady(ctx)

		table := w.tableOfModels(ctx)
		var names, wide []string
		for _, column := range table.ColumnDefinitions {
			if column.Priority == 0 {
				names = append(names, column.Name)
			} else {
				wide = append(wide, column.Name)
			}
		}
		Expect(names).To(Equal([]string{"Name", "Ready", "Type", "Stable", "Canary", "Weight", "URL", "Age"}))
		Expect(wide).To(Equal([]string{"Reason"}))
		cells := table.Rows[0].Cells
		Expect(cells[:6]).To(Equal([]any{modelName, "True", "LogisticRegression", float64(1), float64(2), float64(10)}))
		Expect(cells[6]).To(Equal("http://search-ctr." + w.namespace + ".svc:8501"))
		Expect(cells[8]).To(Equal(v1alpha1.ReasonServing))
	})

	It("is scaled with kubectl scale", func(ctx SpecContext) {
		w := newWorld(ctx)
		model := w.apply(ctx, v1)
		w.isReady(ctx)
		scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: 3}}
		Expect(direct.SubResource("scale").Update(ctx, model, client.WithSubResourceBody(scale))).To(Succeed())
		Eventually(func() int32 { return w.model(ctx).Status.Replicas }).Should(BeEquivalentTo(3))
		Expect(direct.SubResource("scale").Get(ctx, model, scale)).To(Succeed())
		Expect(scale.Status.Replicas).To(BeEquivalentTo(3))
		Expect(scale.Status.Selector).To(ContainSubstring(w.model(ctx).Status.StableRevision.Name))
	})
})

// tableOfModels is what kubectl get prints.
func (w *world) tableOfModels(ctx SpecContext) metav1.Table {
	GinkgoHelper()
	c, err := discovery.NewDiscoveryClientForConfig(kube)
	Expect(err).NotTo(HaveOccurred())
	body, err := c.RESTClient().Get().
		AbsPath("/apis/serving.ctr-operator.dev/v1alpha1/namespaces", w.namespace, "ctrmodels").
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").
		DoRaw(ctx)
	Expect(err).NotTo(HaveOccurred())
	var table metav1.Table
	Expect(json.Unmarshal(body, &table)).To(Succeed(), string(body))
	return table
}
