package strict

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	checker, err := NewChecker(t.Context(), "testdata")
	if err != nil {
		t.Fatal(err)
	}
	const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	const widget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\n"
	cases := map[string]struct {
		manifest string
		wants    []string // parts of the error; none: it passes
		objects  int
	}{
		"a known kind":                 {manifest: configMap + "data: {k: v}\n", objects: 1},
		"comments are not objects":     {manifest: "# nothing\n---\n" + configMap + "---\n", objects: 1},
		"an unknown field":             {manifest: configMap + "dta: {k: v}\n", wants: []string{"ConfigMap a", `"dta"`}},
		"a wrong type":                 {manifest: configMap + "data: {k: [v]}\n", wants: []string{"ConfigMap a"}},
		"a key that stands twice":      {manifest: configMap + "data: {k: v}\ndata: {k: w}\n", wants: []string{"data"}},
		"a kind nobody knows":          {manifest: "apiVersion: v1\nkind: Teapot\nmetadata: {name: a}\n", wants: []string{"Teapot"}},
		"no name":                      {manifest: "apiVersion: v1\nkind: Pod\n", wants: []string{"Pod without a name"}},
		"every problem is told":        {manifest: configMap + "x: 1\n---\n" + configMap + "z: 1\n", wants: []string{`"x"`, `"z"`, "document 2"}},
		"a custom resource":            {manifest: widget + "spec: {size: 3}\n", objects: 1},
		"its unknown field":            {manifest: widget + "spec: {size: 3, sise: 4}\n", wants: []string{"Widget a", "spec.sise"}},
		"its value out of range":       {manifest: widget + "spec: {size: 0}\n", wants: []string{"spec.size"}},
		"its missing field":            {manifest: widget + "spec: {}\n", wants: []string{"spec.size"}},
		"its rule, against a default":  {manifest: widget + "spec: {size: 11}\n", wants: []string{"size is above limit"}},
		"its rule about its own name":  {manifest: strings.Replace(widget, "name: a", "name: a--b", 1) + "spec: {size: 1}\n", wants: []string{"no double dash"}},
		"another version is not known": {manifest: strings.Replace(widget, "/v1", "/v2", 1), wants: []string{"v2", "Widget"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			objects, err := checker.Check(t.Context(), "test", strings.NewReader(tc.manifest))
			if (err == nil) != (len(tc.wants) == 0) {
				t.Fatalf("error %v, want parts %q", err, tc.wants)
			}
			for _, want := range tc.wants {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if err == nil && len(objects) != tc.objects {
				t.Errorf("%d objects, want %d", len(objects), tc.objects)
			}
		})
	}
}

func TestNewCheckerRefusesABrokenDefinition(t *testing.T) {
	valid, err := os.ReadFile("testdata/crd.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct{ old, new, want string }{
		"a rule that does not compile":  {"self.size <= self.limit", "self.size <= self.limits", "undefined field"},
		"a name that is not the kind's": {"widgets.example.com", "gadgets.example.com", "metadata.name"},
		"a misspelt field":              {"served:", "servd:", "servd"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			broken := strings.Replace(string(valid), tc.old, tc.new, 1)
			if err := os.WriteFile(filepath.Join(folder, "crd.yaml"), []byte(broken), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := NewChecker(t.Context(), folder)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want it to say %q", err, tc.want)
			}
		})
	}
	if _, err := NewChecker(t.Context(), t.TempDir()); err == nil {
		t.Error("a folder without definitions is accepted")
	}
}
