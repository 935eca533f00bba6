// Package workload builds the objects that run one revision: its Deployment, its Service and its PodDisruptionBudget, and
// its ControllerRevision, as apply configurations. It does no I/O.
//
// What a Deployment's pod template holds is decided by the revision's snapshot alone. A change of this code changes every
// running model's pods when the operator is upgraded; the golden file in testdata makes that visible.
package workload

import (
	"maps"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsac "k8s.io/client-go/applyconfigurations/apps/v1"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"
	metaac "k8s.io/client-go/applyconfigurations/meta/v1"
	policyac "k8s.io/client-go/applyconfigurations/policy/v1"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/controllers/revision"
	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// Model is the owner of what is built.
type Model struct {
	Name, Namespace string
	UID             types.UID
}

// Labels of all objects of a model.
func (m Model) Labels() map[string]string {
	return map[string]string{
		v1alpha1.LabelName:      v1alpha1.RuntimeName,
		v1alpha1.LabelInstance:  m.Name,
		v1alpha1.LabelManagedBy: v1alpha1.FieldOwner,
		v1alpha1.LabelModel:     m.Name,
	}
}

// RevisionLabels of the objects of one revision.
func (m Model) RevisionLabels(revision string) map[string]string {
	labels := m.Labels()
	labels[v1alpha1.LabelRevision] = revision
	return labels
}

// Selector finds a revision's pods.
func (m Model) Selector(revision string) map[string]string {
	return map[string]string{v1alpha1.LabelModel: m.Name, v1alpha1.LabelRevision: revision}
}

// Owner makes the garbage collector take an object down with its model.
func (m Model) Owner() *metaac.OwnerReferenceApplyConfiguration {
	return metaac.OwnerReference().
		WithAPIVersion(v1alpha1.GroupVersion.String()).WithKind(v1alpha1.Kind).
		WithName(m.Name).WithUID(m.UID).
		WithController(true).WithBlockOwnerDeletion(true)
}

// ControllerRevision stores a revision.
func ControllerRevision(m Model, rev revision.Revision) (*appsac.ControllerRevisionApplyConfiguration, error) {
	data, err := rev.Encode()
	if err != nil {
		return nil, err
	}
	return appsac.ControllerRevision(rev.Name, m.Namespace).
		WithLabels(m.RevisionLabels(rev.Name)).
		WithOwnerReferences(m.Owner()).
		WithData(runtime.RawExtension{Raw: data}).
		WithRevision(rev.Number), nil
}

// RevisionService is the address under which one revision alone answers.
func RevisionService(m Model, name string) *coreac.ServiceApplyConfiguration {
	return service(m, name, name)
}

// ModelService is the address that users know. It selects the pods of one revision; those split the traffic.
func ModelService(m Model, entry string) *coreac.ServiceApplyConfiguration {
	return service(m, m.Name, entry)
}

func service(m Model, name, selects string) *coreac.ServiceApplyConfiguration {
	labels := m.Labels()
	if name == selects {
		labels = m.RevisionLabels(selects)
	}
	return coreac.Service(name, m.Namespace).
		WithLabels(labels).
		WithOwnerReferences(m.Owner()).
		WithSpec(coreac.ServiceSpec().
			WithType(corev1.ServiceTypeClusterIP).
			WithSelector(m.Selector(selects)).
			WithPorts(coreac.ServicePort().
				WithName(portName).
				WithProtocol(corev1.ProtocolTCP).
				WithPort(contract.PortREST).
				WithTargetPort(intstr.FromString(portName))))
}

// DisruptionBudget lets a node be drained one pod of a revision at a time.
func DisruptionBudget(m Model, name string) *policyac.PodDisruptionBudgetApplyConfiguration {
	return policyac.PodDisruptionBudget(name, m.Namespace).
		WithLabels(m.RevisionLabels(name)).
		WithOwnerReferences(m.Owner()).
		WithSpec(policyac.PodDisruptionBudgetSpec().
			WithMaxUnavailable(intstr.FromInt32(1)).
			WithSelector(metaac.LabelSelector().WithMatchLabels(m.Selector(name))))
}

// Scale is what a rollout decides about a revision's Deployment.
type Scale struct {
	Replicas int32
	// RetireAt is when the Deployment is to be taken down; zero: not.
	RetireAt time.Time
}

// MinReady is how long a new pod of a Deployment is ready before the one that it replaces is taken away. It is longer than
// it takes until a pod is counted on, so that a rolling change of a single pod never looks like a revision without pods,
// for which another would have to stand in.
const MinReady = 3 * time.Second

// Deployment runs a revision. The table's ConfigMap is mounted, but its content is no part of the template: a change of
// it restarts nothing.
func Deployment(m Model, rev revision.Revision, trafficConfigMap string, scale Scale,
) (*appsac.DeploymentApplyConfiguration, error) {
	snapshot, err := rev.Encode()
	if err != nil {
		return nil, err
	}
	annotations := map[string]string{v1alpha1.AnnotationSnapshot: string(snapshot)}
	if !scale.RetireAt.IsZero() {
		annotations[v1alpha1.AnnotationRetireAt] = scale.RetireAt.UTC().Format(time.RFC3339)
	}
	return appsac.Deployment(rev.Name, m.Namespace).
		WithLabels(m.RevisionLabels(rev.Name)).
		WithAnnotations(annotations).
		WithOwnerReferences(m.Owner()).
		WithSpec(appsac.DeploymentSpec().
			WithReplicas(scale.Replicas).
			WithPaused(false).
			WithMinReadySeconds(int32(MinReady.Seconds())).
			WithRevisionHistoryLimit(1).
			WithSelector(metaac.LabelSelector().WithMatchLabels(m.Selector(rev.Name))).
			WithStrategy(appsac.DeploymentStrategy().
				WithType(appsv1.RollingUpdateDeploymentStrategyType).
				WithRollingUpdate(appsac.RollingUpdateDeployment().
					WithMaxUnavailable(intstr.FromInt32(0)).
					WithMaxSurge(intstr.FromString("25%")))).
			WithTemplate(podTemplate(m, rev, trafficConfigMap))), nil
}

// RetireAt reads back when a Deployment is to be taken down. An annotation that somebody has garbled is none.
func RetireAt(d *appsv1.Deployment) time.Time {
	t, err := time.Parse(time.RFC3339, d.Annotations[v1alpha1.AnnotationRetireAt])
	if err != nil {
		return time.Time{}
	}
	return t
}

// merged is a map with the entries of all; where two have a key, the later wins.
func merged(all ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range all {
		maps.Copy(out, m)
	}
	return out
}
