package savedmodel_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ctr-operator/ctr-operator/runtime/engine"
	"github.com/ctr-operator/ctr-operator/runtime/format/savedmodel"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

func in(names ...string) []string { return names }

// callOf is a node that calls a function.
func callOf(name, function string, inputs ...string) []byte {
	return nodeOf(name, "PartitionedCall", inputs, attr("f", field(10, text(1, function))))
}

func table(name string) []byte {
	return nodeOf(name, "HashTableV2", nil, typeAttr("key_dtype", 7), typeAttr("value_dtype", 9))
}

// TestHostile shows what happens to graphs that no TensorFlow writes, or that would do what a model may not.
func TestHostile(t *testing.T) {
	asset := func(name string) []byte { return field(6, join(field(1, text(1, "path:0")), text(2, name))) }
	withTable := func(name string) model {
		return model{
			nodes: [][]byte{
				table("t"), nodeOf("path", "Placeholder", nil, typeAttr("dtype", 7)),
				nodeOf("fill", "InitializeTableFromTextFileV2", in("t", "path"), attr("key_index", num(3, -2))),
				nodeOf("init", "NoOp", in("^fill")), nodeOf("y", "LookupTableSizeV2", in("t")),
			},
			more: join(asset(name), field(4, pairOf("saved_model_main_op", field(1, text(1, "init"))))),
		}
	}
	cases := []struct {
		name  string
		model model
		kind  savedmodel.Kind
		want  string
	}{
		{"an unknown operator", model{nodes: [][]byte{nodeOf("y", "Frobnicate", in("x"))}}, savedmodel.Unsupported, `"Frobnicate" is not supported`},
		{"Python", model{nodes: [][]byte{nodeOf("y", "PyFunc", in("x"))}}, savedmodel.Unsafe, `"PyFunc" runs code`},
		{"reading files", model{nodes: [][]byte{nodeOf("y", "ReadFile", in("x"))}}, savedmodel.Unsafe, `"ReadFile"`},
		{"a node that is missing", model{nodes: [][]byte{nodeOf("y", "Relu", in("z"))}}, savedmodel.Malformed, `no node "z"`},
		{"an output that is missing", model{nodes: [][]byte{nodeOf("y", "Relu", in("x:1"))}}, savedmodel.Malformed, `no output "x:1"`},
		{"a node twice", model{nodes: [][]byte{nodeOf("y", "Relu", in("x")), nodeOf("y", "Relu", in("x"))}}, savedmodel.Malformed, "two nodes"},
		{"a loop", model{nodes: [][]byte{nodeOf("y", "Relu", in("z")), nodeOf("z", "Relu", in("y"))}}, savedmodel.Unsupported, "needs itself"},
		{"a node that needs itself", model{nodes: [][]byte{nodeOf("y", "Relu", in("y"))}}, savedmodel.Unsupported, "needs itself"},
		{"a function that calls itself", model{
			nodes:     [][]byte{callOf("y", "f", "x")},
			functions: [][]byte{functionOf("f", "c:output:0", callOf("c", "f", "x"))},
		}, savedmodel.TooLarge, "for ever"},
		{"functions that call each other many times", model{nodes: [][]byte{callOf("y", "f0", "x")}, functions: doubling(30)}, savedmodel.TooLarge, "more than 65536 times"},
		{"a function that is missing", model{nodes: [][]byte{callOf("y", "f", "x")}}, savedmodel.Malformed, `no function "f"`},
		{"a function with other arguments", model{nodes: [][]byte{callOf("y", "f", "x", "x")}, functions: [][]byte{functionOf("f", "x")}}, savedmodel.Malformed, "takes 1 arguments"},
		{"a constant of a huge shape", model{nodes: [][]byte{constOf("y", []float32{1}, 1<<30, 1<<30)}}, savedmodel.Malformed, "no tensor has"},
		{"one number for a huge shape", model{nodes: [][]byte{constOf("y", []float32{1}, 1<<28)}}, savedmodel.TooLarge, "a file of this size"},
		{"many numbers for a small shape", model{nodes: [][]byte{constOf("y", []float32{1, 2, 3}, 2)}}, savedmodel.Malformed, "more values"},
		{"a variable without a value", model{nodes: [][]byte{nodeOf("v", "VarHandleOp", nil), nodeOf("y", "ReadVariableOp", in("v"))}}, savedmodel.Malformed, "no value"},
		{"a table without contents", model{nodes: [][]byte{table("t"), nodeOf("y", "LookupTableSizeV2", in("t"))}}, savedmodel.Malformed, "never filled"},
		{"an asset outside", withTable("../../etc/passwd"), savedmodel.Unsafe, "not in the model's folder"},
		{"an asset at the root", withTable("/etc/passwd"), savedmodel.Unsafe, "not in the model's folder"},
		{"an asset that is missing", withTable("words.txt"), savedmodel.Malformed, "no such file"},
		{"a table of a path that is no asset", model{
			nodes: [][]byte{
				table("t"), nodeOf("path", "Const", nil, attr("value", field(8, join(num(1, 7), field(2, nil), text(8, "/etc/passwd"))))),
				nodeOf("fill", "InitializeTableFromTextFileV2", in("t", "path")), nodeOf("y", "LookupTableSizeV2", in("t")),
			},
			more: field(4, pairOf("saved_model_main_op", field(1, text(1, "fill")))),
		}, savedmodel.Unsafe, "not among the model's assets"},
		{"half floats", model{nodes: [][]byte{nodeOf("y", "Relu", in("x"), typeAttr("T", 19))}}, savedmodel.Unsupported, "computes with float16"},
		{"a transposition by an input", model{nodes: [][]byte{nodeOf("y", "Transpose", in("x", "x"))}}, savedmodel.Unsupported, "must be constant"},
		{"a saver without files", model{
			nodes: [][]byte{
				nodeOf("v", "VarHandleOp", nil), nodeOf("file", "Placeholder", nil),
				nodeOf("names", "Const", nil, attr("value", field(8, join(num(1, 7), field(2, shapeProto(1)), text(8, "w"))))),
				nodeOf("slices", "Const", nil, attr("value", field(8, join(num(1, 7), field(2, shapeProto(1)), text(8, ""))))),
				nodeOf("restore", "RestoreV2", in("file", "names", "slices")), nodeOf("assign", "AssignVariableOp", in("v", "restore")),
				nodeOf("y", "ReadVariableOp", in("v")),
			},
			more: field(3, join(text(1, "file:0"), text(3, "assign"))),
		}, savedmodel.Malformed, "no variables/variables.index"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := savedmodel.Read(t.Context(), c.model.fs(), savedmodel.Options{})
			if savedmodel.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, expected %v with %q", err, c.kind, c.want)
			}
			if err != nil && strings.Count(err.Error(), c.kind.String()) != 1 {
				t.Errorf("says more than once what it is: %v", err)
			}
		})
	}
}

