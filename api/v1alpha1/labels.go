package v1alpha1

// Labels on every object that the operator makes, and on the pods.
const (
	LabelName      = "app.kubernetes.io/name"
	LabelInstance  = "app.kubernetes.io/instance"
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// LabelModel is the CTRModel's name. The operator's caches hold only objects that carry it.
	LabelModel = Domain + "model"
	// LabelRevision is the name of the revision's objects.
	LabelRevision = Domain + "revision"
)

// Annotations on objects that the operator makes.
const (
	// Domain is the prefix of this project's labels and annotations.
	Domain = "serving.ctr-operator.dev/"
	// AnnotationTraffic on a pod is the hash of the traffic table. Its change makes the kubelet refresh the pod's table.
	AnnotationTraffic = Domain + "traffic"
	// AnnotationTrafficSince on the ConfigMap with the traffic table is when this table replaced another.
	AnnotationTrafficSince = Domain + "traffic-since"
	// AnnotationRetireAt on a Deployment is when a replaced revision is taken down (RFC 3339).
	AnnotationRetireAt = Domain + "retire-at"
	// AnnotationSnapshot on a Deployment is the revision it runs, so that a lost ControllerRevision can be restored.
	AnnotationSnapshot = Domain + "snapshot"
	// AnnotationApplied is the hash of what the operator applied last; it says when there is something to take back.
	AnnotationApplied = Domain + "applied"
)

// Values of the labels, and the field owner of all that the operator writes.
const (
	RuntimeName = "ctr-runtime"
	FieldOwner  = "ctr-operator"
)
