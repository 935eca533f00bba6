package envtest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/controllers/workload"
	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// outcome is what becomes of a pod.
type outcome func(*corev1.PodStatus)

// node plays the Deployment controller and the kubelet for one namespace: it makes pods of Deployments, takes surplus
// ones away, and gives each the status that the spec has chosen for its artifact.
type node struct {
	namespace string
	mu        sync.Mutex
	outcomes  map[string]outcome // by artifact URL
	limits    map[string]int32   // how many pods of an artifact come up; absent: all
	changes   int                // how much it has written
}

func newNode(namespace string) *node {
	return &node{namespace: namespace, outcomes: map[string]outcome{}, limits: map[string]int32{}}
}

// startNode runs a node until the spec ends. Pods are ready unless something else is said.
func startNode(namespace string) *node {
	n := newNode(namespace)
	// A node's own context ends earlier: with the BeforeEach in which it is started.
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer GinkgoRecover()
		defer close(done)
		n.run(ctx)
	}()
	DeferCleanup(func() {
		cancel()
		<-done
	})
	return n
}

// set says what becomes of the pods of an artifact, of those that are there too.
func (n *node) set(artifactURL string, o outcome) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.outcomes[artifactURL] = o
}

// limit says how many pods of an artifact become ready; the rest stay pending.
func (n *node) limit(artifactURL string, pods int32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.limits[artifactURL] = pods
}

func (n *node) run(ctx context.Context) {
	const period = 5 * time.Millisecond
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := n.sync(ctx); err != nil && ctx.Err() == nil && !passing(err) {
				Expect(err).NotTo(HaveOccurred(), "the simulated node")
			}
		}
	}
}

func passing(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsNotFound(err) || apierrors.IsAlreadyExists(err)
}

func (n *node) sync(ctx context.Context) error {
	var deployments appsv1.DeploymentList
	var pods corev1.PodList
	for _, list := range []client.ObjectList{&deployments, &pods} {
		if err := direct.List(ctx, list, client.InNamespace(n.namespace)); err != nil {
			return err
		}
	}
	wanted := map[string]*corev1.Pod{}
	for i := range deployments.Items {
		d := &deployments.Items[i]
		for j := range *d.Spec.Replicas {
			pod := podOf(d, j)
			wanted[pod.Name] = pod
		}
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		if wanted[pod.Name] == nil {
			n.changes++
			if err := direct.Delete(ctx, pod, client.GracePeriodSeconds(0)); err != nil {
				return err
			}
			continue
		}
		delete(wanted, pod.Name)
		if err := n.report(ctx, pod); err != nil {
			return err
		}
	}
	for _, pod := range wanted {
		n.changes++
		if err := direct.Create(ctx, pod); err != nil {
			return err
		}
	}
	return nil
}

// podOf is the i-th pod of a Deployment.
func podOf(d *appsv1.Deployment, i int32) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: *d.Spec.Template.ObjectMeta.DeepCopy(),
		Spec:       *d.Spec.Template.Spec.DeepCopy(),
	}
	pod.Name, pod.Namespace = fmt.Sprintf("%s-%d", d.Name, i), d.Namespace
	return pod
}

func (n *node) report(ctx context.Context, pod *corev1.Pod) error {
	status := n.statusOf(pod)
	if equality.Semantic.DeepEqual(status, pod.Status) {
		return nil
	}
	n.changes++
	pod.Status = status
	return direct.Status().Update(ctx, pod)
}

func (n *node) statusOf(pod *corev1.Pod) corev1.PodStatus {
	n.mu.Lock()
	defer n.mu.Unlock()
	url := artifactOf(pod)
	status := *pod.Status.DeepCopy()
	o, limited := n.outcomes[url], false
	if most, ok := n.limits[url]; ok {
		var i int32
		_, err := fmt.Sscan(pod.Name[strings.LastIndex(pod.Name, "-")+1:], &i)
		limited = err == nil && i >= most
	}
	switch {
	case limited:
		pending(&status)
	case o != nil:
		o(&status)
	default:
		ready(&status)
	}
	return status
}

func artifactOf(pod *corev1.Pod) string {
	for _, arg := range pod.Spec.Containers[0].Args {
		if url, ok := strings.CutPrefix(arg, "--artifact-url="); ok {
			return url
		}
	}
	return ""
}

func ready(s *corev1.PodStatus) {
	setReady(s, corev1.ConditionTrue, corev1.ContainerStatus{Started: new(true)})
}
func pending(s *corev1.PodStatus) { setReady(s, corev1.ConditionFalse, corev1.ContainerStatus{}) }

// terminated is a container that ended before it was ready and left a message.
func terminated(t contract.Termination) outcome {
	message, err := json.Marshal(t)
	if err != nil {
		panic(err)
	}
	return ended(corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", Message: string(message)}, 1)
}

func ended(t corev1.ContainerStateTerminated, restarts int32) outcome {
	return func(s *corev1.PodStatus) {
		setReady(s, corev1.ConditionFalse, corev1.ContainerStatus{
			RestartCount: restarts,
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
				Reason: "CrashLoopBackOff", Message: "back-off 10s restarting failed container",
			}},
			LastTerminationState: corev1.ContainerState{Terminated: &t},
		})
	}
}

func waiting(reason, message string) outcome {
	return func(s *corev1.PodStatus) {
		setReady(s, corev1.ConditionFalse, corev1.ContainerStatus{
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}},
		})
	}
}

func unschedulable(message string) outcome {
	return func(s *corev1.PodStatus) {
		s.Phase = corev1.PodPending
		s.ContainerStatuses = nil
		s.Conditions = []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: message,
		}}
	}
}

func setReady(s *corev1.PodStatus, ready corev1.ConditionStatus, c corev1.ContainerStatus) {
	c.Name, c.Image, c.Ready = workload.Container, "runtime", ready == corev1.ConditionTrue
	if c.State == (corev1.ContainerState{}) {
		c.State.Running = &corev1.ContainerStateRunning{}
	}
	s.Phase = corev1.PodRunning
	s.Conditions = []corev1.PodCondition{
		{Type: corev1.PodScheduled, Status: corev1.ConditionTrue},
		{Type: corev1.PodReady, Status: ready},
	}
	s.ContainerStatuses = []corev1.ContainerStatus{c}
}

// touches are the traffic annotations of a revision's pods.
func touches(ctx context.Context, namespace, revision string) []string {
	GinkgoHelper()
	var pods corev1.PodList
	Expect(direct.List(ctx, &pods, client.InNamespace(namespace),
		client.MatchingLabels{v1alpha1.LabelRevision: revision})).To(Succeed())
	var out []string
	for _, pod := range pods.Items {
		out = append(out, pod.Annotations[v1alpha1.AnnotationTraffic])
	}
	return out
}
