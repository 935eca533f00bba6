package workload

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"
)

// The user's scheduling wishes are handed through as they are. An API type and its apply configuration have the same
// JSON form, so that is the way from one to the other.

func tolerations(in []corev1.Toleration) []coreac.TolerationApplyConfiguration {
	return convert[[]coreac.TolerationApplyConfiguration](in)
}

func affinity(in *corev1.Affinity) *coreac.AffinityApplyConfiguration {
	return convert[*coreac.AffinityApplyConfiguration](in)
}

func topologySpread(in []corev1.TopologySpreadConstraint, selector map[string]string,
) []coreac.TopologySpreadConstraintApplyConfiguration {
	if len(in) == 0 {
		return spreadEvenly(selector)
	}
	return convert[[]coreac.TopologySpreadConstraintApplyConfiguration](in)
}

func convert[Out any](in any) Out {
	var out Out
	b, err := json.Marshal(in)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		// Both are plain API types with the same JSON form.
		panic(fmt.Sprintf("converting %T to %T: %v", in, out, err))
	}
	return out
}
