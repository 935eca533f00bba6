package ctrmodel

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/controllers/revision"
	"github.com/ctr-operator/ctr-operator/controllers/status"
)

// situation is what the status is about.
func (p *pass) situation() status.Situation {
	return status.Situation{
		Generation:    p.model.Generation,
		Plan:          p.plan,
		Seen:          p.seen,
		Decision:      p.decision,
		Spreading:     p.spreading > 0,
		Failure:       p.failures[p.target.Name],
		StableFailure: p.failures[p.decision.Stable.Name],
	}
}

// writeStatus is the one place where a pass makes its decision a fact.
func (p *pass) writeStatus(ctx context.Context) error {
	status.Fill(&p.model.Status, p.owner, p.target.Number, p.situation())
	return p.patchStatus(ctx)
}

func (p *pass) patchStatus(ctx context.Context) error {
	if equality.Semantic.DeepEqual(p.before, p.model.Status) {
		return nil
	}
	old := p.model.DeepCopy()
	old.Status = p.before
	patch := client.MergeFromWithOptions(old, client.MergeFromWithOptimisticLock{})
	err := p.Client.Status().Patch(ctx, p.model.DeepCopy(), patch, client.FieldOwner(v1alpha1.FieldOwner))
	if err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	return nil
}

// report says in the status what is in the way of making the model's objects.
func (p *pass) report(ctx context.Context, reason, message string) error {
	p.model.Status.ObservedGeneration = p.model.Generation
	status.MarkBlocked(&p.model.Status.Conditions, p.model.Generation, reason, message)
	if err := p.patchStatus(ctx); err != nil {
		return err
	}
	p.announceBlock(reason, message)
	return nil
}

// await says in the status what has to go before the model's objects can be made.
func (p *pass) await(ctx context.Context, message string) error {
	p.model.Status.ObservedGeneration = p.model.Generation
	status.MarkWaiting(&p.model.Status.Conditions, p.model.Generation, message)
	return p.patchStatus(ctx)
}

// cleanUp deletes what is not needed any more: retired revisions' objects, budgets of single pods, old history.
func (p *pass) cleanUp(ctx context.Context) error {
	running, several := map[string]bool{p.model.Name: true}, map[string]bool{}
	for _, w := range p.decision.Workloads {
		running[w.Name] = true
		several[w.Name] = w.Replicas > 1
	}
	var extra []client.Object
	extra = append(extra, others(p.have.deployments, running)...)
	extra = append(extra, others(p.have.services, running)...)
	extra = append(extra, others(p.have.budgets, several)...)
	for _, rev := range revision.Expired(p.known, p.inUse()...) {
		if cr := p.have.stored[rev.Name]; cr != nil {
			extra = append(extra, cr)
		}
	}
	for _, object := range extra {
		if err := p.delete(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

// inUse are the revisions that have pods, had them until now, or are what the spec describes.
func (p *pass) inUse() []string {
	names := []string{p.target.Name}
	for name := range p.have.deployments {
		names = append(names, name)
	}
	for _, w := range p.decision.Workloads {
		names = append(names, w.Name)
	}
	return names
}

// delete takes down an object of the model, the very one that was seen.
func (p *pass) delete(ctx context.Context, object client.Object) error {
	if !metav1.IsControlledBy(object, p.model) || object.GetDeletionTimestamp() != nil {
		return nil
	}
	err := p.Client.Delete(ctx, object,
		client.PropagationPolicy(metav1.DeletePropagationBackground),
		client.Preconditions{UID: new(object.GetUID())})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting %T %s: %w", object, object.GetName(), err)
	}
	return nil
}

// others are the objects that are not to be kept.
func others[T client.Object](have map[string]T, keep map[string]bool) []client.Object {
	var out []client.Object
	for name, object := range have {
		if !keep[name] {
			out = append(out, object)
		}
	}
	return out
}

// touchPatch sets a pod's traffic annotation, if it still is the same pod.
func touchPatch(pod *corev1.Pod, hash string) client.Patch {
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid":         pod.UID,
		"annotations": map[string]string{v1alpha1.AnnotationTraffic: hash},
	}})
	if err != nil {
		panic(fmt.Sprintf("encoding strings: %v", err))
	}
	return client.RawPatch(types.MergePatchType, body)
}
