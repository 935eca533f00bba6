// Package contract is what the operator and the runtime have agreed on, and nothing else: ports, paths, flag and header
// names, the schema of the traffic table, and the message with which a pod says why it could not serve. It is the only
// package under runtime/ that controllers/ may import, and it imports nothing but the standard library.
//
// A change here changes what running pods and a newer operator say to each other: add fields, never give an old one a
// new meaning.
package contract

// Ports of a runtime pod. REST is the one users reach; operations (probes, metrics) are kept away from it.
const (
	PortREST       = 8501
	PortOperations = 8502
)

// Paths inside a runtime pod.
const (
	// TrafficDir is where the traffic ConfigMap is mounted, as a whole directory (a subPath mount is never refreshed).
	TrafficDir = "/etc/ctr-operator/traffic"
	// TrafficKey is the ConfigMap's key and the file's name.
	TrafficKey = "traffic.json"
	// ArtifactDir is an emptyDir, the only writable place.
	ArtifactDir = "/var/lib/ctr-operator/artifact"
	// TerminationLog is where Kubernetes reads a container's last words (at most TerminationLimit bytes).
	TerminationLog   = "/dev/termination-log"
	TerminationLimit = 4096
)

// Paths on the operations port.
const (
	PathLive    = "/livez"
	PathReady   = "/readyz"
	PathMetrics = "/metrics"
)

// HTTP headers.
const (
	// HeaderRevision is set on every answer to a prediction: the number of the revision that computed it.
	HeaderRevision = "X-Ctr-Revision"
	// HeaderForwardedBy marks a request that a pod of the named revision has forwarded. It is answered where it arrives.
	HeaderForwardedBy = "X-Ctr-Forwarded-By"
	// HeaderFallback is set on an answer that the receiving pod computed itself because the canary did not answer; its
	// value is the reason (connect, timeout, status, body).
	HeaderFallback = "X-Ctr-Fallback"
	// HeaderRequestID is taken from the request or made, logged, forwarded and echoed.
	HeaderRequestID = "X-Request-Id"
)

// Keys of the Secret that spec.artifact.secretRef names, and at the same time the environment variables they become.
// The first two must be in the Secret; the rest are optional.
const (
	EnvAccessKeyID     = "AWS_ACCESS_KEY_ID"
	EnvSecretAccessKey = "AWS_SECRET_ACCESS_KEY"
	EnvSessionToken    = "AWS_SESSION_TOKEN"
	EnvRegion          = "AWS_REGION"
	EnvEndpoint        = "AWS_ENDPOINT_URL"
	// EnvAddressing is "path" or "virtual"; unset means path where EnvEndpoint is set, virtual otherwise.
	EnvAddressing = "AWS_S3_ADDRESSING_STYLE"
)

// Role is what a revision is to its model.
type Role string

const (
	// RoleStable is the revision that the model's Service selects; its pods split the traffic.
	RoleStable Role = "stable"
	// RoleCanary is the newest revision while it is not stable; its pods answer whatever they receive.
	RoleCanary Role = "canary"
)

// TrafficTable says which share of a model's traffic is whose. The operator writes it, every pod reads it.
//
// A pod decides by its own place in the table: a canary's pod answers everything itself; a stable's pod answers its own
// share and forwards the canary's; a pod whose revision is not in the table has been replaced, and forwards everything.
type TrafficTable struct {
	Model string `json:"model"`
	// Salt goes into the hash before the key, so that it is not always the same users who try the canary first. It is
	// the same for the whole of a rollout.
	Salt       string     `json:"salt"`
	Stickiness Stickiness `json:"stickiness"`
	// Revisions holds one stable and at most one canary; their weights sum to 100.
	Revisions []RevisionTraffic `json:"revisions"`
}

// Stickiness says where the key is that keeps a user on one side: a request header or a field of the input. With
// neither, or where a request lacks it, the side is drawn at random.
type Stickiness struct {
	Header string `json:"header,omitempty"`
	Field  string `json:"field,omitempty"`
}

// RevisionTraffic is one revision's line in the table.
type RevisionTraffic struct {
	Name   string `json:"name"`
	Number int64  `json:"number"`
	Role   Role   `json:"role"`
	// Weight is the share in per cent, 0 to 100.
	Weight int32 `json:"weight"`
	// Address is host:port of the revision's own Service (its cluster IP, so that no DNS is on the path).
	Address string `json:"address"`
}

// Reason is why a pod could not come to serve. The list is closed; the operator shows it on the model's conditions.
type Reason string

// The reasons; docs/operations.md says what each means and what to do.
const (
	ReasonConfigInvalid       Reason = "ConfigInvalid"
	ReasonArtifactNotFound    Reason = "ArtifactNotFound"
	ReasonArtifactForbidden   Reason = "ArtifactForbidden"
	ReasonArtifactUnreachable Reason = "ArtifactUnreachable"
	ReasonArtifactTooLarge    Reason = "ArtifactTooLarge"
	ReasonArtifactTruncated   Reason = "ArtifactTruncated"
	ReasonDigestMismatch      Reason = "DigestMismatch"
	ReasonArtifactMalformed   Reason = "ArtifactMalformed"
	ReasonArtifactUnsafe      Reason = "ArtifactUnsafe"
	ReasonUnsupportedModel    Reason = "UnsupportedModel"
	ReasonGoldenInvalid       Reason = "GoldenInvalid"
	ReasonGoldenMismatch      Reason = "GoldenMismatch"
	ReasonStartupTimeout      Reason = "StartupTimeout"
	ReasonInternal            Reason = "InternalError"
)

// Termination is the one JSON line that a pod leaves in its termination message when it cannot serve.
type Termination struct {
	Reason Reason `json:"reason"`
	// Message names the URL or place, what was found, and what to do.
	Message string `json:"message"`
	// Example, Expected and Got are set for ReasonGoldenMismatch: the 1-based line of golden.jsonl and the two values.
	Example  int      `json:"example,omitempty"`
	Expected *float64 `json:"expected,omitempty"`
	Got      *float64 `json:"got,omitempty"`
}

// The formats of artifacts: what spec.artifact.format may say, and what --artifact-format takes.
const (
	FormatSklearn    = "sklearn"
	FormatKeras      = "keras"
	FormatSavedModel = "savedmodel"
	FormatONNX       = "onnx"
)
