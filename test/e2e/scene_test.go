package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	servingv1alpha1 "github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/test/harness"
	"github.com/ctr-operator/ctr-operator/test/testkit/answer"
	"github.com/ctr-operator/ctr-operator/test/testkit/load"
)

// patience is how long anything may take that a user would wait for. Most take a few seconds.
const patience = 90 * time.Second

// keyHeader carries the user's name in requests.
const keyHeader = "X-User-Id"

// scores are what the versions of test/testdata/demo answer to testkit's default inputs: each one's first golden line.
var scores = map[int]float64{1: 0.6584274620546415, 2: 0.9005137070522018}

// current is the scene of the spec that runs.
var current *scene

// scene is a namespace with one model in it.
type scene struct {
	key client.ObjectKey
}

// newScene makes a namespace, to be deleted when the spec, or its ordered container, is over.
func newScene(ctx context.Context, model string) *scene {
	GinkgoHelper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-"}}
	Expect(h.Client.Create(ctx, ns)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) {
		Expect(client.IgnoreNotFound(h.Client.Delete(ctx, ns))).To(Succeed())
	}, NodeTimeout(30*time.Second))
	s := &scene{key: client.ObjectKey{Namespace: ns.Name, Name: model}}
	Expect(h.EnsureS3Secret(ctx, ns.Name)).To(Succeed())
	current = s
	return s
}

// model is a model of the artifact at url, small enough for several to fit on one node.
func (s *scene) model(url string) *servingv1alpha1.CTRModel {
	m := harness.NewModel(s.key, url)
	m.Spec.Resources = &servingv1alpha1.Resources{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("20m"), corev1.ResourceMemory: resource.MustParse("48Mi")},
	}
	m.Spec.Traffic = &servingv1alpha1.Traffic{Stickiness: &servingv1alpha1.Stickiness{Header: keyHeader}}
	return m
}

// create makes the model.
func (s *scene) create(ctx context.Context, m *servingv1alpha1.CTRModel) {
	GinkgoHelper()
	Expect(h.Client.Create(ctx, m)).To(Succeed())
}

// givenStable makes the model of version 1 and waits until it serves.
func (s *scene) givenStable(ctx context.Context, edits ...func(*servingv1alpha1.CTRModelSpec)) {
	GinkgoHelper()
	By("Given version 1 is stable")
	m := s.model(artifacts[1])
	for _, edit := range edits {
		edit(&m.Spec)
	}
	s.create(ctx, m)
	s.eventually(ctx, "version 1 is stable", harness.Ready(), harness.Stable(1), harness.NoCanary())
}

// givenCanary adds version 2 at a weight and waits until it has it.
func (s *scene) givenCanary(ctx context.Context, weight int32) {
	GinkgoHelper()
	By(fmt.Sprintf("Given version 2 is a canary at %d %%", weight))
	s.change(ctx, func(spec *servingv1alpha1.CTRModelSpec) {
		spec.ArtifactURL, spec.CanaryWeight = artifacts[2], &weight
	})
	s.eventually(ctx, fmt.Sprintf("the canary has %d %%", weight), harness.Ready(), harness.Stable(1), harness.Canary(2, weight))
}

// change edits the spec as a user would.
func (s *scene) change(ctx context.Context, edit func(*servingv1alpha1.CTRModelSpec)) {
	GinkgoHelper()
	_, err := h.Change(ctx, s.key, edit)
	Expect(err).NotTo(HaveOccurred())
}

// eventually waits until the status says all that is wanted. What it says then holds for users too: no spec waits longer.
func (s *scene) eventually(ctx context.Context, goal string, wants ...harness.Want) {
	GinkgoHelper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	Expect(h.WaitModel(ctx, s.key, goal, wants...)).To(Succeed())
}

// condition is one of the model's conditions as it is now.
func (s *scene) condition(ctx context.Context, name string) metav1.Condition {
	GinkgoHelper()
	for _, c := range s.status(ctx).Conditions {
		if c.Type == name {
			return c
		}
	}
	Fail("there is no condition " + name)
	return metav1.Condition{}
}

func (s *scene) status(ctx context.Context) servingv1alpha1.CTRModelStatus {
	GinkgoHelper()
	m, err := h.Model(ctx, s.key)
	Expect(err).NotTo(HaveOccurred())
	return m.Status
}

// pod is the one pod of the stable revision or of the canary.
func (s *scene) pod(ctx context.Context, of func(servingv1alpha1.CTRModelStatus) *servingv1alpha1.RevisionReference) *corev1.Pod {
	GinkgoHelper()
	revision := of(s.status(ctx))
	Expect(revision).NotTo(BeNil())
	pods, err := h.RevisionPods(ctx, s.key.Namespace, revision.Name)
	Expect(err).NotTo(HaveOccurred())
	Expect(pods).To(HaveLen(1))
	return &pods[0]
}

