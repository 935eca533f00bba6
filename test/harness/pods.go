package harness

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	servingv1alpha1 "github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// Pods lists pods that are not being deleted, the oldest first.
func (h *Harness) Pods(ctx context.Context, namespace string, labels client.MatchingLabels) ([]corev1.Pod, error) {
	list := &corev1.PodList{}
	if err := h.Client.List(ctx, list, client.InNamespace(namespace), labels); err != nil {
		return nil, err
	}
	pods := slices.DeleteFunc(list.Items, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil })
	slices.SortFunc(pods, func(a, b corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	return pods, nil
}

// RevisionPods lists the pods of a revision.
func (h *Harness) RevisionPods(ctx context.Context, namespace, revision string) ([]corev1.Pod, error) {
	pods, err := h.Pods(ctx, namespace, client.MatchingLabels{servingv1alpha1.LabelRevision: revision})
	if err == nil && len(pods) == 0 {
		err = fmt.Errorf("revision %s/%s has no pods", namespace, revision)
	}
	return pods, err
}

// WaitOnlyLivePods waits until all pods of a model belong to a revision that the model's status lists, and none is on its
// way out.
func (h *Harness) WaitOnlyLivePods(ctx context.Context, model client.ObjectKey) error {
	for {
		extra, err := h.extraPods(ctx, model)
		if err != nil || len(extra) == 0 {
			return err
		}
		for _, pod := range extra {
			if err := h.WaitGone(ctx, client.ObjectKeyFromObject(&pod), &corev1.PodList{}); err != nil {
				return err
			}
		}
	}
}

// extraPods are the pods of a model that are on their way out, or should be.
func (h *Harness) extraPods(ctx context.Context, model client.ObjectKey) ([]corev1.Pod, error) {
	m, err := h.Model(ctx, model)
	if err != nil {
		return nil, err
	}
	pods := &corev1.PodList{}
	labels := client.MatchingLabels{servingv1alpha1.LabelModel: model.Name}
	if err := h.Client.List(ctx, pods, client.InNamespace(model.Namespace), labels); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(pods.Items, func(p corev1.Pod) bool {
		live := slices.ContainsFunc(m.Status.Traffic, func(t servingv1alpha1.RevisionTraffic) bool {
			return t.Revision == p.Labels[servingv1alpha1.LabelRevision]
		})
		return live && p.DeletionTimestamp == nil
	}), nil
}

// PodReady says whether Kubernetes would send the pod requests.
func PodReady(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// Evict asks for a pod's eviction, as `kubectl drain` does; a PodDisruptionBudget may refuse it for now.
func (h *Harness) Evict(ctx context.Context, pod *corev1.Pod) error {
	return h.Clientset.PolicyV1().Evictions(pod.Namespace).Evict(ctx, &policyv1.Eviction{
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name},
	})
}

// Signal sends a signal to the first process of the pod's container, from the node: unlike a kill inside of the
// container it can be SIGKILL or SIGSTOP.
func (h *Harness) Signal(ctx context.Context, pod *corev1.Pod, signal string) error {
	if len(pod.Status.ContainerStatuses) == 0 || pod.Status.ContainerStatuses[0].ContainerID == "" {
		return fmt.Errorf("pod %s/%s has no container", pod.Namespace, pod.Name)
	}
	_, id, _ := strings.Cut(pod.Status.ContainerStatuses[0].ContainerID, "://")
	return h.run(ctx, h.out, "go", "run", "./hack/cluster", "kill", "--signal", signal, id)
}

// WaitRestarts waits until a pod's container has been restarted so many times, and is ready.
func (h *Harness) WaitRestarts(ctx context.Context, pod *corev1.Pod, restarts int32) error {
	return WaitFor(ctx, h, client.ObjectKeyFromObject(pod), &corev1.PodList{}, "to be restarted and ready", func(p *corev1.Pod) string {
		if len(p.Status.ContainerStatuses) == 1 && p.Status.ContainerStatuses[0].RestartCount >= restarts && PodReady(p) {
			return ""
		}
		return fmt.Sprintf("wanted are %d restarts and readiness; the containers are %+v", restarts, p.Status.ContainerStatuses)
	})
}

// Metrics reads a runtime pod's metrics through the apiserver's proxy.
func (h *Harness) Metrics(ctx context.Context, pod *corev1.Pod) (Metrics, error) {
	text, err := h.Clientset.CoreV1().RESTClient().Get().Namespace(pod.Namespace).Resource("pods").
		Name(fmt.Sprintf("%s:%d", pod.Name, contract.PortOperations)).SubResource("proxy").Suffix(contract.PathMetrics).DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("the metrics of pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	return ParseMetrics(text)
}
