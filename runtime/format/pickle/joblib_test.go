package pickle

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/test/fixtures"
)

// allWelcome takes every class of scikit-learn.
func allWelcome(module, _ string) (Standing, string) {
	if strings.HasPrefix(module, "sklearn.") {
		return Welcome, ""
	}
	return goodAndKnown(module, "")
}

// joblib's files are one pickle with the bytes of arrays in between, and pickles for arrays of objects. All protocols of
// one model hold the same values, with and without alignment.
func TestReadJoblib(t *testing.T) {
	var first string
	for _, name := range []string{"raw", "raw-protocol2", "raw-protocol5"} {
		root, err := Read(t.Context(), file(t, "sklearn/1.9.1/container-"+name+".joblib"), Options{Classes: allWelcome})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		pipeline, err := root.(*Object).Attributes()
		if err != nil {
			t.Fatal(err)
		}
		extra, _ := pipeline.Get("extra_")
		if array, ok := extra.(*Array); !ok || !array.Fortran || array.Len() != 36 {
			t.Errorf("%s: extra_ is %+v, expected 3 rows of 12 in Fortran order", name, extra)
		}
		steps, _ := pipeline.Get("steps")
		bins, err := steps.(*List).Items[1].(*Tuple).Items[1].(*Object).Attributes()
		if err != nil {
			t.Fatal(err)
		}
		edges, _ := bins.Get("bin_edges_")
		if array, ok := edges.(*Array); !ok || array.DType.Code != 'O' || len(array.Objects) != 12 {
			t.Errorf("%s: bin_edges_ is %+v, expected an array of 12 arrays", name, edges)
		}
		got := render(extra) + render(edges)
		if first == "" {
			first = got
		}
		if got != first {
			t.Errorf("%s:\n got      %s\n expected %s", name, got, first)
		}
	}
}

// wrapper is an opcode sequence that makes a NumpyArrayWrapper with a state; what joblib reads follows it.
func wrapper(state string) string {
	return "cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(" + state + "ub"
}

func state(shape, order, dtype string) string {
	return "\x8c\x08subclasscnumpy\nndarray\n\x8c\x05shape" + shape + "\x8c\x05order\x8c\x01" + order +
		"\x8c\x05dtypecnumpy\ndtype\n\x8c\x02" + dtype + "\x85R"
}

const (
	two     = "K\x02\x85"
	aligned = "\x8c\x1bnumpy_array_alignment_bytesK\x10"
	// objects is a pickle of an array of two None.
	objects = "\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x02\x85" +
		"cnumpy\ndtype\nU\x02O8\x85R\x89](NNetb."
)

func TestReadWrapped(t *testing.T) {
	for input, expected := range map[string]string{
		wrapper(state(two, "C", "u1")) + "\x07\x08":                          "array(u1, [2], [7 8])",
		wrapper(state(two, "C", "u1")+aligned) + "\x03...\x07\x08":           "array(u1, [2], [7 8])",
		wrapper(state(two, "C", "u1")+aligned) + "\x00\x07\x08":              "array(u1, [2], [7 8])",
		wrapper(state("K\x02K\x02\x86", "F", "u1")) + "\x01\x02\x03\x04":     "array(u1, [2 2], [1 3 2 4])",
		wrapper(state("K\x02K\x02\x86", "C", "u1")) + "\x01\x02\x03\x04":     "array(u1, [2 2], [1 2 3 4])",
		wrapper(state(")", "C", "u1")) + "\x09":                              "array(u1, [], [9])",
		wrapper(state("K\x00\x85", "C", "f8")):                               "array(f8, [0], [])",
		wrapper(state(two, "C", "O8")) + objects:                             "array(O8, [2], None, None)",
		"]" + wrapper(state(two, "C", "O8")) + objects + "aK\x01a":           "[array(O8, [2], None, None), 1]",
		"](" + wrapper(state(two, "C", "u1")) + "..K\x01e":                   "[array(u1, [2], [46 46]), 1]",
		"K\x05\x94" + wrapper(state(two, "C", "O8")) + objects + "h\x00\x86": "(array(O8, [2], None, None), 5)",
	} {
		root, err := Read(t.Context(), []byte("\x80\x04"+input+"."), Options{})
		if err != nil {
			t.Errorf("%q: %v", input, err)
			continue
		}
		if got := render(root); got != expected {
			t.Errorf("%q: got %s, expected %s", input, got, expected)
		}
	}
}

func TestReadWrappedRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		input string
		kind  Kind
		words string
	}{
		"bytes missing":         {wrapper(state(two, "C", "f8")) + "1234567", Truncated, "claims shape [2] of f8"},
		"shape overflows":       {wrapper(state("J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x87", "C", "f8")), Truncated, "claims shape"},
		"padding missing":       {wrapper(state(two, "C", "u1")+aligned) + "\xff\x01\x02", Truncated, ""},
		"bytes left over":       {wrapper(state(two, "C", "u1")) + "\x07\x08.\x09", Malformed, "bytes after"},
		"nothing for an object": {wrapper(state(two, "C", "O8")), Malformed, "stack is empty"},
		"other than an array":   {wrapper(state(two, "C", "O8")) + "\x80\x02K\x01.", Malformed, "announced with shape [2], and int follows"},
		"another shape":         {wrapper(state("K\x03\x85", "C", "O8")) + objects, Malformed, "announced with shape [3]"},
		"memo of the outside":   {"K\x05\x94" + wrapper(state(two, "C", "O8")) + "h\x00.", Malformed, "no memo"},
		"stack of the outside":  {"K\x05" + wrapper(state(two, "C", "O8")) + ".", Malformed, "stack is empty"},
		"wrapper in an object": {
			wrapper(state(two, "C", "O8")) + "\x80\x02" + strings.ReplaceAll(wrapper(state(two, "C", "u1")), "\x8c", "U") + "12.",
			Malformed, "NumpyArrayWrapper",
		},
		"truncated object":   {wrapper(state(two, "C", "O8")) + objects[:40], Truncated, ""},
		"function in object": {wrapper(state(two, "C", "O8")) + "\x80\x02cos\nsystem\n.", Unsafe, "os.system"},
		"a matrix": {
			wrapper(strings.Replace(state(two, "C", "u1"), "cnumpy\nndarray\n", "cgood\nmatrix\n", 1)) + "12", Unsupported, "good.matrix",
		},
		"another order":     {wrapper(state(two, "K", "u1")) + "12", Malformed, "order"},
		"a shape of text":   {wrapper(state("\x8c\x01a\x85", "C", "u1")) + "12", Malformed, "shape"},
		"a structure":       {wrapper(state(two, "C", "V8")) + "12", Unsupported, "V8"},
		"state is no dict":  {"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81Nb", Malformed, "NumpyArrayWrapper"},
		"twice":             {wrapper(state(two, "C", "u1")) + "12}(" + state(two, "C", "u1") + "ub12", Malformed, "NumpyArrayWrapper"},
		"with arguments":    {"cjoblib.numpy_pickle\nNumpyArrayWrapper\nN\x85\x81", Unsafe, "NumpyArrayWrapper"},
		"called":            {"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)R", Unsafe, "would call"},
		"another function":  {"cjoblib.numpy_pickle\nload\n", Unsafe, "joblib.numpy_pickle.load"},
		"objects by a call": {wrapper(state(two, "C", "O8")) + "\x80\x02(S'id'\nios\nsystem\n.", Unsafe, "os.system"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(t.Context(), []byte("\x80\x04"+test.input+"."), Options{Classes: goodAndKnown})
			var failure *Error
			if !errors.As(err, &failure) {
				t.Fatalf("got %v, expected an Error", err)
			}
			if failure.Kind != test.kind || !strings.Contains(err.Error(), test.words) {
				t.Errorf("got %v (%s), expected %s: …%s…", err, failure.Kind, test.kind, test.words)
			}
		})
	}
}

// Every prefix of a joblib file is refused: above all one that ends where a pickle within the pickle does.
func TestReadJoblibTruncated(t *testing.T) {
	files, err := filepath.Glob(fixtures.Dir(t, "sklearn") + "/*/container-raw*.joblib")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for n := range data {
		root, err := Read(t.Context(), data[:n], Options{Classes: allWelcome})
		var failure *Error
		if !errors.As(err, &failure) || failure.Kind != Truncated {
			t.Fatalf("%d of %d bytes: %v, %v", n, len(data), root, err)
		}
	}
}
