package main

import (
	"fmt"
	"log/slog"
	"os"
	"slices"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/ctr-operator/ctr-operator/controllers/operator"
)

var pullPolicies = []corev1.PullPolicy{corev1.PullAlways, corev1.PullIfNotPresent, corev1.PullNever}

// command is the command line: each flag is a field of operator.Config.
func command(version string) *cobra.Command {
	var (
		cfg        operator.Config
		pullPolicy string
		level      slog.Level
	)
	cmd := &cobra.Command{
		Use:           "ctr-operator",
		Short:         "Serves click-through-rate models on Kubernetes and rolls out their revisions",
		Version:       version,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.RuntimeImage.PullPolicy = corev1.PullPolicy(pullPolicy)
			if !slices.Contains(pullPolicies, cfg.RuntimeImage.PullPolicy) {
				return fmt.Errorf("pull policy %q is none of %v", pullPolicy, pullPolicies)
			}
			log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
			ctrl.SetLogger(logr.FromSlogHandler(log.Handler()))
			klog.SetSlogLogger(log)
			kube, err := ctrl.GetConfig()
			if err != nil {
				return fmt.Errorf("finding the cluster: %w", err)
			}
			log.Info("starting", "version", version, "runtimeImage", cfg.RuntimeImage.Ref)
			return operator.Run(cmd.Context(), kube, cfg)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&cfg.MetricsAddress, "metrics-address", ":8080", "address of Prometheus metrics; 0 turns them off")
	flags.StringVar(&cfg.HealthAddress, "health-address", ":8081", "address of /healthz and /readyz; 0 turns them off")
	flags.BoolVar(&cfg.LeaderElection, "leader-elect", false, "let one of several operators act, the others wait")
	flags.StringVar(&cfg.LeaderNamespace, "leader-election-namespace", "", "namespace of the lease (default: the pod's)")
	flags.StringVar(&cfg.Namespace, "namespace", "", "watch this namespace only (default: all)")
	flags.IntVar(&cfg.Workers, "workers", 4, "how many models are worked on at the same time")
	flags.StringVar(&cfg.RuntimeImage.Ref, "runtime-image", "", "image of the model server, for new revisions")
	flags.StringVar(&pullPolicy, "runtime-image-pull-policy", string(corev1.PullIfNotPresent),
		"when nodes pull that image: Always, IfNotPresent or Never")
	flags.TextVar(&level, "log-level", slog.LevelInfo, "least level to log: debug, info, warn or error")
	if err := cmd.MarkFlagRequired("runtime-image"); err != nil {
		panic(err) // The flag is defined above.
	}
	return cmd
}
