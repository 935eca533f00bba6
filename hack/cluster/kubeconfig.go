package main

import (
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// kubeconfig is as much of the file format as a local cluster needs.
type kubeconfigFile struct {
	APIVersion     string         `json:"apiVersion"`
	Kind           string         `json:"kind"`
	Clusters       []namedCluster `json:"clusters"`
	Users          []namedUser    `json:"users"`
	Contexts       []namedContext `json:"contexts"`
	CurrentContext string         `json:"current-context"`
}

type namedCluster struct {
	Name    string `json:"name"`
	Cluster struct {
		Server string `json:"server"`
		CA     []byte `json:"certificate-authority-data"`
	} `json:"cluster"`
}

type namedUser struct {
	Name string `json:"name"`
	User struct {
		Certificate []byte `json:"client-certificate-data"`
		Key         []byte `json:"client-key-data"`
	} `json:"user"`
}

type namedContext struct {
	Name    string `json:"name"`
	Context struct {
		Cluster string `json:"cluster"`
		User    string `json:"user"`
	} `json:"context"`
}

// renderKubeconfig is the kubeconfig of one user at one server, with the certificates inside.
func renderKubeconfig(server, user string, ca, certificate, key []byte) ([]byte, error) {
	const name = "ctr-operator"
	file := kubeconfigFile{
		APIVersion: "v1", Kind: "Config", CurrentContext: name,
		Clusters: []namedCluster{{Name: name}}, Users: []namedUser{{Name: user}}, Contexts: []namedContext{{Name: name}},
	}
	file.Clusters[0].Cluster.Server, file.Clusters[0].Cluster.CA = server, ca
	file.Users[0].User.Certificate, file.Users[0].User.Key = certificate, key
	file.Contexts[0].Context.Cluster, file.Contexts[0].Context.User = name, user
	return yaml.Marshal(file)
}

// writeKubeconfig writes the kubeconfig of the subject that writeCertificates filed under user.
func writeKubeconfig(target, server, certificates, user string) error {
	ca, err := os.ReadFile(filepath.Join(certificates, "ca.crt"))
	if err != nil {
		return err
	}
	certificate, err := os.ReadFile(filepath.Join(certificates, user+".crt"))
	if err != nil {
		return err
	}
	key, err := os.ReadFile(filepath.Join(certificates, user+".key"))
	if err != nil {
		return err
	}
	content, err := renderKubeconfig(server, user, ca, certificate, key)
	if err != nil {
		return err
	}
	return os.WriteFile(target, content, 0o600)
}
