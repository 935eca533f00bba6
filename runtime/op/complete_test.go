package op_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestEveryOperatorHasASample reads the package's source for operators.
func TestEveryOperatorHasASample(t *testing.T) {
	sampled := map[string]bool{}
	for _, s := range samples() {
		kind := reflect.TypeOf(s.op)
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		sampled[kind.Name()] = true
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	operators := 0
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), entry.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range runners(file) {
			operators++
			if !sampled[name] {
				t.Errorf("%s, in %s, has no sample", name, entry.Name())
			}
		}
	}
	if operators < 100 {
		t.Errorf("found only %d operators", operators)
	}
}

// runners are the types of a file that have a method Run of three arguments.
func runners(file *ast.File) (names []string) {
	for _, d := range file.Decls {
		method, ok := d.(*ast.FuncDecl)
		if !ok || method.Recv == nil || method.Name.Name != "Run" || method.Type.Params.NumFields() != 3 {
			continue
		}
		receiver := method.Recv.List[0].Type
		if pointer, ok := receiver.(*ast.StarExpr); ok {
			receiver = pointer.X
		}
		if name, ok := receiver.(*ast.Ident); ok {
			names = append(names, name.Name)
		}
	}
	return names
}
