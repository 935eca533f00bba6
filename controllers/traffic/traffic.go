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

// ConfigMap holds a table. The second result is the table's hash, with which the pods are touched.
func ConfigMap(m workload.Model, table contract.TrafficTable) (*coreac.ConfigMapApplyConfiguration, string, error) {
	data, err := json.MarshalIndent(table, "", "  ")
	if err != nil {
		return nil, "", fmt.Errorf("encoding the traffic table of %s: %w", m.Name, err)
	}
	sum := sha256.Sum256(data)
	return coreac.ConfigMap(ConfigMapName(m.Name), m.Namespace).
		WithLabels(m.Labels()).
		WithOwnerReferences(m.Owner()).
		WithData(map[string]string{contract.TrafficKey: string(data)}), hex.EncodeToString(sum[:8]), nil
}

// ModelURL is where a model answers, from inside the cluster.
func ModelURL(namespace, service string) string {
	return fmt.Sprintf("http://%s.%s.svc:%d", service, namespace, contract.PortREST)
}
