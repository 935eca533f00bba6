package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	release = "ctr-operator"
	chart   = "charts/ctr-operator"
)

// InstallOptions choose what is installed.
type InstallOptions struct {
	// Operator and Runtime are the images; the zero value means those that were built as such.
	Operator, Runtime Image
}

// InstallOperator installs the chart, or upgrades the release that is there, and waits until the operator is ready.
func (h *Harness) InstallOperator(ctx context.Context, options InstallOptions) error {
	operator, runtime := options.Operator, options.Runtime
	if operator.Ref == "" {
		operator = h.Images.Operator
	}
	if runtime.Ref == "" {
		runtime = h.Images.Runtime
	}
	if err := h.removeStuckRelease(ctx); err != nil {
		return err
	}
	return h.helm(ctx, h.out, "upgrade", "--install", release, chart, "--create-namespace", "--hide-notes", "--wait", "--timeout", "3m",
		"--set", "image.repository="+operator.Repository(), "--set-string", "image.tag="+operator.Tag(),
		"--set", "runtime.image.repository="+runtime.Repository(), "--set-string", "runtime.image.tag="+runtime.Tag())
}

// removeStuckRelease takes away a release that an interrupted run left half made, with which Helm would refuse to work.
// The CRDs, and so the models, stay.
func (h *Harness) removeStuckRelease(ctx context.Context) error {
	status, err := h.capture(ctx, "helm", helmArguments("list", "--all", "--filter", "^"+release+"$", "--output", "json")...)
	if err != nil {
		return err
	}
	var releases []struct{ Status string }
	if err := json.Unmarshal([]byte(status), &releases); err != nil {
		return fmt.Errorf("helm list: %w: %s", err, status)
	}
	for _, r := range releases {
		if strings.HasPrefix(r.Status, "pending") || r.Status == "uninstalling" {
			return h.UninstallOperator(ctx)
		}
	}
	return nil
}

// UninstallOperator takes the operator away; the CRDs and the models stay.
func (h *Harness) UninstallOperator(ctx context.Context) error {
	return h.helm(ctx, h.out, "uninstall", release, "--wait", "--ignore-not-found")
}

// TestRelease runs `helm test` and returns what it said.
func (h *Harness) TestRelease(ctx context.Context) (string, error) {
	var said strings.Builder
	err := h.helm(ctx, io.MultiWriter(h.out, &said), "test", release, "--timeout", "3m")
	return said.String(), err
}

func (h *Harness) helm(ctx context.Context, out io.Writer, args ...string) error {
	fmt.Fprintln(h.out, "helm", strings.Join(args, " "))
	return h.run(ctx, out, "helm", helmArguments(args...)...)
}

func helmArguments(args ...string) []string {
	return append(args, "--namespace", OperatorNamespace)
}

// OperatorPods lists the operator's pods.
func (h *Harness) OperatorPods(ctx context.Context) ([]corev1.Pod, error) {
	return h.Pods(ctx, OperatorNamespace, client.MatchingLabels{"app.kubernetes.io/name": "ctr-operator"})
}

// DeleteOperatorPods deletes them at once, as a node that dies would; their Deployment makes new ones.
func (h *Harness) DeleteOperatorPods(ctx context.Context) error {
	pods, err := h.OperatorPods(ctx)
	if err != nil {
		return err
	}
	for _, pod := range pods {
		if err := client.IgnoreNotFound(h.Client.Delete(ctx, &pod, client.GracePeriodSeconds(0))); err != nil {
			return err
		}
	}
	return nil
}
