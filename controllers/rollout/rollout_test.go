package rollout

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

var start = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// cluster plays what a decision meets: Deployments that follow it, and pods that come up, or do not.
type cluster struct {
	plan   Plan
	stable string
	revs   map[int64]*fakeRevision
	now    time.Time
	last   Decision
}

type fakeRevision struct {
	Revision
	// broken revisions never have a ready pod; those held have no more than so many.
	broken bool
	held   int32
}

func newCluster(replicas, weight int32) *cluster {
	c := &cluster{revs: map[int64]*fakeRevision{}, now: start}
	c.plan.Replicas, c.plan.Weight = replicas, weight
	c.target(1)
	return c
}

const free = int32(1 << 20)

func (c *cluster) target(number int64) *fakeRevision {
	if c.revs[number] == nil {
		id := ID{Name: fmt.Sprintf("m--%d", number), Number: number}
		c.revs[number] = &fakeRevision{Revision: Revision{ID: id}, held: free}
	}
	c.plan.Target = c.revs[number].ID
	return c.revs[number]
}

func (c *cluster) observe() Observed {
	seen := Observed{Stable: c.stable}
	for _, r := range c.revs {
		seen.Revisions = append(seen.Revisions, r.Revision)
	}
	return seen
}

// step decides once and carries the decision out, but for the pods.
func (c *cluster) step() Decision {
	d := Step(c.plan, c.observe(), c.now)
	for _, w := range d.Workloads {
		r := c.revs[w.Number]
		r.Deployed, r.Replicas, r.RetireAt = true, w.Replicas, w.RetireAt
		r.Ready = min(r.Ready, r.Replicas)
	}
	for _, id := range d.Delete {
		r := c.revs[id.Number]
		r.Deployed, r.Replicas, r.Ready, r.RetireAt = false, 0, 0, time.Time{}
	}
	c.stable = d.Stable.Name
	c.last = d
	return d
}

// podsUp lets all pods come up that can.
func (c *cluster) podsUp() {
	for _, r := range c.revs {
		r.Ready = min(r.Replicas, r.held)
		if r.broken {
			r.Ready = 0
		}
		r.Failed = r.broken && r.Deployed
	}
}

// settle lets time pass until nothing changes any more.
func (c *cluster) settle(t *testing.T) Decision {
	t.Helper()
	for range 20 {
		before := fmt.Sprint(c.last, c.observable())
		c.podsUp()
		d := c.step()
		c.podsUp()
		if d.WakeUp > 0 {
			c.now = c.now.Add(d.WakeUp)
			continue
		}
		if fmt.Sprint(c.last, c.observable()) == before && len(d.Delete) == 0 {
			return d
		}
	}
	t.Fatalf("does not come to rest: %+v", c.last)
	return Decision{}
}

func (c *cluster) observable() string {
	out := c.stable
	for n := int64(1); n <= int64(len(c.revs)); n++ {
		out += fmt.Sprintf(" %+v", *c.revs[n])
	}
	return out
}

// weights are the shares by revision number.
func weights(d Decision) map[int64]int32 {
	out := map[int64]int32{}
	for _, s := range d.Shares {
		out[s.Number] = s.Weight
	}
	return out
}

func pods(d Decision) map[int64]int32 {
	out := map[int64]int32{}
	for _, w := range d.Workloads {
		if w.RetireAt.IsZero() {
			out[w.Number] = w.Replicas
		}
	}
	return out
}

func TestFirstRevisionBecomesStableWhenAPodIsReady(t *testing.T) {
	g := NewWithT(t)
	c := newCluster(3, 10)
	d := c.step()
	g.Expect(d.Stable.None()).To(BeTrue())
	g.Expect(weights(d)).To(Equal(map[int64]int32{1: 100}))
	g.Expect(d.Entry.Number).To(BeEquivalentTo(1))
	g.Expect(pods(d)).To(Equal(map[int64]int32{1: 3}))

	c.revs[1].Ready = 1
	d = c.step()
	g.Expect(d.Stable.Number).To(BeEquivalentTo(1))
	g.Expect(d.Promoted).To(BeTrue())
	g.Expect(c.step().Promoted).To(BeFalse())
}

