package keras_test

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/engine"
	"github.com/ctr-operator/ctr-operator/runtime/format/keras"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// folder has what hack/fixtures/keras_models.py writes.
const folder = "../../../test/testdata/keras"

// tolerance is for numbers up to 1, and relative for larger ones.
const tolerance = 2e-6

// packed is an array as the fixtures have it.
type packed struct {
	Name, DType   string
	Shape         []int
	Bytes, Planes string
	Values        []json.RawMessage
}

// answers are a model's inputs, by the names of the shared ones, and what Keras says.
type answers struct {
	Inputs  map[string]string
	Outputs []packed
}

func unzip(t testing.TB, name string) []byte {
	t.Helper()
	file, err := os.Open(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	in, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func decode[T any](t testing.TB, name string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(unzip(t, name), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// floats are an array's numbers, whatever type they are of.
func (p *packed) floats(t testing.TB) []float64 {
	t.Helper()
	if p.Bytes == "" && p.Planes == "" {
		out := make([]float64, len(p.Values))
		for i, raw := range p.Values {
			switch string(raw) {
			case "true":
				out[i] = 1
			case "false":
			default:
				if err := json.Unmarshal(raw, &out[i]); err != nil {
					t.Fatal(err)
				}
			}
		}
		return out
	}
	raw, err := hex.DecodeString(p.Bytes + p.Planes)
	if err != nil {
		t.Fatal(err)
	}
	size := 4
	if p.DType == "float64" {
		size = 8
	}
	n := len(raw) / size
	out := make([]float64, n)
	for i := range out {
		var bits uint64
		for k := range size {
			if p.Planes != "" {
				bits |= uint64(raw[k*n+i]) << (8 * k)
			} else {
				bits |= uint64(raw[i*size+k]) << (8 * k)
			}
		}
		if size == 4 {
			out[i] = float64(math.Float32frombits(uint32(bits)))
		} else {
			out[i] = math.Float64frombits(bits)
		}
	}
	return out
}

func (p *packed) ints(t testing.TB) []int64 {
	t.Helper()
	out := make([]int64, len(p.Values))
	for i, raw := range p.Values {
		if err := json.Unmarshal(raw, &out[i]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func (p *packed) strings(t testing.TB) []string {
	t.Helper()
	out := make([]string, len(p.Values))
	for i, raw := range p.Values {
		if err := json.Unmarshal(raw, &out[i]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// fill gives an input the rows of a shared array, as Keras was given them.
func fill(t testing.TB, to *tensor.Tensor, input graph.Input, from *packed) {
	t.Helper()
	shape, dtype := from.Shape, input.DType
	if len(input.Shape) == len(shape)+1 {
		shape = append(slices.Clone(shape), 1)
	}
	to.Resize(dtype, shape...)
	switch dtype {
	case tensor.String:
		copy(tensor.Data[string](to), from.strings(t))
	case tensor.Int64:
		copy(tensor.Data[int64](to), from.ints(t))
	case tensor.Int32:
		for i, v := range from.ints(t) {
			tensor.Data[int32](to)[i] = int32(v)
		}
	case tensor.Float64:
		copy(tensor.Data[float64](to), from.floats(t))
	default:
		for i, v := range from.floats(t) {
			tensor.Data[float32](to)[i] = float32(v)
		}
	}
}

// numbers are a tensor's.
func numbers(t testing.TB, from *tensor.Tensor) []float64 {
	t.Helper()
	out := make([]float64, from.Len())
	for i := range out {
		switch from.DType() {
		case tensor.Float32:
			out[i] = float64(tensor.Data[float32](from)[i])
		case tensor.Float64:
			out[i] = tensor.Data[float64](from)[i]
		case tensor.Int32:
			out[i] = float64(tensor.Data[int32](from)[i])
		case tensor.Int64:
			out[i] = float64(tensor.Data[int64](from)[i])
		default:
			t.Fatalf("an output of %v", from.DType())
		}
	}
	return out
}

// difference is how far two numbers are apart, for numbers above 1 relative to them.
func difference(got, want float64) float64 {
	switch {
	case math.IsNaN(got) && math.IsNaN(want), got == want:
		return 0
	case math.IsNaN(got) || math.IsNaN(want) || math.IsInf(got, 0) || math.IsInf(want, 0):
		return math.Inf(1)
	}
	return math.Abs(got-want) / max(1, math.Abs(want))
}

func compile(t testing.TB, artifact []byte) (*keras.Model, *engine.Program) {
	t.Helper()
	model, err := keras.Read(t.Context(), bytes.NewReader(artifact), int64(len(artifact)), keras.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	program, err := engine.Compile(t.Context(), model.Graph, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return model, program
}

// TestConformance holds every model's every output against Keras's own, for every row of the shared inputs.
func TestConformance(t *testing.T) {
	pool := decode[map[string]packed](t, "inputs.json.gz")
	artifacts, err := filepath.Glob(folder + "/*.keras[23].*.gz")
	if err != nil {
		t.Fatal(err)
	}
	models, largest, where := 0, 0.0, ""
	for _, path := range artifacts {
		name := strings.TrimSuffix(filepath.Base(path), ".gz")
		if strings.HasSuffix(name, ".json") {
			continue
		}
		models++
		t.Run(name, func(t *testing.T) {
			want := decode[answers](t, strings.TrimSuffix(name, filepath.Ext(name))+".json.gz")
			_, program := compile(t, unzip(t, name+".gz"))
			worst := conform(t, program, pool, want)
			t.Logf("largest difference %.3g", worst)
			if worst > largest {
				largest, where = worst, name
			}
			if worst > tolerance {
				t.Errorf("differs by %v", worst)
			}
		})
	}
	fmt.Printf("keras: %d artifacts, largest difference %.3g (%s)\n", models, largest, where)
	if models < 45 {
		t.Errorf("only %d artifacts", models)
	}
}

// conform runs a program, and returns the largest difference.
func conform(t *testing.T, program *engine.Program, pool map[string]packed, want answers) float64 {
	t.Helper()
	run := program.Acquire()
	defer run.Release()
	for i, input := range program.Inputs() {
		name, ok := want.Inputs[input.Name]
		if !ok && len(program.Inputs()) == 1 {
			for _, only := range want.Inputs {
				name = only
			}
		}
		column, ok := pool[name]
		if !ok {
			t.Fatalf("there is no input %q", input.Name)
		}
		fill(t, run.Input(i), input, &column)
	}
	if err := run.Do(); err != nil {
		t.Fatal(err)
	}
	if len(want.Outputs) != len(program.Outputs()) {
		t.Fatalf("%d outputs, Keras has %d", len(program.Outputs()), len(want.Outputs))
	}
	worst := 0.0
	for i := range want.Outputs {
		at := i
		for k, output := range program.Outputs() {
			if output.Name == want.Outputs[i].Name {
				at = k
			}
		}
		worst = max(worst, compare(t, program.Outputs()[at].Name, run.Output(at), &want.Outputs[i]))
	}
	return worst
}

func compare(t *testing.T, name string, got *tensor.Tensor, want *packed) float64 {
	t.Helper()
	if fmt.Sprint(got.Shape()) != fmt.Sprint(want.Shape) {
		t.Fatalf("output %s has the shape %v, Keras says %v", name, got.Shape(), want.Shape)
	}
	if got.DType().String() != want.DType {
		t.Errorf("output %s is of %v, Keras says %s", name, got.DType(), want.DType)
	}
	worst, shown := 0.0, 0
	mine, theirs := numbers(t, got), want.floats(t)
	for i := range theirs {
		d := difference(mine[i], theirs[i])
		if d > tolerance && shown < 5 {
			t.Errorf("output %s, row %d, element %d: %v, Keras says %v", name, i*want.Shape[0]/len(theirs), i, mine[i], theirs[i])
			shown++
		}
		worst = max(worst, d)
	}
	return worst
}

// TestBundle replays the golden predictions of the bundle in widedeep, which two other formats have, too.
func TestBundle(t *testing.T) {
	const bundle = "../../../test/testdata/widedeep/keras/"
	artifact, err := os.ReadFile(bundle + "model.h5")
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile(bundle + "golden.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	model, program := compile(t, artifact)
	if model.Archive || !strings.HasPrefix(model.Version, "2.") || program.Outputs()[0].Role != graph.Probability {
		t.Errorf("read as %+v, with the role %v", model.Version, program.Outputs()[0].Role)
	}
	run := program.Acquire()
	defer run.Release()
	for line := range strings.Lines(string(golden)) {
		var example struct {
			Inputs  map[string][]float64
			Outputs struct {
				Score float64 `json:"ctr_score"`
			}
		}
		if err := json.Unmarshal([]byte(line), &example); err != nil {
			t.Fatal(err)
		}
		for i, input := range program.Inputs() {
			values := example.Inputs[input.Name]
			run.Input(i).Resize(input.DType, 1, len(values))
			for k, v := range values {
				if input.DType == tensor.Int32 {
					tensor.Data[int32](run.Input(i))[k] = int32(v)
				} else {
					tensor.Data[float32](run.Input(i))[k] = float32(v)
				}
			}
		}
		if err := run.Do(); err != nil {
			t.Fatal(err)
		}
		if got := numbers(t, run.Output(0))[0]; difference(got, example.Outputs.Score) > tolerance {
			t.Errorf("%v, Keras says %v", got, example.Outputs.Score)
		}
	}
}

// TestParameters knows the network of 30,099 parameters by them.
func TestParameters(t *testing.T) {
	for _, name := range []string{"wide_deep_seed.keras2.h5.gz", "wide_deep_seed.keras3.h5.gz", "wide_deep_seed.keras3.keras.gz"} {
		model, _ := compile(t, unzip(t, name))
		if n := model.Parameters(); n != 30_099 {
			t.Errorf("%s has %d parameters", name, n)
		}
	}
}

// fillWith makes all elements of a tensor of whole numbers the same.
func fillWith(to *tensor.Tensor, v int64) {
	for i := range to.Len() {
		tensor.Data[int64](to)[i] = v
	}
}
