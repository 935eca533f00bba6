// Package rollout decides, from what the user asks for and what is observed, who gets which share of the traffic and how
// many pods each revision runs. Step is a pure function: no client, no clock, no memory; called again and again with what
// has become of its last decision, it comes to rest.
//
// What holds at every step: the weights sum to 100; the canary gets no weight that its ready pods cannot carry; a canary
// that fails, or that is set back, ends with weight 0 and the stable revision with all of it.
package rollout

import (
	"time"
)

// Grace is how long a replaced revision keeps its pods: they forward what still reaches them, and a set-back within it
// is instant.
const Grace = 10 * time.Second

// All is the weight that promotes.
const All = 100

// ID names a revision. The zero ID is none.
type ID struct {
	Name   string
	Number int64
}

// None says that there is no revision.
func (id ID) None() bool { return id.Name == "" }

// Plan is what the user asks for.
type Plan struct {
	// Target is the revision that the spec describes.
	Target ID
	// Replicas is how many pods the stable revision runs.
	Replicas int32
	// Weight is the share that the target gets while it is not stable; All promotes it.
	Weight int32
}

// Revision is one revision as it is observed.
type Revision struct {
	ID
	// Ready is the number of pods that can be given requests: ready, for long enough that they can be reached, and not on
	// their way out.
	Ready int32
	// NextReady is how long it takes until another pod, which is ready already, counts; 0: there is none.
	NextReady time.Duration
	// Failed says that pods do not come up because something is wrong with the revision. Pods that only lack room do not
	// make it so: what the ready ones can carry, they carry.
	Failed bool
	// Replicas is what the revision's Deployment asks for; Deployed says whether there is one.
	Replicas int32
	Deployed bool
	// RetireAt is when the Deployment is to be taken down; zero: not.
	RetireAt time.Time
}

// Observed is what there is.
type Observed struct {
	// Stable is the name of the revision that the last completed rollout promoted; empty before the first.
	Stable string
	// Revisions are those that are stored or have pods.
	Revisions []Revision
}

// Share is a revision's place in the traffic table.
type Share struct {
	ID
	Stable bool
	Weight int32
}

// Workload is a revision's Deployment as it should be.
type Workload struct {
	ID
	Replicas int32
	// RetireAt is set on a revision that is no longer needed.
	RetireAt time.Time
}

// Decision is what to do.
type Decision struct {
	// Stable and Canary are the revisions' parts from now on. Stable is None until a first revision is ready.
	Stable, Canary ID
	// Promoted says that Stable was not stable before.
	Promoted bool
	// Entry is the revision that the model's Service selects.
	Entry ID
	// StandIn says that the canary is the entry, because no stable pod is ready.
	StandIn bool
	// Shares sum to 100; the stable one (or, before there is one, the target in its place) comes first.
	Shares []Share
	// Workloads are the Deployments to have; those of Delete are to be taken down.
	Workloads []Workload
	Delete    []ID
	// WakeUp is when to call again if nothing happens before; 0: not at all.
	WakeUp time.Duration
}

// CanaryWeight is the canary's share.
func (d Decision) CanaryWeight() int32 { return d.WeightOf(d.Canary) }

// WeightOf is a revision's share; 0 where it has none.
func (d Decision) WeightOf(id ID) int32 {
	for _, s := range d.Shares {
		if s.Name == id.Name {
			return s.Weight
		}
	}
	return 0
}

// Step decides.
func Step(plan Plan, seen Observed, now time.Time) Decision {
	target := seen.find(plan.Target)
	stable := seen.find(ID{Name: seen.Stable})

	var d Decision
	switch {
	case stable.None() && target.Ready == 0:
		d = beforeFirst(plan)
	case stable.None(), stable.Name == target.Name, promotable(plan, target):
		d = atRest(plan, seen.Stable)
	default:
		d = withCanary(plan, stable, target)
	}
	d.retire(seen, now)
	for _, r := range seen.Revisions {
		if d.runs(r.Name) {
			d.wakeUpIn(r.NextReady)
		}
	}
	return d
}

