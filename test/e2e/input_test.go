package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	servingv1alpha1 "github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/test/harness"
	"github.com/ctr-operator/ctr-operator/test/testkit/load"
)

var _ = Describe("A manifest that cannot be meant", Label("input"), func() {
	DescribeTable("is refused by the apiserver, which names the field",
		func(ctx SpecContext, field string, edit func(*servingv1alpha1.CTRModelSpec)) {
			s := &scene{key: client.ObjectKey{Namespace: harness.SharedNamespace, Name: "refused"}}
			m := s.model("s3://models/x/")
			edit(&m.Spec)
			err := h.Client.Create(ctx, m, client.DryRunAll)
			Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
			Expect(err.Error()).To(ContainSubstring(field))
		},
		Entry("an unknown modelType", "spec.modelType", func(s *servingv1alpha1.CTRModelSpec) { s.ModelType = "Oracle" }),
		Entry("canaryWeight 101", "spec.canaryWeight", func(s *servingv1alpha1.CTRModelSpec) { s.CanaryWeight = new(int32(101)) }),
		Entry("a URL without a scheme", "spec.artifactURL", func(s *servingv1alpha1.CTRModelSpec) { s.ArtifactURL = "models/x" }),
		Entry("a URL with a password", "spec.artifactURL", func(s *servingv1alpha1.CTRModelSpec) { s.ArtifactURL = "https://me:secret@host/x" }),
		Entry("a URL with ..", "spec.artifactURL", func(s *servingv1alpha1.CTRModelSpec) { s.ArtifactURL = "s3://models/../x" }),
	)
})

// hostile uploads a file of test/testdata/hostile and returns its URL.
func hostile(ctx SpecContext, name string) string {
	GinkgoHelper()
	content, err := os.ReadFile(filepath.Join(h.Root, "test/testdata/hostile", name))
	Expect(err).NotTo(HaveOccurred())
	url, err := h.PutObject(ctx, "e2e/hostile/"+name, content)
	Expect(err).NotTo(HaveOccurred())
	return url
}

