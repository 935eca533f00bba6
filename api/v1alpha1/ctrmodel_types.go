package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CTRModel is a click-through-rate model, served under one name. A change to anything that shapes a pod makes a new
// revision, which starts beside the old one, proves itself, gets its share of the traffic, and is promoted or taken back.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=ctrmodels,shortName=ctrm,categories=all,scope=Namespaced
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.replicas,statuspath=.status.replicas,selectorpath=.status.selector
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.modelType`
// +kubebuilder:printcolumn:name="Stable",type=integer,JSONPath=`.status.stableRevision.number`,description="Number of the stable revision"
// +kubebuilder:printcolumn:name="Canary",type=integer,JSONPath=`.status.canaryRevision.number`,description="Number of the canary revision"
// +kubebuilder:printcolumn:name="Weight",type=integer,JSONPath=`.status.canaryWeight`,description="Per cent of the traffic that the canary gets"
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.status.url`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="metadata.name must be at most 63 lower-case letters, digits and '-', and start with a letter and not end with '-': the model's Service has the same name"
// +kubebuilder:validation:XValidation:rule="!self.metadata.name.contains('--')",message="metadata.name must not contain '--', which is kept for the names of the objects made for a model"
type CTRModel struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// What is to be served, and how.
	// +required
	Spec CTRModelSpec `json:"spec"`
	// What is served, as the operator saw it last.
	// +optional
	Status CTRModelStatus `json:"status,omitzero"`
}

// CTRModelList is a list of CTRModels.
//
// +kubebuilder:object:root=true
type CTRModelList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []CTRModel `json:"items"`
}

// ModelType says what kind of model an artifact holds.
//
// +kubebuilder:validation:Enum=LogisticRegression;WideAndDeep
type ModelType string

const (
	// ModelLogisticRegression is a linear model: a linear classifier of scikit-learn's, alone or after the transformers of
	// a Pipeline, or a Keras, SavedModel or ONNX model with one layer of weights.
	ModelLogisticRegression ModelType = "LogisticRegression"
	// ModelWideAndDeep is a network: a Keras, SavedModel or ONNX model of any depth.
	ModelWideAndDeep ModelType = "WideAndDeep"
)

// ArtifactFormat is what wrote an artifact.
//
// +kubebuilder:validation:Enum=sklearn;keras;savedmodel;onnx
type ArtifactFormat string

const (
	// FormatSklearn is a pickle or joblib file with scikit-learn's estimators.
	FormatSklearn ArtifactFormat = "sklearn"
	// FormatKeras is an .h5 or .keras file.
	FormatKeras ArtifactFormat = "keras"
	// FormatSavedModel is a TensorFlow SavedModel's directory.
	FormatSavedModel ArtifactFormat = "savedmodel"
	// FormatONNX is an ONNX file.
	FormatONNX ArtifactFormat = "onnx"
)

