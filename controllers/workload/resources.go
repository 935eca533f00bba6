package workload

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
)

// defaultFor is what a pod asks for and may use where nothing else is said.
var defaultFor = []struct {
	name           corev1.ResourceName
	request, limit string
}{
	{corev1.ResourceCPU, "100m", "1"},
	{corev1.ResourceMemory, "128Mi", "256Mi"},
}

// Resources fills in what the user left out, so that requests and limits are always set and no limit is below its
// request: what is given wins, and moves the default of the other where they would cross.
func Resources(given *v1alpha1.Resources) (requests, limits corev1.ResourceList) {
	requests, limits = corev1.ResourceList{}, corev1.ResourceList{}
	if given != nil {
		for name, q := range given.Requests {
			requests[name] = q.DeepCopy()
		}
		for name, q := range given.Limits {
			limits[name] = q.DeepCopy()
		}
	}
	for _, d := range defaultFor {
		fill(requests, limits, d.name, resource.MustParse(d.request), resource.MustParse(d.limit))
	}
	return requests, limits
}

func fill(requests, limits corev1.ResourceList, name corev1.ResourceName, request, limit resource.Quantity) {
	givenRequest, hasRequest := requests[name]
	givenLimit, hasLimit := limits[name]
	if hasRequest {
		request = givenRequest
	}
	if hasLimit {
		limit = givenLimit
	}
	if request.Cmp(limit) > 0 {
		if hasRequest {
			limit = request.DeepCopy()
		} else {
			request = limit.DeepCopy()
		}
	}
	requests[name], limits[name] = request, limit
}
