// Package harness brings up what the demo and the end-to-end specs run on, and asks and watches it for them: a cluster,
// images, the operator installed with Helm, an S3 server, a pod from which traffic is sent, CTRModels.
//
// In the room: one Harness per process, made by New; every method takes a context and ends with it. It may touch the
// cluster that hack/cluster names, the cache outside the tree and the temporary directory, and nothing else. What it
// learns about a failure (status, events, logs) is in the error it returns.
package harness

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	servingv1alpha1 "github.com/ctr-operator/ctr-operator/api/v1alpha1"
)

// Namespaces that the harness makes. Models live in namespaces of their own.
const (
	// OperatorNamespace is where the chart is installed.
	OperatorNamespace = "ctr-operator-system"
	// SharedNamespace holds the S3 server and the testkit pod.
	SharedNamespace = "ctr-demo"
)

// Harness is a cluster with a hand on it.
type Harness struct {
	// Root is the repository's top directory.
	Root string
	// Kubeconfig is a file, or empty for the default; Environment is what the cluster tool wants programs to be run with,
	// the kubeconfig included.
	Kubeconfig  string
	Environment []string
	Images      Images

	Config    *rest.Config
	Client    client.WithWatch
	Clientset kubernetes.Interface

	// out takes what the programs say that the harness runs.
	out io.Writer
}

// New finds the repository; nothing is brought up yet. What the programs it runs have to say goes to out.
func New(out io.Writer) (*Harness, error) {
	root, err := findRoot()
	if err != nil {
		return nil, err
	}
	return &Harness{Root: root, out: out}, nil
}

// findRoot looks for go.mod from the working directory upwards.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod in the working directory or above it")
		}
		dir = parent
	}
}

// connect makes the clients.
func (h *Harness) connect() error {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = h.Kubeconfig
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		return fmt.Errorf("the kubeconfig %s: %w", h.Kubeconfig, err)
	}
	// The default of five requests a second makes a test wait for itself.
	config.QPS, config.Burst = 100, 200
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return err
	}
	if err := servingv1alpha1.AddToScheme(scheme); err != nil {
		return err
	}
	h.Config = config
	// What the client library has to log is in its errors too; without this it complains, with a stack, of having no logger.
	log.SetLogger(logr.Discard())
	if h.Client, err = client.NewWithWatch(config, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("a client: %w", err)
	}
	if h.Clientset, err = kubernetes.NewForConfig(config); err != nil {
		return fmt.Errorf("a client: %w", err)
	}
	return nil
}

// EnsureNamespace makes the namespace if it is not there.
func (h *Harness) EnsureNamespace(ctx context.Context, name string) error {
	ns := &corev1.Namespace{}
	ns.Name = name
	return client.IgnoreAlreadyExists(h.Client.Create(ctx, ns))
}