var _ = Describe("An artifact that cannot be served", Ordered, Label("input"), func() {
	var s *scene
	var u *users

	BeforeAll(func(ctx SpecContext) {
		s = newScene(ctx, "bad-artifact")
		s.givenStable(ctx)
		u = s.givenUsers(ctx, 50, map[int64]float64{1: scores[1]})
		Expect(h.EnsureSecret(ctx, client.ObjectKey{Namespace: s.key.Namespace, Name: "wrong-password"}, map[string]string{
			contract.EnvAccessKeyID: harness.S3AccessKey, contract.EnvSecretAccessKey: "not " + harness.S3SecretKey,
			contract.EnvEndpoint: harness.S3Endpoint,
		})).To(Succeed())
	}, NodeTimeout(3*time.Minute))

	DescribeTable("is kept out, with a reason and what to do",
		func(ctx SpecContext, reason contract.Reason, edit func(SpecContext, *servingv1alpha1.CTRModelSpec)) {
			asked := u.load.Now().Requests
			var url string
			s.change(ctx, func(spec *servingv1alpha1.CTRModelSpec) {
				good := s.model(artifacts[1]).Spec
				spec.Artifact, spec.Server = good.Artifact, nil
				edit(ctx, spec)
				url = spec.ArtifactURL
			})
			s.eventually(ctx, "the reason "+string(reason), harness.Condition("RevisionReady", metav1.ConditionFalse, string(reason)),
				harness.Condition("Stalled", metav1.ConditionTrue, string(reason)), harness.Stable(1))
			message := s.condition(ctx, "Ready").Message
			AddReportEntry("message", message)
			Expect(message).To(And(ContainSubstring(url), ContainSubstring("revision 1 keeps serving 100 %")))
			By("And the stable revision keeps serving")
			u.until(ctx, "a hundred more requests since the change", func(sum load.Summary) bool { return sum.Requests > asked+100 })
		},
		Entry("missing", contract.ReasonArtifactNotFound, func(_ SpecContext, spec *servingv1alpha1.CTRModelSpec) {
			spec.ArtifactURL = "s3://models/e2e/there-is-no-such-object.pkl"
		}),
		Entry("forbidden", contract.ReasonArtifactForbidden, func(_ SpecContext, spec *servingv1alpha1.CTRModelSpec) {
			spec.ArtifactURL, spec.Artifact.SecretRef.Name = artifacts[2], "wrong-password"
		}),
		Entry("too large", contract.ReasonArtifactTooLarge, func(_ SpecContext, spec *servingv1alpha1.CTRModelSpec) {
			spec.ArtifactURL = artifacts[2]
			spec.Server = &servingv1alpha1.Server{MaxArtifactSize: new(resource.MustParse("1Ki"))}
		}),
		Entry("truncated", contract.ReasonArtifactTruncated, func(ctx SpecContext, spec *servingv1alpha1.CTRModelSpec) {
			spec.ArtifactURL = hostile(ctx, "truncated.pkl")
		}),
		Entry("of another digest", contract.ReasonDigestMismatch, func(_ SpecContext, spec *servingv1alpha1.CTRModelSpec) {
			spec.ArtifactURL, spec.Artifact.SHA256 = artifacts[2], strings.Repeat("0", 64)
		}),
		Entry("not a pickle", contract.ReasonArtifactMalformed, func(ctx SpecContext, spec *servingv1alpha1.CTRModelSpec) {
			spec.ArtifactURL = hostile(ctx, "not-a-pickle.pkl")
		}),
		Entry("a pickle that would execute code", contract.ReasonArtifactUnsafe, func(ctx SpecContext, spec *servingv1alpha1.CTRModelSpec) {
			spec.ArtifactURL = hostile(ctx, "os-system.pkl")
		}),
		Entry("an unsupported estimator", contract.ReasonUnsupportedModel, func(ctx SpecContext, spec *servingv1alpha1.CTRModelSpec) {
			spec.ArtifactURL = hostile(ctx, "random-forest.pkl")
		}),
	)

	It("leaves nothing behind when the URL is set back, and has cost no request", func(ctx SpecContext) {
		s.change(ctx, func(spec *servingv1alpha1.CTRModelSpec) { *spec = s.model(artifacts[1]).Spec })
		s.eventually(ctx, "version 1 is all there is", harness.Ready(), harness.Stable(1), harness.NoCanary(),
			harness.Condition("Stalled", metav1.ConditionFalse, ""))
		u.thenNoneFailed(ctx)
	}, SpecTimeout(2*time.Minute))
})

var _ = Describe("A Secret that is not there", Label("input"), func() {
	It("stalls the model until it exists and has its keys", func(ctx SpecContext) {
		s := newScene(ctx, "secret")
		key := client.ObjectKey{Namespace: s.key.Namespace, Name: "later"}
		m := s.model(artifacts[1])
		m.Spec.Artifact.SecretRef.Name = key.Name
		s.create(ctx, m)
		By("Then it is stalled for the lack of the Secret")
		s.eventually(ctx, "the Secret is missed", harness.Condition("Stalled", metav1.ConditionTrue, "SecretNotFound"))
		Expect(s.condition(ctx, "Ready").Message).To(ContainSubstring(`"later"`))

		By("When the Secret comes without its keys")
		Expect(h.EnsureSecret(ctx, key, map[string]string{contract.EnvEndpoint: harness.S3Endpoint})).To(Succeed())
		By("Then it is stalled for the lack of a key")
		s.eventually(ctx, "the keys are missed", harness.Condition("Stalled", metav1.ConditionTrue, "SecretKeyMissing"))
		Expect(s.condition(ctx, "Ready").Message).To(ContainSubstring(contract.EnvAccessKeyID))

		By("When it gets them")
		Expect(h.SetSecret(ctx, key, harness.S3Credentials())).To(Succeed())
		By("Then the model becomes ready by itself")
		s.eventually(ctx, "the model is ready", harness.Ready(), harness.Stable(1))
		Expect(s.ask(ctx, 100, 100).Revisions).To(Equal(map[int64]int{1: 100}))
	}, SpecTimeout(4*time.Minute))
})

