package e2e

import (
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	servingv1alpha1 "github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/test/harness"
	"github.com/ctr-operator/ctr-operator/test/testkit/load"
)

// At half of the traffic many requests are on their way to the canary when it fails.
const half = 50

var _ = Describe("A canary that fails under load", Label("canary"), func() {
	// In each spec version 1 has failures to hide from its users, and to count.
	var s *scene
	var u *users

	given := func(ctx SpecContext, model string) {
		s = newScene(ctx, model)
		s.givenStable(ctx)
		s.givenCanary(ctx, half)
		u = s.givenUsers(ctx, 200, map[int64]float64{1: scores[1], 2: scores[2]})
		u.until(ctx, "both to answer", func(sum load.Summary) bool { return sum.Revisions[1] > 50 && sum.Revisions[2] > 50 })
		Expect(s.forwardFailures(ctx, 2)).To(BeZero(), "the canary is charged with what it did not do")
	}

	thenNobodyNoticed := func(ctx SpecContext) {
		GinkgoHelper()
		sum := u.thenNoneFailed(ctx)
		By("And the canary's failures are counted, one for each request that the stable revision answered instead")
		Expect(sum.Fallback()).To(BeNumerically(">", 0))
		Expect(s.forwardFailures(ctx, 2)).To(BeNumerically("==", sum.Fallback()))
	}

	It("costs no request when its process is killed", func(ctx SpecContext) {
		needSignals()
		given(ctx, "killed")
		By("When the canary's process is killed, and again when users are back on it")
		for killed := range int32(2) {
			pod := s.pod(ctx, theCanary)
			before := u.load.Now()
			Expect(h.Signal(ctx, pod, "SIGKILL")).To(Succeed())
			u.until(ctx, "requests that the stable revision answers instead",
				func(sum load.Summary) bool { return sum.Fallback() > before.Fallback() })
			Expect(h.WaitRestarts(ctx, pod, killed+1)).To(Succeed())
			back := u.load.Now()
			u.until(ctx, "the canary to answer again",
				func(sum load.Summary) bool { return sum.Revisions[2] > back.Revisions[2]+50 })
			s.eventually(ctx, "the canary is back", harness.Ready(), harness.Canary(2, half))
		}
		thenNobodyNoticed(ctx)
	}, SpecTimeout(4*time.Minute))

	It("costs no request when it hangs", func(ctx SpecContext) {
		needSignals()
		given(ctx, "hanging")
		pod := s.pod(ctx, theCanary)
		By("When the canary's process is stopped")
		Expect(h.Signal(ctx, pod, "SIGSTOP")).To(Succeed())
		u.until(ctx, "requests that the stable revision answers instead",
			func(sum load.Summary) bool { return sum.Fallback() > 0 })
		By("Then the operator takes its traffic away, since its pod is not ready any more")
		s.eventually(ctx, "the canary has no weight", harness.Canary(2, 0))
		u.keepAsking(ctx, 200)

		By("When it goes on")
		Expect(h.Signal(ctx, pod, "SIGCONT")).To(Succeed())
		By("Then it gets its traffic back")
		s.eventually(ctx, "the canary is back", harness.Ready(), harness.Canary(2, half))
		before := u.load.Now().Revisions[2]
		u.until(ctx, "the canary to answer again", func(sum load.Summary) bool { return sum.Revisions[2] > before+50 })
		thenNobodyNoticed(ctx)
	}, SpecTimeout(4*time.Minute))

	It("costs no request when it answers 500", Serial, func(ctx SpecContext) {
		By("Given new revisions run an image that can be told to fail")
		s = newScene(ctx, "failing")
		s.givenStable(ctx)
		Expect(h.InstallOperator(ctx, harness.InstallOptions{Runtime: h.Images.Testkit})).To(Succeed())
		DeferCleanup(func(ctx SpecContext) {
			Expect(h.InstallOperator(ctx, harness.InstallOptions{})).To(Succeed())
		}, NodeTimeout(3*time.Minute))
		s.givenCanary(ctx, half)
		Expect(s.pod(ctx, theStable).Spec.Containers[0].Image).To(Equal(h.Images.Runtime.Ref), "the stable revision's image changed")
		canary := s.pod(ctx, theCanary)
		Expect(canary.Spec.Containers[0].Image).To(Equal(h.Images.Testkit.Ref))
		u = s.givenUsers(ctx, 200, map[int64]float64{1: scores[1], 2: scores[2]})

		tell := func(fault string) {
			_, err := h.Exec(ctx, client.ObjectKeyFromObject(canary), nil, "/testkit", "fault", fault)
			Expect(err).NotTo(HaveOccurred())
		}
		for _, told := range []struct{ fault, reason string }{{"500", "status"}, {"hang", "timeout"}} {
			By("When the canary is told: " + told.fault)
			tell(told.fault)
			u.until(ctx, "fallbacks for the reason "+told.reason,
				func(sum load.Summary) bool { return sum.Fallbacks[told.reason] > 20 })
			tell("none")
		}
		By("When it answers again")
		before := u.load.Now().Revisions[2]
		u.until(ctx, "the canary to answer", func(sum load.Summary) bool { return sum.Revisions[2] > before+50 })
		thenNobodyNoticed(ctx)
	}, SpecTimeout(6*time.Minute))
})

