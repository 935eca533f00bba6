package serve

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// Every format is known by its content, proves itself, and is served under the CTR API.
func TestFormats(t *testing.T) {
	raw := `{"query":"人工智能","doc_id":"doc_240","position":4,"score":0.1337,"summary":"人工智能的发展历史和应用","timestamp":"2026-11-05T23:00:00"}`
	tensors := `{"wide":[0.699999988079071,0.125,0.0],"deep":[0.30000001192092896,0.30000001192092896,0.743399977684021,0.5203800201416016],` +
		`"query_hash":[80],"doc_hash":56,"position_group":[1]}`
	for dir, c := range map[string]struct{ kind, format, inputs, score string }{
		"widedeep/keras":      {"wide_and_deep", "tensorflow", tensors, "0.242514"},
		"widedeep/savedmodel": {"wide_and_deep", "tensorflow", tensors, "0.242514"},
		"widedeep/onnx":       {"wide_and_deep", "onnx", tensors, "0.242514"},
		"widedeep-bundle":     {"wide_and_deep", "tensorflow", raw, "0.718009"},
		"demo/v1":             {"logistic_regression", "pickle", strings.TrimSuffix(strings.TrimPrefix(inputs, `{"inputs":`), "}"), "0.6584"},
	} {
		t.Run(dir, func(t *testing.T) {
			r := start(t, config(t, store(t, bundle(t, dir, nil))))
			if _, body := get(t, r.rest+"/health"); !strings.Contains(body, `"model_type":"`+c.kind+`"`) {
				t.Errorf("got %s", body)
			}
			if _, body := get(t, r.rest+"/v1/models"); !strings.Contains(body, `"type":"`+c.format+`"`) {
				t.Errorf("got %s", body)
			}
			code, body := ask(t, "POST", r.rest+"/v1/models/m:predict", `{"inputs":`+c.inputs+`}`)
			if code != 200 || !strings.HasPrefix(body, `{"outputs":{"ctr_score":`+c.score) {
				t.Errorf("got %d %s, want %s", code, body, c.score)
			}
			code, batch := ask(t, "POST", r.rest+"/v1/models/m:batch_predict", fmt.Sprintf(`{"inputs":[%s,%s]}`, c.inputs, c.inputs))
			if one := strings.TrimSuffix(strings.TrimPrefix(body, `{"outputs":`), "}\n"); code != 200 || strings.Count(batch, one) != 2 {
				t.Errorf("got %d %s, want %s twice", code, batch, one)
			}
		})
	}
}

// What is declared and what is there must agree, and one score must be meant.
func TestFormatsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		dir    string
		more   map[string]string
		change func(*Config)
		reason contract.Reason
		words  string
	}{
		"a network declared linear": {
			"widedeep/onnx", nil, func(c *Config) { c.ModelType = "LogisticRegression" },
			contract.ReasonUnsupportedModel, "declare WideAndDeep",
		},
		"a pickle declared a network": {
			"demo/v1", nil, func(c *Config) { c.ModelType = "WideAndDeep" }, contract.ReasonUnsupportedModel, "declare LogisticRegression",
		},
		"another format": {
			"demo/v1", nil, func(c *Config) { c.ArtifactFormat = "onnx" },
			contract.ReasonArtifactMalformed, "no model of the format onnx in it, but model.pkl",
		},
		"three classes": {
			"demo/v1", map[string]string{
				"model.pkl": string(readFile(t, testdata+"hostile/three-classes.pkl")), "golden.jsonl": "{}",
			}, nil, contract.ReasonUnsupportedModel, "say which in a features.yaml",
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t, store(t, bundle(t, c.dir, c.more)))
			if c.change != nil {
				c.change(&cfg)
			}
			err := Run(t.Context(), cfg)
			var start *StartError
			if !errors.As(err, &start) || start.Reason != c.reason || !strings.Contains(start.Message, c.words) {
				t.Errorf("got %v, want %s: …%s…", err, c.reason, c.words)
			}
		})
	}
}
