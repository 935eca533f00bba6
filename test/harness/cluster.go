package harness

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Up brings up the cluster, or finds it, and connects to it.
func (h *Harness) Up(ctx context.Context) error {
	if err := h.run(ctx, h.out, "go", "run", "./hack/cluster", "up"); err != nil {
		return err
	}
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
	return h.connect()
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
