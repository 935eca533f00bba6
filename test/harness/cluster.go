package harness

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Up brings up the cluster, or finds it, and connects to it.
func (h *Harness) Up(ctx context.Context) error {
	if err := h.run(ctx, h.out, "go", "run", "./hack/cluster", "up"); err != nil {
		return err
	}
	if err := h.find(ctx); err != nil {
		return err
	}
	return h.connect()
}

// Existing says whether the cluster was there before and is not ours to take down.
func (h *Harness) Existing() bool { return slices.Contains(h.Environment, "CLUSTER=existing") }

// find asks the cluster tool what programs must be run with to reach the cluster.
func (h *Harness) find(ctx context.Context) error {
	exports, err := h.capture(ctx, "go", "run", "./hack/cluster", "env")
	if err != nil {
		return err
	}
	if h.Environment, err = parseExports(exports); err != nil {
		return err
	}
	h.Kubeconfig = os.Getenv("KUBECONFIG")
	for _, pair := range h.Environment {
		if path, ok := strings.CutPrefix(pair, "KUBECONFIG="); ok {
			h.Kubeconfig = path
		}
	}
	return nil
}

// parseExports reads lines of `export NAME=VALUE`, the value quoted for a shell or not.
func parseExports(text string) ([]string, error) {
	var pairs []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "export "))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fmt.Errorf("the cluster tool's environment has a line without '=': %q", line)
		}
		if n := len(value); n >= 2 && value[0] == value[n-1] && strings.ContainsRune(`'"`, rune(value[0])) {
			value = value[1 : n-1]
		}
		pairs = append(pairs, name+"="+os.ExpandEnv(value))
	}
	return pairs, nil
}

// BuildImages builds the images and loads them into the cluster. What has not changed is not built anew.
func (h *Harness) BuildImages(ctx context.Context) error {
	dir := filepath.Join(CacheDir(), "images")
	if err := h.run(ctx, h.out, "go", "run", "./hack/image", "--out", dir); err != nil {
		return err
	}
	images, err := readImages(filepath.Join(dir, "images.json"))
	if err != nil {
		return err
	}
	h.Images = images
	args := []string{"run", "./hack/cluster", "load"}
	for _, image := range images.all() {
		if image.Tar != "" {
			args = append(args, image.Tar)
		}
	}
	return h.run(ctx, h.out, "go", args...)
}

// Down takes the cluster down. From one that was there before it takes away what the harness has put there.
func (h *Harness) Down(ctx context.Context) error {
	if err := h.find(ctx); err != nil {
		return err
	}
	if h.Existing() {
		if err := h.cleanUp(ctx); err != nil {
			return err
		}
	}
	return h.run(ctx, h.out, "go", "run", "./hack/cluster", "down")
}

// cleanUp takes the shared namespace away, with the demo's model in it, and the operator. The CRD stays, as it does after
// every `helm uninstall`: deleting it would delete every model of the cluster.
func (h *Harness) cleanUp(ctx context.Context) error {
	if err := h.connect(); err != nil {
		return err
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: SharedNamespace}}
	if err := client.IgnoreNotFound(h.Client.Delete(ctx, ns)); err != nil {
		return err
	}
	if err := h.WaitGone(ctx, client.ObjectKeyFromObject(ns), &corev1.NamespaceList{}); err != nil {
		return err
	}
	return h.UninstallOperator(ctx)
}
