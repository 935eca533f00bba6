package pickle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

const allocationConstant = 256 << 10

// allocated reads data, and returns how much memory that took in all, together with the reading's error.
func allocated(t *testing.T, data []byte) (uint64, error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	_, err := Read(t.Context(), data, Options{Classes: goodAndKnown})
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, err
}

// hostileShapes are inputs of about n bytes that each make as much as they can of something.
func hostileShapes(n int) map[string]string {
	text := "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(n/2))) + strings.Repeat("a", n/2)
	return map[string]string{
		"dicts":        "\x80\x04" + strings.Repeat("}", n) + ".",
		"a list":       "\x80\x04](" + strings.Repeat("]", n) + "e.",
		"a dict":       "\x80\x04}(" + strings.Repeat("}", n) + "u.",
		"an int set":   "\x80\x04\x8f(" + strings.Repeat("N", n) + "\x90.",
		"memoised":     "\x80\x04](" + strings.Repeat("]\x94", n/2) + "e.",
		"marks":        "\x80\x04" + strings.Repeat("(", n) + ".",
		"nested":       "\x80\x04" + strings.Repeat("]", n/2) + strings.Repeat("a", n/2-1) + ".",
		"nested tuple": "\x80\x04N" + strings.Repeat("\x85", n) + ".",
		"duplicates":   "\x80\x04]\x94(" + strings.Repeat("h\x00", n/2) + "l.",
		"doubling":     "\x80\x04)" + strings.Repeat("2\x86", n/2) + ".",
		"encodings": "\x80\x04" + text + "\x94\x8c\x06latin1\x94\x86\x94c_codecs\nencode\n\x94(" +
			strings.Repeat("h\x03h\x02R", n/10) + "l.",
		"ordered dicts": "\x80\x04]\x94(" + strings.Repeat("NN\x86", n/6) + "eh\x00\x85\x94ccollections\nOrderedDict\n\x94(" +
			strings.Repeat("h\x02h\x01R", n/10) + "l.",
		"sets":     "\x80\x04]\x94(" + strings.Repeat("]", n/2) + "eh\x00\x85\x94cbuiltins\nset\n\x94(" + strings.Repeat("h\x02h\x01R", n/10) + "l.",
		"slices":   "\x80\x04(" + strings.Repeat("N", n/2) + "t\x94cbuiltins\nslice\n\x94(" + strings.Repeat("h\x01h\x00R", n/10) + "l.",
		"objects":  "\x80\x04cgood\nClass\n\x94(" + strings.Repeat("h\x00)\x81", n/4) + "l.",
		"dtypes":   "\x80\x04cnumpy\ndtype\n\x94\x8c\x02f8\x85\x94(" + strings.Repeat("h\x00h\x01R", n/5) + "l.",
		"memo ids": "\x80\x04}" + strings.Repeat("r\xff\xff\xff\xff", n/5) + ".",
		"digits":   "(" + strings.Repeat("L"+strings.Repeat("9", 2000)+"L\n", n/2000) + "l.",
		"big ints": "\x80\x04(" + strings.Repeat("\x8a\x09\x01\x01\x01\x01\x01\x01\x01\x01\x01", n/11) + "l.",
		"escapes":  "V" + strings.Repeat("\xff", n) + "\n.",
		"globals":  "\x80\x04(" + strings.Repeat("cgood\nC\n", n/8) + "l.",
		"wrapped": "\x80\x04cjoblib.numpy_pickle\nNumpyArrayWrapper\n\x94}(" + state("K\x00\x85", "C", "u1") + "u\x94(" +
			strings.Repeat("h\x00)\x81h\x01b", n/7) + "l.",
		"one class": "\x80\x04\x8c\x04good\x94\x8c\x01C\x94(" + strings.Repeat("h\x00h\x01\x93", n/5) + "l.",
	}
}

func TestReadAllocatesInProportion(t *testing.T) {
	const size = 200_000
	for name, input := range hostileShapes(size) {
		t.Run(name, func(t *testing.T) {
			bytes, err := allocated(t, []byte(input))
			t.Logf("%d bytes for each byte of input; %v", bytes/uint64(len(input)), err)
			if limit := uint64(AllocationFactor*len(input) + allocationConstant); bytes > limit {
				t.Errorf("%d bytes of input allocate %d bytes, more than %d", len(input), bytes, limit)
			}
		})
	}
}

