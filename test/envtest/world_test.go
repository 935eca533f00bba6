package envtest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/controllers/operator"
	"github.com/ctr-operator/ctr-operator/controllers/revision"
	"github.com/ctr-operator/ctr-operator/controllers/traffic"
	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

const (
	modelName = "search-ctr"
	v1        = "https://models.example.com/1/model.pkl"
	v2        = "https://models.example.com/2/model.pkl"
	v3        = "https://models.example.com/3/model.pkl"
)

// world is what most specs need: a namespace with a node and an operator.
type world struct {
	namespace string
	node      *node
	api       *recorder
}

func newWorld(ctx context.Context) *world {
	GinkgoHelper()
	w := &world{namespace: newNamespace(ctx), api: &recorder{}}
	w.node = startNode(w.namespace)
	startOperator(w.namespace, w.api)
	return w
}

// startOperator runs an operator until the returned function is called, or the spec ends.
func startOperator(namespace string, api *recorder) (stop func()) {
	GinkgoHelper()
	return startManager(newManager(namespace, api))
}

func newManager(namespace string, api *recorder) ctrl.Manager {
	GinkgoHelper()
	cfg := rest.CopyConfig(operatorKube)
	cfg.Wrap(api.wrap)
	mgr, err := operator.New(cfg, operator.Config{
		MetricsAddress: "0",
		HealthAddress:  "0",
		Namespace:      namespace,
		RuntimeImage:   revision.Image{Ref: "ctr-operator/ctr-runtime:test", PullPolicy: corev1.PullIfNotPresent},
		Workers:        1,
		Spread:         time.Millisecond, // There is no kubelet to wait for.
		Registry:       prometheus.NewRegistry(),
	})
	Expect(err).NotTo(HaveOccurred())
	return mgr
}

func startManager(mgr ctrl.Manager) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			Expect(<-done).To(Succeed())
		})
	}
	DeferCleanup(stop)
	return stop
}

// write is a mutating request.
type write struct {
	method, path, body string
}

// recorder sees all mutating requests of an operator (but its leases and events), and can refuse them.
type recorder struct {
	mu     sync.Mutex
	writes []write
	// refuse says, of the n-th write (from 0), whether it fails; nil: none.
	refuse func(n int) bool
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (r *recorder) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		noteRight(req)
		if req.Method == http.MethodGet || strings.Contains(req.URL.Path, "/leases") {
			return next.RoundTrip(req)
		}
		if !r.record(req) {
			return nil, http.ErrHandlerTimeout
		}
		return next.RoundTrip(req)
	})
}

func (r *recorder) record(req *http.Request) (allowed bool) {
	body := ""
	if req.GetBody != nil {
		if b, err := req.GetBody(); err == nil {
			buffer := new(strings.Builder)
			if _, err := io.Copy(buffer, b); err == nil {
				body = buffer.String()
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil && r.refuse(len(r.writes)) {
		return false
	}
	r.writes = append(r.writes, write{req.Method, req.URL.Path, body})
	return true
}

// count is the number of writes so far; since gives those from the n-th on.
func (r *recorder) count() int { return len(r.since(0)) }

func (r *recorder) since(n int) []write {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]write(nil), r.writes[n:]...)
}

// index is the place of the first write whose path and body contain these.
func index(writes []write, path, body string) int {
	for i, w := range writes {
		if strings.Contains(w.path, path) && strings.Contains(w.body, body) {
			return i
		}
	}
	return -1
}

// apply makes or changes a model.
func (w *world) apply(ctx context.Context, url string, change ...func(*v1alpha1.CTRModelSpec)) *v1alpha1.CTRModel {
	GinkgoHelper()
	model := &v1alpha1.CTRModel{ObjectMeta: metav1.ObjectMeta{Name: modelName, Namespace: w.namespace}}
	for {
		err := direct.Get(ctx, client.ObjectKeyFromObject(model), model)
		isNew := client.IgnoreNotFound(err) == nil && err != nil
		model.Spec.ModelType = v1alpha1.ModelLogisticRegression
		model.Spec.ArtifactURL = url
		for _, f := range change {
			f(&model.Spec)
		}
		if isNew {
			err = direct.Create(ctx, model)
		} else {
			err = direct.Update(ctx, model)
		}
		if passing(err) {
			continue
		}
		Expect(err).NotTo(HaveOccurred())
		return model
	}
}

func weight(percent int32) func(*v1alpha1.CTRModelSpec) {
	return func(s *v1alpha1.CTRModelSpec) { s.CanaryWeight = &percent }
}

func allWeight(s *v1alpha1.CTRModelSpec) { s.CanaryWeight = nil }

func replicas(n int32) func(*v1alpha1.CTRModelSpec) {
	return func(s *v1alpha1.CTRModelSpec) { s.Replicas = &n }
}

// model reads the model.
func (w *world) model(ctx context.Context) *v1alpha1.CTRModel {
	GinkgoHelper()
	model := &v1alpha1.CTRModel{}
	Expect(direct.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: modelName}, model)).To(Succeed())
	return model
}

