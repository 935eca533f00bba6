package workload

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/controllers/revision"
	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

var update = flag.Bool("update", false, "write the golden files anew")

var model = Model{Name: "search-ctr", Namespace: "shop", UID: "0-1-2"}

func rev(change func(*v1alpha1.CTRModelSpec)) revision.Revision {
	spec := v1alpha1.CTRModelSpec{ModelType: v1alpha1.ModelLogisticRegression, ArtifactURL: "s3://models/1/"}
	if change != nil {
		change(&spec)
	}
	return revision.Revision{
		Name: "search-ctr--0123456789",
		Snapshot: revision.Snapshot{
			Number: 3, User: revision.UserPart(spec),
			Image: revision.Image{Ref: "runtime:1", PullPolicy: corev1.PullIfNotPresent},
		},
	}
}

// typed is a Deployment as the apiserver would have it, but for the defaults.
func typed(t *testing.T, r revision.Revision, scale Scale) *appsv1.Deployment {
	t.Helper()
	g := NewWithT(t)
	built, err := Deployment(model, r, "search-ctr--traffic000", scale)
	g.Expect(err).NotTo(HaveOccurred())
	b, err := yaml.Marshal(built)
	g.Expect(err).NotTo(HaveOccurred())
	d := &appsv1.Deployment{}
	g.Expect(yaml.UnmarshalStrict(b, d)).To(Succeed())
	return d
}

// TestGolden pins what running models' pods are made of: a difference here restarts every pod of every model when the
// operator is upgraded. Where that is meant, run the test with -update.
func TestGolden(t *testing.T) {
	for file, change := range map[string]func(*v1alpha1.CTRModelSpec){
		"testdata/minimal.yaml": nil,
		"testdata/full.yaml":    everything,
	} {
		t.Run(file, func(t *testing.T) {
			g := NewWithT(t)
			built, err := Deployment(model, rev(change), "search-ctr--traffic000", Scale{Replicas: 2})
			g.Expect(err).NotTo(HaveOccurred())
			got, err := yaml.Marshal(built)
			g.Expect(err).NotTo(HaveOccurred())
			if *update {
				g.Expect(os.WriteFile(file, got, 0o600)).To(Succeed())
			}
			want, err := os.ReadFile(file)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(string(got)).To(Equal(string(want)))
		})
	}
}

func everything(s *v1alpha1.CTRModelSpec) {
	s.Artifact = &v1alpha1.Artifact{
		Format: v1alpha1.FormatSklearn, SHA256: strings.Repeat("0", 64), SecretRef: &v1alpha1.SecretReference{Name: "s3"},
	}
	s.Resources = &v1alpha1.Resources{Limits: corev1.ResourceList{"cpu": resource.MustParse("2")}}
	s.Server = &v1alpha1.Server{
		MaxRequestSize: new(resource.MustParse("2Mi")), MaxBatchSize: new(int32(16)),
		ForwardTimeout:  &metav1.Duration{Duration: time.Second},
		MaxArtifactSize: new(resource.MustParse("10Mi")), StartupTimeout: &metav1.Duration{Duration: 90 * time.Second},
	}
	s.PodTemplate = &v1alpha1.PodTemplate{
		Labels:       map[string]string{"team": "search", v1alpha1.LabelModel: "not-this"},
		Annotations:  map[string]string{"note": "x"},
		NodeSelector: map[string]string{"disk": "ssd"},
		Tolerations:  []corev1.Toleration{{Key: "dedicated", Operator: corev1.TolerationOpExists, TolerationSeconds: new(int64(3))}},
		Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{{Weight: 1}},
		}},
		TopologySpreadConstraints: []corev1.TopologySpreadConstraint{
			{MaxSkew: 2, TopologyKey: "rack", WhenUnsatisfiable: corev1.DoNotSchedule},
		},
		PriorityClassName: "high", ServiceAccountName: "models",
		ImagePullSecrets: []corev1.LocalObjectReference{{Name: "registry"}},
	}
}

