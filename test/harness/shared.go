package harness

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"text/template"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// The S3 server of the tests. Its credentials open a throw-away server inside of a throw-away cluster.
const (
	Bucket      = "models"
	S3Endpoint  = "http://s3." + SharedNamespace + ".svc:7070"
	S3AccessKey = "demo"
	S3SecretKey = "demo-secret-key"
	// S3Secret is the name of the Secret with the credentials in a model's namespace.
	S3Secret = "s3-credentials"
)

const fieldOwner = client.FieldOwner("ctr-operator-harness")

//go:embed shared.yaml
var sharedManifest string

// DeployShared brings up the S3 server and the testkit pod, and makes the bucket.
func (h *Harness) DeployShared(ctx context.Context) error {
	manifest, err := template.New("shared.yaml").Parse(sharedManifest)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	err = manifest.Execute(&text, map[string]string{
		"Namespace": SharedNamespace, "AccessKey": S3AccessKey, "SecretKey": S3SecretKey, "Endpoint": S3Endpoint,
		"S3Image": h.Images.S3.Ref, "TestkitImage": h.Images.Testkit.Ref,
	})
	if err != nil {
		return err
	}
	if err := h.applyManifest(ctx, &text); err != nil {
		return err
	}
	for _, name := range []string{"s3", "testkit"} {
		if err := h.WaitDeployment(ctx, client.ObjectKey{Namespace: SharedNamespace, Name: name}); err != nil {
			return err
		}
	}
	_, err = h.testkit(ctx, nil, "s3", "mb", "s3://"+Bucket)
	return err
}

// Apply applies a manifest as `kubectl apply --server-side` would.
func (h *Harness) Apply(ctx context.Context, manifest string) error {
	return h.applyManifest(ctx, strings.NewReader(manifest))
}

func (h *Harness) applyManifest(ctx context.Context, r io.Reader) error {
	decoder := yaml.NewYAMLOrJSONDecoder(r, 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(&object.Object); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		err := h.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), fieldOwner, client.ForceOwnership)
		if err != nil {
			return fmt.Errorf("applying %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
}

// WaitDeployment waits until all of a Deployment's pods are of its newest template, and available.
func (h *Harness) WaitDeployment(ctx context.Context, key client.ObjectKey) error {
	return WaitFor(ctx, h, key, &appsv1.DeploymentList{}, "all its pods to be available", func(d *appsv1.Deployment) string {
		wanted := int32(1)
		if d.Spec.Replicas != nil {
			wanted = *d.Spec.Replicas
		}
		s := d.Status
		if s.ObservedGeneration >= d.Generation && s.UpdatedReplicas == wanted && s.Replicas == wanted &&
			s.AvailableReplicas == wanted {
			return ""
		}
		return fmt.Sprintf("%d replicas wanted; %d exist, %d are updated, %d available", wanted, s.Replicas, s.UpdatedReplicas,
			s.AvailableReplicas)
	})
}

// testkitPod is the pod in which testkit runs now.
func (h *Harness) testkitPod(ctx context.Context) (client.ObjectKey, error) {
	pods, err := h.Pods(ctx, SharedNamespace, client.MatchingLabels{"app": "testkit"})
	if err != nil {
		return client.ObjectKey{}, err
	}
	for _, pod := range pods {
		if PodReady(&pod) && pod.Spec.Containers[0].Image == h.Images.Testkit.Ref {
			return client.ObjectKeyFromObject(&pod), nil
		}
	}
	return client.ObjectKey{}, fmt.Errorf("no testkit pod is ready in namespace %s", SharedNamespace)
}

// testkit runs one of testkit's commands in the cluster.
func (h *Harness) testkit(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	pod, err := h.testkitPod(ctx)
	if err != nil {
		return "", err
	}
	return h.Exec(ctx, pod, stdin, append([]string{"/testkit"}, args...)...)
}

// PutObject stores an object in the bucket and returns its URL.
func (h *Harness) PutObject(ctx context.Context, key string, content []byte) (string, error) {
	url := "s3://" + Bucket + "/" + key
	_, err := h.testkit(ctx, bytes.NewReader(content), "s3", "put", url)
	return url, err
}

// RemoveObjects removes an object, or, where the key ends in a slash, all below it.
func (h *Harness) RemoveObjects(ctx context.Context, key string) error {
	_, err := h.testkit(ctx, nil, "s3", "rm", "s3://"+Bucket+"/"+key)
	return err
}

// PutBundle stores the files below a directory of the repository below a prefix and returns the prefix's URL.
func (h *Harness) PutBundle(ctx context.Context, prefix, dir string) (string, error) {
	bundle := os.DirFS(filepath.Join(h.Root, dir))
	err := fs.WalkDir(bundle, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(bundle, name)
		if err != nil {
			return err
		}
		_, err = h.PutObject(ctx, path.Join(prefix, name), content)
		return err
	})
	if err != nil {
		return "", err
	}
	return "s3://" + Bucket + "/" + prefix + "/", nil
}

// S3Credentials are what a Secret must hold for the S3 server.
func S3Credentials() map[string]string {
	return map[string]string{
		contract.EnvAccessKeyID: S3AccessKey, contract.EnvSecretAccessKey: S3SecretKey,
		contract.EnvEndpoint: S3Endpoint, contract.EnvRegion: "us-east-1",
	}
}

// EnsureS3Secret puts the S3 server's credentials into a model's namespace.
func (h *Harness) EnsureS3Secret(ctx context.Context, namespace string) error {
	return h.EnsureSecret(ctx, client.ObjectKey{Namespace: namespace, Name: S3Secret}, S3Credentials())
}

// EnsureSecret makes a Secret if it is not there.
func (h *Harness) EnsureSecret(ctx context.Context, key client.ObjectKey, data map[string]string) error {
	return client.IgnoreAlreadyExists(h.Client.Create(ctx, secret(key, data)))
}

// SetSecret changes a Secret that is there.
func (h *Harness) SetSecret(ctx context.Context, key client.ObjectKey, data map[string]string) error {
	return h.Client.Update(ctx, secret(key, data))
}

func secret(key client.ObjectKey, data map[string]string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}, StringData: data}
}