func theStable(s servingv1alpha1.CTRModelStatus) *servingv1alpha1.RevisionReference {
	return s.StableRevision
}
func theCanary(s servingv1alpha1.CTRModelStatus) *servingv1alpha1.RevisionReference {
	return s.CanaryRevision
}

// forwardFailures is how many forwarded requests the stable pod has answered itself, as charged to a revision.
func (s *scene) forwardFailures(ctx context.Context, revision int64) float64 {
	GinkgoHelper()
	metrics, err := h.Metrics(ctx, s.pod(ctx, theStable))
	Expect(err).NotTo(HaveOccurred())
	return metrics.Sum("ctr_forward_failures_total", map[string]string{"revision": fmt.Sprint(revision)})
}

func (s *scene) url() string {
	return fmt.Sprintf("http://%s.%s.svc:%d", s.key.Name, s.key.Namespace, contract.PortREST)
}

// post sends one request to a path of the model's Service.
func (s *scene) post(ctx context.Context, path, body string) answer.Answer {
	GinkgoHelper()
	got, err := h.HTTP(ctx, harness.Request{Method: http.MethodPost, URL: s.url() + path, Body: body})
	Expect(err).NotTo(HaveOccurred())
	return got
}

// predict asks for one prediction and returns it with the number of the revision that made it.
func (s *scene) predict(ctx context.Context, inputs any) (score float64, revision string) {
	GinkgoHelper()
	body, err := json.Marshal(map[string]any{"inputs": inputs})
	Expect(err).NotTo(HaveOccurred())
	got := s.post(ctx, "/v1/models/"+s.key.Name+":predict", string(body))
	Expect(got.Status).To(Equal(http.StatusOK), got.Body)
	var prediction struct {
		Outputs struct {
			Score *float64 `json:"ctr_score"`
		} `json:"outputs"`
	}
	Expect(json.Unmarshal([]byte(got.Body), &prediction)).To(Succeed(), got.Body)
	Expect(prediction.Outputs.Score).NotTo(BeNil(), got.Body)
	return *prediction.Outputs.Score, got.Headers.Get(contract.HeaderRevision)
}

// ask lets so many different users ask once each, over keep-alive connections.
func (s *scene) ask(ctx context.Context, requests, keys int) load.Summary {
	GinkgoHelper()
	sum, err := h.Load(ctx, load.Config{
		URL: s.url(), Model: s.key.Name, Requests: requests, Connections: 8, Keys: keys, KeyHeader: keyHeader, Assignments: true,
	})
	Expect(err).NotTo(HaveOccurred())
	expectNoFailures(sum)
	Expect(sum.Requests).To(Equal(requests))
	return sum
}

// users is a load of two keep-alive connections that goes on until stop.
type users struct{ load *harness.Load }

// givenUsers starts it. expect holds the score of each revision that may answer.
func (s *scene) givenUsers(ctx context.Context, rate float64, expect map[int64]float64) *users {
	GinkgoHelper()
	By("Given users ask over two keep-alive connections")
	l, err := h.StartLoad(context.WithoutCancel(ctx), load.Config{
		URL: s.url(), Model: s.key.Name, Connections: 2, Rate: rate, Keys: 500, KeyHeader: keyHeader, Expect: expect,
	})
	Expect(err).NotTo(HaveOccurred())
	u := &users{load: l}
	DeferCleanup(func(ctx SpecContext) {
		_, _ = l.Stop(ctx) // a second stop of a load that was stopped changes nothing
	}, NodeTimeout(20*time.Second))
	u.keepAsking(ctx, 200)
	return u
}

// keepAsking waits until so many more requests have been answered, so that a spec is sure that the load really flowed.
func (u *users) keepAsking(ctx context.Context, more int) {
	GinkgoHelper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	Expect(u.load.Flow(ctx, more)).To(Succeed())
}

// until waits until what the users saw is enough.
func (u *users) until(ctx context.Context, what string, enough func(load.Summary) bool) {
	GinkgoHelper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	Expect(u.load.Until(ctx, what, enough)).To(Succeed())
}

// thenNoneFailed stops the load.
func (u *users) thenNoneFailed(ctx context.Context) load.Summary {
	GinkgoHelper()
	By("Then not one of their requests has failed")
	sum, err := u.load.Stop(ctx)
	Expect(err).NotTo(HaveOccurred())
	AddReportEntry("load", harness.Brief(sum))
	expectNoFailures(sum)
	Expect(sum.Requests).To(BeNumerically(">", 500), "the load hardly flowed")
	return sum
}

func expectNoFailures(sum load.Summary) {
	GinkgoHelper()
	Expect(sum.Failed).To(BeZero(), harness.Brief(sum))
}
