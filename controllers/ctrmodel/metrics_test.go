package ctrmodel

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
)

func TestMetrics(t *testing.T) {
	g := NewWithT(t)
	scheme := runtime.NewScheme()
	g.Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	models := fake.NewClientBuilder().WithScheme(scheme).WithObjects(
		modelThatIs("a", metav1.ConditionTrue), modelThatIs("b", metav1.ConditionTrue),
		modelThatIs("c", metav1.ConditionFalse), &v1alpha1.CTRModel{ObjectMeta: metav1.ObjectMeta{Name: "new"}},
	).Build()
	registry := prometheus.NewRegistry()
	m, err := NewMetrics(registry, models)
	g.Expect(err).NotTo(HaveOccurred())
	m.promoted()
	m.revisionFailed("GoldenMismatch")
	m.revisionFailed("GoldenMismatch")

	g.Expect(testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP ctr_operator_models CTRModels, by the status of their condition Ready.
# TYPE ctr_operator_models gauge
ctr_operator_models{ready="False"} 1
ctr_operator_models{ready="True"} 2
ctr_operator_models{ready="Unknown"} 1
# HELP ctr_operator_promotions_total Revisions that have become stable.
# TYPE ctr_operator_promotions_total counter
ctr_operator_promotions_total 1
# HELP ctr_operator_revision_failures_total Revisions that began to fail, by the reason of the condition RevisionReady.
# TYPE ctr_operator_revision_failures_total counter
ctr_operator_revision_failures_total{reason="GoldenMismatch"} 2
`))).To(Succeed())
}

func modelThatIs(name string, ready metav1.ConditionStatus) *v1alpha1.CTRModel {
	return &v1alpha1.CTRModel{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Status:     v1alpha1.CTRModelStatus{Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: ready}}},
	}
}
