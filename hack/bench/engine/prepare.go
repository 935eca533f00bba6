package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// sources is this directory, seen from where make runs.
const sources = "hack/bench/engine"

// examples is how many the inputs of models.py have.
const examples = "8192"

// bench is one run's environment. What could not be prepared is an empty path, and missing says why.
type bench struct {
	options options
	python  string
	models  string
	driver  string // of ONNX Runtime
	library string // ONNX Runtime itself
	missing map[string]error
}

func prepare(ctx context.Context, o options) (*bench, error) {
	b := &bench{options: o, models: filepath.Join(o.cache, "models"), missing: map[string]error{}}
	if err := os.MkdirAll(b.models, 0o755); err != nil {
		return nil, err
	}
	if err := b.environment(ctx); err != nil {
		b.missing["python"] = err
		b.say("no frameworks: %v", err)
		return b, nil
	}
	if err := b.writeModels(ctx); err != nil {
		return nil, err
	}
	if err := b.buildDriver(ctx); err != nil {
		b.missing["onnxruntime"] = err
		b.say("no ONNX Runtime: %v", err)
	}
	return b, nil
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench-engine: "+format+"\n", args...)
}

// run runs a program, and adds what it said to the error.
func run(ctx context.Context, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, bytes.TrimSpace(out))
	}
	return strings.TrimSpace(string(out)), nil
}

// environment makes the virtual environment with the frameworks, once for each list of requirements.
func (b *bench) environment(ctx context.Context) error {
	wanted, err := os.ReadFile(filepath.Join(sources, "requirements.txt"))
	if err != nil {
		return err
	}
	dir := filepath.Join(b.options.cache, "venv")
	stamp := filepath.Join(dir, "requirements.txt")
	python := filepath.Join(dir, "bin", "python")
	if made, err := os.ReadFile(stamp); err == nil && bytes.Equal(made, wanted) {
		b.python = python
		return nil
	}
	b.say("installing the frameworks into %s", dir)
	found, err := findPython(ctx)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if _, err := run(ctx, nil, found, "-m", "venv", dir); err != nil {
		return err
	}
	if _, err := run(ctx, nil, python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:",
		"--requirement", filepath.Join(sources, "requirements.txt")); err != nil {
		return err
	}
	b.python = python
	return os.WriteFile(stamp, wanted, 0o644)
}

// findPython finds the version that the requirements are for.
func findPython(ctx context.Context) (string, error) {
	for _, name := range []string{os.Getenv("PYTHON311"), "python3.11", "python3"} {
		if name == "" {
			continue
		}
		if out, err := run(ctx, nil, name, "-c", "import sys; print(*sys.version_info[:2])"); err == nil && out == "3 11" {
			return name, nil
		}
	}
	return "", errors.New("no Python 3.11; PYTHON311 may say where it is")
}

// writeModels writes the models, once for each version of the scripts.
func (b *bench) writeModels(ctx context.Context) error {
	var made bytes.Buffer
	for _, script := range []string{"requirements.txt", "models.py", "pipeline.py"} {
		content, err := os.ReadFile(filepath.Join(sources, script))
		if err != nil {
			return err
		}
		made.Write(content)
	}
	stamp := filepath.Join(b.models, "scripts")
	if content, err := os.ReadFile(stamp); err == nil && bytes.Equal(content, made.Bytes()) {
		return nil
	}
	for _, script := range []string{"models.py", "pipeline.py"} {
		b.say("running %s", script)
		if _, err := run(ctx, nil, b.python, filepath.Join(sources, script), b.models); err != nil {
			return err
		}
	}
	return os.WriteFile(stamp, made.Bytes(), 0o644)
}

// buildDriver builds the program that runs ONNX Runtime, against the header that a Go module ships.
func (b *bench) buildDriver(ctx context.Context) error {
	const shared = "venv/lib/python*/site-packages/onnxruntime/capi/libonnxruntime.so.*"
	libraries, err := filepath.Glob(filepath.Join(b.options.cache, shared))
	if err != nil || len(libraries) != 1 {
		return fmt.Errorf("found the libraries %v in the environment", libraries)
	}
	dir := filepath.Join(sources, "ort")
	if _, err := run(ctx, nil, "go", "-C", dir, "mod", "download"); err != nil {
		return err
	}
	header, err := run(ctx, nil, "go", "-C", dir, "list", "-m", "-f", "{{.Dir}}", "github.com/yalue/onnxruntime_go")
	if err != nil {
		return err
	}
	driver := filepath.Join(b.options.cache, "ort")
	env := []string{"CGO_ENABLED=1", "CGO_CFLAGS=-O2 -I" + header}
	if _, err := run(ctx, env, "go", "-C", dir, "build", "-o", driver, "."); err != nil {
		return err
	}
	b.driver, b.library = driver, libraries[0]
	return nil
}
