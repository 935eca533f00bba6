package strict

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	structuralcel "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

// customKind is one version of a custom resource, with the apiserver's own validators.
type customKind struct {
	structural *structuralschema.Structural
	values     validation.SchemaValidator
	rules      *structuralcel.Validator
}

// newCustomKinds checks the definition itself (is it structural, do its rules compile, are they cheap enough), as an
// apiserver does when it is created.
func newCustomKinds(
	ctx context.Context, crd *apiextensionsv1.CustomResourceDefinition,
) (map[schema.GroupVersionKind]*customKind, error) {
	defaulted := crd.DeepCopy()
	apiextensionsv1.SetDefaults_CustomResourceDefinition(defaulted)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&defaulted.Spec)
	var internal apiextensions.CustomResourceDefinition
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(
		defaulted, &internal, nil); err != nil {
		return nil, err
	}
	// The apiserver writes the stored versions on creation.
	for _, version := range internal.Spec.Versions {
		if version.Storage {
			internal.Status.StoredVersions = []string{version.Name}
		}
	}
	errs := apiextensionsvalidation.ValidateCustomResourceDefinition(ctx, &internal)
	if err := errs.ToAggregate(); err != nil {
		return nil, err
	}
	kinds := map[schema.GroupVersionKind]*customKind{}
	for _, version := range internal.Spec.Versions {
		kind, err := newCustomKind(&internal, version)
		if err != nil {
			return nil, fmt.Errorf("version %s: %w", version.Name, err)
		}
		gvk := schema.GroupVersionKind{Group: crd.Spec.Group, Version: version.Name, Kind: crd.Spec.Names.Kind}
		kinds[gvk] = kind
	}
	return kinds, nil
}

func newCustomKind(
	crd *apiextensions.CustomResourceDefinition, version apiextensions.CustomResourceDefinitionVersion,
) (*customKind, error) {
	// A schema that all versions share is kept beside the versions in the internal form.
	described := version.Schema
	if described == nil {
		described = crd.Spec.Validation
	}
	if described == nil || described.OpenAPIV3Schema == nil {
		return nil, errors.New("it has no schema")
	}
	structural, err := structuralschema.NewStructural(described.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	values, _, err := validation.NewSchemaValidator(described.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	return &customKind{
		structural: structural,
		values:     values,
		rules:      structuralcel.NewValidator(structural, true, celconfig.PerCallLimit),
	}, nil
}

// validate does what the apiserver does with a new object: unknown fields, defaults, values, list types, rules.
func (k *customKind) validate(ctx context.Context, content map[string]any) error {
	object := runtime.DeepCopyJSON(content)
	unknown := pruning.PruneWithOptions(object, k.structural, true,
		structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	if len(unknown) > 0 {
		return fmt.Errorf("unknown fields: %q", unknown)
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object, k.structural)
	defaulting.Default(object, k.structural)
	errs := validation.ValidateCustomResource(nil, object, k.values)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, k.structural, object)...)
	broken, _ := k.rules.Validate(ctx, nil, k.structural, object, nil, celconfig.RuntimeCELCostBudget)
	return append(errs, broken...).ToAggregate()
}
