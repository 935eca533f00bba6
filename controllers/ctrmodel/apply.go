package ctrmodel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
)

// applier is the one way in which the operator writes objects: server-side apply, with one field owner, and only where
// something differs, so that an idle operator writes nothing.
type applier struct {
	client client.Client
	// live reads from the apiserver: the caches hold only labelled objects, and somebody else's may bear the name.
	live  client.Reader
	owner *v1alpha1.CTRModel
}

// conflictError says that an object with a name that the model needs belongs to somebody else.
type conflictError struct {
	kind, namespace, name string
}

func (e *conflictError) Error() string {
	return fmt.Sprintf("%s %s/%s exists and does not belong to this model", e.kind, e.namespace, e.name)
}

// leftoverError says that an object is of a deleted model of the same name, and about to be collected.
type leftoverError struct {
	kind, name string
}

func (e *leftoverError) Error() string {
	return fmt.Sprintf("%s %s is still there from a deleted model of the same name", e.kind, e.name)
}

// apply makes an object as desired. cached is what the cache holds under the name, or a typed nil. It returns the object
// as it is afterwards.
func (a applier) apply(ctx context.Context, desired runtime.ApplyConfiguration, cached client.Object,
) (*unstructured.Unstructured, error) {
	want, err := toUnstructured(desired)
	if err != nil {
		return nil, err
	}
	if err := stampHash(want); err != nil {
		return nil, err
	}
	if isNil(cached) {
		if err := a.checkName(ctx, want); err != nil {
			return nil, err
		}
	} else {
		if err := a.checkOwner(cached, want.GetKind()); err != nil {
			return nil, err
		}
		have, err := toUnstructured(cached)
		if err != nil {
			return nil, err
		}
		if contains(have.Object, want.Object) {
			return have, nil
		}
		// Were it deleted and made anew by somebody else in between, this would not be ours to change.
		want.SetUID(cached.GetUID())
	}
	err = a.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(want),
		client.FieldOwner(v1alpha1.FieldOwner), client.ForceOwnership)
	if err != nil {
		return nil, fmt.Errorf("applying %s %s: %w", want.GetKind(), want.GetName(), err)
	}
	return want, nil
}

// checkName looks, before something is made, whether somebody else has the name.
func (a applier) checkName(ctx context.Context, want *unstructured.Unstructured) error {
	there := &metav1.PartialObjectMetadata{}
	there.SetGroupVersionKind(want.GroupVersionKind())
	err := a.live.Get(ctx, client.ObjectKeyFromObject(want), there)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("looking for %s %s: %w", want.GetKind(), want.GetName(), err)
	}
	return a.checkOwner(there, want.GetKind())
}

func (a applier) checkOwner(there client.Object, kind string) error {
	owner := metav1.GetControllerOf(there)
	switch {
	case owner != nil && owner.UID == a.owner.UID:
		return nil
	case owner != nil && owner.Kind == v1alpha1.Kind && owner.Name == a.owner.Name:
		return &leftoverError{kind: kind, name: there.GetName()}
	}
	return &conflictError{kind: kind, namespace: there.GetNamespace(), name: there.GetName()}
}

// stampHash notes on the object what is applied. A field that is no longer wanted differs from what is there in nothing
// but this.
func stampHash(want *unstructured.Unstructured) error {
	b, err := json.Marshal(want.Object)
	if err != nil {
		return fmt.Errorf("encoding %s %s: %w", want.GetKind(), want.GetName(), err)
	}
	sum := sha256.Sum256(b)
	annotations := want.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[v1alpha1.AnnotationApplied] = hex.EncodeToString(sum[:8])
	want.SetAnnotations(annotations)
	return nil
}

func toUnstructured(in any) (*unstructured.Unstructured, error) {
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(in)
	if err != nil {
		return nil, fmt.Errorf("converting %T: %w", in, err)
	}
	return &unstructured.Unstructured{Object: object}, nil
}
