package envtest

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

var _ = Describe("A failing revision", func() {
	var w *world
	BeforeEach(func(ctx SpecContext) {
		w = newWorld(ctx)
		w.apply(ctx, v1)
		w.isReady(ctx)
	})

	golden := terminated(contract.Termination{
		Reason: contract.ReasonGoldenMismatch, Message: "golden.jsonl line 2 differs",
		Example: 2, Expected: new(0.31), Got: new(0.12),
	})

	It("gets no traffic, says which golden example differed, and goes when the URL is set back", func(ctx SpecContext) {
		w.node.set(v2, golden)
		w.apply(ctx, v2, weight(50))
		model := w.settled(ctx, v1alpha1.ConditionStalled, metav1.ConditionTrue)
		const message = "revision 2 gets no traffic: golden example 2 expected ctr_score 0.31, got 0.12 " +
			"(https://models.example.com/2/model.pkl); revision 1 keeps serving 100 %. " +
			"Fix the artifact or set artifactURL back."
		for _, kind := range []string{
			v1alpha1.ConditionReady, v1alpha1.ConditionRevisionReady, v1alpha1.ConditionCanaryHealthy,
		} {
			Expect(condition(model, kind).Status).To(Equal(metav1.ConditionFalse))
			Expect(condition(model, kind).Reason).To(Equal("GoldenMismatch"))
			Expect(condition(model, kind).Message).To(Equal(message))
		}
		Expect(condition(model, v1alpha1.ConditionReconciling).Status).To(Equal(metav1.ConditionFalse))
		Expect(w.weights(ctx)).To(Equal(map[int64]int32{1: 100, 2: 0}))
		Expect(w.deployments(ctx)).To(HaveKey(model.Status.CanaryRevision.Name), "it stays for inspection")
		Eventually(w.events(ctx)).Should(ContainElement(v1alpha1.EventRevisionFailed))

		w.apply(ctx, v1)
		model = w.isReady(ctx)
		Expect(model.Status.CanaryRevision).To(BeNil())
		Expect(model.Status.StableRevision.Number).To(BeEquivalentTo(1))
		Expect(condition(model, v1alpha1.ConditionStalled).Status).To(Equal(metav1.ConditionFalse))
	})

	It("is not promoted", func(ctx SpecContext) {
		w.node.set(v2, golden)
		w.apply(ctx, v2, allWeight)
		w.settled(ctx, v1alpha1.ConditionStalled, metav1.ConditionTrue)
		Expect(w.weights(ctx)).To(Equal(map[int64]int32{1: 100, 2: 0}))
		Expect(w.entry(ctx)).To(Equal(w.model(ctx).Status.StableRevision.Name))
	})

	It("says that a Secret is missing, and starts once it is there", func(ctx SpecContext) {
		const url = "s3://models/2/model.pkl"
		w.node.set(url, waiting("CreateContainerConfigError", `secret "models-s3" not found`))
		w.apply(ctx, url, func(s *v1alpha1.CTRModelSpec) {
			s.Artifact = &v1alpha1.Artifact{SecretRef: &v1alpha1.SecretReference{Name: "models-s3"}}
		})
		model := w.settled(ctx, v1alpha1.ConditionStalled, metav1.ConditionTrue)
		Expect(condition(model, v1alpha1.ConditionStalled).Reason).To(Equal(v1alpha1.ReasonSecretNotFound))
		Expect(condition(model, v1alpha1.ConditionStalled).Message).To(And(
			ContainSubstring(`the Secret "models-s3" of artifact.secretRef does not exist (secret "models-s3" not found)`),
			ContainSubstring("Create it with the keys AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")))

		w.node.set(url, waiting("CreateContainerConfigError", "couldn't find key AWS_ACCESS_KEY_ID in Secret ns/models-s3"))
		Eventually(func() string { return condition(w.model(ctx), v1alpha1.ConditionStalled).Reason }).
			Should(Equal(v1alpha1.ReasonSecretKeyMissing))

		w.node.set(url, ready)
		Expect(w.isReady(ctx).Status.StableRevision.Number).To(BeEquivalentTo(2))
		Eventually(w.events(ctx)).Should(ContainElement(v1alpha1.EventRecovered))
	})

	DescribeTable("has a reason", func(ctx SpecContext, reason string, o outcome) {
		w.node.set(v2, o)
		w.apply(ctx, v2)
		model := w.settled(ctx, v1alpha1.ConditionStalled, metav1.ConditionTrue)
		Expect(condition(model, v1alpha1.ConditionReady).Reason).To(Equal(reason))
		Expect(condition(model, v1alpha1.ConditionReady).Message).To(ContainSubstring("revision 1 keeps serving 100 %"))
	},
		Entry("its own", "ArtifactForbidden", terminated(contract.Termination{
			Reason: contract.ReasonArtifactForbidden, Message: "403 for s3://models/x. Check the credentials."})),
		Entry("an image that cannot be pulled", v1alpha1.ReasonImagePullFailed,
			waiting("ImagePullBackOff", `Back-off pulling image "x": ErrImagePull: not found`)),
		Entry("not enough memory", v1alpha1.ReasonOutOfMemory,
			ended(corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}, 1)),
		Entry("crashes", v1alpha1.ReasonCrashLooping,
			ended(corev1.ContainerStateTerminated{ExitCode: 2, Reason: "Error", Message: "goroutine 1\npanic: x\n"}, 3)),
		Entry("no node", v1alpha1.ReasonUnschedulable, unschedulable("0/1 nodes are available: 1 Insufficient cpu.")),
	)

	It("is one with an object that the apiserver refuses", func(ctx SpecContext) {
		w.apply(ctx, v1, func(s *v1alpha1.CTRModelSpec) {
			s.PodTemplate = &v1alpha1.PodTemplate{NodeSelector: map[string]string{"not a label": "x"}}
		})
		model := w.settled(ctx, v1alpha1.ConditionStalled, metav1.ConditionTrue)
		Expect(condition(model, v1alpha1.ConditionReady).Reason).To(Equal(v1alpha1.ReasonRejected))
		Expect(condition(model, v1alpha1.ConditionReady).Message).To(And(
			ContainSubstring("not a label"), ContainSubstring("revision 1 keeps serving 100 %")))
		w.apply(ctx, v1, func(s *v1alpha1.CTRModelSpec) { s.PodTemplate = nil })
		Expect(w.isReady(ctx).Status.StableRevision.Number).To(BeEquivalentTo(1))
	})
})

