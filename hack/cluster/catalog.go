package main

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"

	"github.com/ctr-operator/ctr-operator/hack/internal/gobuild"
)

// program is one program of the cluster: which pinned module below modules/ it comes from, and how it is compiled.
type program struct {
	name   string
	module string // folder below modules/
	source string // the published module that gives the version
	path   string // package
	folder string // below bin/, where it is not bin/ itself
	tags   string
	cgo    bool
}

const (
	kubernetesModule = "k8s.io/kubernetes"
	containerdModule = "github.com/containerd/containerd/v2"
	pluginsModule    = "github.com/containernetworking/plugins"
)

// catalog is every program that can be asked for, slowest and most wanted first.
func catalog() []program {
	programs := []program{
		{name: "etcd", module: "etcd", source: "go.etcd.io/etcd/server/v3", path: "go.etcd.io/etcd/server/v3"},
	}
	for _, name := range []string{
		"kube-apiserver", "kubectl", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy",
	} {
		programs = append(programs, program{
			name: name, module: "kubernetes", source: kubernetesModule, path: kubernetesModule + "/cmd/" + name,
		})
	}
	for _, name := range []string{"containerd", "containerd-shim-runc-v2", "ctr"} {
		programs = append(programs, program{
			name: name, module: "containerd", source: containerdModule, path: containerdModule + "/cmd/" + name,
		})
	}
	for _, path := range []string{"main/ptp", "ipam/host-local"} {
		programs = append(programs, program{
			name: filepath.Base(path), module: "cni", source: pluginsModule,
			path: pluginsModule + "/plugins/" + path, folder: "cni",
		})
	}
	return append(programs,
		program{
			name: "runc", module: "runc", source: "github.com/opencontainers/runc", path: "github.com/opencontainers/runc",
			tags: "seccomp", cgo: true,
		},
		program{name: "pause", module: "pause", path: "."},
		program{name: "coredns", module: "coredns", source: "github.com/coredns/coredns", path: "."},
		program{name: "helm", module: "helm", source: "helm.sh/helm/v3", path: "helm.sh/helm/v3/cmd/helm"},
		program{
			name: "versitygw", module: "versitygw", source: "github.com/versity/versitygw",
			path: "github.com/versity/versitygw/cmd/versitygw",
		},
		program{name: "kind", module: "kind", source: "sigs.k8s.io/kind", path: "sigs.k8s.io/kind"},
		program{
			name: "setup-envtest", module: "setup-envtest", source: "sigs.k8s.io/controller-runtime/tools/setup-envtest",
			path: "sigs.k8s.io/controller-runtime/tools/setup-envtest",
		},
	)
}

// clients are the programs that every kind of cluster needs on the machine's side; versitygw goes into an image.
func clients() []string { return []string{"kubectl", "helm", "versitygw"} }

// wanted lists the programs that a mode needs.
func wanted(mode string) []string {
	switch mode {
	case modeExisting:
		return clients()
	case modeKind:
		return append(clients(), "kind")
	}
	var names []string
	for _, p := range catalog() {
		if p.name != "kind" && p.name != "setup-envtest" {
			names = append(names, p.name)
		}
	}
	return names
}

// lookup finds programs by name.
func lookup(names []string) ([]program, error) {
	byName := map[string]program{}
	for _, p := range catalog() {
		byName[p.name] = p
	}
	found := make([]program, 0, len(names))
	for _, name := range names {
		p, ok := byName[name]
		if !ok {
			return nil, fmt.Errorf("there is no program %q to build", name)
		}
		found = append(found, p)
	}
	return found, nil
}

// spec is how the program is compiled into bin, with the version that its module's go.mod pins.
func (p program) spec(modules, bin string) (gobuild.Spec, error) {
	dir := filepath.Join(modules, p.module)
	version, err := pinnedVersion(dir, p.source)
	if err != nil {
		return gobuild.Spec{}, err
	}
	return gobuild.Spec{
		Name: p.name, Version: version, Dir: dir, Package: p.path, Output: filepath.Join(bin, p.folder, p.name),
		LDFlags: p.ldflags(version), Tags: p.tags, CGO: p.cgo,
	}, nil
}

// ldflags drops symbols, and gives Kubernetes' programs the version that they report.
func (p program) ldflags(version string) string {
	flags := "-s -w"
	if p.source != kubernetesModule {
		return flags
	}
	var major, minor, patch int
	if _, err := fmt.Sscanf(version, "v%d.%d.%d", &major, &minor, &patch); err != nil {
		return flags
	}
	const base = "k8s.io/component-base/version."
	return fmt.Sprintf("%s -X %sgitVersion=%s -X %sgitMajor=%d -X %sgitMinor=%d", flags, base, version, base, major, base, minor)
}

// pinnedVersion reads the version of a required module out of a go.mod; a program of our own (no source) has none.
func pinnedVersion(dir, source string) (string, error) {
	if source == "" {
		return "", nil
	}
	path := filepath.Join(dir, "go.mod")
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	parsed, err := modfile.Parse(path, content, nil)
	if err != nil {
		return "", err
	}
	for _, required := range parsed.Require {
		if required.Mod.Path == source {
			return required.Mod.Version, nil
		}
	}
	return "", fmt.Errorf("%s does not require %s", path, source)
}
