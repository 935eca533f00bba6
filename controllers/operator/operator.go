// Package operator puts the operator together: the manager with its caches, the controller, metrics, probes and leader
// election, from one struct of settings. It decides nothing about models.
package operator

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/controllers/ctrmodel"
	"github.com/ctr-operator/ctr-operator/controllers/revision"
	"github.com/ctr-operator/ctr-operator/controllers/traffic"
)

// Config is everything that can be set from outside.
type Config struct {
	// MetricsAddress and HealthAddress are host:port; "0" turns the one off.
	MetricsAddress, HealthAddress string
	// LeaderElection keeps all but one of several operators waiting. Its lease is in LeaderNamespace; empty: the pod's.
	LeaderElection  bool
	LeaderNamespace string
	// Namespace restricts the operator to one; empty: all.
	Namespace string
	// RuntimeImage is what new revisions run.
	RuntimeImage revision.Image
	// Workers is how many models are reconciled at the same time.
	Workers int
	// Spread is how long a changed traffic table takes to be in force in all pods; 0: as long as kubelets need.
	Spread time.Duration
	// Registry is where the operator's own metrics are registered; nil: where controller-runtime's are. Several operators
	// in one process need one each.
	Registry prometheus.Registerer
}

const (
	leaseName = "ctr-operator.serving.ctr-operator.dev"
	// shutdown is how long running passes may take to end; the lease is given back after it.
	shutdown = 10 * time.Second
)

// Run runs the operator until the context ends.
func Run(ctx context.Context, kube *rest.Config, cfg Config) error {
	mgr, err := New(kube, cfg)
	if err != nil {
		return err
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running the manager: %w", err)
	}
	return nil
}

// New makes a manager that reconciles CTRModels, ready to be started.
func New(kube *rest.Config, cfg Config) (ctrl.Manager, error) {
	s, err := Scheme()
	if err != nil {
		return nil, err
	}
	mgr, err := ctrl.NewManager(unthrottled(kube), options(cfg, s))
	if err != nil {
		return nil, fmt.Errorf("making the manager: %w", err)
	}
	if err := addProbes(mgr); err != nil {
		return nil, err
	}
	var registry prometheus.Registerer = metrics.Registry
	if cfg.Registry != nil {
		registry = cfg.Registry
	}
	own, err := ctrmodel.NewMetrics(registry, mgr.GetClient())
	if err != nil {
		return nil, err
	}
	reconciler := &ctrmodel.Reconciler{
		Client:  mgr.GetClient(),
		Live:    mgr.GetAPIReader(),
		Events:  mgr.GetEventRecorder(v1alpha1.FieldOwner),
		Metrics: own,
		Image:   cfg.RuntimeImage,
		Now:     time.Now,
		Spread:  cmp.Or(cfg.Spread, traffic.Spread),
		Workers: cfg.Workers,
	}
	if err := reconciler.SetupWithManager(mgr); err != nil {
		return nil, fmt.Errorf("setting up the controller: %w", err)
	}
	return mgr, nil
}

// Scheme has the types that the operator reads and writes.
func Scheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	if err := scheme.AddToScheme(s); err != nil {
		return nil, fmt.Errorf("adding Kubernetes' types: %w", err)
	}
	if err := v1alpha1.AddToScheme(s); err != nil {
		return nil, fmt.Errorf("adding CTRModel: %w", err)
	}
	return s, nil
}

func options(cfg Config, s *runtime.Scheme) ctrl.Options {
	grace := shutdown
	return ctrl.Options{
		Scheme:                        s,
		Cache:                         CacheOptions(cfg.Namespace),
		Metrics:                       metricsserver.Options{BindAddress: cfg.MetricsAddress},
		HealthProbeBindAddress:        cfg.HealthAddress,
		LeaderElection:                cfg.LeaderElection,
		LeaderElectionID:              leaseName,
		LeaderElectionNamespace:       cfg.LeaderNamespace,
		LeaderElectionReleaseOnCancel: true, // The process ends right after.
		GracefulShutdownTimeout:       &grace,
		Controller:                    config.Controller{SkipNameValidation: new(cfg.Registry != nil)},
	}
}

// CacheOptions restrict the caches to objects with the model label, and keep of them what is used.
func CacheOptions(namespace string) cache.Options {
	labelled, err := labels.NewRequirement(v1alpha1.LabelModel, selection.Exists, nil)
	if err != nil {
		panic(fmt.Sprintf("the model label is no label: %v", err))
	}
	ours := cache.ByObject{Label: labels.NewSelector().Add(*labelled)}
	pods := ours
	pods.Transform = keepStatus
	opts := cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			&appsv1.ControllerRevision{}:    ours,
			&appsv1.Deployment{}:            ours,
			&corev1.Service{}:               ours,
			&corev1.ConfigMap{}:             ours,
			&policyv1.PodDisruptionBudget{}: ours,
			&corev1.Pod{}:                   pods,
		},
	}
	if namespace != "" {
		opts.DefaultNamespaces = map[string]cache.Config{namespace: {}}
	}
	return opts
}

// keepStatus drops what nobody reads from cached pods: their specs are the largest part of the operator's memory.
func keepStatus(object any) (any, error) {
	if pod, ok := object.(*corev1.Pod); ok {
		pod.ManagedFields = nil
		pod.Spec = corev1.PodSpec{}
	}
	return object, nil
}

// unthrottled leaves it to the apiserver's priority and fairness to slow the operator down: its own limit would stand
// between a promotion's writes.
func unthrottled(kube *rest.Config) *rest.Config {
	out := rest.CopyConfig(kube)
	out.QPS = -1
	return out
}

func addProbes(mgr ctrl.Manager) error {
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("adding the liveness probe: %w", err)
	}
	if err := mgr.AddReadyzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("adding the readiness probe: %w", err)
	}
	return nil
}
