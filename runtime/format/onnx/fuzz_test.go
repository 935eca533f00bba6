package onnx

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/ctr-operator/ctr-operator/test/fixtures"
)

// FuzzRead reads whatever bytes, and compiles and runs what comes out of them. Seeds are the fixtures, ONNX's node tests, and
// hostile models.
func FuzzRead(f *testing.F) {
	const longest = 1 << 15
	paths, err := filepath.Glob(testdata + "/*/model.onnx")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no models: %v", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	seen := map[string]bool{}
	for _, archived := range []string{"onnx/nodes", "onnx/made"} {
		for _, files := range fixtures.Folders(f, archived) {
			// One test of each operator will do, and most differ by their inputs only.
			if model := files["model.onnx"]; model != nil && len(model.Data) < longest && !seen[string(model.Data[:min(40, len(model.Data))])] {
				seen[string(model.Data[:min(40, len(model.Data))])] = true
				f.Add(model.Data)
			}
		}
	}
	for _, file := range hostile() {
		if len(file.data) < longest {
			f.Add(file.data)
		}
	}
	dir := fstest.MapFS{"weights": {Data: make([]byte, 4096)}, "model.onnx.data": {Data: make([]byte, 8192)}}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 2*longest {
			t.Skip("longer inputs only take longer")
		}
		use(t, dir, data)
	})
}
