package onnx

import (
	"bufio"
	"fmt"
	"maps"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ctr-operator/ctr-operator/runtime/engine"
	"github.com/ctr-operator/ctr-operator/runtime/format/wire"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
	"github.com/ctr-operator/ctr-operator/test/fixtures"
)

const testdata = "../../../test/testdata/onnx"

// nodeList is nodes.txt: what is claimed, what is run, and what is not.
type nodeList struct {
	claimed      []string
	run, skipped map[string]string
}

func readNodeList(t testing.TB) nodeList {
	t.Helper()
	file, err := os.Open(filepath.Join(testdata, "nodes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	list := nodeList{run: map[string]string{}, skipped: map[string]string{}}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		kind, rest, _ := strings.Cut(lines.Text(), " ")
		switch kind {
		case "claimed":
			list.claimed = append(list.claimed, strings.TrimPrefix(strings.ReplaceAll(rest, " ", "."), "default."))
		case "run":
			list.run[rest] = ""
		case "skip":
			name, reason, _ := strings.Cut(rest, ": ")
			if reason == "" {
				t.Errorf("%s is skipped without a reason", name)
			}
			list.skipped[name] = reason
		}
	}
	return list
}

// ONNX's own tests of the operators that are claimed, to ONNX's tolerances. Those that are not run are listed with the reason.
func TestNodes(t *testing.T) {
	list := readNodeList(t)
	claimed := slices.Sorted(slices.Values(list.claimed))
	supported := slices.DeleteFunc(slices.Sorted(maps.Keys(operators())), func(name string) bool {
		return strings.HasPrefix(name, "com.microsoft.")
	})
	for _, name := range claimed {
		if !slices.Contains(supported, name) {
			t.Errorf("%s is claimed by the tests, and not supported", name)
		}
	}
	for _, name := range supported {
		if !slices.Contains(claimed, name) {
			t.Errorf("%s is supported, and hack/fixtures/onnx_nodes.py does not claim it", name)
		}
	}
	cases := fixtures.Folders(t, "onnx/nodes")
	passed := 0
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		if _, listed := list.run[name]; !listed {
			t.Errorf("%s is in the archive, and not listed", name)
		}
		if t.Run(name, func(t *testing.T) { runNodeCase(t, cases[name]) }) {
			passed++
		}
	}
	if len(cases) != len(list.run) {
		t.Errorf("%d tests in the archive, %d listed", len(cases), len(list.run))
	}
	t.Logf("%d of %d node tests of %d operators pass; %d are not run, for the reasons in nodes.txt",
		passed, len(cases), len(claimed), len(list.skipped))
}

func runNodeCase(t *testing.T, files fstest.MapFS) {
	g, err := Read(t.Context(), files, "model.onnx", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	program, err := engine.Compile(t.Context(), g, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for set := 0; ; set++ {
		if files[fmt.Sprintf("%d/output_0.pb", set)] == nil {
			return
		}
		given := map[string]*tensor.Tensor{}
		for i := 0; ; i++ {
			name := fmt.Sprintf("%d/input_%d.pb", set, i)
			if files[name] == nil {
				break
			}
			key, value := tensorFile(t, files, name)
			given[key] = value
		}
		run := program.Acquire()
		for i, input := range program.Inputs() {
			if given[input.Name] == nil {
				t.Fatalf("nothing for the input %s", input.Name)
			}
			run.Input(i).Copy(given[input.Name])
		}
		if err := run.Do(); err != nil {
			t.Fatal(err)
		}
		for i, output := range program.Outputs() {
			_, want := tensorFile(t, files, path.Join(fmt.Sprint(set), fmt.Sprintf("output_%d.pb", i)))
			if err := near(run.Output(i), want, 1e-3, 1e-7); err != nil {
				t.Errorf("output %s: %v", output.Name, err)
			}
		}
		run.Release()
	}
}

// tensorFile reads a serialized TensorProto.
func tensorFile(t testing.TB, parts fstest.MapFS, name string) (string, *tensor.Tensor) {
	t.Helper()
	d := &decoder{ctx: t.Context()}
	root := wire.New(parts[name].Data, wire.Limits{})
	p := d.tensor(root)
	if err := root.Err(); err != nil {
		t.Fatal(err)
	}
	made, err := (&files{budget: 1 << 30}).tensor(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return p.name, made
}

// near compares as numpy's assert_allclose does.
func near(got, want *tensor.Tensor, rtol, atol float64) error {
	if got.DType() != want.DType() || !slices.Equal(got.Shape(), want.Shape()) {
		return fmt.Errorf("%v, expected %v", got, want)
	}
	switch want.DType() {
	case tensor.Float32:
		return nearFloats(tensor.Data[float32](got), tensor.Data[float32](want), rtol, atol)
	case tensor.Float64:
		return nearFloats(tensor.Data[float64](got), tensor.Data[float64](want), rtol, atol)
	case tensor.Int32:
		return equal(tensor.Data[int32](got), tensor.Data[int32](want))
	case tensor.Int64:
		return equal(tensor.Data[int64](got), tensor.Data[int64](want))
	case tensor.Bool:
		return equal(tensor.Data[bool](got), tensor.Data[bool](want))
	default:
		return equal(tensor.Data[string](got), tensor.Data[string](want))
	}
}

func equal[T comparable](got, want []T) error {
	for i := range want {
		if got[i] != want[i] {
			return fmt.Errorf("element %d of %d is %v, expected %v", i, len(want), got[i], want[i])
		}
	}
	return nil
}

func nearFloats[T float32 | float64](got, want []T, rtol, atol float64) error {
	for i := range want {
		g, w := float64(got[i]), float64(want[i])
		if g == w || (math.IsNaN(g) && math.IsNaN(w)) {
			continue
		}
		if !(math.Abs(g-w) <= atol+rtol*math.Abs(w)) {
			return fmt.Errorf("element %d of %d is %v, expected %v", i, len(want), g, w)
		}
	}
	return nil
}
