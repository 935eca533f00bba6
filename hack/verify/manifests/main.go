// Command manifests checks that Kubernetes manifests are what an apiserver with strict field validation would take:
//
//	manifests -crds config/crd/bases config      # files and folders
//	kubectl kustomize config | manifests -crds config/crd/bases -
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/ctr-operator/ctr-operator/hack/verify/internal/strict"
)

func main() {
	crds := flag.String("crds", "", "folder of the CustomResourceDefinitions to validate against")
	flag.Parse()
	count, err := run(context.Background(), *crds, flag.Args(), os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("manifests: %d objects are valid\n", count)
}

func run(ctx context.Context, crds string, paths []string, stdin io.Reader) (int, error) {
	if crds == "" || len(paths) == 0 {
		return 0, errors.New("usage: manifests -crds FOLDER PATH…  (- for standard input)")
	}
	checker, err := strict.NewChecker(ctx, crds)
	if err != nil {
		return 0, err
	}
	count := 0
	var problems []error
	for _, path := range paths {
		var objects []strict.Object
		if path == "-" {
			objects, err = checker.Check(ctx, "standard input", stdin)
		} else {
			objects, err = checker.CheckPath(ctx, path)
		}
		count += len(objects)
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return count, err
	}
	if count == 0 {
		return 0, errors.New("no object in what was given: nothing was checked")
	}
	return count, nil
}