// settled waits until the operator has seen the newest spec and a condition holds.
func (w *world) settled(ctx context.Context, kind string, status metav1.ConditionStatus) *v1alpha1.CTRModel {
	GinkgoHelper()
	var model *v1alpha1.CTRModel
	Eventually(func(g Gomega) {
		model = w.model(ctx)
		condition := meta.FindStatusCondition(model.Status.Conditions, kind)
		g.Expect(condition).NotTo(BeNil())
		g.Expect(condition.Status).To(Equal(status), "%s: %s: %s", kind, condition.Reason, condition.Message)
		g.Expect(condition.ObservedGeneration).To(Equal(model.Generation))
		g.Expect(model.Status.ObservedGeneration).To(Equal(model.Generation))
	}).Should(Succeed())
	return model
}

func (w *world) isReady(ctx context.Context) *v1alpha1.CTRModel {
	GinkgoHelper()
	return w.settled(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue)
}

// table reads the traffic table.
func (w *world) table(ctx context.Context) contract.TrafficTable {
	GinkgoHelper()
	cm := &corev1.ConfigMap{}
	key := client.ObjectKey{Namespace: w.namespace, Name: traffic.ConfigMapName(modelName)}
	Expect(direct.Get(ctx, key, cm)).To(Succeed())
	var table contract.TrafficTable
	Expect(json.Unmarshal([]byte(cm.Data[contract.TrafficKey]), &table)).To(Succeed())
	return table
}

// weights are the table's weights by revision number.
func (w *world) weights(ctx context.Context) map[int64]int32 {
	GinkgoHelper()
	out := map[int64]int32{}
	for _, r := range w.table(ctx).Revisions {
		out[r.Number] = r.Weight
	}
	return out
}

// entry is the revision that the model's Service selects.
func (w *world) entry(ctx context.Context) string {
	GinkgoHelper()
	service := &corev1.Service{}
	Expect(direct.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: modelName}, service)).To(Succeed())
	return service.Spec.Selector[v1alpha1.LabelRevision]
}

func (w *world) deployments(ctx context.Context) map[string]appsv1.Deployment {
	GinkgoHelper()
	var list appsv1.DeploymentList
	Expect(direct.List(ctx, &list, client.InNamespace(w.namespace))).To(Succeed())
	out := map[string]appsv1.Deployment{}
	for _, d := range list.Items {
		out[d.Name] = d
	}
	return out
}

// condition of a model; empty where it has none.
func condition(model *v1alpha1.CTRModel, kind string) metav1.Condition {
	if c := meta.FindStatusCondition(model.Status.Conditions, kind); c != nil {
		return *c
	}
	return metav1.Condition{}
}

// quietFor is how long a silent operator is taken to have nothing more to say.
const quietFor = 300 * time.Millisecond

func quantity(s string) resource.Quantity { return resource.MustParse(s) }