func TestPodsAreRestricted(t *testing.T) {
	g := NewWithT(t)
	pod := typed(t, rev(everything), Scale{Replicas: 1}).Spec.Template
	spec, c := pod.Spec, pod.Spec.Containers[0]
	g.Expect(*spec.SecurityContext.RunAsNonRoot).To(BeTrue())
	g.Expect(*spec.SecurityContext.RunAsUser).To(BeNumerically(">", 0))
	g.Expect(spec.SecurityContext.SeccompProfile.Type).To(Equal(corev1.SeccompProfileTypeRuntimeDefault))
	g.Expect(*spec.AutomountServiceAccountToken).To(BeFalse())
	g.Expect(*spec.EnableServiceLinks).To(BeFalse())
	g.Expect(*c.SecurityContext.ReadOnlyRootFilesystem).To(BeTrue())
	g.Expect(*c.SecurityContext.AllowPrivilegeEscalation).To(BeFalse())
	g.Expect(c.SecurityContext.Capabilities.Drop).To(ConsistOf(corev1.Capability("ALL")))
	g.Expect(pod.Labels).To(HaveKeyWithValue(v1alpha1.LabelModel, "search-ctr"), "own labels are not overridden")
}

// TestWayOut: a pod must have left the Services before it drains, and be killed only after it has.
func TestWayOut(t *testing.T) {
	g := NewWithT(t)
	spec := typed(t, rev(nil), Scale{Replicas: 1}).Spec.Template.Spec
	sleep := spec.Containers[0].Lifecycle.PreStop.Sleep.Seconds
	g.Expect(sleep).To(BeNumerically(">", 0))
	g.Expect(*spec.TerminationGracePeriodSeconds).To(BeNumerically(">", sleep+int64(drainTimeout.Seconds())))
	g.Expect(spec.Containers[0].Args).To(ContainElement("--drain-timeout=20s"))
}

// TestStartupProbeOutlastsTheServersOwnTimeout: it is the server that says why it did not start.
func TestStartupProbeOutlastsTheServersOwnTimeout(t *testing.T) {
	g := NewWithT(t)
	for _, timeout := range []time.Duration{time.Second, 5 * time.Minute, time.Hour} {
		d := typed(t, rev(func(s *v1alpha1.CTRModelSpec) {
			s.Server = &v1alpha1.Server{StartupTimeout: &metav1.Duration{Duration: timeout}}
		}), Scale{Replicas: 1})
		probe := d.Spec.Template.Spec.Containers[0].StartupProbe
		allowed := time.Duration(probe.PeriodSeconds*probe.FailureThreshold) * time.Second
		g.Expect(allowed).To(BeNumerically(">", timeout))
	}
}

func TestArguments(t *testing.T) {
	g := NewWithT(t)
	r := rev(func(s *v1alpha1.CTRModelSpec) {
		s.ArtifactURL = "https://example.com/$(HOME)?a=$b"
		s.Artifact = &v1alpha1.Artifact{SHA256: "ab"}
	})
	args := typed(t, r, Scale{Replicas: 1}).Spec.Template.Spec.Containers[0].Args
	g.Expect(args).To(ContainElements(
		"serve", "--model=search-ctr", "--model-type=LogisticRegression", "--revision-number=3", "--sha256=ab",
		"--revision=search-ctr--0123456789", "--traffic-file="+contract.TrafficDir+"/traffic.json",
		"--max-artifact-bytes=1073741824", "--max-request-bytes=1048576", "--max-batch-size=1024", "--forward-timeout=500ms",
		"--startup-timeout=5m0s", "--termination-log=/dev/termination-log", "--artifact-dir="+contract.ArtifactDir,
	))
	g.Expect(args).To(ContainElement("--artifact-url=https://example.com/$$(HOME)?a=$$b"),
		"the kubelet expands nothing that comes from the user")
}

