package ctrmodel

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/controllers/revision"
	"github.com/ctr-operator/ctr-operator/controllers/rollout"
	"github.com/ctr-operator/ctr-operator/controllers/status"
	"github.com/ctr-operator/ctr-operator/controllers/traffic"
	"github.com/ctr-operator/ctr-operator/controllers/workload"
)

// pass is one reconciliation: what was read, what was decided. Each phase adds to it.
type pass struct {
	*Reconciler
	applier applier
	model   *v1alpha1.CTRModel
	owner   workload.Model
	before  v1alpha1.CTRModelStatus
	now     time.Time

	have     children
	known    []revision.Revision
	target   revision.Revision
	plan     rollout.Plan
	seen     rollout.Observed
	decision rollout.Decision
	// failures are why revisions do not come up, by name.
	failures  map[string]*status.Failure
	addresses traffic.Addresses
	// spreading is how long it takes until every pod has the traffic table; 0: they have it.
	spreading time.Duration
	// refused is an error of the apiserver about an object that the spec asks for: it is shown, and tried again.
	refused error
}

// resolveTarget finds the revision that the spec describes.
func (p *pass) resolveTarget(ctx context.Context) error {
	target, isNew := p.resolve()
	if !isNew {
		p.target = target
		return nil
	}
	// The cache may be behind: what was made a moment ago keeps the number that it got, and no other gets it.
	made, err := p.madeSince(ctx)
	if err != nil {
		return err
	}
	p.known = append(p.known, made...)
	if target, isNew = p.resolve(); isNew {
		p.known = append(p.known, target)
	}
	p.target = target
	return nil
}

func (p *pass) resolve() (target revision.Revision, isNew bool) {
	return revision.Resolve(p.model.Name, p.model.Spec, p.Image, p.known, p.model.Status.LatestRevision,
		nameOf(p.model.Status.StableRevision), nameOf(p.model.Status.CanaryRevision))
}

// madeSince are the model's stored revisions that the cache does not have: yet, or because their labels are gone.
func (p *pass) madeSince(ctx context.Context) ([]revision.Revision, error) {
	var stored appsv1.ControllerRevisionList
	if err := p.Live.List(ctx, &stored, client.InNamespace(p.model.Namespace)); err != nil {
		return nil, fmt.Errorf("looking for the newest revisions: %w", err)
	}
	var made []revision.Revision
	for i := range stored.Items {
		cr := &stored.Items[i]
		if _, known := p.revisionNamed(cr.Name); known || !metav1.IsControlledBy(cr, p.model) {
			continue
		}
		if rev, err := revision.FromControllerRevision(cr); err == nil {
			made = append(made, rev)
		}
	}
	return made, nil
}

// storeRevisions makes ControllerRevisions of the revisions that are in use, and puts right those that were changed.
func (p *pass) storeRevisions(ctx context.Context) error {
	for _, rev := range p.known {
		if rev.Name != p.target.Name && p.have.stored[rev.Name] == nil && p.have.deployments[rev.Name] == nil {
			continue
		}
		desired, err := workload.ControllerRevision(p.owner, rev)
		if err != nil {
			return err
		}
		if _, err := p.applier.apply(ctx, desired, p.have.stored[rev.Name]); err != nil {
			return err
		}
	}
	return nil
}

// decide asks what to do.
func (p *pass) decide(context.Context) error {
	p.failures = map[string]*status.Failure{}
	p.seen = rollout.Observed{Stable: p.stableName()}
	for _, rev := range p.known {
		d := p.have.deployments[rev.Name]
		seen := rollout.Revision{ID: rollout.ID{Name: rev.Name, Number: rev.Number}}
		seen.Ready, seen.NextReady = p.reachablePods(rev.Name)
		if d != nil {
			seen.Deployed, seen.Replicas, seen.RetireAt = true, *d.Spec.Replicas, workload.RetireAt(d)
		}
		if f := status.Diagnose(rev, d, p.have.pods[rev.Name]); f != nil {
			p.failures[rev.Name] = f
			seen.Failed = seen.Ready < seen.Replicas && !f.OfTheCluster()
		}
		p.seen.Revisions = append(p.seen.Revisions, seen)
	}
	p.plan = rollout.Plan{
		Target:   rollout.ID{Name: p.target.Name, Number: p.target.Number},
		Replicas: p.model.Spec.ReplicasOrDefault(),
		Weight:   p.model.Spec.CanaryWeightOrDefault(),
	}
	p.decision = rollout.Step(p.plan, p.seen, p.now)
	return nil
}

// stableName is the stable revision as the status remembers it. A status that was lost (a restored backup has none) is
// made up for by what the model's Service selects, if that is serving.
func (p *pass) stableName() string {
	if len(p.model.Status.Traffic) > 0 { // Not the generation: that is also noted where nothing could be decided.
		return nameOf(p.model.Status.StableRevision)
	}
	service := p.have.services[p.model.Name]
	if service == nil {
		return ""
	}
	name := service.Spec.Selector[v1alpha1.LabelRevision]
	for i := range p.have.pods[name] {
		if status.IsReady(&p.have.pods[name][i]) {
			return name
		}
	}
	return ""
}

