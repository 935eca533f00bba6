package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

func TestConfigurationRenders(t *testing.T) {
	l := layout{cache: filepath.Join(t.TempDir(), "a cache")}
	made := newSettings(l, "ctr-operator/pause:1", "ctr-operator/coredns:1.0")
	if err := made.write(l); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"kubelet.yaml", "kube-proxy.yaml", "coredns.yaml"} {
		for _, object := range documents(t, l.state(name)) {
			if object.GetKind() == "" || object.GetAPIVersion() == "" {
				t.Errorf("%s has a document without kind or version: %v", name, object)
			}
		}
	}
	kubelet := documents(t, l.state("kubelet.yaml"))[0].Object
	if got, want := kubelet["cgroupRoot"], "/"+l.id(); got != want {
		t.Errorf("cgroupRoot %v, want %v: two clusters on a machine would share their pods' groups", got, want)
	}
	var conflist struct{ Name string }
	content := read(t, l.state("cni", "10-pods.conflist"))
	if err := json.Unmarshal(content, &conflist); err != nil || conflist.Name != l.id() {
		t.Errorf("network list named %q, %v", conflist.Name, err)
	}
	runtime := string(read(t, l.state("containerd.toml")))
	for _, want := range []string{
		"sandbox = 'ctr-operator/pause:1'", "address = '" + l.containerdSocket() + "'", "bin_dirs = ['" + l.bin("cni") + "']",
	} {
		if !strings.Contains(runtime, want) {
			t.Errorf("containerd.toml lacks %s", want)
		}
	}
}

// A socket's path has room for 107 characters, and containerd wants its shims' folder to have at most 42.
func TestSocketsHaveShortPaths(t *testing.T) {
	l := layout{cache: "/" + strings.Repeat("a-very-long-home/", 20)}
	if n := len(l.containerdSocket() + ".ttrpc"); n > 107 {
		t.Errorf("containerd's socket has a path of %d characters", n)
	}
	if n := len(l.runDir("s")); n > 42 {
		t.Errorf("the shims' folder has a path of %d characters", n)
	}
}

func TestClustersOfTwoCachesDiffer(t *testing.T) {
	a, b := layout{cache: "/a"}, layout{cache: "/b"}
	if a.id() == b.id() || a.runDir() == b.runDir() {
		t.Error("two caches would share one node")
	}
}

// Addresses that overlap would make a pod unreachable in ways that are hard to find.
func TestAddressesAreApart(t *testing.T) {
	_, pods, err := net.ParseCIDR(podRange)
	if err != nil {
		t.Fatal(err)
	}
	_, nodePods, err := net.ParseCIDR(nodePodRange)
	if err != nil {
		t.Fatal(err)
	}
	_, services, err := net.ParseCIDR(serviceRange)
	if err != nil {
		t.Fatal(err)
	}
	node := net.ParseIP(nodeAddress)
	if !pods.Contains(nodePods.IP) || pods.Contains(services.IP) || services.Contains(pods.IP) ||
		pods.Contains(node) || services.Contains(node) {
		t.Error("the ranges overlap, or the node's pods are not pods")
	}
	for _, address := range []string{serviceAddress, dnsAddress} {
		if !services.Contains(net.ParseIP(address)) {
			t.Errorf("%s is not a Service's address", address)
		}
	}
}

func TestHasCapability(t *testing.T) {
	const status = "Name:\tx\nCapEff:\t000001fffeffffff\nCapBnd:\t000001ffffffffff\n"
	if hasCapability(status, 24) {
		t.Error("bit 24 is not in the effective set")
	}
	if !hasCapability(status, 21) {
		t.Error("bit 21 is in the effective set")
	}
	if hasCapability("no such line", 21) {
		t.Error("without a set there is no capability")
	}
}

func documents(t *testing.T, file string) []*unstructured.Unstructured {
	t.Helper()
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(read(t, file)), 4096)
	var found []*unstructured.Unstructured
	for {
		object := new(unstructured.Unstructured)
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		found = append(found, object)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
