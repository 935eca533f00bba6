package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// Results of reading the traffic table.
const (
	tableOK      = "ok"
	tableInvalid = "invalid"
	tableMissing = "missing"
)

// TableLoaded records the table that is in use from now on (nil is none) and the one that was. Series of revisions that
// are no longer in it go, so that a pod that lives through many rollouts does not collect them.
func (m *Metrics) TableLoaded(old, table *contract.TrafficTable, hash string) {
	m.tableInfo.Reset()
	m.weights.Reset()
	current := map[int64]bool{}
	if table != nil {
		m.tableInfo.WithLabelValues(hash).Set(1)
		for _, r := range table.Revisions {
			current[r.Number] = true
			m.weights.WithLabelValues(label(r.Number), string(r.Role)).Set(float64(r.Weight))
		}
		m.tableReloads.WithLabelValues(tableOK).Inc()
	} else {
		m.tableReloads.WithLabelValues(tableMissing).Inc()
	}
	if old == nil {
		return
	}
	for _, r := range old.Revisions {
		if !current[r.Number] {
			gone := prometheus.Labels{"revision": label(r.Number)}
			m.forwards.DeletePartialMatch(gone)
			m.forwardFailures.DeletePartialMatch(gone)
		}
	}
}

// TableRejected counts a table that could not be used.
func (m *Metrics) TableRejected() { m.tableReloads.WithLabelValues(tableInvalid).Inc() }

// Forward counts a request that another revision has answered.
func (m *Metrics) Forward(revision int64) { m.forwards.WithLabelValues(label(revision)).Inc() }

// ForwardFailure counts a request that another revision has not answered.
func (m *Metrics) ForwardFailure(revision int64, reason string) {
	m.forwardFailures.WithLabelValues(label(revision), reason).Inc()
}

func label(revision int64) string { return strconv.FormatInt(revision, 10) }
