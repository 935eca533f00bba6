package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

func TestCertificates(t *testing.T) {
	dir, now := t.TempDir(), time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	if err := writeCertificates(dir, now); err != nil {
		t.Fatal(err)
	}
	cluster, proxies := pool(t, dir, "ca"), pool(t, dir, "front-proxy-ca")

	tests := []struct {
		file         string
		roots        *x509.CertPool
		usage        x509.ExtKeyUsage
		host         string
		user, group  string
		wantRejected bool
	}{
		{file: "apiserver", roots: cluster, usage: x509.ExtKeyUsageServerAuth, host: "kubernetes.default.svc"},
		{file: "apiserver", roots: cluster, usage: x509.ExtKeyUsageServerAuth, host: serviceAddress},
		{file: "apiserver", roots: cluster, usage: x509.ExtKeyUsageServerAuth, host: "127.0.0.1"},
		{file: "apiserver", roots: cluster, usage: x509.ExtKeyUsageServerAuth, host: "example.com", wantRejected: true},
		{file: "kubelet-server", roots: cluster, usage: x509.ExtKeyUsageServerAuth, host: nodeAddress},
		{file: "admin", roots: cluster, usage: x509.ExtKeyUsageClientAuth, user: "admin", group: "system:masters"},
		{file: "admin", roots: cluster, usage: x509.ExtKeyUsageServerAuth, wantRejected: true},
		{file: "admin", roots: proxies, usage: x509.ExtKeyUsageClientAuth, wantRejected: true},
		{
			file: "kubelet", roots: cluster, usage: x509.ExtKeyUsageClientAuth,
			user: "system:node:" + nodeName, group: "system:nodes",
		},
		{file: "front-proxy-client", roots: proxies, usage: x509.ExtKeyUsageClientAuth, user: "front-proxy-client"},
		{file: "front-proxy-client", roots: cluster, usage: x509.ExtKeyUsageClientAuth, wantRejected: true},
	}
	for _, test := range tests {
		t.Run(test.file+" "+test.host+test.user, func(t *testing.T) {
			// Loading the pair also shows that the key belongs to the certificate.
			pair, err := tls.LoadX509KeyPair(filepath.Join(dir, test.file+".crt"), filepath.Join(dir, test.file+".key"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = pair.Leaf.Verify(x509.VerifyOptions{
				Roots: test.roots, DNSName: test.host, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{test.usage},
			})
			if rejected := err != nil; rejected != test.wantRejected {
				t.Fatalf("verified with %v, want rejected = %v", err, test.wantRejected)
			}
			if test.user != "" && pair.Leaf.Subject.CommonName != test.user {
				t.Errorf("user %q, want %q", pair.Leaf.Subject.CommonName, test.user)
			}
			if test.group != "" && (len(pair.Leaf.Subject.Organization) != 1 || pair.Leaf.Subject.Organization[0] != test.group) {
				t.Errorf("groups %q, want %q", pair.Leaf.Subject.Organization, test.group)
			}
		})
	}
}

func TestKeysAreForTheOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	if err := writeCertificates(dir, time.Now()); err != nil {
		t.Fatal(err)
	}
	keys, err := filepath.Glob(filepath.Join(dir, "*.key"))
	if err != nil || len(keys) != len(clusterSubjects())+4 {
		t.Fatalf("keys %q, %v: want one for each subject, both authorities, the proxy's client and service accounts", keys, err)
	}
	for _, key := range keys {
		info, err := os.Stat(key)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", key, info.Mode())
		}
	}
}

// The reader of the file is client-go, so it says whether the file is right.
func TestKubeconfigIsReadByClientGo(t *testing.T) {
	dir := t.TempDir()
	if err := writeCertificates(dir, time.Now()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "kubeconfig")
	if err := writeKubeconfig(file, "https://127.0.0.1:40000", dir, "admin"); err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		t.Fatal(err)
	}
	if config.Host != "https://127.0.0.1:40000" {
		t.Errorf("server %q", config.Host)
	}
	if _, err := tls.X509KeyPair(config.CertData, config.KeyData); err != nil {
		t.Errorf("the client's certificate: %v", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(config.CAData) {
		t.Error("no authority's certificate")
	}
}

func pool(t *testing.T, dir, name string) *x509.CertPool {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name+".crt"))
	if err != nil {
		t.Fatal(err)
	}
	made := x509.NewCertPool()
	if !made.AppendCertsFromPEM(content) {
		t.Fatalf("%s.crt holds no certificate", name)
	}
	return made
}
