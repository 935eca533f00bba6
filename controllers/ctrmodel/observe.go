package ctrmodel

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/controllers/revision"
)

// children are a model's objects, by name, as the caches have them.
type children struct {
	stored      map[string]*appsv1.ControllerRevision
	deployments map[string]*appsv1.Deployment
	services    map[string]*corev1.Service
	configMaps  map[string]*corev1.ConfigMap
	budgets     map[string]*policyv1.PodDisruptionBudget
	// pods are by revision.
	pods map[string][]corev1.Pod
}

// observe reads what there is of the model.
func (p *pass) observe(ctx context.Context) error {
	var (
		stored      appsv1.ControllerRevisionList
		deployments appsv1.DeploymentList
		services    corev1.ServiceList
		configMaps  corev1.ConfigMapList
		budgets     policyv1.PodDisruptionBudgetList
		pods        corev1.PodList
	)
	for _, list := range []client.ObjectList{&stored, &deployments, &services, &configMaps, &budgets, &pods} {
		err := p.Client.List(ctx, list, client.InNamespace(p.model.Namespace),
			client.MatchingLabels{v1alpha1.LabelModel: p.model.Name})
		if err != nil {
			return fmt.Errorf("listing %T: %w", list, err)
		}
	}
	p.have = children{
		stored:      byName(stored.Items),
		deployments: byName(deployments.Items),
		services:    byName(services.Items),
		configMaps:  byName(configMaps.Items),
		budgets:     byName(budgets.Items),
		pods:        map[string][]corev1.Pod{},
	}
	for _, pod := range pods.Items {
		name := pod.Labels[v1alpha1.LabelRevision]
		p.have.pods[name] = append(p.have.pods[name], pod)
	}
	p.known = p.readRevisions(ctx)
	return nil
}

// readRevisions reads the stored revisions, and those that only their Deployments still know.
func (p *pass) readRevisions(ctx context.Context) []revision.Revision {
	var out []revision.Revision
	add := func(rev revision.Revision, err error) bool {
		if err != nil {
			if !errors.Is(err, revision.ErrForeign) {
				log.FromContext(ctx).Error(err, "reading a revision")
			}
			return false
		}
		out = append(out, rev)
		return true
	}
	read := map[string]bool{}
	for name, cr := range p.have.stored {
		read[name] = metav1.IsControlledBy(cr, p.model) && add(revision.FromControllerRevision(cr))
	}
	for name, d := range p.have.deployments {
		if !read[name] && metav1.IsControlledBy(d, p.model) {
			add(revision.FromDeployment(d))
		}
	}
	return out
}

func byName[T any, P interface {
	*T
	client.Object
}](items []T) map[string]P {
	out := make(map[string]P, len(items))
	for i := range items {
		object := P(&items[i])
		out[object.GetName()] = object
	}
	return out
}