// doubling are functions of which each calls the next one twice.
func doubling(n int) (functions [][]byte) {
	for i := range n {
		next := fmt.Sprintf("f%d", i+1)
		functions = append(functions, functionOf(fmt.Sprintf("f%d", i), "b:output:0", callOf("a", next, "x"), callOf("b", next, "a:output:0")))
	}
	return append(functions, functionOf(fmt.Sprintf("f%d", n), "a:activations:0", nodeOf("a", "Relu", in("x"))))
}

// chain is a model of n nodes in a row.
func chain(n int) model {
	m := model{output: fmt.Sprintf("n%d:0", n-1)}
	last := "x"
	for i := range n {
		name := fmt.Sprintf("n%d", i)
		m.nodes = append(m.nodes, nodeOf(name, "Relu", in(last)))
		last = name
	}
	return m
}

// TestCopies shows that a variable of which only a copy is stored, one that is initialised with it, has the copy's value.
func TestCopies(t *testing.T) {
	variable := func(name string) []byte {
		return nodeOf(name, "VarHandleOp", nil, attr("shared_name", text(2, name)))
	}
	m := model{
		nodes: [][]byte{
			variable("weight"), variable("copy"), constOf("stored", []float32{3}),
			nodeOf("restored", "AssignVariableOp", in("copy", "stored")), nodeOf("restore", "NoOp", in("^restored")),
			nodeOf("initial", "ReadVariableOp", in("weight")), nodeOf("initialised", "AssignVariableOp", in("copy", "initial")),
			nodeOf("read", "ReadVariableOp", in("weight")), nodeOf("y", "Mul", in("x", "read")),
		},
		more: field(3, text(3, "restore")),
	}
	read, err := savedmodel.Read(t.Context(), m.fs(), savedmodel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	program, err := engine.Compile(t.Context(), read.Graph, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	run := program.Acquire()
	run.Input(0).Resize(tensor.Float32, 1)
	tensor.Data[float32](run.Input(0))[0] = 7
	if err := run.Do(); err != nil {
		t.Fatal(err)
	}
	if y := tensor.Data[float32](run.Output(0)); !slices.Equal(y, []float32{21}) {
		t.Errorf("got %v", y)
	}
	m.nodes = m.nodes[:len(m.nodes)-3]
	m.nodes = append(m.nodes, nodeOf("read", "ReadVariableOp", in("weight")), nodeOf("y", "Mul", in("x", "read")))
	if _, err := savedmodel.Read(t.Context(), m.fs(), savedmodel.Options{}); savedmodel.KindOf(err) != savedmodel.Malformed {
		t.Errorf("without a copy: %v", err)
	}
}

// TestMillionNodes shows that chains of nodes are followed without recursion, and that there is a limit.
func TestMillionNodes(t *testing.T) {
	const many = 100_000
	read, err := savedmodel.Read(t.Context(), chain(many).fs(), savedmodel.Options{})
	if err != nil || len(read.Graph.Nodes) != many {
		t.Fatalf("got %v", err)
	}
	_, err = savedmodel.Read(t.Context(), chain(savedmodel.MaxNodes+1).fs(), savedmodel.Options{})
	if savedmodel.KindOf(err) != savedmodel.TooLarge {
		t.Errorf("got %v", err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := savedmodel.Read(ctx, chain(1000).fs(), savedmodel.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestNoSavedModel(t *testing.T) {
	if _, err := savedmodel.Read(t.Context(), fstest.MapFS{}, savedmodel.Options{}); savedmodel.KindOf(err) != savedmodel.NotSavedModel {
		t.Errorf("got %v", err)
	}
	if savedmodel.Is(fstest.MapFS{}) || !savedmodel.Is(chain(1).fs()) {
		t.Error("a SavedModel is taken for none, or none for one")
	}
}

// TestSplat shows that memory does not grow with what shapes claim.
func TestSplat(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := savedmodel.Read(t.Context(), model{nodes: [][]byte{constOf("y", []float32{1}, 1<<29)}}.fs(), savedmodel.Options{})
	runtime.ReadMemStats(&after)
	if err == nil || after.TotalAlloc-before.TotalAlloc > 64<<20 {
		t.Errorf("%d bytes, error %v", after.TotalAlloc-before.TotalAlloc, err)
	}
}

func TestSignatures(t *testing.T) {
	files := artifacts(t)["v1_linear_example"]
	read, err := savedmodel.Read(t.Context(), files, savedmodel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if read.Signature != "serving_default" || !slices.Equal(read.Signatures, []string{"classification", "predict", "regression", "serving_default"}) {
		t.Errorf("read %q of %q", read.Signature, read.Signatures)
	}
	for name, want := range map[string]string{"": "scores", "classification": "scores", "predict": "logistic", "regression": "outputs"} {
		read, err := savedmodel.Read(t.Context(), files, savedmodel.Options{Signature: name})
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(read.Graph.Outputs, func(o graph.Output) bool { return o.Role == graph.Probability })
		if at < 0 || read.Graph.Outputs[at].Name != want {
			t.Errorf("%q: outputs %+v, of which %q is the probability", name, read.Graph.Outputs, want)
		}
		if want == "scores" && !slices.Equal(read.Graph.Outputs[at].Labels, []string{"0", "1"}) {
			t.Errorf("labels %q", read.Graph.Outputs[at].Labels)
		}
	}
	_, err = savedmodel.Read(t.Context(), files, savedmodel.Options{Signature: "other"})
	if err == nil || !strings.Contains(err.Error(), "classification, predict, regression, serving_default") {
		t.Errorf("got %v", err)
	}
}

// TestRoles shows which output of each artifact is the probability of a click.
func TestRoles(t *testing.T) {
	want := map[string]string{
		"v1_linear": "ctr_score", "v1_partitioned": "probability", "v1_tables": "probabilities", "v1_sharded": "click_probability",
		"v1_frozen": "ctr", "v2_linear_raw": "logistic", "v1_dnn_example": "scores", "v2_dnn_raw_three": "probabilities",
		"tf2_module": "ctr", "tf2_dcn_example": "probabilities", "tf2_tables": "ctr", "keras2_wide_deep": "ctr",
		"keras3_deepfm": "output_0", "keras3_dcn": "output_0", "v1_regressor_example": "",
	}
	all := artifacts(t)
	for name, output := range want {
		read, err := savedmodel.Read(t.Context(), all[name], savedmodel.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, o := range read.Graph.Outputs {
			if o.Role == graph.Probability {
				got += o.Name
			}
		}
		if got != output {
			t.Errorf("%s: %q is the probability, expected %q; outputs are %+v", name, got, output, read.Graph.Outputs)
		}
	}
}

func TestExampleFeatures(t *testing.T) {
	read, err := savedmodel.Read(t.Context(), artifacts(t)["tf2_dcn_example"], savedmodel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(read.Graph.Example.Features)
	want := fmt.Sprint([]graph.Feature{
		{Name: "tags", DType: tensor.String, Shape: []int{graph.Any}},
		{Name: "age", DType: tensor.Int64}, {Name: "position", DType: tensor.Float32}, {Name: "price", DType: tensor.Float32},
		{Name: "query", DType: tensor.String}, {Name: "user", DType: tensor.String},
		{Name: "weights", DType: tensor.Float32, Shape: []int{graph.Any}, Padded: true},
	})
	if got != want || read.Graph.Example.Input != "examples" {
		t.Errorf("got      %v\nexpected %v", got, want)
	}
}

// FuzzRead reads hostile graphs, beside the variables and assets of a real one, compiles and runs them.
func FuzzRead(f *testing.F) {
	all := artifacts(f)
	beside := all["tf2_tables"]
	for _, name := range []string{"v1_linear", "v1_frozen", "v1_tables", "tf2_module", "tf2_tables"} {
		f.Add(all[name]["saved_model.pb"].Data)
	}
	f.Add(chain(3).fs()["saved_model.pb"].Data)
	f.Add(model{nodes: [][]byte{callOf("y", "f0", "x")}, functions: doubling(3)}.fs()["saved_model.pb"].Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		files := maps.Clone(beside)
		files["saved_model.pb"] = &fstest.MapFile{Data: data, Mode: 0o600}
		read, err := savedmodel.Read(t.Context(), fs.FS(files), savedmodel.Options{})
		if err != nil {
			return
		}
		limits := engine.Options{FoldLimit: 1 << 20, RunLimit: 1 << 20}
		program, err := engine.Compile(t.Context(), read.Graph, limits)
		if err != nil {
			return
		}
		run := program.Acquire()
		for i, input := range program.Inputs() {
			shape := slices.Clone(input.Shape)
			for d := range shape {
				shape[d] = max(0, min(shape[d], 3))
				if input.Shape[d] == graph.Any {
					shape[d] = 2
				}
			}
			run.Input(i).Resize(input.DType, shape...)
			run.Input(i).Clear()
		}
		_ = run.Do()
	})
}
