package envtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// edit changes a manifest, given as what YAML decodes to.
type edit func(spec map[string]any)

// set puts a value at a path below spec.
func set(value any, path ...string) edit {
	return func(spec map[string]any) {
		Expect(unstructured.SetNestedField(spec, value, path...)).To(Succeed())
	}
}

func without(path ...string) edit {
	return func(spec map[string]any) { unstructured.RemoveNestedField(spec, path...) }
}

func manifest(name, namespace string, edits ...edit) *unstructured.Unstructured {
	spec := map[string]any{"modelType": "LogisticRegression", "artifactURL": v1}
	for _, e := range edits {
		e(spec)
	}
	u := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	u.SetGroupVersionKind(schema.GroupVersionKind{
		Group: "serving.ctr-operator.dev", Version: "v1alpha1", Kind: "CTRModel",
	})
	u.SetName(name)
	u.SetNamespace(namespace)
	return u
}

// dryRun has the apiserver judge a manifest, with strict field validation, and fill in what it would.
func dryRun(ctx context.Context, u *unstructured.Unstructured) error {
	return direct.Create(ctx, u, client.DryRunAll, client.FieldValidation("Strict"))
}

var _ = Describe("The schema", func() {
	DescribeTable("refuses, naming the field", func(ctx SpecContext, message string, edits ...edit) {
		err := dryRun(ctx, manifest(modelName, "default", edits...))
		Expect(err).To(MatchError(ContainSubstring(message)))
		Expect(err).NotTo(MatchError(ContainSubstring("evaluation error")))
	},
		Entry("no modelType", "spec.modelType: Required", without("modelType")),
		Entry("an unknown modelType", `spec.modelType: Unsupported value: "RandomForest"`, set("RandomForest", "modelType")),
		Entry("no artifactURL", "spec.artifactURL: Required", without("artifactURL")),
		Entry("an empty artifactURL", "spec.artifactURL", set("", "artifactURL")),
		Entry("a path as URL", "artifactURL must start with s3://", set("/models/1.pkl", "artifactURL")),
		Entry("a URL without a scheme", "artifactURL must start with s3://", set("models.example.com/1.pkl", "artifactURL")),
		Entry("another scheme", "artifactURL must start with s3://", set("file:///etc/passwd", "artifactURL")),
		Entry("a scheme in capitals", "artifactURL must start with s3://", set("HTTPS://example.com/x", "artifactURL")),
		Entry("a password", "artifactURL must not contain a user name or password",
			set("https://user:secret@example.com/x", "artifactURL")),
		Entry("a user in s3", "artifactURL must not contain a user name or password", set("s3://key:secret@bucket/x", "artifactURL")),
		Entry("..", "artifactURL must not contain '..'", set("s3://bucket/a/../b", "artifactURL")),
		Entry("an encoded ..", "artifactURL must not contain '..'", set("https://example.com/%2E./b", "artifactURL")),
		Entry("a space", "artifactURL must not contain spaces", set("https://example.com/a b", "artifactURL")),
		Entry("a line break", "artifactURL must not contain spaces", set("https://example.com/a\nb", "artifactURL")),
		Entry("no host", "artifactURL must name a host", set("https:///x", "artifactURL")),
		Entry("a password, encoded", "artifactURL must name a host", set("https://user%3Asecret%40example.com/x", "artifactURL")),
		Entry("half an IPv6 host", "artifactURL must name a host", set("https://[fd00::1/x", "artifactURL")),
		Entry("a port without a host", "artifactURL must name a host", set("http://:80/x", "artifactURL")),
		Entry("a bucket alone", "artifactURL must name a bucket", set("s3://bucket", "artifactURL")),
		Entry("no bucket", "artifactURL must name a bucket", set("s3:///key", "artifactURL")),
		Entry("no bucket, but an @", "artifactURL must name a bucket", set("s3:///key@2", "artifactURL")),
		Entry("data without data", "artifactURL must hold data", set("data:;base64,", "artifactURL")),
		Entry("a long URL", "artifactURL must be at most 2048", set("https://example.com/"+strings.Repeat("a", 2048), "artifactURL")),
		Entry("much data", "spec.artifactURL: Too long", set("data:,"+strings.Repeat("a", 16384), "artifactURL")),
		Entry("a digest of another length", "artifact.sha256 must be 64", set("abc", "artifact", "sha256")),
		Entry("a digest in capitals", "artifact.sha256 must be 64", set(strings.Repeat("A", 64), "artifact", "sha256")),
		Entry("a format that nobody writes", `spec.artifact.format: Unsupported value: "pmml"`, set("pmml", "artifact", "format")),
		Entry("credentials for http", "artifact.secretRef holds S3 credentials",
			set("s3", "artifact", "secretRef", "name")),
		Entry("a Secret without a name", "spec.artifact.secretRef.name: Required",
			set("s3://bucket/x", "artifactURL"), set(map[string]any{}, "artifact", "secretRef")),
		Entry("a Secret with an impossible name", "secretRef.name must be the name of a Secret",
			set("s3://bucket/x", "artifactURL"), set("My_Secret", "artifact", "secretRef", "name")),
		Entry("a weight of 101", "spec.canaryWeight: Invalid value: 101", set(int64(101), "canaryWeight")),
		Entry("a weight of -1", "spec.canaryWeight", set(int64(-1), "canaryWeight")),
		Entry("no replicas", "spec.replicas: Invalid value: 0", set(int64(0), "replicas")),
		Entry("a request above its limit", "resources.requests must not be more than resources.limits",
			set("2", "resources", "requests", "cpu"), set("1500m", "resources", "limits", "cpu")),
		Entry("a request of nothing", "resources.requests must be more than zero", set("0", "resources", "requests", "memory")),
		Entry("a negative limit", "resources.limits must be more than zero", set("-1", "resources", "limits", "memory")),
		Entry("a request that is no quantity", "spec.resources.requests.memory", set("lots", "resources", "requests", "memory")),
		Entry("requests of no size", "server.maxRequestSize must be between", set("0", "server", "maxRequestSize")),
		Entry("huge requests", "server.maxRequestSize must be between", set("2Gi", "server", "maxRequestSize")),
		Entry("no batch", "spec.server.maxBatchSize", set(int64(0), "server", "maxBatchSize")),
		Entry("no patience", "server.forwardTimeout must be a duration", set("0s", "server", "forwardTimeout")),
		Entry("much patience", "server.forwardTimeout must be a duration", set("2m", "server", "forwardTimeout")),
		Entry("a number as duration", "server.forwardTimeout must be a duration", set("500", "server", "forwardTimeout")),
		Entry("a duration in days", "server.startupTimeout must be a duration", set("1 day", "server", "startupTimeout")),
		Entry("a day", "server.startupTimeout must be a duration", set("24h", "server", "startupTimeout")),
		Entry("artifacts of no size", "server.maxArtifactSize must be between", set("10", "server", "maxArtifactSize")),
		Entry("the operator's label", "podTemplate.labels must not set",
			set("x", "podTemplate", "labels", "serving.ctr-operator.dev/model")),
		Entry("the instance label", "podTemplate.labels must not set", set("x", "podTemplate", "labels", "app.kubernetes.io/instance")),
		Entry("the operator's annotation", "podTemplate.annotations must not set",
			set("x", "podTemplate", "annotations", "serving.ctr-operator.dev/traffic")),
		Entry("no sticky key", "traffic.stickiness must have either", set(map[string]any{}, "traffic", "stickiness")),
		Entry("two sticky keys", "traffic.stickiness must have either",
			set(map[string]any{"header": "X-User", "field": "query"}, "traffic", "stickiness")),
		Entry("a header that is none", "traffic.stickiness.header must be", set("X User", "traffic", "stickiness", "header")),
		Entry("an unknown field", `unknown field "spec.canaryWieght"`, set(int64(1), "canaryWieght")),
	)

	DescribeTable("accepts", func(ctx SpecContext, edits ...edit) {
		Expect(dryRun(ctx, manifest(modelName, "default", edits...))).To(Succeed())
	},
		Entry("http with a port", set("http://models.svc:8080/1.pkl", "artifactURL")),
		Entry("an IPv6 host", set("http://[fd00::1]:8080/1.pkl", "artifactURL")),
		Entry("a query with @ and a signature", set("https://example.com/1.pkl?sig=a%2Fb@c", "artifactURL")),
		Entry("an @ in an s3 key", set("s3://bucket/team@example.com/1.pkl", "artifactURL")),
		Entry("a whole bucket", set("s3://bucket/", "artifactURL")),
		Entry("data", set("data:application/octet-stream;base64,gASVAA==", "artifactURL")),
		Entry("16 KiB of data", set("data:,"+strings.Repeat("a", 16378), "artifactURL")),
		Entry("a dot and a dot", set("s3://bucket/v1.2/a.b.pkl", "artifactURL")),
		Entry("a network", set("WideAndDeep", "modelType")),
		Entry("a format", set("onnx", "artifact", "format")),
		Entry("a digest", set(strings.Repeat("0f", 32), "artifact", "sha256")),
		Entry("a Secret for s3", set("s3://bucket/x", "artifactURL"), set("my.secret-1", "artifact", "secretRef", "name")),
		Entry("weight 0", set(int64(0), "canaryWeight")),
		Entry("weight 100", set(int64(100), "canaryWeight")),
		Entry("a request alone", set("8Gi", "resources", "requests", "memory")),
		Entry("a quantity as number", set(int64(2), "resources", "limits", "cpu")),
		Entry("a request equal to its limit", set("1000m", "resources", "requests", "cpu"), set(int64(1), "resources", "limits", "cpu")),
		Entry("a composed duration", set("1m30s", "server", "startupTimeout")),
		Entry("a size as number", set(int64(65536), "server", "maxRequestSize")),
		Entry("labels of the user's", set("search", "podTemplate", "labels", "team")),
		Entry("a sticky field", set("query", "traffic", "stickiness", "field")),
	)

	DescribeTable("holds names to what a Service can be called", func(ctx SpecContext, name, message string) {
		err := dryRun(ctx, manifest(name, "default"))
		if message == "" {
			Expect(err).NotTo(HaveOccurred())
		} else {
			Expect(err).To(MatchError(ContainSubstring(message)))
		}
	},
		Entry("63 characters", strings.Repeat("a", 63), ""),
		Entry("64 characters", strings.Repeat("a", 64), "metadata.name must be at most 63"),
		Entry("a digit first", "1st", "metadata.name must be at most 63"),
		Entry("a dot", "a.b", "metadata.name must be at most 63"),
		Entry("a pair of dashes", "a--b", "metadata.name must not contain '--'"),
	)

	It("fills in the defaults", func(ctx SpecContext) {
		u := manifest(modelName, "default")
		Expect(dryRun(ctx, u)).To(Succeed())
		spec, _, err := unstructured.NestedMap(u.Object, "spec")
		Expect(err).NotTo(HaveOccurred())
		Expect(spec).To(Equal(map[string]any{
			"modelType":   "LogisticRegression",
			"artifactURL": v1,
			"replicas":    int64(1),
			"server": map[string]any{
				"maxRequestSize": "1Mi", "maxBatchSize": int64(1024), "forwardTimeout": "500ms",
				"maxArtifactSize": "1Gi", "startupTimeout": "5m",
			},
		}))
	})

	It("takes the samples, by server-side apply", func(ctx SpecContext) {
		files, err := filepath.Glob("../../config/samples/*.yaml")
		Expect(err).NotTo(HaveOccurred())
		kinds := map[string]int{}
		for _, file := range files {
			if filepath.Base(file) == "kustomization.yaml" {
				continue
			}
			for _, u := range decode(file) {
				u.SetNamespace("default")
				Expect(direct.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.DryRunAll,
					client.FieldOwner("spec"))).To(Succeed(), file)
				kinds[u.GetKind()]++
			}
		}
		Expect(kinds).To(Equal(map[string]int{"CTRModel": 9, "Secret": 1}))
	})
})

// decode reads the manifests of a file.
func decode(file string) []*unstructured.Unstructured {
	GinkgoHelper()
	f, err := os.Open(file)
	Expect(err).NotTo(HaveOccurred())
	defer f.Close()
	var out []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(f, 4096)
	for {
		u := &unstructured.Unstructured{}
		if err := decoder.Decode(u); err != nil {
			Expect(err).To(MatchError("EOF"), fmt.Sprint(file))
			return out
		}
		out = append(out, u)
	}
}
