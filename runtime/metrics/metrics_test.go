package metrics

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

func newMetrics(t *testing.T) (*Metrics, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	return New(registry), registry
}

func want(t *testing.T, registry *prometheus.Registry, name, series string) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	help, kind := "", ""
	for _, f := range families {
		if f.GetName() == name {
			help, kind = f.GetHelp(), strings.ToLower(f.GetType().String())
		}
	}
	if series != "" {
		series = "# HELP " + name + " " + help + "\n# TYPE " + name + " " + kind + "\n" + series
	}
	if err := testutil.GatherAndCompare(registry, strings.NewReader(series), name); err != nil {
		t.Error(err)
	}
}

func TestRequests(t *testing.T) {
	m, registry := newMetrics(t)
	count := func(e Endpoint, s Served, code int) {
		m.Begin()
		m.Request(e, s, code, 300*time.Microsecond)
	}
	for range 3 {
		count(Predict, Local, 200)
	}
	count(Predict, Fallback, 200)
	count(Predict, Forwarded, 400)
	count(Predict, Forwarded, 422)
	count(Predict, Forwarded, 451)
	count(Other, Local, 404)
	count(Other, Local, 0)
	count(Other, Local, 999) // no status, and no reason to fall over
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		if f.GetName() != "ctr_requests_total" {
			continue
		}
		for _, series := range f.GetMetric() {
			var labels []string
			for _, l := range series.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			if v := series.GetCounter().GetValue(); v > 0 {
				got[strings.Join(labels, " ")] = v
			}
		}
	}
	wanted := map[string]float64{
		"200 predict local": 3, "200 predict fallback": 1, "400 predict forwarded": 1, "4xx predict forwarded": 2,
		"404 other local": 1, "0xx other local": 2,
	}
	for series, v := range wanted {
		if got[series] != v {
			t.Errorf("%s: %v, want %v", series, got[series], v)
		}
	}
	if len(got) != len(wanted) {
		t.Errorf("got %v", got)
	}
	want(t, registry, "ctr_requests_in_flight", "ctr_requests_in_flight 0\n")
}

func TestScores(t *testing.T) {
	m, registry := newMetrics(t)
	m.Prediction(.015)
	m.Predictions([]float64{0, 1, 1e-9})
	want(t, registry, "ctr_predictions_total", "ctr_predictions_total 4\n")
	n := testutil.CollectAndCount(registry, "ctr_prediction")
	if n != 1 || len(scoreBuckets) != 20 {
		t.Errorf("%d histograms, %d buckets", n, len(scoreBuckets))
	}
}

func TestForwardSeriesGoWithTheirRevision(t *testing.T) {
	m, registry := newMetrics(t)
	table := func(numbers ...int64) *contract.TrafficTable {
		tt := &contract.TrafficTable{}
		for _, n := range numbers {
			tt.Revisions = append(tt.Revisions, contract.RevisionTraffic{Number: n, Role: contract.RoleStable, Weight: 50})
		}
		return tt
	}
	one, two := table(1, 2), table(1, 3)
	m.TableLoaded(nil, one, "aaa")
	m.Forward(2)
	m.ForwardFailure(2, "timeout")
	m.ForwardFailure(2, "connect")
	m.TableRejected()
	want(t, registry, "ctr_forward_requests_total", "ctr_forward_requests_total{revision=\"2\"} 1\n")
	m.TableLoaded(one, two, "bbb")
	m.ForwardFailure(3, "timeout")
	want(t, registry, "ctr_forward_requests_total", "")
	want(t, registry, "ctr_forward_failures_total", "ctr_forward_failures_total{reason=\"timeout\",revision=\"3\"} 1\n")
	want(t, registry, "ctr_traffic_table_info", "ctr_traffic_table_info{hash=\"bbb\"} 1\n")
	want(t, registry, "ctr_traffic_weight_percent",
		"ctr_traffic_weight_percent{revision=\"1\",role=\"stable\"} 50\nctr_traffic_weight_percent{revision=\"3\",role=\"stable\"} 50\n")
	want(t, registry, "ctr_traffic_table_reloads_total", `ctr_traffic_table_reloads_total{result="invalid"} 1
ctr_traffic_table_reloads_total{result="missing"} 0
ctr_traffic_table_reloads_total{result="ok"} 2
`)
	m.TableLoaded(two, nil, "")
	want(t, registry, "ctr_traffic_table_info", "")
	want(t, registry, "ctr_forward_failures_total", "")
}

func TestModel(t *testing.T) {
	m, registry := newMetrics(t)
	m.Loaded(Model{Name: "m", Revision: "3", Type: "LogisticRegression", Digest: "abc", Version: "v1"})
	m.Phase("fetch", 1500*time.Millisecond)
	want(t, registry, "ctr_model_info",
		"ctr_model_info{digest=\"abc\",model=\"m\",revision=\"3\",type=\"LogisticRegression\",version=\"v1\"} 1\n")
	want(t, registry, "ctr_model_load_seconds", "ctr_model_load_seconds{phase=\"fetch\"} 1.5\n")
}

// No request makes a series or an allocation.
func TestHotPathDoesNotAllocate(t *testing.T) {
	m, _ := newMetrics(t)
	if n := testing.AllocsPerRun(100, func() {
		m.Begin()
		m.Request(Predict, Local, 200, time.Millisecond)
		m.Prediction(.1)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRequest(b *testing.B) {
	m := New(prometheus.NewRegistry())
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.Begin()
			m.Request(Predict, Local, 200, 200*time.Microsecond)
			m.Prediction(.1)
		}
	})
}