var _ = Describe("A model whose objects are refused", func() {
	It("keeps what it has in order, where there is no room for a canary's Service", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.apply(ctx, v1)
		stable := w.isReady(ctx).Status.StableRevision
		full := corev1.ResourceList{corev1.ResourceServices: quantity("2")}
		quota := &corev1.ResourceQuota{
			ObjectMeta: metav1.ObjectMeta{Name: "two-services", Namespace: w.namespace},
			Spec:       corev1.ResourceQuotaSpec{Hard: full},
		}
		Expect(direct.Create(ctx, quota)).To(Succeed())
		quota.Status = corev1.ResourceQuotaStatus{Hard: full, Used: full}
		Expect(direct.Status().Update(ctx, quota)).To(Succeed())

		w.apply(ctx, v2, weight(50), replicas(3))
		model := w.settled(ctx, v1alpha1.ConditionStalled, metav1.ConditionTrue)
		Expect(condition(model, v1alpha1.ConditionReady).Message).To(And(
			ContainSubstring("exceeded quota: two-services"), ContainSubstring("revision 1 keeps serving 100 %")))
		Eventually(func() int32 { return *w.deployments(ctx)[stable.Name].Spec.Replicas }).Should(BeEquivalentTo(3))
		Expect(w.deployments(ctx)).To(HaveLen(1))
		Expect(w.weights(ctx)).To(Equal(map[int64]int32{1: 100}))

		Expect(direct.Delete(ctx, quota)).To(Succeed())
		w.isReady(ctx)
		Expect(w.weights(ctx)).To(Equal(map[int64]int32{1: 50, 2: 50}))
	})

	It("says so, and goes on by itself when they no longer are", func(ctx SpecContext) {
		w := newWorld(ctx)
		none := corev1.ResourceList{corev1.ResourceServices: quantity("0")}
		quota := &corev1.ResourceQuota{
			ObjectMeta: metav1.ObjectMeta{Name: "no-services", Namespace: w.namespace},
			Spec:       corev1.ResourceQuotaSpec{Hard: none},
		}
		Expect(direct.Create(ctx, quota)).To(Succeed())
		quota.Status = corev1.ResourceQuotaStatus{Hard: none, Used: none}
		Expect(direct.Status().Update(ctx, quota)).To(Succeed())

		w.apply(ctx, v1)
		model := w.settled(ctx, v1alpha1.ConditionStalled, metav1.ConditionTrue)
		Expect(condition(model, v1alpha1.ConditionReady).Reason).To(Equal(v1alpha1.ReasonRejected))
		Expect(condition(model, v1alpha1.ConditionReady).Message).To(ContainSubstring("exceeded quota: no-services"))
		Eventually(w.events(ctx)).Should(ContainElement(v1alpha1.EventRejected))

		Expect(direct.Delete(ctx, quota)).To(Succeed())
		w.isReady(ctx)
	})
})
