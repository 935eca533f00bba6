package e2e

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	servingv1alpha1 "github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/test/harness"
	"github.com/ctr-operator/ctr-operator/test/testkit/load"
)

var _ = Describe("The split", Label("split"), func() {
	const keys = 10000

	It("is exact, sticky and monotone over 10,000 users on keep-alive connections", func(ctx SpecContext) {
		s := newScene(ctx, "split")
		s.givenStable(ctx)
		s.givenCanary(ctx, 0)

		onCanary := map[string]bool{}
		for _, weight := range []int32{0, 1, 10, 50, 100} {
			By(fmt.Sprintf("When the weight is %d %%", weight))
			s.change(ctx, func(spec *servingv1alpha1.CTRModelSpec) { spec.CanaryWeight = &weight })
			if weight < 100 {
				s.eventually(ctx, "the weight is reached", harness.Ready(), harness.Canary(2, weight))
			} else {
				s.eventually(ctx, "version 2 is promoted", harness.Ready(), harness.Stable(2), harness.NoCanary())
			}

			sum := s.ask(ctx, 2*keys, keys)
			By("Then the canary's count is what the weight makes likely")
			now := usersOf(sum, 2)
			low, high := harness.Interval(keys, float64(weight)/100, harness.Confidence)
			AddReportEntry(fmt.Sprintf("at %d %%", weight), fmt.Sprintf("%d of %d users, expected %d to %d; p99 %.1f ms",
				len(now), keys, low, high, sum.Latency.P99))
			Expect(len(now)).To(And(BeNumerically(">=", low), BeNumerically("<=", high)))
			Expect(sum.Fallback()).To(BeZero())

			By("And every user was on one side for both requests")
			Expect(sum.Assignments).To(HaveLen(keys))
			for user, revisions := range sum.Assignments {
				Expect(revisions).To(HaveLen(1), user)
			}
			By("And whoever was on the canary before still is")
			for user := range onCanary {
				Expect(now).To(HaveKey(user))
			}
			onCanary = now
		}
	}, SpecTimeout(5*time.Minute))

	It("draws at random where there is no key, on long-lived connections too", func(ctx SpecContext) {
		s := newScene(ctx, "random")
		s.givenStable(ctx)
		s.givenCanary(ctx, 10)

		const requests = 10000
		sum, err := h.Load(ctx, load.Config{URL: s.url(), Model: s.key.Name, Requests: requests, Connections: 2})
		Expect(err).NotTo(HaveOccurred())
		expectNoFailures(sum)
		Expect(sum.Opened).To(Equal(2), "the connections were not kept alive")
		low, high := harness.Interval(requests, 0.1, harness.Confidence)
		Expect(sum.Revisions[2]).To(And(BeNumerically(">=", low), BeNumerically("<=", high)))
	}, SpecTimeout(3*time.Minute))
})

// usersOf are the users who were answered by a revision.
func usersOf(sum load.Summary, revision int64) map[string]bool {
	users := map[string]bool{}
	for user, revisions := range sum.Assignments {
		for _, r := range revisions {
			if r == revision {
				users[user] = true
			}
		}
	}
	return users
}