var _ = Describe("A stable revision that is broken", Label("canary"), func() {
	It("leaves its users to a healthy canary", func(ctx SpecContext) {
		needSignals()
		s := newScene(ctx, "broken")
		By("Given a stable revision whose artifact has been removed from the bucket")
		url, err := h.PutBundle(ctx, "e2e/removed/"+s.key.Namespace, "test/testdata/demo/v1")
		Expect(err).NotTo(HaveOccurred())
		s.givenStable(ctx, func(spec *servingv1alpha1.CTRModelSpec) { spec.ArtifactURL = url })
		s.givenCanary(ctx, 10)
		Expect(h.RemoveObjects(ctx, "e2e/removed/"+s.key.Namespace+"/")).To(Succeed())

		By("When its pod crashes, and so cannot start again")
		Expect(h.Signal(ctx, s.pod(ctx, theStable), "SIGKILL")).To(Succeed())

		By("Then the canary serves all users")
		s.eventually(ctx, "the canary stands in", harness.Condition("Ready", "False", "StableUnavailable"), harness.Canary(2, 100))
		Eventually(func(ctx SpecContext) (map[int64]int, error) {
			sum, err := h.Load(ctx, load.Config{URL: s.url(), Model: s.key.Name, Requests: 300, Connections: 4, Keys: 300, KeyHeader: keyHeader})
			if err == nil && sum.Failed > 0 {
				return nil, nil
			}
			return sum.Revisions, err
		}).WithContext(ctx).WithTimeout(patience).Should(Equal(map[int64]int{2: 300}))
		sum := s.ask(ctx, 2000, 2000)
		Expect(sum.Revisions).To(Equal(map[int64]int{2: 2000}))

		By("And the status says why")
		s.eventually(ctx, "the reason is known", func(m *servingv1alpha1.CTRModel) string {
			if c := meta.FindStatusCondition(m.Status.Conditions, "Ready"); !strings.Contains(c.Message, url) {
				return "the message is " + c.Message
			}
			return ""
		})
		Expect(s.condition(ctx, "Ready").Message).To(ContainSubstring("revision 1"))

		By("And when the canary is promoted all is well")
		s.change(ctx, func(spec *servingv1alpha1.CTRModelSpec) { spec.CanaryWeight = nil })
		s.eventually(ctx, "version 2 is stable", harness.Ready(), harness.Stable(2), harness.NoCanary())
		Expect(s.ask(ctx, 500, 500).Revisions).To(Equal(map[int64]int{2: 500}))
	}, SpecTimeout(4*time.Minute))
})

// needSignals skips a spec that signals containers where the cluster's nodes cannot be reached for that.
func needSignals() {
	if h.Existing() {
		Skip("containers of an existing cluster cannot be signalled from here")
	}
}
