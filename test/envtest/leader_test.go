package envtest

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ctr-operator/ctr-operator/controllers/operator"
	"github.com/ctr-operator/ctr-operator/controllers/revision"
)

var _ = Describe("Two operators", func() {
	It("take turns: the second acts when the first has gone, and at once", func(ctx SpecContext) {
		w := &world{namespace: newNamespace(ctx)}
		w.node = startNode(w.namespace)
		grantLeaderElection(ctx, w.namespace)
		start := func(api *recorder) (stop func(), elected <-chan struct{}) {
			cfg := rest.CopyConfig(operatorKube)
			cfg.Wrap(api.wrap)
			mgr, err := operator.New(cfg, operator.Config{
				MetricsAddress: "0", HealthAddress: "0", Namespace: w.namespace, Workers: 1, Spread: time.Millisecond,
				LeaderElection: true, LeaderNamespace: w.namespace,
				RuntimeImage: revision.Image{Ref: "runtime:test"}, Registry: prometheus.NewRegistry(),
			})
			Expect(err).NotTo(HaveOccurred())
			return startManager(mgr), mgr.Elected()
		}
		first, second := &recorder{}, &recorder{}
		stopFirst, firstElected := start(first)
		Eventually(firstElected).Should(BeClosed())
		_, secondElected := start(second)

		w.apply(ctx, v1)
		w.isReady(ctx)
		Expect(second.count()).To(BeZero())
		Expect(secondElected).NotTo(BeClosed())

		By("the first giving its lease back as it ends")
		stopFirst()
		var leases coordinationv1.LeaseList
		Expect(direct.List(ctx, &leases, client.InNamespace(w.namespace))).To(Succeed())
		Expect(leases.Items).To(HaveLen(1))
		Expect(ptr.Deref(leases.Items[0].Spec.HolderIdentity, "")).To(BeEmpty())
		Eventually(secondElected).Should(BeClosed())
		n := first.count()
		w.apply(ctx, v2)
		Expect(w.isReady(ctx).Status.LatestRevision).To(BeEquivalentTo(2))
		Expect(second.count()).To(BeNumerically(">", 0))
		Expect(first.count()).To(Equal(n))
	})
})
