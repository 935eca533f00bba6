// Package strict reads Kubernetes manifests the way an apiserver with strict field validation would, without one: every
// document must be of a known kind, must not hold a field that its type does not have, and where the kind is defined by
// one of the given CustomResourceDefinitions, must pass its schema, CEL rules included. It is for checks of this
// repository; it talks to nobody.
package strict

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// Checker decodes manifests.
type Checker struct {
	scheme  *runtime.Scheme
	decoder runtime.Decoder
	custom  map[schema.GroupVersionKind]*customKind
}

// NewChecker knows Kubernetes' own kinds, and those of the CustomResourceDefinitions in the folders given.
func NewChecker(ctx context.Context, crdFolders ...string) (*Checker, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), apiextensionsv1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	c := &Checker{
		scheme: scheme,
		decoder: json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme,
			json.SerializerOptions{Yaml: true, Strict: true}),
		custom: map[schema.GroupVersionKind]*customKind{},
	}
	for _, folder := range crdFolders {
		if err := c.learn(ctx, folder); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *Checker) learn(ctx context.Context, folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("no CustomResourceDefinition in %s", folder)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		obj, _, err := c.decoder.Decode(text, nil, nil)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		crd, ok := obj.(*apiextensionsv1.CustomResourceDefinition)
		if !ok {
			return fmt.Errorf("%s is not a CustomResourceDefinition", file)
		}
		kinds, err := newCustomKinds(ctx, crd)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		maps.Copy(c.custom, kinds)
	}
	return nil
}

// Object is a manifest that passed.
type Object struct {
	GVK schema.GroupVersionKind
	// Typed is set for Kubernetes' own kinds.
	Typed runtime.Object
	// Content is the manifest as it was written.
	Content map[string]any
}

// Name is the object's name.
func (o Object) Name() string {
	return (&unstructured.Unstructured{Object: o.Content}).GetName()
}

// Check reads a stream of YAML documents. All that is wrong with any of them is in the error.
func (c *Checker) Check(ctx context.Context, source string, stream io.Reader) ([]Object, error) {
	var objects []Object
	var problems []error
	documents := utilyaml.NewYAMLReader(bufio.NewReader(stream))
	for n := 1; ; n++ {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects, errors.Join(problems...)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: document %d: %w", source, n, err)
		}
		if isEmpty(document) {
			continue
		}
		object, err := c.checkOne(ctx, document)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: document %d: %w", source, n, err))
			continue
		}
		objects = append(objects, object)
	}
}

// isEmpty is true for documents of comments only, which templates leave behind.
func isEmpty(document []byte) bool {
	var content any
	return yaml.Unmarshal(document, &content) == nil && content == nil
}

func (c *Checker) checkOne(ctx context.Context, document []byte) (Object, error) {
	content, err := parse(document)
	if err != nil {
		return Object{}, err
	}
	raw := &unstructured.Unstructured{Object: content}
	gvk := raw.GroupVersionKind()
	object := Object{GVK: gvk, Content: content}
	if raw.GetName() == "" {
		return Object{}, fmt.Errorf("%s without a name", gvk.Kind)
	}
	if kind, found := c.custom[gvk]; found {
		return object, describe(gvk, raw.GetName(), kind.validate(ctx, content))
	}
	if !c.scheme.Recognizes(gvk) {
		return Object{}, fmt.Errorf("%s is not a kind that is known here", gvk)
	}
	object.Typed, _, err = c.decoder.Decode(document, nil, nil)
	return object, describe(gvk, raw.GetName(), err)
}

func describe(gvk schema.GroupVersionKind, name string, err error) error {
	if err != nil {
		return fmt.Errorf("%s %s: %w", gvk.Kind, name, err)
	}
	return nil
}

// parse refuses a key that stands twice, and decodes integers as int64, which is what an apiserver's validation sees.
func parse(document []byte) (map[string]any, error) {
	text, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return nil, err
	}
	var raw unstructured.Unstructured
	if err := raw.UnmarshalJSON(text); err != nil {
		return nil, err
	}
	return raw.Object, nil
}

// CheckPath checks a file, or every .yaml file in a folder and below. Kustomizations are not objects and are left out.
func (c *Checker) CheckPath(ctx context.Context, path string) ([]Object, error) {
	var objects []Object
	var problems []error
	err := filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() || filepath.Ext(file) != ".yaml" || entry.Name() == "kustomization.yaml" {
			return nil
		}
		text, err := os.ReadFile(file) //nolint:gosec // G122: the repository's own files, which nobody swaps meanwhile
		if err != nil {
			return err
		}
		found, err := c.Check(ctx, file, bytes.NewReader(text))
		objects = append(objects, found...)
		problems = append(problems, err)
		return nil
	})
	return objects, errors.Join(append(problems, err)...)
}
