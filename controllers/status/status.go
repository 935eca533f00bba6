package status

import (
	"k8s.io/apimachinery/pkg/labels"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/controllers/rollout"
	"github.com/ctr-operator/ctr-operator/controllers/traffic"
	"github.com/ctr-operator/ctr-operator/controllers/workload"
)

// Fill brings a status up to date with a decision that has been carried out.
func Fill(status *v1alpha1.CTRModelStatus, m workload.Model, latest int64, s Situation) {
	status.ObservedGeneration = s.Generation
	status.URL = traffic.ModelURL(m.Namespace, m.Name)
	status.StableRevision = reference(s.Decision.Stable)
	status.CanaryRevision = reference(s.Decision.Canary)
	status.CanaryWeight = nil
	if !s.Decision.Canary.None() {
		status.CanaryWeight = new(s.Decision.CanaryWeight())
	}
	status.Traffic = shares(m, s.Decision.Shares)
	status.LatestRevision = max(latest, status.LatestRevision)
	status.Replicas = s.ready(s.Decision.Entry)
	status.Selector = labels.SelectorFromSet(m.Selector(s.Decision.Entry.Name)).String()
	Mark(&status.Conditions, s)
}

func shares(m workload.Model, in []rollout.Share) []v1alpha1.RevisionTraffic {
	out := make([]v1alpha1.RevisionTraffic, 0, len(in))
	for _, share := range in {
		role := v1alpha1.RoleCanary
		if share.Stable {
			role = v1alpha1.RoleStable
		}
		out = append(out, v1alpha1.RevisionTraffic{
			Revision: share.Name,
			Number:   share.Number,
			Role:     role,
			Weight:   share.Weight,
			URL:      traffic.ModelURL(m.Namespace, share.Name),
		})
	}
	return out
}

func reference(id rollout.ID) *v1alpha1.RevisionReference {
	if id.None() {
		return nil
	}
	return &v1alpha1.RevisionReference{Name: id.Name, Number: id.Number}
}