func TestCanaryGrowsAndIsPromoted(t *testing.T) {
	g := NewWithT(t)
	c := newCluster(10, 0)
	c.settle(t)
	c.target(2)
	for _, step := range []struct{ asked, pods int32 }{{0, 1}, {1, 1}, {10, 1}, {11, 2}, {50, 5}, {99, 10}} {
		c.plan.Weight = step.asked
		d := c.settle(t)
		g.Expect(weights(d)).To(Equal(map[int64]int32{1: 100 - step.asked, 2: step.asked}))
		g.Expect(pods(d)).To(Equal(map[int64]int32{1: 10, 2: step.pods}))
		g.Expect(d.Entry.Number).To(BeEquivalentTo(1))
		g.Expect(d.Promoted).To(BeFalse())
	}
	c.plan.Weight = All
	d := c.settle(t)
	g.Expect(d.Stable.Number).To(BeEquivalentTo(2))
	g.Expect(d.Canary.None()).To(BeTrue())
	g.Expect(d.Entry.Number).To(BeEquivalentTo(2))
	g.Expect(weights(d)).To(Equal(map[int64]int32{2: 100}))
	g.Expect(c.revs[1].Deployed).To(BeFalse())
}

func TestPromotionWaitsForAllPods(t *testing.T) {
	g := NewWithT(t)
	c := newCluster(4, All)
	c.settle(t)
	c.target(2)
	for ready, carried := range []int32{0, 25, 50, 75} {
		c.revs[2].held = int32(ready)
		d := c.settle(t)
		g.Expect(weights(d)).To(Equal(map[int64]int32{1: 100 - carried, 2: carried}))
		g.Expect(d.Stable.Number).To(BeEquivalentTo(1))
		g.Expect(pods(d)).To(Equal(map[int64]int32{1: 4, 2: 4}))
	}
	c.revs[2].held = free
	g.Expect(c.settle(t).Stable.Number).To(BeEquivalentTo(2))
}

func TestReplacedRevisionIsKeptForTheGrace(t *testing.T) {
	g := NewWithT(t)
	c := newCluster(2, All)
	c.settle(t)
	c.target(2)
	c.step()
	c.podsUp()
	d := c.step()
	g.Expect(d.Promoted).To(BeTrue())
	g.Expect(d.WakeUp).To(And(BeNumerically(">=", Grace), BeNumerically("<", Grace+time.Second)))
	g.Expect(d.Workloads).To(ContainElement(And(
		HaveField("Number", BeEquivalentTo(1)), HaveField("Replicas", BeEquivalentTo(2)),
		HaveField("RetireAt", c.now.Add(d.WakeUp)))))

	c.now = c.now.Add(d.WakeUp - time.Millisecond)
	d = c.step()
	g.Expect(d.Delete).To(BeEmpty())
	g.Expect(d.WakeUp).To(Equal(time.Millisecond))
	c.now = c.now.Add(d.WakeUp)
	g.Expect(c.step().Delete).To(ConsistOf(HaveField("Number", BeEquivalentTo(1))))
	g.Expect(c.step().Delete).To(BeEmpty())
}

func TestAClockThatWasAheadDoesNotKeepAReplacedRevision(t *testing.T) {
	g := NewWithT(t)
	c := newCluster(1, All)
	c.settle(t)
	c.target(2)
	c.step()
	c.podsUp()
	c.step()
	c.now = c.now.Add(-time.Hour)
	g.Expect(c.step().WakeUp).To(BeNumerically("<=", Grace+time.Second))
	c.settle(t)
	g.Expect(c.revs[1].Deployed).To(BeFalse())
	g.Expect(c.now).To(BeTemporally("<", start))
}

func TestSetBackWithinTheGraceIsInstant(t *testing.T) {
	g := NewWithT(t)
	c := newCluster(2, All)
	c.settle(t)
	c.target(2)
	c.step()
	c.podsUp()
	c.step()
	c.target(1)
	d := c.step()
	g.Expect(d.Stable.Number).To(BeEquivalentTo(1))
	g.Expect(d.Workloads).To(ContainElement(And(HaveField("Number", BeEquivalentTo(1)), HaveField("RetireAt", BeZero()))))
}

func TestFailingCanaryGetsNothingAndStays(t *testing.T) {
	g := NewWithT(t)
	for _, weight := range []int32{0, 10, All} {
		c := newCluster(4, weight)
		c.settle(t)
		c.target(2).broken = true
		d := c.settle(t)
		g.Expect(weights(d)).To(Equal(map[int64]int32{1: 100, 2: 0}))
		g.Expect(d.Canary.Number).To(BeEquivalentTo(2))
		g.Expect(c.revs[2].Deployed).To(BeTrue())

		c.revs[2].Ready, c.revs[2].Failed = 1, true
		g.Expect(c.step().CanaryWeight()).To(BeZero(), "some of its pods failing is failing")
		c.revs[2].Ready = 4
		g.Expect(c.step().Stable.Number).To(BeEquivalentTo(1), "what fails is not promoted")
	}
}

