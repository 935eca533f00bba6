// Package v1alpha1 is the CTRModel API: its types, their validation and defaults (markers, from which the CRD is
// generated), the labels and annotations on what the operator makes, and the closed lists of conditions, reasons and
// events. It is what users and tools rely on: fields are added, never given another meaning. It imports no client.
//
// +kubebuilder:object:generate=true
// +groupName=serving.ctr-operator.dev
package v1alpha1