// CTRModelSpec is what the user asks for. Everything in it but canaryWeight, replicas and traffic shapes the pods, and
// a change of it makes a new revision.
//
// +kubebuilder:validation:XValidation:rule="!has(self.artifact) || !has(self.artifact.secretRef) || self.artifactURL.startsWith('s3://')",message="artifact.secretRef holds S3 credentials and can only be used with an s3:// artifactURL",fieldPath=".artifact.secretRef"
type CTRModelSpec struct {
	// ModelType is the kind of model that the artifact holds.
	// +required
	ModelType ModelType `json:"modelType"`

	// ArtifactURL is where the model is: an https:// or http:// address of one file or archive, an s3:// object, an
	// s3:// prefix that ends in "/" (a bundle: everything below it), or, for tiny models, a data: URL of at most 16 KiB.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16384
	// +kubebuilder:validation:XValidation:rule="self.matches('^(https?|s3)://') || self.startsWith('data:')",message="artifactURL must start with s3://, https://, http:// or data:"
	// +kubebuilder:validation:XValidation:rule="self.startsWith('data:') || size(self) <= 2048",message="artifactURL must be at most 2048 characters long, unless it is a data: URL"
	// +kubebuilder:validation:XValidation:rule="self.startsWith('data:') || !self.matches('^[^/?#]*//[^/?#]*@')",message="artifactURL must not contain a user name or password; put the credentials into a Secret and name it in artifact.secretRef"
	// +kubebuilder:validation:XValidation:rule="self.startsWith('data:') || !self.matches('(?i)([.]|%2e)([.]|%2e)')",message="artifactURL must not contain '..'"
	// +kubebuilder:validation:XValidation:rule="!self.matches('[\\\\x00-\\\\x20\\\\x7f]')",message="artifactURL must not contain spaces or control characters; write them percent-encoded"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^https?://') || self.matches('^https?://[^]/?#@:%[]+(:[0-9]+)?([/?#]|$)') || self.matches('^https?://[[][0-9a-fA-F:.]+[]](:[0-9]+)?([/?#]|$)')",message="artifactURL must name a host, as in https://host/path"
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('s3://') || self.matches('^s3://[^/?#]*@') || self.matches('^s3://[a-zA-Z0-9][-._a-zA-Z0-9]*/')",message="artifactURL must name a bucket and a key or a prefix, as in s3://bucket/model.pkl or s3://bucket/prefix/"
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('data:') || self.matches('^data:[^,]*,.')",message="artifactURL must hold data after a comma, as in data:;base64,AAAA"
	ArtifactURL string `json:"artifactURL"`

	// Artifact says more about the artifact: its format, its digest, and who may read it.
	// +optional
	Artifact *Artifact `json:"artifact,omitempty"`

	// CanaryWeight is the share of the traffic, in per cent, that the newest revision gets while it is not yet stable.
	// Unset or 100: it is promoted as soon as all its pods are ready. 0: it runs, reachable under its own address, without
	// traffic.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	CanaryWeight *int32 `json:"canaryWeight,omitempty"`

	// Replicas is the number of pods of the stable revision. A canary runs the part of it that its weight needs.
	// +optional
	// +default=1
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	Replicas *int32 `json:"replicas,omitempty"`

	// Resources of a pod. What is not given is filled in, so that requests and limits are always set: 100m and 1 CPU,
	// 128Mi and 256Mi of memory; a limit that is given lowers the request to it, a request raises the limit to it.
	// +optional
	Resources *Resources `json:"resources,omitempty"`

	// Server holds the limits of the model server.
	// +optional
	// +kubebuilder:default={}
	Server *Server `json:"server,omitempty"`

	// PodTemplate adds to the pods: where they run, as whom, and what they are labelled with.
	// +optional
	PodTemplate *PodTemplate `json:"podTemplate,omitempty"`

	// Traffic says how requests are divided between the stable revision and the canary.
	// +optional
	Traffic *Traffic `json:"traffic,omitempty"`
}

// Artifact says more about the artifact than its URL does.
type Artifact struct {
	// Format is what wrote the artifact: sklearn, keras, savedmodel or onnx. Unset, it is told by the content.
	// +optional
	Format ArtifactFormat `json:"format,omitempty"`

	// SHA256 is the digest that the artifact must have, in 64 lower-case hexadecimal digits. For an s3:// prefix it is
	// the digest of what `sha256sum` prints for its files, sorted.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9a-f]{64}$')",message="artifact.sha256 must be 64 lower-case hexadecimal digits, as sha256sum prints them"
	SHA256 string `json:"sha256,omitempty"`

	// SecretRef names a Secret in the model's namespace with the credentials for s3://. Its keys are environment
	// variables as the AWS tools know them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and, where needed,
	// AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL and AWS_S3_ADDRESSING_STYLE (path or virtual).
	// +optional
	SecretRef *SecretReference `json:"secretRef,omitempty"`
}

// SecretReference names a Secret in the model's namespace.
type SecretReference struct {
	// Name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$')",message="secretRef.name must be the name of a Secret: lower-case letters, digits, '-' and '.'"
	Name string `json:"name"`
}

