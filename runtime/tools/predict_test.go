package tools

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// execute runs a command, and returns what it wrote to standard output.
func execute(t *testing.T, cmd *cobra.Command, in string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd.SetIn(strings.NewReader(in))
	cmd.SetOut(&out)
	cmd.SetErr(io.Discard)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// The lines of a bundle's golden.jsonl come out, whatever the batches are.
func TestPredictFile(t *testing.T) {
	file := testdata + "/demo/v1/golden.jsonl"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	golden := strings.Split(strings.TrimSpace(string(raw)), "\n")
	for _, size := range []string{"1", "3", "1000"} {
		out, err := execute(t, PredictCommand(), "", "--batch-size", size, testdata+"/demo/v1", file)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if len(lines) != len(golden) {
			t.Fatalf("%d lines of %d", len(lines), len(golden))
		}
		for i := range lines {
			type outputs struct {
				Outputs map[string]float64 `json:"outputs"`
			}
			var got, want outputs
			if json.Unmarshal([]byte(lines[i]), &got) != nil || json.Unmarshal([]byte(golden[i]), &want) != nil ||
				!(got.Outputs["ctr_score"]-want.Outputs["ctr_score"] < 1e-12) {
				t.Errorf("line %d: got %s, want %s", i+1, lines[i], golden[i])
			}
		}
	}
}

func TestPredictLines(t *testing.T) {
	one := oneInputs
	in := strings.Join([]string{
		one, "", `{"inputs":` + one + `}`, `{"query":"q"}`, "x", `{"query":"q","position":-1,"score":1,"summary":"s"}`, one,
	}, "\n")
	for _, size := range []string{"1", "2", "100"} {
		out, err := execute(t, PredictCommand(), in, "--batch-size", size, testdata+"/demo/v1")
		if err == nil || !strings.Contains(err.Error(), "could not be predicted: 3") {
			t.Errorf("got %v", err)
		}
		lines := strings.Split(strings.TrimSpace(out), "\n")
		for i, want := range []string{
			`{"outputs":{"ctr_score":0.658`, `{"outputs":{"ctr_score":0.658`, `inputs.position: is required, and must be a number","line":4}`,
			`"line":5}`, `{"error":"inputs.position: must not be -1: 1/(position+1) is one of the model's features","line":6}`,
			`{"outputs":{"ctr_score":0.658`,
		} {
			if !strings.Contains(lines[i], want) {
				t.Errorf("batches of %s: got %s, want …%s…", size, lines[i], want)
			}
		}
	}
}

func TestPredictAllScores(t *testing.T) {
	features := `{"features":[0,1]}`
	path := testdata + "/hostile/three-classes.pkl"
	if _, err := execute(t, PredictCommand(), features, path); err == nil || !strings.Contains(err.Error(), "--all-scores") {
		t.Errorf("got %v", err)
	}
	out, err := execute(t, PredictCommand(), features, path, "-", "--all-scores")
	var got struct{ Outputs map[string]float64 }
	if err != nil || json.Unmarshal([]byte(out), &got) != nil || len(got.Outputs) != 3 {
		t.Errorf("got %s, %v", out, err)
	}
}

func TestPredictUsage(t *testing.T) {
	for args, want := range map[string]string{
		"":                                 "PATH is required",
		"absent":                           "there is no such artifact",
		testdata + "/demo/v1 absent.jsonl": "no such file",
		"--batch-size 0 " + testdata:       "at least 1",
		"--model-type DeepFM " + testdata:  "DeepFM",
		"--artifact-format h5 " + testdata: "supported are sklearn",
		"--url http://127.0.0.1:1":         "--model is required",
		"--model m a b":                    "quote the JSON",
	} {
		if _, err := execute(t, PredictCommand(), "", strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want …%s…", args, err, want)
		}
	}
}

func TestInspect(t *testing.T) {
	out, err := execute(t, InspectCommand(), "", testdata+"/demo/v1")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"format ", "sklearn", "model.pkl", "golden.jsonl", "preset ctr-12", "StandardScaler", "49", "query ", "doc_id ", "false", "[12]", "ctr_score"} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
	out, err = execute(t, InspectCommand(), "", "-o", "json", testdata+"/demo/v1")
	var got inspection
	if err != nil || json.Unmarshal([]byte(out), &got) != nil || !got.Served || got.Artifact.Format != "sklearn" ||
		len(got.Signature.Fields) != 5 || got.Signature.Features != 12 || got.Signature.Score != "ctr_score" {
		t.Errorf("%v: %s", err, out)
	}
	for _, form := range []string{"table", "json"} {
		out, err = execute(t, InspectCommand(), "", "-o", form, testdata+"/hostile/random-forest.pkl")
		if err == nil || !strings.Contains(out, "RandomForestClassifier") || !strings.Contains(out, "UnsupportedModel") {
			t.Errorf("%v: %s", err, out)
		}
		out, err = execute(t, InspectCommand(), "", "-o", form, testdata+"/hostile/three-classes.pkl")
		if err == nil || !strings.Contains(out, "has 3 scores") {
			t.Errorf("%v: %s", err, out)
		}
	}
	if _, err := execute(t, InspectCommand(), "", "-o", "yaml", testdata); err == nil {
		t.Error("YAML is written")
	}
}

// A million lines go through in the memory of a batch.
func BenchmarkPredictLines(b *testing.B) {
	m := filepath.Join(testdata, "demo", "v1")
	var in strings.Builder
	for range 1000 {
		fmt.Fprintln(&in, oneInputs)
	}
	for b.Loop() {
		cmd := PredictCommand()
		cmd.SetIn(strings.NewReader(in.String()))
		cmd.SetOut(io.Discard)
		cmd.SetArgs([]string{m})
		if err := cmd.Execute(); err != nil {
			b.Fatal(err)
		}
	}
}

// changed is a copy of a bundle in which texts of its model's file are replaced by others of the same length.
func changed(t *testing.T, dir, file string, texts ...string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, file), []byte(strings.NewReplacer(texts...).Replace(string(content))), 0o644); err != nil {
		t.Fatal(err)
	}
	return to
}

// Of an artifact that is not supported all is listed that is missing, not only the first.
func TestInspectListsWhatIsUnsupported(t *testing.T) {
	for path, want := range map[string][]string{
		changed(t, testdata+"/widedeep/onnx", "model.onnx", "Gather", "Gathex", "Sigmoid", "Sigmoix"): {
			"operator Gathex (3)", "operator Sigmoix (1)",
		},
		changed(t, testdata+"/widedeep/savedmodel", "saved_model.pb", "BiasAdd", "BiasAdx", "Relu", "Relx"): {
			"operator BiasAdx (3)", "operator Relx (2)",
		},
		changed(t, testdata+"/widedeep/keras", "model.h5", `"Dropout"`, `"Dropoux"`, `"Concatenate"`, `"Concatenatx"`): {
			`layer "concatenate" (Concatenatx)`, `layer "concatenate_1" (Concatenatx)`, `layer "dropout" (Dropoux)`, `layer "dropout_1" (Dropoux)`,
		},
	} {
		out, err := execute(t, InspectCommand(), "", "-o", "json", path)
		var got inspection
		if err == nil || json.Unmarshal([]byte(out), &got) != nil || got.Served || got.Problem.Reason != "UnsupportedModel" ||
			strings.Join(got.Problem.Unsupported, "\n") != strings.Join(want, "\n") {
			t.Errorf("%v: got %s, want %q", err, out, want)
		}
	}
}
