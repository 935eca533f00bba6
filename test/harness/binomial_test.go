package harness

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestInterval(t *testing.T) {
	cases := []struct {
		n          int
		p          float64
		confidence float64
		low, high  int
	}{
		{10, 0.5, 0.95, 2, 8},  // P(X<2)=0.0107, P(X<3)=0.0547: a table of the binomial distribution
		{20, 0.5, 0.99, 4, 16}, // P(X<4)=0.0013, P(X<5)=0.0059
		{2000, 0, 0.999, 0, 0}, //
		{2000, 1, 0.999, 2000, 2000},
		{1, 0.5, 0.999, 0, 1},
	}
	for _, c := range cases {
		low, high := Interval(c.n, c.p, c.confidence)
		if low != c.low || high != c.high {
			t.Errorf("Interval(%d, %v, %v) = [%d, %d], not [%d, %d]", c.n, c.p, c.confidence, low, high, c.low, c.high)
		}
	}
}

// The definition, summed anew for many parameters: the tails are small enough, and no narrower interval's are.
func TestIntervalIsTheNarrowest(t *testing.T) {
	for _, n := range []int{5, 100, 2000, 10000} {
		for _, p := range []float64{0.01, 0.1, 0.5, 0.9} {
			low, high := Interval(n, p, Confidence)
			cut := func(from, to int) (sum float64) {
				for k := from; k < to; k++ {
					sum += probability(n, k, p)
				}
				return sum
			}
			const tail = (1 - Confidence) / 2
			if cut(0, low) > tail || cut(0, low+1) <= tail {
				t.Errorf("n=%d p=%v: %d is not the lower end", n, p, low)
			}
			if cut(high+1, n+1) > tail || cut(high, n+1) <= tail {
				t.Errorf("n=%d p=%v: %d is not the upper end", n, p, high)
			}
			if total := cut(0, n+1); math.Abs(total-1) > 1e-9 {
				t.Errorf("n=%d p=%v: the probabilities sum to %v", n, p, total)
			}
		}
	}
}

func TestIntervalHoldsForDraws(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const n, p, rounds = 2000, 0.1, 3000
	low, high := Interval(n, p, Confidence)
	outside := 0
	for range rounds {
		hits := 0
		for range n {
			if random.Float64() < p {
				hits++
			}
		}
		if hits < low || hits > high {
			outside++
		}
	}
	if outside > 12 {
		t.Errorf("%d of %d draws were outside of [%d, %d]; about %.0f are expected", outside, rounds, low, high, rounds*(1-Confidence))
	}
}
