package harness

import "math"

// Confidence is what the demo and the specs ask of a split: a healthy one is outside of the interval once in a thousand
// times.
const Confidence = 0.999

// Interval is the range of counts in which a binomial variable (n draws, each a hit with probability p) lies with at
// least the given confidence: what is cut off at each end has a probability of at most half of what the confidence
// leaves. It sums the exact distribution.
func Interval(n int, p, confidence float64) (low, high int) {
	switch {
	case p <= 0:
		return 0, 0
	case p >= 1:
		return n, n
	}
	tail := (1 - confidence) / 2
	below := 0.0
	for low = 0; low < n; low++ { //nolint:intrange // low is n where nothing ends it before
		below += probability(n, low, p)
		if below > tail {
			break
		}
	}
	above := 0.0
	for high = n; high > 0; high-- {
		above += probability(n, high, p)
		if above > tail {
			break
		}
	}
	return low, high
}

// probability of exactly k hits; by logarithms, since the factors leave the range of a float64 long before n is large.
func probability(n, k int, p float64) float64 {
	choose := lgamma(n+1) - lgamma(k+1) - lgamma(n-k+1)
	return math.Exp(choose + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
}

func lgamma(n int) float64 {
	v, _ := math.Lgamma(float64(n))
	return v
}
