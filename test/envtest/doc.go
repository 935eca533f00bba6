// Package envtest holds the specs of the API and the operator against a real kube-apiserver and etcd. There is no
// kubelet and no controller manager: a simulated node makes pods of Deployments and says of them what a spec tells it to.
package envtest