func TestCredentials(t *testing.T) {
	g := NewWithT(t)
	env := typed(t, rev(everything), Scale{Replicas: 1}).Spec.Template.Spec.Containers[0].Env
	optional := map[string]bool{}
	for _, e := range env {
		if e.ValueFrom != nil {
			g.Expect(e.ValueFrom.SecretKeyRef.Name).To(Equal("s3"))
			g.Expect(e.ValueFrom.SecretKeyRef.Key).To(Equal(e.Name))
			optional[e.Name] = *e.ValueFrom.SecretKeyRef.Optional
		}
	}
	g.Expect(optional).To(Equal(map[string]bool{
		"AWS_ACCESS_KEY_ID": false, "AWS_SECRET_ACCESS_KEY": false, "AWS_SESSION_TOKEN": true, "AWS_REGION": true,
		"AWS_ENDPOINT_URL": true, "AWS_S3_ADDRESSING_STYLE": true,
	}))
	env = typed(t, rev(nil), Scale{Replicas: 1}).Spec.Template.Spec.Containers[0].Env
	g.Expect(slices.ContainsFunc(env, func(e corev1.EnvVar) bool { return e.ValueFrom != nil })).To(BeFalse())
}

func TestRetireAtIsReadBack(t *testing.T) {
	g := NewWithT(t)
	at := time.Date(2026, 11, 20, 12, 0, 7, 0, time.FixedZone("x", 3600))
	g.Expect(RetireAt(typed(t, rev(nil), Scale{Replicas: 1, RetireAt: at}))).To(BeTemporally("==", at))
	g.Expect(RetireAt(typed(t, rev(nil), Scale{Replicas: 1}))).To(BeZero())
	g.Expect(RetireAt(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{
		Annotations: map[string]string{v1alpha1.AnnotationRetireAt: "soon"},
	}})).To(BeZero())
}

func TestResources(t *testing.T) {
	cases := map[string]struct {
		given                        *v1alpha1.Resources
		cpu, cpuLimit, mem, memLimit string
	}{
		"nothing":          {nil, "100m", "1", "128Mi", "256Mi"},
		"a large request":  {given("cpu=3,memory=1Gi", ""), "3", "3", "1Gi", "1Gi"},
		"a small request":  {given("cpu=10m,memory=1Mi", ""), "10m", "1", "1Mi", "256Mi"},
		"a small limit":    {given("", "cpu=50m,memory=64Mi"), "50m", "50m", "64Mi", "64Mi"},
		"a large limit":    {given("", "cpu=8,memory=2Gi"), "100m", "8", "128Mi", "2Gi"},
		"both of one kind": {given("cpu=2", "cpu=4"), "2", "4", "128Mi", "256Mi"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			requests, limits := Resources(c.given)
			g.Expect([]string{
				requests.Cpu().String(), limits.Cpu().String(), requests.Memory().String(), limits.Memory().String(),
			}).To(Equal([]string{c.cpu, c.cpuLimit, c.mem, c.memLimit}))
		})
	}
	t.Run("others are handed through", func(t *testing.T) {
		g := NewWithT(t)
		requests, limits := Resources(given("ephemeral-storage=1Gi", "example.com/gpu=1"))
		g.Expect(requests).To(HaveKey(corev1.ResourceEphemeralStorage))
		g.Expect(limits).To(HaveKey(corev1.ResourceName("example.com/gpu")))
		g.Expect(requests).NotTo(HaveKey(corev1.ResourceName("example.com/gpu")))
	})
}

func given(requests, limits string) *v1alpha1.Resources {
	list := func(text string) corev1.ResourceList {
		out := corev1.ResourceList{}
		for part := range strings.SplitSeq(text, ",") {
			if name, q, ok := strings.Cut(part, "="); ok {
				out[corev1.ResourceName(name)] = resource.MustParse(q)
			}
		}
		return out
	}
	return &v1alpha1.Resources{Requests: list(requests), Limits: list(limits)}
}
