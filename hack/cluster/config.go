package main

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"text/template"
)

//go:embed templates
var templates embed.FS

// settings is what the configuration files depend on.
type settings struct {
	ID, State, Run, Bin, Arch                     string
	ContainerdSocket, Snapshotter                 string
	NodeName, NodeAddress, NodePodRange, PodRange string
	DNSAddress, ClusterDomain                     string
	PauseImage, CoreDNSImage                      string
	RestrictOOMScoreAdj                           bool
}

func newSettings(l layout, pauseImage, dnsImage string) settings {
	return settings{
		ID: l.id(), State: l.state(), Run: l.runDir(), Bin: l.bin(), Arch: runtime.GOARCH,
		ContainerdSocket: l.containerdSocket(), Snapshotter: snapshotterFor(l.cache),
		NodeName: nodeName, NodeAddress: nodeAddress, NodePodRange: nodePodRange, PodRange: podRange,
		DNSAddress: dnsAddress, ClusterDomain: clusterDomain,
		PauseImage: pauseImage, CoreDNSImage: dnsImage,
		RestrictOOMScoreAdj: !mayLowerOOMScore(),
	}
}

// render fills one of the embedded templates.
func (s settings) render(name string) ([]byte, error) {
	parsed, err := template.New(name).Option("missingkey=error").ParseFS(templates, "templates/"+name)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, s); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// write renders the configuration of the node's programs to where nodeDaemons looks for it.
func (s settings) write(l layout) error {
	files := map[string]string{
		"containerd.toml":  l.state("containerd.toml"),
		"10-pods.conflist": l.state("cni", "10-pods.conflist"),
		"kubelet.yaml":     l.state("kubelet.yaml"),
		"kube-proxy.yaml":  l.state("kube-proxy.yaml"),
		"coredns.yaml":     l.state("coredns.yaml"),
	}
	for name, target := range files {
		content, err := s.render(name)
		if err != nil {
			return fmt.Errorf("configuration %s: %w", name, err)
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, content, 0o644); err != nil {
			return err
		}
	}
	// Pods with dnsPolicy Default get this: the cluster has nobody to ask outside of it.
	return os.WriteFile(l.state("resolv.conf"), []byte("# no name server outside of the cluster\n"), 0o644)
}

// snapshotterFor is overlayfs, but where the cache is itself on an overlay, as in a container.
func snapshotterFor(dir string) string {
	const overlayMagic = 0x794c7630
	var info syscall.Statfs_t
	if syscall.Statfs(dir, &info) == nil && info.Type == overlayMagic {
		return "native"
	}
	return "overlayfs"
}

// mayLowerOOMScore says whether this process has CAP_SYS_RESOURCE; without it runc fails to protect a container.
func mayLowerOOMScore() bool {
	content, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	return hasCapability(string(content), 24)
}

func hasCapability(status string, bit uint) bool {
	for _, line := range lines(status) {
		if value, found := strings.CutPrefix(line, "CapEff:"); found {
			set, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			return err == nil && set&(1<<bit) != 0
		}
	}
	return false
}
