package envtest

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/ctr-operator/ctr-operator/controllers/operator"
)

// The control plane, made once for all specs: an administrator's way to it, a client of his, and the operators' way, who
// may do what config/rbac says and no more.
var (
	kube         *rest.Config
	direct       client.Client
	operatorKube *rest.Config
)

func TestOperator(t *testing.T) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS is not set: it names the folder with etcd, kube-apiserver and kubectl. " +
			"`make test` provides it (go run ./hack/cluster envtest-assets).")
	}
	// Streamed lists take the apiserver a second where nothing else happens; there are dozens of operators started here.
	t.Setenv("KUBE_FEATURE_WatchListClient", "false")
	RegisterFailHandler(Fail)
	RunSpecs(t, "Operator against a real apiserver")
}

var _ = BeforeSuite(func() {
	SetDefaultEventuallyTimeout(10 * time.Second)
	SetDefaultEventuallyPollingInterval(10 * time.Millisecond)
	SetDefaultConsistentlyDuration(500 * time.Millisecond)
	SetDefaultConsistentlyPollingInterval(10 * time.Millisecond)

	log := slog.New(slog.NewTextHandler(GinkgoWriter, nil))
	ctrl.SetLogger(logr.FromSlogHandler(log.Handler()))
	klog.SetSlogLogger(log)

	plane := &envtest.Environment{
		CRDDirectoryPaths:        []string{"../../config/crd/bases"},
		ErrorIfCRDPathMissing:    true,
		BinaryAssetsDirectory:    os.Getenv("KUBEBUILDER_ASSETS"),
		ControlPlaneStopTimeout:  20 * time.Second,
		ControlPlaneStartTimeout: 60 * time.Second,
	}
	// With it, an owner reference takes a right of its own.
	plane.ControlPlane.GetAPIServer().Configure().
		Append("enable-admission-plugins", "OwnerReferencesPermissionEnforcement")
	var err error
	kube, err = plane.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(plane.Stop)
	kube.QPS = -1

	scheme, err := operator.Scheme()
	Expect(err).NotTo(HaveOccurred())
	direct, err = client.New(kube, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	operatorKube = newOperatorUser(plane)
})

// newNamespace makes a namespace for one spec. There is no controller manager to empty it afterwards; it just stays.
func newNamespace(ctx context.Context) string {
	GinkgoHelper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "spec-"}}
	Expect(direct.Create(ctx, ns)).To(Succeed())
	return ns.Name
}
