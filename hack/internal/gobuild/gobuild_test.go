package gobuild

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func module(t *testing.T, source string) Spec {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"go.mod": "module example.org/program\n\ngo 1.26\n", "main.go": source} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Spec{Name: "program", Dir: dir, Package: ".", Output: filepath.Join(t.TempDir(), "bin", "program")}
}

func TestBuildPinnedBuildsOnce(t *testing.T) {
	spec := module(t, "package main\n\nfunc main() {}\n")
	steps := []struct {
		name   string
		change func(t *testing.T)
		want   bool
	}{
		{"nothing there", func(*testing.T) {}, true},
		{"all there", func(*testing.T) {}, false},
		{"a pin changed", func(t *testing.T) { appendTo(t, filepath.Join(spec.Dir, "go.mod"), "\n// changed\n") }, true},
		{"the source changed", func(t *testing.T) { appendTo(t, filepath.Join(spec.Dir, "main.go"), "\n// changed\n") }, true},
		{"the flags changed", func(*testing.T) { spec.LDFlags = "-s" }, true},
		{"the output is gone", func(t *testing.T) {
			if err := os.Remove(spec.Output); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"all there again", func(*testing.T) {}, false},
	}
	for _, step := range steps {
		step.change(t)
		var log bytes.Buffer
		built, err := BuildPinned(t.Context(), spec, &log)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if built != step.want {
			t.Errorf("%s: built = %v", step.name, built)
		}
		if _, err := os.Stat(spec.Output); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
	}
}

func TestFailedBuildSaysWhyAndLeavesNoStamp(t *testing.T) {
	spec := module(t, "package main\n\nfunc main() {}\n")
	if _, err := BuildPinned(t.Context(), spec, new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	appendTo(t, filepath.Join(spec.Dir, "main.go"), "\nfunc broken() { undefinedName() }\n")
	_, err := BuildPinned(t.Context(), spec, new(bytes.Buffer))
	if err == nil || !strings.Contains(err.Error(), "undefinedName") {
		t.Errorf("the compiler's words are lost: %v", err)
	}
	if fresh, err := Fresh(spec); err != nil || fresh {
		t.Errorf("a failed build counts as done: %v, %v", fresh, err)
	}
}

func TestWatchTellsPackagesFromDiagnostics(t *testing.T) {
	w := newWatch(new(bytes.Buffer), "program")
	for _, part := range []string{
		"go: downloading example.org/a v1.0.0\ngo: downl", "oading example.org/b v1.0.0\n",
		"example.org/a\nexample.org/b/c\n", "# example.org/b\nb.go:3:5: undefined: x\n",
	} {
		if _, err := w.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	if w.downloads != 2 || w.packages != 2 {
		t.Errorf("%d downloads, %d packages", w.downloads, w.packages)
	}
	if want := []string{"# example.org/b", "b.go:3:5: undefined: x"}; !slices.Equal(w.diagnostic, want) {
		t.Errorf("diagnostics %q", w.diagnostic)
	}
	if state := w.state(); !strings.Contains(state, "2 modules downloaded") || !strings.Contains(state, "2 packages compiled") {
		t.Errorf("state %q", state)
	}
}

// What a developer has in the environment must not get into binaries that are stamped as pinned.
func TestEnvironmentIsReproducible(t *testing.T) {
	t.Setenv("GOFLAGS", "-tags=mine")
	t.Setenv("CGO_ENABLED", "1")
	t.Setenv("KEPT", "yes")
	made := environment(false)
	for _, want := range []string{"CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "KEPT=yes"} {
		if !slices.Contains(made, want) {
			t.Errorf("%s is not set", want)
		}
	}
	for _, unwanted := range []string{"CGO_ENABLED=1", "GOFLAGS=-tags=mine"} {
		if slices.Contains(made, unwanted) {
			t.Errorf("%s is set", unwanted)
		}
	}
}

func appendTo(t *testing.T, file, text string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(content, text...), 0o644); err != nil {
		t.Fatal(err)
	}
}
