package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ctr-operator/ctr-operator/runtime/split"
)

const root = "../../.."

// pages are the Markdown files of the repository, by path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "bin" || entry.Name() == "dist"):
			return filepath.SkipDir
		case entry.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		found[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 5 {
		t.Fatalf("only %d pages found: is this the repository?", len(found))
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"`)
	fence   = regexp.MustCompile("(?s)```.*?```")
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

func TestLinksResolve(t *testing.T) {
	all := pages(t)
	for path, text := range all {
		for _, match := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			target := match[1] + match[2]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			file, anchor, _ := strings.Cut(target, "#")
			resolved := path
			if file != "" {
				resolved = filepath.Join(filepath.Dir(path), file)
			}
			if _, err := os.Stat(resolved); err != nil {
				t.Errorf("%s: %s leads nowhere", path, target)
				continue
			}
			if anchor != "" && !slices.Contains(anchors(all[resolved]), anchor) {
				t.Errorf("%s: %s: no such heading", path, target)
			}
		}
	}
}

// anchors are the headings as GitHub makes them addressable.
func anchors(text string) []string {
	drop := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	var names []string
	for _, match := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		name := drop.ReplaceAllString(strings.ToLower(match[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

// constants are the values of a file's string constants whose names have one of the prefixes.
func constants(t *testing.T, path string, prefixes ...string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, name := range spec.Names {
			hasPrefix := func(prefix string) bool { return strings.HasPrefix(name.Name, prefix) }
			if i >= len(spec.Values) || !slices.ContainsFunc(prefixes, hasPrefix) {
				continue
			}
			if literal, ok := spec.Values[i].(*ast.BasicLit); ok && literal.Kind == token.STRING {
				value, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, value)
			}
		}
		return true
	})
	if len(values) == 0 {
		t.Fatalf("no constants in %s", path)
	}
	return values
}

func TestReasonsAndEventsAreDocumented(t *testing.T) {
	page := read(t, "docs/operations.md")
	wanted := constants(t, "api/v1alpha1/conditions.go", "Condition", "Reason", "Event")
	wanted = append(wanted, constants(t, "runtime/contract/contract.go", "Reason")...)
	for _, value := range wanted {
		if !strings.Contains(page, "`"+value+"`") {
			t.Errorf("docs/operations.md does not explain %s", value)
		}
	}
	_, events, found := strings.Cut(page, "\n## Events\n")
	events, _, _ = strings.Cut(events, "\n## ")
	for _, value := range constants(t, "api/v1alpha1/conditions.go", "Event") {
		if !found || !strings.Contains(events, "\n| `"+value+"` |") {
			t.Errorf("docs/operations.md does not list the event %s", value)
		}
	}
	// The first cell of a row in the tables of conditions, reasons and events names a constant.
	rows := regexp.MustCompile("(?m)^\\| `([A-Z][A-Za-z]+)`")
	for _, row := range rows.FindAllStringSubmatch(page, -1) {
		if !slices.Contains(wanted, row[1]) {
			t.Errorf("docs/operations.md explains %s, which no longer exists", row[1])
		}
	}
}

func TestMetricsAreDocumented(t *testing.T) {
	literal := regexp.MustCompile(`"(ctr_[a-z_]+)"`)
	inCode := map[string]bool{}
	for _, pattern := range []string{"runtime/metrics/*.go", "controllers/ctrmodel/*.go"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, match := range literal.FindAllStringSubmatch(string(text), -1) {
				inCode[match[1]] = true
			}
		}
	}
	page := read(t, "docs/operations.md")
	row := regexp.MustCompile("(?m)^\\| `(ctr_[a-z_]+)`")
	inDocs := map[string]bool{}
	for _, match := range row.FindAllStringSubmatch(page, -1) {
		inDocs[match[1]] = true
		if !inCode[match[1]] {
			t.Errorf("docs/operations.md lists %s, which nothing exports", match[1])
		}
	}
	for name := range inCode {
		if !inDocs[name] {
			t.Errorf("docs/operations.md does not list %s", name)
		}
	}
	if len(inCode) == 0 {
		t.Error("no metric found in the code")
	}
}

func TestMakeTargetsExist(t *testing.T) {
	makefile := read(t, "Makefile")
	use := regexp.MustCompile("(?m)(?:`|^)make ([a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*)*)")
	for path, text := range pages(t) {
		for _, match := range use.FindAllStringSubmatch(text, -1) {
			for target := range strings.FieldsSeq(match[1]) {
				if !regexp.MustCompile(`(?m)^` + target + `:`).MatchString(makefile) {
					t.Errorf("%s names make %s, which the Makefile does not have", path, target)
				}
			}
		}
	}
}

func TestTreeIsComplete(t *testing.T) {
	page := read(t, "docs/architecture.md")
	for _, parent := range []string{"api", "controllers", "runtime"} {
		entries, err := os.ReadDir(filepath.Join(root, parent))
		if err != nil || len(entries) == 0 {
			t.Fatalf("nothing in %s: %v", parent, err)
		}
		for _, entry := range entries {
			if name := parent + "/" + entry.Name(); entry.IsDir() && !strings.Contains(page, "`"+name+"`") {
				t.Errorf("docs/architecture.md does not say what is in %s", name)
			}
		}
	}
}

// TestFocusedSpecsExist: Ginkgo runs nothing, and is content, where no spec's name has what is asked for.
func TestFocusedSpecsExist(t *testing.T) {
	focus := regexp.MustCompile(`-ginkgo\.focus=['"]?([\w ]+)`)
	files, err := filepath.Glob(filepath.Join(root, "test/e*/*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no suites: %v", err)
	}
	specs := ""
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		specs += string(text)
	}
	for path, text := range pages(t) {
		for _, match := range focus.FindAllStringSubmatch(text, -1) {
			name := regexp.MustCompile(`(?:Describe|Context|It)\("[^"]*` + regexp.QuoteMeta(match[1]))
			if !name.MatchString(specs) {
				t.Errorf("%s focuses on %q, which no spec is called", path, match[1])
			}
		}
	}
}

func TestWorkedExampleOfTheSplit(t *testing.T) {
	page := read(t, "docs/traffic.md")
	example := regexp.MustCompile("salt `([^`]+)`, key `([^`]+)`[^`]*`(0\\.[0-9]+)`")
	match := example.FindStringSubmatch(page)
	if match == nil {
		t.Fatal("docs/traffic.md has no worked example")
	}
	if got := fmt.Sprintf("%.6f", split.Hash(match[1], match[2])); got != match[3] {
		t.Errorf("the hash of %q and %q is %s, the page says %s", match[1], match[2], got, match[3])
	}
}
