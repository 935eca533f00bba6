package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion of this API.
var GroupVersion = schema.GroupVersion{Group: "serving.ctr-operator.dev", Version: "v1alpha1"}

// Kind is the kind of a CTRModel, as owner references name it.
const Kind = "CTRModel"

// AddToScheme makes the types of this package known to a scheme.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion, &CTRModel{}, &CTRModelList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
