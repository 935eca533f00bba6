package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

const (
	modeNative   = "native"
	modeKind     = "kind"
	modeExisting = "existing"

	dockerPatience = 5 * time.Second
)

// chooseMode is what CLUSTER says; else the mode that is up; else kind where a Docker daemon answers, and native where not.
func chooseMode(ctx context.Context, l layout) (string, error) {
	if asked := os.Getenv("CLUSTER"); asked != "" {
		return checkMode(asked)
	}
	recorded, err := os.ReadFile(l.state("mode"))
	if err == nil {
		return checkMode(strings.TrimSpace(string(recorded)))
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	if dockerAnswers(ctx) {
		return modeKind, nil
	}
	return modeNative, nil
}

func checkMode(mode string) (string, error) {
	switch mode {
	case modeNative, modeKind, modeExisting:
		return mode, nil
	}
	return "", fmt.Errorf("CLUSTER=%s: want %s, %s or %s", mode, modeNative, modeKind, modeExisting)
}

func dockerAnswers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, dockerPatience)
	defer cancel()
	return exec.CommandContext(ctx, "docker", "info").Run() == nil
}

func recordMode(l layout, mode string) error {
	if err := os.MkdirAll(l.state(), 0o755); err != nil {
		return err
	}
	return os.WriteFile(l.state("mode"), []byte(mode+"\n"), 0o644)
}

func newBackend(mode string, b builder) backend {
	switch mode {
	case modeKind:
		return kind{builder: b}
	case modeExisting:
		return existing{builder: b}
	}
	return native{builder: b}
}

// trimContainerScheme is the bare id in a container id like containerd://0123.
func trimContainerScheme(id string) string {
	if _, bare, found := strings.Cut(id, "://"); found {
		return bare
	}
	return id
}

// withEnvironment adds variables to the process's own; exec uses the last of several values.
func withEnvironment(variables map[string]string) []string {
	environment := os.Environ()
	for name, value := range variables {
		environment = append(environment, name+"="+value)
	}
	return environment
}
