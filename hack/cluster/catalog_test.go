package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

// Every program must be buildable from what is committed: its module pins its source, and keeps what it imports in go.sum.
func TestCatalogIsPinned(t *testing.T) {
	for _, p := range catalog() {
		t.Run(p.name, func(t *testing.T) {
			dir := filepath.Join("modules", p.module)
			spec, err := p.spec("modules", "bin")
			if err != nil {
				t.Fatal(err)
			}
			if p.path == "." {
				if _, err := os.Stat(filepath.Join(dir, "main.go")); err != nil {
					t.Errorf("a program of our own without source: %v", err)
				}
			} else if !hasTool(t, dir, p.path) {
				t.Errorf("%s/go.mod has no tool line for %s: go mod tidy would drop it", dir, p.path)
			}
			if p.source != "" && !strings.HasPrefix(spec.Version, "v") {
				t.Errorf("version %q", spec.Version)
			}
		})
	}
}

func TestKubernetesReportsItsVersion(t *testing.T) {
	p := program{source: kubernetesModule}
	flags := p.ldflags("v1.36.3")
	for _, want := range []string{".gitVersion=v1.36.3", ".gitMajor=1", ".gitMinor=36"} {
		if !strings.Contains(flags, want) {
			t.Errorf("%s lacks %s", flags, want)
		}
	}
	if flags := (program{source: "example.org/other"}).ldflags("v1.2.3"); flags != "-s -w" {
		t.Errorf("another program gets %s", flags)
	}
}

func TestKubernetesGoMod(t *testing.T) {
	const upstream = `module k8s.io/kubernetes

go 1.26.0

require (
	k8s.io/api v0.0.0
	k8s.io/client-go v0.0.0
	k8s.io/klog/v2 v2.140.0
	k8s.io/utils v0.0.0-20260210185600-b8788abfbbc2
)
`
	content, err := kubernetesGoMod([]byte(upstream), "v1.36.3")
	if err != nil {
		t.Fatal(err)
	}
	made, err := modfile.Parse("go.mod", content, nil)
	if err != nil {
		t.Fatal(err)
	}
	replaced := map[string]string{}
	for _, replace := range made.Replace {
		if replace.Old.Path != replace.New.Path {
			t.Errorf("%s is replaced by another module, %s", replace.Old.Path, replace.New.Path)
		}
		replaced[replace.Old.Path] = replace.New.Version
	}
	// A pseudo-version begins with v0.0.0 too, and is a published version.
	if len(replaced) != 2 || replaced["k8s.io/api"] != "v0.36.3" || replaced["k8s.io/client-go"] != "v0.36.3" {
		t.Errorf("replaced: %v", replaced)
	}
	if len(made.Require) != 1 || made.Require[0].Mod.String() != "k8s.io/kubernetes@v1.36.3" {
		t.Errorf("required: %v", made.Require)
	}
	if len(made.Tool) != 6 {
		t.Errorf("tools: %v", made.Tool)
	}
}

func TestWantedPrograms(t *testing.T) {
	tests := []struct {
		mode      string
		has, lack []string
	}{
		{modeNative, []string{"kubelet", "runc", "versitygw", "helm"}, []string{"kind", "setup-envtest"}},
		{modeKind, []string{"kind", "kubectl", "helm", "versitygw"}, []string{"kubelet", "containerd"}},
		{modeExisting, []string{"kubectl", "helm", "versitygw"}, []string{"kind", "kubelet"}},
	}
	for _, test := range tests {
		t.Run(test.mode, func(t *testing.T) {
			names := " " + strings.Join(wanted(test.mode), " ") + " "
			for _, name := range test.has {
				if !strings.Contains(names, " "+name+" ") {
					t.Errorf("%s is not built", name)
				}
			}
			for _, name := range test.lack {
				if strings.Contains(names, " "+name+" ") {
					t.Errorf("%s is built for nothing", name)
				}
			}
			if _, err := lookup(wanted(test.mode)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLookupNamesTheUnknown(t *testing.T) {
	if _, err := lookup([]string{"kubectl", "nonesuch"}); err == nil || !strings.Contains(err.Error(), "nonesuch") {
		t.Errorf("got %v", err)
	}
}

func hasTool(t *testing.T, dir, path string) bool {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := modfile.Parse("go.mod", content, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range parsed.Tool {
		if tool.Path == path {
			return true
		}
	}
	return false
}
