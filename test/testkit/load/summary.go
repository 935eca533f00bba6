package load

import (
	"maps"
	"math"
	"slices"
	"sync"
	"time"
)

// Kinds of failure.
const (
	FailConnect  = "connect"  // no connection
	FailWrite    = "write"    // the connection died while the request was being sent
	FailRead     = "read"     // the connection died, or time ran out, before the whole answer was there
	FailStatus   = "status"   // the answer was not 2xx
	FailBody     = "body"     // 2xx, but no valid prediction
	FailRevision = "revision" // a prediction that does not say which revision made it
	FailScore    = "score"    // a prediction that is not the one that revision makes
	FailRequest  = "request"  // the request could not be made; our own fault
)

// maxExamples is how many failures are told in full.
const maxExamples = 8

// Failure is one failed request.
type Failure struct {
	// Seconds is when it was sent, counted from the start of the load.
	Seconds float64 `json:"seconds"`
	Kind    string  `json:"kind"`
	Detail  string  `json:"detail"`
}

// Latency holds percentiles in milliseconds, correct to about 5 %, and the exact maximum.
type Latency struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Summary is what happened to a load.
type Summary struct {
	Seconds  float64 `json:"seconds"`
	Requests int     `json:"requests"`
	Failed   int     `json:"failed"`
	// FailedBy counts the failures by kind; Examples tells the first few.
	FailedBy map[string]int `json:"failedBy,omitempty"`
	Examples []Failure      `json:"examples,omitempty"`
	// Revisions counts the answers by the revision that computed them; Fallbacks those that a stable pod computed because
	// the canary did not, by reason. A fallback is in both.
	Revisions map[int64]int  `json:"revisions"`
	Fallbacks map[string]int `json:"fallbacks,omitempty"`
	// Opened counts connections; ClosedPolitely those given up because an answer said so; ClosedIdle those that the
	// server closed between two requests.
	Opened         int     `json:"opened"`
	ClosedPolitely int     `json:"closedPolitely,omitempty"`
	ClosedIdle     int     `json:"closedIdle,omitempty"`
	Latency        Latency `json:"latencyMs"`
	// Assignments holds, for each key, the revisions that answered it, in order, without repetitions of a neighbour.
	Assignments map[string][]int64 `json:"assignments,omitempty"`
}

// Fallback is how many answers were fallbacks.
func (s Summary) Fallback() int {
	total := 0
	for _, n := range s.Fallbacks {
		total += n
	}
	return total
}

// brief leaves out what grows with the load.
func (s Summary) brief() Summary {
	s.Assignments = nil
	return s
}

// recorder collects what the workers see. One lock: at the tens of thousands of requests a second that this generator
// reaches, it is not what limits it.
type recorder struct {
	mu      sync.Mutex
	start   time.Time
	sum     Summary
	keep    bool
	lastBy  map[string][]int64
	latency histogram
	slowest time.Duration
}

func newRecorder(start time.Time, assignments bool) *recorder {
	return &recorder{
		start: start,
		keep:  assignments,
		sum: Summary{
			FailedBy: map[string]int{}, Revisions: map[int64]int{}, Fallbacks: map[string]int{},
		},
		lastBy: map[string][]int64{},
	}
}

func (r *recorder) failed(at time.Time, kind, detail string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Requests++
	r.sum.Failed++
	r.sum.FailedBy[kind]++
	if len(r.sum.Examples) < maxExamples {
		r.sum.Examples = append(r.sum.Examples, Failure{Seconds: at.Sub(r.start).Seconds(), Kind: kind, Detail: detail})
	}
}

func (r *recorder) answered(took time.Duration, key string, a answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Requests++
	r.sum.Revisions[a.revision]++
	if a.fallback != "" {
		r.sum.Fallbacks[a.fallback]++
	}
	r.latency.add(took)
	r.slowest = max(r.slowest, took)
	if !r.keep || key == "" {
		return
	}
	seen := r.lastBy[key]
	if len(seen) == 0 || seen[len(seen)-1] != a.revision {
		r.lastBy[key] = append(seen, a.revision)
	}
}

func (r *recorder) opened()         { r.count(&r.sum.Opened) }
func (r *recorder) closedPolitely() { r.count(&r.sum.ClosedPolitely) }
func (r *recorder) closedIdle()     { r.count(&r.sum.ClosedIdle) }

func (r *recorder) count(n *int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*n++
}

// summary is a copy that nobody writes to any more.
func (r *recorder) summary(now time.Time) Summary {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sum
	s.Seconds = now.Sub(r.start).Seconds()
	s.FailedBy, s.Revisions, s.Fallbacks = maps.Clone(s.FailedBy), maps.Clone(s.Revisions), maps.Clone(s.Fallbacks)
	s.Examples = slices.Clone(s.Examples)
	s.Latency = Latency{
		P50: r.latency.quantile(0.50), P90: r.latency.quantile(0.90), P99: r.latency.quantile(0.99),
		Max: float64(r.slowest) / float64(time.Millisecond),
	}
	if r.keep {
		s.Assignments = make(map[string][]int64, len(r.lastBy))
		for key, revisions := range r.lastBy {
			s.Assignments[key] = slices.Clone(revisions)
		}
	}
	return s
}

// histogram counts durations in buckets that grow by 5 %, from a microsecond up to about a minute.
type histogram struct {
	buckets [400]int
	total   int
}

const growth = 1.05

func (h *histogram) add(d time.Duration) {
	micros := max(1, float64(d)/float64(time.Microsecond))
	i := min(len(h.buckets)-1, int(math.Log(micros)/math.Log(growth)))
	h.buckets[i]++
	h.total++
}

// quantile is the upper end, in milliseconds, of the bucket in which the q-th share of the durations ends.
func (h *histogram) quantile(q float64) float64 {
	rank := int(math.Ceil(q * float64(h.total)))
	seen := 0
	for i, n := range h.buckets {
		seen += n
		if n > 0 && seen >= rank {
			return math.Pow(growth, float64(i+1)) / 1000
		}
	}
	return 0
}