func TestCanaryStandsInForABrokenStable(t *testing.T) {
	g := NewWithT(t)
	c := newCluster(4, 25)
	c.settle(t)
	c.target(2)
	c.settle(t)
	c.revs[1].broken = true
	d := c.settle(t)
	g.Expect(d.StandIn).To(BeTrue())
	g.Expect(d.Entry.Number).To(BeEquivalentTo(2))
	g.Expect(d.Stable.Number).To(BeEquivalentTo(1))
	g.Expect(weights(d)).To(Equal(map[int64]int32{1: 0, 2: 100}))
	g.Expect(pods(d)).To(Equal(map[int64]int32{1: 4, 2: 4}))

	c.revs[1].broken = false
	d = c.settle(t)
	g.Expect(d.StandIn).To(BeFalse())
	g.Expect(weights(d)).To(Equal(map[int64]int32{1: 75, 2: 25}))
	g.Expect(pods(d)).To(Equal(map[int64]int32{1: 4, 2: 1}))

	By := "neither having a pod"
	c.revs[1].broken, c.revs[2].broken = true, true
	d = c.settle(t)
	g.Expect(d.Entry.Number).To(BeEquivalentTo(1), By)
	g.Expect(weights(d)).To(Equal(map[int64]int32{1: 100, 2: 0}), By)
}

func TestThirdRevisionReplacesTheCanary(t *testing.T) {
	g := NewWithT(t)
	c := newCluster(4, 50)
	c.settle(t)
	c.target(2)
	c.settle(t)
	c.target(3)
	d := c.step()
	g.Expect(weights(d)).To(Equal(map[int64]int32{1: 100, 3: 0}))
	g.Expect(d.Workloads).To(ContainElement(And(HaveField("Number", BeEquivalentTo(2)), HaveField("RetireAt", Not(BeZero())))))
	d = c.settle(t)
	g.Expect(weights(d)).To(Equal(map[int64]int32{1: 50, 3: 50}))
	g.Expect(c.revs[2].Deployed).To(BeFalse())
}

func TestUnreadyFirstRevisionIsReplaced(t *testing.T) {
	g := NewWithT(t)
	c := newCluster(2, 10)
	c.target(1).broken = true
	c.settle(t)
	c.target(2)
	d := c.settle(t)
	g.Expect(d.Stable.Number).To(BeEquivalentTo(2))
	g.Expect(weights(d)).To(Equal(map[int64]int32{2: 100}))
	g.Expect(c.revs[1].Deployed).To(BeFalse())
}

func TestLostStableIsNone(t *testing.T) {
	g := NewWithT(t)
	c := newCluster(2, 10)
	c.stable = "m--gone"
	g.Expect(c.settle(t).Stable.Number).To(BeEquivalentTo(1))
}

func TestNeeded(t *testing.T) {
	g := NewWithT(t)
	for _, c := range []struct{ replicas, weight, pods int32 }{
		{1, 0, 1}, {1, 100, 1}, {3, 33, 1}, {3, 34, 2}, {10, 50, 5}, {7, 100, 7}, {1 << 30, 100, 1 << 30},
	} {
		g.Expect(Needed(c.replicas, c.weight)).To(Equal(c.pods), "%+v", c)
	}
}

// TestInvariants drives random histories and holds every decision to what the package promises.
func TestInvariants(t *testing.T) {
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 2))
		c := newCluster(1+rng.Int32N(12), rng.Int32N(101))
		for range 60 {
			disturb(c, rng)
			ready := map[int64]int32{}
			for n, r := range c.revs {
				ready[n] = r.Ready
			}
			before := *c
			d := c.step()
			if problem := violated(before.plan, d, ready, c.revs); problem != "" {
				t.Fatalf("seed %d: %s\nplan %+v\nready %v\ndecision %+v", seed, problem, c.plan, ready, d)
			}
		}
		atEnd(t, c, seed)
	}
}

