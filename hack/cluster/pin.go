package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/modfile"
)

// pinCommand moves the pinned Kubernetes version. The other modules follow `go get` in their folders; Kubernetes' go.mod
// requires its own libraries as v0.0.0, which only its own tree can resolve, so that they have to be replaced.
func pinCommand() *cobra.Command {
	return &cobra.Command{
		Use: "pin-kubernetes VERSION", Short: "Rewrite hack/cluster/modules/kubernetes for another Kubernetes version",
		Args: cobra.ExactArgs(1), Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error { return pinKubernetes(cmd.Context(), args[0]) },
	}
}

func pinKubernetes(ctx context.Context, version string) error {
	modules, err := modulesDir(ctx)
	if err != nil {
		return err
	}
	output, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", kubernetesModule+"@"+version).Output()
	if err != nil {
		return fmt.Errorf("go mod download %s@%s: %w", kubernetesModule, version, err)
	}
	var downloaded struct{ GoMod string }
	if err := json.Unmarshal(output, &downloaded); err != nil {
		return err
	}
	upstream, err := os.ReadFile(downloaded.GoMod)
	if err != nil {
		return err
	}
	content, err := kubernetesGoMod(upstream, version)
	if err != nil {
		return err
	}
	dir := filepath.Join(modules, "kubernetes")
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), content, 0o644); err != nil {
		return err
	}
	tidy := exec.CommandContext(ctx, "go", "mod", "tidy")
	tidy.Dir, tidy.Stdout, tidy.Stderr = dir, os.Stderr, os.Stderr
	return tidy.Run()
}

// kubernetesGoMod is a go.mod from which Kubernetes' programs build: each library that upstream requires as exactly v0.0.0 is
// replaced by its published version, v0.<minor>.<patch>. Other versions of k8s.io modules are published ones already.
func kubernetesGoMod(upstream []byte, version string) ([]byte, error) {
	parsed, err := modfile.Parse("upstream go.mod", upstream, nil)
	if err != nil {
		return nil, err
	}
	published := "v0." + strings.TrimPrefix(version, "v1.")
	var made strings.Builder
	say(&made, "module ctr-operator.local/kubernetes\n\ngo %s\n", parsed.Go.Version)
	say(&made, "tool (")
	for _, p := range catalog() {
		if p.module == "kubernetes" {
			say(&made, "\t%s", p.path)
		}
	}
	say(&made, ")\n\nrequire %s %s\n\nreplace (", kubernetesModule, version)
	for _, required := range parsed.Require {
		if required.Mod.Version == "v0.0.0" {
			say(&made, "\t%s => %s %s", required.Mod.Path, required.Mod.Path, published)
		}
	}
	say(&made, ")")
	return []byte(made.String()), nil
}
