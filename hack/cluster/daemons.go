package main

import "path/filepath"

// daemons of the node, in the order of their start. They find each other by retrying.
func storeAndRuntime(l layout) []daemon {
	return []daemon{
		{name: "etcd", argv: []string{
			l.bin("etcd"), "--name=node", "--data-dir=" + l.state("etcd"), "--unsafe-no-fsync", "--log-level=warn",
			"--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379",
			"--listen-peer-urls=http://127.0.0.1:2380", "--initial-advertise-peer-urls=http://127.0.0.1:2380",
			"--initial-cluster=node=http://127.0.0.1:2380",
		}},
		{name: "containerd", argv: []string{l.bin("containerd"), "--config", l.state("containerd.toml"), "--log-level=warn"}},
		apiServer(l),
	}
}

func apiServer(l layout) daemon {
	pki := func(name string) string { return l.state("pki", name) }
	return daemon{name: "kube-apiserver", argv: []string{
		l.bin("kube-apiserver"),
		"--etcd-servers=http://127.0.0.1:2379",
		"--advertise-address=" + nodeAddress, "--secure-port=" + apiPort,
		"--service-cluster-ip-range=" + serviceRange,
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
		"--client-ca-file=" + pki("ca.crt"),
		"--tls-cert-file=" + pki("apiserver.crt"), "--tls-private-key-file=" + pki("apiserver.key"),
		"--kubelet-certificate-authority=" + pki("ca.crt"),
		"--kubelet-client-certificate=" + pki("apiserver-kubelet-client.crt"),
		"--kubelet-client-key=" + pki("apiserver-kubelet-client.key"),
		// Else it would have to resolve the node's name.
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc." + clusterDomain,
		"--service-account-key-file=" + pki("service-accounts.pub"),
		"--service-account-signing-key-file=" + pki("service-accounts.key"),
		"--requestheader-client-ca-file=" + pki("front-proxy-ca.crt"),
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--requestheader-group-headers=X-Remote-Group", "--requestheader-username-headers=X-Remote-User",
		"--proxy-client-cert-file=" + pki("front-proxy-client.crt"), "--proxy-client-key-file=" + pki("front-proxy-client.key"),
	}}
}

// busyClient raises the client-side limits: what a busy test waits for would be them.
func busyClient() []string {
	return []string{"--kube-api-qps=300", "--kube-api-burst=600", "--leader-elect=false", "--bind-address=127.0.0.1"}
}

func controllersAndNode(l layout) []daemon {
	return []daemon{
		{name: "kube-controller-manager", argv: append([]string{
			l.bin("kube-controller-manager"),
			"--kubeconfig=" + l.state("kubeconfigs", "controller-manager"),
			"--use-service-account-credentials=true",
			"--service-account-private-key-file=" + l.state("pki", "service-accounts.key"),
			"--root-ca-file=" + l.state("pki", "ca.crt"),
			"--cluster-signing-cert-file=" + l.state("pki", "ca.crt"), "--cluster-signing-key-file=" + l.state("pki", "ca.key"),
		}, busyClient()...)},
		{name: "kube-scheduler", argv: append([]string{
			l.bin("kube-scheduler"), "--kubeconfig=" + l.state("kubeconfigs", "scheduler"),
		}, busyClient()...)},
		{name: "kubelet", argv: []string{
			l.bin("kubelet"), "--config=" + l.state("kubelet.yaml"), "--kubeconfig=" + l.state("kubeconfigs", "kubelet"),
			"--root-dir=" + kubeletRoot(l), "--cert-dir=" + filepath.Join(kubeletRoot(l), "pki"),
			"--hostname-override=" + nodeName, "--node-ip=" + nodeAddress,
		}},
		{name: "kube-proxy", argv: []string{l.bin("kube-proxy"), "--config=" + l.state("kube-proxy.yaml")}},
	}
}

func kubeletRoot(l layout) string { return l.state("kubelet") }

// kubeconfigUsers are the daemons that talk to the API server, by the name of their certificate.
func kubeconfigUsers() []string {
	return []string{"controller-manager", "scheduler", "kube-proxy", "kubelet"}
}

// daemonNames is the order in which to take them down: first whatever would start something again.
func daemonNames() []string {
	return []string{
		"kubelet", "kube-controller-manager", "kube-scheduler", "kube-proxy", "forwarder", "kube-apiserver", "etcd",
		"containerd",
	}
}
