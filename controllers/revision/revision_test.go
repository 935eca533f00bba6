package revision

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
)

var image = Image{Ref: "runtime:1", PullPolicy: corev1.PullIfNotPresent}

func spec(url string) v1alpha1.CTRModelSpec {
	return v1alpha1.CTRModelSpec{ModelType: v1alpha1.ModelLogisticRegression, ArtifactURL: url}
}

func stored(number int64, url string, with Image) Revision {
	user := UserPart(spec(url))
	return Revision{Name: Name("m", user, with), Snapshot: Snapshot{Number: number, User: user, Image: with}}
}

func TestUserPartIsWhatShapesPods(t *testing.T) {
	base := spec("s3://b/1")
	cases := map[string]struct {
		change func(*v1alpha1.CTRModelSpec)
		same   bool
	}{
		"weight":   {func(s *v1alpha1.CTRModelSpec) { s.CanaryWeight = new(int32(3)) }, true},
		"replicas": {func(s *v1alpha1.CTRModelSpec) { s.Replicas = new(int32(3)) }, true},
		"traffic":  {func(s *v1alpha1.CTRModelSpec) { s.Traffic = &v1alpha1.Traffic{} }, true},
		"empty struct": {func(s *v1alpha1.CTRModelSpec) {
			s.Artifact, s.PodTemplate = &v1alpha1.Artifact{}, &v1alpha1.PodTemplate{}
		}, true},
		"empty maps": {func(s *v1alpha1.CTRModelSpec) {
			s.PodTemplate = &v1alpha1.PodTemplate{Labels: map[string]string{}, Tolerations: []corev1.Toleration{}}
			s.Resources = &v1alpha1.Resources{Limits: corev1.ResourceList{}}
		}, true},
		"defaults spelled out": {func(s *v1alpha1.CTRModelSpec) {
			s.Server = &v1alpha1.Server{ForwardTimeout: &metav1.Duration{Duration: 500 * time.Millisecond}}
		}, true},
		"another spelling": {func(s *v1alpha1.CTRModelSpec) {
			s.Server = &v1alpha1.Server{MaxRequestSize: new(resource.MustParse("1024Ki"))}
		}, true},
		"url":    {func(s *v1alpha1.CTRModelSpec) { s.ArtifactURL = "s3://b/2" }, false},
		"digest": {func(s *v1alpha1.CTRModelSpec) { s.Artifact = &v1alpha1.Artifact{SHA256: "00"} }, false},
		"server": {func(s *v1alpha1.CTRModelSpec) { s.Server = &v1alpha1.Server{MaxBatchSize: new(int32(1))} }, false},
		"resources": {func(s *v1alpha1.CTRModelSpec) {
			s.Resources = &v1alpha1.Resources{Limits: corev1.ResourceList{"cpu": resource.MustParse("2")}}
		}, false},
		"pod template": {func(s *v1alpha1.CTRModelSpec) { s.PodTemplate = &v1alpha1.PodTemplate{PriorityClassName: "x"} }, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			changed := *base.DeepCopy()
			c.change(&changed)
			g.Expect(UserPart(base).Equal(UserPart(changed))).To(Equal(c.same))
			g.Expect(Name("m", UserPart(base), image) == Name("m", UserPart(changed), image)).To(Equal(c.same))
		})
	}
}

func TestSnapshotsOfAnOlderOperatorStillFit(t *testing.T) {
	g := NewWithT(t)
	old, err := Decode("m--x", []byte(`{"number":3,"user":{"modelType":"LogisticRegression","artifactURL":"s3://b/1"},"image":{"ref":"old"}}`))
	g.Expect(err).NotTo(HaveOccurred())
	target, isNew := Resolve("m", spec("s3://b/1"), image, []Revision{old}, 3)
	g.Expect(isNew).To(BeFalse())
	g.Expect(target.Name).To(Equal("m--x"))
	g.Expect(target.Image.Ref).To(Equal("old"), "an upgrade of the operator restarts nothing")
}

