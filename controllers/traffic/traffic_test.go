package traffic

import (
	"encoding/json"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/controllers/rollout"
	"github.com/ctr-operator/ctr-operator/controllers/workload"
	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

var (
	one = rollout.ID{Name: "m--1", Number: 1}
	two = rollout.ID{Name: "m--2", Number: 2}
	now = time.Date(2026, 11, 20, 12, 0, 0, 5, time.UTC)
)

func TestARevisionThatCannotBeReachedIsNotInTheTable(t *testing.T) {
	g := NewWithT(t)
	shares := []rollout.Share{{ID: one, Stable: true, Weight: 100}, {ID: two}}
	table := Table("m", two, v1alpha1.Stickiness{}, shares, Addresses{"m--1": "10.0.0.1"})
	g.Expect(table.Revisions).To(ConsistOf(HaveField("Name", "m--1")))
}

func TestTable(t *testing.T) {
	g := NewWithT(t)
	table := Table("m", two, v1alpha1.Stickiness{Field: "query"},
		[]rollout.Share{{ID: one, Stable: true, Weight: 90}, {ID: two, Weight: 10}},
		Addresses{"m--1": "10.0.0.1", "m--2": "fd00::2"})
	g.Expect(table).To(Equal(contract.TrafficTable{
		Model: "m", Salt: "m--2", Stickiness: contract.Stickiness{Field: "query"},
		Revisions: []contract.RevisionTraffic{
			{Name: "m--1", Number: 1, Role: contract.RoleStable, Weight: 90, Address: "10.0.0.1:8501"},
			{Name: "m--2", Number: 2, Role: contract.RoleCanary, Weight: 10, Address: "[fd00::2]:8501"},
		},
	}))
}

func TestConfigMapHoldsTheTableAndChangesItsHashWithIt(t *testing.T) {
	g := NewWithT(t)
	m := workload.Model{Name: "m", Namespace: "shop", UID: "1"}
	table := contract.TrafficTable{Model: "m", Revisions: []contract.RevisionTraffic{{Name: "m--1", Weight: 100}}}
	cm, published, err := ConfigMap(m, table, nil, now)
	g.Expect(err).NotTo(HaveOccurred())
	var back contract.TrafficTable
	g.Expect(json.Unmarshal([]byte(cm.Data[contract.TrafficKey]), &back)).To(Succeed())
	g.Expect(back).To(Equal(table))
	g.Expect(*cm.Name).To(Equal(ConfigMapName("m")))

	_, again, err := ConfigMap(m, table, nil, now)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(again.Hash).To(Equal(published.Hash))
	table.Revisions[0].Weight = 99
	_, other, err := ConfigMap(m, table, nil, now)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(other.Hash).NotTo(Equal(published.Hash))
}

func TestTheDateOfATableStaysUntilItChanges(t *testing.T) {
	g := NewWithT(t)
	m := workload.Model{Name: "m", Namespace: "shop", UID: "1"}
	table := contract.TrafficTable{Model: "m", Revisions: []contract.RevisionTraffic{{Name: "m--1", Weight: 100}}}
	cm, first, err := ConfigMap(m, table, nil, now)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(first.SpreadsFor(Spread, now)).To(Equal(Spread))
	live := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Annotations: cm.Annotations}, Data: cm.Data}

	later := now.Add(Spread / 4)
	same, second, err := ConfigMap(m, table, live, later)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(same).To(Equal(cm), "nothing to write")
	g.Expect(second.SpreadsFor(Spread, later)).To(Equal(Spread * 3 / 4))
	g.Expect(second.SpreadsFor(Spread, now.Add(Spread))).To(BeZero())
	g.Expect(second.SpreadsFor(Spread, now.Add(-time.Hour))).To(BeZero(), "stamped by a clock ahead of ours")

	table.Revisions[0].Weight = 99
	_, changed, err := ConfigMap(m, table, live, later)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(changed.SpreadsFor(Spread, later)).To(Equal(Spread))

	live.Annotations[v1alpha1.AnnotationTrafficSince] = "garbled"
	table.Revisions[0].Weight = 100
	_, restamped, err := ConfigMap(m, table, live, later)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(restamped.Since).To(Equal(later))
}

func TestModelURL(t *testing.T) {
	NewWithT(t).Expect(ModelURL("shop", "m")).To(Equal("http://m.shop.svc:8501"))
}