// Whatever a length field claims, nothing is allocated for it.
func TestReadAllocatesNothingForClaims(t *testing.T) {
	huge := "\xff\xff\xff\xff\xff\xff\xff\x7f"
	for _, input := range []string{
		"\x80\x04X\xff\xff\xff\x7f", "\x80\x04B\xff\xff\xff\x7f", "\x80\x04\x8b\xff\xff\xff\x7f", "\x80\x04\x8d" + huge,
		"\x80\x04\x8e" + huge, "\x80\x05\x96" + huge, "\x80\x04\x95" + huge, "\x80\x04}r\xff\xff\xff\xff", "}p4294967295\n",
		"\x80\x04cnumpy.core.numeric\n_frombuffer\n(C\x01acnumpy\ndtype\n\x8c\x02f8\x85R(J\xff\xff\xff\x7fJ\xff\xff\xff\x7ft\x8c\x01CtR.",
	} {
		if bytes, err := allocated(t, []byte(input)); err == nil || bytes > allocationConstant {
			t.Errorf("%q allocates %d bytes, and ends in %v", input, bytes, err)
		}
	}
}

func TestReadRealArtifactsAllocateLittle(t *testing.T) {
	artifacts, err := filepath.Glob(testdata + "/pickle/*.pkl")
	if err != nil || len(artifacts) == 0 {
		t.Fatalf("no artifacts: %v", err)
	}
	for _, artifact := range artifacts {
		data, err := os.ReadFile(artifact)
		if err != nil {
			t.Fatal(err)
		}
		bytes, err := allocated(t, data)
		if err != nil || bytes > 60*uint64(len(data)) {
			t.Errorf("%s: %d bytes for %d: %v", artifact, bytes, len(data), err)
		}
	}
}

func TestReadLimits(t *testing.T) {
	nested := func(n int) []byte {
		return []byte("\x80\x04" + strings.Repeat("]", n) + strings.Repeat("a", n-1) + ".")
	}
	for name, test := range map[string]struct {
		input   []byte
		options Options
		words   string // empty: no error
	}{
		"depth reached":     {nested(64), Options{}, ""},
		"depth exceeded":    {nested(65), Options{}, "more than 64 deep"},
		"a million deep":    {nested(1_000_000), Options{MaxValues: 1 << 22}, "more than 64 deep"},
		"depth by sharing":  {[]byte("\x80\x04)" + strings.Repeat("2\x86", 70) + "."), Options{}, "more than 64 deep"},
		"shared, not deep":  {[]byte("\x80\x04)" + strings.Repeat("2\x86", 60) + "."), Options{}, ""},
		"built from inside": {[]byte("\x80\x04" + buildFromInside(100)), Options{}, "more than 64 deep"},
		"values reached":    {[]byte("\x80\x04](NNNe."), Options{MaxValues: 5}, ""},
		"values exceeded":   {[]byte("\x80\x04](NNNNe."), Options{MaxValues: 5}, "more than 5 values"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(t.Context(), test.input, test.options)
			var failure *Error
			switch {
			case test.words == "" && err != nil:
				t.Error(err)
			case test.words == "":
			case !errors.As(err, &failure) || failure.Kind != TooLarge || !strings.Contains(err.Error(), test.words):
				t.Errorf("got %v, expected …%s…", err, test.words)
			}
		})
	}
}

// TestReadLargeVocabularies: a dict may have as many words as a file of its size has place for.
func TestReadLargeVocabularies(t *testing.T) {
	var b strings.Builder
	b.WriteString("\x80\x04}(")
	const words = 400_000
	for i := range words {
		fmt.Fprintf(&b, "\x8c\x06%06dJ%s", i, binary.LittleEndian.AppendUint32(nil, uint32(i)))
	}
	b.WriteString("u.")
	root, err := Read(t.Context(), []byte(b.String()), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if dict, ok := root.(*Dict); !ok || len(dict.Entries) != words {
		t.Errorf("got %s", KindOf(root))
	}
	empty := "\x80\x04(" + strings.Repeat("}", 4_000_000) + "l."
	if _, err := Read(t.Context(), []byte(empty), Options{}); err == nil || !strings.Contains(err.Error(), "more than 1000001 values") {
		t.Errorf("got %v", err)
	}
}

// buildFromInside nests n lists by appending to the innermost first, and to a shared one again later.
func buildFromInside(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "]q%c", byte(i))
	}
	for i := n - 2; i >= 0; i-- {
		fmt.Fprintf(&b, "h%ch%ca0", byte(i), byte(i+1))
	}
	b.WriteString("h\x00.")
	return b.String()
}