func TestResolve(t *testing.T) {
	one, two := stored(1, "s3://b/1", image), stored(2, "s3://b/2", image)
	twoAgain := stored(5, "s3://b/2", Image{Ref: "runtime:2"})
	cases := map[string]struct {
		url       string
		known     []Revision
		latest    int64
		preferred []string
		number    int64
		isNew     bool
	}{
		"first":                       {"s3://b/1", nil, 0, nil, 1, true},
		"existing":                    {"s3://b/1", []Revision{one, two}, 2, nil, 1, false},
		"next":                        {"s3://b/3", []Revision{one, two}, 2, nil, 3, true},
		"never a number again":        {"s3://b/3", []Revision{one}, 9, nil, 10, true},
		"newest of equals":            {"s3://b/2", []Revision{twoAgain, two}, 5, nil, 5, false},
		"the one with pods of equals": {"s3://b/2", []Revision{twoAgain, two}, 5, []string{two.Name}, 2, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			target, isNew := Resolve("m", spec(c.url), image, c.known, c.latest, c.preferred...)
			g.Expect(target.Number).To(Equal(c.number))
			g.Expect(isNew).To(Equal(c.isNew))
			g.Expect(target.User.ArtifactURL).To(Equal(c.url))
		})
	}
}

func TestDerivedNames(t *testing.T) {
	g := NewWithT(t)
	long := strings.Repeat("a", 60)
	names := map[string]bool{}
	for _, model := range []string{long + "b", long + "c", long[:51], long[:50], "a", long[:50] + "-bcd"} {
		for _, part := range []string{"traffic", "revision"} {
			name := DerivedName(model, part)
			g.Expect(name).To(MatchRegexp(`^[a-z][-a-z0-9]*[a-z0-9]$`))
			g.Expect(len(name)).To(BeNumerically("<=", 63))
			g.Expect(name).To(ContainSubstring("--"), "so that it is no model's name")
			g.Expect(names).NotTo(HaveKey(name))
			names[name] = true
		}
	}
	g.Expect(DerivedName("a", "bc")).NotTo(Equal(DerivedName("a", "b", "c")))
	g.Expect(DerivedName("a", "b")).To(Equal("a--vb6tsulv3q"), "names that exist in clusters do not change")
}

func TestEncodeAndDecode(t *testing.T) {
	g := NewWithT(t)
	rev := stored(7, "s3://b/1", image)
	data, err := rev.Encode()
	g.Expect(err).NotTo(HaveOccurred())
	cr := &appsv1.ControllerRevision{ObjectMeta: metav1.ObjectMeta{Name: rev.Name}, Data: runtime.RawExtension{Raw: data}}
	back, err := FromControllerRevision(cr)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(json.Marshal(back)).To(MatchJSON(must(json.Marshal(rev))))
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{
		Name: rev.Name, Annotations: map[string]string{v1alpha1.AnnotationSnapshot: string(data)},
	}}
	back, err = FromDeployment(d)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(back.User.Equal(rev.User)).To(BeTrue())

	for _, foreign := range []string{"", "{}", "[]", `{"number":0}`, `{"number":1,"user":{"artifactURL":"x"}}`} {
		_, err := Decode("x", []byte(foreign))
		g.Expect(err).To(MatchError(ErrForeign), foreign)
	}
}

func TestExpired(t *testing.T) {
	g := NewWithT(t)
	var known []Revision
	for n := range int64(14) {
		known = append(known, Revision{Name: string(rune('a' + n)), Snapshot: Snapshot{Number: n + 1}})
	}
	g.Expect(Expired(known[:10])).To(BeEmpty())
	g.Expect(Expired(known, "a", "n")).To(HaveExactElements(HaveField("Name", "c"), HaveField("Name", "b")))
	g.Expect(known[0].Number).To(BeEquivalentTo(1), "the argument is not reordered")
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