// disturb does something that happens.
func disturb(c *cluster, rng *rand.Rand) {
	one := c.revs[1+rng.Int64N(int64(len(c.revs)))]
	switch rng.IntN(10) {
	case 0:
		c.target(1 + rng.Int64N(int64(len(c.revs))+1))
	case 1:
		c.plan.Weight = rng.Int32N(101)
	case 2:
		c.plan.Weight = All
	case 3:
		c.plan.Replicas = 1 + rng.Int32N(12)
	case 4:
		one.broken = !one.broken
	case 5:
		one.Ready = rng.Int32N(one.Replicas + 1)
	case 6:
		one.Failed = !one.Failed
	case 7:
		c.now = c.now.Add(time.Duration(rng.Int64N(int64(Grace))))
	case 8:
		one.Deployed, one.Replicas, one.Ready = false, 0, 0 // deleted by hand
	default:
		c.podsUp()
	}
}

func violated(plan Plan, d Decision, ready map[int64]int32, revs map[int64]*fakeRevision) string {
	sum := int32(0)
	for _, s := range d.Shares {
		if s.Weight < 0 {
			return "a negative weight"
		}
		sum += s.Weight
		needs := Needed(plan.Replicas, s.Weight)
		if !s.Stable && s.Weight > 0 && ready[s.Number] < needs && !d.StandIn {
			return fmt.Sprintf("revision %d carries %d with %d of %d pods", s.Number, s.Weight, ready[s.Number], needs)
		}
	}
	switch entry := ready[d.Entry.Number]; {
	case sum != All:
		return fmt.Sprintf("weights sum to %d", sum)
	case len(d.Shares) != 1 && d.Canary.None(), len(d.Shares) != 2 && !d.Canary.None():
		return "shares and roles differ"
	case d.Canary == d.Stable && !d.Stable.None():
		return "one revision with both roles"
	case d.Entry != d.Stable && !d.Stable.None() && !d.StandIn:
		return "the entry is not the stable one"
	case entry == 0 && !d.Canary.None() && ready[d.Canary.Number] > 0:
		return "nobody answers though the canary could"
	case d.StandIn && ready[d.Stable.Number] > 0:
		return "a stand-in for somebody who is there"
	case d.Promoted && ready[d.Stable.Number] == 0:
		return "a promotion without pods"
	}
	for _, s := range d.Shares {
		if !d.runs(s.Name) {
			return fmt.Sprintf("revision %d has a share and no pods to have", s.Number)
		}
	}
	for _, id := range d.Delete {
		if id == d.Stable || id == d.Canary || id == plan.Target || revs[id.Number].Deployed {
			return fmt.Sprintf("revision %d is deleted", id.Number)
		}
	}
	return ""
}

// atEnd lets everything settle, and then sets the model back: whatever has happened, the stable one serves everything.
func atEnd(t *testing.T, c *cluster, seed uint64) {
	t.Helper()
	g := NewWithT(t)
	for _, r := range c.revs {
		r.broken = false
	}
	d := c.settle(t)
	g.Expect(d.Stable.None()).To(BeFalse(), "seed %d", seed)
	g.Expect(d.CanaryWeight()).To(Equal(map[bool]int32{true: 0, false: c.plan.Weight}[d.Canary.None()]), "seed %d", seed)

	c.target(d.Stable.Number)
	d = c.settle(t)
	g.Expect(weights(d)).To(Equal(map[int64]int32{c.plan.Target.Number: All}), "seed %d", seed)
	g.Expect(d.Canary.None()).To(BeTrue())
	for n, r := range c.revs {
		g.Expect(r.Deployed).To(Equal(n == c.plan.Target.Number), "seed %d: revision %d", seed, n)
	}
}

func TestStepIsCalledAgainWhenAPodCanBeReached(t *testing.T) {
	g := NewWithT(t)
	seen := Observed{Stable: "m--1", Revisions: []Revision{
		{ID: ID{Name: "m--1", Number: 1}, Ready: 1, Deployed: true, Replicas: 1},
		{ID: ID{Name: "m--2", Number: 2}, NextReady: 2 * time.Second, Deployed: true, Replicas: 1},
		{ID: ID{Name: "m--3", Number: 3}, NextReady: time.Second}, // has no pods that matter
	}}
	plan := Plan{Target: ID{Name: "m--2", Number: 2}, Replicas: 1, Weight: 10}
	d := Step(plan, seen, start)
	g.Expect(weights(d)).To(Equal(map[int64]int32{1: 100, 2: 0}))
	g.Expect(d.WakeUp).To(Equal(2 * time.Second))

	seen.Revisions[1].Ready, seen.Revisions[1].NextReady = 1, 0
	d = Step(plan, seen, start)
	g.Expect(weights(d)).To(Equal(map[int64]int32{1: 90, 2: 10}))
	g.Expect(d.WakeUp).To(BeZero())
}
