package v1alpha1

// Types of conditions. Ready is what people and tools wait for; Reconciling and Stalled are kstatus' two abnormal ones
// (True means that something is going on, or that it cannot go on by itself).
const (
	// ConditionReady is True when what the spec asks for is what is served; Unknown while the operator is on its way
	// there; False when the newest revision cannot serve, or nobody does.
	ConditionReady = "Ready"
	// ConditionReconciling is True while the operator works towards the spec, or waits for pods.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is True when somebody has to change something: the spec, the artifact, a Secret, the cluster.
	ConditionStalled = "Stalled"
	// ConditionRevisionReady is about the newest revision: True when all the pods that it should have are ready.
	ConditionRevisionReady = "RevisionReady"
	// ConditionCanaryHealthy is there while a canary is: True when it can carry the weight asked for.
	ConditionCanaryHealthy = "CanaryHealthy"
)

// Reasons of conditions that do not come from a failing pod.
const (
	// ReasonServing: what the spec asks for is what is served.
	ReasonServing = "Serving"
	// ReasonPodsReady: all pods that the revision should have are ready.
	ReasonPodsReady = "PodsReady"
	// ReasonRevisionStarting: pods of the newest revision are starting.
	ReasonRevisionStarting = "RevisionStarting"
	// ReasonScaling: pods are being added for the weight or the replicas asked for.
	ReasonScaling = "Scaling"
	// ReasonTrafficShifting: the shares have changed, and the pods are learning them.
	ReasonTrafficShifting = "TrafficShifting"
	// ReasonStableUnavailable: no pod of the stable revision is ready; the canary answers everything, if it can.
	ReasonStableUnavailable = "StableUnavailable"
	// ReasonProgressing: the operator works towards the spec.
	ReasonProgressing = "Progressing"
	// ReasonIdle: nothing is left to do.
	ReasonIdle = "Idle"
	// ReasonNotStalled: nobody has to do anything.
	ReasonNotStalled = "NotStalled"
)

// Reasons of failure that the operator finds. The rest of the list is runtime/contract.Reason: why a pod's own checks
// failed (ConfigInvalid, ArtifactNotFound, ArtifactForbidden, ArtifactUnreachable, ArtifactTooLarge, ArtifactTruncated,
// DigestMismatch, ArtifactMalformed, ArtifactUnsafe, UnsupportedModel, GoldenInvalid, GoldenMismatch, StartupTimeout,
// InternalError).
const (
	// ReasonNameConflict: an object with a name that the model needs belongs to somebody else.
	ReasonNameConflict = "NameConflict"
	// ReasonRejected: the apiserver refused an object made from the spec.
	ReasonRejected = "Rejected"
	// ReasonSecretNotFound: the Secret of artifact.secretRef does not exist.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonSecretKeyMissing: the Secret of artifact.secretRef lacks a key.
	ReasonSecretKeyMissing = "SecretKeyMissing"
	// ReasonImagePullFailed: a node cannot pull the model server's image.
	ReasonImagePullFailed = "ImagePullFailed"
	// ReasonContainerStartFailed: a node cannot start the container.
	ReasonContainerStartFailed = "ContainerStartFailed"
	// ReasonOutOfMemory: the container needed more memory than its limit.
	ReasonOutOfMemory = "OutOfMemory"
	// ReasonCrashLooping: the container ends again and again without saying why.
	ReasonCrashLooping = "CrashLooping"
	// ReasonEvicted: a node evicted the pod.
	ReasonEvicted = "Evicted"
	// ReasonUnschedulable: no node can take the pod.
	ReasonUnschedulable = "Unschedulable"
	// ReasonPodsNotCreated: the cluster refuses to create the pods (a quota, a missing service account, a policy).
	ReasonPodsNotCreated = "PodsNotCreated"
)

// Reasons of events, in the past tense.
const (
	EventRevisionCreated = "RevisionCreated"
	EventCanaryStarted   = "CanaryStarted"
	EventWeightChanged   = "WeightChanged"
	EventPromoted        = "Promoted"
	EventSetBack         = "SetBack"
	EventRevisionFailed  = "RevisionFailed"
	EventRecovered       = "Recovered"
	EventNameConflicted  = "NameConflicted"
	EventRejected        = "Rejected"
	EventStandInStarted  = "StandInStarted"
	EventStandInEnded    = "StandInEnded"
)
