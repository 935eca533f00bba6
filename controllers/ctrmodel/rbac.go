package ctrmodel

// What the operator may do, and nothing that it does not: config/rbac/role.yaml and the chart are generated from here.
// It reads no Secrets. Create and patch are what server-side apply needs; pods are only patched, to touch an annotation;
// finalizers are what owner references need where OwnerReferencesPermissionEnforcement is on.
//
// +kubebuilder:rbac:groups=serving.ctr-operator.dev,resources=ctrmodels,verbs=get;list;watch
// +kubebuilder:rbac:groups=serving.ctr-operator.dev,resources=ctrmodels/status,verbs=patch
// +kubebuilder:rbac:groups=serving.ctr-operator.dev,resources=ctrmodels/finalizers,verbs=update
// +kubebuilder:rbac:groups=apps,resources=controllerrevisions;deployments,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=services,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch;patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