// reachablePods counts the pods of a revision that can be given requests, and says when the next one will be.
func (p *pass) reachablePods(revision string) (count int32, next time.Duration) {
	for i := range p.have.pods[revision] {
		left, ready := status.CountsIn(&p.have.pods[revision][i], p.now)
		switch {
		case !ready:
		case left == 0:
			count++
		case next == 0 || left < next:
			next = left
		}
	}
	return count, next
}

// applyRevisionServices makes the addresses to which the table points. A revision that gets no traffic can do without:
// where a quota is full, the others are not to wait, nor is the one that is about to make room.
func (p *pass) applyRevisionServices(ctx context.Context) error {
	p.addresses = traffic.Addresses{}
	for _, w := range p.decision.Workloads {
		service, err := p.applier.apply(ctx, workload.RevisionService(p.owner, w.Name), p.have.services[w.Name])
		if refusal(err) && w.ID != p.decision.Stable && p.decision.WeightOf(w.ID) == 0 {
			p.refuse(w.Name, err)
			continue
		}
		if err != nil {
			return err
		}
		ip, _, err := unstructured.NestedString(service.Object, "spec", "clusterIP")
		if err != nil || ip == "" {
			return fmt.Errorf("service %s has no cluster IP yet", w.Name)
		}
		p.addresses[w.Name] = ip
	}
	return nil
}

// publishTable writes the traffic table and touches the pods, which makes their kubelets refresh it.
func (p *pass) publishTable(ctx context.Context) error {
	table := traffic.Table(p.model.Name, p.plan.Target, p.model.Spec.StickinessOrNone(), p.decision.Shares, p.addresses)
	live := p.have.configMaps[traffic.ConfigMapName(p.model.Name)]
	desired, published, err := traffic.ConfigMap(p.owner, table, live, p.now)
	if err != nil {
		return err
	}
	if _, err := p.applier.apply(ctx, desired, live); err != nil {
		return err
	}
	p.spreading = published.SpreadsFor(p.Spread, p.now)
	for _, pods := range p.have.pods {
		for i := range pods {
			if err := p.touch(ctx, &pods[i], published.Hash); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *pass) touch(ctx context.Context, pod *corev1.Pod, hash string) error {
	over := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	if over || pod.DeletionTimestamp != nil || pod.Annotations[v1alpha1.AnnotationTraffic] == hash {
		return nil
	}
	err := p.Client.Patch(ctx, pod.DeepCopy(), touchPatch(pod, hash), client.FieldOwner(v1alpha1.FieldOwner))
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil // It is gone, or there is another of its name, which will be seen and touched.
	}
	if err != nil {
		return fmt.Errorf("touching pod %s: %w", pod.Name, err)
	}
	return nil
}

// applyModelService points the address that users know to the revision that splits.
func (p *pass) applyModelService(ctx context.Context) error {
	_, err := p.applier.apply(ctx, workload.ModelService(p.owner, p.decision.Entry.Name), p.have.services[p.model.Name])
	return err
}

// applyWorkloads makes, scales and retires the Deployments, and the disruption budgets of those with several pods.
func (p *pass) applyWorkloads(ctx context.Context) error {
	for _, w := range p.decision.Workloads {
		if p.addresses[w.Name] == "" && p.have.deployments[w.Name] == nil {
			continue // Its Service was refused.
		}
		err := p.applyWorkload(ctx, w)
		if refusal(err) {
			p.refuse(w.Name, err)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// refuse notes that the apiserver has refused an object of a revision.
func (p *pass) refuse(revision string, err error) {
	p.failures[revision] = status.Rejected(err)
	p.refused = errors.Join(p.refused, err)
}

func (p *pass) applyWorkload(ctx context.Context, w rollout.Workload) error {
	rev, ok := p.revisionNamed(w.Name)
	if !ok {
		return fmt.Errorf("revision %s is not known any more", w.Name)
	}
	desired, err := workload.Deployment(p.owner, rev, traffic.ConfigMapName(p.model.Name),
		workload.Scale{Replicas: w.Replicas, RetireAt: w.RetireAt})
	if err != nil {
		return err
	}
	if _, err := p.applier.apply(ctx, desired, p.have.deployments[w.Name]); err != nil {
		return err
	}
	if w.Replicas > 1 {
		_, err = p.applier.apply(ctx, workload.DisruptionBudget(p.owner, w.Name), p.have.budgets[w.Name])
	}
	return err
}

// refusal says whether the apiserver will not have an object as the spec asks for it. A quota or an admission policy may
// be why, too.
func refusal(err error) bool {
	if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return false
	}
	return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsForbidden(err)
}

func (p *pass) revisionNamed(name string) (revision.Revision, bool) {
	for _, rev := range p.known {
		if rev.Name == name {
			return rev, true
		}
	}
	return revision.Revision{}, false
}

func nameOf(ref *v1alpha1.RevisionReference) string {
	if ref == nil {
		return ""
	}
	return ref.Name
}
