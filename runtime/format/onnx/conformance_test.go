package onnx

import (
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ctr-operator/ctr-operator/runtime/engine"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
	"github.com/ctr-operator/ctr-operator/test/fixtures"
)

// tolerance is how far from ONNX Runtime a probability may be.
const tolerance = 2e-6

// answers are what ONNX Runtime computes of the models that one script makes.
func answers(t testing.TB) map[string]fstest.MapFS {
	t.Helper()
	found, err := filepath.Glob(testdata + "/*.tar.xz")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]fstest.MapFS{}
	for _, path := range found {
		if filepath.Base(path) == "nodes.tar.xz" {
			continue
		}
		unpacked := fixtures.Folders(t, "onnx/"+strings.TrimSuffix(filepath.Base(path), ".tar.xz"))
		inputs := unpacked["inputs"]
		for name, files := range unpacked {
			if name == "inputs" {
				continue
			}
			set := string(files["set"].Data)
			for file, content := range inputs {
				if rest, ok := strings.CutPrefix(file, set+"/"); ok {
					files["inputs/"+rest] = content
				}
			}
			all[name] = files
		}
	}
	return all
}

// opened reads and compiles a fixture, which may be in the archive with its answers.
func opened(t testing.TB, name string, packed fstest.MapFS) *engine.Program {
	t.Helper()
	var root fs.FS = packed
	if packed == nil || packed["model.onnx"] == nil {
		root = os.DirFS(filepath.Join(testdata, name))
	}
	g, err := Read(t.Context(), root, "model.onnx", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	program, err := engine.Compile(t.Context(), g, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// Every model answers every row as ONNX Runtime does, in one batch and one by one.
func TestConformance(t *testing.T) {
	all := answers(t)
	var rows, models int
	var worst float64
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			program := opened(t, name, all[name])
			given := map[string]*tensor.Tensor{}
			for file := range all[name] {
				if strings.HasPrefix(file, "inputs/") {
					key, value := tensorFile(t, all[name], file)
					given[key] = value
				}
			}
			n := given[program.Inputs()[0].Name].Shape()[0]
			largest := checkRows(t, program, all[name], given, 0, n)
			// How long a row of tokens is depends on the others.
			for i := 0; i < n && name != "made-texts"; i += 7 {
				largest = max(largest, checkRows(t, program, all[name], given, i, i+1))
			}
			t.Logf("%d rows, the largest difference is %.3g", n, largest)
			models, rows, worst = models+1, rows+n, max(worst, largest)
		})
	}
	t.Logf("%d models, %d rows: the largest difference is %.3g", models, rows, worst)
	if models < 16 {
		t.Errorf("%d models are not all", models)
	}
}

// checkRows runs the rows from one on to before another, and returns the largest difference.
func checkRows(t *testing.T, program *engine.Program, files fstest.MapFS, given map[string]*tensor.Tensor, from, to int) float64 {
	t.Helper()
	run := program.Acquire()
	defer run.Release()
	for i, input := range program.Inputs() {
		all := given[input.Name]
		if all == nil {
			t.Fatalf("nothing for the input %s", input.Name)
		}
		run.Input(i).Copy(part(all, from, to))
	}
	if err := run.Do(); err != nil {
		t.Fatal(err)
	}
	largest := 0.0
	for i, output := range program.Outputs() {
		_, want := tensorFile(t, files, strings.ReplaceAll(output.Name, "/", "_")+".pb")
		want = part(want, from, to)
		got := run.Output(i)
		if got.DType() != want.DType() || !slices.Equal(got.Shape(), want.Shape()) {
			t.Fatalf("the output %s is %v, expected %v", output.Name, got, want)
		}
		var difference float64
		switch want.DType() {
		case tensor.Float32:
			difference = distance(tensor.Data[float32](got), tensor.Data[float32](want))
		case tensor.Float64:
			difference = distance(tensor.Data[float64](got), tensor.Data[float64](want))
		default:
			if err := near(got, want, 0, 0); err != nil {
				t.Errorf("rows from %d: the output %s: %v", from, output.Name, err)
			}
		}
		if difference > tolerance {
			t.Errorf("rows from %d: the output %s differs by %.3g", from, output.Name, difference)
		}
		largest = max(largest, difference)
	}
	return largest
}

// distance is the largest absolute difference; relative for what is larger than a probability.
func distance[T float32 | float64](got, want []T) float64 {
	largest := 0.0
	for i := range want {
		g, w := float64(got[i]), float64(want[i])
		if g == w || (math.IsNaN(g) && math.IsNaN(w)) {
			continue
		}
		d := math.Abs(g-w) / max(1, math.Abs(w))
		if math.IsNaN(d) {
			return math.Inf(1)
		}
		largest = max(largest, d)
	}
	return largest
}