// Needed is how many pods carry a weight: at least one, so that a canary proves itself before it gets any.
func Needed(replicas, weight int32) int32 {
	return max(1, int32((int64(replicas)*int64(weight)+All-1)/All))
}

// effective is the weight that the ready pods can carry, up to what is asked for.
func effective(asked, ready, replicas int32) int32 {
	switch {
	case ready == 0:
		return 0
	case ready >= Needed(replicas, asked):
		return asked
	default:
		return min(asked, int32(int64(All)*int64(ready)/int64(replicas)))
	}
}

func promotable(plan Plan, target Revision) bool {
	return plan.Weight == All && !target.Failed && target.Ready >= plan.Replicas
}

// beforeFirst is the state before any revision was ever ready: there is nothing to protect, so the target has the stable
// one's place without being it.
func beforeFirst(plan Plan) Decision {
	return Decision{
		Entry:     plan.Target,
		Shares:    []Share{{ID: plan.Target, Stable: true, Weight: All}},
		Workloads: []Workload{{ID: plan.Target, Replicas: plan.Replicas}},
	}
}

// atRest is the state with one revision, the target.
func atRest(plan Plan, before string) Decision {
	d := beforeFirst(plan)
	d.Stable = plan.Target
	d.Promoted = before != plan.Target.Name
	return d
}

// withCanary is the state with a target beside a stable revision.
func withCanary(plan Plan, stable, canary Revision) Decision {
	d := Decision{Stable: stable.ID, Canary: canary.ID, Entry: stable.ID}
	weight, replicas := effective(plan.Weight, canary.Ready, plan.Replicas), Needed(plan.Replicas, plan.Weight)
	switch {
	case stable.Ready == 0 && canary.Ready > 0:
		// Nobody else can answer: the canary stands in, and gets the pods for it.
		d.StandIn, d.Entry = true, canary.ID
		weight, replicas = All, plan.Replicas
	case canary.Failed:
		weight = 0
	}
	d.Shares = []Share{
		{ID: stable.ID, Stable: true, Weight: All - weight},
		{ID: canary.ID, Weight: weight},
	}
	d.Workloads = []Workload{
		{ID: stable.ID, Replicas: plan.Replicas},
		{ID: canary.ID, Replicas: replicas},
	}
	return d
}

// retire adds the Deployments that nobody needs any more: kept for the grace, then deleted.
func (d *Decision) retire(seen Observed, now time.Time) {
	for _, r := range seen.Revisions {
		if !r.Deployed || d.runs(r.Name) {
			continue
		}
		const most = Grace + time.Second
		if r.RetireAt.IsZero() || r.RetireAt.Sub(now) > most { // The latter by a clock ahead of ours.
			// Whole seconds, rounded up: that is what the annotation holds.
			r.RetireAt = now.Add(Grace + time.Second - 1).Truncate(time.Second)
		}
		left := r.RetireAt.Sub(now)
		if left <= 0 {
			d.Delete = append(d.Delete, r.ID)
			continue
		}
		d.Workloads = append(d.Workloads, Workload{ID: r.ID, Replicas: r.Replicas, RetireAt: r.RetireAt})
		d.wakeUpIn(left)
	}
}

// wakeUpIn asks to be called again no later than in a while; 0 asks for nothing.
func (d *Decision) wakeUpIn(while time.Duration) {
	if while > 0 && (d.WakeUp == 0 || while < d.WakeUp) {
		d.WakeUp = while
	}
}

func (d *Decision) runs(name string) bool {
	for _, w := range d.Workloads {
		if w.Name == name {
			return true
		}
	}
	return false
}

// find is the observed state of a revision; one that is not observed has nothing but its ID, and where not even its
// number is known, it is none.
func (o Observed) find(id ID) Revision {
	for _, r := range o.Revisions {
		if r.Name == id.Name && id.Name != "" {
			return r
		}
	}
	if id.Number == 0 {
		return Revision{}
	}
	return Revision{ID: id}
}
