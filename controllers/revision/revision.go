// Package revision turns a spec into an immutable, numbered snapshot of everything that shapes a pod, finds the snapshot
// that a spec asks for among those that exist, and names derived objects. It decides and builds; it does no I/O.
package revision

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
)

// HistoryLimit is how many revisions are remembered beside those that have pods.
const HistoryLimit = 10

// User is the part of a snapshot that the user decides: the spec without what a change of makes no new revision.
type User struct {
	ModelType   v1alpha1.ModelType    `json:"modelType"`
	ArtifactURL string                `json:"artifactURL"`
	Artifact    *v1alpha1.Artifact    `json:"artifact,omitempty"`
	Resources   *v1alpha1.Resources   `json:"resources,omitempty"`
	Server      *v1alpha1.Server      `json:"server,omitempty"`
	PodTemplate *v1alpha1.PodTemplate `json:"podTemplate,omitempty"`
}

// Image is the part of a snapshot that the operator's installation decides. It is kept with the revision, so that an
// upgrade of the operator does not restart models.
type Image struct {
	Ref        string            `json:"ref"`
	PullPolicy corev1.PullPolicy `json:"pullPolicy,omitempty"`
}

// Snapshot is everything that shapes a revision's pods, and its number.
type Snapshot struct {
	Number int64 `json:"number"`
	User   User  `json:"user"`
	Image  Image `json:"image"`
}

// Revision is a snapshot and the name of the objects that run it.
type Revision struct {
	Name string
	Snapshot
}

// UserPart is the part of a spec that makes a revision, in its normal form: defaults filled in, empty structs left out.
func UserPart(spec v1alpha1.CTRModelSpec) User {
	return User{
		ModelType:   spec.ModelType,
		ArtifactURL: spec.ArtifactURL,
		Artifact:    spec.Artifact,
		Resources:   spec.Resources,
		Server:      spec.Server,
		PodTemplate: spec.PodTemplate,
	}.normal()
}

func (u User) normal() User {
	u.Server = new(v1alpha1.WithServerDefaults(u.Server))
	u.Artifact = nilIfEmpty(u.Artifact)
	u.Resources = nilIfEmpty(u.Resources)
	u.PodTemplate = nilIfEmpty(u.PodTemplate)
	return u
}

// Equal says whether two user parts ask for the same pods. Snapshots that an older operator wrote lack newer fields; they
// are compared with today's defaults in their place.
func (u User) Equal(other User) bool {
	return bytes.Equal(u.canonical(), other.canonical())
}

// canonical is JSON with sorted keys, quantities and durations in their canonical form.
func (u User) canonical() []byte {
	b, err := json.Marshal(u.normal())
	if err != nil {
		// Every field is a plain API type that has come from JSON.
		panic(fmt.Sprintf("encoding a spec: %v", err))
	}
	return b
}

// Name is the name of a revision's objects: it depends on the model's name and on what is in the snapshot, not on its
// number, so that a revision that is made twice (because a cache was behind) is one object.
func Name(model string, user User, image Image) string {
	return DerivedName(model, "revision", string(user.canonical()), image.Ref, string(image.PullPolicy))
}

const (
	maxName  = 63
	hashSize = 10
	joint    = "--"
)

// DerivedName is the name of an object made for a model: the model's name, cut where it is too long, "--", which no
// model's name may contain, and a hash of the whole name and of what distinguishes the object.
func DerivedName(model string, parts ...string) string {
	h := sha256.New()
	for _, part := range append([]string{model}, parts...) {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	sum := strings.ToLower(base32.HexEncoding.EncodeToString(h.Sum(nil)))[:hashSize]
	return strings.TrimRight(model[:min(len(model), maxName-len(joint)-hashSize)], "-") + joint + sum
}

// ErrForeign says that an object is not a revision that this operator wrote.
var ErrForeign = errors.New("not a revision of a CTRModel")

// Encode is what a ControllerRevision carries.
func (s Snapshot) Encode() ([]byte, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encoding revision %d: %w", s.Number, err)
	}
	return b, nil
}

// Decode reads what Encode wrote.
func Decode(name string, data []byte) (Revision, error) {
	var s Snapshot
	if err := json.Unmarshal(data, &s); err != nil {
		return Revision{}, fmt.Errorf("%w: %s: %w", ErrForeign, name, err)
	}
	if s.Number < 1 || s.User.ArtifactURL == "" || s.Image.Ref == "" {
		return Revision{}, fmt.Errorf("%w: %s lacks a number, an artifactURL or an image", ErrForeign, name)
	}
	return Revision{Name: name, Snapshot: s}, nil
}

// FromControllerRevision reads a stored revision.
func FromControllerRevision(cr *appsv1.ControllerRevision) (Revision, error) {
	return Decode(cr.Name, cr.Data.Raw)
}

// FromDeployment reads the revision from the Deployment that runs it, for when its ControllerRevision is gone.
func FromDeployment(d *appsv1.Deployment) (Revision, error) {
	return Decode(d.Name, []byte(d.Annotations[v1alpha1.AnnotationSnapshot]))
}

// Resolve finds the revision that a spec asks for: an existing one with the same user part, whatever its image, else a
// new one with the next number. Numbers are never used again: latest is the highest that the model's status remembers.
// Of several that fit, the preferred ones (those that have pods) come first, then the newest.
func Resolve(model string, spec v1alpha1.CTRModelSpec, image Image, known []Revision, latest int64,
	preferred ...string,
) (target Revision, isNew bool) {
	user := UserPart(spec)
	var found *Revision
	for i := range known {
		latest = max(latest, known[i].Number)
		if known[i].User.Equal(user) && (found == nil || better(known[i], *found, preferred)) {
			found = &known[i]
		}
	}
	if found != nil {
		return *found, false
	}
	snapshot := Snapshot{Number: latest + 1, User: user, Image: image}
	return Revision{Name: Name(model, user, image), Snapshot: snapshot}, true
}

func better(a, b Revision, preferred []string) bool {
	inA, inB := slices.Contains(preferred, a.Name), slices.Contains(preferred, b.Name)
	if inA != inB {
		return inA
	}
	return a.Number > b.Number
}

// Expired are the revisions to forget: all but the newest HistoryLimit of those that have no pods.
func Expired(known []Revision, live ...string) []Revision {
	idle := slices.DeleteFunc(slices.Clone(known), func(r Revision) bool { return slices.Contains(live, r.Name) })
	slices.SortFunc(idle, func(a, b Revision) int { return int(b.Number - a.Number) })
	return idle[min(len(idle), HistoryLimit):]
}

// nilIfEmpty drops a struct in which nothing is said, be it with empty maps.
func nilIfEmpty[T any](p *T) *T {
	if b, err := json.Marshal(p); err == nil && string(b) == "{}" {
		return nil
	}
	return p
}