// part are rows of a tensor.
func part(t *tensor.Tensor, from, to int) *tensor.Tensor {
	shape := append([]int{to - from}, t.Shape()[1:]...)
	n := tensor.Count(shape[1:])
	switch t.DType() {
	case tensor.Float32:
		return tensor.Of(tensor.Data[float32](t)[from*n:to*n], shape...)
	case tensor.Float64:
		return tensor.Of(tensor.Data[float64](t)[from*n:to*n], shape...)
	case tensor.Int64:
		return tensor.Of(tensor.Data[int64](t)[from*n:to*n], shape...)
	case tensor.Int32:
		return tensor.Of(tensor.Data[int32](t)[from*n:to*n], shape...)
	case tensor.Bool:
		return tensor.Of(tensor.Data[bool](t)[from*n:to*n], shape...)
	default:
		return tensor.Of(tensor.Data[string](t)[from*n:to*n], shape...)
	}
}

// Outputs say what they are, as far as the model tells.
func TestRoles(t *testing.T) {
	yes := []string{"0", "1"}
	cases := map[string]map[string]graph.Output{
		"sklearn-lr-opset9": {
			"output_label":       {Role: graph.Other},
			"output_probability": {Role: graph.Probability, Labels: yes},
		},
		"sklearn-lr-tensor":           {"label": {Role: graph.Other}, "probabilities": {Role: graph.Probability, Labels: yes}},
		"sklearn-lr-classes":          {"output_probability": {Role: graph.Probability, Labels: []string{"later", "no", "yes"}}},
		"sklearn-forest-classes":      {"probabilities": {Role: graph.Probability, Labels: []string{"later", "no", "yes"}}},
		"sklearn-calibrated":          {"label": {Role: graph.Other}, "probabilities": {Role: graph.Probability, Labels: yes}},
		"sklearn-ridge-double":        {"variable": {Role: graph.Unknown}},
		"torch-deepfm-script-opset17": {"click": {Role: graph.Probability}, "logits": {Role: graph.Unknown}},
		"sklearn-boosting-regressor":  {"variable": {Role: graph.Regression}},
	}
	for name, want := range cases {
		for _, output := range opened(t, name, nil).Outputs() {
			expected, ok := want[output.Name]
			if ok && (output.Role != expected.Role || !slices.Equal(output.Labels, expected.Labels)) {
				t.Errorf("%s: %s has the role %d and the labels %q, expected %d and %q",
					name, output.Name, output.Role, output.Labels, expected.Role, expected.Labels)
			}
			delete(want, output.Name)
		}
		if len(want) > 0 {
			t.Errorf("%s has no outputs %v", name, want)
		}
	}
}

// What ZipMap calls the classes is what ONNX Runtime's maps have.
func TestLabels(t *testing.T) {
	for name, files := range answers(t) {
		if files["labels"] == nil {
			continue
		}
		want := strings.Split(string(files["labels"].Data), "\n")
		found := false
		for _, output := range opened(t, name, nil).Outputs() {
			found = found || slices.Equal(output.Labels, want)
		}
		if !found {
			t.Errorf("%s: no output has the labels %q", name, want)
		}
	}
}

func TestDetect(t *testing.T) {
	paths, err := filepath.Glob(testdata + "/*/model.onnx")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no models: %v", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{64, 512, len(data)} {
			if !Detect(data[:min(n, len(data))]) {
				t.Errorf("%s: not known by its first %d bytes", path, n)
			}
		}
	}
	for _, other := range []string{
		"", "\x89HDF\r\n\x1a\n", "PK\x03\x04", "\x80\x04\x95", "\x08\x01\x12", "{}", "hello, world", string(make([]byte, 100)),
	} {
		if Detect([]byte(other)) {
			t.Errorf("%q is taken for a model", other)
		}
	}
	if saved, err := fs.Glob(os.DirFS("../../../test/testdata"), "*/*/saved_model.pb"); err == nil {
		for _, path := range saved {
			data, _ := os.ReadFile(filepath.Join("../../../test/testdata", path))
			if Detect(data[:min(512, len(data))]) {
				t.Errorf("%s is taken for a model", path)
			}
		}
	}
}

// A model of a map has an input for each of its keys, in the place of the map.
func TestDictionary(t *testing.T) {
	dictionary := message(1, "m", 2, message(5, message(1, elemString, 2, message(1, message(1, elemFloat)))))
	vocabulary := message(1, "string_vocabulary", 9, "price", 9, "📱", 20, attributeStrings)
	data := modelOf(11, dictionary, 1, nodeOf("ai.onnx.ml:DictVectorizer", "m", "v", vocabulary), 1, nodeOf("Neg", "v", "y"))
	g, err := Read(t.Context(), fstest.MapFS{"model.onnx": {Data: data}}, "model.onnx", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	program, err := engine.Compile(t.Context(), g, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	run := program.Acquire()
	defer run.Release()
	names := map[string]*tensor.Tensor{"x": tensor.New(tensor.Float32, 2, 2)}
	names["price"], names["📱"] = tensor.Of([]float32{1, 2}, 2, 1), tensor.Of([]float32{3, 4}, 2, 1)
	for i, input := range program.Inputs() {
		run.Input(i).Copy(names[input.Name])
		if input.Name != "x" && (input.Default == nil || input.Default.Len() != 1) {
			t.Errorf("the input %s has the default %v", input.Name, input.Default)
		}
	}
	if err := run.Do(); err != nil {
		t.Fatal(err)
	}
	if err := near(run.Output(0), tensor.Of([]float32{-1, -3, -2, -4}, 2, 2), 0, 0); err != nil {
		t.Error(err)
	}
}
