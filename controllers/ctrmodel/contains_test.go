package ctrmodel

import (
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	NewWithT(t).Expect(yaml.Unmarshal([]byte(text), &out)).To(Succeed())
	return out
}

func TestContains(t *testing.T) {
	const have = `
metadata: {labels: {ours: a, theirs: b}, ownerReferences: [{uid: "1", name: m}, {uid: "2", name: n}]}
spec:
  replicas: 2
  selector: {a: b}
  ports: [{port: 8501, protocol: TCP, targetPort: http, nodePort: 0}, {port: 1, protocol: TCP}]
  template:
    nodeSelector: {disk: ssd}
    tolerations: [{key: a, operator: Exists}]
    args: [serve, --model=m]
    containers:
    - {name: sidecar, image: x}
    - {name: server, image: y, env: [{name: A, value: "1"}, {name: B, value: "2"}]}
`
	cases := map[string]struct {
		want string
		same bool
	}{
		"a part":                        {`spec: {replicas: 2}`, true},
		"kind and version do not count": {`{kind: X, apiVersion: v1, spec: {replicas: 2}}`, true},
		"a value":                       {`spec: {replicas: 3}`, false},
		"a missing map":                 {`spec: {strategy: {type: x}}`, false},
		"a label":                       {`metadata: {labels: {ours: a}}`, true},
		"another label":                 {`metadata: {labels: {ours: c}}`, false},
		"a new label":                   {`metadata: {labels: {new: c}}`, false},
		"the whole selector":            {`spec: {selector: {a: b}}`, true},
		"a part of the selector":        {`spec: {selector: {}}`, false},
		"more than the selector":        {`spec: {selector: {a: b, c: d}}`, false},
		"a zero that is left out":       {`spec: {paused: false, minReadySeconds: 0, note: "", more: {}}`, true},
		"a zero that is not":            {`spec: {replicas: 0}`, false},
		"a port":                        {`spec: {ports: [{port: 8501, protocol: TCP, targetPort: http}]}`, true},
		"another target":                {`spec: {ports: [{port: 8501, protocol: TCP, targetPort: 1}]}`, false},
		"an owner":                      {`metadata: {ownerReferences: [{uid: "2", name: n}]}`, true},
		"another owner":                 {`metadata: {ownerReferences: [{uid: "3", name: n}]}`, false},
		"a container among others":      {`spec: {template: {containers: [{name: server, env: [{name: B, value: "2"}]}]}}`, true},
		"another variable":              {`spec: {template: {containers: [{name: server, env: [{name: B, value: "3"}]}]}}`, false},
		"another container":             {`spec: {template: {containers: [{name: other}]}}`, false},
		"the arguments":                 {`spec: {template: {args: [serve, --model=m]}}`, true},
		"fewer arguments":               {`spec: {template: {args: [serve]}}`, false},
		"arguments in another order":    {`spec: {template: {args: [--model=m, serve]}}`, false},
		"a toleration":                  {`spec: {template: {tolerations: [{key: a}]}}`, true},
		"no toleration":                 {`spec: {template: {tolerations: []}}`, false},
		"a map where a list is":         {`spec: {ports: {a: b}}`, false},
		"a list where a map is":         {`spec: {template: [a]}`, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(contains(object(t, have), object(t, c.want))).To(Equal(c.same))
		})
	}
}