// Resources are a pod's requests and limits.
//
// +kubebuilder:validation:XValidation:rule="!has(self.requests) || !has(self.limits) || self.requests.all(k, !(k in self.limits) || quantity(string(self.requests[k])).compareTo(quantity(string(self.limits[k]))) <= 0)",message="resources.requests must not be more than resources.limits"
type Resources struct {
	// Requests is what a pod is promised.
	// +optional
	// +kubebuilder:validation:MaxProperties=6
	// +kubebuilder:validation:XValidation:rule="self.all(k, quantity(string(self[k])).isGreaterThan(quantity('0')))",message="resources.requests must be more than zero"
	Requests corev1.ResourceList `json:"requests,omitempty"`
	// Limits is what a pod may use at most.
	// +optional
	// +kubebuilder:validation:MaxProperties=6
	// +kubebuilder:validation:XValidation:rule="self.all(k, quantity(string(self[k])).isGreaterThan(quantity('0')))",message="resources.limits must be more than zero"
	Limits corev1.ResourceList `json:"limits,omitempty"`
}

// Server holds the limits of the model server.
type Server struct {
	// MaxRequestSize is how large the body of a request may be.
	// +optional
	// +kubebuilder:default="1Mi"
	// +kubebuilder:validation:XValidation:rule="quantity(string(self)).compareTo(quantity('1Ki')) >= 0 && quantity(string(self)).compareTo(quantity('1Gi')) <= 0",message="server.maxRequestSize must be between 1Ki and 1Gi"
	MaxRequestSize *resource.Quantity `json:"maxRequestSize,omitempty"`

	// MaxBatchSize is how many rows one request may hold.
	// +optional
	// +kubebuilder:default=1024
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1048576
	MaxBatchSize *int32 `json:"maxBatchSize,omitempty"`

	// ForwardTimeout is how long a stable pod waits for the canary's answer before it answers the request itself.
	// +optional
	// +kubebuilder:default="500ms"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,5}(h|m|s|ms))+$') && duration(self) >= duration('1ms') && duration(self) <= duration('1m')",message="server.forwardTimeout must be a duration between 1ms and 1m, as in 500ms"
	ForwardTimeout *metav1.Duration `json:"forwardTimeout,omitempty"`

	// MaxArtifactSize is how large the artifact may be, unpacked.
	// +optional
	// +kubebuilder:default="1Gi"
	// +kubebuilder:validation:XValidation:rule="quantity(string(self)).compareTo(quantity('1Ki')) >= 0 && quantity(string(self)).compareTo(quantity('1Ti')) <= 0",message="server.maxArtifactSize must be between 1Ki and 1Ti"
	MaxArtifactSize *resource.Quantity `json:"maxArtifactSize,omitempty"`

	// StartupTimeout is how long a pod may take to fetch, check and load the artifact.
	// +optional
	// +kubebuilder:default="5m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,5}(h|m|s|ms))+$') && duration(self) >= duration('1s') && duration(self) <= duration('1h')",message="server.startupTimeout must be a duration between 1s and 1h, as in 5m"
	StartupTimeout *metav1.Duration `json:"startupTimeout,omitempty"`
}

// PodTemplate adds to the pods of a model.
type PodTemplate struct {
	// Labels are added to the pods.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('serving.ctr-operator.dev/') && !(k in ['app.kubernetes.io/name', 'app.kubernetes.io/instance', 'app.kubernetes.io/managed-by', 'pod-template-hash']))",message="podTemplate.labels must not set serving.ctr-operator.dev/*, app.kubernetes.io/name, instance or managed-by, or pod-template-hash: the operator finds the pods by them"
	Labels map[string]string `json:"labels,omitempty"`

	// Annotations are added to the pods.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('serving.ctr-operator.dev/'))",message="podTemplate.annotations must not set serving.ctr-operator.dev/*, which the operator uses"
	Annotations map[string]string `json:"annotations,omitempty"`

	// NodeSelector restricts the pods to nodes with these labels.
	// +optional
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// Tolerations let the pods run on tainted nodes.
	// +optional
	// +listType=atomic
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`

	// Affinity of the pods.
	// +optional
	Affinity *corev1.Affinity `json:"affinity,omitempty"`

	// TopologySpreadConstraints of the pods. Unset: each revision's pods are spread over nodes and zones where possible.
	// +optional
	// +listType=atomic
	TopologySpreadConstraints []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`

	// PriorityClassName of the pods.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	PriorityClassName string `json:"priorityClassName,omitempty"`

	// ServiceAccountName the pods run as. Its token is not mounted.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	ServiceAccountName string `json:"serviceAccountName,omitempty"`

	// ImagePullSecrets for the model server's image.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`
}

