package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	certificateLife = 10 * 365 * 24 * time.Hour
	// clockSkew lets a certificate be used at once where clocks differ a little, or were just set.
	clockSkew = time.Hour
)

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// subject is whom a certificate names, and for what it is good.
type subject struct {
	name         string // common name: the user, for Kubernetes
	organization string // the group
	hosts        []string
	server       bool
}

func newAuthority(name string, now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template, err := certificateTemplate(subject{name: name}, now)
	if err != nil {
		return nil, err
	}
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = nil
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &authority{certificate: certificate, key: key}, err
}

// issue makes a key and a certificate for a subject, both as PEM.
func (a *authority) issue(s subject, now time.Time) (certificate, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template, err := certificateTemplate(s, now)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &private.PublicKey, a.key)
	if err != nil {
		return nil, nil, err
	}
	keyPEM, err := encodeKey(private)
	return encodeCertificate(der), keyPEM, err
}

func certificateTemplate(s subject, now time.Time) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: s.name},
		NotBefore:    now.Add(-clockSkew),
		NotAfter:     now.Add(certificateLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if s.organization != "" {
		template.Subject.Organization = []string{s.organization}
	}
	if s.server {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	for _, host := range s.hosts {
		if address := net.ParseIP(host); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
			continue
		}
		template.DNSNames = append(template.DNSNames, host)
	}
	return template, nil
}

func encodeCertificate(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// clusterSubjects is everybody who needs a certificate of the cluster's own authority, by file name.
func clusterSubjects() map[string]subject {
	return map[string]subject{
		"apiserver": {name: "kube-apiserver", server: true, hosts: []string{
			"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + clusterDomain,
			"localhost", "127.0.0.1", nodeAddress, serviceAddress,
		}},
		"apiserver-kubelet-client": {name: "kube-apiserver-kubelet-client", organization: "system:masters"},
		"admin":                    {name: "admin", organization: "system:masters"},
		"controller-manager":       {name: "system:kube-controller-manager"},
		"scheduler":                {name: "system:kube-scheduler"},
		"kube-proxy":               {name: "system:kube-proxy"},
		"kubelet":                  {name: "system:node:" + nodeName, organization: "system:nodes"},
		"kubelet-server":           {name: nodeName, server: true, hosts: []string{nodeName, nodeAddress}},
	}
}

// writeCertificates fills dir: two authorities (aggregated API servers are told users by the second one), everybody's
// certificate and key, and the key that signs service-account tokens.
func writeCertificates(dir string, now time.Time) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := writeAuthority(dir, "ca", clusterSubjects(), now); err != nil {
		return err
	}
	proxies := map[string]subject{"front-proxy-client": {name: "front-proxy-client"}}
	if err := writeAuthority(dir, "front-proxy-ca", proxies, now); err != nil {
		return err
	}
	return writeServiceAccountKey(dir)
}

func writeAuthority(dir, name string, subjects map[string]subject, now time.Time) error {
	ca, err := newAuthority(name, now)
	if err != nil {
		return fmt.Errorf("authority %s: %w", name, err)
	}
	key, err := encodeKey(ca.key)
	if err != nil {
		return err
	}
	if err := writePair(dir, name, encodeCertificate(ca.certificate.Raw), key); err != nil {
		return err
	}
	for file, who := range subjects {
		certificate, key, err := ca.issue(who, now)
		if err != nil {
			return fmt.Errorf("certificate of %s: %w", file, err)
		}
		if err := writePair(dir, file, certificate, key); err != nil {
			return err
		}
	}
	return nil
}

func writePair(dir, name string, certificate, key []byte) error {
	if err := os.WriteFile(filepath.Join(dir, name+".crt"), certificate, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name+".key"), key, 0o600)
}

func writeServiceAccountKey(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	private, err := encodeKey(key)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	if err := os.WriteFile(filepath.Join(dir, "service-accounts.pub"), public, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "service-accounts.key"), private, 0o600)
}
