package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/ctr-operator/ctr-operator/hack/internal/cache"
)

// layout says where everything is. All of it is below the cache, but for what needs a short path (see runDir).
type layout struct {
	cache string
}

func newLayout() (layout, error) {
	dir, err := cache.Dir()
	return layout{cache: dir}, err
}

func (l layout) bin(parts ...string) string {
	return filepath.Join(append([]string{l.cache, "bin"}, parts...)...)
}
func (l layout) state(parts ...string) string {
	return filepath.Join(append([]string{l.cache, "cluster"}, parts...)...)
}
func (l layout) envtest() string        { return filepath.Join(l.cache, "envtest") }
func (l layout) images() string         { return filepath.Join(l.cache, "images") }
func (l layout) lock() string           { return filepath.Join(l.cache, "lock") }
func (l layout) kubeconfig() string     { return l.state("kubeconfig") }
func (l layout) nodeKubeconfig() string { return l.state("kubeconfig.node") }
func (l layout) logs() string           { return l.state("logs") }

// id tells the clusters of several caches on one machine apart, wherever a name is the machine's: the network namespace, the
// control group, the folder below /run.
func (l layout) id() string {
	sum := sha256.Sum256([]byte(l.cache))
	return "ctr-node-" + hex.EncodeToString(sum[:3])
}

// runDir holds the sockets, which have no room for a long path, and what containerd keeps only until the next boot.
func (l layout) runDir(parts ...string) string {
	return filepath.Join(append([]string{"/run", l.id()}, parts...)...)
}

func (l layout) containerdSocket() string { return l.runDir("containerd.sock") }

// path is a PATH with the cluster's own programs first.
func (l layout) path() string {
	return l.bin() + string(os.PathListSeparator) + os.Getenv("PATH")
}

// modulesDir finds the pinned modules in the source tree: they are not in the binary, for go build has to run in them.
func modulesDir(ctx context.Context) (string, error) {
	output, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	root := filepath.Dir(strings.TrimSpace(string(output)))
	dir := filepath.Join(root, "hack", "cluster", "modules")
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return "", errors.New("run this from the repository: hack/cluster/modules is not there")
	}
	return dir, nil
}
