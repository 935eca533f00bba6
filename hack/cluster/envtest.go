package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	// downloadPatience is how long setup-envtest may take; where there is no way to its server, it must not cost minutes.
	downloadPatience = 60 * time.Second
	lookupPatience   = 15 * time.Second
)

func envtestPrograms() []string { return []string{"etcd", "kube-apiserver", "kubectl"} }

// envtest makes sure of the folder that KUBEBUILDER_ASSETS names, and returns it. Binaries that are already built for the
// cluster are used; else a download is tried; else they are built.
func (b builder) envtest(ctx context.Context) (string, error) {
	dir := b.layout.envtest()
	stale, err := b.stale(ctx, envtestPrograms())
	if err != nil {
		return "", err
	}
	if len(stale) > 0 {
		if b.downloaded(ctx) {
			return dir, nil
		}
		err := b.downloadEnvtest(ctx)
		if err == nil {
			return dir, nil
		}
		say(b.log, "envtest's binaries cannot be downloaded (%v); building them", err)
		if err := b.programs(ctx, envtestPrograms()); err != nil {
			return "", err
		}
	}
	return dir, b.linkEnvtest()
}

// linkEnvtest puts the built programs into envtest's folder, as links: they are large.
func (b builder) linkEnvtest() error {
	dir := b.layout.envtest()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range envtestPrograms() {
		target := filepath.Join(dir, name)
		if current, err := os.Readlink(target); err == nil && current == b.layout.bin(name) {
			continue
		}
		fresh := target + ".new"
		if err := errors.Join(removeIfThere(fresh), os.Symlink(b.layout.bin(name), fresh), os.Rename(fresh, target)); err != nil {
			return err
		}
	}
	return nil
}

func (b builder) downloadMark() string { return filepath.Join(b.layout.envtest(), ".downloaded") }

// downloaded says whether an earlier run downloaded the version that is wanted now.
func (b builder) downloaded(ctx context.Context) bool {
	version, err := b.envtestVersion(ctx)
	if err != nil {
		return false
	}
	mark, err := os.ReadFile(b.downloadMark())
	if err != nil || string(mark) != version {
		return false
	}
	for _, name := range envtestPrograms() {
		if _, err := os.Stat(filepath.Join(b.layout.envtest(), name)); err != nil {
			return false
		}
	}
	return true
}

// envtestVersion is the pinned Kubernetes version, as setup-envtest writes it.
func (b builder) envtestVersion(ctx context.Context) (string, error) {
	modules, err := modulesDir(ctx)
	if err != nil {
		return "", err
	}
	version, err := pinnedVersion(filepath.Join(modules, "kubernetes"), kubernetesModule)
	return trimV(version), err
}

func (b builder) downloadEnvtest(ctx context.Context) error {
	version, err := b.envtestVersion(ctx)
	if err != nil {
		return err
	}
	if err := b.programs(ctx, []string{"setup-envtest"}); err != nil {
		return err
	}
	// The minor's newest patch will do: the published archives do not have every one.
	minor := version[:strings.LastIndex(version, ".")] + ".x"
	if _, err := b.setupEnvtest(ctx, lookupPatience, "list", minor); err != nil {
		return err
	}
	say(b.log, "downloading envtest's binaries, Kubernetes %s", minor)
	from, err := b.setupEnvtest(ctx, downloadPatience, "use", "-p", "path", minor)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(b.layout.envtest(), 0o755); err != nil {
		return err
	}
	for _, name := range envtestPrograms() {
		target := filepath.Join(b.layout.envtest(), name)
		if err := errors.Join(removeIfThere(target), os.Symlink(filepath.Join(from, name), target)); err != nil {
			return err
		}
	}
	return os.WriteFile(b.downloadMark(), []byte(version), 0o644)
}

func (b builder) setupEnvtest(ctx context.Context, patience time.Duration, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	args = append(args, "--bin-dir", filepath.Join(b.layout.cache, "setup-envtest"))
	output, err := exec.CommandContext(ctx, b.layout.bin("setup-envtest"), args...).Output()
	if err == nil {
		return strings.TrimSpace(string(output)), nil
	}
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return "", fmt.Errorf("setup-envtest %s: %w: %s", args[0], err, lastLine(string(exit.Stderr)))
	}
	return "", fmt.Errorf("setup-envtest %s: %w", args[0], err)
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