// Traffic says how requests are divided between revisions.
type Traffic struct {
	// Stickiness keeps a user on one side of the split. Unset: each request is drawn at random.
	// +optional
	Stickiness *Stickiness `json:"stickiness,omitempty"`
}

// Stickiness says where the key is that keeps a user on one side. Requests without it are drawn at random.
//
// +kubebuilder:validation:XValidation:rule="has(self.header) != has(self.field)",message="traffic.stickiness must have either header or field, and not both"
type Stickiness struct {
	// Header is the name of a request header.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-A-Za-z0-9_.]+$')",message="traffic.stickiness.header must be the name of an HTTP header: letters, digits, '-', '_' and '.'"
	Header string `json:"header,omitempty"`
	// Field is the name of a field of the input.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Field string `json:"field,omitempty"`
}

// CTRModelStatus is what the operator saw and decided.
type CTRModelStatus struct {
	// ObservedGeneration is the generation of the spec that this status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Conditions: Ready, Reconciling, Stalled, RevisionReady, and CanaryHealthy while there is a canary.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// URL under which the model answers, from inside the cluster.
	// +optional
	URL string `json:"url,omitempty"`

	// StableRevision is the revision that the last completed rollout promoted.
	// +optional
	StableRevision *RevisionReference `json:"stableRevision,omitempty"`

	// CanaryRevision is the newest revision while it is not stable.
	// +optional
	CanaryRevision *RevisionReference `json:"canaryRevision,omitempty"`

	// CanaryWeight is the share of the traffic, in per cent, that the canary gets now. It is what was asked for, or less
	// while the canary has not enough ready pods.
	// +optional
	CanaryWeight *int32 `json:"canaryWeight,omitempty"`

	// Traffic lists the revisions that are reachable, and their shares.
	// +optional
	// +listType=atomic
	Traffic []RevisionTraffic `json:"traffic,omitempty"`

	// LatestRevision is the highest number that a revision of this model ever had. Numbers are never used again.
	// +optional
	LatestRevision int64 `json:"latestRevision,omitempty"`

	// Replicas is the number of ready pods behind the model's Service.
	// +optional
	Replicas int32 `json:"replicas,omitempty"`

	// Selector of the pods behind the model's Service, for autoscalers.
	// +optional
	Selector string `json:"selector,omitempty"`
}

// RevisionReference names a revision.
type RevisionReference struct {
	// Name of the revision's ControllerRevision, Deployment and Service.
	Name string `json:"name"`
	// Number of the revision: 1, 2, 3, …
	Number int64 `json:"number"`
}

// Role is what a revision is to its model.
//
// +kubebuilder:validation:Enum=stable;canary
type Role string

// Roles of a revision.
const (
	RoleStable Role = "stable"
	RoleCanary Role = "canary"
)

// RevisionTraffic is a revision's share of the traffic.
type RevisionTraffic struct {
	// Revision is the name of the revision's objects.
	Revision string `json:"revision"`
	// Number of the revision.
	Number int64 `json:"number"`
	// Role of the revision: stable or canary.
	Role Role `json:"role"`
	// Weight is the share in per cent.
	Weight int32 `json:"weight"`
	// URL under which this revision alone answers, from inside the cluster.
	// +optional
	URL string `json:"url,omitempty"`
}
