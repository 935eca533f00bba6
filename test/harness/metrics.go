package harness

import (
	"bytes"
	"fmt"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Metrics are metric families by name.
type Metrics map[string]*dto.MetricFamily

// ParseMetrics reads Prometheus' text format.
func ParseMetrics(text []byte) (Metrics, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return families, nil
}

// Sum adds up a counter or a gauge over the series that have all of the labels.
func (m Metrics) Sum(name string, labels map[string]string) float64 {
	sum := 0.0
	for _, series := range m[name].GetMetric() {
		if hasLabels(series, labels) {
			sum += series.GetCounter().GetValue() + series.GetGauge().GetValue()
		}
	}
	return sum
}

func hasLabels(series *dto.Metric, labels map[string]string) bool {
	found := 0
	for _, pair := range series.GetLabel() {
		if want, ok := labels[pair.GetName()]; ok && want == pair.GetValue() {
			found++
		}
	}
	return found == len(labels)
}
