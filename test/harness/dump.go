package harness

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	servingv1alpha1 "github.com/ctr-operator/ctr-operator/api/v1alpha1"
)

// Dump tells what a namespace looks like, for the message of a failure: the models' status, the pods with their last
// words and logs, the events, and the operator's last log lines. What cannot be read is said in its place.
func (h *Harness) Dump(ctx context.Context, namespace string) string {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var b bytes.Buffer
	fmt.Fprintf(&b, "---- namespace %s ----\n", namespace)
	models := &servingv1alpha1.CTRModelList{}
	if err := h.Client.List(ctx, models, client.InNamespace(namespace)); err != nil {
		fmt.Fprintln(&b, "models:", err)
	}
	for _, m := range models.Items {
		status, _ := yaml.Marshal(m.Status)
		spec, _ := yaml.Marshal(m.Spec)
		fmt.Fprintf(&b, "CTRModel %s, generation %d\nspec:\n%sstatus:\n%s", m.Name, m.Generation, indent(spec), indent(status))
	}
	h.dumpPods(ctx, &b, namespace, 25)
	h.dumpEvents(ctx, &b, namespace)
	if namespace != OperatorNamespace {
		h.dumpPods(ctx, &b, OperatorNamespace, 40)
	}
	return b.String()
}

func (h *Harness) dumpPods(ctx context.Context, b *bytes.Buffer, namespace string, lines int64) {
	pods := &corev1.PodList{}
	if err := h.Client.List(ctx, pods, client.InNamespace(namespace)); err != nil {
		fmt.Fprintln(b, "pods:", err)
	}
	for _, pod := range pods.Items {
		fmt.Fprintf(b, "pod %s/%s: %s, ready %v, deleting %v\n", namespace, pod.Name, pod.Status.Phase, PodReady(&pod),
			pod.DeletionTimestamp != nil)
		for _, c := range pod.Status.ContainerStatuses {
			state, _ := yaml.Marshal(map[string]any{"restarts": c.RestartCount, "state": c.State, "last": c.LastTerminationState})
			b.Write(indent(state))
		}
		log, err := h.Clientset.CoreV1().Pods(namespace).GetLogs(pod.Name, &corev1.PodLogOptions{TailLines: &lines}).DoRaw(ctx)
		if err != nil {
			fmt.Fprintf(b, "  log: %v\n", err)
			continue
		}
		b.Write(indent(log))
	}
}

func (h *Harness) dumpEvents(ctx context.Context, b *bytes.Buffer, namespace string) {
	events := &corev1.EventList{}
	if err := h.Client.List(ctx, events, client.InNamespace(namespace)); err != nil {
		fmt.Fprintln(b, "events:", err)
	}
	slices.SortFunc(events.Items, func(x, y corev1.Event) int { return eventTime(x).Compare(eventTime(y)) })
	for _, e := range events.Items {
		fmt.Fprintf(b, "event %s %s %s/%s: %s\n", eventTime(e).Format("15:04:05"), e.Reason, e.InvolvedObject.Kind,
			e.InvolvedObject.Name, e.Message)
	}
}

// eventTime copes with events of both APIs.
func eventTime(e corev1.Event) time.Time {
	for _, t := range []time.Time{e.LastTimestamp.Time, e.EventTime.Time, e.CreationTimestamp.Time} {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

func indent(text []byte) []byte {
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		b.WriteString("  " + strings.TrimRight(line, "\n") + "\n")
	}
	return []byte(b.String())
}
