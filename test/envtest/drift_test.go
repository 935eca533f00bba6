package envtest

import (
	"context"
	"encoding/json"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/controllers/traffic"
)

// kindsOfChild are the objects made for a model, by what to call them.
var kindsOfChild = map[string]func() client.Object{
	"ControllerRevision":  func() client.Object { return &appsv1.ControllerRevision{} },
	"Deployment":          func() client.Object { return &appsv1.Deployment{} },
	"revision Service":    func() client.Object { return &corev1.Service{} },
	"model Service":       func() client.Object { return &corev1.Service{} },
	"traffic ConfigMap":   func() client.Object { return &corev1.ConfigMap{} },
	"PodDisruptionBudget": func() client.Object { return &policyv1.PodDisruptionBudget{} },
}

func (w *world) child(ctx context.Context, kind string) client.Object {
	GinkgoHelper()
	object := kindsOfChild[kind]()
	name := w.model(ctx).Status.StableRevision.Name
	switch kind {
	case "model Service":
		name = modelName
	case "traffic ConfigMap":
		name = traffic.ConfigMapName(modelName)
	}
	Expect(direct.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: name}, object)).To(Succeed(), kind)
	return object
}

// content is what of an object is the operator's: all but what the apiserver keeps about it.
func content(object client.Object) map[string]any {
	GinkgoHelper()
	b, err := json.Marshal(object)
	Expect(err).NotTo(HaveOccurred())
	var out map[string]any
	Expect(json.Unmarshal(b, &out)).To(Succeed())
	delete(out, "status")
	metadata, ok := out["metadata"].(map[string]any)
	Expect(ok).To(BeTrue())
	for _, key := range []string{"resourceVersion", "managedFields", "uid", "creationTimestamp", "generation"} {
		delete(metadata, key)
	}
	if annotations, ok := metadata["annotations"].(map[string]any); ok {
		// A table that was put right has another date, and that another hash.
		delete(annotations, v1alpha1.AnnotationTrafficSince)
		delete(annotations, v1alpha1.AnnotationApplied)
	}
	if spec, ok := out["spec"].(map[string]any); ok {
		delete(spec, "clusterIP")
		delete(spec, "clusterIPs")
	}
	return out
}

var _ = Describe("Drift", Ordered, func() {
	var w *world
	BeforeAll(func(ctx SpecContext) {
		w = newWorld(ctx)
		w.apply(ctx, v1, replicas(2))
		w.isReady(ctx)
	})

	DescribeTable("is put right", func(ctx SpecContext, kind, patch string) {
		before := w.child(ctx, kind)
		Expect(direct.Patch(ctx, w.child(ctx, kind), client.RawPatch(types.StrategicMergePatchType, []byte(patch)))).To(Succeed())
		Eventually(func() map[string]any { return content(w.child(ctx, kind)) }).Should(Equal(content(before)))
	},
		Entry("the Service's selector", "model Service", `{"spec":{"selector":{"serving.ctr-operator.dev/revision":"other"}}}`),
		Entry("one more label in the selector", "model Service", `{"spec":{"selector":{"more":"x"}}}`),
		Entry("the Service's port", "revision Service", `{"spec":{"ports":[{"port":8501,"targetPort":1}]}}`),
		Entry("the Service's type", "revision Service", `{"spec":{"type":"NodePort"}}`),
		Entry("the table", "traffic ConfigMap", `{"data":{"traffic.json":"{}"}}`),
		Entry("the replicas", "Deployment", `{"spec":{"replicas":7}}`),
		Entry("a pause", "Deployment", `{"spec":{"paused":true}}`),
		Entry("the labels", "Deployment", `{"metadata":{"labels":{"serving.ctr-operator.dev/model":null}}}`),
		Entry("the snapshot", "Deployment", `{"metadata":{"annotations":{"serving.ctr-operator.dev/snapshot":"{}"}}}`),
		Entry("the image", "Deployment", `{"spec":{"template":{"spec":{"containers":[{"name":"server","image":"other"}]}}}}`),
		Entry("the limits", "Deployment",
			`{"spec":{"template":{"spec":{"containers":[{"name":"server","resources":{"limits":{"memory":"1Gi"}}}]}}}}`),
		Entry("the budget", "PodDisruptionBudget", `{"spec":{"maxUnavailable":2}}`),
		Entry("the number", "ControllerRevision", `{"revision":9}`),
		Entry("the owner", "revision Service", `{"metadata":{"labels":{"app.kubernetes.io/instance":"x"}}}`),
	)

	It("leaves alone what others have added", func(ctx SpecContext) {
		d := w.child(ctx, "Deployment")
		Expect(direct.Patch(ctx, d, client.RawPatch(types.StrategicMergePatchType, []byte(
			`{"metadata":{"annotations":{"team":"x"}},"spec":{"template":{"metadata":{"annotations":{"restarted":"now"}}}}}`,
		)))).To(Succeed())
		n := w.api.count()
		w.poke(ctx)
		Expect(w.child(ctx, "Deployment").GetAnnotations()).To(HaveKeyWithValue("team", "x"))
		Expect(index(w.api.since(n), "/deployments/", "")).To(Equal(-1))
		Expect(direct.Patch(ctx, d, client.RawPatch(types.StrategicMergePatchType, []byte(
			`{"metadata":{"annotations":{"team":null}},"spec":{"template":{"metadata":{"annotations":{"restarted":null}}}}}`,
		)))).To(Succeed())
	})

	DescribeTable("a deletion is put right", func(ctx SpecContext, kind string) {
		before := w.child(ctx, kind)
		number := w.model(ctx).Status.StableRevision.Number
		Expect(direct.Delete(ctx, w.child(ctx, kind), client.PropagationPolicy(metav1.DeletePropagationBackground))).To(Succeed())
		Eventually(func(g Gomega) {
			object := kindsOfChild[kind]()
			g.Expect(direct.Get(ctx, client.ObjectKeyFromObject(before), object)).To(Succeed())
			g.Expect(object.GetUID()).NotTo(Equal(before.GetUID()))
			g.Expect(content(object)).To(Equal(content(before)))
		}).Should(Succeed())
		Expect(w.isReady(ctx).Status.StableRevision.Number).To(Equal(number))
	},
		Entry("ControllerRevision", "ControllerRevision"),
		Entry("Deployment", "Deployment"),
		Entry("revision Service", "revision Service"),
		Entry("model Service", "model Service"),
		Entry("traffic ConfigMap", "traffic ConfigMap"),
		Entry("PodDisruptionBudget", "PodDisruptionBudget"),
	)

	It("a lost status is made up for", func(ctx SpecContext) {
		stable := w.model(ctx).Status.StableRevision
		w.apply(ctx, v2, weight(0))
		w.isReady(ctx)
		lost := w.model(ctx)
		lost.Status = v1alpha1.CTRModelStatus{}
		Expect(direct.Status().Update(ctx, lost)).To(Succeed())
		Eventually(func() *v1alpha1.RevisionReference { return w.model(ctx).Status.StableRevision }).Should(Equal(stable))
		Expect(w.isReady(ctx).Status.CanaryRevision.Number).To(BeEquivalentTo(2))
	})

	It("nothing has an owner other than the model", func(ctx SpecContext) {
		for kind := range kindsOfChild {
			Expect(metav1.IsControlledBy(w.child(ctx, kind), w.model(ctx))).To(BeTrue(), kind)
		}
	})
})

