package hash_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/features/hash"
)

// answers is what TensorFlow and Python say (hack/fixtures/hashes.py).
type answers struct {
	Key     [2]int64
	Texts   [][4]json.RawMessage
	Crossed [][3]json.RawMessage
}

func load(t *testing.T) answers {
	t.Helper()
	data, err := os.ReadFile("../../../test/testdata/keras/hashes.json")
	if err != nil {
		t.Fatal(err)
	}
	var a answers
	if err := json.Unmarshal(data, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func value[T any](t *testing.T, data json.RawMessage) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheFrameworksHashes(t *testing.T) {
	a := load(t)
	if len(a.Texts) < 60 {
		t.Fatalf("only %d texts", len(a.Texts))
	}
	for _, row := range a.Texts {
		text := value[string](t, row[0])
		if got, want := hash.Fingerprint64(text), value[uint64](t, row[1]); got != want {
			t.Errorf("Fingerprint64(%q) = %d, TensorFlow says %d", text, got, want)
		}
		strong := hash.Strong(uint64(a.Key[0]), uint64(a.Key[1]), text) % math.MaxInt64
		if want := value[uint64](t, row[2]); strong != want {
			t.Errorf("Strong(%q) = %d, TensorFlow says %d", text, strong, want)
		}
		if got, want := hash.Python(text), value[int64](t, row[3]); got != want {
			t.Errorf("Python(%q) = %d, Python says %d", text, got, want)
		}
	}
}

func TestCrossedHashes(t *testing.T) {
	const key, buckets = 0xDECAFCAFFE, 1_000_000_000
	for _, row := range load(t).Crossed {
		a, b := value[string](t, row[0]), value[string](t, row[1])
		got := hash.FingerprintCat64(hash.FingerprintCat64(key, hash.Fingerprint64(a)), hash.Fingerprint64(b)) % buckets
		if want := value[uint64](t, row[2]); got != want {
			t.Errorf("%q × %q: %d, TensorFlow says %d", a, b, got, want)
		}
	}
}

const python24Doc1 = 6280900267238924853

// TestPythonKnown has the values of two published examples, and of Python 3.10.
func TestPythonKnown(t *testing.T) {
	for text, want := range map[string]int64{
		"人工智能": 646, "机器学习": 330, "test_doc_001": 262, "doc1": 974, "é": 195, "a😀": 343, "": 0,
	} {
		got := hash.Python(text) % 1000
		if got < 0 {
			got = -got
		}
		if got != want {
			t.Errorf("|hash(%q)| %% 1000 = %d, want %d", text, got, want)
		}
	}
	if got := hash.Python24("doc1"); got != python24Doc1 {
		t.Errorf("Python24 = %d, want %d", got, int64(python24Doc1))
	}
}

func TestNoAllocation(t *testing.T) {
	for _, text := range []string{"doc1", "人工智能 and more", "a😀"} {
		n := testing.AllocsPerRun(100, func() {
			hash.Fingerprint64(text)
			hash.Strong(1, 2, text)
			hash.Python(text)
		})
		if n != 0 {
			t.Errorf("%q: %v allocations", text, n)
		}
	}
}
