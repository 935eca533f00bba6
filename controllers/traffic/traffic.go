// Package traffic builds the table by which a model's pods split its traffic, and the ConfigMap that takes it to them.
// It does no I/O.
package traffic

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/controllers/revision"
	"github.com/ctr-operator/ctr-operator/controllers/rollout"
	"github.com/ctr-operator/ctr-operator/controllers/workload"
	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// Addresses are the cluster IPs of the revisions' Services, by revision name.
type Addresses map[string]string

// Table is the table for a decision. The salt is the target's name: the same for the whole of a rollout, another for the
// next, so that it is not always the same users who try a canary first.
func Table(model string, target rollout.ID, sticky v1alpha1.Stickiness, shares []rollout.Share, to Addresses,
) contract.TrafficTable {
	table := contract.TrafficTable{
		Model:      model,
		Salt:       target.Name,
		Stickiness: contract.Stickiness{Header: sticky.Header, Field: sticky.Field},
	}
	for _, share := range shares {
		if to[share.Name] == "" {
			continue // It cannot be reached, and so has no weight.
		}
		role := contract.RoleCanary
		if share.Stable {
			role = contract.RoleStable
		}
		table.Revisions = append(table.Revisions, contract.RevisionTraffic{
			Name:    share.Name,
			Number:  share.Number,
			Role:    role,
			Weight:  share.Weight,
			Address: net.JoinHostPort(to[share.Name], strconv.Itoa(contract.PortREST)),
		})
	}
	return table
}

// ConfigMapName is the name of the ConfigMap that holds a model's table.
func ConfigMapName(model string) string {
	return revision.DerivedName(model, "traffic")
}

// Spread is how long it takes at most, as a rule, until a changed table is in force in all pods: the touch makes their
// kubelets refresh it, which was measured to take 0.15 to 0.3 s.
const Spread = time.Second

// Published is a table in its ConfigMap.
type Published struct {
	// Hash is the table's; the pods are touched with it.
	Hash string
	// Since is when this table replaced another.
	Since time.Time
}

// SpreadsFor is how long it still takes, of a time that it takes in all, until the table is in force in all pods; 0: it
// is.
func (p Published) SpreadsFor(spread time.Duration, now time.Time) time.Duration {
	left := p.Since.Add(spread).Sub(now)
	if left > spread {
		return 0 // It was stamped by a clock ahead of ours.
	}
	return max(left, 0)
}

// ConfigMap holds a table. live is the one that there is, or nil: where it holds the same table, its date stays.
func ConfigMap(m workload.Model, table contract.TrafficTable, live *corev1.ConfigMap, now time.Time,
) (*coreac.ConfigMapApplyConfiguration, Published, error) {
	data, err := json.MarshalIndent(table, "", "  ")
	if err != nil {
		return nil, Published{}, fmt.Errorf("encoding the traffic table of %s: %w", m.Name, err)
	}
	sum := sha256.Sum256(data)
	published := Published{Hash: hex.EncodeToString(sum[:8]), Since: now}
	if live != nil && live.Data[contract.TrafficKey] == string(data) {
		if since, err := time.Parse(time.RFC3339Nano, live.Annotations[v1alpha1.AnnotationTrafficSince]); err == nil {
			published.Since = since
		}
	}
	return coreac.ConfigMap(ConfigMapName(m.Name), m.Namespace).
		WithLabels(m.Labels()).
		WithAnnotations(map[string]string{
			v1alpha1.AnnotationTrafficSince: published.Since.UTC().Format(time.RFC3339Nano),
		}).
		WithOwnerReferences(m.Owner()).
		WithData(map[string]string{contract.TrafficKey: string(data)}), published, nil
}

// ModelURL is where a model answers, from inside the cluster.
func ModelURL(namespace, service string) string {
	return fmt.Sprintf("http://%s.%s.svc:%d", service, namespace, contract.PortREST)
}
