package harness

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// stream is `kubectl exec -i`: it runs a command in the pod's first container until the command, or ctx, ends.
func (h *Harness) stream(ctx context.Context, pod client.ObjectKey, stdin io.Reader, stdout io.Writer, argv ...string) error {
	request := h.Clientset.CoreV1().RESTClient().Post().
		Resource("pods").Namespace(pod.Namespace).Name(pod.Name).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{
			Command: argv, Stdin: stdin != nil, Stdout: true, Stderr: true,
		}, scheme.ParameterCodec)
	websocket, err := remotecommand.NewWebSocketExecutor(h.Config, "GET", request.URL().String())
	if err != nil {
		return fmt.Errorf("exec in %s: %w", pod, err)
	}
	var stderr bytes.Buffer
	err = websocket.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: stdin, Stdout: stdout, Stderr: &stderr})
	if err != nil {
		return fmt.Errorf("%s in pod %s: %w: %s", strings.Join(argv, " "), pod, err, strings.TrimSpace(stderr.String()))
	}
	return nil
}

// Exec runs a command in a pod and returns what it printed.
func (h *Harness) Exec(ctx context.Context, pod client.ObjectKey, stdin io.Reader, argv ...string) (string, error) {
	var stdout bytes.Buffer
	err := h.stream(ctx, pod, stdin, &stdout, argv...)
	return stdout.String(), err
}