var _ = Describe("A request that cannot be answered", Ordered, Label("input"), func() {
	var s *scene
	BeforeAll(func(ctx SpecContext) {
		s = newScene(ctx, "bad-request")
		s.givenStable(ctx, func(spec *servingv1alpha1.CTRModelSpec) {
			spec.Server = &servingv1alpha1.Server{MaxBatchSize: new(int32(3))}
		})
	}, NodeTimeout(2*time.Minute))

	const row = `{"query": "q", "position": 1, "score": 0.5, "summary": "s"}`
	DescribeTable("is answered with what is wrong with it",
		func(ctx SpecContext, path, body string, status int, names string) {
			got := s.post(ctx, strings.ReplaceAll(path, "MODEL", s.key.Name), body)
			expectError(got.Status, got.Body, status, names)
		},
		Entry("not JSON", "/v1/models/MODEL:predict", `query=q`, http.StatusBadRequest, "JSON"),
		Entry("a wrong type", "/v1/models/MODEL:predict", `{"inputs": {"query": "q", "position": "first", "score": 0.5, "summary": "s"}}`,
			http.StatusBadRequest, "position"),
		Entry("a missing field", "/v1/models/MODEL:predict", `{"inputs": {"query": "q", "position": 1, "score": 0.5}}`,
			http.StatusBadRequest, "summary"),
		Entry("NaN", "/v1/models/MODEL:predict", `{"inputs": {"query": "q", "position": 1, "score": NaN, "summary": "s"}}`,
			http.StatusBadRequest, "score"),
		Entry("a batch over the limit", "/v1/models/MODEL:batch_predict", `{"inputs": [`+strings.Repeat(row+",", 3)+row+`]}`,
			http.StatusRequestEntityTooLarge, "at most 3"),
		Entry("an unknown model", "/v1/models/nobody:predict", `{"inputs": `+row+`}`, http.StatusNotFound, "nobody"),
		Entry("an unknown path", "/v1/magic", `{}`, http.StatusNotFound, ""),
	)

	It("is refused where its body has 100 MB", func(ctx SpecContext) {
		got, err := h.HTTP(ctx, harness.Request{
			Method: http.MethodPost, URL: s.url() + "/v1/models/" + s.key.Name + ":predict", Fill: 100 << 20,
		})
		Expect(err).NotTo(HaveOccurred())
		expectError(got.Status, got.Body, http.StatusRequestEntityTooLarge, "")
		By("And the next request is answered")
		Expect(s.ask(ctx, 100, 100).Revisions).To(Equal(map[int64]int{1: 100}))
	})
})

func expectError(status int, body string, want int, names string) {
	GinkgoHelper()
	Expect(status).To(Equal(want), body)
	Expect(body).To(MatchJSON(body), "not JSON")
	Expect(body).To(And(ContainSubstring(`"error"`), ContainSubstring(names), Not(ContainSubstring("ctr_score"))))
}

var _ = Describe("Two models whose names are cut to the same derived name", Label("input"), func() {
	It("both work", func(ctx SpecContext) {
		long := strings.Repeat("a-very-long-name-", 4)[:62]
		first := newScene(ctx, long+"a")
		second := &scene{key: client.ObjectKey{Namespace: first.key.Namespace, Name: long + "b"}}
		Expect(first.key.Name).To(HaveLen(63))
		first.create(ctx, first.model(artifacts[1]))
		second.create(ctx, second.model(artifacts[2]))
		for version, s := range map[int]*scene{1: first, 2: second} {
			s.eventually(ctx, "it is ready", harness.Ready(), harness.Stable(1))
			score, _ := s.predict(ctx, map[string]any{
				"query": "人工智能", "doc_id": "doc-1", "position": 1, "score": 0.8, "summary": "人工智能技术介绍",
			})
			Expect(score).To(BeNumerically("~", scores[version], 1e-12))
		}
		Expect(first.status(ctx).StableRevision.Name).NotTo(Equal(second.status(ctx).StableRevision.Name))
	}, SpecTimeout(2*time.Minute))
})
