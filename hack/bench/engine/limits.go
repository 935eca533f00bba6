package main

import (
	"time"
)

// limits are what the core can do at best.
type limits struct {
	// flops are multiplications and additions of float32 in a second.
	flops float64
	// cache and memory are bytes read in a second: from what a core's second cache holds, and from memory.
	cache, memory float64
}

// The sizes of what is read. The smaller is that of a network's weights.
const (
	cacheBytes  = 600 << 10
	memoryBytes = 256 << 20
)

// measureLimits takes the best of some attempts, each a few milliseconds.
func measureLimits() limits {
	l := loops()
	if l.multiply == nil {
		return limits{}
	}
	const times = 1 << 20
	cache, memory := make([]byte, cacheBytes), make([]byte, memoryBytes)
	for i := range memory {
		memory[i] = 1
	}
	for i := range cache {
		cache[i] = 1
	}
	return limits{
		flops: fastest(func() float64 { l.multiply(times); return float64(times * l.perTurn) }),
		cache: fastest(func() float64 {
			for range 200 {
				l.read(&cache[0], len(cache))
			}
			return float64(200 * len(cache))
		}),
		memory: fastest(func() float64 { l.read(&memory[0], len(memory)); return float64(len(memory)) }),
	}
}

// fastest is the highest rate of some attempts.
func fastest(attempt func() (amount float64)) float64 {
	best := 0.0
	for range 40 {
		begin := time.Now()
		amount := attempt()
		best = max(best, amount/time.Since(begin).Seconds())
	}
	return best
}

// limitLoops are the loops for the processor; perTurn is how many operations a turn of multiply does.
type limitLoops struct {
	multiply func(n int)
	read     func(p *byte, n int)
	perTurn  int
}