// poke has the operator look at the model again, and waits until it has.
func (w *world) poke(ctx context.Context) {
	GinkgoHelper()
	model := w.model(ctx)
	// A status that differs in something the operator will put right proves that it has looked.
	model.Status.URL = "poked"
	Expect(direct.Status().Update(ctx, model)).To(Succeed())
	Eventually(func() string { return w.model(ctx).Status.URL }).ShouldNot(Equal("poked"))
}

var _ = Describe("A name that somebody else has", func() {
	It("is not taken, and stalls the model until it is free", func(ctx SpecContext) {
		w := newWorld(ctx)
		foreign := &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: modelName, Namespace: w.namespace},
			Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
		}
		Expect(direct.Create(ctx, foreign)).To(Succeed())
		w.apply(ctx, v1)
		model := w.settled(ctx, v1alpha1.ConditionStalled, metav1.ConditionTrue)
		Expect(condition(model, v1alpha1.ConditionReady).Reason).To(Equal(v1alpha1.ReasonNameConflict))
		Expect(condition(model, v1alpha1.ConditionReady).Message).To(And(
			ContainSubstring("Service "+w.namespace+"/search-ctr"), ContainSubstring("Delete or rename it")))
		Expect(direct.Get(ctx, client.ObjectKeyFromObject(foreign), foreign)).To(Succeed())
		Expect(foreign.Labels).To(BeEmpty())
		Expect(foreign.Spec.Ports).To(HaveLen(1))
		Expect(foreign.Spec.Ports[0].Port).To(BeEquivalentTo(80))
		Eventually(w.events(ctx)).Should(ContainElement(v1alpha1.EventNameConflicted))

		Expect(direct.Delete(ctx, foreign)).To(Succeed())
		w.apply(ctx, v1, replicas(2))
		w.isReady(ctx)
	})

	It("is not taken with our labels on it, either", func(ctx SpecContext) {
		w := newWorld(ctx)
		foreign := &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{
				Name: traffic.ConfigMapName(modelName), Namespace: w.namespace,
				Labels: map[string]string{v1alpha1.LabelModel: modelName},
			},
			Data: map[string]string{"mine": "yes"},
		}
		Expect(direct.Create(ctx, foreign)).To(Succeed())
		w.apply(ctx, v1)
		model := w.settled(ctx, v1alpha1.ConditionStalled, metav1.ConditionTrue)
		Expect(condition(model, v1alpha1.ConditionReady).Reason).To(Equal(v1alpha1.ReasonNameConflict))
		Expect(direct.Get(ctx, client.ObjectKeyFromObject(foreign), foreign)).To(Succeed())
		Expect(foreign.Data).To(Equal(map[string]string{"mine": "yes"}))
	})

	It("is waited for where it is a leftover of a deleted model of the same name", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.apply(ctx, v1)
		w.isReady(ctx)
		Expect(direct.Delete(ctx, w.model(ctx))).To(Succeed())
		Eventually(func() bool {
			return apierrors.IsNotFound(direct.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: modelName}, &v1alpha1.CTRModel{}))
		}).Should(BeTrue())
		w.apply(ctx, v1)
		waiting := w.settled(ctx, v1alpha1.ConditionReconciling, metav1.ConditionTrue)
		Expect(condition(waiting, v1alpha1.ConditionReady).Status).To(Equal(metav1.ConditionUnknown))
		Expect(condition(waiting, v1alpha1.ConditionReady).Message).To(ContainSubstring("from a deleted model of the same name"))
		n := w.api.count()
		Consistently(func() string { return condition(w.model(ctx), v1alpha1.ConditionStalled).Reason }).
			Should(Equal(v1alpha1.ReasonNotStalled))
		Expect(w.api.since(n)).To(BeEmpty())

		By("doing what the garbage collector would")
		for _, list := range []client.ObjectList{
			&appsv1.DeploymentList{}, &appsv1.ControllerRevisionList{}, &corev1.ServiceList{}, &corev1.ConfigMapList{},
		} {
			w.deleteAll(ctx, list)
		}
		w.isReady(ctx)
	})
})
