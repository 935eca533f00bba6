// Command chart checks charts/ctr-operator without a cluster: Helm's own linter, its templates over every set of values
// in testdata/accepted (each document decoded strictly, each pod held to the project's security rules), the refusal of
// those in testdata/refused, and that the chart's CRD, permissions and version are those of the rest of the repository.
// It runs in the repository's root.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ctr-operator/ctr-operator/hack/verify/internal/strict"
)

// Places in the repository.
const (
	chartFolder = "charts/ctr-operator"
	crdFolder   = "config/crd/bases"
	rbacFolder  = "config/rbac"
	valueSets   = "hack/verify/chart/testdata"
)

func main() {
	program := flag.String("helm", "helm", "the helm program")
	flag.Parse()
	if err := run(context.Background(), helm{program: *program}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, helm helm) error {
	checker, err := strict.NewChecker(ctx, crdFolder, filepath.Join(valueSets, "crds"))
	if err != nil {
		return err
	}
	want, err := readConfig(ctx, checker)
	if err != nil {
		return err
	}
	accepted, err := filepath.Glob(filepath.Join(valueSets, "accepted", "*.yaml"))
	if err != nil {
		return err
	}
	refused, err := filepath.Glob(filepath.Join(valueSets, "refused", "*.yaml"))
	if err != nil {
		return err
	}
	if len(accepted) == 0 || len(refused) == 0 {
		return fmt.Errorf("no sets of values in %s: run this in the repository's root", valueSets)
	}
	problems := []error{checkVersion(os.DirFS("."))}
	for _, values := range accepted {
		problems = append(problems, checkAccepted(ctx, helm, checker, values, want))
	}
	for _, values := range refused {
		problems = append(problems, checkRefused(ctx, helm, values))
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	fmt.Printf("chart: %d sets of values rendered and valid, %d refused as they should be\n", len(accepted), len(refused))
	return nil
}

// checkAccepted lints and renders the chart with one set of values, and judges what comes out.
func checkAccepted(ctx context.Context, helm helm, checker *strict.Checker, values string, want config) error {
	if err := helm.lint(ctx, values); err != nil {
		return err
	}
	manifests, err := helm.template(ctx, values)
	if err != nil {
		return err
	}
	objects, err := checker.Check(ctx, values, manifests)
	if err != nil {
		return err
	}
	for _, rule := range []func([]strict.Object) error{podsAreConfined, namesAreUnique, want.crdIsTheSame, want.rulesAreTheSame} {
		if broken := rule(objects); broken != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", values, broken))
		}
	}
	return err
}
