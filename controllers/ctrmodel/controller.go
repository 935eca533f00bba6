// Package ctrmodel reconciles CTRModels: it observes, asks the pure packages beside it what to do, does it, and says so.
// All reading and writing of the cluster is here. A pass is a list of phases; the status is written once, near its end,
// and events come after that.
package ctrmodel

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/controllers/revision"
	"github.com/ctr-operator/ctr-operator/controllers/status"
	"github.com/ctr-operator/ctr-operator/controllers/workload"
)

const (
	// conflictRetry is how often a name that somebody else has is tried again: there is no watch on what is not ours.
	conflictRetry = 30 * time.Second
	// leftoverRetry is for objects of a deleted model; their deletion is watched, this is for the case that it was missed.
	leftoverRetry = 2 * time.Second
	// staleRetry is for what has changed since it was read; the change itself is an event, this is for the case that it
	// came before.
	staleRetry = 100 * time.Millisecond
	// firstRetry and lastRetry bound the growing time between attempts after an error. Nobody tells when a quota or a policy
	// that was in the way is gone.
	firstRetry = 5 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// Reconciler brings the cluster to what CTRModels ask for.
type Reconciler struct {
	// Client reads from caches and writes.
	Client client.Client
	// Live reads from the apiserver. The model itself is read with it: its status says which revision is stable, and an
	// old status would undo a promotion.
	Live    client.Reader
	Events  events.EventRecorder
	Metrics *Metrics
	// Image is what new revisions run.
	Image revision.Image
	Now   func() time.Time
	// Spread is how long a changed traffic table takes to be in force in all pods.
	Spread time.Duration
	// Workers is how many models are reconciled at the same time.
	Workers int
}

// SetupWithManager makes the manager call the reconciler when a model, something made for one, or one of its pods changes.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("ctrmodel").
		For(&v1alpha1.CTRModel{}, builder.WithPredicates(predicate.Funcs{UpdateFunc: worthALook})).
		Owns(&appsv1.ControllerRevision{}).
		Owns(&appsv1.Deployment{}).
		Owns(&corev1.Service{}).
		Owns(&corev1.ConfigMap{}).
		Owns(&policyv1.PodDisruptionBudget{}).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(modelOfPod)).
		WithOptions(controller.Options{MaxConcurrentReconciles: r.Workers, RateLimiter: retries()}).
		Complete(r)
}

// worthALook says whether an update can call for something to be done. One that only words a condition differently cannot;
// it is our own, and looking again would never end where the apiserver refuses an object in other words each time.
func worthALook(e event.UpdateEvent) bool {
	before, okBefore := e.ObjectOld.(*v1alpha1.CTRModel)
	after, okAfter := e.ObjectNew.(*v1alpha1.CTRModel)
	if !okBefore || !okAfter || before.ResourceVersion == after.ResourceVersion {
		return true
	}
	return !equality.Semantic.DeepEqual(wordless(before), wordless(after))
}

// wordless is a model without what may differ between two versions that ask for the same.
func wordless(model *v1alpha1.CTRModel) *v1alpha1.CTRModel {
	out := model.DeepCopy()
	out.ResourceVersion, out.ManagedFields = "", nil
	for i := range out.Status.Conditions {
		out.Status.Conditions[i].Message = ""
	}
	return out
}

func retries() workqueue.TypedRateLimiter[reconcile.Request] {
	return workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry)
}

func modelOfPod(_ context.Context, pod client.Object) []reconcile.Request {
	return []reconcile.Request{{NamespacedName: types.NamespacedName{
		Namespace: pod.GetNamespace(), Name: pod.GetLabels()[v1alpha1.LabelModel],
	}}}
}

// Reconcile is one pass over one model.
func (r *Reconciler) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	model := &v1alpha1.CTRModel{}
	if err := r.Live.Get(ctx, req.NamespacedName, model); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if model.DeletionTimestamp != nil {
		return reconcile.Result{}, nil // The garbage collector takes down what it owns.
	}
	p := r.newPass(model)
	for _, phase := range []func(context.Context) error{
		p.observe,
		p.resolveTarget,
		p.storeRevisions,
		p.decide,
		p.applyRevisionServices,
		p.publishTable,      // Promotion: first the table, so that whoever is asked knows the answer;
		p.applyModelService, // then the Service, so that the new pods are asked;
		p.applyWorkloads,    // pods go only after their traffic has;
		p.writeStatus,       // and only now it is a fact.
		p.announce,
		p.cleanUp,
	} {
		if err := phase(ctx); err != nil {
			return p.conclude(ctx, err)
		}
	}
	if p.refused != nil {
		return reconcile.Result{}, p.refused
	}
	return reconcile.Result{RequeueAfter: p.wakeUp()}, nil
}

// wakeUp is when to come back if nothing happens before; 0: not at all.
func (p *pass) wakeUp() time.Duration {
	if p.spreading > 0 && (p.decision.WakeUp == 0 || p.spreading < p.decision.WakeUp) {
		return p.spreading
	}
	return p.decision.WakeUp
}

func (r *Reconciler) newPass(model *v1alpha1.CTRModel) *pass {
	return &pass{
		Reconciler: r,
		model:      model,
		owner:      workload.Model{Name: model.Name, Namespace: model.Namespace, UID: model.UID},
		applier:    applier{client: r.Client, live: r.Live, owner: model},
		before:     *model.Status.DeepCopy(),
		now:        r.Now(),
	}
}

// conclude decides, in one place, what an error means for the model and when to come back.
func (p *pass) conclude(ctx context.Context, err error) (reconcile.Result, error) {
	var conflict *conflictError
	var leftover *leftoverError
	switch {
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return reconcile.Result{}, nil // The model is about to go, too.
	case errors.As(err, &leftover):
		message := leftover.Error() + "; it is waited for. Where it stays, see its finalizers."
		if err := p.await(ctx, message); err != nil {
			return reconcile.Result{}, err
		}
		return reconcile.Result{RequeueAfter: leftoverRetry}, nil
	case apierrors.IsConflict(err):
		return reconcile.Result{RequeueAfter: staleRetry}, nil
	case errors.As(err, &conflict):
		message := conflict.Error() + ". Delete or rename it, or give the model another name."
		if err := p.report(ctx, v1alpha1.ReasonNameConflict, message); err != nil {
			return reconcile.Result{}, err
		}
		return reconcile.Result{RequeueAfter: conflictRetry}, nil
	case refusal(err):
		message := status.Rejected(err).Sentence()
		return reconcile.Result{}, errors.Join(err, p.report(ctx, v1alpha1.ReasonRejected, message))
	}
	return reconcile.Result{}, fmt.Errorf("model %s/%s: %w", p.model.Namespace, p.model.Name, err)
}
