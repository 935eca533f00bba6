package features

import (
	"math"
	"sort"
)

// reciprocal is 1/(x + offset).
type reciprocal struct {
	x      value
	offset float64
	// what is x as the feature file calls it.
	what string
}

func buildReciprocal(a *arguments) value {
	x := a.of(Number, Integer)
	return a.emit(reciprocal{x, a.real("offset", 1), a.b.describe(x)}, Number)
}

func (o reciprocal) from() []value { return []value{o.x} }

func (o reciprocal) run(f *Frame, to int) { f.numbers[to] = 1 / (f.number(o.x) + o.offset) }

func (o reciprocal) complaint(f *Frame, direct bool) string {
	is := "1/(" + o.what + "+" + format(o.offset) + ")"
	if direct {
		return "must not be " + format(f.number(o.x)) + ": " + is + " is one of the model's features"
	}
	return "makes " + is + " infinite, which is one of the model's features"
}

// log1p is ln(1 + x).
type log1p struct{ x value }

func buildLog1p(a *arguments) value { return a.emit(log1p{a.of(Number, Integer)}, Number) }

func (o log1p) from() []value { return []value{o.x} }

func (o log1p) run(f *Frame, to int) { f.numbers[to] = math.Log1p(f.number(o.x)) }

func (o log1p) complaint(_ *Frame, direct bool) string {
	if direct {
		return "must be greater than -1: its logarithm, log1p, is one of the model's features"
	}
	return "makes a number of -1 or less, whose logarithm, log1p, is one of the model's features"
}

// standardise is (x - mean) / scale.
type standardise struct {
	x           value
	mean, scale float64
}

func buildStandardise(a *arguments) value {
	o := standardise{a.of(Number, Integer), a.real("mean", 0), a.real("scale", 1)}
	if o.scale == 0 {
		a.fail(a.node, "cannot have a scale of 0; a column that does not vary has scale 1")
	}
	return a.emit(o, Number)
}

func (o standardise) from() []value { return []value{o.x} }

func (o standardise) run(f *Frame, to int) { f.numbers[to] = (f.number(o.x) - o.mean) / o.scale }

// standardScaler is standardise for a whole vector. mean or scale is nil where it is not used.
type standardScaler struct{ mean, scale []float64 }

// Width implements Scaler.
func (s *standardScaler) Width() (in, out int) {
	n := max(len(s.mean), len(s.scale))
	return n, n
}

// Scratch implements Scaler.
func (s *standardScaler) Scratch() int { return 0 }

// Apply implements Scaler.
func (s *standardScaler) Apply(dst, src, _ []float64) bool {
	copy(dst, src)
	for i, mean := range s.mean {
		dst[i] -= mean
	}
	ok := true
	for i, scale := range s.scale {
		dst[i] /= scale
		ok = ok && !math.IsInf(dst[i], 0)
	}
	return ok
}

// clip is x, and no less than low nor more than high.
type clip struct {
	x         value
	low, high float64
}

func buildClip(a *arguments) value {
	o := clip{a.of(Number, Integer), a.real("min", math.Inf(-1)), a.real("max", math.Inf(1))}
	if o.low > o.high {
		a.fail(a.node, "has a min of %v above its max of %v", o.low, o.high)
	}
	return a.emit(o, Number)
}

func (o clip) from() []value { return []value{o.x} }

func (o clip) run(f *Frame, to int) { f.numbers[to] = min(max(f.number(o.x), o.low), o.high) }

// bucket is the number of boundaries that x is not below, as numpy's digitize counts; with right, of those that it is above.
type bucket struct {
	x          value
	boundaries []float64
	right      bool
}

func buildBucket(a *arguments) value {
	o := &bucket{a.of(Number, Integer), a.reals("boundaries"), a.yes("right")}
	if o.boundaries == nil {
		a.fail(a.node, "needs boundaries")
	}
	for i := 1; i < len(o.boundaries); i++ {
		if o.boundaries[i] <= o.boundaries[i-1] {
			a.fail(a.get("boundaries"), "needs boundaries that rise, and %v follows %v", o.boundaries[i], o.boundaries[i-1])
		}
	}
	return a.emit(o, Integer)
}

