package keras_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/engine"
	"github.com/ctr-operator/ctr-operator/runtime/format/keras"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// entries are an archive's, by name.
func entries(t testing.TB, archive []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, entry := range z.File {
		r, err := entry.Open()
		if err != nil {
			t.Fatal(err)
		}
		if out[entry.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// entry is one that archive writes.
type entry struct {
	name   string
	data   []byte
	packed bool
	// declared is a size that is not the entry's.
	declared uint64
}

func archive(t testing.TB, all ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, e := range all {
		header := &zip.FileHeader{Name: e.name, Method: zip.Store}
		if e.packed {
			header.Method = zip.Deflate
		}
		create := z.CreateHeader
		if e.declared > 0 {
			header.Method, header.UncompressedSize64, header.CompressedSize64 = zip.Deflate, e.declared, uint64(len(e.data))
			create = z.CreateRaw
		}
		w, err := create(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// with is an archive with another configuration.
func with(t testing.TB, name string, change func(config string) string) []byte {
	t.Helper()
	e := entries(t, unzip(t, name))
	return archive(t, entry{name: "config.json", data: []byte(change(string(e["config.json"])))},
		entry{name: "metadata.json", data: e["metadata.json"]}, entry{name: "model.weights.h5", data: e["model.weights.h5"]})
}

func read(t testing.TB, artifact []byte) error {
	t.Helper()
	model, err := keras.Read(t.Context(), bytes.NewReader(artifact), int64(len(artifact)), keras.Limits{})
	if err != nil {
		return err
	}
	_, err = engine.Compile(t.Context(), model.Graph, engine.Options{})
	return err
}

const (
	small   = "sequential_sigmoid.keras3.keras.gz"
	network = "nested.keras3.keras.gz"
)

// swap changes all of one text, which must be there.
func swap(from, to string) func(string) string {
	return func(config string) string {
		if !strings.Contains(config, from) {
			panic(from + " is not in the configuration")
		}
		return strings.ReplaceAll(config, from, to)
	}
}

func always(config string) func(string) string { return func(string) string { return config } }

// TestRefusedConfigurations has one thing wrong in each, and the error must say which.
func TestRefusedConfigurations(t *testing.T) {
	for name, c := range map[string]struct {
		from   string
		change func(string) string
		kind   keras.Kind
		says   []string
	}{
		"a lambda":         {small, swap(`"class_name": "Dense"`, `"class_name": "Lambda"`), keras.Unsafe, []string{`"hidden" (Lambda)`, "code"}},
		"code as function": {small, swap(`"activation": "tanh"`, `"activation": {"class_name": "__lambda__", "config": {"value": ["", null, null]}}`), keras.Unsafe, []string{"hidden", "code"}},
		"a class of one's own": {
			small, swap(`"module": "keras.layers", "class_name": "Dense"`, `"module": "mine", "registered_name": "mine>Dense", "class_name": "Dense"`),
			keras.Unsupported, []string{"mine.Dense"},
		},
		"an unknown class":      {small, swap(`"class_name": "Dense"`, `"class_name": "LSTM"`), keras.Unsupported, []string{`"LSTM"`, "GlobalAveragePooling1D", "hidden"}},
		"an unknown activation": {small, swap(`"activation": "tanh"`, `"activation": "os.system"`), keras.Unsupported, []string{"os.system", "hard_sigmoid"}},
		"half floats":           {small, swap(`"config": {"name": "float32"}`, `"config": {"name": "mixed_float16"}`), keras.Unsupported, []string{"mixed_float16", "float32"}},
		"a quantized layer":     {small, swap(`"config": {"name": "float32"}`, `"config": {"name": "int8_from_float32"}`), keras.Unsupported, []string{"int8_from_float32"}},
		"other units":           {small, swap(`"units": 8`, `"units": 800000000`), keras.Malformed, []string{"hidden", "kernel", "[7 8]", "800000000"}},
		"units that are text":   {small, swap(`"units": 8`, `"units": "8"`), keras.Malformed, []string{"units", "hidden"}},
		"no bias":               {small, swap(`"use_bias": true`, `"use_bias": false`), keras.Malformed, []string{"2 weights, expected 1"}},
		"another input":         {small, swap(`"batch_shape": [null, 7]`, `"batch_shape": [null, 5]`), keras.Malformed, []string{"7 inputs", "[-1 5]"}},
		"an input of pictures":  {small, swap(`"batch_shape": [null, 7]`, `"batch_shape": [null, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7]`), keras.Unsupported, []string{"13 dimensions"}},
		"an input of structs":   {small, swap(`"batch_shape": [null, 7]`, `"batch_shape": {"a": 1}`), keras.Unsupported, []string{"shape"}},
		"a ragged input":        {small, swap(`"ragged": false`, `"ragged": true`), keras.Unsupported, []string{"ragged"}},
		"an unknown type":       {small, swap(`"dtype": "float32", "sparse"`, `"dtype": "complex64", "sparse"`), keras.Unsupported, []string{"complex64"}},
		"no JSON":               {small, always(`{"class_name"`), keras.Malformed, nil},
		"a list":                {small, always(`[]`), keras.Malformed, nil},
		"a layer":               {small, always(`{"class_name": "Dense", "module": "keras.layers", "config": {"name": "d", "units": 1}}`), keras.Malformed, []string{"Dense", "not a model"}},
		"a subclassed model":    {small, always(`{"class_name": "Functional", "module": "keras", "config": {"name": "m"}}`), keras.Unsupported, []string{"subclassed"}},
		"a deep value":          {small, always(strings.Repeat("[", 100_000)), keras.TooLarge, []string{"nested"}},
		"models in models":      {small, always(chain(40)), keras.TooLarge, []string{"models"}},
		"calls of calls":        {small, always(bomb(20)), keras.TooLarge, []string{"called more than"}},
		"no input":              {small, always(`{"class_name": "Sequential", "module": "keras", "config": {"name": "s", "layers": []}}`), keras.Unsupported, []string{"shape of its input"}},
		"two of a name":         {small, swap(`"name": "ctr"`, `"name": "hidden"`), keras.Malformed, []string{`two layers are called "hidden"`}},
		"a circle":              {network, swap(`"keras_history": ["calm", 0, 0]`, `"keras_history": ["last", 0, 0]`), keras.Malformed, []string{"circle"}},
		"a layer that is not":   {network, swap(`"keras_history": ["shared", 1, 0]`, `"keras_history": ["nobody", 1, 0]`), keras.Malformed, []string{"nobody"}},
		"a call that is not":    {network, swap(`"keras_history": ["shared", 1, 0]`, `"keras_history": ["shared", 9, 0]`), keras.Malformed, []string{"shared", "call 9"}},
		"an output that is not": {network, swap(`"keras_history": ["shared", 1, 0]`, `"keras_history": ["shared", 1, 3]`), keras.Malformed, []string{"output 3"}},
		"no outputs":            {network, swap(`"output_layers": [["add", 0, 0], ["last", 0, 0]]`, `"output_layers": []`), keras.Malformed, []string{"output_layers"}},
	} {
		t.Run(name, func(t *testing.T) {
			changed := with(t, c.from, c.change)
			err := read(t, changed)
			if keras.KindOf(err) != c.kind {
				t.Fatalf("%v, expected an error of the kind %v", err, c.kind)
			}
			for _, part := range c.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
}

// chain is models in models.
func chain(depth int) string {
	return strings.Repeat(`{"class_name": "Sequential", "config": {"name": "m", "layers": [`, depth) + strings.Repeat(`]}}`, depth)
}

// bomb is a model that calls a model twice, which calls a model twice, and so on.
func bomb(depth int) string {
	const input = `{"class_name": "InputLayer", "name": "x", "config": {"name": "x", "batch_shape": [null, 1]}, "inbound_nodes": []}`
	inner := `{"class_name": "Flatten", "name": "m", "config": {"name": "m"}`
	for level := range depth {
		last := 2
		if level == 0 {
			last = 1
		}
		inner = fmt.Sprintf(`{"class_name": "Functional", "name": "m", "config": {"name": "m", "layers": [%s, %s, "inbound_nodes": `+
			`[{"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": ["x", 0, 0]}}], "kwargs": {}}, `+
			`{"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": ["m", 0, 0]}}], "kwargs": {}}]}`+
			`], "input_layers": [["x", 0, 0]], "output_layers": [["m", %d, 0]]}`, input, inner, last)
	}
	return inner + "}"
}

// TestRefusedArchives has containers of which something is wrong.
func TestRefusedArchives(t *testing.T) {
	e := entries(t, unzip(t, small))
	config := entry{name: "config.json", data: e["config.json"]}
	weights := entry{name: "model.weights.h5", data: e["model.weights.h5"]}
	whole := archive(t, config, weights)
	for name, c := range map[string]struct {
		data []byte
		kind keras.Kind
		says string
	}{
		"an entry outside":       {archive(t, config, weights, entry{name: "assets/../../x"}), keras.Unsafe, "leads out"},
		"an absolute entry":      {archive(t, config, weights, entry{name: "/etc/passwd"}), keras.Unsafe, "leads out"},
		"a backslash":            {archive(t, config, weights, entry{name: `..\x`}), keras.Unsafe, "leads out"},
		"an entry twice":         {archive(t, config, config, weights), keras.Malformed, "two entries"},
		"no weights":             {archive(t, config), keras.Malformed, "model.weights.h5"},
		"weights of numpy":       {archive(t, config, entry{name: "model.weights.npz"}), keras.Unsupported, "weights_format"},
		"weights of other kind":  {archive(t, config, entry{name: "model.weights.h5", data: []byte("weights")}), keras.NotKeras, "HDF5"},
		"no configuration":       {archive(t, weights), keras.NotKeras, "config.json"},
		"a size too large":       {archive(t, entry{name: "config.json", data: []byte("{}"), declared: keras.MaxConfig + 1}, weights), keras.TooLarge, "declares"},
		"a bomb":                 {archive(t, entry{name: "config.json", data: []byte("{}"), declared: 1 << 20}, weights), keras.TooLarge, "declares"},
		"weights of a bomb":      {archive(t, config, entry{name: "model.weights.h5", data: []byte("{}"), declared: 1 << 20}), keras.TooLarge, "declares"},
		"an end that is missing": {whole[:len(whole)-30], keras.Truncated, "table of contents"},
		"half a file":            {whole[:len(whole)/2], keras.Truncated, ""},
		"an archive of others":   {archive(t, entry{name: "model.onnx"}), keras.NotKeras, ""},
		"nothing":                {nil, keras.Truncated, "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			err := read(t, c.data)
			if keras.KindOf(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("%v, expected an error of the kind %v that says %q", err, c.kind, c.says)
			}
		})
	}
	if err := read(t, archive(t, config, entry{name: weights.name, data: weights.data, packed: true})); err != nil {
		t.Errorf("deflated weights: %v", err)
	}
}

// TestRefusedFiles changes bytes of an .h5, and has one without a model.
func TestRefusedFiles(t *testing.T) {
	whole := unzip(t, "sequential_sigmoid.keras2.h5.gz")
	change := func(from, to string) []byte {
		if len(from) != len(to) || !bytes.Contains(whole, []byte(from)) {
			t.Fatalf("%q is not in the file", from)
		}
		return bytes.Replace(whole, []byte(from), []byte(to), 1)
	}
	for name, c := range map[string]struct {
		data []byte
		kind keras.Kind
		says string
	}{
		"a lambda":           {change(`"class_name": "Dense"`, `"class_name":"Lambda"`), keras.Unsafe, "code"},
		"other units":        {change(`"units": 8`, `"units": 9`), keras.Malformed, "kernel"},
		"weights only":       {entries(t, unzip(t, small))["model.weights.h5"], keras.NotKeras, "model.save"},
		"half a file":        {whole[:len(whole)/2], keras.Truncated, ""},
		"a learned word":     {h5WithLearnedWords(t), keras.Unsupported, ".keras"},
		"a group of another": {change("model_weights", "model_weightz"), keras.Malformed, "model_weights"},
	} {
		t.Run(name, func(t *testing.T) {
			err := read(t, c.data)
			if keras.KindOf(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("%v, expected an error of the kind %v that says %q", err, c.kind, c.says)
			}
		})
	}
}

// h5WithLearnedWords is an .h5 with a lookup that has no vocabulary.
func h5WithLearnedWords(t *testing.T) []byte {
	t.Helper()
	whole := unzip(t, "linear_and_deep.keras2.h5.gz")
	const words = `"vocabulary": ["desktop", "phone", "tablet"]`
	if !bytes.Contains(whole, []byte(words)) {
		t.Fatal("the vocabulary is not in the file")
	}
	return bytes.Replace(whole, []byte(words), []byte(fmt.Sprintf("%-*s", len(words), `"vocabulary": null`)), 1)
}

// TestLimits says how much a file may have.
func TestLimits(t *testing.T) {
	artifact := unzip(t, "wide_deep_seed.keras3.keras.gz")
	for _, limit := range []int64{100, int64(len(artifact)) - 1} {
		_, err := keras.Read(t.Context(), bytes.NewReader(artifact), int64(len(artifact)), keras.Limits{MaxBytes: limit})
		if keras.KindOf(err) != keras.TooLarge {
			t.Errorf("%d bytes allowed: %v", limit, err)
		}
	}
}

// TestCanceled ends when nobody waits any more.
func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range []string{small, "sequential_sigmoid.keras2.h5.gz"} {
		artifact := unzip(t, name)
		_, err := keras.Read(ctx, bytes.NewReader(artifact), int64(len(artifact)), keras.Limits{})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDetect knows models by how they begin.
func TestDetect(t *testing.T) {
	for _, name := range []string{small, network, "sequential_sigmoid.keras2.h5.gz", "linear_model.keras2.keras.gz"} {
		if !keras.Detect(unzip(t, name)[:64]) {
			t.Errorf("%s is not detected", name)
		}
	}
	for _, data := range []string{"", "PK\x03\x04", "\x89HDF", string(archive(t, entry{name: "word/document.xml"}))} {
		if keras.Detect([]byte(data)) {
			t.Errorf("%.20q is detected", data)
		}
	}
}

// TestBadRows are refused by the layers that Keras refuses them in.
func TestBadRows(t *testing.T) {
	_, program := compile(t, unzip(t, "whole_numbers.keras2.h5.gz"))
	pool := decode[map[string]packed](t, "inputs.json.gz")
	run := program.Acquire()
	defer run.Release()
	for i, input := range program.Inputs() {
		column := pool[input.Name]
		fill(t, run.Input(i), input, &column)
	}
	for i, input := range program.Inputs() {
		if input.Name == "small" {
			fillWith(run.Input(i), 11)
		}
	}
	if err := run.Do(); err == nil || !strings.Contains(err.Error(), "num_tokens") {
		t.Errorf("a category that is none: %v", err)
	}
}

// TestBoxedValues reads numbers and tuples as Keras writes them where they are not Python's own.
func TestBoxedValues(t *testing.T) {
	boxed := with(t, small, swap(`"units": 8`, `"units": {"class_name": "__numpy__", "config": {"value": 8, "dtype": "int64"}}`))
	if err := read(t, boxed); err != nil {
		t.Error(err)
	}
	tuple := with(t, small, swap(`"batch_shape": [null, 7]`, `"batch_shape": {"class_name": "__tuple__", "items": [null, 7]}`))
	if err := read(t, tuple); err != nil {
		t.Error(err)
	}
	noNumber := with(t, small, swap(`"units": 8`, `"units": NaN`))
	if err := read(t, noNumber); keras.KindOf(err) != keras.Malformed {
		t.Error(err)
	}
}

// TestStrictLookups refuse what is not in their vocabularies, and say what is.
func TestStrictLookups(t *testing.T) {
	_, program := compile(t, with(t, "linear_and_deep.keras3.keras.gz", swap(`"num_oov_indices": 1`, `"num_oov_indices": 0`)))
	run := program.Acquire()
	defer run.Release()
	samples := 0
	for i, input := range program.Inputs() {
		shape := append([]int{1}, input.Shape[1:]...)
		run.Input(i).Resize(input.DType, shape...)
		run.Input(i).Clear()
		if input.Sample != nil {
			samples++
			run.Input(i).Copy(input.Sample)
			run.Input(i).Resize(input.DType, shape...)
		}
	}
	if err := run.Do(); err != nil || samples != 2 {
		t.Errorf("%d samples: %v", samples, err)
	}
	for i, input := range program.Inputs() {
		if input.Name == "device" {
			tensor.Data[string](run.Input(i))[0] = "fridge"
		}
	}
	if err := run.Do(); err == nil || !strings.Contains(err.Error(), "num_oov_indices") {
		t.Errorf("an unknown device: %v", err)
	}
}
