// Package e2e holds the specs that need a real cluster: pods that are killed, kubelets, kube-proxy, a real S3 server, Helm.
//
// In the room: one cluster with one operator (suite_test.go), a scene of its own for each spec (scene_test.go), one file
// per theme. `make e2e` runs it; without E2E=1 it is skipped, so that `go test ./...` needs no cluster. A spec may touch
// its own namespace; those that touch the operator put it back as it was.
package e2e

import (
	"os"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/term"

	"github.com/ctr-operator/ctr-operator/test/harness"
)

// h is the cluster of the whole run; artifacts are the URLs of test/testdata/demo's versions in its bucket.
var (
	h         *harness.Harness
	artifacts map[int]string
)

func TestE2E(t *testing.T) {
	if os.Getenv("E2E") == "" {
		t.Skip("needs a cluster: run `make e2e`, or set E2E=1")
	}
	RegisterFailHandler(Fail)
	suite, reporter := GinkgoConfiguration()
	suite.Timeout = time.Hour
	reporter.NoColor = reporter.NoColor || !term.IsTerminal(int(os.Stdout.Fd()))
	RunSpecs(t, "End to end", suite, reporter)
}

var _ = BeforeSuite(func(ctx SpecContext) {
	var err error
	h, err = harness.New(GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
	By("bringing up the cluster")
	Expect(h.Up(ctx)).To(Succeed())
	By("building and loading the images")
	Expect(h.BuildImages(ctx)).To(Succeed())
	By("installing the operator with Helm")
	Expect(h.InstallOperator(ctx, harness.InstallOptions{})).To(Succeed())
	By("deploying the S3 server and the testkit pod")
	Expect(h.DeployShared(ctx)).To(Succeed())
	artifacts = map[int]string{}
	for version, dir := range map[int]string{
		1: "test/testdata/demo/v1", 2: "test/testdata/demo/v2", 3: "test/testdata/demo/v3",
	} {
		artifacts[version], err = h.PutBundle(ctx, "e2e/"+dir, dir)
		Expect(err).NotTo(HaveOccurred())
	}
}, NodeTimeout(45*time.Minute))

// What went wrong is said with the state of everything that could be at fault.
var _ = JustAfterEach(func(ctx SpecContext) {
	if CurrentSpecReport().Failed() && current != nil {
		AddReportEntry("the namespace of the failed spec", h.Dump(ctx, current.key.Namespace))
	}
}, NodeTimeout(time.Minute))