func (o *bucket) from() []value { return []value{o.x} }

func (o *bucket) run(f *Frame, to int) {
	x := f.number(o.x)
	// What is missing goes where numpy puts it: behind the last boundary.
	f.integers[to] = int64(sort.Search(len(o.boundaries), func(i int) bool {
		return x < o.boundaries[i] || o.right && x == o.boundaries[i]
	}))
}

// modulo is the rest of n divided by a positive number, never negative, as in Python.
type modulo struct {
	n  value
	by int64
}

func buildModulo(a *arguments) value {
	return a.emit(modulo{a.of(Integer), a.whole("by", 1, math.MaxInt64)}, Integer)
}

func (o modulo) from() []value { return []value{o.n} }

func (o modulo) run(f *Frame, to int) { f.integers[to] = floorMod(f.integers[o.n.slot], o.by) }

func floorMod(n, by int64) int64 {
	if n %= by; n < 0 {
		n += by
	}
	return n
}

// sum adds up values, each times its weight where there are weights.
type sum struct {
	terms   []value
	weights []float64
}

func buildSum(a *arguments) value {
	o := &sum{terms: a.list(1, Number, Integer), weights: a.reals("weights")}
	if o.weights != nil && len(o.weights) != len(o.terms) {
		a.fail(a.get("weights"), "needs a weight for each of its %d terms, not %d", len(o.terms), len(o.weights))
	}
	if o.weights == nil && allIntegers(o.terms) {
		return a.emit(&wholeSum{o.terms}, Integer)
	}
	return a.emit(o, Number)
}

func allIntegers(values []value) bool {
	for _, v := range values {
		if v.kind != Integer {
			return false
		}
	}
	return true
}

func (o *sum) from() []value { return o.terms }

func (o *sum) run(f *Frame, to int) {
	total := 0.0
	for i, term := range o.terms {
		x := f.number(term)
		if o.weights != nil {
			x *= o.weights[i]
		}
		if i == 0 {
			total = x
		} else {
			total += x
		}
	}
	f.numbers[to] = total
}

// largestInteger bounds what sums and products of integers may be, in floating point, so that they certainly fit.
const largestInteger = 1 << 62

// wholeSum adds up integers.
type wholeSum struct{ terms []value }

func (o *wholeSum) from() []value { return o.terms }

func (o *wholeSum) run(f *Frame, to int) {
	total, check := int64(0), 0.0
	for _, term := range o.terms {
		n := f.integers[term.slot]
		total += n
		check += math.Abs(float64(n))
	}
	if check > largestInteger {
		f.overflowed = value{Integer, to}
	}
	f.integers[to] = total
}

// product multiplies values.
type product struct{ factors []value }

func buildProduct(a *arguments) value {
	factors := a.list(1, Number, Integer)
	if allIntegers(factors) {
		return a.emit(&wholeProduct{factors}, Integer)
	}
	return a.emit(&product{factors}, Number)
}

func (o *product) from() []value { return o.factors }

func (o *product) run(f *Frame, to int) {
	total := f.number(o.factors[0])
	for _, factor := range o.factors[1:] {
		total *= f.number(factor)
	}
	f.numbers[to] = total
}

// wholeProduct multiplies integers.
type wholeProduct struct{ factors []value }

func (o *wholeProduct) from() []value { return o.factors }

func (o *wholeProduct) run(f *Frame, to int) {
	total, check := int64(1), 1.0
	for _, factor := range o.factors {
		n := f.integers[factor.slot]
		total *= n
		// A factor of zero makes up for nothing: what was too large before is.
		check *= max(math.Abs(float64(n)), 1)
	}
	if check > largestInteger {
		f.overflowed = value{Integer, to}
	}
	f.integers[to] = total
}
