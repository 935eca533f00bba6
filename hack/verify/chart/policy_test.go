package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ctr-operator/ctr-operator/hack/verify/internal/strict"
)

const confinedPod = `apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: c
      resources: {requests: {cpu: 1m, memory: 1Mi}, limits: {cpu: 1, memory: 1Gi}}
      securityContext: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`

const boundRole = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: operator}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: operator}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: operator}
`

func decode(t *testing.T, manifests string) []strict.Object {
	t.Helper()
	checker, err := strict.NewChecker(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	objects, err := checker.Check(t.Context(), "test", strings.NewReader(manifests))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func TestPodsAreConfined(t *testing.T) {
	if err := podsAreConfined(decode(t, confinedPod)); err != nil {
		t.Errorf("a confined pod is refused: %v", err)
	}
	for name, tc := range map[string]struct{ old, new, want string }{
		"root":             {"runAsNonRoot: true", "runAsNonRoot: false", "runAsNonRoot"},
		"no seccomp":       {"type: RuntimeDefault", "type: Unconfined", "seccompProfile"},
		"token by default": {"  automountServiceAccountToken: false\n", "", "automountServiceAccountToken"},
		"writable root":    {"readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "readOnlyRootFilesystem"},
		"escalation":       {"allowPrivilegeEscalation: false, ", "", "allowPrivilegeEscalation"},
		"capabilities":     {"drop: [ALL]", "drop: [NET_RAW]", "capabilities"},
		"no memory limit":  {"limits: {cpu: 1, memory: 1Gi}", "limits: {cpu: 1}", "a limit of memory"},
		"no cpu request":   {"requests: {cpu: 1m, memory: 1Mi}", "requests: {memory: 1Mi}", "a request of cpu"},
	} {
		t.Run(name, func(t *testing.T) {
			err := podsAreConfined(decode(t, strings.Replace(confinedPod, tc.old, tc.new, 1)))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

func TestRulesAreTheSame(t *testing.T) {
	objects := decode(t, boundRole)
	rules := rulesOf(objects[0])
	same := config{}
	same.rules = append(same.rules, rules)
	if err := same.rulesAreTheSame(objects); err != nil {
		t.Errorf("equal rules are refused: %v", err)
	}
	more := decode(t, strings.Replace(boundRole, "verbs: [get]", "verbs: [get, delete]", 1))
	if err := same.rulesAreTheSame(more); err == nil {
		t.Error("a verb more than config/rbac has is accepted")
	}
	two := config{}
	two.rules = append(two.rules, rules, rulesOf(more[0]))
	if err := two.rulesAreTheSame(objects); err == nil {
		t.Error("a role of config/rbac that is not bound is not missed")
	}
}

func TestNamesAreUnique(t *testing.T) {
	if err := namesAreUnique(decode(t, boundRole)); err != nil {
		t.Error(err)
	}
	if err := namesAreUnique(decode(t, confinedPod+"---\n"+confinedPod)); err == nil {
		t.Error("a pod that is there twice is accepted")
	}
}

func TestCheckVersion(t *testing.T) {
	for name, tc := range map[string]struct {
		file, content string // what differs from a repository in which all is well
		ok            bool
	}{
		"all agree":            {"README.md", "", true},
		"the chart's differ":   {"charts/ctr-operator/Chart.yaml", "version: 1.2.1\nappVersion: \"1.2.0\"\n", false},
		"changelog is behind":  {"CHANGELOG.md", "## [1.1.0]\n## [1.2.0]\n", false},
		"changelog has none":   {"CHANGELOG.md", "nothing\n", false},
		"kustomize is behind":  {"config/default/kustomization.yaml", "images:\n- newTag: 1.1.0\n", false},
		"the runtime's is not": {"config/manager/manager.yaml", "ctr-operator/ctr-operator:1.2.0 ctr-operator/ctr-runtime:1", false},
	} {
		t.Run(name, func(t *testing.T) {
			repository := fstest.MapFS{
				"charts/ctr-operator/Chart.yaml":    {Data: []byte("version: 1.2.0\nappVersion: \"1.2.0\"\n")},
				"CHANGELOG.md":                      {Data: []byte("## [1.2.0] - today\n## [1.1.0]\n")},
				"config/default/kustomization.yaml": {Data: []byte("images:\n- newTag: 1.2.0\n")},
				"config/manager/manager.yaml": {Data: []byte(
					"image: ctr-operator/ctr-operator:1.2.0\n- --runtime-image=ctr-operator/ctr-runtime:1.2.0\n")},
			}
			repository[tc.file] = &fstest.MapFile{Data: []byte(tc.content)}
			if err := checkVersion(repository); (err == nil) != tc.ok {
				t.Errorf("error %v, want ok %v", err, tc.ok)
			}
		})
	}
}

// TestCheckRefused uses a stand-in for helm: what is checked is the reading of its answer.
func TestCheckRefused(t *testing.T) {
	folder := t.TempDir()
	values := filepath.Join(folder, "values.yaml")
	write(t, values, "# want: replicas\n")
	for name, tc := range map[string]struct {
		script string
		ok     bool
	}{
		"refused for the reason": {"echo replicas: must be 1 >&2; exit 1", true},
		"refused for another":    {"echo no such chart >&2; exit 1", false},
		"accepted":               {"echo kind: Pod", false},
	} {
		t.Run(name, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "helm")
			write(t, program, "#!/bin/sh\n"+tc.script+"\n")
			if err := os.Chmod(program, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := checkRefused(t.Context(), helm{program: program}, values); (err == nil) != tc.ok {
				t.Errorf("error %v, want ok %v", err, tc.ok)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
