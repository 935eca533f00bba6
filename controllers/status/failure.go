package status

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/controllers/revision"
	"github.com/ctr-operator/ctr-operator/controllers/workload"
	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// Failure is why a revision's pods do not come up.
type Failure struct {
	// Reason is one of the closed list in api/v1alpha1.
	Reason string
	// What is wrong, and Advice, what to do about it where What does not say it. What has no full stop at its end.
	What   string
	Advice string
}

// OfTheCluster says whether it is room, quota or the image's way to a node that is missing, and not the revision that is
// bad: pods of it that are ready are as good as ever.
func (f Failure) OfTheCluster() bool {
	switch f.Reason {
	case v1alpha1.ReasonUnschedulable, v1alpha1.ReasonPodsNotCreated, v1alpha1.ReasonImagePullFailed, v1alpha1.ReasonEvicted:
		return true
	}
	return false
}

// Sentence is a failure by itself, where there is nothing to say about who serves.
func (f Failure) Sentence() string {
	return strings.TrimSpace(f.What + ". " + f.Advice)
}

// IsReady says whether a pod can be given requests: ready, and not on its way out.
func IsReady(pod *corev1.Pod) bool {
	if pod.DeletionTimestamp != nil {
		return false
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// Reachable is how long a pod has to be ready before it is counted on: its Service leads to it only after the
// EndpointSlice has been written and each node's proxy, which does so at most once a second, has taken it up.
const Reachable = 2 * time.Second

// CountsIn says whether a pod is ready, and how long it takes until it is to be counted on; 0: it is.
func CountsIn(pod *corev1.Pod, now time.Time) (left time.Duration, ready bool) {
	if !IsReady(pod) {
		return 0, false
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			left = c.LastTransitionTime.Add(Reachable).Sub(now)
		}
	}
	// A node whose clock is ahead of ours must not make us wait for that.
	if left > Reachable {
		left = 0
	}
	return max(left, 0), true
}

// Diagnose says why a revision has fewer ready pods than its Deployment asks for, or cannot replace those that it has, or
// nil where all is well or where time will tell. Of several reasons it gives the most telling one.
func Diagnose(rev revision.Revision, deployment *appsv1.Deployment, pods []corev1.Pod) *Failure {
	ready := int32(0)
	var worst *Failure
	for i := range pods {
		if IsReady(&pods[i]) {
			ready++
			continue
		}
		if f := podFailure(rev, &pods[i]); f != nil && (worst == nil || moreTelling(*f, *worst)) {
			worst = f
		}
	}
	if deployment == nil {
		return nil
	}
	if ready >= deref(deployment.Spec.Replicas, 1) {
		if deployment.Status.UnavailableReplicas == 0 {
			return nil // What fails is nobody's any more.
		}
		return worst
	}
	if worst == nil {
		worst = deploymentFailure(deployment)
	}
	return worst
}

// telling orders the reasons that are not the pod's own: its own words say most, what keeps it from existing least.
var telling = []string{
	v1alpha1.ReasonSecretNotFound,
	v1alpha1.ReasonSecretKeyMissing,
	v1alpha1.ReasonImagePullFailed,
	v1alpha1.ReasonContainerStartFailed,
	v1alpha1.ReasonOutOfMemory,
	v1alpha1.ReasonCrashLooping,
	v1alpha1.ReasonEvicted,
	v1alpha1.ReasonUnschedulable,
	v1alpha1.ReasonPodsNotCreated,
}

// moreTelling is a total order, so that the same pods always give the same answer.
func moreTelling(a, b Failure) bool {
	return cmp.Or(
		cmp.Compare(slices.Index(telling, a.Reason), slices.Index(telling, b.Reason)),
		cmp.Compare(a.Reason, b.Reason),
		cmp.Compare(a.What, b.What),
	) < 0
}

func podFailure(rev revision.Revision, pod *corev1.Pod) *Failure {
	switch {
	case pod.DeletionTimestamp != nil:
		return nil
	case pod.Status.Phase == corev1.PodFailed && pod.Status.Reason == "Evicted":
		return &Failure{
			Reason: v1alpha1.ReasonEvicted,
			What:   "a node evicted the pod: " + clean(pod.Status.Message),
			Advice: "Give it more room in resources or in server.maxArtifactSize, or the node less to do.",
		}
	}
	for i := range pod.Status.ContainerStatuses {
		if c := &pod.Status.ContainerStatuses[i]; c.Name == workload.Container {
			return containerFailure(rev, c)
		}
	}
	return schedulingFailure(pod)
}

func containerFailure(rev revision.Revision, c *corev1.ContainerStatus) *Failure {
	if w := c.State.Waiting; w != nil && w.Reason != "CrashLoopBackOff" {
		if f := waitingFailure(rev, w); f != nil {
			return f
		}
	}
	if c.State.Running != nil && deref(c.Started, false) {
		return nil // It has started: what ended the one before it is history.
	}
	ended := c.State.Terminated
	if ended == nil {
		ended = c.LastTerminationState.Terminated
	}
	if ended == nil {
		return nil
	}
	return terminationFailure(rev, ended, c.RestartCount)
}

func waitingFailure(rev revision.Revision, w *corev1.ContainerStateWaiting) *Failure {
	switch w.Reason {
	case "CreateContainerConfigError":
		return configFailure(rev, clean(w.Message))
	case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError",
		"RegistryUnavailable", "SignatureValidationFailed":
		// The kubelet says the same in two ways, in turns; what comes after this is common to both.
		text := clean(w.Message)
		if _, after, ok := strings.Cut(text, "ErrImagePull: "); ok {
			text = after
		}
		return &Failure{
			Reason: v1alpha1.ReasonImagePullFailed,
			What:   fmt.Sprintf("a node cannot pull the image %s (%s)", clean(rev.Image.Ref), text),
			Advice: "Make the image available to the nodes, or set podTemplate.imagePullSecrets.",
		}
	case "CreateContainerError", "RunContainerError", "StartError":
		return &Failure{
			Reason: v1alpha1.ReasonContainerStartFailed,
			What:   "a node cannot start the container: " + clean(w.Message),
			Advice: "See the pod's events with kubectl describe pod.",
		}
	}
	return nil
}

// configFailure is about the only configuration that a container gets from elsewhere: the Secret.
func configFailure(rev revision.Revision, text string) *Failure {
	secret := ""
	if rev.User.Artifact != nil && rev.User.Artifact.SecretRef != nil {
		secret = rev.User.Artifact.SecretRef.Name
	}
	keys := contract.EnvAccessKeyID + " and " + contract.EnvSecretAccessKey
	switch {
	case secret != "" && strings.Contains(text, "couldn't find key"):
		return &Failure{
			Reason: v1alpha1.ReasonSecretKeyMissing,
			What:   fmt.Sprintf("the Secret %q of artifact.secretRef lacks a key (%s)", secret, text),
			Advice: "It must have " + keys + "; the pods start by themselves once it has.",
		}
	case secret != "" && strings.Contains(text, "not found"):
		return &Failure{
			Reason: v1alpha1.ReasonSecretNotFound,
			What:   fmt.Sprintf("the Secret %q of artifact.secretRef does not exist (%s)", secret, text),
			Advice: "Create it with the keys " + keys + "; the pods start by themselves once it exists.",
		}
	}
	return &Failure{
		Reason: v1alpha1.ReasonContainerStartFailed,
		What:   "a node cannot configure the container: " + text,
		Advice: "See the pod's events with kubectl describe pod.",
	}
}

func terminationFailure(rev revision.Revision, ended *corev1.ContainerStateTerminated, restarts int32) *Failure {
	if f := lastWords(rev, ended.Message); f != nil {
		return f
	}
	if ended.Reason == "OOMKilled" {
		return &Failure{
			Reason: v1alpha1.ReasonOutOfMemory,
			What:   "the container needed more memory than its limit and was killed",
			Advice: "Raise resources.limits.memory.",
		}
	}
	// One crash may be an accident, and the kubelet restarts at once.
	const accidents = 1
	if restarts <= accidents {
		return nil
	}
	what := fmt.Sprintf("the container keeps ending with exit code %d", ended.ExitCode)
	if line := lastLine(ended.Message); line != "" {
		what += ": " + line
	}
	return &Failure{
		Reason: v1alpha1.ReasonCrashLooping,
		What:   what,
		Advice: "See kubectl logs --previous, or set artifactURL back.",
	}
}

// lastWords reads the line that the model server leaves when it cannot serve.
func lastWords(rev revision.Revision, message string) *Failure {
	var t contract.Termination
	if err := json.Unmarshal([]byte(message), &t); err != nil || !slices.Contains(podReasons, t.Reason) {
		return nil
	}
	f := &Failure{Reason: string(t.Reason), What: strings.TrimRight(clean(t.Message), ". ")}
	if f.What == "" {
		f.What = "the model server gave no details"
	}
	switch {
	case t.Reason == contract.ReasonGoldenMismatch && t.Expected != nil && t.Got != nil:
		f.What = fmt.Sprintf("golden example %d expected ctr_score %s, got %s (%s)",
			t.Example, number(*t.Expected), number(*t.Got), shortURL(rev.User.ArtifactURL))
		f.Advice = "Fix the artifact or set artifactURL back."
	case !strings.Contains(f.What, ". ") && !strings.Contains(f.What, "; "):
		f.Advice = "Fix the artifact or set artifactURL back."
	}
	return f
}

// podReasons is contract's closed list. What is not on it is not from a model server that the operator knows.
var podReasons = []contract.Reason{
	contract.ReasonConfigInvalid,
	contract.ReasonArtifactNotFound,
	contract.ReasonArtifactForbidden,
	contract.ReasonArtifactUnreachable,
	contract.ReasonArtifactTooLarge,
	contract.ReasonArtifactTruncated,
	contract.ReasonDigestMismatch,
	contract.ReasonArtifactMalformed,
	contract.ReasonArtifactUnsafe,
	contract.ReasonUnsupportedModel,
	contract.ReasonGoldenInvalid,
	contract.ReasonGoldenMismatch,
	contract.ReasonStartupTimeout,
	contract.ReasonInternal,
}

func schedulingFailure(pod *corev1.Pod) *Failure {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return &Failure{
				Reason: v1alpha1.ReasonUnschedulable,
				What:   "no node can take the pod: " + strings.TrimRight(clean(c.Message), ". "),
				Advice: "Lower resources, change podTemplate, or add nodes.",
			}
		}
	}
	return nil
}

func deploymentFailure(d *appsv1.Deployment) *Failure {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			return &Failure{
				Reason: v1alpha1.ReasonPodsNotCreated,
				What:   "the cluster refuses to create the pods: " + strings.TrimRight(clean(c.Message), ". "),
				Advice: "Change what it objects to; it is tried again by itself.",
			}
		}
	}
	return nil
}

// Rejected is the failure of a revision with an object that the apiserver refused.
func Rejected(err error) *Failure {
	return &Failure{
		Reason: v1alpha1.ReasonRejected,
		What:   "the apiserver refused an object: " + strings.TrimRight(clean(err.Error()), ". "),
		Advice: "Change the spec, or what it objects to; it is tried again by itself.",
	}
}

func number(f float64) string {
	return strconv.FormatFloat(f, 'g', 6, 64)
}

func deref[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}
