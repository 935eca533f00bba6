package ctrmodel

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
)

// Metrics are the operator's own, beside controller-runtime's. No label has a model's name: that would be without bound.
type Metrics struct {
	promotions prometheus.Counter
	failures   *prometheus.CounterVec
}

// NewMetrics makes and registers the metrics. models reads from the cache when the metrics are scraped.
func NewMetrics(registry prometheus.Registerer, models client.Reader) (*Metrics, error) {
	m := &Metrics{
		promotions: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ctr_operator_promotions_total",
			Help: "Revisions that have become stable.",
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ctr_operator_revision_failures_total",
			Help: "Revisions that began to fail, by the reason of the condition RevisionReady.",
		}, []string{"reason"}),
	}
	for _, c := range []prometheus.Collector{m.promotions, m.failures, modelCollector{models}} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	return m, nil
}

func (m *Metrics) promoted() { m.promotions.Inc() }

func (m *Metrics) revisionFailed(reason string) { m.failures.WithLabelValues(reason).Inc() }

// modelCollector counts the models by what their condition Ready says.
type modelCollector struct {
	models client.Reader
}

var modelsDesc = prometheus.NewDesc("ctr_operator_models", "CTRModels, by the status of their condition Ready.",
	[]string{"ready"}, nil)

// Describe implements prometheus.Collector.
func (modelCollector) Describe(out chan<- *prometheus.Desc) { out <- modelsDesc }

// Collect implements prometheus.Collector.
func (c modelCollector) Collect(out chan<- prometheus.Metric) {
	const patience = time.Second // The cache answers at once, or has not started.
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var list v1alpha1.CTRModelList
	if err := c.models.List(ctx, &list); err != nil {
		out <- prometheus.NewInvalidMetric(modelsDesc, fmt.Errorf("counting models: %w", err))
		return
	}
	count := map[metav1.ConditionStatus]int{metav1.ConditionTrue: 0, metav1.ConditionFalse: 0, metav1.ConditionUnknown: 0}
	for i := range list.Items {
		status := metav1.ConditionUnknown
		if ready := meta.FindStatusCondition(list.Items[i].Status.Conditions, v1alpha1.ConditionReady); ready != nil {
			status = ready.Status
		}
		count[status]++
	}
	for status, n := range count {
		out <- prometheus.MustNewConstMetric(modelsDesc, prometheus.GaugeValue, float64(n), string(status))
	}
}
