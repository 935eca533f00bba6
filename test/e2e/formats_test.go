package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"

	servingv1alpha1 "github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/test/harness"
)

// networks has one trained network in the form of each framework.
const networks = "test/testdata/widedeep/"

// networkTolerance is how far single-precision arithmetic in another order may lead.
const networkTolerance = 2e-6

// example is a line of golden.jsonl.
type example struct {
	Inputs  json.RawMessage    `json:"inputs"`
	Outputs map[string]float64 `json:"outputs"`
}

var _ = Describe("One Wide & Deep network", Label("formats"), func() {
	forms := []string{"keras", "savedmodel", "onnx"}

	It("is served from its Keras, SavedModel and ONNX forms, as the samples say, and they are equal", func(ctx SpecContext) {
		var first []float64
		for _, form := range forms {
			s := newScene(ctx, "wide-deep-"+form)
			bundle := networks + form
			url, err := h.PutBundle(ctx, "e2e/widedeep/"+form, bundle)
			Expect(err).NotTo(HaveOccurred())
			s.create(ctx, s.sample(form, url))
			s.eventually(ctx, form+" serves", harness.Ready(), harness.Stable(1))

			examples := golden(bundle)
			got := s.predictBatch(ctx, examples)
			for i, example := range examples {
				Expect(got[i]).To(BeNumerically("~", example.Outputs["ctr_score"], networkTolerance),
					"%s, line %d: %s", form, i+1, example.Inputs)
			}
			if first == nil {
				first = got
			}
			Expect(got).To(HaveLen(len(first)))
			for i := range got {
				Expect(got[i]).To(BeNumerically("~", first[i], networkTolerance), "%s and %s, line %d", form, forms[0], i+1)
			}
		}
	}, SpecTimeout(3*time.Minute))

	It("takes the fields that its features are made of, with the scalers beside it", func(ctx SpecContext) {
		const bundle = "test/testdata/widedeep-bundle"
		url, err := h.PutBundle(ctx, "e2e/widedeep/fields", bundle)
		Expect(err).NotTo(HaveOccurred())
		s := newScene(ctx, "wide-deep-fields")
		s.create(ctx, s.sample("keras", url))
		s.eventually(ctx, "the bundle serves", harness.Ready(), harness.Stable(1))
		examples := golden(bundle)
		for i, got := range s.predictBatch(ctx, examples) {
			Expect(got).To(BeNumerically("~", examples[i].Outputs["ctr_score"], networkTolerance), "line %d: %s", i+1, examples[i].Inputs)
		}
	}, SpecTimeout(2*time.Minute))

	It("is refused where the manifest says another format or type", func(ctx SpecContext) {
		url, err := h.PutBundle(ctx, "e2e/widedeep/refused", networks+"onnx")
		Expect(err).NotTo(HaveOccurred())
		for _, wrong := range []func(*servingv1alpha1.CTRModelSpec){
			func(spec *servingv1alpha1.CTRModelSpec) { spec.Artifact.Format = servingv1alpha1.FormatKeras },
			func(spec *servingv1alpha1.CTRModelSpec) { spec.ModelType = servingv1alpha1.ModelLogisticRegression },
		} {
			s := newScene(ctx, "refused")
			m := s.sample("onnx", url)
			wrong(&m.Spec)
			s.create(ctx, m)
			s.eventually(ctx, "the model is refused", harness.Condition("Ready", "False", ""),
				func(m *servingv1alpha1.CTRModel) string {
					for _, condition := range m.Status.Conditions {
						if condition.Reason == "ArtifactMalformed" || condition.Reason == "UnsupportedModel" {
							return ""
						}
					}
					return "no condition says what is wrong with the artifact"
				})
		}
	}, SpecTimeout(3*time.Minute))
})

// sample is the manifest of config/samples, with the artifact where the tests have it.
func (s *scene) sample(name, url string) *servingv1alpha1.CTRModel {
	GinkgoHelper()
	manifest, err := os.ReadFile(filepath.Join(h.Root, "config/samples", name+".yaml"))
	Expect(err).NotTo(HaveOccurred())
	m := &servingv1alpha1.CTRModel{}
	Expect(yaml.UnmarshalStrict(manifest, m)).To(Succeed())
	plain := s.model(url)
	m.Namespace, m.Name = s.key.Namespace, s.key.Name
	m.Spec.ArtifactURL, m.Spec.Resources = url, plain.Spec.Resources
	m.Spec.Artifact.SecretRef = plain.Spec.Artifact.SecretRef
	return m
}

// golden reads the golden predictions of a bundle.
func golden(bundle string) []example {
	GinkgoHelper()
	content, err := os.ReadFile(filepath.Join(h.Root, bundle, "golden.jsonl"))
	Expect(err).NotTo(HaveOccurred())
	var examples []example
	for scanner := bufio.NewScanner(bytes.NewReader(content)); scanner.Scan(); {
		var e example
		Expect(json.Unmarshal(scanner.Bytes(), &e)).To(Succeed())
		examples = append(examples, e)
	}
	Expect(examples).NotTo(BeEmpty())
	return examples
}

// predictBatch asks for all predictions in one request.
func (s *scene) predictBatch(ctx context.Context, examples []example) []float64 {
	GinkgoHelper()
	inputs := make([]string, len(examples))
	for i, e := range examples {
		inputs[i] = string(e.Inputs)
	}
	got := s.post(ctx, "/v1/models/"+s.key.Name+":batch_predict", `{"inputs": [`+strings.Join(inputs, ",")+`]}`)
	Expect(got.Status).To(Equal(http.StatusOK), got.Body)
	var answer struct {
		Outputs []map[string]float64 `json:"outputs"`
	}
	Expect(json.Unmarshal([]byte(got.Body), &answer)).To(Succeed(), got.Body)
	Expect(answer.Outputs).To(HaveLen(len(examples)))
	scores := make([]float64, len(examples))
	for i, output := range answer.Outputs {
		scores[i] = output["ctr_score"]
	}
	return scores
}
