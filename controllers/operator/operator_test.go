package operator

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
)

func TestCachesHoldNothingOfOthers(t *testing.T) {
	g := NewWithT(t)
	opts := CacheOptions("")
	g.Expect(opts.DefaultNamespaces).To(BeNil())
	g.Expect(opts.ByObject).To(HaveLen(6))
	for kind, by := range opts.ByObject {
		g.Expect(by.Label.Matches(labels.Set{v1alpha1.LabelModel: "m"})).To(BeTrue(), "%T", kind)
		g.Expect(by.Label.Matches(labels.Set{"app": "x"})).To(BeFalse(), "%T", kind)
	}
	g.Expect(CacheOptions("shop").DefaultNamespaces).To(HaveKey("shop"))
}

func TestCachedPodsAreSmall(t *testing.T) {
	g := NewWithT(t)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"a": "b"}, ManagedFields: []metav1.ManagedFieldsEntry{{}}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{}}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning},
	}
	kept, err := keepStatus(pod)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(kept).To(Equal(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"a": "b"}}, Status: corev1.PodStatus{Phase: corev1.PodRunning},
	}))
}

func TestTheCallersConfigIsLeftAlone(t *testing.T) {
	g := NewWithT(t)
	kube := &rest.Config{QPS: 5}
	g.Expect(unthrottled(kube).QPS).To(BeNumerically("<", 0))
	g.Expect(kube.QPS).To(BeEquivalentTo(5))
}
