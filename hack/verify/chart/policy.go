package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/ctr-operator/ctr-operator/hack/verify/internal/strict"
)

// config is what the chart must agree with: what the repository's own generators wrote.
type config struct {
	crds  map[string]apiextensionsv1.CustomResourceDefinitionSpec
	rules [][]rbacv1.PolicyRule // of the operator's roles
}

func readConfig(ctx context.Context, checker *strict.Checker) (config, error) {
	crds, err := checker.CheckPath(ctx, crdFolder)
	if err != nil {
		return config{}, err
	}
	want := config{crds: crdSpecs(crds)}
	for _, name := range []string{"role.yaml", "leader_election_role.yaml"} {
		roles, err := checker.CheckPath(ctx, filepath.Join(rbacFolder, name))
		if err != nil {
			return config{}, err
		}
		for _, role := range roles {
			want.rules = append(want.rules, rulesOf(role))
		}
	}
	return want, nil
}

func crdSpecs(objects []strict.Object) map[string]apiextensionsv1.CustomResourceDefinitionSpec {
	specs := map[string]apiextensionsv1.CustomResourceDefinitionSpec{}
	for _, object := range objects {
		if crd, ok := object.Typed.(*apiextensionsv1.CustomResourceDefinition); ok {
			specs[crd.Name] = crd.Spec
		}
	}
	return specs
}

// crdIsTheSame holds where the chart installs the CRD at all.
func (c config) crdIsTheSame(objects []strict.Object) error {
	got := crdSpecs(objects)
	if len(got) > 0 && !equality.Semantic.DeepEqual(got, c.crds) {
		return errors.New("the CRD differs from config/crd/bases: run make generate")
	}
	return nil
}

// rulesAreTheSame holds for every role that is bound to the operator: it has the rules of one of config/rbac's roles,
// and all of these are there or none.
func (c config) rulesAreTheSame(objects []strict.Object) error {
	bound := boundRoles(objects)
	if len(bound) == 0 {
		return nil
	}
	matched := make([]bool, len(c.rules))
	for _, object := range objects {
		if !slices.Contains(bound, object.GVK.Kind+"/"+object.Name()) {
			continue
		}
		i := slices.IndexFunc(c.rules, func(rules []rbacv1.PolicyRule) bool {
			return equality.Semantic.DeepEqual(rules, rulesOf(object))
		})
		if i < 0 {
			return fmt.Errorf("the rules of %s %s are none of config/rbac's", object.GVK.Kind, object.Name())
		}
		matched[i] = true
	}
	if slices.Contains(matched, false) {
		return errors.New("a role of config/rbac is not bound to the operator's service account")
	}
	return nil
}

func boundRoles(objects []strict.Object) []string {
	var bound []string
	for _, object := range objects {
		switch binding := object.Typed.(type) {
		case *rbacv1.ClusterRoleBinding:
			bound = append(bound, binding.RoleRef.Kind+"/"+binding.RoleRef.Name)
		case *rbacv1.RoleBinding:
			bound = append(bound, binding.RoleRef.Kind+"/"+binding.RoleRef.Name)
		}
	}
	return bound
}

func rulesOf(object strict.Object) []rbacv1.PolicyRule {
	switch role := object.Typed.(type) {
	case *rbacv1.ClusterRole:
		return role.Rules
	case *rbacv1.Role:
		return role.Rules
	}
	return nil
}

// namesAreUnique finds two documents that would overwrite each other.
func namesAreUnique(objects []strict.Object) error {
	seen := map[string]bool{}
	for _, object := range objects {
		key := object.GVK.GroupKind().String() + " " + object.Name()
		if seen[key] {
			return fmt.Errorf("%s is there twice", key)
		}
		seen[key] = true
	}
	return nil
}

// podsAreConfined holds every container to what Kubernetes calls the restricted profile, and to requests and limits.
func podsAreConfined(objects []strict.Object) error {
	var problems []error
	for _, object := range objects {
		var pod *corev1.PodSpec
		switch typed := object.Typed.(type) {
		case *appsv1.Deployment:
			pod = &typed.Spec.Template.Spec
		case *corev1.Pod:
			pod = &typed.Spec
		default:
			continue
		}
		for _, missing := range unconfined(pod) {
			problems = append(problems, fmt.Errorf("%s %s: %s", object.GVK.Kind, object.Name(), missing))
		}
	}
	return errors.Join(problems...)
}

func unconfined(pod *corev1.PodSpec) []string {
	var missing []string
	need := func(ok bool, what string) {
		if !ok {
			missing = append(missing, what)
		}
	}
	security := pod.SecurityContext
	if security == nil {
		security = &corev1.PodSecurityContext{}
	}
	need(isTrue(security.RunAsNonRoot), "runAsNonRoot")
	need(security.SeccompProfile != nil && security.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault,
		"seccompProfile RuntimeDefault")
	need(pod.AutomountServiceAccountToken != nil, "an explicit automountServiceAccountToken")
	for _, container := range slices.Concat(pod.InitContainers, pod.Containers) {
		own := container.SecurityContext
		if own == nil {
			own = &corev1.SecurityContext{}
		}
		need(isTrue(own.ReadOnlyRootFilesystem), "readOnlyRootFilesystem")
		need(own.AllowPrivilegeEscalation != nil && !*own.AllowPrivilegeEscalation, "allowPrivilegeEscalation: false")
		need(own.Capabilities != nil && slices.Contains(own.Capabilities.Drop, "ALL"), "capabilities drop ALL")
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			need(!container.Resources.Requests.Name(name, "").IsZero(), "a request of "+string(name))
			need(!container.Resources.Limits.Name(name, "").IsZero(), "a limit of "+string(name))
		}
	}
	return missing
}

func isTrue(b *bool) bool { return b != nil && *b }
