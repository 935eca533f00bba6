package ctrmodel

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
)

// roles are a status with a stable revision and a canary, by number; 0 is none.
func roles(stable, canary int64, weight int32) v1alpha1.CTRModelStatus {
	ref := func(number int64) *v1alpha1.RevisionReference {
		return &v1alpha1.RevisionReference{Name: fmt.Sprintf("m--%d", number), Number: number}
	}
	s := v1alpha1.CTRModelStatus{StableRevision: ref(stable)}
	if canary != 0 {
		s.CanaryRevision, s.CanaryWeight = ref(canary), &weight
	}
	return s
}

func TestEventsTellWhatBecameOfTheRoles(t *testing.T) {
	for name, c := range map[string]struct {
		old, now v1alpha1.CTRModelStatus
		want     []string
	}{
		"nothing":                        {roles(1, 2, 10), roles(1, 2, 10), nil},
		"a canary":                       {roles(1, 0, 0), roles(1, 2, 0), []string{"CanaryStarted"}},
		"more of it":                     {roles(1, 2, 10), roles(1, 2, 50), []string{"WeightChanged"}},
		"its promotion":                  {roles(1, 2, 50), roles(2, 0, 0), []string{"Promoted"}},
		"its end":                        {roles(1, 2, 50), roles(1, 0, 0), []string{"SetBack"}},
		"another in its place":           {roles(1, 2, 50), roles(1, 3, 0), []string{"SetBack", "CanaryStarted"}},
		"another after its promotion":    {roles(1, 2, 50), roles(2, 3, 0), []string{"Promoted", "CanaryStarted"}},
		"the way back after a promotion": {roles(2, 0, 0), roles(2, 1, 50), []string{"CanaryStarted"}},
		"a stable revision without pods": {roles(1, 2, 10), roles(1, 2, 100), []string{"WeightChanged", "StandInStarted"}},
		"its return":                     {roles(1, 2, 100), roles(1, 2, 10), []string{"WeightChanged", "StandInEnded"}},
		"a promotion of what stood in":   {roles(1, 2, 100), roles(2, 0, 0), []string{"Promoted"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			recorder := events.NewFakeRecorder(len(c.want) + 3)
			metrics, err := NewMetrics(prometheus.NewRegistry(), fake.NewClientBuilder().WithScheme(scheme.Scheme).Build())
			g.Expect(err).NotTo(HaveOccurred())
			p := passOver("https://a/1", nil)
			p.Events, p.Metrics = recorder, metrics
			p.announceRoles(c.old, c.now)
			close(recorder.Events)
			var got []string
			for e := range recorder.Events {
				got = append(got, strings.Fields(e)[1])
			}
			g.Expect(got).To(Equal(c.want))
		})
	}
}
